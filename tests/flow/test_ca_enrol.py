# SPDX-License-Identifier: Apache-2.0
"""Enrolment by MS-WSTEP, MS-XCEP and EST: one approval behind every protocol, and other people's clients in front of
it."""

import base64
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from clients import FakeConnector, Device, key_pem, make_csr, name_from_der, rsa_key, san_dns
from enrol_clients import EstClient, Pending, Refused, Who, WstepClient, XCEP, XcepClient, utc

WORLD = {"connector": False}
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"


def named(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.world = world
    world.admin("ca", "template.duplicate", {"source": "WebServer", "name": "Servers", "supply_in_request": True})
    world.admin("ca", "template.duplicate", {"source": "EFSRecovery", "name": "MadeByCa", "ekus": [SERVER_AUTH],
                                             "supply_in_request": True})
    g.clerk = Who(world, "clerk").may("Servers").may("MadeByCa").may("ChanceryUser")
    g.key = rsa_key()
    g.ec_key = ec.generate_private_key(ec.SECP256R1())
    g.dir = os.path.join(world.dir, "enrol")
    os.makedirs(g.dir, exist_ok=True)

    def file(name, data):
        path = os.path.join(g.dir, name)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return path
    g.file = file
    return g


def csr(key, cn="www.contoso.example", san=True):
    return make_csr(key, named(cn), san_dns(cn) if san else None)


# Every protocol ends in the same approval: what test_ca_matrix.py leaves out

PROTOCOLS = {
    "wstep-certificate": lambda w, who, **k: WstepClient(w, who, False),
    "wstep-password": lambda w, who, **k: WstepClient(w, who, True, **k),
    "est-certificate": lambda w, who, **k: EstClient(w, who, False),
    "est-password": lambda w, who, **k: EstClient(w, who, True, **k),
}
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
with_password = pytest.mark.parametrize("protocol", [p for p in PROTOCOLS if "password" in p])
with_certificate = pytest.mark.parametrize("protocol", [p for p in PROTOCOLS if "certificate" in p])


def client(given, protocol, who=None, **more):
    return PROTOCOLS[protocol](given.world, who or given.clerk, **more)


def refused(fault, call, *args, **more):
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    assert f"({fault})" in caught.value.text, caught.value.text
    return caught.value


@every_protocol
def test_who_may_is_issued_what_the_template_says(given, protocol):
    leaf = client(given, protocol).enrol(csr(given.key), "Servers")
    cert = x509.load_der_x509_certificate(leaf)
    assert cert.subject == named("www.contoso.example")
    assert cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName) == ["www.contoso.example"]
    assert [e.dotted_string for e in cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value] == [
        SERVER_AUTH]
    row = [c for c in given.world.certificates() if c["serial"] == f"{cert.serial_number:x}".rjust(
        2 * ((cert.serial_number.bit_length() + 7) // 8), "0")]
    assert row and row[0]["requester"] == "clerk" and row[0]["template"] == "Servers"


@every_protocol
def test_a_request_that_names_no_template_is_refused(given, protocol):
    assert refused("template-none", client(given, protocol).enrol, csr(given.key)).hresult == 0x80094801


@every_protocol
def test_what_is_no_order_is_refused(given, protocol):
    with pytest.raises(Refused) as caught:
        client(given, protocol).enrol(csr(given.key), "ChanceryUser", order=b"this is no order")
    assert caught.value.status >= 400


@every_protocol
def test_a_disabled_principal_is_refused(given, protocol):
    who = Who(given.world, f"disabled-{protocol}").may("Servers")
    given.world.admin("ca", "principal.enable", {"name": who.name, "enabled": False})
    refused("caller-disabled", client(given, protocol, who).enrol, csr(given.key), "Servers")
    given.world.admin("ca", "principal.enable", {"name": who.name, "enabled": True})
    client(given, protocol, who).enrol(csr(given.key), "Servers")


@with_certificate
def test_a_certificate_of_another_ca_opens_nothing(given, protocol):
    key = ec.generate_private_key(ec.SECP256R1())
    path = given.file("self.key", key_pem(key))
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", path, "-subj", "/CN=clerk", "-days", "2",
                    "-out", path + ".pem"], check=True, capture_output=True)

    class Stranger:
        cert, name, password = path + ".pem", "clerk", ""
    Stranger.key = path
    with pytest.raises((Refused, OSError)):
        client(given, protocol, Stranger).enrol(csr(given.key), "Servers")


@with_certificate
def test_an_order_is_good_for_its_holder_and_gives_what_it_says(given, protocol):
    """And only to that holder: the same order by somebody else's certificate is refused."""
    world = given.world
    fake = FakeConnector(world, "ordering-" + protocol)
    root = world.add_root(f"Root {protocol}")
    group = world.add_group(f"Everyone {protocol}")
    pkcs = world.add_pkcs(root, name=f"Order {protocol}")
    world.assign(root, group)
    world.assign(pkcs, group)
    user = world.add_user(f"{protocol}@contoso.example", f"{protocol}@contoso.example")
    world.add_member(group, user)
    Device(world, world.code(user), name=protocol).settle()
    job = fake.lease()
    order = base64.b64decode(job["order"])
    request = fake.request(job, given.key)
    refused("order-holder", client(given, protocol).enrol, request, job["template"], order)

    class Holder:
        cert, key, name, password = fake.ca_cert, fake.ca_key, fake.name, ""
    leaf = client(given, protocol, Holder).enrol(request, job["template"], order)
    assert x509.load_der_x509_certificate(leaf).subject == name_from_der(base64.b64decode(job["subject"]))
    assert client(given, protocol, Holder).enrol(request, job["template"], order) == leaf
    other = make_csr(given.key, named("Administrator"), base64.b64decode(job["san"]), job["ekus"])
    refused("order-subject", client(given, protocol, Holder).enrol, other, job["template"], order)
    world.assign(pkcs)


@with_password
def test_a_wrong_password_and_an_unknown_name_are_the_same_failure(given, protocol):
    wrong = refused("credentials", client(given, protocol, password="not this one, no").enrol, csr(given.key),
                    "Servers")

    class Nobody:
        name, password = "nobody at all", "a long enough password"
    unknown = refused("credentials", client(given, protocol, Nobody).enrol, csr(given.key), "Servers")
    assert wrong.status == unknown.status
    assert wrong.hresult == unknown.hresult == 0x8007052E
    assert wrong.text.replace("clerk", "X") == unknown.text.replace("nobody at all", "X")


@with_password
def test_a_principal_without_a_password_cannot_use_one(given, protocol):
    who = Who(given.world, f"removed-{protocol}").may("Servers")
    given.world.cli("principal", "passwd", who.name, "--remove", "--socket", given.world.socket_of("ca"))
    refused("credentials", client(given, protocol, who).enrol, csr(given.key), "Servers")
    refused("credentials", client(given, protocol, who, password="").enrol, csr(given.key), "Servers")


@with_password
def test_wrong_passwords_are_braked_also_for_the_right_one_until_it_is_set_anew(given, protocol):
    who = Who(given.world, f"braked-{protocol}").may("Servers")
    client(given, protocol, who).enrol(csr(given.key), "Servers")
    for i in range(5):
        refused("credentials", client(given, protocol, who, password=f"guess number {i}").enrol, csr(given.key),
                "Servers")
    refused("login-limit", client(given, protocol, who).enrol, csr(given.key), "Servers")
    client(given, protocol.replace("password", "certificate"), who).enrol(csr(given.key), "Servers")
    secret = given.file("secret", "another long password\nsecond line\n")
    given.world.cli("principal", "passwd", who.name, "--password-file", secret, "--socket",
                    given.world.socket_of("ca"))
    refused("credentials", client(given, protocol, who).enrol, csr(given.key), "Servers")
    client(given, protocol, who, password="another long password").enrol(csr(given.key), "Servers")


# MS-WSTEP

def test_a_message_that_is_over_its_time_is_refused(given):
    late = WstepClient(given.world, given.clerk, True)
    late.stamp = (utc(-4000), utc(-3600))
    refused("message-expired", late.enrol, csr(given.key), "Servers")
    late.stamp = (utc(3600), utc(4000))
    refused("message-expired", late.enrol, csr(given.key), "Servers")
    late.stamp = (utc(), utc(300))
    late.enrol(csr(given.key), "Servers")


def test_the_password_address_does_not_take_the_certificate_instead(given):
    c = WstepClient(given.world, given.clerk, False)
    c.way = "UsernamePassword"
    refused("credentials", c.enrol, csr(given.key), "Servers")
    c = WstepClient(given.world, given.clerk, True)
    c.way = "Certificate"
    refused("forbidden", c.enrol, csr(given.key), "Servers")


def signed_request(given, request, cert_der, key, *options):
    """PKCS#7 SignedData over a PKCS#10, as a renewal is: made by OpenSSL."""
    cert = x509.load_der_x509_certificate(cert_der).public_bytes(serialization.Encoding.PEM)
    signer = given.file("signer.pem", cert + key_pem(key))
    inner = given.file("inner.der", request)
    return subprocess.run(["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-signer", signer,
                           "-in", inner, *options], check=True, capture_output=True).stdout


def test_a_renewal_is_signed_by_the_old_key_and_keeps_the_names(given):
    c = WstepClient(given.world, given.clerk, True)
    old = c.enrol(csr(given.key, "renewed.contoso.example"), "Servers")
    new_key = rsa_key()
    new = c.enrol(signed_request(given, csr(new_key, "renewed.contoso.example"), old, given.key))
    assert x509.load_der_x509_certificate(new).subject == named("renewed.contoso.example")
    assert x509.load_der_x509_certificate(new).public_key().public_numbers() == new_key.public_key().public_numbers()
    refused("renewal-names", c.enrol, signed_request(given, csr(new_key, "other.contoso.example"), old, given.key))
    refused("template-conflict", c.enrol,
            signed_request(given, csr(new_key, "renewed.contoso.example"), old, given.key), "MadeByCa")


def test_a_renewal_signed_by_another_key_or_of_a_revoked_certificate_is_refused(given):
    c = WstepClient(given.world, given.clerk, True)
    old = c.enrol(csr(given.key, "gone.contoso.example"), "Servers")
    message = signed_request(given, csr(given.key, "gone.contoso.example"), old, given.key)
    broken = bytearray(message)
    broken[-7] ^= 1
    refused("bad-cms", c.enrol, bytes(broken))
    request = csr(given.key, "gone.contoso.example")
    refused("bad-cms", c.enrol, signed_request(given, request, old, given.key, "-md", "sha1"))
    both = b"".join(open(f, "rb").read() for f in (given.clerk.cert, given.clerk.key))
    twice = given.file("second.pem", both)
    refused("bad-cms", c.enrol, signed_request(given, request, old, given.key, "-signer", twice))
    refused("bad-cms", c.enrol, signed_request(given, request, old, given.key, "-nocerts"))
    refused("bad-csr", c.enrol, signed_request(given, b"no request", old, given.key))
    row = [x for x in given.world.certificates() if "gone.contoso.example" in x["subject"]][0]
    given.world.admin("ca", "cert.revoke", {"serial": row["serial"], "reason": "superseded"})
    refused("caller-revoked", c.enrol, message)
    key = ec.generate_private_key(ec.SECP256R1())
    path = given.file("stranger.key", key_pem(key))
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", path, "-subj", "/CN=gone.contoso.example", "-days", "2",
                    "-outform", "DER", "-out", path + ".der"], check=True, capture_output=True)
    with open(path + ".der", "rb") as f:
        stranger = f.read()
    refused("caller-expired", c.enrol, signed_request(given, csr(given.key, "gone.contoso.example"), stranger, key))


# MS-XCEP

def q(name):
    return f"{{{XCEP}}}{name}"


def policies(answer):
    root = ET.fromstring(answer)
    return {p.find(f"{q('attributes')}/{q('commonName')}").text: p for p in root.iter(q("policy"))}


ORDER_OF_ATTRIBUTES = [
    "commonName", "policySchema", "certificateValidity", "permission", "privateKeyAttributes", "revision",
    "supersededPolicies", "privateKeyFlags", "subjectNameFlags", "enrollmentFlags", "generalFlags",
    "hashAlgorithmOIDReference", "rARequirements", "keyArchivalAttributes", "extensions"]


@pytest.mark.parametrize("by_password", [False, True])
def test_policies_are_the_templates_that_the_caller_may_read(given, by_password):
    who = Who(given.world, f"looker-{by_password}").may("Servers").may("MadeByCa", "read")
    answer = XcepClient(given.world, who, by_password).policies()
    found = policies(answer)
    assert set(found) == {"Servers", "MadeByCa"}
    assert found["Servers"].find(f".//{q('enroll')}").text == "true"
    assert found["MadeByCa"].find(f".//{q('enroll')}").text == "false"
    for p in found.values():
        assert [e.tag for e in p.find(q("attributes"))] == [q(n) for n in ORDER_OF_ATTRIBUTES]


def test_policies_say_where_to_enrol_and_what_is_written(given):
    answer = XcepClient(given.world, given.clerk, True).policies()
    root = ET.fromstring(answer)
    servers = policies(answer)["Servers"]
    oids = {o.find(q("oIDReferenceID")).text: o for o in root.iter(q("oID"))}
    cas = {c.find(q("cAReferenceID")).text: c for c in root.iter(q("cA"))}
    ca = cas[servers.find(f".//{q('cAReference')}").text]
    uris = {u.find(q("clientAuthentication")).text: u.find(q("uri")).text for u in ca.iter(q("cAURI"))}
    name = given.world.issuing_ca.replace(" ", "%20")
    assert uris == {"8": f"{given.world.ca_url}/{name}_CES_Certificate/service.svc/CES",
                    "4": f"{given.world.ca_url}/{name}_CES_UsernamePassword/service.svc/CES"}
    cert = x509.load_der_x509_certificate(base64.b64decode(ca.find(q("certificate")).text))
    assert given.world.issuing_ca in cert.subject.rfc4514_string()
    assert oids[servers.find(q("policyOIDReference")).text].find(q("group")).text == "9"
    leaf = x509.load_der_x509_certificate(EstClient(given.world, given.clerk, True).enrol(csr(given.key), "Servers"))
    written = {e.oid.dotted_string: e for e in leaf.extensions}
    for e in servers.iter(q("extension")):
        oid = oids[e.find(q("oIDReference")).text].find(q("value")).text
        assert oid in written
        assert (e.find(q("critical")).text == "true") == written[oid].critical
        value = base64.b64decode(e.find(q("value")).text)
        assert value in leaf.public_bytes(serialization.Encoding.DER)
    flags = int(policies(answer)["Servers"].find(f".//{q('generalFlags')}").text)
    assert flags > 0


def test_the_policy_id_stays_and_nothing_new_is_said_to_be_so(given):
    c = XcepClient(given.world, given.clerk, True)
    first, again = c.policies(), c.policies(last_update=utc(3 * 86400))
    ident = re.search(r"<policyID>(\{[0-9a-f-]{36}\})</policyID>", first).group(1)
    assert ident in again
    assert "<policiesNotChanged>true</policiesNotChanged>" in again and "<policy>" not in again
    assert "<policiesNotChanged>false</policiesNotChanged>" in c.policies(last_update=utc(-10))


def test_a_filter_leaves_out_what_is_not_wanted(given):
    c = XcepClient(given.world, given.clerk, True)
    oids = {o.find(q("defaultName")).text: o.find(q("value")).text for o in ET.fromstring(c.policies()).iter(q("oID"))}
    one = c.policies(filters=f"<requestFilter><policyOIDs><oid>{oids['Servers']}</oid></policyOIDs>"
                             '<clientVersion xsi:nil="true"/><serverVersion xsi:nil="true"/></requestFilter>')
    assert set(policies(one)) == {"Servers"}
    none = c.policies(filters="<requestFilter><policyOIDs><oid>1.2.3</oid></policyOIDs></requestFilter>")
    assert not policies(none)


def test_policies_are_for_callers_who_show_themselves(given):
    refused("credentials", XcepClient(given.world, given.clerk, True, "a wrong password").policies)
    c = XcepClient(given.world, given.clerk, True)
    c.way = "Certificate"
    refused("forbidden", c.policies)
    c.way = "Kerberos"
    with pytest.raises(Refused):
        c.policies()


# EST

def test_est_gives_the_ca_certificates_to_anybody(given):
    status, head, data = EstClient(given.world, None, False).request("GET", "cacerts")
    assert status == 200 and head["content-type"].startswith("application/pkcs7-mime")
    certs = pkcs7.load_der_pkcs7_certificates(base64.b64decode(data))
    assert len(certs) == 3 and b"\n" not in data


def test_est_asks_for_a_name_and_a_password(given):
    c = EstClient(given.world, None, False)
    status, head, _ = c.request("POST", "simpleenroll", "Servers", b"AA==")
    assert status == 401 and head["www-authenticate"].startswith("Basic realm=")
    for value in ("Bearer abc", "Basic", "Basic !!", "Basic " + base64.b64encode(b"no colon").decode(),
                  "Basic " + base64.b64encode(b":empty").decode(), "Basic " + base64.b64encode(b"\xff\xfe:x").decode()):
        status, head, _ = c.request("POST", "simpleenroll", "Servers", b"AA==", {"Authorization": value})
        assert status == 401, value


def test_est_wraps_lines_for_who_needs_them(given):
    c = EstClient(given.world, given.clerk, True)
    head, data = c.post("simpleenroll", csr(given.key), "Servers", headers={"User-Agent": "libest 3.2"})
    assert head["content-type"] == "application/pkcs7-mime; smime-type=certs-only"
    assert data.endswith(b"\n") and max(len(line) for line in data.split(b"\n")) == 64
    _, data = c.post("simpleenroll", csr(given.key), "Servers", headers={"User-Agent": "curl/7"})
    assert b"\n" not in data


def test_est_bodies_are_bounded_and_typed(given):
    c = EstClient(given.world, given.clerk, True)
    for body, kind, wanted in ((b"", "application/pkcs10", 400), (b"!!!", "application/pkcs10", 400),
                               (b"A" * 200000, "application/pkcs10", 413), (b"AAAA", "text/plain", 415)):
        status, _, text = c.request("POST", "simpleenroll", "Servers", body, {"Content-Type": kind})
        assert status == wanted, (body[:10], text)


def test_est_csrattrs_say_what_key_the_template_wants(given):
    c = EstClient(given.world, given.clerk, True)
    status, head, data = c.request("GET", "csrattrs", "Servers")
    assert status == 200 and head["content-type"] == "application/csrattrs"
    path = given.file("attrs.der", base64.b64decode(data))
    text = subprocess.run(["openssl", "asn1parse", "-inform", "DER", "-in", path], check=True,
                          capture_output=True, text=True).stdout
    assert "rsaEncryption" in text and ":0800" in text and "prime256v1" in text and "secp384r1" in text
    assert c.request("GET", "csrattrs")[0] == 204
    assert c.request("GET", "csrattrs", "Nonsense")[0] == 404


@pytest.mark.parametrize("label", [None, "Servers"])
def test_est_says_that_full_cmc_is_not_spoken_and_what_is(given, label):
    c = EstClient(given.world, given.clerk, True)
    status, head, text = c.request("POST", "fullcmc", label, b"AAAA", {"Content-Type": "application/pkcs7-mime"})
    assert status == 501 and head["content-type"].startswith("text/plain")
    assert b"simpleenroll" in text and b"(unsupported)" in text


def test_est_reenrolment_renews_the_certificate_of_the_connection(given):
    """The holder of an issued certificate has its principal's rights for renewing it, and for nothing else."""
    world = given.world
    principal_csr = csr(given.key, "clerk")
    status, _, text = EstClient(world, given.clerk, False).request("POST", "simplereenroll", None,
                                                                   base64.b64encode(principal_csr))
    assert status in (400, 403), text
    c = EstClient(world, given.clerk, True)
    with pytest.raises(Refused) as caught:
        c.enrol(csr(given.key), "Servers", operation="simplereenroll")
    assert caught.value.status == 403


def parts(head, data):
    boundary = re.search(r"boundary=(\S+)", head["content-type"]).group(1).encode()
    found = data.split(b"--" + boundary)
    assert found[0] == b"" and found[-1].strip() == b"--" and len(found) == 4
    out = []
    for p in found[1:3]:
        top, body = p.strip(b"\r\n").split(b"\r\n\r\n")
        out.append((top.decode(), base64.b64decode(body)))
    return out


def test_est_makes_a_key_for_a_template_that_allows_export(given):
    c = EstClient(given.world, given.clerk, True)
    head, data = c.post("serverkeygen", csr(given.ec_key, "made.contoso.example"), "MadeByCa")
    (key_head, key), (cert_head, certs) = parts(head, data)
    assert "application/pkcs8" in key_head and "application/pkcs7-mime; smime-type=certs-only" in cert_head
    private = serialization.load_der_private_key(key, None)
    cert = pkcs7.load_der_pkcs7_certificates(certs)[0]
    assert private.key_size == 2048
    assert cert.public_key().public_numbers() == private.public_key().public_numbers()
    assert cert.subject == named("made.contoso.example")


def test_est_makes_no_key_where_it_must_not_leave_or_nobody_may_have_it(given):
    c = EstClient(given.world, given.clerk, True)
    before = len([r for r in given.world.certificates() if r["state"] == "valid"])

    def make(label, who=c):
        who.post("serverkeygen", csr(given.ec_key), label)
    refused("keygen-export", make, "Servers")
    refused("template-unknown", make, "Nonsense")
    other = Who(given.world, "keyless").may("MadeByCa", "read")
    refused("template-denied", make, "MadeByCa", EstClient(given.world, other, True))
    refused("credentials", make, "MadeByCa", EstClient(given.world, given.clerk, True, "a wrong password"))
    after = len([r for r in given.world.certificates() if r["state"] == "valid"])
    assert after == before + 1  # the client certificate of "keyless"


def test_no_key_that_was_made_is_kept(given):
    c = EstClient(given.world, given.clerk, True)
    head, data = c.post("serverkeygen", csr(given.ec_key, "forgotten.contoso.example"), "MadeByCa")
    private = serialization.load_der_private_key(parts(head, data)[0][1], None).private_numbers()
    secrets = [n.to_bytes((n.bit_length() + 7) // 8, "big") for n in (private.p, private.q, private.d)]
    for folder, _, names in os.walk(given.world.state_dir("ca")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                content = f.read()
            assert not any(s in content for s in secrets), name


def test_est_waits_for_a_manager_and_gives_the_certificate_to_the_same_request(given):
    world = given.world
    world.admin("ca", "template.duplicate", {"source": "WebServer", "name": "Waiting", "supply_in_request": True})
    world.admin("ca", "template.edit", {"template": "Waiting", "manager_approval": True})
    who = Who(world, "patient").may("Waiting")
    c = EstClient(world, who, True)
    request = csr(rsa_key(), "waiting.contoso.example")
    with pytest.raises(Pending) as first:
        c.enrol(request, "Waiting")
    assert first.value.seconds > 0
    with pytest.raises(Pending) as second:
        c.enrol(request, "Waiting")
    assert first.value.request == second.value.request
    world.admin("ca", "request.approve", {"id": int(first.value.request)})
    leaf = c.enrol(request, "Waiting")
    assert c.enrol(request, "Waiting") == leaf
    other = csr(rsa_key(), "denied.contoso.example")
    with pytest.raises(Pending) as waits:
        c.enrol(other, "Waiting")
    world.admin("ca", "request.deny", {"id": int(waits.value.request), "reason": "no"})
    refused("request-denied", c.enrol, other, "Waiting")


# Other people's programs

def run(*args, **more):
    done = subprocess.run(args, check=False, capture_output=True, timeout=60, **more)
    assert done.returncode == 0, (args, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def reread(given, pem):
    """Two other libraries find the certificate and its chain good."""
    leaf = given.file("leaf.pem", pem)
    chain = given.file("chain.pem", given.world.issuing_pem + given.world.root_pem)
    run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", given.world.root_file,
        "-untrusted", chain, leaf)
    text = run("certtool", "--verify", "--load-ca-certificate", given.world.root_file,
               input=pem + given.world.issuing_pem.encode() + given.world.root_pem.encode())
    assert b"Verified. The certificate is trusted." in text
    return run("certtool", "-i", "--infile", leaf).decode()


def test_curl_enrols_over_est_and_gnutls_reads_the_certificate(given):
    request = given.file("curl.b64", base64.encodebytes(csr(given.key, "curl.contoso.example")))
    out = run("curl", "-sS", "--fail-with-body", "--cacert", given.world.root_file, "-u",
              f"{given.clerk.name}:{given.clerk.password}", "--data-binary", f"@{request}", "-H",
              "Content-Type: application/pkcs10", f"{given.world.ca_url}/.well-known/est/Servers/simpleenroll")
    der = given.file("curl.p7", base64.b64decode(out))
    pem = run("openssl", "pkcs7", "-inform", "DER", "-print_certs", "-in", der)
    text = reread(given, pem[pem.index(b"-----BEGIN"):])
    assert "curl.contoso.example" in text


def test_curl_with_a_client_certificate_enrols_over_est(given):
    request = given.file("curl.pem", base64.encodebytes(csr(given.ec_key, "curl2.contoso.example")))
    out = run("curl", "-sS", "--fail-with-body", "--cacert", given.world.root_file, "--cert", given.clerk.cert, "--key",
              given.clerk.key, "--data-binary", f"@{request}", "-H", "Content-Type: application/pkcs10",
              f"{given.world.ca_url}/.well-known/est/Servers/simpleenroll")
    assert pkcs7.load_der_pkcs7_certificates(base64.b64decode(out))


strongswan = pytest.mark.skipif(not shutil.which("pki"), reason="strongswan-pki is not installed")


@strongswan
def test_strongswan_fetches_the_ca_certificates(given):
    run("pki", "--estca", "--url", given.world.ca_url, "--cacert", given.world.root_file, "--caout",
        os.path.join(given.dir, "sw-ca"), "--outform", "pem", "--force")
    found = [n for n in os.listdir(given.dir) if n.startswith("sw-ca")]
    assert len(found) >= 2
    with open(os.path.join(given.dir, sorted(found)[0]), encoding="ascii") as f:
        assert "BEGIN CERTIFICATE" in f.read()


@strongswan
def test_strongswan_enrols_over_est(given):
    key = given.file("sw.key", key_pem(given.key))
    request = given.file("sw.req", run("pki", "--req", "--type", "rsa", "--in", key, "--dn", "CN=sw.contoso.example",
                                       "--san", "sw.contoso.example", "--profile", "Servers"))
    out = run("pki", "--est", "--url", given.world.ca_url, "--in", request, "--cacert", given.world.root_file,
              "--cacert", os.path.join(given.world.dir, "issuing.pem"), "--userpass",
              f"{given.clerk.name}:{given.clerk.password}", "--outform", "pem")
    assert "sw.contoso.example" in reread(given, out)


@strongswan
def test_strongswan_is_refused_with_a_wrong_password(given):
    key = given.file("sw2.key", key_pem(given.key))
    request = given.file("sw2.req", run("pki", "--req", "--type", "rsa", "--in", key, "--dn", "CN=sw2.contoso.example",
                                        "--profile", "Servers"))
    done = subprocess.run(["pki", "--est", "--url", given.world.ca_url, "--in", request, "--cacert",
                           given.world.root_file, "--userpass", "clerk:no password at all"], check=False,
                          capture_output=True, timeout=60)
    assert done.returncode != 0 and b"BEGIN" not in done.stdout


def test_principals_with_passwords_are_made_by_the_command_line(given):
    world = given.world
    secret = given.file("new-secret", "correct horse battery\n")
    world.cli("principal", "add", "typed", "--password-file", secret, "--socket", world.socket_of("ca"))
    shown = {p["name"]: p for p in world.cli_json("principal", "list", "--socket", world.socket_of("ca"))["principals"]}
    assert shown["typed"]["password"] is True
    assert "argon2" not in str(shown)
    short = given.file("short", "short\n")
    assert world.cli("principal", "passwd", "typed", "--password-file", short, "--socket", world.socket_of("ca"),
                     check=False).returncode != 0
    world.admin("ca", "ca.grant", {"principal": "typed", "rights": ["request"]})
    world.admin("ca", "template.grant", {"template": "Servers", "principal": "typed", "rights": ["read", "enrol"]})

    class Typed:
        name, password = "typed", "correct horse battery"
    EstClient(world, Typed, True).enrol(csr(given.key, "typed.contoso.example"), "Servers")


def test_passwords_are_in_no_log_and_no_record(given):
    for role in ("ca",):
        with open(given.world.log_file(role), "rb") as f:
            log = f.read()
        assert b"a long enough password" not in log and b"correct horse" not in log
    for folder, _, names in os.walk(given.world.state_dir("ca")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                content = f.read()
            assert b"a long enough password" not in content and b"guess number" not in content
