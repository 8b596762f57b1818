# SPDX-License-Identifier: Apache-2.0
"""Every enrolment protocol against every check: one approval behind all of them. A cell is refused with the protocol's
own error and our fault, and no certificate more is valid after it; one cell of each row is accepted."""

import base64
import hashlib
import os
import re
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

import scep_client as scep
from clients import key_pem, make_csr, rsa_key, san_dns
from enrol_clients import EstClient, Orderer, Refused, Who, WstepClient, utc
from scep_client import ScepClient, name, self_signed
from test_ca_hierarchy import CaWorld
from world import ROOT, wait_for

CLIENT_AUTH, SERVER_AUTH = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
LATER = {"LD_PRELOAD": FAKETIME, "FAKETIME": "+800d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
BIG = 9 << 20


class Fault:
    """A row of the catalogue: what each protocol has to say for it."""

    def __init__(self, http, hresult, fail_info, text):
        self.http, self.hresult, self.text = int(http), int(hresult, 0), text
        self.fail_info = int(fail_info) if int(fail_info) >= 0 else scep.BAD_REQUEST


def catalogue():
    row = re.compile(r'^E\(\w+,\s*"([\w-]+)",\s*(\d+),\s*"\w*",\s*(\w+),\s*(-?\d+),\s*\w+,\s*\w+,\s*"([^"]*)"', re.M)
    with open(os.path.join(ROOT, "src/base/errors.tbl"), encoding="utf-8") as f:
        return {m[0]: Fault(*m[1:]) for m in row.findall(f.read())}


FAULTS = catalogue()


# The lab

class Lab:
    def __init__(self, world):
        self.world = world
        self.keys = [rsa_key() for _ in range(3)]
        self.small, self.curve = rsa_key(1024), ec.generate_private_key(ec.SECP256R1())
        self.count_of_names = 0
        self.orders = Orderer(world)
        common = {"source": "WebServer", "supply_in_request": True, "ekus": [CLIENT_AUTH, SERVER_AUTH],
                  "validity_days": 30}
        # The tests name themselves in certificates for logging on, so that one template does for every protocol.
        world.admin("ca", "template.duplicate", {**common, "name": "Plain", "override": ["ESC1"]})
        world.admin("ca", "template.duplicate", {**common, "name": "Ordered", "order_required": True})
        for template in ("Plain", "Ordered"):
            world.admin("ca", "template.edit", {"template": template, "allow_key_export": True,
                                                "key_algorithms": ["rsa"]})
            self.orders.may(template)

    def fresh(self, word):
        self.count_of_names += 1
        return f"{word}{self.count_of_names}"

    def who(self, password=None):
        w = Who(self.world, self.fresh("caller"), password)
        for template in ("Plain", "Ordered"):
            w.may(template)
        return w

    def right(self, who, template="Plain", **change):
        verb = "template.withdraw" if "withdraw" in change else "template.grant"
        rights = change.get("withdraw", ())
        self.world.admin("ca", verb, {"template": template, "principal": who, "rights": list(rights),
                                      "deny": list(change.get("deny", ()))})

    def csr(self, cn, key=None):
        return make_csr(key or self.keys[0], name(cn), san_dns(cn + ".example"))

    def order(self, cn, template="Ordered", **more):
        return self.orders.seal(template, name(cn), san_dns(cn + ".example"), **more)

    def valid(self):
        """How many certificates that these tests are about."""
        return sum(self.world.cli_json("cert", "count", "--state", "valid", "--template", t, "--socket",
                                       self.world.socket_of("ca"))["count"] for t in ("Plain", "Ordered"))

    def late(self):
        """From now on the CA lives where all that was issued before has ended; its clients do not."""
        self.world.stop("ca")
        self.world.env["ca"] = LATER
        self.world.start("ca")
        wait_for(lambda: self.world.admin("ca", "ca.show")["cas"], why="the CA in the future")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    w = CaWorld(tmp_path_factory.mktemp("matrix")).setup()
    yield Lab(w)
    w.close()


# The protocols. A case is one caller that is about to ask: send() asks, and gives the certificate or raises Refused.

class Case:
    password = None

    def __init__(self, lab, template="Plain"):
        self.lab, self.template = lab, template
        self.cn = lab.fresh("host")
        self.key = lab.keys[0]
        self.who = lab.who(self.password)
        self.prepare()

    def prepare(self):
        pass

    def csr(self, key=None, cn=None):
        return self.lab.csr(cn or self.cn, key or self.key)

    def caller_cert(self):
        with open(self.who.cert, "rb") as f:
            return x509.load_pem_x509_certificate(f.read())

    def holder(self):
        return hashlib.sha256(self.caller_cert().public_bytes(serialization.Encoding.DER)).digest()

    def order(self, cn=None, **more):
        return self.lab.order(cn or self.cn, holder=self.holder(), **more)

    def principal(self):
        return self.who.name

    def revoke(self):
        self.lab.world.admin("ca", "cert.revoke", {"serial": f"{self.caller_cert().serial_number:x}",
                                                   "reason": "superseded"})

    def first(self):
        """What is renewed: issued to the same caller."""
        order = None
        if self.template == "Ordered":
            order = self.lab.order(self.cn, holder=hashlib.sha256(self.caller_cert().public_bytes(
                serialization.Encoding.DER)).digest())
        return EstClient(self.lab.world, self.who, False).enrol(self.csr(), self.template, order)


class Wstep(Case):
    by_password = False

    def client(self):
        return WstepClient(self.lab.world, self.who, self.by_password)

    def send(self, csr=None, template=None, order=None):
        return self.client().enrol(csr or self.csr(), template or self.template, order)

    def oversized(self):
        self.send(b"0" * BIG)

    @staticmethod
    def says(refusal, fault):
        assert refusal.status == 500 and refusal.hresult == FAULTS[fault].hresult


class WstepPassword(Wstep):
    by_password, password = True, "a long enough password"

    def revoke(self):
        self.lab.world.admin("ca", "principal.passwd", {"name": self.who.name})


class Est(Case):
    operation = "simpleenroll"

    def client(self):
        return EstClient(self.lab.world, self.who, False)

    def send(self, csr=None, template=None, order=None):
        return self.client().enrol(csr or self.csr(), template or self.template, order, self.operation)

    def oversized(self):
        self.send(b"0" * BIG)

    @staticmethod
    def says(refusal, fault):
        assert refusal.status == FAULTS[fault].http


class EstPassword(Est):
    password = "a long enough password"

    def client(self):
        return EstClient(self.lab.world, self.who, True)

    def revoke(self):
        self.lab.world.admin("ca", "principal.passwd", {"name": self.who.name})


class EstRenewal(Est):
    operation = "simplereenroll"

    def prepare(self):
        self.held = x509.load_der_x509_certificate(self.first())
        self.pem = self.who.file(self.cn + ".pem", self.held.public_bytes(serialization.Encoding.PEM))
        self.pem_key = self.who.file(self.cn + ".key", key_pem(self.key))

    def client(self):
        return EstClient(self.lab.world, None, False, cert=self.pem, key=self.pem_key)

    def send(self, csr=None, template=None, order=None):
        return self.client().enrol(csr or self.csr(), template, order, self.operation)

    def caller_cert(self):
        return getattr(self, "held", None) or super().caller_cert()


class EstKeygen(Est):
    """The CA makes the key: the one in the request is no more than a place for the names (RFC 7030 4.4.1)."""

    def send(self, csr=None, template=None, order=None):
        head, data = self.client().post("serverkeygen", csr or self.csr(), template or self.template, order)
        boundary = re.search(r"boundary=(\S+)", head["content-type"]).group(1).encode()
        key, certs = [base64.b64decode(p.split(b"\r\n\r\n")[1]) for p in data.split(b"--" + boundary)[1:3]]
        leaf = pkcs7.load_der_pkcs7_certificates(certs)[0]
        made = serialization.load_der_private_key(key, None)
        assert made.key_size >= 2048
        assert leaf.public_key().public_numbers() == made.public_key().public_numbers()
        return leaf.public_bytes(serialization.Encoding.DER)


class Scep(Case):
    kind = scep.PKCS_REQ
    signer = None  # of a renewal: certificate and key

    def prepare(self):
        self.challenge = None
        if self.template == "Plain":
            self.challenge = self.lab.world.admin("ca", "challenge.make", {
                "template": self.template, "principal": self.who.name})["challenge"]

    def client(self, template=None):
        path = "/scep"
        if template:
            path += f"/{self.lab.world.issuing_ca.replace(' ', '%20')}/{template}"
        return ScepClient(self.lab.world.http_url + path, os.path.join(self.lab.world.dir, "scep"))

    def principal(self):
        return self.who.name if self.template == "Plain" else self.lab.orders.name

    def order(self, cn=None, **more):
        return self.lab.order(cn or self.cn, **more)

    def text(self, order):
        return base64.b64encode(order).decode() if order is not None else self.challenge

    def csr(self, key=None, cn=None, order=None):
        return scep.make_csr(key or self.key, cn or self.cn, self.text(order), [(cn or self.cn) + ".example"])

    def send(self, csr=None, template=None, order=None, key=None):
        c, key = self.client(template), key or self.key
        cert, signer = self.signer or (self_signed(key, self.cn), key)
        reply = c.enrol(key, csr or self.csr(order=order), self.kind, cert, signer)
        if reply.status != scep.SUCCESS:
            assert reply.status == scep.FAILURE and not reply.envelope
            raise Refused(reply.fail_info, reply.text)
        return c.leaf(reply).public_bytes(serialization.Encoding.DER)

    def revoke(self):
        self.lab.world.admin("ca", "principal.enable", {"name": self.who.name, "enabled": False})

    def oversized(self):
        status, _kind, _body = self.client().fetch("?operation=PKIOperation", b"0" * BIG)
        raise Refused(status, "(too-large)")

    @staticmethod
    def says(refusal, fault):
        assert refusal.status == FAULTS[fault].fail_info


class ScepRenewal(Scep):
    kind = scep.RENEWAL_REQ

    def prepare(self):
        self.challenge = None
        self.held = x509.load_der_x509_certificate(self.first())
        self.signer = (self.held, self.key)
        self.key = self.lab.keys[1]

    def principal(self):
        return self.who.name

    def revoke(self):
        self.lab.world.admin("ca", "cert.revoke", {"serial": f"{self.held.serial_number:x}", "reason": "superseded"})


ROWS = {"wstep-certificate": Wstep, "wstep-password": WstepPassword, "est-simpleenroll": Est,
        "est-password": EstPassword, "est-simplereenroll": EstRenewal, "est-serverkeygen": EstKeygen,
        "scep-pkcsreq": Scep, "scep-renewalreq": ScepRenewal}
BY_PASSWORD = ["wstep-password", "est-password"]


# The checks. Each makes the case and leaves it one step before the refusal: gives what asks.

def no_right(lab, row):
    c = row(lab)
    lab.right(c.principal(), withdraw=["enrol"])
    return c.send


def denied_right(lab, row):
    c = row(lab)
    lab.right(c.principal(), deny=["enrol"])
    return c.send


def no_ca_right(lab, row):
    c = row(lab)
    lab.world.admin("ca", "ca.withdraw", {"principal": c.principal(), "rights": ["request"]})
    return c.send


def unknown_template(lab, row):
    c = row(lab)
    return lambda: c.send(template="Nonsense")


def unpublished_template(lab, row):
    c = row(lab)

    def send():
        lab.world.admin("ca", "template.publish", {"template": "Plain", "published": False})
        try:
            c.send()
        finally:
            lab.world.admin("ca", "template.publish", {"template": "Plain", "published": True})
    return send


def order_missing(lab, row):
    return row(lab, "Ordered").send


def order_of_another(lab, row):
    c = row(lab, "Ordered")
    return lambda: c.send(order=c.order("somebody-else"))


def order_expired(lab, row):
    c = row(lab, "Ordered")
    return lambda: c.send(order=c.order(seconds=-60))


def order_forged(lab, row):
    c = row(lab, "Ordered")
    return lambda: c.send(order=c.order(forged=True))


def order_replayed(lab, row):
    """Used once; then for another key."""
    c = row(lab, "Ordered")
    order = c.order()
    if c.password is None:
        c.send(order=order)
    other = lab.keys[2]
    if isinstance(c, Scep) and c.signer is None:
        return lambda: c.send(c.csr(other, order=order), key=other)
    csr = c.csr(other, order=order) if isinstance(c, Scep) else c.csr(other)
    return lambda: c.send(csr, order=order)


def small_key(lab, row):
    c = row(lab)
    if row is Scep:
        return lambda: c.send(c.csr(lab.small), key=lab.small)
    return lambda: c.send(c.csr(lab.small))


def forbidden_algorithm(lab, row):
    """The template takes RSA keys."""
    c = row(lab)
    return lambda: c.send(c.csr(lab.curve))


def broken_proof(lab, row):
    c = row(lab)
    csr = bytearray(c.csr())
    csr[-9] ^= 0x55
    return lambda: c.send(bytes(csr))


def revoked(lab, row):
    c = row(lab)
    c.revoke()
    return c.send


def malformed(lab, row):
    c = row(lab)
    return lambda: c.send(b"\x30\x03\x02\x01\x00")


def oversized(lab, row):
    return row(lab).oversized


# check: what it is, the fault, and the faults of rows where the protocol sees something else first. MADE: it does not
# apply, for the reason that stands there, and the request is granted.
MADE = None
CHECKS = {
    "no enrol right": (no_right, "template-denied", {}),
    "denied right": (denied_right, "template-denied", {}),
    "no right on the CA": (no_ca_right, "ca-enrol-denied", {}),
    "unknown template": (unknown_template, "template-unknown", {}),
    "unpublished template": (unpublished_template, "template-unknown", {}),
    # A template that demands an order has no other challenges.
    "order missing": (order_missing, "order-missing", {"scep-pkcsreq": "challenge-missing"}),
    # Orders are for the holder of a certificate; who shows a password is none.
    "order of another subject": (order_of_another, "order-subject", dict.fromkeys(BY_PASSWORD, "order-holder")),
    "expired order": (order_expired, "order-expired", {}),
    "forged order": (order_forged, "order-signature", {}),
    "replayed order": (order_replayed, "order-stale", dict.fromkeys(BY_PASSWORD, "order-holder")),
    # A SCEP message is signed with the key that is to be certified; keygen makes a key that the template takes.
    "small key": (small_key, "key-size", {"scep-pkcsreq": "scep-algorithm", "est-serverkeygen": MADE}),
    "forbidden algorithm": (forbidden_algorithm, "key-size", {"scep-pkcsreq": "scep-signer", "est-serverkeygen": MADE}),
    # RFC 7030 4.4.1: the signature of a request for a key need not be right.
    "broken proof of possession": (broken_proof, "csr-signature", {
        "scep-pkcsreq": "scep-sealed", "scep-renewalreq": "scep-sealed", "est-serverkeygen": MADE}),
    # A password is taken away; who has a challenge has no certificate yet, so its principal is disabled.
    "revoked caller": (revoked, "caller-revoked", {
        "wstep-password": "credentials", "est-password": "credentials", "scep-pkcsreq": "caller-disabled"}),
    "malformed": (malformed, "bad-csr", {"scep-pkcsreq": "scep-sealed", "scep-renewalreq": "scep-sealed"}),
}


@pytest.mark.parametrize("protocol", ROWS)
def test_who_may_is_issued_one_certificate(lab, protocol):
    c = ROWS[protocol](lab)
    before = lab.valid()
    leaf = x509.load_der_x509_certificate(c.send())
    assert leaf.subject == name(c.cn)
    assert lab.valid() == before + 1


@pytest.mark.parametrize("protocol", [p for p in ROWS if p not in BY_PASSWORD])
def test_an_order_is_issued_once_however_often_it_comes(lab, protocol):
    c = ROWS[protocol](lab, "Ordered")
    order, before = c.order(), lab.valid()
    leaf = c.send(order=order)
    assert x509.load_der_x509_certificate(leaf).subject == name(c.cn)
    if protocol != "est-serverkeygen":
        assert c.send(order=order) == leaf
    assert lab.valid() == before + 1


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("protocol", ROWS)
def test_refused(lab, protocol, check):
    make, fault, others = CHECKS[check]
    fault = others.get(protocol, fault)
    row = ROWS[protocol]
    send = make(lab, row)
    before = lab.valid()
    if fault is MADE:
        send()
        assert lab.valid() == before + 1
        return
    with pytest.raises(Refused) as caught:
        send()
    assert f"({fault})" in caught.value.text or FAULTS[fault].text in caught.value.text, caught.value.text
    row.says(caught.value, fault)
    assert lab.valid() == before


@pytest.mark.parametrize("protocol", ROWS)
def test_oversized_is_refused_before_it_is_looked_at(lab, protocol):
    c = ROWS[protocol](lab)
    before = lab.valid()
    with pytest.raises(Refused) as caught:
        c.oversized()
    assert "(too-large)" in caught.value.text and caught.value.status in (413, 500)
    assert lab.valid() == before


def test_a_password_message_is_over_when_its_time_is(lab):
    c = WstepPassword(lab)
    client, before = c.client(), lab.valid()
    client.stamp = (utc(-4000), utc(-3600))
    with pytest.raises(Refused) as caught:
        client.enrol(c.csr(), "Plain")
    assert "(message-expired)" in caught.value.text
    assert lab.valid() == before


# Callers whose time is over. Last in this file: the CA moves 800 days ahead, beyond all that it issued before.

TLS = "the alert certificate_expired"
EXPIRED = {"wstep-certificate": TLS, "est-simpleenroll": TLS, "est-simplereenroll": TLS, "est-serverkeygen": TLS,
           "scep-pkcsreq": "challenge-refused", "scep-renewalreq": "renewal-refused", "wstep-renewal": "caller-expired"}


class WstepRenewal(WstepPassword):
    """The old certificate is in the message, not in the connection (MS-WSTEP 3.1.4.1.3.3: a CMS around the request)."""

    def prepare(self):
        old, key = self.who.file(self.cn + ".pem", b""), self.who.file(self.cn + ".key", key_pem(self.key))
        with open(old, "wb") as f:
            f.write(x509.load_der_x509_certificate(self.first()).public_bytes(serialization.Encoding.PEM))
        self.message = subprocess.run(["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-signer",
                                       old, "-inkey", key], input=self.csr(), check=True, capture_output=True).stdout

    def send(self, csr=None, template=None, order=None):
        return self.client().enrol(self.message)


@pytest.fixture(scope="module")
def in_two_years(lab):
    if not os.path.exists(FAKETIME):
        pytest.skip("needs libfaketime")
    rows = {**ROWS, "wstep-renewal": WstepRenewal}
    assert rows["wstep-renewal"](lab).send()
    cases = {protocol: rows[protocol](lab) for protocol in EXPIRED}
    lab.late()
    return cases


@pytest.mark.parametrize("protocol", EXPIRED)
def test_expired_callers_are_refused(lab, in_two_years, protocol):
    c, fault = in_two_years[protocol], EXPIRED[protocol]
    before = lab.valid()
    with pytest.raises((Refused, OSError)) as caught:
        c.send()
    if fault is TLS:
        assert not isinstance(caught.value, Refused)
        assert "EXPIRED" in str(caught.value) or isinstance(caught.value, ConnectionError), caught.value
    else:
        assert f"({fault})" in caught.value.text, caught.value.text
        c.says(caught.value, fault)
    assert lab.valid() == before
