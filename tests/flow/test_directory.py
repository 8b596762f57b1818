# SPDX-License-Identifier: Apache-2.0
"""Directory and assignment as an administrator uses them: files, nested groups, filters, what an edit would do."""

import json
import os
import urllib.parse
import xml.etree.ElementTree as ET

import pytest

from world import wait_for

FILTERS = "/beta/deviceManagement/assignmentFilters"


def written(world, name, text):
    path = os.path.join(world.dir, name)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)
    return path


@pytest.fixture(scope="module")
def given(world):
    """A user in a group within a group; her laptop has root and certificate through the outer one."""
    class Given:
        pass
    g = Given()
    secret = written(world, "secret", world.app["client_secret"])
    os.chmod(secret, 0o600)
    world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
              "--secret-file", secret, "--ca", world.root_file)
    g.user = world.add_user("mary@contoso.example", "mary@contoso.example")
    g.inner = world.add_group("Inner", g.user)
    g.outer = world.add_group("Outer", g.inner)
    g.agent = world.device("laptop-mary", g.user)
    g.root = world.add_root("Root of mary")
    g.pkcs = world.add_pkcs(g.root, name="Certificate of mary")
    world.assign(g.root, g.outer)
    world.assign(g.pkcs, g.outer)
    world.wait_slot(g.agent, g.pkcs, seconds=60)
    return g


def users(world, word):
    return world.api("GET", f"/v1.0/users?$filter=contains(userPrincipalName,'{word}')")["value"]


def test_a_group_within_a_group_brings_the_certificate(world, given):
    assert world.slot(given.agent, given.pkcs)["state"] == "installed"
    above = world.api("GET", f"/v1.0/users/{given.user['id']}/transitiveMemberOf")["value"]
    assert {g["displayName"] for g in above} == {"Inner", "Outer"}
    status, _, data = world.raw("POST", f"/v1.0/groups/{given.inner['id']}/members/$ref",
                                {"@odata.id": f"{world.url}/v1.0/groups/{given.outer['id']}"})
    assert status == 400 and b"group-cycle" in data


def test_users_come_from_a_file_all_or_none_and_the_same_file_again_changes_nothing(world):
    text = ('upn,name,mail,enabled,onPremisesImmutableId\r\n'
            'f1@file.example,"One, First",f1@mail.example,true,k-1\r\n'
            'f2@file.example,Two,,,k-2\r\n')
    path = written(world, "users.csv", text)
    dry = world.cli_json("user", "import", path, "--dry-run")
    assert (dry["created"], dry["applied"]) == (2, False) and not users(world, "file.example")
    assert "2 new" in world.cli("user", "import", path).stdout
    assert {u["displayName"] for u in users(world, "file.example")} == {"One, First", "Two"}
    assert world.cli_json("user", "import", path)["unchanged"] == 2
    bad = written(world, "bad.csv", text + "f3@file.example,Three\r\nnobody,Four\r\n")
    done = world.cli("user", "import", bad, check=False)
    assert done.returncode != 0
    assert "nobody" not in str(users(world, "file.example")) and "f3@" not in str(users(world, "file.example"))
    assert "\n5 " in done.stdout and "name@domain" in done.stdout
    renamed = written(world, "users.json", json.dumps(
        [{"userPrincipalName": "f1.new@file.example", "onPremisesImmutableId": "k-1"}]))
    assert world.cli_json("user", "import", renamed)["updated"] == 1
    assert len(users(world, "file.example")) == 2


def test_groups_come_from_a_file_with_their_members(world, given):
    path = written(world, "groups.csv", "displayName;members\nFiled;mary@contoso.example|Inner\n")
    assert world.cli_json("group", "import", path)["created"] == 1
    assert world.cli_json("group", "import", path)["unchanged"] == 1
    group = world.api("GET", "/v1.0/groups?$filter=displayName eq 'Filed'&$expand=members")["value"][0]
    assert {m["id"] for m in group["members"]} == {given.user["id"], given.inner["id"]}


def test_each_noun_lists_shows_and_deletes_what_is_its_own(world, given):
    for noun, name, ident in (("user", given.user["userPrincipalName"], given.user["id"]),
                              ("device", "laptop-mary", given.agent.id),
                              ("group", "Outer", None), ("profile", given.pkcs["displayName"], given.pkcs["id"])):
        assert name in world.cli(noun, "list").stdout
        if ident is not None:
            assert world.cli_json(noun, "show", name)["id"] == world.cli_json(noun, "show", ident)["id"] == ident
        assert world.cli(noun, "show", "Who is that", check=False).returncode == 4
    assert world.api("GET", "/beta/deviceManagement/ndesConnectors")["value"][0]["id"] in world.cli(
        "connector", "list").stdout
    code = world.cli_json("code", "create")
    assert code["id"] in world.cli("code", "list").stdout and code["userPrincipalName"] is None
    mine = world.cli_json("code", "create", "--user", given.user["userPrincipalName"])
    assert mine["userPrincipalName"] == given.user["userPrincipalName"]
    line, = [x for x in world.cli("code", "list").stdout.splitlines() if x.startswith(mine["id"])]
    assert given.user["userPrincipalName"] in line
    world.cli("code", "delete", mine["id"])
    assert world.cli("code", "delete", code["id"]).stdout == "deleted\n"
    assert world.cli("code", "delete", code["id"], check=False).returncode == 4
    assert world.cli("code", "delete", "../users", check=False).returncode == 4


def test_an_edit_says_first_what_it_would_do(world, given):
    name = given.pkcs["displayName"]
    effect = world.cli_json("profile", "assign", name, "--nobody", "--dry-run")
    assert (effect["withdraw"], effect["revoke"], effect["issue"]) == (1, 1, 0)
    words = world.cli("profile", "assign", name, "--group", "Outer", "--dry-run").stdout
    assert "1 stay as they are" in words and "nothing was changed" in words
    assert world.slot(given.agent, given.pkcs)["state"] == "installed"


def test_a_filter_takes_a_certificate_away_and_brings_it_back(world, given):
    world.cli("filter", "create", "Desks", "--platform", "linux", "--rule", 'device.deviceName -startsWith "desk"')
    laptops = world.cli_json("filter", "create", "Laptops", "--platform", "linux",
                             "--rule", '(device.deviceName -startsWith "laptop-mary")')
    seen = world.cli_json("filter", "test", "Laptops")
    assert [d["deviceName"] for d in seen["value"]] == ["laptop-mary"]
    name = given.pkcs["displayName"]
    effect = world.cli_json("profile", "assign", name, "--group", "Outer", "--filter", "Desks", "--dry-run")
    assert effect["withdraw"] == 1
    world.cli("profile", "assign", name, "--group", "Outer", "--filter", "Desks")
    wait_for(lambda: not given.agent.holds(given.pkcs["id"]), 60)
    assert world.cli("filter", "delete", "Desks", check=False).returncode != 0
    # A change of the rule is enough: nobody has to assign again.
    desks = world.cli_json("filter", "update", "Desks", "--rule", 'device.deviceName -startsWith "laptop-mary"')
    assert desks["id"] != laptops["id"]
    world.wait_slot(given.agent, given.pkcs, seconds=60)
    world.cli("profile", "assign", name, "--group", "Outer")
    world.cli("filter", "delete", "Desks")
    status, _, data = world.raw("POST", FILTERS, {"displayName": "X", "platform": "linux", "rule": "device.x"})
    assert status == 400 and b"filter-rule" in data


def test_no_update_is_lost(world, given):
    path = f"/v1.0/groups/{given.inner['id']}"
    _, headers, _ = world.raw("GET", path)
    etag = {k.lower(): v for k, v in dict(headers).items()}["etag"]
    assert world.raw("PATCH", path, {"description": "a"}, headers={"If-Match": etag})[0] == 204
    assert world.raw("PATCH", path, {"description": "b"}, headers={"If-Match": etag})[0] == 412
    assert world.api("GET", path)["description"] == "a"
    path = f"{world.CONFIGURATIONS}/{given.root['id']}"
    _, headers, _ = world.raw("GET", path)
    etag = {k.lower(): v for k, v in dict(headers).items()}["etag"]
    body = {"@odata.type": "#chancery.linuxTrustedRootCertificate", "description": "a"}
    assert world.raw("PATCH", path, body, headers={"If-Match": etag})[0] == 200
    assert world.raw("PATCH", path, body, headers={"If-Match": etag})[0] == 412
    assert world.raw("DELETE", path, headers={"If-Match": etag})[0] == 412


def test_a_batch_is_answered_item_by_item(world, given):
    answer = world.api("POST", "/beta/$batch", {"requests": [
        {"id": "1", "method": "GET", "url": f"/users/{given.user['id']}?$select=id"},
        {"id": "2", "method": "GET", "url": "/beta/deviceManagement/deviceConfigurations?$top=1"},
        {"id": "3", "method": "GET", "url": "/groups/" + "0" * 8},
        {"id": "4", "method": "GET", "url": "/users", "dependsOn": ["3"]}]})
    status = {r["id"]: r["status"] for r in answer["responses"]}
    assert status == {"1": 200, "2": 200, "3": 404, "4": 424}
    page = {r["id"]: r["body"] for r in answer["responses"]}["2"]
    # The link of a page within a batch is good outside of it.
    if "@odata.nextLink" in page:
        link = urllib.parse.urlsplit(page["@odata.nextLink"])
        assert "value" in world.api("GET", urllib.parse.unquote(f"{link.path}?{link.query}"))


def test_the_schema_is_xml_that_lists_entities_and_links(world):
    status, _, data = world.raw("GET", "/beta/$metadata", token=None)
    assert status == 200
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    types = {t.get("Name"): t for t in ET.fromstring(data).iter(edm + "EntityType")}
    assert {"user", "group", "deviceConfiguration", "iosPkcsCertificateProfile"} <= set(types)
    links = {n.get("Name"): n.get("ContainsTarget") for n in
             types["deviceConfiguration"].iter(edm + "NavigationProperty")}
    assert links["assignments"] == "true"
