# SPDX-License-Identifier: Apache-2.0
"""The rules that never bend, each with tests that carry its number.

Rule 3 (the service cannot read a key) is test_keys.py; rule 4 (intent before signature) is shown by test_kill.py, which
ends the issuer at each of its steps. test_order.py and test_once.py go further into rules 1, 2 and 5.
"""

import base64
import glob
import json
import os
import re
import socket
import sqlite3
import struct
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

from clients import Denied, Device, FakeConnector, make_csr, name_from_der, rsa_key
from world import ROOT, AdminError, ApiError, Https, World, b64, tls_context, wait_for

WORLD = {"connector": False}
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.connector = FakeConnector(world)
    g.root = world.add_root()
    g.group = world.add_group("Everyone")
    world.assign(g.root, g.group)
    return g


def case(world, given, name, **profile):
    """A user, her device and a profile for her alone; the device has the root and waits for the certificate."""
    user = world.add_user(f"{name}@contoso.example", f"{name}@contoso.example", displayName=name.title())
    world.add_member(given.group, user)
    own = world.add_group(name, user)
    pkcs = world.add_pkcs(given.root, name=name, **profile)
    world.assign(pkcs, own)
    device = Device(world, world.code(user), name=name)
    device.settle(until=lambda: any(k["kind"] == "ca" for k in device.inventory.values()))
    return device, pkcs


def slot_of(world, device, pkcs):
    return world.slots(device=device.id, profile=pkcs["id"])[0]


def lease(given, name, seconds=25):
    """The job for this user; those of others are left."""
    given.connector.get_ready()

    def one():
        jobs = given.connector.post(wait=1, most=4, features=["pkcs"])["jobs"]
        return [j for j in jobs if name.encode() in base64.b64decode(j["subject"])]
    return wait_for(one, seconds, why=f"the job for {name}")[0]


def finish(world, given, device, pkcs, job):
    key, leaf = given.connector.ask_ca(job)
    answer = given.connector.post([given.connector.result(job, key, leaf)])
    assert answer["results"][0]["accepted"] is True
    device.settle(until=lambda: slot_of(world, device, pkcs)["state"] == "installed")
    return leaf


# 1. Identity comes from the server

def test_rule_1_what_a_request_asks_for_beside_its_order_is_not_in_the_certificate(world, given):
    """A CSR is a key and a proof that somebody has it: a CA flag, a SID and other uses in it change nothing."""
    device, pkcs = case(world, given, "greedy")
    job = lease(given, "greedy")
    key = rsa_key()
    sid = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.311.25.2"), bytes.fromhex(
        "303fa03d060a2b060104018237190201a02f042d") + b"S-1-5-21-1111111111-2222222222-3333333333-500"[:45])
    asked = [
        (x509.BasicConstraints(True, None), True), (sid, False),
        (x509.KeyUsage(True, True, True, True, True, True, True, False, False), True),
        (x509.SubjectAlternativeName([x509.DNSName("dc01.contoso.example")]), False),
        (x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None)]), False),
    ]
    for extension, critical in asked:
        csr = (x509.CertificateSigningRequestBuilder()
               .subject_name(name_from_der(base64.b64decode(job["subject"])))
               .add_extension(extension, critical).sign(key, hashes.SHA256()))
        try:
            leaf = given.connector.ca.submit(csr.public_bytes(Encoding.DER), job["template"],
                                             base64.b64decode(job["order"]))
        except Denied:
            continue
        cert = x509.load_der_x509_certificate(leaf)
        if has(cert, ExtensionOID.BASIC_CONSTRAINTS):
            assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert not has(cert, sid.oid)
        usage = cert.extensions.get_extension_for_class(x509.KeyUsage).value
        assert not usage.key_cert_sign and not usage.crl_sign
        san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert san.get_values_for_type(x509.DNSName) == []
    given.connector.give_up()
    finish(world, given, device, pkcs, lease(given, "greedy"))


def has(cert, oid):
    return any(e.oid == oid for e in cert.extensions)


def test_rule_1_what_a_device_says_of_itself_does_not_name_its_owner(world, given):
    """Facts of a device are its own words: they describe it and put nobody into a certificate."""
    device, pkcs = case(world, given, "modest")
    facts = {**device.facts(), "device_name": "Administrator", "serial": "root"}
    device.facts = lambda: facts
    device.checkin()
    leaf = x509.load_der_x509_certificate(finish(world, given, device, pkcs, lease(given, "modest")))
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "modest"
    assert b"Administrator" not in leaf.public_bytes(Encoding.DER)


# 2. Issuing takes evidence

class CapturedFront:
    """ca/front in the hands of somebody else: it speaks with the issuer's pipe and says what it likes."""

    SUBMIT = 0x0101

    def __init__(self, world):
        self.path = os.path.join(world.dir, "ca/run/issuer.sock")

    def call(self, kind, payload):
        frame = struct.pack(">HHI", 1, kind, 1) + payload
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.path)
            s.sendall(struct.pack(">I", len(frame)) + frame)
            reply = World._frame(s)
        return reply[8], reply[9:]

    def submit(self, ca, caller, csr, attributes):
        """(disposition, leaf): disposition 3 is issued."""
        def blob(data):
            return struct.pack(">I", len(data)) + data
        nobody = blob(b"") + blob(b"")  # neither name nor password
        body = blob(ca.encode()) + blob(caller) + nobody + blob(b"") + bytes([0]) + blob(csr)
        body += bytes([len(attributes)])
        for name, value in attributes:
            body += blob(name.encode()) + blob(value.encode())
        ok, reply = self.call(self.SUBMIT, body)
        assert ok == 1, reply
        return reply[0]


def test_rule_2_a_captured_front_mints_no_name_without_an_order(world, given):
    _, _ = case(world, given, "victim")
    job = lease(given, "victim")
    front = CapturedFront(world)
    with open(given.connector.ca_cert, "rb") as f:
        caller = x509.load_pem_x509_certificate(f.read()).public_bytes(Encoding.DER)
    admin = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Administrator")])
    template, order = ("CertificateTemplate", "ChanceryUser"), ("ChanceryOrder", job["order"])
    before = len(world.user_certificates("valid"))
    changed = bytearray(base64.b64decode(job["order"]))
    changed[100] ^= 1
    for attributes in ([template], [template, ("ChanceryOrder", "")], [template, order],
                       [template, ("ChanceryOrder", b64(bytes(changed)))]):
        assert front.submit(world.issuing_ca, caller, make_csr(rsa_key(), admin), attributes) == 1
    # With what a device sees of the service's own certificate it is the same.
    own = x509.load_pem_x509_certificate(world.issuing_pem.encode()).public_bytes(Encoding.DER)
    right = given.connector.request(job, rsa_key())
    assert front.submit(world.issuing_ca, own, right, [template, order]) == 1
    # A key of his own is nothing that the connector's maker of keys gave its word for.
    foreign = given.connector.request(job, rsa_key(), word=None)
    assert front.submit(world.issuing_ca, caller, foreign, [template, order]) == 1
    assert len(world.user_certificates("valid")) == before
    # The very same message with the right request is issued: the test speaks the issuer's language.
    assert front.submit(world.issuing_ca, caller, right, [template, order]) == 3


def test_rule_2_a_captured_connector_mints_no_name_without_an_order(world, given):
    csr = make_csr(rsa_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Administrator")]))
    for template in ("ChanceryUser", "User", "DeviceIdentity", "ConnectorIdentity", "WebServer", None):
        for ca in (world.issuing_ca, world.identity_ca, f"{world.name} Root CA"):
            with pytest.raises(Denied):
                given.connector.ca.submit(csr, template, ca=ca)


def test_rule_2_an_order_is_good_for_one_request_only(world, given):
    device, pkcs = case(world, given, "once")
    job = lease(given, "once")
    leaf = finish(world, given, device, pkcs, job)
    with pytest.raises(Denied):
        given.connector.ask_ca(job)
    serial = x509.load_der_x509_certificate(leaf).serial_number
    assert [int(c["serial"], 16) for c in world.user_certificates("valid") if "CN=once," in c["subject"]] == [serial]


# 5. One open request per slot

def test_rule_5_one_open_request_per_slot(world, given):
    """Check-ins at once make one request, and of two connectors that ask at once one gets the job."""
    device, pkcs = case(world, given, "single")
    second = FakeConnector(world, "second")
    contexts = [Https(world.host, world.ports["device"], device.context) for _ in range(6)]
    threads = [threading.Thread(target=lambda h=h: [device.checkin(https=h) for _ in range(3)]) for h in contexts]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    events = [e["event"] for e in world.timeline(slot_of(world, device, pkcs))]
    assert events.count("queued") == 1

    jobs, start = [], threading.Barrier(8)

    def take(connector):
        https = Https(world.host, world.ports["device"], tls_context(world.root_file, connector.cert, connector.key))
        start.wait()
        status, _, data = https.request("POST", "/connector/v1/poll", json.dumps({
            "version": "6.2611.0.1001", "machine": "test", "features": ["pkcs"], "holder": connector.holder,
            "cas": [world.issuing_ca], "wait": 0, "max": 4, "results": []}).encode(),
            {"Content-Type": "application/json"})
        assert status == 200, data
        jobs.extend((connector, j) for j in json.loads(data)["jobs"])
    threads = [threading.Thread(target=take, args=(c,)) for c in [given.connector, second] * 4]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    mine = [(c, j) for c, j in jobs if b"single" in base64.b64decode(j["subject"])]
    assert len(mine) == 1
    connector, job = mine[0]
    key, leaf = connector.ask_ca(job)
    # The other one, with the very same words, is not the winner of the lease.
    other = second if connector is given.connector else given.connector
    result = connector.result(job, key, leaf)
    assert other.post([result], most=1, features=["revoke"])["results"][0]["accepted"] is False
    assert connector.post([result], most=1, features=["revoke"])["results"][0]["accepted"] is True
    device.settle(until=lambda: slot_of(world, device, pkcs)["state"] == "installed")


# 6. Nothing revoked is delivered

def test_rule_6_what_is_no_longer_wanted_is_revoked_and_not_delivered(world, given):
    """The parcel is ready when the assignment goes: the device never sees it, and the certificate is revoked."""
    device, pkcs = case(world, given, "toolate")
    job = lease(given, "toolate")
    key, leaf = given.connector.ask_ca(job)
    assert given.connector.post([given.connector.result(job, key, leaf)], most=1,
                                features=["revoke"])["results"][0]["accepted"] is True
    world.assign(pkcs)
    for _ in range(3):
        assert [c for c in device.checkin() if c["kind"] == "install_identity"] == []
    serial = format(x509.load_der_x509_certificate(leaf).serial_number, "x")

    def revoked():
        for j in given.connector.post(wait=1, features=["revoke"])["jobs"]:
            given.connector.ca.revoke(base64.b64decode(j["order"]))
            given.connector.post([{"request": j["request"], "fence": j["fence"], "outcome": "revoked"}],
                                 features=["none"])
        return [c for c in world.user_certificates("revoked") if int(c["serial"], 16) == int(serial, 16)]
    wait_for(revoked, 20)
    assert slot_of(world, device, pkcs)["state"] == "removed"


def test_rule_6_an_answer_for_another_device_installs_nothing(world, given):
    """Identifiers are no credentials: who knows the id of a command for somebody else's slot cannot answer it."""
    device, pkcs = case(world, given, "owner")
    thief, _ = case(world, given, "thief", subject="CN={{UserName}}")
    job = lease(given, "owner")
    key, leaf = given.connector.ask_ca(job)
    given.connector.post([given.connector.result(job, key, leaf)], most=1, features=["none"])
    command = [c for c in wait_for(device.checkin) if c["kind"] == "install_identity"][0]
    thief.inventory[command["alias"]] = {"alias": command["alias"], "kind": "identity", "sha256": command["sha256"],
                                         "has_key": True, "not_after": "2036-01-01T00:00:00Z"}
    thief.checkin([{"id": command["id"], "status": "ok", "sha256": command["sha256"]}])
    assert slot_of(world, device, pkcs)["state"] == "offered"
    thief.checkin([{"id": command["id"], "status": "error", "code": "x"}])
    assert slot_of(world, device, pkcs)["state"] == "offered"


# 7. Deny by default

def routes_of(*files):
    """(method, path, permission) of each row in these route tables."""
    found = []
    for pattern in files:
        for path in sorted(glob.glob(os.path.join(ROOT, "src", pattern))):
            with open(path, encoding="utf-8") as f:
                text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S).replace("\\\n", " ")
            names = dict(re.findall(r'^#define (\w+) +([^\n]*"[^"\n]*"[^"\n]*)$', text, re.M))
            for name, args in re.findall(r'\b(ROUTE|ROUTE_BODY|GRAPH)\(\s*((?:"[^"]*"|[^()"])*)\)', text):
                parts = [p.strip() for p in args.split(",")]
                if len(parts) >= 3 and re.fullmatch(r"[A-Z]+", parts[0]) and re.match(r'["A-Z]', parts[1]):
                    for _ in names:
                        parts[1] = re.sub(r'"[^"]*"|\w+', lambda m: names.get(m.group(0), m.group(0)), parts[1])
                    where = "".join(re.findall(r'"([^"]*)"', parts[1]))
                    for root in ("/v1.0", "/beta") if name == "GRAPH" else ("",):
                        found.append((parts[0], root + where, parts[2]))
    return found


# What anybody may ask: to sign in and where to, what the API is made of, and whether it runs. A report is opened by its
# address: 32 random bytes that end with it, shown to those only who may ask for reports.
PUBLIC = {
    "/{tenant}/oauth2/v2.0/token", "/{tenant}/oauth2/token", "/{tenant}/oauth2/v2.0/devicecode",
    "/{tenant}/oauth2/devicecode", "/{tenant}/oauth2/v2.0/authorize", "/{tenant}/oauth2/v2.0/revoke",
    "/{tenant}/v2.0/.well-known/openid-configuration",
    "/{tenant}/.well-known/openid-configuration", "/.well-known/openid-configuration",
    "/{tenant}/discovery/v2.0/keys", "/{tenant}/discovery/keys", "/common/discovery/instance", "/device", "/healthz",
    "/readyz", "/v1.0/$metadata", "/beta/$metadata", "/chancery/v1/signIn", "/chancery/v1/reports/{token}",
}


def test_rule_7_every_route_of_the_api_is_closed_without_a_token(world):
    routes = [r for r in routes_of("api/*.c") if not r[1].startswith("/connector/")]
    assert len(routes) > 40
    assert {p for _, p, permission in routes if permission == "PERM_PUBLIC"} == PUBLIC
    for method, path, permission in routes:
        if permission == "PERM_PUBLIC":
            continue
        concrete = re.sub(r"\{[^}]*\}", NOBODY, path)
        status, _, data = world.raw(method, concrete, None if method == "GET" else {}, token=None)
        assert status == 401, (method, path, status, data)


def test_rule_7_every_route_of_the_device_port_is_closed_without_a_certificate(world):
    routes = [r for r in routes_of("device/*.c", "api/connector*.c")
              if r[1].startswith(("/agent/", "/connector/"))]
    open_to_all = {p for _, p, permission in routes if permission in ("DEVICE_ANYONE", "PERM_CONNECTOR_ENROL")}
    assert open_to_all == {"/agent/v1/enrol", "/connector/v1/enrol"}
    https = Https(world.host, world.ports["device"], tls_context(world.root_file))
    for method, path, permission in routes:
        if path in open_to_all:
            continue
        status, _, data = https.request(method, path, b'{"protocol":1}', {"Content-Type": "application/json"})
        assert status in (401, 403), (path, permission, status, data)
    # And the API is not there at all, nor the other way round.
    assert https.request("GET", "/v1.0/users")[0] in (400, 404)
    assert world.raw("POST", "/agent/v1/checkin", {})[0] in (400, 404)


def test_rule_7_what_is_not_in_a_table_does_not_exist(world):
    for method, path in (("GET", "/"), ("GET", "/v1.0/nonsense"), ("POST", "/v1.0/users/../apps"), ("GET", "/admin"),
                         ("GET", "/chancery/v2/slots"),
                         ("GET", "/v1.0/users%2f"), ("TRACE", "/v1.0/users"), ("OPTIONS", "/v1.0/users")):
        status, _, _ = world.raw(method, path)
        assert status in (400, 404, 405, 501), (method, path, status)


def test_rule_7_an_unknown_message_or_verb_between_processes_is_refused(world):
    front = CapturedFront(world)
    for kind in (0, 0x0001, 0x0100, 0x01ff, 0x7fff, 0xffff):
        try:
            ok, _ = front.call(kind, b"")
            assert ok == 0
        except ConnectionError:
            pass  # hung up on: refused as well
    for role in ("ca", "service"):
        for verb in ("", "nonsense", "ca.shown", "x" * 300):
            with pytest.raises((AdminError, ConnectionError)):
                world.admin(role, verb)
    with pytest.raises(AdminError):
        world.admin("ca", "ca.show", {"unknown": 1})


# 8. Every failure is a fault from the catalogue

def catalogue(world):
    found, path = {}, "/chancery/v1/faults"
    for fault in world.api("GET", path)["value"]:
        found[fault["id"]] = fault
    return found


def test_rule_8_every_fault_has_words_a_next_step_and_somebody_who_must_act(world):
    faults = catalogue(world)
    assert len(faults) > 60
    for ident, fault in faults.items():
        assert re.fullmatch(r"[a-z0-9-]+", ident), fault
        texts = [v for v in fault.values() if isinstance(v, str) and v]
        assert len(texts) >= 3, fault


BAD = [
    ("GET", "/v1.0/nonsense", None, 400), ("GET", f"/v1.0/users/{NOBODY}", None, 404),
    ("POST", "/v1.0/users", b"{", 400), ("POST", "/v1.0/users", {}, 400),
    ("GET", "/v1.0/users?$filter=nonsense", None, 400), ("GET", "/v1.0/users?$top=-1", None, 400),
    ("DELETE", f"/v1.0/groups/{NOBODY}", None, 404), ("POST", "/chancery/v1/enrolmentCodes", {"kind": "x"}, 400),
    ("PATCH", f"/v1.0/users/{NOBODY}", {"mail": 5}, 400), ("PUT", "/v1.0/users", {}, 405),
    ("POST", "/v1.0/users", b"[" + b" " * (9 << 20) + b"]", 413),
]


@pytest.mark.parametrize("method,path,body,expected", BAD, ids=[f"{m} {p}" for m, p, _, _ in BAD])
def test_rule_8_no_bare_refusal(world, method, path, body, expected):
    status, _, data = world.raw(method, path, body)
    assert status == expected or (expected == 400 and status == 404), data
    error = json.loads(data)["error"]
    assert error["code"] and len(error["message"]) > 10
    assert error["innerError"]["request-id"] and error["innerError"]["date"]


def test_rule_8_a_slot_that_waits_says_on_what_and_since_when(world, given):
    device, pkcs = case(world, given, "waiting")
    slot = slot_of(world, device, pkcs)
    assert slot["state"] == "waiting"
    assert slot["reason"], slot
    since = [k for k in slot if k.endswith("DateTime") and slot[k]]
    assert since, slot
    job = lease(given, "waiting")
    slot = slot_of(world, device, pkcs)
    assert slot["state"] == "issuing" and slot["reason"], slot
    given.connector.post([{"request": job["request"], "fence": job["fence"], "outcome": "rejected",
                           "fault": "ca-denied", "detail": "no (0x80094012)"}], most=1, features=["none"])
    slot = slot_of(world, device, pkcs)
    assert slot["fault"] in catalogue(world)
    assert "0x80094012" in slot["reason"] and slot["nextStep"]
    assert all(e["fault"] is None or e["fault"] in catalogue(world) for e in world.timeline(slot))


def test_rule_8_refusals_of_devices_and_connectors_are_faults_too(world, given):
    faults = catalogue(world)
    with pytest.raises(ApiError) as caught:
        Device(world, "AAAAA-AAAAA-AAAAA-AAAAA")
    assert caught.value.error["id"] in faults
    answer = given.connector.post([{"request": NOBODY, "fence": 1, "outcome": "revoked"}], most=1, features=["none"])
    assert answer["results"][0]["accepted"] is False
    assert answer["results"][0]["fault"] in faults


# 10. Audit is always on

def audit(world):
    found, after = [], 0
    while True:
        page = world.api("GET", f"/chancery/v1/audit?after={after}&$top=200")["value"]
        found += page
        if len(page) < 200:
            return found
        after = page[-1]["sequence"]


def test_rule_10_every_change_leaves_a_line_with_who_what_and_what_was_there_before(world):
    before = len(audit(world))
    user = world.add_user("audited@contoso.example", "audited@contoso.example")
    world.api("PATCH", f"/v1.0/users/{user['id']}", {"mail": "other@contoso.example"})
    group = world.add_group("Audited", user)
    root = world.add_root(name="Audited")
    world.assign(root, group)
    world.remove_member(group, user)
    world.code(user)
    world.api("DELETE", f"{world.CONFIGURATIONS}/{root['id']}")
    world.api("DELETE", f"/v1.0/users/{user['id']}")
    lines = audit(world)[before:]
    assert len(lines) >= 9, lines
    text = json.dumps(lines)
    for part in (user["id"], group["id"], root["id"], "audited@contoso.example", "other@contoso.example"):
        assert part in text
    assert all(line["actor"] and line["action"] for line in lines)
    assert "$argon2" not in text and world.app["client_secret"] not in text
    assert world.api("GET", "/chancery/v1/audit/verify") == {
        **world.api("GET", "/chancery/v1/audit/verify"), "whole": True, "firstBadSequence": None}


def database(world, role):
    return glob.glob(f"{world.state_dir(role)}/**/{role}.db", recursive=True)[0]


CHANGES = {
    "changed": "UPDATE {t} SET actor = 'nobody' WHERE seq = {n}",
    "removed": "DELETE FROM {t} WHERE seq = {n}",
}


@pytest.mark.parametrize("role,table", [("service", "audit"), ("ca", "journal")])
@pytest.mark.parametrize("how", ["changed", "removed"])
def test_rule_10_a_line_that_was_changed_or_removed_shows(fresh, role, table, how):
    world = fresh(connector=False)
    world.add_user("a@contoso.example")

    def verify():
        if role == "ca":
            got = world.admin("ca", "journal.verify")
            return got["whole"], got["first_bad"]
        got = world.api("GET", "/chancery/v1/audit/verify")
        return got["whole"], got["firstBadSequence"]
    assert wait_for(verify)[0] is True
    world.stop(role)
    with sqlite3.connect(database(world, role)) as db:
        first, last = db.execute(f"SELECT min(seq), max(seq) FROM {table}").fetchone()
        number = first + (last - first) // 2
        assert first < number < last
        assert db.execute(CHANGES[how].format(t=table, n=number)).rowcount == 1
    db.close()
    world.start(role)
    world.https.close()
    whole, bad = wait_for(verify, 20)
    assert whole is False
    assert number <= bad <= number + 1
