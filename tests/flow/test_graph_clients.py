# SPDX-License-Identifier: Apache-2.0
"""Other people's clients: Azure Identity, MSAL and the Graph client from npm on Node, `az rest` of Debian's azure-cli.

They come with tools/install-packages (tests/npm, versions in its lock file). What a client needs to be told so that it
talks to a host of one's own stands in tests/npm/client.cjs and in doc/graph.md.
"""

import json
import os
import shutil
import subprocess
import threading
import urllib.parse

import pytest

import test_profiles
from conftest import opened
from world import ROOT, wait_for

NPM = os.path.join(ROOT, "tests", "npm")


def node(world, scenario, on_code=None, **more):
    """One scenario of client.cjs; what it printed."""
    assert os.path.isdir(os.path.join(NPM, "node_modules", "@microsoft")), "run tools/install-packages test"
    ask = {"url": world.url, "host": world.host, "tenant": world.tenant, "clientId": world.app["client_id"],
           "secret": world.app["client_secret"], **more}
    env = {**os.environ, "NODE_EXTRA_CA_CERTS": world.root_file}
    with subprocess.Popen([os.environ.get("CHANCERY_NODE", "node"), "client.cjs", scenario], cwd=NPM, env=env,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as proc:
        proc.stdin.write(json.dumps(ask))
        proc.stdin.close()
        said = []

        def listen():
            for line in proc.stderr:
                said.append(line)
                if on_code is not None and line.startswith("CODE "):
                    on_code(line.split()[1])
        ear = threading.Thread(target=listen)
        ear.start()
        out = proc.stdout.read()
        ear.join()
        assert proc.wait() == 0, "".join(said)
    return json.loads(out)


@pytest.fixture(scope="module")
def people(world):
    """Names in no order of their keys."""
    made = [world.add_user(f"page{i}@contoso.example") for i in range(7)]
    return {"users": made, "group": world.add_group("Included"), "excluded": world.add_group("Excluded")}


def example(world, name):
    return test_profiles.example(name, world.root_pem)


def test_azure_identity_and_msal_get_tokens_that_the_api_takes(world):
    seen = node(world, "token")
    for one in ("identity", "msal"):
        assert world.raw("GET", "/v1.0/organization", token=seen[one])[0] == 200
    claims = seen["claims"]
    assert claims["tid"] == world.tenant and claims["idtyp"] == "app"
    assert "DeviceManagementConfiguration.ReadWrite.All" in claims["roles"]
    assert claims["iss"] == f"{world.url}/{world.tenant}/v2.0"


def test_a_wrong_secret_is_said_in_the_words_that_azure_identity_shows(world):
    seen = node(world, "wrongSecret")
    assert seen["name"] == "AuthenticationError" or seen["name"] == "AuthenticationRequiredError" or seen["message"]
    assert "AADSTS7000215" in seen["message"]


def test_a_person_signs_in_with_azure_identity_and_a_device_code(world):
    app = world.admin("service", "app.add", {"name": "npm", "permissions": ["User.Read.All"], "public": True})
    world.admin("service", "admin.add", {"name": "npm@contoso.example", "password": "correct horse battery",
                                         "permissions": ["User.Read.All"]})
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def enter(code):
        body = urllib.parse.urlencode({"user_code": code, "username": "npm@contoso.example",
                                       "name": "npm@contoso.example", "password": "correct horse battery"})
        world.https.request("POST", "/device", body, form)
    seen = node(world, "deviceCode", on_code=enter, publicClient=app["client_id"])
    assert world.raw("GET", "/v1.0/users", token=seen["token"])[0] == 200
    assert world.raw("GET", "/v1.0/groups", token=seen["token"])[0] == 403


@pytest.mark.parametrize("kind", ["TrustedRootCertificate", "PkcsCertificateProfile", "CEPCertificateProfile",
                                  "cepCertificateProfile", "PFXCertificateProfile"])
def test_the_graph_client_makes_changes_and_deletes_each_kind_of_profile(world, kind):
    bodies = [example(world, name) for name in test_profiles.TYPES if name.endswith(kind)]
    assert bodies
    for seen, sent in zip(node(world, "profiles", bodies=bodies), bodies):
        assert seen["made"]["@odata.type"] == sent["@odata.type"]
        assert seen["read"]["displayName"] == sent["displayName"]
        assert seen["changed"]["description"] == "by a client" and seen["changed"]["version"] == 2
        assert seen["gone"] and seen["after"] == 404


def test_the_graph_client_assigns_and_reads_assignments_back(world, people):
    seen = node(world, "assign", body=example(world, "iosPkcsCertificateProfile"), group=people["group"]["id"],
                excluded=people["excluded"]["id"])
    kinds = {"#microsoft.graph.groupAssignmentTarget", "#microsoft.graph.exclusionGroupAssignmentTarget"}
    for list_of in (seen["answer"]["value"], seen["expanded"]["assignments"]):
        assert {a["target"]["@odata.type"] for a in list_of} == kinds
    assert seen["added"]["id"] == f"{seen['made']['id']}_adadadad-808e-44e2-905a-0b7873a8a531"
    assert seen["single"]["target"] == seen["added"]["target"]
    assert len(seen["listed"]["value"]) == 3
    assert seen["cleared"]["value"] == []


def test_the_page_iterator_sees_every_user_once(world, people):
    seen = node(world, "pages", top=2, prefix="page", search="Page3")
    assert seen["firstPage"] == 2 and seen["next"].startswith(world.url + "/v1.0/users?")
    assert sorted(seen["names"]) == sorted(u["displayName"] for u in people["users"])
    assert int(seen["counted"]) >= len(people["users"])
    assert [u["displayName"] for u in seen["sorted"]["value"]] == ["Page6", "Page5", "Page4"]
    assert [u["displayName"] for u in seen["searched"]["value"]] == ["Page3"]
    assert seen["searched"]["@odata.count"] == 1


def test_a_batch_of_the_graph_client_is_answered_with_its_versions_in_the_addresses(world, people):
    seen = node(world, "batch", user=people["users"][0]["id"], body=example(world, "iosTrustedRootCertificate"))
    assert seen["1"]["status"] == 200 and seen["1"]["body"]["id"] == people["users"][0]["id"]
    assert seen["2"]["status"] == 201
    assert seen["3"]["status"] == 404 and seen["3"]["body"]["error"]["code"]


def test_the_second_of_two_changes_from_one_reading_gets_an_error_of_its_own(world):
    seen = node(world, "etag", body=example(world, "iosTrustedRootCertificate"))
    assert seen["etag"].startswith('W/"')
    assert seen["first"]["description"] == "first" and seen["kept"]["description"] == "first"
    assert (seen["second"]["status"], seen["second"]["code"]) == (412, "PreconditionFailed")


def test_errors_reach_a_program_with_code_words_and_request_id(world):
    kept = world.add_root("Kept")
    seen = node(world, "errors", body=example(world, "iosPkcsCertificateProfile"))
    want = {"model": (400, "ModelValidationFailure", "renewalThresholdPercentage"),
            "unknown": (400, "ModelValidationFailure", "noSuchThing"),
            "missing": (404, "ResourceNotFound", ""), "segment": (400, "BadRequest", "noSuchSegment"),
            "filter": (400, "BadRequest", "noSuchProperty"), "token": (401, "InvalidAuthenticationToken", "")}
    for name, (status, code, word) in want.items():
        e = seen[name]
        assert (e["name"], e["status"], e["code"]) == ("GraphError", status, code), e
        assert word in e["message"] and e["requestId"] and e["dated"], e
    world.api("DELETE", f"{world.CONFIGURATIONS}/{kept['id']}")


def test_a_client_that_asks_too_often_waits_as_it_is_told_and_goes_on(tmp_path):
    world = opened(tmp_path / "throttled", connector=False)
    try:
        world.stop("service")
        with open(world.conf_file("service"), encoding="utf-8") as f:
            text = f.read()
        with open(world.conf_file("service"), "w", encoding="utf-8") as f:
            f.write(text.replace("[api]\n", "[api]\nrate=20\nrate_changes=20\n"))
        world.start("service")
        wait_for(lambda: world.raw("GET", "/readyz", token=None)[0] == 200, 30)
        seen = node(world, "throttled", requests=24)
        assert seen["answered"] == 24
        assert seen["refused"]["code"] == "TooManyRequests" and int(seen["refused"]["retryAfter"]) >= 1
    finally:
        world.close()


@pytest.fixture(scope="module")
def az(world, tmp_path_factory):
    """`az rest` with a token of ours, as its manual has it for hosts of one's own."""
    assert shutil.which("az"), "run tools/install-packages test"
    folder = tmp_path_factory.mktemp("az")
    env = {**os.environ, "REQUESTS_CA_BUNDLE": world.root_file, "AZURE_CONFIG_DIR": str(folder),
           "AZURE_CORE_COLLECT_TELEMETRY": "false", "AZURE_CORE_NO_COLOR": "true"}

    def run(method, path, body=None, check=True):
        args = ["az", "rest", "--skip-authorization-header", "--only-show-errors", "--method", method, "--url",
                world.url + path, "--headers", f"Authorization=Bearer {world.bearer()}",
                "Content-Type=application/json"]
        if body is not None:
            args += ["--body", json.dumps(body)]
        done = subprocess.run(args, env=env, capture_output=True, text=True, check=False, timeout=100)
        if not check:
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None
    return run


@pytest.mark.seconds(300)
def test_az_rest_does_what_scripts_do_with_it(world, az, people):
    made = az("post", world.CONFIGURATIONS, example(world, "windows10PkcsCertificateProfile"))
    one = f"{world.CONFIGURATIONS}/{made['id']}"
    found = az("get", world.CONFIGURATIONS + "?$filter=isof('microsoft.graph.windows10PkcsCertificateProfile')"
               "&$select=id,displayName&$expand=assignments")
    assert [p["id"] for p in found["value"]] == [made["id"]]
    target = {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": people["group"]["id"]}
    assert len(az("post", one + "/assign", {"assignments": [{"target": target}]})["value"]) == 1
    done = az("patch", one, {"@odata.type": made["@odata.type"], "renewalThresholdPercentage": 0}, check=False)
    assert done.returncode != 0 and "renewalThresholdPercentage" in done.stderr
    az("delete", one)
    done = az("get", one, check=False)
    assert done.returncode != 0 and "ResourceNotFound" in done.stderr
