# SPDX-License-Identifier: Apache-2.0
"""Many at once: changes of members and groups at a pace, idle check-ins that are known again, large files in parts."""

import json
import re

import pytest

from clients import Device, rsa_key
from world import ApiError, World, wait_for

DEVICES = 12


class Fleet:
    """Devices of a group within a group, which hold a root and nothing else."""

    def __init__(self, world):
        self.world = world
        self.user = world.add_user("fleet@contoso.example")
        self.below = world.add_group("Below", self.user)
        self.group = world.add_group("Above", self.below)
        self.root = world.add_root()
        world.assign(self.root, self.group)
        key = rsa_key()
        self.devices = [Device(world, world.code(user=self.user), key, f"fleet-{i}") for i in range(DEVICES)]
        self.settle()

    def settle(self):
        for d in self.devices:
            d.settle()

    def holding(self):
        for d in self.devices:
            d.settle()
        return sum(bool(d.inventory) for d in self.devices)

    def rollout(self):
        """The newest one."""
        rows = self.world.cli_json("rollout", "list")
        rows = rows["value"] if isinstance(rows, dict) else rows
        return max(rows, key=lambda r: r["createdDateTime"]) if rows else None


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    world = World(str(tmp_path_factory.mktemp("regroup")))
    try:
        world.setup()
        secret = tmp_path_factory.mktemp("login") / "secret"
        secret.write_text(world.app["client_secret"])
        secret.chmod(0o600)
        world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
                  "--secret-file", str(secret), "--ca", world.root_file)
        world.api("PATCH", "/chancery/v1/rolloutSettings", {"threshold": 5, "slotsPerHour": 1})
        yield Fleet(world)
    finally:
        world.close()


def calm(world):
    text = world.raw("GET", "/metrics")[2].decode()
    return int(re.search(r"^chancery_checkins_calm_total (\d+)", text, re.M).group(1))


def test_an_idle_check_in_is_known_again_until_something_changes(fleet):
    world, device = fleet.world, fleet.devices[0]
    device.checkin()
    before = calm(world)
    for _ in range(5):
        assert device.checkin() == []
    assert calm(world) == before + 5
    world.assign(fleet.root)  # from everybody: paced, so the device keeps it
    assert device.checkin() == []
    assert calm(world) == before + 5, "compared anew"
    world.api("POST", f"/chancery/v1/rollouts/{fleet.rollout()['id']}/rollback")
    fleet.settle()


def test_a_device_that_is_retired_is_told_at_once(fleet):
    world = fleet.world
    key = rsa_key()
    device = Device(world, world.code(user=fleet.user), key, "leaving")
    device.settle()
    device.checkin()
    before = calm(world)
    assert device.checkin() == []
    assert calm(world) == before + 1
    world.api("POST", f"/v1.0/deviceManagement/managedDevices/{device.id}/retire")
    commands = device.checkin()
    assert [c["kind"] for c in commands] == ["remove_ca"]
    with pytest.raises(ApiError) as e:
        device.checkin([device.obey(c) for c in commands])
    assert e.value.status == 403


def test_the_effect_of_members_is_shown_and_nothing_is_done(fleet):
    world = fleet.world
    said = world.cli_json("group", "remove-member", "Above", "Below", "--dry-run")
    assert (said["withdraw"], said["revoke"], said["paced"], said["complete"]) == (DEVICES, 0, True, True)
    assert [(p["displayName"], p["withdraw"]) for p in said["profiles"]] == [("Contoso Root", DEVICES)]
    said = world.cli_json("group", "delete", "Above", "--dry-run")
    assert said["withdraw"] == DEVICES
    said = world.cli_json("group", "add-member", "Above", "Below", "--dry-run")
    assert (said["issue"], said["withdraw"]) == (0, 0)
    assert "nothing was changed" in world.cli("group", "delete", "Above", "--dry-run").stdout
    assert fleet.holding() == DEVICES


@pytest.mark.parametrize("body", [{}, {"add": []}, {"remove": "x"}, {"remove": ["no-id"]},
                                  {"add": ["00000000-0000-4000-8000-000000000000"]}])
def test_refuses_an_effect_of_nothing_or_of_nobody(fleet, body):
    with pytest.raises(ApiError) as e:
        fleet.world.api("POST", f"/chancery/v1/groups/{fleet.group['id']}/effect", body)
    assert e.value.status in (400, 404)


def test_many_members_leave_at_a_pace(fleet):
    world = fleet.world
    status, headers, _ = world.raw("DELETE", f"/v1.0/groups/{fleet.group['id']}/members/{fleet.below['id']}/$ref")
    assert status == 204
    assert {k.lower(): v for k, v in headers.items()}["chancery-warning"].startswith("rollout-begun;")
    wait_for(lambda: fleet.rollout()["counted"], why="the count")
    rollout = fleet.rollout()
    assert (rollout["change"], rollout["slots"], rollout["slotsToWithdraw"]) == ("members", DEVICES, DEVICES)
    assert fleet.holding() == DEVICES
    with pytest.raises(ApiError) as e:
        world.api("POST", f"/chancery/v1/rollouts/{rollout['id']}/rollback")
    assert "rollout-no-back" in json.dumps(e.value.body)
    world.cli("rollout", "finish", rollout["id"])
    assert fleet.holding() == 0
    audit = world.api("GET", "/chancery/v1/audit?$top=200")["value"]
    assert [a for a in audit if a["action"] == "rollout.begin" and '"members"' in json.dumps(a)]


def test_a_filter_shows_what_its_rule_would_take(fleet):
    world = fleet.world
    world.add_member(fleet.group, fleet.below)
    made = world.cli_json("filter", "create", "Fleet", "--platform", "linux", "--rule",
                          '(device.deviceName -startsWith "fleet")')
    world.api("POST", f"{world.CONFIGURATIONS}/{fleet.root['id']}/assign", {"assignments": [{"target": {
        "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": fleet.group["id"],
        "deviceAndAppManagementAssignmentFilterId": made["id"],
        "deviceAndAppManagementAssignmentFilterType": "include"}}]})
    assert fleet.holding() == DEVICES
    rule = '(device.deviceName -startsWith "fleet-1")'
    said = world.cli_json("filter", "update", "Fleet", "--rule", rule, "--dry-run")
    assert (said["withdraw"], said["paced"]) == (DEVICES - 3, True)
    with pytest.raises(ApiError):
        world.api("POST", f"/chancery/v1/assignmentFilters/{made['id']}/effect", {"rule": "(nonsense"})
    world.cli("filter", "update", "Fleet", "--rule", rule)
    wait_for(lambda: fleet.rollout()["counted"] and fleet.rollout()["change"] == "filter", why="the count")
    assert fleet.holding() == DEVICES
    world.cli("rollout", "finish", fleet.rollout()["id"])
    assert fleet.holding() == 3


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)



def test_a_large_file_goes_in_parts_and_on_from_where_it_failed(fleet, tmp_path):
    """Past what one message holds: each part is whole or not at all."""
    world = fleet.world
    long = "x" * 240
    columns = ["userPrincipalName", "displayName", "department", "jobTitle", "officeLocation", "companyName"]
    rows = [f"part{i:05}@contoso.example,{long},{long},{long},{long},{long}" for i in range(5500)]
    path = written(tmp_path / "large.csv", ",".join(columns) + "\n" + "\n".join(rows) + "\n")
    done = world.cli_json("user", "import", path, "--from", "5400", timeout=300)
    assert (done["created"], done["errorCount"]) == (102, 0), "a small rest in one go"
    wrong = written(tmp_path / "wrong.csv",
                    ",".join(columns) + "\n" + "\n".join(rows[:5498] + ["nobody,x,x,x,x,x"]) + "\n")
    refused = world.cli("user", "import", wrong, check=False, timeout=300)
    assert refused.returncode != 0 and "5500" in refused.stdout + refused.stderr
    assert world.api("GET", "/v1.0/users?$filter=userPrincipalName eq 'part00001@contoso.example'")["value"] == []
    done = world.cli_json("user", "import", path, timeout=300)
    assert (done["created"], done["unchanged"]) == (5398, 102)
    assert world.cli("user", "import", path, "--from", "x", check=False).returncode != 0


def test_an_import_that_makes_many_certificates_anew_says_so_and_is_refused(fleet, tmp_path):
    world = fleet.world
    everybody = world.add_group("Named", fleet.user)
    world.assign(fleet.root, everybody)
    pkcs = world.add_pkcs(fleet.root, name="Named", subject="CN={{UserName}},OU={{DisplayName}}")
    world.assign(pkcs, everybody)
    for d in fleet.devices:
        d.settle(90, until=lambda d=d: len(d.inventory) == 2)
    path = written(tmp_path / "names.csv", "userPrincipalName,displayName\nfleet@contoso.example,Renamed\n")
    dry = world.cli_json("user", "import", path, "--dry-run")
    assert (dry["updated"], dry["reissue"]) == (1, DEVICES)
    refused = world.cli("user", "import", path, check=False)
    assert refused.returncode != 0 and f"{DEVICES} certificates" in refused.stderr
    assert world.api("GET", f"/v1.0/users/{fleet.user['id']}")["displayName"] == "Fleet"
    status, _, data = world.raw("POST", "/chancery/v1/users/import", {"dryRun": False, "rows": [
        {"userPrincipalName": "fleet@contoso.example", "displayName": "Renamed"}]})
    assert status == 409 and b"import-large" in data
    # Nor is one change by itself a way around it, but for who says so.
    user = f"/v1.0/users/{fleet.user['id']}"
    refused = world.cli("user", "update", "fleet@contoso.example", "--name", "Other", check=False)
    assert refused.returncode != 0 and "--now" in refused.stderr
    status, _, data = world.raw("PATCH", user, {"displayName": "Other"})
    assert status == 409 and b"import-large" in data
    assert world.api("GET", user)["displayName"] == "Fleet"
    world.cli("user", "update", "fleet@contoso.example", "--surname", "Not in a name")
    assert "issued again" in world.cli("user", "import", path, "--yes").stdout
    assert world.api("GET", user)["displayName"] == "Renamed"
    # These are on their way: another name for them is none the more.
    world.cli("user", "update", "fleet@contoso.example", "--name", "Renamed again")
    world.cli("user", "update", "fleet@contoso.example", "--name", "Once more", "--now")
    assert world.api("GET", user)["displayName"] == "Once more"
