# SPDX-License-Identifier: Apache-2.0
"""Bad input: each is answered with what was wrong and what to do, and nothing is issued."""

import json
import os
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients import Device, make_csr, rsa_key
from world import ApiError, Https, b64, tls_context, wait_for


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.root = world.add_root()
    g.everyone = world.add_group("Everyone")
    world.assign(g.root, g.everyone)
    return g


def refused(call, status, *parts):
    """The answer of an API call that must fail with this status and name these parts."""
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.status == status, caught.value
    for part in parts:
        assert part in caught.value.text, caught.value.text
    return caught.value.error


def test_malformed_json_is_refused_with_the_place_of_the_error(world):
    for body in (b'{"displayName":', b"[1,2", b'{"a":1}x', b'{"a":1,"a":2}', b"\xff\xfe", b"", b"nonsense"):
        status, _, data = world.raw("POST", "/v1.0/users", body)
        assert status == 400, (body, data)
        error = json.loads(data)["error"]
        assert error["code"] and error["message"]
        assert error["innerError"]["request-id"]


def test_deeply_nested_json_is_refused(world):
    status, _, _ = world.raw("POST", "/v1.0/users", b"[" * 5000 + b"]" * 5000)
    assert status == 400


def test_an_unknown_profile_type_is_answered_with_the_near_match(world):
    refused(lambda: world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": "#chancery.linuxPkcsCertificateProfil", "displayName": "x"}),
        400, "linuxPkcsCertificateProfil", "linuxPkcsCertificateProfile")


def test_an_unknown_property_is_named(world, given):
    refused(lambda: world.add_pkcs(given.root, subjectNameFormatStrin="CN=x"),
            400, "subjectNameFormatStrin")


def test_an_unknown_variable_is_answered_with_the_near_match(world, given):
    refused(lambda: world.add_pkcs(given.root, subject="CN={{UserNam}}"), 400, "UserNam", "UserName")
    refused(lambda: world.add_pkcs(given.root, subject="CN=a", customSubjectAlternativeNames=[
        {"sanType": "emailAddress", "name": "{{EmailAdress}}"}]), 400, "EmailAdress", "EmailAddress")


@pytest.mark.parametrize("subject", ["CN=", "=x", "CN={{UserName", "CN=a,,O=b", "XX=y", "CN"])
def test_a_subject_format_that_cannot_be_right_is_refused_when_saved(world, given, subject):
    refused(lambda: world.add_pkcs(given.root, subject=subject), 400)


def test_something_else_than_one_ca_certificate_is_refused_as_trusted_root(world):
    refused(lambda: world.add_root(pem="this is no certificate"), 400)
    refused(lambda: world.add_root(pem=world.root_pem + world.issuing_pem), 400)


def test_a_root_that_is_not_assigned_is_warned_of_and_fails_with_a_fault(world, given):
    user = world.add_user("no.root@contoso.example", "no.root@contoso.example")
    group = world.add_group("Without root", user)
    pkcs = world.add_pkcs(given.root, name="Without root")
    answer = world.assign(pkcs, group)
    warned = json.dumps(answer.get("@chancery.warnings", []))
    assert "root" in warned.lower(), answer
    agent = world.device("without-root", user)
    slot = world.wait_slot(agent, pkcs, "failed")
    assert slot["fault"] == "root-not-assigned"
    assert slot["reason"] and slot["nextStep"]
    assert world.user_certificates() == []

    world.assign(given.root, given.everyone, group)
    slot = world.wait_slot(agent, pkcs)
    assert slot["fault"] is None


def test_a_user_without_mail_fails_by_name_and_field_and_nothing_is_issued(world, given):
    before = world.certificates()
    user = world.add_user("mailless@contoso.example")
    world.add_member(given.everyone, user)
    pkcs = world.add_pkcs(given.root, name="Needs mail")
    world.assign(pkcs, given.everyone)
    agent = world.device("mailless", user)
    slot = world.wait_slot(agent, pkcs, "failed")
    assert slot["fault"] == "variable-empty"
    assert "mailless@contoso.example" in slot["reason"]
    assert "mail" in slot["reason"].replace("mailless", "")
    issued = [c for c in world.certificates() if c not in before]
    # The CA makes its signer of OCSP answers when it comes to it.
    assert {c["template"] for c in issued} - {"OCSPResponseSigning"} == {"DeviceIdentity"}

    world.api("PATCH", f"/v1.0/users/{user['id']}", {"mail": "now@contoso.example"})
    world.wait_slot(agent, pkcs)
    assert "now@contoso.example" in world.slot(agent, pkcs)["subjectName"]


# What directories hold and names make hard: each must come back from the certificate as it went in.
HARD = [
    'plus+sign', "semi;colon", "com,ma", "equals=sign", 'quo"te', "back\\slash", "#hash first",
    "  leading spaces", "trailing spaces  ", "<angle>", "a/b", "O'Brien, Zoë", "名前", "a\\,b\\+c", "x" * 64,
    '  #+;,="\\ all at once, as a value that begins with spaces', "#0403616263", "CN=admin,O=x", "a\\2Cb", "+",
]


@pytest.mark.parametrize("value", HARD)
def test_a_hard_value_comes_back_from_the_certificate_as_it_went_in(world, given, value):
    number = HARD.index(value)
    user = world.add_user(f"hard{number}@contoso.example", f"hard{number}@contoso.example",
                          displayName=value)
    group = world.add_group(f"Hard {number}", user)
    pkcs = world.add_pkcs(given.root, name=f"Hard {number}", subject="CN={{DisplayName}},O=Finance Group,C=US")
    world.assign(pkcs, group)
    world.add_member(given.everyone, user)
    # The everyone group brings a second profile that is not of interest here.
    agent = world.device(f"hard-{number}", user, run=False)
    agent.start()
    world.wait_slot(agent, pkcs)
    leaf = agent.leaf(pkcs["id"])
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == value
    assert len(list(leaf.subject)) == 3
    # The same by other code: openssl, told to print the value as it stands.
    shown = subprocess.run(["openssl", "x509", "-in", os.path.join(agent.cert_dir(pkcs["id"]), "cert.pem"), "-noout",
                            "-subject", "-nameopt", "utf8,sep_multiline,sname"], check=True, capture_output=True)
    assert f"    CN={value}" in shown.stdout.decode().split("\n"), shown.stdout
    agent.stop()


def test_a_value_too_long_for_its_place_fails_by_name(world, given):
    user = world.add_user("long@contoso.example", "long@contoso.example", displayName="y" * 65)
    group = world.add_group("Long", user)
    world.add_member(given.everyone, user)
    pkcs = world.add_pkcs(given.root, name="Long", subject="CN={{DisplayName}}")
    world.assign(pkcs, group)
    agent = world.device("long", user)
    slot = world.wait_slot(agent, pkcs, "failed")
    assert slot["fault"] == "name-too-long"
    agent.stop()


def test_a_wrong_enrolment_code_is_refused(world):
    agent = world.agents["wrong-code"] = type(world.agents["long"])(world, "wrong-code")
    for code in ("AAAAA-AAAAA-AAAAA-AAAAA", "", "x" * 60):
        done = agent.enrol(code, check=False)
        assert done.returncode != 0
    assert "the enrolment code is wrong, used or expired" in agent.enrol("AAAAA-AAAAA-AAAAA-AAAAA", check=False).stderr
    counted = 'chancery_device_refused_total{fault="enrolment-code"} '
    metrics = world.raw("GET", "/metrics")[2].decode()
    assert int(metrics[metrics.index(counted) + len(counted):].split()[0]) >= 2


def test_a_used_enrolment_code_is_refused_to_another_device(world):
    code = world.code()
    first = Device(world, code)
    with pytest.raises(ApiError) as caught:
        Device(world, code)
    assert caught.value.status == 403
    assert caught.value.error["id"] == "enrolment-code"
    assert first.checkin() == []


def test_an_enrolment_that_was_cut_off_is_repeated_with_the_same_key_and_ends_as_one_device(world):
    code, key = world.code(), rsa_key()
    first = Device(world, code, key)
    again = Device(world, code, key)
    assert first.id == again.id
    assert again.checkin() == []


def test_a_code_for_connectors_does_not_enrol_a_device(world):
    with pytest.raises(ApiError) as caught:
        Device(world, world.code(kind="connector"))
    assert caught.value.error["id"] == "enrolment-code"


def test_a_withdrawn_code_is_refused(world):
    made = world.api("POST", "/chancery/v1/enrolmentCodes", {"kind": "device", "validMinutes": 5})
    world.api("DELETE", f"/chancery/v1/enrolmentCodes/{made['id']}")
    with pytest.raises(ApiError) as caught:
        Device(world, made["code"])
    assert caught.value.status == 403


@pytest.mark.parametrize("make", [lambda: rsa_key(1024), lambda: ec.generate_private_key(ec.SECP384R1())],
                         ids=["small", "curve"])
def test_an_identity_key_that_nothing_can_be_sealed_to_is_refused(world, make):
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "small")])
    https = Https(world.host, world.ports["device"], tls_context(world.root_file))
    body = {"protocol": 1, "code": world.code(), "csr": b64(make_csr(make(), named)),
            "facts": {"device_name": "small"}}
    status, _, data = https.request("POST", "/agent/v1/enrol", json.dumps(body).encode(),
                                    {"Content-Type": "application/json"})
    assert status == 400
    assert b"key-size" in data


def test_a_request_whose_signature_is_wrong_is_refused(world):
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forged")])
    csr = bytearray(make_csr(rsa_key(), named))
    csr[-5] ^= 0xff
    https = Https(world.host, world.ports["device"], tls_context(world.root_file))
    body = {"protocol": 1, "code": world.code(), "csr": b64(bytes(csr)), "facts": {"device_name": "forged"}}
    status, _, data = https.request("POST", "/agent/v1/enrol", json.dumps(body).encode(),
                                    {"Content-Type": "application/json"})
    assert status == 400
    assert b"csr-signature" in data


def test_a_message_of_another_protocol_version_says_which_we_speak(world):
    device = Device(world, world.code())
    with pytest.raises(ApiError) as caught:
        Device._post(device.https, "/agent/v1/checkin", {"protocol": 2, "wait": 0})
    assert caught.value.error["id"] == "protocol-version"


@pytest.mark.parametrize("body", [
    {"protocol": 1, "inventory": [{"alias": "a", "kind": "other", "sha256": "00" * 32}]},
    {"protocol": 1, "inventory": [{"alias": "a", "kind": "ca", "sha256": "00"}]},
    {"protocol": 1, "inventory": {}},
    {"protocol": 1, "results": [{"id": "x", "status": "fine"}]},
    {"protocol": 1, "results": [{"id": "x" * 300, "status": "ok"}]},
    {"protocol": 1, "facts": {"device_name": 5}},
    {"protocol": 1, "wait": -1},
    {"protocol": 1, "wait": "long"},
    [],
])
def test_a_check_in_that_is_not_well_formed_is_refused(world, body):
    device = Device(world, world.code())
    with pytest.raises(ApiError) as caught:
        Device._post(device.https, "/agent/v1/checkin", body)
    assert caught.value.status == 400
    assert device.checkin() == []


def test_a_device_cannot_choose_the_name_of_its_identity_certificate(world):
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody-else")])
    with pytest.raises(ApiError) as caught:
        Device(world, world.code(), subject=named)
    assert caught.value.error["id"] == "order-subject"
    device = Device(world, world.code())
    cert = x509.load_der_x509_certificate(device.cert)
    assert sorted(a.value for a in cert.subject) == sorted([device.id, "Chancery Devices"])
    assert cert.public_key().public_numbers() == device.key.public_key().public_numbers()


def test_the_service_is_well_after_all_of_this(world):
    status, _, _ = world.raw("GET", "/readyz", token=None)
    assert status == 200
    assert wait_for(lambda: world.pids("service").get("front"))
