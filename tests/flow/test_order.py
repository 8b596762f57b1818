# SPDX-License-Identifier: Apache-2.0
"""Identity comes from the server: the CA issues what the sealed order says, or nothing.

The client here is a connector that somebody took over: it has the connector's own certificate and key and real orders.
"""

import base64
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients import Denied, Device, FakeConnector, Order, Wstep, attest, key_pem, make_csr, rsa_key
from world import Https, tls_context

WORLD = {"connector": False}


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.connector = FakeConnector(world)
    g.root = world.add_root()
    g.group = world.add_group("Everyone")
    g.pkcs = world.add_pkcs(g.root)
    world.assign(g.root, g.group)
    world.assign(g.pkcs, g.group)
    g.jobs, g.devices = [], []
    for name in ("ada", "grace"):
        user = world.add_user(f"{name}@contoso.example", f"{name}@contoso.example")
        world.add_member(g.group, user)
        device = Device(world, world.code(user), name=name)
        device.settle()
        g.devices.append(device)
        g.jobs.append(g.connector.lease())
    g.job, g.other = g.jobs
    return g


@pytest.fixture(autouse=True)
def nothing_issued(request, world, given):
    """Whatever a test tries, the CA has issued no user certificate after it (but those tests that say so)."""
    yield
    if "is_issued" not in request.node.name:
        assert world.user_certificates("valid") == []


def denied(given, *parts, **changed):
    with pytest.raises(Denied) as caught:
        given.connector.ask_ca(given.job, **changed)
    for part in parts:
        assert part in caught.value.text, caught.value.text
    return caught.value


def test_a_request_with_another_subject_is_refused(given):
    admin = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Administrator")])
    denied(given, "order-subject", subject=admin)


def test_a_request_with_the_subject_of_another_order_is_refused(given):
    denied(given, "order-subject", subject=base64.b64decode(given.other["subject"]))


def test_a_request_with_one_more_name_in_the_subject_is_refused(given):
    from clients import name_from_der
    name = name_from_der(base64.b64decode(given.job["subject"]))
    more = x509.Name(list(name.rdns) + [x509.RelativeDistinguishedName(
        [x509.NameAttribute(NameOID.COMMON_NAME, "Administrator")])])
    denied(given, "order-subject", subject=more)


def test_a_request_with_the_alternative_names_of_another_order_is_refused(given):
    denied(given, "order-san", san=base64.b64decode(given.other["san"]))


def test_a_request_with_alternative_names_on_top_is_refused(given):
    san = base64.b64decode(given.job["san"])
    dns = b"\x82\x0bevil.exampl"
    body = san[2:] + dns
    denied(given, "order-san", san=b"\x30" + bytes([len(body)]) + body)


def test_a_request_for_other_purposes_is_refused(given):
    denied(given, "order-eku", ekus=["1.3.6.1.5.5.7.3.1"])
    denied(given, "order-eku", ekus=["1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2"])


def test_a_request_for_another_template_is_refused(world, given):
    world.admin("ca", "template.duplicate", {"source": "User", "name": "Other", "supply_in_request": True,
                                             "order_required": True})
    world.admin("ca", "template.grant", {"template": "Other", "principal": "fake", "rights": ["read", "enrol"]})
    denied(given, "order-template", template="Other")


def test_a_request_for_a_template_without_the_right_to_enrol_is_refused(given):
    denied(given, "0x80094012", template="User")


def test_a_request_for_a_template_that_does_not_exist_is_refused(given):
    assert denied(given, template="Nonsense").hresult == 0x80094800


def test_a_request_without_an_order_is_refused(given):
    key = rsa_key()
    csr = make_csr(key, base64.b64decode(given.job["subject"]), base64.b64decode(given.job["san"]))
    with pytest.raises(Denied) as caught:
        given.connector.ca.submit(csr, "ChanceryUser")
    assert "order-missing" in caught.value.text


def test_an_order_that_was_changed_is_refused(given):
    sealed = bytearray(base64.b64decode(given.job["order"]))
    for at in (20, 60, 100, 150, len(sealed) - 40, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        denied(given, order=bytes(changed))


def test_an_order_that_was_sealed_by_somebody_else_is_refused(given):
    order = Order(base64.b64decode(given.job["order"]))
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"chancery-order-v1\0" + order.body, ec.ECDSA(hashes.SHA256()))

    def blob(x):
        return len(x).to_bytes(4, "big") + x
    spki = key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    for key_id in (order.key_id, digest.finalize()):
        denied(given, "order-signature", order=blob(order.body) + blob(signature) + key_id)


def test_an_order_presented_by_another_principal_is_refused(world, given):
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "thief")])
    from world import b64
    made = world.admin("ca", "principal.add", {"name": "thief", "csr": b64(make_csr(key, named))})
    world.grant("thief")
    cert = given.connector.file("thief-cert.pem", made["certificate"].encode())
    thief = Wstep(world, cert, given.connector.file("thief-key.pem", key_pem(key)))
    csr = make_csr(rsa_key(), base64.b64decode(given.job["subject"]), base64.b64decode(given.job["san"]))
    with pytest.raises(Denied) as caught:
        thief.submit(csr, given.job["template"], base64.b64decode(given.job["order"]))
    assert "order-holder" in caught.value.text


def test_an_order_for_another_ca_is_refused(world, given):
    csr = make_csr(rsa_key(), base64.b64decode(given.job["subject"]), base64.b64decode(given.job["san"]))
    with pytest.raises(Denied):
        given.connector.ca.submit(csr, given.job["template"], base64.b64decode(given.job["order"]),
                                  ca=world.identity_ca)


def test_a_key_that_was_not_made_where_keys_are_made_is_refused(given):
    """Who took over what carries orders and requests has both, and the certificate towards the CA; not the maker's
    key."""
    job, key, thief = given.job, rsa_key(), ec.generate_private_key(ec.SECP256R1())
    order, device = base64.b64decode(job["order"]), base64.b64decode(job["device_certificate"])
    maker = given.connector.maker
    denied(given, "order-key", word=None)
    denied(given, "order-key", key=key, word=attest(thief, order, key.public_key(), device))
    # A key that was made for his own device, shown with the order of another one; and another key than was made.
    denied(given, "order-key", key=key, word=attest(maker, order, key.public_key(), given.devices[1].cert))
    denied(given, "order-key", key=key, word=attest(
        maker, base64.b64decode(given.other["order"]), key.public_key(), device))
    denied(given, "order-key", key=key, word=attest(maker, order, rsa_key().public_key(), device))


def test_a_connector_cannot_say_anew_who_makes_its_keys(world, given):
    before = given.connector.maker
    given.connector.maker = ec.generate_private_key(ec.SECP256R1())
    try:
        given.connector.post()
        denied(given, "order-key")
    finally:
        given.connector.maker = before


def test_a_request_that_does_not_hold_its_key_is_refused(given):
    csr = bytearray(make_csr(rsa_key(), base64.b64decode(given.job["subject"]),
                             base64.b64decode(given.job["san"])))
    csr[-9] ^= 0x55
    with pytest.raises(Denied) as caught:
        given.connector.ca.submit(bytes(csr), given.job["template"], base64.b64decode(given.job["order"]))
    assert "csr-signature" in caught.value.text


def test_a_key_below_the_size_of_the_template_is_refused(given):
    denied(given, key=rsa_key(1024))


def test_a_caller_without_a_certificate_is_refused_by_the_ca(world):
    https = Https(world.host, world.ports["ca"], tls_context(world.root_file))
    path = f"/{world.issuing_ca.replace(' ', '%20')}_CES_Certificate/service.svc/CES"
    try:
        status, _, data = https.request("POST", path, b"<x/>", {"Content-Type": "application/soap+xml"})
    except OSError:
        return
    assert status >= 400 and b"BinarySecurityToken" not in data


def test_a_device_identity_does_not_open_the_ca(world, given):
    agent = world.device("intruder", run=False)
    with open(f"{agent.state}/enrolment.json", encoding="utf-8") as f:
        cert = re.search(r'"certificate": "([^"]*)"', f.read()).group(1)
    path = given.connector.file("intruder.pem", f"-----BEGIN CERTIFICATE-----\n{cert}\n-----END CERTIFICATE-----\n"
                                .encode())
    thief = Wstep(world, path, f"{agent.state}/identity.pem")
    csr = make_csr(rsa_key(), base64.b64decode(given.job["subject"]), base64.b64decode(given.job["san"]))
    with pytest.raises((Denied, OSError)) as caught:
        thief.submit(csr, given.job["template"], base64.b64decode(given.job["order"]))
    if isinstance(caught.value, Denied):
        assert "caller-unknown" in caught.value.text


def test_a_template_with_names_from_the_request_and_without_an_order_is_refused_when_saved(world):
    from world import AdminError
    with pytest.raises(AdminError) as caught:
        world.admin("ca", "template.duplicate", {"source": "User", "name": "Esc1", "supply_in_request": True,
                                                 "order_required": False})
    assert caught.value.id == "template-esc1"


def test_the_journal_of_the_ca_has_every_refusal(world):
    denied_rows = world.certificates(state="denied")
    assert len(denied_rows) >= 8
    assert all(r["hresult"] for r in denied_rows)


def test_what_matches_the_order_is_issued_once_and_keeps_the_names(world, given):
    _, leaf = given.connector.ask_ca(given.job)
    cert = x509.load_der_x509_certificate(leaf)
    assert cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "ada"
    with pytest.raises(Denied):
        given.connector.ask_ca(given.job, rsa_key())
    assert len(world.user_certificates("valid")) == 1


def test_a_revocation_order_closes_the_request_so_nothing_is_issued_any_more(world, given):
    world.assign(given.pkcs)
    for device in given.devices:
        device.checkin()
    revoke = given.connector.lease("revoke")
    given.connector.ca.revoke(base64.b64decode(revoke["order"]))
    with pytest.raises(Denied) as caught:
        given.connector.ask_ca(given.job if Order(base64.b64decode(revoke["order"])).id == given.job["request"]
                               else given.other)
    assert "order-closed" in caught.value.text or "order-stale" in caught.value.text
    second = given.connector.lease("revoke")
    given.connector.ca.revoke(base64.b64decode(second["order"]))
