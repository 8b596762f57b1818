# SPDX-License-Identifier: Apache-2.0
"""The configuration in files, both ways; and large changes, which reach their devices at a pace."""

import json
import os
import pty
import shutil
import tempfile

import pytest

from world import PERMISSIONS, World, b64, pem_blocks, program, wait_for


def log_in(world):
    """As an application that may do all that files can say."""
    more = {"DeviceManagementRBAC.ReadWrite.All", "DeviceManagementServiceConfig.ReadWrite.All"}
    world.login(world.add_app("files", sorted({*PERMISSIONS, *more})))
    secret = os.path.join(world.dir, "secret")
    with open(secret, "w", encoding="utf-8") as f:
        f.write(world.app["client_secret"])
    os.chmod(secret, 0o600)
    world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
              "--secret-file", secret, "--ca", world.root_file)


@pytest.fixture(scope="module")
def here(world):
    """Signed in, with a filter, a scope tag, groups and two profiles that refer to them."""
    own = world.app
    log_in(world)
    yield world
    world.login(own)


def folder(world, name, files):
    path = os.path.join(world.dir, name)
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path)
    for file, content in files.items():
        with open(os.path.join(path, file), "w", encoding="utf-8") as f:
            f.write(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


def root_of(world, name, **more):
    with open(world.root_file, encoding="ascii") as f:
        der = pem_blocks(f.read())[0]
    return {"kind": "profile", "@odata.type": "#chancery.linuxTrustedRootCertificate", "displayName": name,
            "certFileName": "root.cer", "trustedRootCertificate": b64(der), **more}


def pkcs_of(name, root, **more):
    return {"kind": "profile", "@odata.type": "#chancery.linuxPkcsCertificateProfile", "displayName": name,
            "rootCertificate": root, "certificationAuthority": "ca.example.test",
            "certificationAuthorityName": "Contoso Issuing CA", "certificateTemplateName": "ChanceryUser",
            "subjectNameFormat": "custom", "subjectNameFormatString": "CN={{UserName}}", "certificateStore": "user",
            **more}


def everything(world):
    return {
        # What refers stands before what it refers to.
        "a-profiles.json": [
            pkcs_of("Files Wi-Fi", "Files Root", description="first", scopeTags=["Files Berlin"],
                    assignments=[{"group": "Files Sales", "filter": "Files X1", "filterMode": "include"},
                                 {"excludeGroup": "Files Lab"}]),
            root_of(world, "Files Root", assignments=[{"all": "devices"}])],
        "groups.json": [{"kind": "group", "displayName": "Files Sales", "mailNickname": "sales"},
                        {"kind": "group", "displayName": "Files Lab", "description": "no certificates"}],
        "tag.json": {"kind": "scopeTag", "displayName": "Files Berlin", "description": "of Berlin"},
        "filter.json": {"kind": "filter", "displayName": "Files X1", "platform": "linux",
                        "rule": '(device.model -eq "X1")', "scopeTags": ["Files Berlin"]},
        "notify.json": {"kind": "notification", "displayName": "Files hook", "channel": "webhook", "failure": True,
                        "address": "https://hook.example.test/x"},
        "roles.json": [
            {"kind": "role", "displayName": "Files Reader", "description": "reads",
             "permissions": ["DeviceManagementConfiguration.Read.All"], "scopeTags": ["Default"]},
            {"kind": "roleAssignment", "displayName": "Files Readers", "role": "Files Reader",
             "members": ["group:Files Sales"], "scopeTags": ["Files Berlin"]}],
    }


def plan(world, path, *more):
    return world.cli_json("apply", "-f", path, *more)


def steps(answer):
    return {(s["action"], s["kind"], s["name"]) for s in answer["steps"]}


def profile(world, name):
    rows = world.api("GET", "/beta/deviceManagement/deviceConfigurations?$expand=assignments")["value"]
    return next((p for p in rows if p["displayName"] == name), None)


def exported(world, name):
    path = os.path.join(world.dir, name)
    shutil.rmtree(path, ignore_errors=True)
    world.cli("export", path)
    out = {}
    for file in sorted(os.listdir(path)):
        with open(os.path.join(path, file), encoding="utf-8") as f:
            out[file] = json.load(f)
    return path, out


def test_a_dry_run_shows_the_plan_and_changes_nothing(here):
    path = folder(here, "conf", everything(here))
    answer = plan(here, path, "--dry-run")
    assert len(answer["steps"]) == 9 and answer["applied"] is False
    assert {s["action"] for s in answer["steps"]} == {"create"}
    assert profile(here, "Files Root") is None
    text = here.cli("apply", "-f", path, "--dry-run").stdout
    assert '+ profile "Files Wi-Fi"' in text and "9 to create, 0 to change, 0 to delete" in text


def test_without_a_terminal_it_does_not_go_on_without_yes(here):
    path = folder(here, "conf", everything(here))
    done = here.cli("apply", "-f", path, check=False)
    assert done.returncode == 2 and "--yes" in done.stderr
    assert profile(here, "Files Root") is None


def test_all_is_made_in_the_order_of_the_references_and_again_there_is_nothing_to_do(here):
    path = folder(here, "conf", everything(here))
    answer = plan(here, path, "--yes")
    assert answer["applied"] is True
    assert len([s for s in answer["steps"] if s.get("secret")]) == 1  # of the webhook, told once
    p = profile(here, "Files Wi-Fi")
    assert p["description"] == "first" and len(p["assignments"]) == 2
    assert p["@chancery.rootCertificateId"] == profile(here, "Files Root")["id"]
    assert plan(here, path, "--yes")["steps"] == []
    assert "nothing to do" in here.cli("apply", "-f", path, "--yes").stdout


def test_a_change_is_told_by_property_and_made_alone(here):
    conf = everything(here)
    conf["a-profiles.json"][0]["description"] = "second"
    path = folder(here, "conf", conf)
    answer = plan(here, path, "--dry-run")
    assert steps(answer) == {("change", "profile", "Files Wi-Fi")}
    assert answer["steps"][0]["properties"] == {"description": {"before": "first", "after": "second"}}
    version = profile(here, "Files Root")["version"]
    plan(here, path, "--yes")
    assert profile(here, "Files Wi-Fi")["description"] == "second"
    assert profile(here, "Files Root")["version"] == version


def test_what_somebody_changed_while_the_question_stood_is_not_lost(here):
    conf = everything(here)
    conf["a-profiles.json"][0]["description"] = "mine"
    path = folder(here, "conf", conf)
    pid, tty = pty.fork()
    if pid == 0:
        os.environ.update({"CHANCERY_HOME": os.path.join(here.dir, "home"), "NO_COLOR": "1"})
        os.execv(program("chancery"), ["chancery", "apply", "-f", path])
    said = b""
    while b"[y/N]" not in said:
        said += os.read(tty, 4096)
    p = profile(here, "Files Wi-Fi")
    here.api("PATCH", f"/beta/deviceManagement/deviceConfigurations/{p['id']}",
             {"@odata.type": p["@odata.type"], "description": "theirs"})
    os.write(tty, b"y\n")
    try:
        while os.read(tty, 4096):
            pass
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6
    assert profile(here, "Files Wi-Fi")["description"] == "theirs"


def test_assignments_that_somebody_changed_meanwhile_are_not_overwritten(here):
    profile = here.api("POST", here.CONFIGURATIONS, {k: v for k, v in root_of(here, "Tagged").items() if k != "kind"})
    path = f"{here.CONFIGURATIONS}/{profile['id']}"

    def tag():
        headers = here.raw("GET", path + "/assignments")[1]
        return {k.lower(): v for k, v in headers.items()}["etag"]

    everybody = {"assignments": [{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]}
    first = tag()
    assert here.raw("POST", path + "/assign", everybody, headers={"If-Match": first})[0] == 200
    assert tag() != first
    status, _, data = here.raw("POST", path + "/assign", {"assignments": []}, headers={"If-Match": first})
    assert (status, b"PreconditionFailed" in data or b"precondition" in data.lower()) == (412, True)
    assert len(here.api("GET", path + "/assignments")["value"]) == 1
    assert here.raw("POST", path + "/assign", {"assignments": []}, headers={"If-Match": f'"x", {tag()}'})[0] == 200
    assert tag() == first
    assert here.raw("POST", path + "/assign", everybody, headers={"If-Match": "*"})[0] == 200
    assert here.raw("DELETE", path)[0] == 204


def test_an_export_applied_changes_nothing(here):
    path, _ = exported(here, "exported")
    assert plan(here, path, "--prune", "--dry-run")["steps"] == []


def test_an_export_makes_an_equal_installation_out_of_an_empty_one(here):
    path, first = exported(here, "exported")
    with tempfile.TemporaryDirectory(prefix="chancery-flow-") as place:
        other = World(place, name="Other")
        try:
            other.start_roles()
            other.make_ca()
            other.join_service()
            other.learn_from_ca()
            log_in(other)
            plan(other, path, "--yes")
            _, second = exported(other, "again")
        finally:
            other.close()
    for conf in (first, second):
        for row in conf["role-assignments.json"]:
            row["members"] = [m for m in row.get("members", []) if not m.startswith("id:")]
    assert second == first


@pytest.mark.parametrize("file, place, words", [
    ('[\n {"kind": "group",\n  "displayName": "G",\n  "colour": "red"}]', ":4: colour: ", "no such property"),
    ('{"kind": "grup", "displayName": "G"}', ":1: kind: ", "must be one of"),
    ('{"kind": "group",\n "description": "x"}', ":1: displayName: ", "missing"),
    ('[{"kind": "group", "displayName": "G"},\n {"kind": "group",\n  "displayName": "G"}]', ":3: displayName: ",
     "already"),
    ('{"kind": "filter", "displayName": "F", "platform": "linux",\n "rule": "device.model -is 5"}', ":", "rule"),
])
def test_what_is_wrong_is_told_by_file_line_and_property_and_nothing_is_changed(here, file, place, words):
    path = folder(here, "bad", {"x.json": file, "good.json": {"kind": "group", "displayName": "Files Never"}})
    done = here.cli("apply", "-f", path, "--yes", check=False)
    assert done.returncode == 2 and "x.json" + place in done.stderr and words in done.stderr
    assert here.api("GET", "/v1.0/groups?$filter=displayName eq 'Files Never'".replace(" ", "%20"))["value"] == []


def test_a_wrong_setting_is_told_at_its_line_and_every_error_at_once(here):
    bad = pkcs_of("Files Bad", "Files Root", renewalThresholdPercentage=0)
    text = json.dumps(bad, indent=1)
    line = 1 + text[:text.index('"renewalThresholdPercentage"')].count("\n")
    other = json.dumps(pkcs_of("Files Bad 2", "No such root", assignments=[{"group": "No such group"}]), indent=1)
    path = folder(here, "bad", {"a.json": text, "b.json": other})
    done = here.cli("apply", "-f", path, "--yes", check=False)
    assert done.returncode == 2
    assert f"a.json:{line}: renewalThresholdPercentage: " in done.stderr
    assert 'rootCertificate: there is no profile "No such root"' in done.stderr
    assert 'assignments: there is no group "No such group"' in done.stderr
    assert profile(here, "Files Bad") is None


def test_without_the_right_to_roles_the_rest_is_exported(here):
    app = here.add_app("no roles")
    here.login(app)
    try:
        secret = os.path.join(here.dir, "secret")
        with open(secret, "w", encoding="utf-8") as f:
            f.write(app["client_secret"])
        here.cli("login", "--url", here.url, "--tenant", here.tenant, "--client-id", app["client_id"],
                 "--secret-file", secret, "--ca", here.root_file)
        path, conf = exported(here, "part")
        assert "profiles.json" in conf and "roles.json" not in conf
        assert plan(here, path, "--dry-run")["steps"] == []
    finally:
        log_in(here)


def test_prune_deletes_what_no_file_names_of_the_kinds_that_are_in_files(here):
    here.api("POST", "/beta/deviceManagement/roleScopeTags", {"displayName": "Files Stray"})
    _, now = exported(here, "exported")
    tags = [t for t in now["scope-tags.json"] if t["displayName"] != "Files Stray"]
    path = folder(here, "tags", {"tags.json": tags})
    assert plan(here, path, "--dry-run")["steps"] == []
    assert steps(plan(here, path, "--prune", "--yes")) == {("delete", "scopeTag", "Files Stray")}
    assert profile(here, "Files Root") is not None


def test_what_files_still_name_is_not_pruned(here):
    conf = everything(here)
    conf["groups.json"] = conf["groups.json"][:1]
    done = here.cli("apply", "-f", folder(here, "conf", conf), "--prune", "--yes", check=False)
    assert done.returncode == 2 and 'assignments: group "Files Lab" is in no file' in done.stderr
    assert here.api("GET", "/v1.0/groups?$filter=displayName%20eq%20'Files%20Lab'")["value"] != []


def test_an_older_version_of_a_profile_comes_back_from_the_command_line(here):
    root = here.add_root("Versioned Root")
    first = profile(here, "Versioned Root")["certFileName"]
    here.cli("profile", "update", "Versioned Root", "--set", "certFileName=next.cer")
    here.cli("profile", "assign", "Versioned Root", "--all-devices")
    versions = here.cli_json("profile", "versions", "Versioned Root")["value"]
    assert [v["replacedByChange"] for v in versions] == ["assign", "update"]
    oldest = versions[-1]["id"]
    assert "nothing was changed" in here.cli("profile", "restore", "Versioned Root", oldest, "--dry-run").stdout
    unasked = here.cli("profile", "restore", "Versioned Root", oldest, check=False)
    assert unasked.returncode != 0 and "withdrawn" in unasked.stderr
    assert profile(here, "Versioned Root")["certFileName"] == "next.cer"
    assert here.cli_json("profile", "restore", "Versioned Root", oldest, "--yes")["certFileName"] == first
    assert len(profile(here, "Versioned Root")["assignments"]) == 1
    here.cli("profile", "restore", "Versioned Root", oldest, "--assignments", "--yes")
    assert profile(here, "Versioned Root")["assignments"] == []
    gone = here.cli("profile", "restore", "Versioned Root", "999999", "--yes", check=False)
    assert gone.returncode != 0 and "no version 999999" in gone.stderr
    here.api("DELETE", f"/beta/deviceManagement/deviceConfigurations/{root['id']}")


def test_large_changes_are_paced_and_can_be_rolled_back(here):
    """Four devices and a threshold of two: a withdrawal waits for its turn, outlives a kill, and can be taken back."""
    world = here
    group = world.add_group("Paced")
    users = [world.add_user(f"paced{i}@contoso.example") for i in range(4)]
    for user in users:
        world.add_member(group, user)
    root = world.add_root("Paced Root")
    world.assign(root, group)
    agents = [world.device(f"paced-{i}", user) for i, user in enumerate(users)]
    for agent in agents:
        world.wait_slot(agent, root, seconds=90)
    world.cli("rollout", "settings", "--threshold", "2", "--pace", "1", "--steps", "")
    try:
        world.cli("profile", "unassign", root["id"], "--group", group["id"], check=False)
        answer = world.api("POST", f"/beta/deviceManagement/deviceConfigurations/{root['id']}/assign",
                           {"assignments": []})
        assert answer["@chancery.warnings"][0]["code"] == "rollout-begun"
        row = wait_for(lambda: (r := world.cli_json("rollout", "show", "Paced Root"))["counted"] and r)
        assert row["state"] == "running" and row["slots"] == 4 and row["slotsToWithdraw"] >= 4
        assert len([s for s in world.slots(profile=root["id"]) if s["wanted"]]) >= 3
        assert world.cli_json("rollout", "pause", "Paced Root")["state"] == "paused"
        status, _, data = world.raw("PATCH", f"/beta/deviceManagement/deviceConfigurations/{root['id']}",
                                    {"@odata.type": "#chancery.linuxTrustedRootCertificate",
                                     "certFileName": "other.cer"})
        assert status == 409 and b"rollout-open" in data
        world.kill("service", "front")
        wait_for(lambda: world.cli("rollout", "show", "Paced Root", check=False).returncode == 0, 30)
        assert world.cli_json("rollout", "show", "Paced Root")["state"] == "paused"
        assert world.cli_json("rollout", "rollback", "Paced Root")["state"] == "rolled back"
        back = profile(world, "Paced Root")
        assert [a["target"]["groupId"] for a in back["assignments"]] == [group["id"]]
        world.api("POST", f"/beta/deviceManagement/deviceConfigurations/{root['id']}/assign", {"assignments": []})
        world.cli("rollout", "finish", "Paced Root")
        wait_for(lambda: not any(a.trusts(root["id"]) for a in agents), 60)
    finally:
        world.cli("rollout", "settings", "--threshold", "500", "--pace", "1000", "--steps", "1,10")
