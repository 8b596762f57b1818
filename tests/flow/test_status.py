# SPDX-License-Identifier: Apache-2.0
"""How certificates stand, seen from outside: counts, lists, searches, and a report that other people's programs
open."""
import csv
import io
import json
import os
import ssl
import subprocess
import urllib.request
import zipfile

import pytest

from world import wait_for


@pytest.fixture(scope="module")
def given(world):
    g = world.two_laptops()
    secret = os.path.join(world.dir, "status.secret")
    with open(secret, "w", encoding="ascii") as f:
        f.write(world.app["client_secret"])
    os.chmod(secret, 0o600)
    world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
              "--secret-file", secret, "--ca", world.root_file)
    return g


def test_counts_rows_and_metrics_agree(world, given):
    for agent in given.agents:
        world.wait_slot(agent, given.pkcs)
    overview = world.api("GET", f"{world.CONFIGURATIONS}/{given.pkcs['id']}/deviceStatusOverview")
    users = world.api("GET", f"{world.CONFIGURATIONS}/{given.pkcs['id']}/userStatusOverview")
    rows = world.slots(profile=given.pkcs["id"])
    assert overview["successCount"] == len(rows) == len(given.agents)
    assert users["successCount"] == len({r["userId"] for r in rows})
    status = world.cli_json("status", "show")
    assert status["states"]["installed"] == len(world.slots())


def test_a_certificate_is_found_by_what_people_know_of_it(world, given):
    slot = world.wait_slot(given.agents[0], given.pkcs)
    found = world.cli_json("slot", "list", "--serial", slot["serialNumber"])["value"]
    assert [s["id"] for s in found] == [slot["id"]]
    wait_for(lambda: any(s["id"] == slot["id"] for s in world.cli_json(
        "slot", "list", "--search", slot["userPrincipalName"][:9])["value"]), 20)
    assert slot["id"] in {s["id"] for s in world.cli_json("slot", "list", "--expiring", "36500")["value"]}
    assert world.cli_json("slot", "list", "--state", "failed")["value"] == []


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_report_opens_with_other_programs(world, given, form):
    slot = world.wait_slot(given.agents[0], given.pkcs)
    job = world.cli_json("report", "export", "AllDeviceCertificates", "--format", form, "--timeout", "60")
    assert job["status"] == "completed"
    context = ssl.create_default_context(cafile=world.root_file)
    with urllib.request.urlopen(job["url"], context=context) as answer:  # without a token
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert archive.testzip() is None
    assert archive.namelist() == [f"{job['id']}.{form}"]
    text = archive.read(archive.namelist()[0]).decode()
    rows = list(csv.DictReader(io.StringIO(text))) if form == "csv" else json.loads(text)
    mine = [r for r in rows if r["SerialNumber"] == slot["serialNumber"]]
    assert len(mine) == 1
    assert mine[0]["CertificateStatus"] == "Active"
    assert mine[0]["DeviceId"] == slot["deviceId"]
    assert "Client Authentication" in mine[0]["EnhancedKeyUsage"]


def test_a_report_is_fetched_whole_or_from_where_it_broke_off(world, given, tmp_path):
    world.wait_slot(given.agents[0], given.pkcs)
    whole, rest = tmp_path / "whole.zip", tmp_path / "rest.zip"
    job = world.cli_json("report", "export", "ChancerySlots", "--output", str(whole), "--timeout", "60")
    data = whole.read_bytes()
    assert (job["status"], job["bytes"], job["file"]) == ("completed", len(data), str(whole))
    assert zipfile.ZipFile(whole).testzip() is None
    assert not whole.with_name("whole.zip.part").exists()
    rest.write_bytes(data[:100])
    curl = ["curl", "-s", "--cacert", world.root_file]
    subprocess.run([*curl, "-f", "-C", "-", "-o", rest, job["url"]], check=True, timeout=30)
    assert rest.read_bytes() == data
    head = subprocess.run([*curl, "-r", "999999999-", "-D", "-", "-o", "/dev/null", job["url"]],
                          check=True, timeout=30, capture_output=True, text=True).stdout
    assert head.startswith("HTTP/1.1 416 ")
    again = world.cli_json("report", "fetch", job["id"], str(tmp_path / "again.zip"))
    assert again["bytes"] == len(data)
    wait_for(lambda: 'chancery_http_streams{server="api"} 0' in world.raw("GET", "/metrics")[2].decode())
    # No such report, and no place for it: nothing is left behind.
    assert world.cli("report", "fetch", "ChancerySlots_0", str(tmp_path / "none.zip"), check=False).returncode != 0
    assert world.cli("report", "fetch", job["id"], str(tmp_path / "no" / "a.zip"), check=False).returncode != 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.zip", "rest.zip", "whole.zip"]


def test_what_waits_for_nobody_is_said_in_the_overview_and_found_by_its_fault(world, given):
    assert not [x for x in world.cli_json("status", "show")["warnings"] if x["code"] == "no-connector"]
    lost = world.add_pkcs(given.root, name="Lost", certificationAuthorityName="No Such CA")
    world.assign(lost, given.group)
    for agent in given.agents:
        world.wait_slot(agent, lost, "waiting")
    told = [x for x in world.cli_json("status", "show")["warnings"] if x["code"] == "no-connector"]
    assert len(told) == 1 and "No Such CA" in told[0]["message"] and told[0]["hint"]
    assert "No Such CA" in world.cli("status", "show").stdout
    found = world.cli_json("slot", "list", "--fault", "no-connector")["value"]
    assert {s["deviceId"] for s in found} == {a.id for a in given.agents}
    assert {s["profileId"] for s in found} == {lost["id"]} and all(s["nextStep"] for s in found)
    assert not world.cli_json("slot", "list", "--fault", "connector-holder")["value"]
    assert not world.cli_json("slot", "list", "--fault", "ca-denied")["value"]
    world.assign(lost)
    world.api("DELETE", f"{world.CONFIGURATIONS}/{lost['id']}")


@pytest.mark.usefixtures("given")
def test_a_connector_names_each_of_its_features_once(world):
    mine = world.cli_json("connector", "list")["value"][0]["@chancery.features"]
    for features in (mine.split(","), world.admin("connector", "connector.show")["features"]):
        assert "relay" in features and len(features) == len(set(features)), features
