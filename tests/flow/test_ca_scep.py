# SPDX-License-Identifier: Apache-2.0
"""SCEP with other people's clients (certmonger, strongSwan), and with one from the RFC for what those never send."""

import base64
import glob
import os
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import scep_client as scep
from scep_client import ScepClient, make_csr, name, new_key, self_signed

WORLD = {"connector": False}
ROUTER = "IPSECIntermediateOffline"
CERTMONGER = "/usr/lib/certmonger/scep-submit"


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.world = world
    g.url = world.http_url + "/scep"
    g.dir = os.path.join(world.dir, "scep")
    world.admin("ca", "template.publish", {"template": ROUTER, "published": True})
    done = world.cli("challenge", "make", "--template", ROUTER, "--socket", world.socket_of("ca"), check=False)
    assert done.returncode != 0 and "grant it Enrol on the template" in done.stderr
    world.admin("ca", "template.grant", {"template": ROUTER, "principal": "scep", "rights": ["read", "enrol"]})
    g.client = ScepClient(g.url, g.dir)

    def challenge(**more):
        return world.admin("ca", "challenge.make", {"template": ROUTER, **more})["challenge"]
    g.challenge = challenge

    def file(name_, data):
        path = os.path.join(g.dir, name_)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return path
    g.file = file
    return g


def pem_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def pem_cert(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def verify(given, leaf):
    done = subprocess.run(["openssl", "verify", "-CAfile", os.path.join(given.world.dir, "root.pem"), "-untrusted",
                           os.path.join(given.world.dir, "issuing.pem"), given.file("leaf.pem", pem_cert(leaf))],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def failed(reply, info, fault):
    assert (reply.status, reply.fail_info) == (scep.FAILURE, info), reply.text
    assert not reply.envelope
    assert fault in reply.text, reply.text


# What anybody may ask

def test_capabilities_are_lines_that_clients_compare(given):
    status, kind, body = given.client.fetch("?operation=GetCACaps")
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert b"\r" not in body
    lines = body.decode().split("\n")
    for word in ("AES", "DES3", "SHA-256", "SHA-512", "POSTPKIOperation", "Renewal", "SCEPStandard"):
        assert word in lines
    assert "SHA-1" not in lines


def test_certificates_are_one_ra_with_both_uses_and_the_way_to_the_root(given):
    certs = given.client.certs()
    ra = given.client.ra()
    usage = ra.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.key_encipherment
    assert "1.3.6.1.4.1.311.20.2.1" in [
        o.dotted_string for o in ra.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value]
    assert len(certs) == 3
    verify(given, ra)


@pytest.mark.parametrize("path", ["/scep", "/certsrv/mscep/mscep.dll", "/certsrv/mscep/mscep.dll/pkiclient.exe",
                                  "/scep/pkiclient.exe", "/cgi-bin/pkiclient.exe", "/CertSrv/mscep/MSCEP.dll"])
def test_every_usual_address_serves_scep(given, path):
    client = ScepClient(given.world.http_url + path, given.dir)
    assert "SCEPStandard" in client.caps()


def test_the_tls_port_serves_scep_without_a_client_certificate(given):
    client = ScepClient(given.world.ca_url + "/certsrv/mscep/mscep.dll", given.dir, given.world.root_file)
    assert "SCEPStandard" in client.caps()


@pytest.mark.parametrize("query", ["", "?message=x"])
def test_a_browser_gets_403_and_an_explanation(given, query):
    status, kind, body = ScepClient(given.world.http_url + "/certsrv/mscep/mscep.dll", given.dir).fetch(query)
    assert status == 403 and kind.startswith("text/plain")
    assert b"SCEP clients" in body


def test_unknown_operations_and_broken_messages_are_http_errors(given):
    assert given.client.fetch("?operation=Nonsense")[0] == 403
    assert given.client.fetch("?operation=PKIOperation")[0] == 400
    assert given.client.fetch("?operation=PKIOperation&message=AAAA")[0] == 400
    assert given.client.fetch("?operation=PKIOperation", b"\x30\x03\x02\x01\x01")[0] == 400
    assert given.client.fetch("?operation=PKIOperation", b"\x30\x80" * 5000)[0] == 400


# Enrolment, from the RFC

@pytest.mark.parametrize("get", [False, True])
@pytest.mark.parametrize("digest, cipher", [("sha256", "aes-256-cbc"), ("sha512", "aes-128-cbc"),
                                            ("sha256", "des-ede3-cbc")])
def test_a_challenge_gets_one_certificate(given, get, digest, cipher):
    key = new_key()
    csr = make_csr(key, "router1", given.challenge())
    reply = given.client.enrol(key, csr, get=get, digest=digest, cipher=cipher, transaction="00FF-router1")
    assert (reply.status, reply.transaction, reply.digest) == (scep.SUCCESS, "00FF-router1", digest)
    assert reply.recipient_nonce == b"0123456789abcdef" and len(reply.sender_nonce) == 16
    leaf = given.client.leaf(reply)
    assert leaf.public_key().public_numbers() == key.public_key().public_numbers()
    assert leaf.subject == name("router1")
    verify(given, leaf)
    again = given.client.enrol(key, csr, get=get, transaction="00FF-router1")
    assert given.client.leaf(again).serial_number == leaf.serial_number


def test_a_used_challenge_is_of_no_use_to_another(given):
    text = given.challenge()
    first, second = new_key(), new_key()
    assert given.client.enrol(first, make_csr(first, "r", text)).status == scep.SUCCESS
    failed(given.client.enrol(second, make_csr(second, "r", text)), scep.BAD_REQUEST, "order-stale")


def test_names_that_the_administrator_stated_are_the_names(given):
    text = given.challenge(subject="CN=vpn1", hosts=["vpn1.contoso.example"])
    key = new_key()
    failed(given.client.enrol(key, make_csr(key, "admin", text)), scep.BAD_REQUEST, "order-subject")
    failed(given.client.enrol(key, make_csr(key, "vpn1", text, ["evil.example"])), scep.BAD_REQUEST, "order-san")
    leaf = given.client.leaf(given.client.enrol(key, make_csr(key, "vpn1", text)))
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["vpn1.contoso.example"]


def test_missing_nonces_and_pss_and_oaep_are_taken(given):
    key = new_key()
    reply = given.client.enrol(key, make_csr(key, "r", given.challenge()), nonce=None)
    assert reply.status == scep.SUCCESS and reply.recipient_nonce is None
    assert given.client.enrol(key, make_csr(key, "r", given.challenge()), pss=True).status == scep.SUCCESS
    envelope = given.client.openssl(
        "cms", "-encrypt", "-binary", "-outform", "DER", "-aes256", "-recip", given.file(
            "to.pem", pem_cert(given.client.ra())), "-keyopt", "rsa_padding_mode:oaep",
        data=make_csr(key, "r", given.challenge()))
    message = given.client.message(scep.PKCS_REQ, envelope, self_signed(key, "x"), key)
    assert given.client.send(message, key).status == scep.SUCCESS


def test_plus_signs_that_were_not_escaped_are_taken(given):
    key = new_key()
    envelope = given.client.seal(make_csr(key, "r", given.challenge()))
    message = given.client.message(scep.PKCS_REQ, envelope, self_signed(key, "x"), key)
    text = base64.b64encode(message).decode()
    assert "+" in text
    status, _kind, body = given.client.fetch("?operation=PKIOperation&message=" + text)
    assert status == 200 and given.client.parse(body, key).status == scep.SUCCESS


def test_ber_with_indefinite_lengths_is_taken(given):
    key = new_key()
    envelope = given.client.seal(make_csr(key, "r", given.challenge()), options=("-stream", "-indef"))
    assert envelope[1] == 0x80
    message = given.client.message(scep.PKCS_REQ, envelope, self_signed(key, "x"), key)
    tag, body, _whole, _rest = scep.read(message)
    outer = bytes([tag, 0x80]) + body + b"\0\0"
    assert given.client.send(outer, key).status == scep.SUCCESS


# Refusals

def test_each_wrong_message_has_its_fail_info(given):
    c, key, other = given.client, new_key(), new_key()
    cert = self_signed(key, "x")
    csr = make_csr(key, "r", given.challenge())
    sealed = c.seal(csr)
    failed(c.send(c.message(scep.PKCS_REQ, sealed, cert, key, signature=b"x" * 256), key),
           scep.BAD_MESSAGE_CHECK, "bad-signature")
    failed(c.send(c.message(scep.PKCS_REQ, sealed, cert, key, digest="md5"), key), scep.BAD_ALG, "scep-algorithm")
    failed(c.send(c.message(scep.PKCS_REQ, sealed, cert, key, digest="sha1"), key), scep.BAD_ALG, "scep-algorithm")
    failed(c.send(c.message(99, sealed, cert, key), key), scep.BAD_REQUEST, "scep-type")
    failed(c.send(c.message(scep.PKCS_REQ, c.seal(csr, to=cert), cert, key), key), scep.BAD_MESSAGE_CHECK, "")
    failed(c.send(c.message(scep.PKCS_REQ, c.seal(b"no request"), cert, key), key), scep.BAD_MESSAGE_CHECK, "")
    failed(c.send(c.message(scep.PKCS_REQ, sealed, self_signed(other, "x"), other), other),
           scep.BAD_MESSAGE_CHECK, "scep-signer")
    failed(c.enrol(key, make_csr(key, "r")), scep.BAD_REQUEST, "challenge-missing")
    failed(c.enrol(key, make_csr(key, "r", "0" * 32)), scep.BAD_REQUEST, "challenge-refused")
    short = new_key(1024)
    failed(c.send(c.message(scep.PKCS_REQ, sealed, self_signed(short, "x"), short), short), scep.BAD_ALG,
           "scep-algorithm")
    # None of these used the challenge up.
    assert c.enrol(key, csr).status == scep.SUCCESS


def test_single_des_is_bad_alg(given):
    key = new_key()
    sealed = given.client.seal(make_csr(key, "r", "x"), "des-cbc", options=("-provider", "legacy", "-provider",
                                                                            "default"))
    failed(given.client.send(given.client.message(scep.PKCS_REQ, sealed, self_signed(key, "x"), key), key),
           scep.BAD_ALG, "scep-algorithm")


def test_a_message_without_transaction_is_an_http_error(given):
    key = new_key()
    m = given.client.message(scep.PKCS_REQ, given.client.seal(b"x"), self_signed(key, "x"), key, transaction=None)
    assert given.client.fetch("?operation=PKIOperation", m)[0] == 400


def test_refusals_are_in_the_journal(given):
    key = new_key()
    failed(given.client.enrol(key, make_csr(key, "r", "1" * 32)), scep.BAD_REQUEST, "challenge-refused")
    lines = given.world.admin("ca", "journal.list", {})["lines"]
    assert any(x["event"] == "denied" and "fault=challenge-refused" in x["detail"] and "127.0.0.1" in x["detail"]
               for x in lines)


def test_sha1_is_taken_where_it_is_switched_on(given):
    key = new_key()
    csr = make_csr(key, "old", given.challenge(), digest=hashes.SHA1())
    given.world.admin("ca", "ca.set", {"name": "scep.sha1", "value": "true"})
    try:
        assert "SHA-1" in given.client.caps()
        reply = given.client.enrol(key, csr, digest="sha1", cipher="des-ede3-cbc")
        assert (reply.status, reply.digest) == (scep.SUCCESS, "sha1")
    finally:
        given.world.admin("ca", "ca.set", {"name": "scep.sha1", "value": "false"})


# Renewal, polling, questions

@pytest.fixture(scope="module")
def held(given):
    key = new_key()
    return key, given.client.leaf(given.client.enrol(key, make_csr(key, "held", given.challenge())))


@pytest.mark.parametrize("kind", [scep.RENEWAL_REQ, scep.PKCS_REQ])
def test_a_certificate_renews_itself(given, held, kind):
    key, cert = held
    fresh = new_key()
    reply = given.client.enrol(fresh, make_csr(fresh, "held"), kind, cert, key)
    leaf = given.client.leaf(reply)
    assert leaf.subject == cert.subject and leaf.serial_number != cert.serial_number
    assert leaf.public_key().public_numbers() == fresh.public_key().public_numbers()
    failed(given.client.enrol(fresh, make_csr(fresh, "other"), kind, cert, key), scep.BAD_REQUEST, "renewal")


def test_a_renewal_that_is_the_same_request_is_none_of_its_repetitions(given):
    """Key, request and transaction as before: the certificate that signs says whether it is renewed or asked for
    again."""
    key, client = new_key(), given.client
    csr = make_csr(key, "same", given.challenge())

    def ask(kind=scep.RENEWAL_REQ, **more):
        return client.leaf(client.enrol(key, csr, kind, transaction="same-1", nonce=os.urandom(16), **more))
    first = ask(scep.PKCS_REQ)
    assert ask(scep.PKCS_REQ) == first
    second = ask(cert=first)
    assert second.serial_number != first.serial_number
    assert ask(cert=first) == second
    assert ask(cert=second).serial_number not in (first.serial_number, second.serial_number)


def test_a_sha1_request_that_waits_is_approved_when_sha1_is_off_again(given):
    world = given.world
    world.admin("ca", "template.duplicate", {"source": ROUTER, "name": "OldRouter", "supply_in_request": True,
                                             "manager_approval": True})
    world.admin("ca", "template.grant", {"template": "OldRouter", "principal": "scep", "rights": ["read", "enrol"]})

    def wait(key, kind, challenge, **more):
        world.admin("ca", "ca.set", {"name": "scep.sha1", "value": "true"})
        try:
            reply = given.client.enrol(key, make_csr(key, "old", challenge, digest=hashes.SHA1()), kind, digest="sha1",
                                       transaction="sha1", **more)
        finally:
            world.admin("ca", "ca.set", {"name": "scep.sha1", "value": "false"})
        assert reply.status == scep.PENDING, reply.text
        waiting = world.admin("ca", "request.list", {"template": "OldRouter"})["requests"]
        world.admin("ca", "request.approve", {"id": waiting[0]["request_id"]})
        cert = more.get("cert") or self_signed(key, "old")
        poll = given.client.seal(scep.tlv(0x30, cert.issuer.public_bytes(), name("old").public_bytes()))
        return given.client.leaf(given.client.send(given.client.message(
            scep.CERT_POLL, poll, cert, more.get("signer", key), "sha1"), more.get("signer", key)))
    key, fresh = new_key(), new_key()
    first = wait(key, scep.PKCS_REQ, world.admin("ca", "challenge.make", {"template": "OldRouter"})["challenge"])
    assert first.signature_hash_algorithm.name == "sha256"
    second = wait(fresh, scep.RENEWAL_REQ, None, cert=first, signer=key)
    assert second.serial_number != first.serial_number
    assert second.public_key().public_numbers() == fresh.public_key().public_numbers()


def test_a_revoked_certificate_renews_nothing(given):
    key = new_key()
    cert = given.client.leaf(given.client.enrol(key, make_csr(key, "lost", given.challenge())))
    given.world.admin("ca", "cert.revoke", {"serial": f"{cert.serial_number:x}"})
    fresh = new_key()
    failed(given.client.enrol(fresh, make_csr(fresh, "lost"), scep.RENEWAL_REQ, cert, key), scep.BAD_REQUEST,
           "caller-revoked")
    # Its holder may begin anew.
    again = given.client.enrol(key, make_csr(key, "lost", given.challenge()), scep.PKCS_REQ, cert, key)
    assert again.status == scep.SUCCESS


def test_get_cert_and_get_crl(given, held):
    key, cert = held
    question = given.client.seal(scep.issuer_serial(cert))
    reply = given.client.send(given.client.message(scep.GET_CERT, question, cert, key), key)
    assert given.client.leaf(reply).serial_number == cert.serial_number
    reply = given.client.send(given.client.message(scep.GET_CRL, question, cert, key), key)
    assert b"X509 CRL" in given.client.openssl("pkcs7", "-inform", "DER", "-print_certs", data=reply.content)
    stranger = new_key()
    failed(given.client.send(given.client.message(scep.GET_CERT, question, self_signed(stranger, "x"), stranger),
                             stranger), scep.BAD_CERT_ID, "scep-transaction")


def test_a_request_for_a_manager_is_pending_until_approved(given):
    world = given.world
    world.admin("ca", "template.duplicate", {"source": ROUTER, "name": "SlowRouter", "supply_in_request": True,
                                             "manager_approval": True})
    world.admin("ca", "template.grant", {"template": "SlowRouter", "principal": "scep", "rights": ["read", "enrol"]})
    text = world.admin("ca", "challenge.make", {"template": "SlowRouter", "subject": "CN=slow"})["challenge"]
    key = new_key()
    cert = self_signed(key, "slow")
    csr = make_csr(key, "slow", text)
    reply = given.client.enrol(key, csr, cert=cert, transaction="slow-1")
    assert reply.status == scep.PENDING and not reply.envelope
    poll = given.client.seal(scep.tlv(0x30, cert.issuer.public_bytes(), name("slow").public_bytes()))

    def ask():
        return given.client.send(given.client.message(scep.CERT_POLL, poll, cert, key, "slow-1"), key)
    assert ask().status == scep.PENDING
    waiting = world.admin("ca", "request.list", {})["requests"]
    world.admin("ca", "request.approve", {"id": waiting[0]["request_id"]})
    assert given.client.leaf(ask()).subject == name("slow")
    failed(given.client.send(given.client.message(scep.CERT_POLL, poll, cert, key, "slow-2"), key), scep.BAD_CERT_ID,
           "scep-transaction")


# Other people's clients

@pytest.mark.skipif(not os.path.exists(CERTMONGER) or shutil.which("dbus-run-session") is None,
                    reason="certmonger or dbus-run-session is not installed")
def test_certmonger_enrols_and_renews(given):
    """The whole daemon, on a bus and in folders of its own."""
    home = os.path.join(given.dir, "certmonger")
    for part in ("req", "cas", "local"):
        os.makedirs(os.path.join(home, part))
    given.file("certmonger/certmonger.conf", "")
    root = os.path.join(given.world.dir, "root.pem")
    script = f"""
        certmonger -s -n -d 1 >{home}/log 2>&1 & daemon=$!
        trap 'kill $daemon' EXIT
        for i in $(seq 600); do getcert list-cas -s >/dev/null 2>&1 && break; sleep 0.1; done
        getcert add-scep-ca -s -c ours -u {given.url} -R {root}
        for i in $(seq 600); do getcert list-cas -s -c ours | grep -q SHA1 && break; sleep 0.1; done
        getcert request -s -c ours -k {home}/c.key -f {home}/c.pem -N CN=monger -L {given.challenge()} -w -v
        cp {home}/c.pem {home}/first.pem
        getcert resubmit -s -f {home}/c.pem -w -v
        getcert list -s
    """
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script], check=False, timeout=280, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env={
            **os.environ, "HOME": home, "CERTMONGER_REQUESTS_DIR": home + "/req", "CERTMONGER_CAS_DIR": home + "/cas",
            "CERTMONGER_LOCAL_CA_DIR": home + "/local", "CERTMONGER_CONFIG_DIR": home, "CERTMONGER_TMPDIR": home})
    assert "status: MONITORING" in done.stdout, done.stdout
    certs = []
    for file in ("first.pem", "c.pem"):
        with open(os.path.join(home, file), "rb") as f:
            certs.append(x509.load_pem_x509_certificate(f.read()))
    assert [c.subject for c in certs] == [name("monger")] * 2
    verify(given, certs[0])
    verify(given, certs[1])
    assert certs[0].serial_number != certs[1].serial_number


@pytest.mark.skipif(shutil.which("pki") is None, reason="strongSwan's pki is not installed")
def test_strongswan_enrols_and_renews(given):
    def pki(*args):
        done = subprocess.run(["pki", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60,
                              cwd=given.dir)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout
    pki("--scepca", "--url", given.url, "--caout", "sw-ca.pem", "--raout", "sw-ra.pem", "--outform", "pem", "--force")
    files = sorted(glob.glob(os.path.join(given.dir, "sw-*.pem")))
    assert files
    root, issuing = os.path.join(given.world.dir, "root.pem"), os.path.join(given.world.dir, "issuing.pem")
    ra = given.file("ra-only.pem", pem_cert(given.client.ra()))
    key = new_key()
    key_file = given.file("sw.key", pem_key(key))
    common = ["--url", given.url, "--cacert-enc", ra, "--cacert-sig", ra, "--cacert", issuing, "--cacert", root,
              "--cipher", "des3", "--digest", "sha256", "--outform", "pem"]
    out = pki("--scep", "--in", key_file, "--dn", "CN=swan", "--password", given.challenge(), *common)
    leaf = x509.load_pem_x509_certificate(out)
    assert leaf.subject == name("swan")
    verify(given, leaf)
    old_cert = given.file("sw.pem", out)
    fresh = given.file("sw2.key", pem_key(new_key()))
    out = pki("--scep", "--in", fresh, "--dn", "CN=swan", "--cert", old_cert, "--key", key_file, *common)
    assert x509.load_pem_x509_certificate(out).serial_number != leaf.serial_number
