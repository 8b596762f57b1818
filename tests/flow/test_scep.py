# SPDX-License-Identifier: Apache-2.0
"""SCEP profiles from assignment to certificate: the challenge of the service, the order that lies behind it at the CA,
and the messages through the service and a connector. Clients are strongSwan's, certmonger's, and one from the RFC."""

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import scep_client as scep
from clients import Device, key_pem, rsa_key
from enrol_clients import Orderer, Refused, Who, WstepClient
from scep_client import make_csr, name, new_key
from world import Https, b64, free_ports, tls_context, wait_for

CERTMONGER = "/usr/lib/certmonger/scep-submit"
LINUX = "#chancery.linuxScepCertificateProfile"


@pytest.fixture(scope="module")
def given(world):
    """A user with a group, the root, and a SCEP profile whose address is the service's."""
    class Given:
        pass
    g = Given()
    g.world = world
    g.user = world.add_user("scep@corp.test")
    g.group = world.add_group("scep", g.user)
    g.root = world.add_root("SCEP root")
    g.profile = world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": LINUX, "displayName": "SCEP", "subjectNameFormat": "custom",
        "subjectNameFormatString": "CN={{UserName}}", "subjectAlternativeNameType": "none",
        "certificateStore": "user", "keyUsage": "digitalSignature,keyEncipherment", "keySize": "size2048",
        "hashAlgorithm": "sha2", "renewalThresholdPercentage": 20, "certificateValidityPeriodScale": "years",
        "certificateValidityPeriodValue": 1,
        "scepServerUrls": [f"{world.device_url}/scep/{urllib.parse.quote(world.issuing_ca)}/ChanceryUser"],
        "extendedKeyUsages": [{"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}],
        "rootCertificate@odata.bind": f"{world.url}{world.CONFIGURATIONS}('{g.root['id']}')"})
    world.assign(g.root, g.group)
    world.assign(g.profile, g.group)
    return g


class ScepDevice(Device):
    """A device of the agent protocol that has its certificates by whatever SCEP client a test takes."""

    def enrol_command(self, seconds=15):
        results = []

        def turn():
            nonlocal results
            commands = self.checkin(results, wait=0)
            results = [self.obey(c) for c in commands if c["kind"] != "enrol_scep"]
            return next((c for c in commands if c["kind"] == "enrol_scep"), None)
        return wait_for(turn, seconds, step=0.1, why="the command to enrol by SCEP")

    def done(self, command, der):
        self.inventory[command["alias"]] = {
            "alias": command["alias"], "kind": "identity", "sha256": hashlib.sha256(der).hexdigest(),
            "has_key": True, "not_after": "2036-01-01T00:00:00Z"}
        return self.checkin([{"id": command["id"], "status": "ok", "certificate": b64(der)}])


@pytest.fixture
def device(given):
    return ScepDevice(given.world, given.world.code(given.user), name="scep-" + uuid.uuid4().hex[:6])


def client(world, url, tmp_path):
    return scep.ScepClient(url, str(tmp_path), world.root_file)


def der(cert):
    return cert.public_bytes(serialization.Encoding.DER)


def slot_of(given, device):
    return given.world.slots(device=device.id, profile=given.profile["id"])[0]


def test_a_challenge_is_short_and_of_characters_that_every_client_can_encode(device):
    command = device.enrol_command()
    assert len(command["challenge"]) == 32 and set(command["challenge"]) <= set("0123456789abcdef")
    assert command["urls"][0].endswith("/pkiclient.exe")


def test_a_certificate_comes_through_the_connector_and_is_installed_when_the_device_shows_it(given, device, tmp_path):
    world = given.world
    command = device.enrol_command()
    c = client(world, command["urls"][0], tmp_path)
    assert "POSTPKIOperation" in c.caps()
    key = new_key()
    leaf = c.leaf(c.enrol(key, make_csr(key, "scep", command["challenge"])))
    assert leaf.subject == name("scep")
    assert slot_of(given, device)["state"] == "offered"
    device.done(command, der(leaf))
    wait_for(lambda: slot_of(given, device)["state"] == "installed", why="the slot")
    rows = [e["event"] for e in world.timeline(slot_of(given, device))]
    assert rows[-3:] == ["challenge-left", "offered", "installed"], rows
    journal = world.admin("ca", "journal.list", {})["lines"]
    assert any(x["event"] == "challenge-left" for x in journal)
    metrics = dict(line.rsplit(" ", 1) for line in world.raw("GET", "/metrics")[2].decode().splitlines()
                   if line.startswith("chancery_relay_"))
    assert int(metrics['chancery_relay_total{outcome="answered"}']) >= 2
    assert int(metrics["chancery_relay_seconds_count"])
    # Nothing of it is kept in the clear, not at the service, not at the CA.
    for role in ("service", "ca", "connector"):
        for folder, _, files in os.walk(world.state_dir(role)):
            for f in files:
                with open(os.path.join(folder, f), "rb") as data:
                    assert command["challenge"].encode() not in data.read(), f


def test_by_get_with_a_long_address_it_is_the_same(given, device, tmp_path):
    command = device.enrol_command()
    c = client(given.world, command["urls"][0], tmp_path)
    key = new_key()
    reply = c.enrol(key, make_csr(key, "scep", command["challenge"]), get=True)
    assert c.leaf(reply).subject == name("scep")


def test_the_same_key_may_ask_again_and_another_may_not(given, device, tmp_path):
    command = device.enrol_command()
    c = client(given.world, command["urls"][0], tmp_path)
    key, other = new_key(), new_key()
    first = c.leaf(c.enrol(key, make_csr(key, "scep", command["challenge"])))
    again = c.leaf(c.enrol(key, make_csr(key, "scep", command["challenge"]), transaction="again"))
    assert again == first
    reply = c.enrol(other, make_csr(other, "scep", command["challenge"]))
    assert reply.status == scep.FAILURE and "order-stale" in failures(given)


def denials(given):
    """What the CA refused and why, newest first."""
    return [x["detail"] for x in given.world.admin("ca", "journal.list", {"event": "denied"})["lines"]]


def failures(given):
    return " ".join(denials(given))


@pytest.mark.parametrize("changed, fault", [
    ({"cn": "mallory"}, "order-subject"),
    ({"san": ("mallory.test",)}, "order-san"),
    ({"bits": 1024}, "key"),
    ({"challenge": "0" * 32}, "challenge-refused"),
    ({"challenge": None}, "challenge-missing"),
    ({"part": slice(0, 16)}, "challenge-refused"),
    ({"part": slice(1, 32)}, "challenge-refused"),
])
def test_a_request_for_something_else_is_refused(given, device, tmp_path, changed, fault):
    command = device.enrol_command()
    c = client(given.world, command["urls"][0], tmp_path)
    key = new_key(changed.get("bits", 2048))
    challenge = changed.get("challenge", command["challenge"][changed.get("part", slice(None))])
    csr = make_csr(key, changed.get("cn", "scep"), challenge, changed.get("san", ()))
    assert c.enrol(key, csr).status == scep.FAILURE
    assert fault in denials(given)[0]


def test_a_ca_and_purposes_of_a_requests_own_are_not_certified_and_its_template_must_be_the_ordered_one(
        given, device, tmp_path):
    command = device.enrol_command()
    c, key = client(given.world, command["urls"][0], tmp_path), new_key()
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2"),
                                       scep.tlv(0x1e, "SubCA".encode("utf-16-be")))
    assert c.enrol(key, their_csr(key, command["challenge"], more=[other])).status == scep.FAILURE
    assert "template-conflict" in denials(given)[0]
    greedy = [x509.BasicConstraints(True, 3), policies_extension(REQUEST_AGENT),
              x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None)])]
    leaf = c.leaf(c.enrol(key, their_csr(key, command["challenge"], more=greedy)))
    found = {e.oid.dotted_string: e for e in leaf.extensions}
    assert "2.5.29.19" not in found or not found["2.5.29.19"].value.ca
    assert "2.5.29.32" not in found and REQUEST_AGENT not in der(leaf)
    assert not found["2.5.29.15"].value.key_cert_sign


def test_a_challenge_that_was_used_stays_used_when_the_ca_is_killed(given, device, tmp_path):
    command = device.enrol_command()
    c, key, other = client(given.world, command["urls"][0], tmp_path), new_key(), new_key()
    first = c.leaf(c.enrol(key, make_csr(key, "scep", command["challenge"])))
    given.world.kill("ca", "issuer")
    wait_for(lambda: "AES" in client(given.world, f"{given.world.ca_url}/scep", tmp_path).caps(), why="the CA")
    reply = c.enrol(other, make_csr(other, "scep", command["challenge"]))
    assert reply.status == scep.FAILURE and "order-stale" in denials(given)[0]
    assert c.leaf(c.enrol(key, make_csr(key, "scep", command["challenge"]), transaction="again")) == first


def test_what_was_revoked_or_replaced_meanwhile_gets_nothing(given, device, tmp_path):
    """The profile leaves the device: the challenge that it had is worth nothing."""
    world = given.world
    command = device.enrol_command()
    other = world.add_group("none " + uuid.uuid4().hex[:6])
    c = client(world, command["urls"][0], tmp_path)
    direct = client(world, f"{world.ca_url}/scep", tmp_path)
    world.assign(given.profile, other)
    try:
        device.checkin()
        key = new_key()
        with pytest.raises(AssertionError):  # no such address any more
            c.enrol(key, make_csr(key, "scep", command["challenge"]))
        wait_for(lambda: "order-closed" in [x["event"] for x in world.admin("ca", "journal.list", {})["lines"]],
                 why="the CA to hear of it")
        reply = direct.enrol(key, make_csr(key, "scep", command["challenge"]))
        assert reply.status == scep.FAILURE and "order-closed" in failures(given)
    finally:
        world.assign(given.profile, given.group)


# Other people's clients

@pytest.mark.skipif(shutil.which("pki") is None, reason="strongSwan's pki is not installed")
@pytest.mark.parametrize("front", ["service", "ca"])
def test_strongswan_enrols_with_our_challenge(given, device, tmp_path, front):
    world, command = given.world, device.enrol_command()

    def pki(*args):
        done = subprocess.run(["pki", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60,
                              cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout
    # It speaks no HTTPS: a plain forwarder stands before the service's port, as a proxy would.
    with Forward(world) as plain:
        url = command["urls"][0].replace(world.device_url, plain) if front == "service" else world.http_url + "/scep"
        pki("--scepca", "--url", url, "--caout", "sw-ca.pem", "--raout", "sw-ra.pem", "--outform", "pem", "--force")
        ra = tmp_path / "ra-only.pem"
        ra.write_bytes(client(world, command["urls"][0], tmp_path).ra().public_bytes(serialization.Encoding.PEM))
        key = tmp_path / "swan.key"
        key.write_bytes(key_pem(rsa_key()))
        out = pki("--scep", "--url", url, "--in", str(key), "--dn", "CN=scep", "--password", command["challenge"],
                  "--cacert-enc", str(ra), "--cacert-sig", str(ra), "--cacert", os.path.join(world.dir, "issuing.pem"),
                  "--cacert", world.root_file, "--cipher", "aes", "--digest", "sha256", "--outform", "pem")
    leaf = x509.load_pem_x509_certificate(out)
    assert leaf.subject == name("scep")
    device.done(command, der(leaf))
    wait_for(lambda: slot_of(given, device)["state"] == "installed", why="the slot")


@pytest.mark.skipif(not os.path.exists(CERTMONGER) or shutil.which("dbus-run-session") is None,
                    reason="certmonger or dbus-run-session is not installed")
@pytest.mark.parametrize("front", ["service", "ca"])
def test_certmonger_enrols_with_our_challenge(given, device, tmp_path, front):
    """The whole daemon, on a bus and in folders of its own."""
    world, command, home = given.world, device.enrol_command(), str(tmp_path)
    for part in ("req", "cas", "local"):
        os.makedirs(os.path.join(home, part))
    (tmp_path / "certmonger.conf").write_text("")
    script = f"""
        certmonger -s -n -d 1 >{home}/log 2>&1 & daemon=$!
        trap 'kill $daemon' EXIT
        for i in $(seq 50); do getcert list-cas -s >/dev/null 2>&1 && break; sleep 0.1; done
        getcert add-scep-ca -s -c ours -u URL -R {world.root_file}
        for i in $(seq 100); do getcert list-cas -s -c ours | grep -q SHA1 && break; sleep 0.1; done
        getcert request -s -c ours -k {home}/c.key -f {home}/c.pem -N CN=scep -L {command["challenge"]} -w -v
        getcert list -s
    """
    with Forward(world) as plain:
        url = command["urls"][0].replace(world.device_url, plain) if front == "service" else world.http_url + "/scep"
        done = subprocess.run(
            ["dbus-run-session", "--", "sh", "-c", script.replace("URL", url)], check=False, timeout=90,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={
                **os.environ, "HOME": home, "CERTMONGER_REQUESTS_DIR": home + "/req",
                "CERTMONGER_CAS_DIR": home + "/cas", "CERTMONGER_LOCAL_CA_DIR": home + "/local",
                "CERTMONGER_CONFIG_DIR": home, "CERTMONGER_TMPDIR": home})
    assert "status: MONITORING" in done.stdout, done.stdout
    leaf = x509.load_pem_x509_certificate((tmp_path / "c.pem").read_bytes())
    assert leaf.subject == name("scep")
    device.done(command, der(leaf))
    wait_for(lambda: slot_of(given, device)["state"] == "installed", why="the slot")


class Forward:
    """HTTP on a port of its own, each request handed on over TLS."""

    def __init__(self, world):
        self.world = world

    def __enter__(self):
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        world = self.world

        class Handler(BaseHTTPRequestHandler):
            def one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                https = Https(world.host, world.ports["device"], tls_context(world.root_file))
                status, headers, data = https.request(self.command, self.path, body or None, {
                    "Content-Type": self.headers.get("Content-Type") or "application/x-pki-message"})
                https.close()
                self.send_response(status)
                self.send_header("Content-Type",
                                 {k.lower(): v for k, v in dict(headers).items()}.get("content-type", ""))
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            do_GET = do_POST = one

            def log_message(self, *args):
                pass
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *args):
        self.server.shutdown()


# Leaving orders at the CA

class Leaver:
    def __init__(self, world):
        self.world = world
        self.orderer = Orderer(world, "leaver-service")
        self.who = Who(world, "leaver")
        self.who.may("ChanceryUser")

    def post(self, order, challenge, who=None, raw=None):
        who = self.who if who is None else who
        context = tls_context(self.world.root_file, who.cert, who.key) if who else tls_context(self.world.root_file)
        https = Https(self.world.host, self.world.ports["ca"], context)
        body = raw if raw is not None else {"order": b64(order),
                                            "challenge": hashlib.sha256(challenge.encode()).hexdigest()}
        status, _, data = https.request("POST", "/chancery/ca/v1/challenge", json.dumps(body).encode(),
                                        {"Content-Type": "application/json"})
        https.close()
        return status, data.decode()


@pytest.fixture(scope="module")
def leaver(given):
    return Leaver(given.world)


def order_for(leaver, challenge, cn="left", **more):
    return leaver.orderer.seal("ChanceryUser", name(cn), challenge=challenge, **more)


def ask(given, tmp_path, challenge, cn="left", key=None, **more):
    c = client(given.world, f"{given.world.ca_url}/scep", tmp_path)
    key = key or new_key(more.pop("bits", 2048))
    return c, c.enrol(key, make_csr(key, cn, challenge, **more))


def fresh():
    return os.urandom(16).hex()


def test_an_order_that_was_left_is_good_for_who_shows_the_challenge(given, leaver, tmp_path):
    challenge = fresh()
    assert leaver.post(order_for(leaver, challenge), challenge)[0] == 200
    c, reply = ask(given, tmp_path, challenge)
    assert c.leaf(reply).subject == name("left")


def test_who_shows_no_certificate_leaves_nothing(leaver):
    challenge = fresh()
    assert leaver.post(order_for(leaver, challenge), challenge, who=False)[0] == 403


def test_who_may_not_request_leaves_nothing(given, leaver):
    nobody = Who(given.world, "nobody-" + uuid.uuid4().hex[:4], rights=())
    challenge = fresh()
    status, text = leaver.post(order_for(leaver, challenge), challenge, who=nobody)
    assert status == 403 and "ca-enrol-denied" in text


def test_who_may_not_enrol_for_the_template_leaves_what_nobody_can_use(given, leaver, tmp_path):
    weak = Who(given.world, "weak-" + uuid.uuid4().hex[:4])
    challenge = fresh()
    assert leaver.post(order_for(leaver, challenge), challenge, who=weak)[0] == 200
    assert ask(given, tmp_path, challenge)[1].status == scep.FAILURE
    assert "template-denied" in failures(given)


@pytest.mark.parametrize("more, fault", [
    ({"forged": True}, "order-signature"),
    ({"seconds": -1}, "order-expired"),
    ({"holder": b"\x11" * 32}, "order-holder"),
])
def test_an_order_that_is_none_is_not_taken(leaver, more, fault):
    challenge = fresh()
    status, text = leaver.post(order_for(leaver, challenge, **more), challenge)
    assert status == 403 and fault in text


@pytest.mark.parametrize("raw", [{}, {"order": "AAAA", "challenge": "00"}, {"order": "?", "challenge": "0" * 64},
                                 {"order": "AAAA", "challenge": "0" * 64}, []])
def test_what_is_no_order_at_all_is_refused(leaver, raw):
    assert leaver.post(b"", "", raw=raw)[0] in (400, 403)


def test_an_order_lies_behind_its_own_challenge_alone(given, leaver, tmp_path):
    """Who carries orders to the CA knows the hash of the challenge, and not the challenge: with the order alone he gets
    nothing."""
    challenge = fresh()
    order = order_for(leaver, challenge)
    for wrong, bad in ((order, fresh()), (order_for(leaver, None), challenge)):
        status, text = leaver.post(wrong, bad)
        assert status == 403 and "order-challenge" in text
    assert leaver.post(order, challenge)[0] == 200
    leaver.orderer.may("ChanceryUser")
    assert ask(given, tmp_path, b64(order))[1].status == scep.FAILURE
    assert "shown without its challenge" in denials(given)[0]
    key = new_key()
    with pytest.raises(Refused) as refused:
        WstepClient(given.world, leaver.who, False).enrol(make_csr(key, "left", None), "ChanceryUser", order)
    assert "order-holder" in str(refused.value)
    c, reply = ask(given, tmp_path, challenge)
    assert c.leaf(reply).subject == name("left")


def test_one_challenge_stands_for_one_order(given, leaver, tmp_path):
    challenge, ident = fresh(), os.urandom(16)
    assert leaver.post(order_for(leaver, challenge, ident=ident), challenge)[0] == 200
    assert leaver.post(order_for(leaver, challenge, ident=ident), challenge)[0] == 200
    assert leaver.post(order_for(leaver, challenge, cn="other"), challenge)[0] == 409
    c, reply = ask(given, tmp_path, challenge)
    assert c.leaf(reply).subject == name("left")


def test_a_later_order_of_the_same_request_takes_the_place_of_the_earlier(given, leaver, tmp_path):
    ident, one, two = os.urandom(16), fresh(), fresh()
    leaver.post(order_for(leaver, one, ident=ident, fence=1), one)
    leaver.post(order_for(leaver, two, ident=ident, fence=2), two)
    c, reply = ask(given, tmp_path, two)
    assert c.leaf(reply)
    assert ask(given, tmp_path, one)[1].status == scep.FAILURE
    assert "order-stale" in failures(given)


def test_an_order_that_expires_before_it_is_used_is_worth_nothing(given, leaver, tmp_path):
    for seconds in (2, 8, 30):  # a busy machine may take longer than that to leave it
        challenge, end = fresh(), time.time() + seconds
        if leaver.post(order_for(leaver, challenge, seconds=seconds), challenge)[0] == 200:
            break
    wait_for(lambda: time.time() > end + 1, 40, why="the end of the order")
    assert ask(given, tmp_path, challenge)[1].status == scep.FAILURE
    assert "order-expired" in denials(given)[0]


@pytest.mark.parametrize("order, request_, fault", [
    ({"bits": 4096}, {}, "order-key-size"),
    ({"usage": 0x80}, {"usage": True}, "order-usage"),
    ({"ekus": ("1.3.6.1.5.5.7.3.2",)}, {"eku": "1.3.6.1.5.5.7.3.4"}, "order-eku"),
])
def test_key_and_its_uses_are_those_of_the_order(given, leaver, tmp_path, order, request_, fault):
    challenge = fresh()
    assert leaver.post(order_for(leaver, challenge, **order), challenge)[0] == 200
    key = new_key()
    builder = (x509.CertificateSigningRequestBuilder().subject_name(name("left"))
               .add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, challenge.encode()))
    if "usage" in request_:
        builder = builder.add_extension(
            x509.KeyUsage(True, False, True, False, False, False, False, False, False), True)
    if "eku" in request_:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(request_["eku"])]), False)
    csr = builder.sign(key, scep.hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    c = client(given.world, f"{given.world.ca_url}/scep", tmp_path)
    assert c.enrol(key, csr).status == scep.FAILURE
    assert fault in failures(given)


# Addresses that anybody can reach

# An id that no request has.
NOBODYS = "5f1c2f0e-9f0b-4c57-8a52-0d6a3c1be7a4"


def get(world, path, method="GET", body=None):
    https = Https(world.host, world.ports["device"], tls_context(world.root_file))
    status, headers, data = https.request(method, path, body, {"Content-Type": "application/x-pki-message"})
    https.close()
    return status, data


@pytest.mark.parametrize("path, status", [
    ("/scep/nonsense/pkiclient.exe?operation=GetCACaps", 404),
    (f"/scep/{NOBODYS}/pkiclient.exe?operation=GetCACaps", 404),
    (f"/scep/{NOBODYS}/pkiclient.exe?operation=DropTables", 400),
    (f"/scep/{NOBODYS}/pkiclient.exe", 400),
    (f"/scep/{NOBODYS}/pkiclient.exe?operation=PKIOperation", 400),
    (f"/scep/{NOBODYS}/pkiclient.exe?operation=PKIOperation&message=AAAA", 400),
    pytest.param("/scep/identity/pkiclient.exe?operation=PKIOperation&message=" + "A" * 60000, 400, id="long"),
])
def test_what_is_no_scep_is_refused_before_any_work(given, path, status):
    got, data = get(given.world, path)
    assert got == status or (status == 400 and got in (400, 403)), (got, data)


def test_a_message_that_is_none_is_not_carried(given, device):
    command = device.enrol_command()
    path = urllib.parse.urlparse(command["urls"][0]).path
    assert get(given.world, path + "?operation=PKIOperation", "POST", b"\x30\x03\x02\x01\x00")[0] == 400
    assert get(given.world, path + "?operation=PKIOperation", "POST", b"\x30" + b"\x00" * 200000)[0] == 413


def test_without_a_connector_the_device_hears_so_in_time(given, device):
    world, command = given.world, device.enrol_command()
    world.stop("connector")
    try:
        path = urllib.parse.urlparse(command["urls"][0]).path
        began = time.monotonic()
        status, data = get(world, path + "?operation=GetCACert")
        assert status == 503 and b"scep-relay" in data
        assert time.monotonic() - began < 60
    finally:
        world.start("connector")
        wait_for(lambda: os.path.exists(world.socket_of("connector")), why="the connector")


# Behind a reverse proxy that ends TLS, with addresses as long as NDES has them

NGINX = """daemon off; pid {d}/pid; error_log {d}/log; events {{}}
http {{
    access_log off; client_body_temp_path {d}/b; proxy_temp_path {d}/p;
    fastcgi_temp_path {d}/f; uwsgi_temp_path {d}/u; scgi_temp_path {d}/s;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {d}/cert.pem; ssl_certificate_key {d}/key.pem;
        {buffers}
        location /scep/ {{
            proxy_pass {to}; proxy_ssl_verify on; proxy_ssl_trusted_certificate {root}; proxy_ssl_name localhost;
        }}
    }}
}}
"""


@pytest.fixture
def behind(given, tmp_path):
    """Starts nginx before an address; gives the ports that it listens on and its certificate."""
    started = []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "cert.pem"], check=True, capture_output=True)

    def start(to, buffers="large_client_header_buffers 4 72k;"):
        port = free_ports(1)[0]
        conf = tmp_path / f"nginx-{port}.conf"
        conf.write_text(NGINX.format(d=tmp_path, port=port, to=to, root=given.world.root_file, buffers=buffers))
        started.append(subprocess.Popen(["nginx", "-c", conf, "-p", tmp_path, "-e", tmp_path / "log"]))
        wait_for(lambda: socket.create_connection(("127.0.0.1", port)).close() is None, why="nginx")
        return port
    yield start, str(tmp_path / "cert.pem")
    for nginx in started:
        nginx.terminate()
        nginx.wait()


class Measured(scep.ScepClient):
    """Keeps the length of the longest address."""

    longest = 0

    def fetch(self, query, *args, **more):
        self.longest = max(self.longest, len(self.url + query))
        return super().fetch(query, *args, **more)


def filling(key, n, size):
    """Certificates that a client adds to its message, whatever for: what makes an address as long as wanted."""
    return [scep.self_signed(key, f"filling {i}", more=bytes(size)) for i in range(n)]


@pytest.mark.parametrize("front", ["service", "ca"])
def test_an_address_of_64_kb_comes_through_a_reverse_proxy(given, device, behind, tmp_path, front):
    world, (start, cert) = given.world, behind
    command = device.enrol_command()
    port = start(world.device_url if front == "service" else world.http_url)
    path = urllib.parse.urlparse(command["urls"][0]).path if front == "service" else \
        f"/scep/{urllib.parse.quote(world.issuing_ca)}/ChanceryUser"
    c = Measured(f"https://localhost:{port}{path}", str(tmp_path / "client"), cert)
    key = new_key()
    reply = c.enrol(key, make_csr(key, "scep", command["challenge"]), get=True, others=filling(key, 4, 10000))
    assert 60000 < c.longest <= 65534
    assert c.leaf(reply).subject == name("scep")


def test_a_proxy_with_its_own_limits_is_what_refuses_a_long_address(given, device, behind, tmp_path):
    start, cert = behind
    command = device.enrol_command()
    port = start(given.world.device_url, buffers="")
    c = Measured(f"https://localhost:{port}" + urllib.parse.urlparse(command["urls"][0]).path, str(tmp_path / "client"),
                 cert)
    key = new_key()
    assert "POSTPKIOperation" in c.caps()
    with pytest.raises(AssertionError, match="414"):
        c.enrol(key, make_csr(key, "scep", command["challenge"]), get=True, others=filling(key, 1, 6000))


def test_a_longer_address_than_that_is_refused_with_what_is_allowed(given, device):
    path = urllib.parse.urlparse(device.enrol_command()["urls"][0]).path
    status, data = get(given.world, path + "?operation=PKIOperation&message=" + "A" * 100000)
    assert status == 400 and b"98304" in data


# Somebody else's SCEP server asks us

OTHER = "https://ra.elsewhere.test/certsrv/mscep/mscep.dll"


@pytest.fixture(scope="module")
def elsewhere(given):
    world = given.world
    app = world.add_app("ra", ["Chancery.ScepChallenge.Validate"])

    class Ra:
        token = world.fetch_token(app)["access_token"]

        def __init__(self):
            self.app = app

        def ask(self, call, body, base="/ScepRequestValidationFEService", token=None):
            https = Https(world.host, world.ports["api"], tls_context(world.root_file))
            status, _, data = https.request("POST", f"{base}/ScepActions/{call}", json.dumps(body).encode(), {
                "Content-Type": "application/json", "Authorization": "Bearer " + (token or self.token)})
            https.close()
            return (status, json.loads(data)) if data else (status, None)

        def validate(self, csr, **more):
            status, body = self.ask("validateRequest", {"request": {
                "transactionId": "t-1", "certificateRequest": b64(csr), "callerInfo": "test"}}, **more)
            assert status == 200, body
            return body["code"]
    group = world.add_group("elsewhere", given.user)
    body = world.api("GET", f"{world.CONFIGURATIONS}/{given.profile['id']}")
    profile = world.api("POST", world.CONFIGURATIONS, {
        **{k: v for k, v in body.items() if not k.startswith("@odata.context") and k not in (
            "id", "createdDateTime", "lastModifiedDateTime", "version")},
        "displayName": "SCEP elsewhere", "scepServerUrls": [OTHER],
        "rootCertificate@odata.bind": f"{world.url}{world.CONFIGURATIONS}('{given.root['id']}')"})
    world.assign(given.profile, world.add_group("nobody"))
    world.assign(profile, group)
    yield Ra()
    world.assign(profile, world.add_group("nobody either"))
    world.assign(given.profile, given.group)


def sid_extension(sid):
    """MS-WCCE 2.2.2.7.7.4: an other name within GeneralNames, with the digits as an OCTET STRING."""
    oid = bytes.fromhex("060a2b060104018237190201")
    value = scep.tlv(0x30, scep.tlv(0xa0, oid, scep.tlv(0xa0, scep.tlv(0x04, sid.encode()))))
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.311.25.2"), value)


def policies_extension(der):
    """MS-WCCE 2.2.2.7.7.3: application policies. der: an OID."""
    value = scep.tlv(0x30, scep.tlv(0x30, der))
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.311.21.10"), value)


CLIENT_AUTH = bytes.fromhex("06082b06010505070302")
REQUEST_AGENT = bytes.fromhex("060a2b060104018237140201")


def their_csr(key, challenge, cn="scep", usage=True, eku="1.3.6.1.5.5.7.3.2", san=None, more=()):
    b = x509.CertificateSigningRequestBuilder().subject_name(name(cn))
    if challenge is not None:
        b = b.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
    b = b.add_extension(x509.KeyUsage(True, False, usage, False, False, False, False, False, False), True)
    if eku:
        b = b.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(eku)]), False)
    if san:
        b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), False)
    for extension in more:
        b = b.add_extension(extension, False)
    return b.sign(key, scep.hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_another_server_asks_what_a_challenge_stands_for(given, elsewhere, device):
    command = device.enrol_command()
    assert command["urls"] == [OTHER] and len(command["challenge"]) == 64
    key, other, good = new_key(), new_key(), command["challenge"]
    refused = [
        (their_csr(key, good, cn="mallory"), "SubjectNameMismatch"),
        (their_csr(key, good, san="mallory.test"), "SubjectAltNameMismatch"),
        (their_csr(key, good, usage=False), "KeyUsageMismatch"),
        (their_csr(key, good, eku=None), "EnhancedKeyUsageMissing"),
        (their_csr(key, good, eku="1.3.6.1.5.5.7.3.4"), "EnhancedKeyUsageMismatch"),
        (their_csr(new_key(1024), good), "KeyLengthMismatch"),
        # What the CA behind such a server may certify as it comes, and Windows goes by.
        (their_csr(key, good, more=[sid_extension("S-1-5-21-1-2-3-500")]), "SubjectAltNameMismatch"),
        (their_csr(key, good, more=[policies_extension(REQUEST_AGENT)]), "EnhancedKeyUsageMismatch"),
        (their_csr(key, good, more=[x509.BasicConstraints(True, None)]), "KeyUsageMismatch"),
        (their_csr(key, None), "ChallengePasswordMissing"),
        (their_csr(key, "0" * 32), "ChallengeDecodingError"),
        (their_csr(key, good[:32] + "0" * 32), "ChallengeDecryptionError"),
        (their_csr(key, "0" * 32 + good[32:]), "BadCertificateRequestIdInChallenge"),
        (b"\x30\x00", "CertificateRequestDecodingFailed"),
    ]
    for csr, code in refused:
        assert elsewhere.validate(csr) == code
    assert elsewhere.validate(their_csr(key, good)) == "Success"
    assert elsewhere.validate(their_csr(key, good), base="/chancery/v1/scep") == "Success"
    assert elsewhere.validate(their_csr(key, good, more=[policies_extension(CLIENT_AUTH)])) == "Success"
    assert elsewhere.validate(their_csr(other, good)) == "ChallengeExpired"
    told = {"transactionId": "t", "certificateRequest": b64(their_csr(key, good)), "callerInfo": "x",
            "certificateSerialNumber": "0a0b", "issuingCertificateAuthority": "Elsewhere CA"}
    assert elsewhere.ask("successNotification", {"notification": told})[1]["code"] == "Success"
    wrong = {**told, "certificateRequest": b64(their_csr(other, good))}
    assert elsewhere.ask("successNotification", {"notification": wrong})[1]["code"] == "ChallengeExpired"
    slot = [s for s in given.world.slots(device=device.id) if "scep" in s["kind"]][0]
    assert any("0a0b" in (e.get("detail") or "") for e in given.world.timeline(slot))
    failed = {"transactionId": "t", "certificateRequest": b64(their_csr(key, good)), "callerInfo": "x",
              "hResult": -2146877436, "errorDescription": "no such template"}
    assert elsewhere.ask("failureNotification", {"notification": failed})[1]["code"] == "Success"
    slot = [s for s in given.world.slots(device=device.id) if "scep" in s["kind"]][0]
    assert slot["state"] == "failed" and "no such template" in json.dumps(slot)


INTUNE = "0000000a-0000-0000-c000-000000000000"


class PublicClient:
    """What the public client for SCEP servers does, in the order in which it does it: it signs in for the directory,
    asks it where the service is, signs in for the service, and posts. graph, resource: its settings, with a slash at
    the end. old: with ADAL and the older directory."""

    def __init__(self, world, app, old, graph=None, resource=None):
        self.world, self.app, self.old = world, app, old
        self.authority = world.url + "/"
        self.graph, self.resource = graph or world.url + "/", resource or world.url + "/"

    def http(self, method, url, body=None, headers=None):
        https = Https(self.world.host, self.world.ports["api"], tls_context(self.world.root_file))
        try:
            return https.request(method, url[len(self.world.url):], body, headers or {})
        finally:
            https.close()

    def sign_in(self, resource):
        form = {"grant_type": "client_credentials", "client_id": self.app["client_id"],
                "client_secret": self.app["client_secret"]}
        form.update({"resource": resource} if self.old else {"scope": resource + "/.default"})
        path = "oauth2/token" if self.old else "oauth2/v2.0/token"
        status, _, data = self.http("POST", f"{self.authority}{self.world.tenant}/{path}", urllib.parse.urlencode(form),
                                    {"Content-Type": "application/x-www-form-urlencoded"})
        assert status == 200, data
        return {"Authorization": "Bearer " + json.loads(data)["access_token"], "client-request-id": str(uuid.uuid4())}

    def where(self, name, app=INTUNE):
        at, key = f"{self.world.url}/v1.0/servicePrincipals/appId={app}/endpoints", "providerName"
        if self.old:
            at = f"{self.world.url}/{self.world.tenant}/servicePrincipalsByAppId/{app}/serviceEndpoints?api-version=1.6"
            key = "serviceName"
        status, _, data = self.http("GET", at, headers=self.sign_in(self.graph))
        assert status == 200, data
        return {e[key].lower(): e["uri"] for e in json.loads(data)["value"]}[name.lower()]

    def post(self, call, **body):
        at = f"{self.where('ScepRequestValidationFEService')}/ScepActions/{call}"
        kind = "request" if call == "validateRequest" else "notification"
        status, _, data = self.http("POST", at, json.dumps({kind: {"callerInfo": "some CA 1.0", **body}}), {
            **self.sign_in(self.resource), "Content-Type": "application/json", "api-version": "2018-02-20"})
        assert status == 200, data
        answer = json.loads(data)
        assert isinstance(answer["errorDescription"], str)
        return answer["code"]


@pytest.mark.parametrize("old, graph, resource", [
    (False, None, None), (True, None, None),
    (False, "https://graph.microsoft.com/", "https://api.manage.microsoft.com/"),
    (True, "https://graph.windows.net/", "https://api.manage.microsoft.com/")])
def test_the_public_client_finds_where_to_ask_and_reads_the_answer(given, elsewhere, device, old, graph, resource):
    world, command, key = given.world, device.enrol_command(), new_key()
    client_ = PublicClient(world, elsewhere.app, old, graph, resource)
    csr = b64(their_csr(key, command["challenge"]))
    wrong = b64(their_csr(key, command["challenge"], cn="mallory"))
    assert client_.post("validateRequest", transactionId="t", certificateRequest=wrong) == "SubjectNameMismatch"
    assert client_.post("validateRequest", transactionId="t", certificateRequest=csr) == "Success"
    issued = {"certificateThumbprint": "AB" * 20, "certificateSerialNumber": "0c0d",
              "certificateExpirationDateUtc": "2030-01-01T00:00:00.000Z", "issuingCertificateAuthority": "Elsewhere CA"}
    assert client_.post("successNotification", transactionId="t", certificateRequest=csr, **issued) == "Success"
    assert client_.post("failureNotification", transactionId="t", certificateRequest=csr, hResult=0x800B0101,
                        errorDescription="x" * 255) == "Success"
    # Another service principal, and who may not ask.
    with pytest.raises(AssertionError, match="not-found|not found"):
        client_.where("ScepRequestValidationFEService", "00000003-0000-0000-c000-000000000000")
    weak = PublicClient(world, world.add_app("curious", ["User.Read.All"]), old)
    with pytest.raises(AssertionError, match="Forbidden|Authorization_RequestDenied"):
        weak.where("ScepRequestValidationFEService")


def test_who_has_not_the_permission_may_not_ask(given, elsewhere):
    world = given.world
    weak = world.fetch_token(world.add_app("weak", ["User.Read.All"]))["access_token"]
    assert elsewhere.ask("validateRequest", {"request": {"certificateRequest": ""}}, token=weak)[0] == 403
    assert elsewhere.ask("validateRequest", {"request": []})[0] == 400
    assert elsewhere.ask("validateRequest", {})[0] == 400


# Life of a device

def test_a_lost_device_and_what_becomes_of_it(given, device):
    world = given.world
    device.enrol_command()
    secret = os.path.join(world.dir, "secret")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write(world.app["client_secret"])
    world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
              "--secret-file", secret, "--ca", world.root_file)
    world.cli("device", "lost", device.id)
    assert {c["kind"] for c in device.checkin()} == {"remove_ca"}
    world.cli("device", "found", device.id)
    device.inventory.clear()
    assert device.enrol_command()
    actions = [a["action"] for a in world.api("GET", "/chancery/v1/audit?$top=1000")["value"]]
    assert "device.lost" in actions and "device.found" in actions
    assert world.cli("device", "lost", str(uuid.uuid4()), check=False).returncode != 0


def test_an_identity_that_shows_up_on_another_machine_is_refused(given, device):
    facts = device.facts()
    device.facts = lambda: {**facts, "machine_id": "aaaa"}
    device.checkin()
    device.facts = lambda: {**facts, "machine_id": "bbbb"}
    with pytest.raises(Exception) as refused:
        device.checkin()
    assert "device-elsewhere" in str(refused.value) + repr(getattr(refused.value, "body", ""))


def test_a_machine_that_enrols_anew_leaves_its_old_identity_dead(given):
    class Machine(ScepDevice):
        def facts(self):
            return {**super().facts(), "machine_id": "cccc" + self.name}
    world, which = given.world, uuid.uuid4().hex[:6]
    first = Machine(world, world.code(given.user), name=which)
    first.checkin()
    time.sleep(1.1)
    second = Machine(world, world.code(given.user), name=which)
    second.checkin()
    with pytest.raises(Exception) as refused:
        first.checkin()
    assert "device-replaced" in str(refused.value) + repr(getattr(refused.value, "body", ""))
