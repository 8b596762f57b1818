# SPDX-License-Identifier: Apache-2.0
"""doc/agent-protocol.md says what the service does: its examples are spoken, its tables compared.

The rest of the protocol (commands, results, removal) is exercised by the client of clients.py in the other tests.
"""

import json
import os
import re

import pytest
from cryptography import x509

from clients import Device, make_csr, rsa_key
from world import ROOT, ApiError, Https, b64, tls_context

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


@pytest.mark.parametrize("path", ["/agent/v1/enrol", "/agent/v1/checkin", "/agent/v1/renew"])
def test_another_version_is_refused(world, device, path):
    status, answer = post(world, path, {"protocol": 2}, device.context)
    assert (status, answer["error"]["id"]) == (400, "protocol-version")


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


def test_the_table_of_requests_is_the_route_table():
    with open(os.path.join(ROOT, "src/device/agent.c"), encoding="utf-8") as f:
        routes = set(re.findall(r'ROUTE(?:_[A-Z]+)?\(POST, "([^"]*)"', f.read()))
    assert routes == set(re.findall(r"^\| `POST (\S+)` \|", DOC, re.M))


def test_every_fault_that_is_named_is_in_the_catalogue(world):
    known = {f["id"] for f in world.api("GET", "/chancery/v1/faults")["value"]}
    table = DOC.split("## Errors")[1].split("## Limits")[0]
    named = {f for row in re.findall(r"^\| \d+ \| (.*?) \|", table, re.M) for f in re.findall(r"`([\w-]+)`", row)}
    assert named and named <= known
