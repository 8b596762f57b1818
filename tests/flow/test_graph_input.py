# SPDX-License-Identifier: Apache-2.0
"""Bad input to everything that has properties beside profiles (those: test_profiles.py), and many writers at once.

A row a property. The answer to a wrong value names the property and leaves everything as it was; who changes what
somebody else changed meanwhile is told, so that no update is lost.
"""

import json
import threading

import pytest

from world import Https

ZERO = "00000000-0000-0000-0000-000000000000"
HOSTILE = ["a\u202eb", "a\u0007", "\ufeffa", "a\u200bb", "\ufffe", "a\u2028b"]
LONG = "x" * 5000
TEXT = [5, True, [], {}, ["x"], {"a": 1}, LONG, *HOSTILE, "a\nb"]
LINES = [5, True, [], {}, "x" * 70000, *HOSTILE]
BOOL = [1, 0, "true", "yes", [], {}, 1.5]
SID = [5, [], "S-1", "S-1-5-21-x", "s-1-5-21-1-2-3-4\n", LONG]
TAGS = ["0", 0, {}, [5], [None], [[]], ["4711"], ["x"], ["0"] * 101]

# what: (path, a body that is good, {property: wrong values}); "required" ones may not be null either.
RESOURCES = {
    "users": ("/v1.0/users", {
        "accountEnabled": True, "displayName": "Must not be", "mailNickname": "x",
        "userPrincipalName": "mustnotbe@contoso.example"}, {
            "userPrincipalName": [5, [], {}, "", "nobody", "@contoso.example", "a@", "a b@c", LONG, *HOSTILE, None],
            "displayName": [*TEXT, "", None], "givenName": TEXT, "surname": TEXT, "mail": [*TEXT, "nobody"],
            "mailNickname": TEXT, "accountEnabled": BOOL, "jobTitle": TEXT, "department": TEXT, "employeeId": TEXT,
            "onPremisesSamAccountName": TEXT, "onPremisesDistinguishedName": TEXT,
            "onPremisesSecurityIdentifier": SID, "onPremisesUserPrincipalName": TEXT, "onPremisesDomainName": TEXT,
            "onPremisesImmutableId": TEXT, "securityIdentifier": SID, "officeLocation": TEXT, "mobilePhone": TEXT,
            "companyName": TEXT, "noSuchThing": [1, "x", None]}),
    "groups": ("/v1.0/groups", {
        "displayName": "Must not be", "mailEnabled": False, "mailNickname": "x", "securityEnabled": True}, {
            "displayName": [*TEXT, "", None], "description": LINES, "mailNickname": TEXT,
            "onPremisesSecurityIdentifier": SID, "onPremisesSamAccountName": TEXT, "onPremisesDomainName": TEXT,
            "securityIdentifier": SID, "noSuchThing": [1, "x", None]}),
    "assignmentFilters": ("/beta/deviceManagement/assignmentFilters", {
        "displayName": "Must not be", "platform": "iOS", "rule": '(device.model -eq "x")'}, {
            "displayName": [*TEXT, "", None], "description": LINES,
            "platform": [5, [], "", "noSuchPlatform", None, LONG],
            "rule": [5, [], "", "device.x", '(device.model -eq "x"', 'device.model -gt "x"', "x" * 4000, None],
            "assignmentFilterManagementType": [5, [], "noSuchMember"],
            "roleScopeTags": TAGS, "noSuchThing": [1, "x", None]}),
    "roleScopeTags": ("/beta/deviceManagement/roleScopeTags", {"displayName": "Must not be"}, {
        "displayName": [*TEXT, "", None, "x" * 129], "description": [5, [], {}, LONG, *HOSTILE],
        "noSuchThing": [1, "x", None]}),
    "deviceConfigurations": ("/beta/deviceManagement/deviceConfigurations", {
        "@odata.type": "#microsoft.graph.iosImportedPFXCertificateProfile", "displayName": "Must not be",
        "intendedPurpose": "smimeEncryption"}, {
            "displayName": [*TEXT, "", None], "description": LINES, "roleScopeTagIds": TAGS,
            "deviceManagementApplicabilityRuleOsEdition": [5, "x", [], {"ruleType": "noSuchMember"},
                                                           {"osEditionTypes": ["noSuchMember"]}],
            "deviceManagementApplicabilityRuleOsVersion": [5, "x", [], {"ruleType": 7}, {"minOSVersion": 5}],
            "deviceManagementApplicabilityRuleDeviceMode": [5, "x", [], {"deviceMode": "noSuchMember"}],
            "@odata.type": [5, "", "nonsense", "#microsoft.graph.iosCompliancePolicy", None],
            "rootCertificate@odata.bind": ["x", 5, [], None], "noSuchThing": [1, "x", None]}),
}
ROWS = [(what, prop) for what, (_, _, props) in RESOURCES.items() for prop in props]


@pytest.fixture(scope="module")
def callers(world):
    """One caller for each kind, as none may send so much at once."""
    return {what: world.fetch_token(world.add_app("input " + what))["access_token"] for what in RESOURCES}


@pytest.fixture(scope="module")
def good(world):
    """One of each, to be changed wrongly."""
    made = {}
    for what, (path, body, _) in RESOURCES.items():
        body = dict(body, displayName="Good")
        if "userPrincipalName" in body:
            body["userPrincipalName"] = "good@contoso.example"
        made[what] = world.api("POST", path, body)
    return made


def said(data):
    return json.dumps(json.loads(data), ensure_ascii=False)


def word(prop):
    """What the answer must name: a type is named by what is wrong with it."""
    return "type" if prop == "@odata.type" else prop


@pytest.mark.parametrize("what,prop", ROWS)
def test_a_wrong_value_is_refused_by_name_and_nothing_is_made(world, callers, what, prop):
    path, body, props = RESOURCES[what]
    for value in props[prop]:
        status, _, data = world.raw("POST", path, {**body, prop: value}, callers[what])
        assert status == 400, (value, data)
        assert word(prop) in said(data), (value, data)
    kept = world.api("GET", path + "?$filter=displayName eq 'Must not be'")["value"]
    assert kept == []


@pytest.mark.parametrize("what,prop", ROWS)
def test_a_wrong_value_changes_nothing_of_what_is_there(world, callers, good, what, prop):
    path, _, props = RESOURCES[what]
    one = f"{path}/{good[what]['id']}"
    before = world.api("GET", one)
    typed = {"@odata.type": before["@odata.type"]} if what == "deviceConfigurations" else {}
    for value in props[prop]:
        # What comes first in the body must not be applied either.
        body = {**typed, "description" if "description" in before else "department": "half", prop: value}
        status, _, data = world.raw("PATCH", one, body, callers[what])
        assert status == 400, (value, data)
        assert word(prop) in said(data), (value, data)
    assert world.api("GET", one) == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'"x"', b"null", b'{"displayName": "a", "displayName": "b"}',
                                  b'{"displayName": "\xff"}', b'{"displayName": "\\ud800"}', b'{"a":' * 200 + b"1",
                                  b'{"displayName": "a\\u0000b"}'])
@pytest.mark.parametrize("what", RESOURCES)
def test_what_is_no_object_of_json_is_refused(world, callers, what, body):
    for method, path in (("POST", RESOURCES[what][0]), ("PATCH", f"{RESOURCES[what][0]}/{ZERO}")):
        status, _, data = world.raw(method, path, body, callers[what])
        assert status in (400, 404), data
        assert json.loads(data)["error"]["code"]


TARGET = {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": ZERO}


@pytest.mark.parametrize("body,words", [
    ({}, "assignments"), ({"assignments": 5}, "assignments"), ({"assignments": [5]}, "target"),
    ({"assignments": [{}]}, "target"), ({"assignments": [{"target": 5}]}, "target"),
    ({"assignments": [{"target": {}}]}, "@odata.type"),
    ({"assignments": [{"target": {"@odata.type": "#microsoft.graph.user"}}]}, "@odata.type"),
    ({"assignments": [{"target": {
        "@odata.type": "#microsoft.graph.configurationManagerCollectionAssignmentTarget", "collectionId": "x"}}]},
     "configurationManager"),
    ({"assignments": [{"target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget"}}]}, "groupId"),
    ({"assignments": [{"target": {**TARGET, "groupId": 5}}]}, "groupId"),
    ({"assignments": [{"target": {**TARGET, "groupId": "x"}}]}, "groupId"),
    ({"assignments": [{"target": {**TARGET, "groupId": "00000000-0000-0000-0000-00000000000f"}}]}, "group"),
    ({"assignments": [{"target": {**TARGET, "deviceAndAppManagementAssignmentFilterType": "sometimes"}}]},
     "deviceAndAppManagementAssignmentFilterType"),
    ({"assignments": [{"target": {**TARGET, "deviceAndAppManagementAssignmentFilterId": "x"}}]},
     "deviceAndAppManagementAssignmentFilterId"),
    ({"assignments": [{"target": {**TARGET, "deviceAndAppManagementAssignmentFilterType": "include"}}]}, "filter"),
    ({"deviceConfigurationGroupAssignments": [{"excludeGroup": True}]}, "targetGroupId"),
    ({"assignments": [{"target": TARGET}] * 501}, "assignments"),
])
def test_an_assignment_that_cannot_be_is_refused_and_the_old_ones_stay(world, good, body, words):
    one = f"{world.CONFIGURATIONS}/{good['deviceConfigurations']['id']}"
    group = world.add_group("Stays")
    world.assign(good["deviceConfigurations"], group)
    status, _, data = world.raw("POST", one + "/assign", body)
    assert status == 400 and words in said(data), data
    left = world.api("GET", one + "/assignments")["value"]
    assert [a["target"]["groupId"] for a in left] == [group["id"]]
    world.api("POST", one + "/assign", {"assignments": []})


WRITERS = 50


def at_once(world, n, run):
    """run(i, connection) in n threads; what each gave."""
    token, answers, gate = world.bearer(), [None] * n, threading.Barrier(n)

    def one(i):
        https = Https(world.host, world.ports["api"], world.context)

        def ask(method, path, body=None, **headers):
            return https.request(method, path, None if body is None else json.dumps(body).encode(), {
                "Authorization": "Bearer " + token, "Content-Type": "application/json",
                **{k.replace("_", "-"): v for k, v in headers.items()}})
        gate.wait()
        try:
            answers[i] = run(i, ask)
        finally:
            https.close()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return answers


@pytest.mark.parametrize("what", ["users", "groups", "assignmentFilters", "deviceConfigurations"])
def test_of_fifty_writers_with_one_etag_one_wins(world, good, what):
    one = f"{RESOURCES[what][0]}/{good[what]['id']}"
    etag = {k.lower(): v for k, v in dict(world.raw("GET", one)[1]).items()}["etag"]
    prop = "description" if what != "users" else "department"
    typed = {"@odata.type": good[what]["@odata.type"]} if what == "deviceConfigurations" else {}

    def write(i, ask):
        return ask("PATCH", one, {**typed, prop: f"writer {i}"}, If_Match=etag)[0]
    answers = at_once(world, WRITERS, write)
    won = [i for i, status in enumerate(answers) if status in (200, 204)]
    assert len(won) == 1 and sorted(set(answers) - {answers[won[0]]}) == [412]
    assert world.api("GET", one)[prop] == f"writer {won[0]}"


def test_no_update_of_fifty_writers_is_lost_when_each_reads_again_after_a_conflict(world, good):
    one = f"/v1.0/groups/{good['groups']['id']}"
    world.api("PATCH", one, {"description": "0"})

    def count_up(_, ask):
        tries = 0
        while True:
            tries += 1
            status, headers, data = ask("GET", one)
            assert status == 200
            etag = {k.lower(): v for k, v in dict(headers).items()}["etag"]
            n = int(json.loads(data)["description"]) + 1
            status = ask("PATCH", one, {"description": str(n)}, If_Match=etag)[0]
            assert status in (204, 412)
            if status == 204:
                return tries
    tries = at_once(world, WRITERS, count_up)
    assert world.api("GET", one)["description"] == str(WRITERS)
    assert max(tries) > 1


def test_fifty_who_assign_one_group_each_all_find_it_there(world, good):
    groups = [world.add_group(f"Writer {i}") for i in range(WRITERS)]
    one = f"{world.CONFIGURATIONS}/{good['deviceConfigurations']['id']}"

    def add(i, ask):
        target = {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": groups[i]["id"]}
        return ask("POST", one + "/assignments", {"target": target})[0]
    assert set(at_once(world, WRITERS, add)) == {201}
    there = {a["target"]["groupId"] for a in world.api("GET", one + "/assignments")["value"]}
    assert there == {g["id"] for g in groups}
    again = {"target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": groups[0]["id"]}}
    assert world.raw("POST", one + "/assignments", again)[0] == 409
    key = f"{good['deviceConfigurations']['id']}_{groups[0]['id']}"
    again["target"]["@odata.type"] = "#microsoft.graph.exclusionGroupAssignmentTarget"
    changed = world.api("PATCH", f"{one}/assignments/{key}", again)
    assert changed["id"] == key and changed["target"]["@odata.type"] == again["target"]["@odata.type"]
    assert world.raw("DELETE", f"{one}/assignments/{key}")[0] == 204
    assert world.raw("DELETE", f"{one}/assignments/{key}")[0] == 404
    assert len(world.api("GET", one + "/groupAssignments")["value"]) == WRITERS - 1
