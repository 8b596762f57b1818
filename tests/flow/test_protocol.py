# SPDX-License-Identifier: Apache-2.0
"""doc/agent-protocol.md says what the service does: its examples are spoken, its tables compared.

The rest of the protocol (commands, results, removal) is exercised by the client of clients.py in the other tests.
"""

import json
import os
import re
import sys
import time

import pytest
from cryptography import x509

from clients import Device, make_csr, rsa_key
from world import ROOT, ApiError, Https, b64, tls_context, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from android import COMMON, LOG_ON, MEMBERS, NETWORK  # noqa: E402  pylint: disable=wrong-import-position

with open(os.path.join(ROOT, "doc/agent-protocol.md"), encoding="utf-8") as page:
    DOC = page.read()
EXAMPLES = [json.loads(re.sub(r": \"<hash of the [^>]*>\"", ': "' + "0" * 64 + '"', block))
            for block in re.findall(r"```json\n(.*?)```", DOC, re.S)]


def example(*members):
    """The example that has all of these members."""
    return json.loads(json.dumps(next(e for e in EXAMPLES if set(members) <= set(e))))


@pytest.fixture(scope="module")
def device(world):
    return Device(world, world.code(user=world.add_user("protocol@contoso.example")))


def post(world, path, body, context=None):
    https = Https(world.host, world.ports["device"], context or tls_context(world.root_file))
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = https.request("POST", path, data, {"Content-Type": "application/json"})
    https.close()
    return status, json.loads(answer)


def test_the_example_of_an_enrolment_enrols_and_is_answered_as_shown(world):
    body = example("code", "csr")
    key = rsa_key()
    body["csr"] = b64(make_csr(key, x509.Name([])))
    code = world.code(user=world.add_user("example@contoso.example"))
    body["code"] = code.lower().replace("-", " ")
    status, answer = post(world, "/agent/v1/enrol", body)
    assert status == 200 and set(answer) == set(example("device_id", "roots"))
    assert post(world, "/agent/v1/enrol", body)[1]["device_id"] == answer["device_id"]
    body["csr"] = b64(make_csr(rsa_key(), x509.Name([])))
    status, refused = post(world, "/agent/v1/enrol", body)
    assert (status, refused["error"]["id"]) == (403, "enrolment-code")
    assert set(refused["error"]) == set(example("error")["error"])


def test_the_example_of_a_checkin_is_taken_and_members_that_are_not_known_are_ignored(world, device):
    body = example("inventory", "results")
    body["wait"], body["colour"], body["facts"]["colour"] = 0, "blue", "green"
    status, answer = post(world, "/agent/v1/checkin", body, device.context)
    assert status == 200 and set(answer) == set(example("commands"))


@pytest.mark.parametrize("path", ["/agent/v1/enrol", "/agent/v1/checkin", "/agent/v1/renew", "/agent/v1/unenrol"])
def test_another_version_is_refused_and_no_version_too(world, device, path):
    for body, fault in (({"protocol": 2}, "protocol-version"), ({}, "bad-request"), (b"[1]", "bad-request"),
                        (b"{", "bad-json"), (b"", "bad-json")):
        status, answer = post(world, path, body, device.context)
        assert (status, answer["error"]["id"]) == (400, fault), body


def test_the_example_of_a_renewal_gives_a_certificate_and_the_old_one_is_good_until_it_is_used(world):
    d = Device(world, world.code(user=world.add_user("renewal@contoso.example")))
    body = example("protocol", "csr")
    body.pop("code", None)
    body["csr"] = b64(make_csr(rsa_key(), x509.Name([])))
    status, answer = post(world, "/agent/v1/renew", body, d.context)
    assert status == 200 and set(answer) == set(example("device_id", "roots"))
    assert answer["device_id"] == d.id
    assert d.checkin() == []


@pytest.mark.parametrize("path", ["/agent/v1/checkin", "/agent/v1/renew", "/agent/v1/unenrol"])
def test_nothing_but_enrolment_is_done_without_a_certificate(world, path):
    status, answer = post(world, path, {"protocol": 1})
    assert (status, answer["error"]["id"]) == (403, "device-unknown")


def test_limits_are_those_of_the_table(world, device):
    assert post(world, "/agent/v1/enrol", b" " * (64 * 1024 + 1))[0] == 413
    item = {"alias": "a", "kind": "ca", "sha256": "0" * 64}
    device.inventory = {i: {**item, "alias": f"a{i}"} for i in range(256)}
    device.checkin()
    device.inventory[256] = item
    with pytest.raises(ApiError):
        device.checkin()
    device.inventory = {0: {**item, "alias": "a" * 257}}
    with pytest.raises(ApiError):
        device.checkin()
    device.inventory = {}


def source(*names):
    text = ""
    for name in names:
        with open(os.path.join(ROOT, "src", name), encoding="utf-8") as f:
            text += f.read()
    return text


def members(value):
    """Names of members at any depth of an example."""
    if isinstance(value, list):
        return set().union(*map(members, value))
    return set(value).union(*map(members, value.values())) if isinstance(value, dict) else set()


CALL = r'json_(?:%s)\w*\((?:[^"(;]|\([^()]*\))*?"(\w+)"'


def test_every_member_of_the_examples_is_one_that_the_service_reads_or_writes_and_the_other_way_round():
    text = source("device/agent.c", "device/agent_msg.c", "device/agent_facts.c", "device/agent_command.c")
    spoken = set(re.findall(CALL % "need|want|get|set", text)) | set(re.findall(r'\{ "(\w+)", &d\.', text))
    text = source("device/device.c")
    spoken |= set(re.findall(CALL % "set", text[text.index("device_error"):]))
    shown = set().union(*map(members, EXAMPLES))
    assert not shown - spoken, "in the document, not in the code"
    quoted = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", DOC, flags=re.S))
    named = shown | set(re.findall(r"\w+", " ".join(quoted)))
    assert not spoken - named, "in the code, not in the document"


def test_what_the_linux_agent_reads_of_an_answer_is_in_the_examples():
    text = source(*(f"agent/{n}.c" for n in ("agent", "checkin", "enrol", "enrol_est", "enrol_scep", "network_read",
                                             "own_key", "post", "renew")))
    own = {"former", "key", "obtained"}  # of its own file
    assert not set(re.findall(CALL % "need|want|get", text)) - own - set().union(*map(members, EXAMPLES))


def test_the_example_of_each_command_has_the_members_that_clients_demand():
    wants = {**MEMBERS, "enrol_est": MEMBERS["enrol_scep"] - {"urls", "challenge", "sha1"} | {"server", "label"}}
    shown = [c for e in EXAMPLES for c in e.get("commands", [e] if "kind" in e else [])]
    assert {c["kind"] for c in shown} >= {k for k, v in wants.items() if v > COMMON}
    for c in shown:
        assert set(c) == wants[c["kind"]], c["kind"]
        if "network" in c:
            assert set(c["network"]) == (LOG_ON if "eap" in c["network"] else NETWORK | {"key"})
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (?!calls)", DOC.split("| command | do |")[1].split("###")[0], re.M)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) >= set(wants)
    kinds = re.findall(r'\[COMMAND_\w+\] = "(\w+)"', source("device/agent_command.c"))
    assert set(kinds) | {"enrol_est"} == set(wants)


def test_the_table_of_codes_is_that_of_the_service_with_its_faults():
    text = source("device/agent_code.c")
    ids = dict(re.findall(r'^E\((\w+), *"([\w-]+)"', source("base/errors.tbl"), re.M))
    known = {code: ids[name] for code, name in re.findall(r'\{ "(\w+)", ERR_(\w+) \}', text) if code != "chain"}
    known |= {"scep_http_": ids["DEVICE_SCEP_UNREACHABLE"], "scep_failinfo_": ids["DEVICE_SCEP_REFUSED"]}
    table = DOC.split("| code | when | fault |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| ([^|]*) \| [^|]* \| `([\w-]+)` \|$", table, re.M)
    said = {re.sub("<.*>", "", code): fault for codes, fault in rows for code in re.findall(r"`([^`]+)`", codes)}
    one_word = {code: fault for code, fault in known.items() if code not in ids.values()}
    assert said == one_word


@pytest.mark.long
@pytest.mark.seconds(120)
def test_what_was_put_off_comes_to_a_check_in_that_waits_when_it_is_due(world):
    user = world.add_user("patient@contoso.example")
    root = world.add_root("For the patient")
    world.assign(root, world.add_group("Patient", user))
    d = Device(world, world.code(user=user))
    offered = wait_for(lambda: d.checkin(), why="the root")
    begin = time.monotonic()
    assert d.checkin([{"id": offered[0]["id"], "status": "not_now", "code": "user_locked"}]) == []
    wait_for(lambda: time.monotonic() > begin + 20, 30)
    assert d.checkin(wait=55) == offered
    assert 55 < time.monotonic() - begin < 73  # 75 when the wait is over


def test_the_table_of_requests_is_the_route_table():
    with open(os.path.join(ROOT, "src/device/agent.c"), encoding="utf-8") as f:
        routes = set(re.findall(r'ROUTE(?:_[A-Z]+)?\(POST, "([^"]*)"', f.read()))
    assert routes == set(re.findall(r"^\| `POST (\S+)` \|", DOC, re.M))


def test_every_fault_that_is_named_is_in_the_catalogue(world):
    known = {f["id"] for f in world.api("GET", "/chancery/v1/faults")["value"]}
    table = DOC.split("## Errors")[1].split("## Limits")[0]
    named = {f for row in re.findall(r"^\| \d+ \| (.*?) \|", table, re.M) for f in re.findall(r"`([\w-]+)`", row)}
    assert named and named <= known
