# SPDX-License-Identifier: Apache-2.0
"""CAs that know no orders are asked once: whatever is lost on the way, no second certificate comes of it, and what may
lie at the CA is named until somebody has looked."""

import base64
import glob
import os
import shutil

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

import adcs
from clients import Device, rsa_key
from connectors import Connector
from digicert import name, pem
from kerberos import REALM, Realm
from test_linux_scep import CLIENT, Hand
from world import World, wait_for

pytestmark = pytest.mark.seconds(120)

PASSWORD = "a password of the CA"
PRINCIPAL = f"connector@{REALM}"
UNKNOWN, APPROVAL = "ca-outcome-unknown", "ca-approval"
# The short form has a way of each kind and the plainest loss.
LONG = bool(os.environ.get("CHANCERY_LONG"))
LOST = ("drop", "garbage", "gateway") if LONG else ("drop", "gateway")
WAYS = (("wstep-certificate", "wstep-kerberos", "est-certificate", "est-password", "wstep-password") if LONG else
        ("est-certificate", "wstep-password"))
LAST = WAYS[-1]  # whose connector goes on


class Site:
    def __init__(self, folder):
        self.realm = Realm(str(folder / "realm")).start()
        self.key = self.realm.keytab(PRINCIPAL, "connector.keytab")
        # A lease is as long as one of the tests waits for its end; a job must be done within it also on a busy machine.
        self.world = World(str(folder / "world"), lease=12).setup(connector=False)
        self.world.stop("connector")
        self.ca = adcs.Adcs(self.realm.keytab(f"HTTP/localhost@{REALM}", "http.keytab"))
        self.ca.clients = self.ca.trust
        self.ca.start(self.world.dir)
        self.group = self.world.add_group("all")
        self.root = self.world.add_root("AD CS root", self.ca.trust)
        self.world.assign(self.root, self.group)
        self.device_key = rsa_key()
        self.connectors, self.profiles, self.groups = {}, {}, {}

    def certificate(self, csr):
        request = x509.load_der_x509_csr(base64.b64decode(csr))
        return pem(self.ca.ca.leaf(request.public_key(), name("connector"), [
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)])) + pem(self.ca.ca.cert)

    def connector(self, way):
        """The one that reaches the CA in this way, under a CA name of its own, and a profile that goes there."""
        if way in self.connectors:
            c = self.connectors[way]
            return c if c.proc is not None else c.start()
        backend, login = way.split("-")
        c = Connector(self.world, way, "[keys]\npool=2\nthreads=1\n[connector]\njobs=8\n")
        c.env = {"KRB5_CONFIG": os.path.join(c.dir, "state/link/krb5.conf")} if login == "kerberos" else {}
        c.start()
        more = {"certificate": lambda: {"ca_certificate": self.certificate(c.admin("connector.csr")["csr"])},
                "password": lambda: {"ca_user": "CORP\\connector", "ca_secret": PASSWORD}, "kerberos": dict}[login]()
        if login == "kerberos":
            [link] = glob.glob(f"{c.dir}/state/**/link", recursive=True)
            shutil.copy(self.realm.conf, c.env["KRB5_CONFIG"])
            self.realm.ticket(PRINCIPAL, self.key, os.path.join(link, "krb5cc"))
        c.admin("connector.join", {
            "name": way, "service_url": self.world.device_url, "ca_url": self.ca.url, "cas": [way],
            "service_trust": self.world.root_pem, "ca_trust": self.ca.trust, "identity_ca": self.world.identity_pem,
            "backend": backend, "ca_login": login, "code": self.world.code(kind="connector"), **more})
        self.connectors[way] = c
        self.profiles[way] = self.world.add_pkcs(self.root, name=way, subject="CN={{UserName}}",
                                                 certificationAuthorityName=way)
        self.groups[way] = self.world.add_group(way)
        self.world.assign(self.profiles[way], self.groups[way])
        return c

    def person(self, way, what):
        """A device of somebody whose certificate goes wrong like that; asked once, so that it is queued."""
        who = f"{way}-{what}"
        user = self.world.add_user(f"{who}@corp.test")
        for group in (self.group, self.groups[way]):
            self.world.add_member(group, user)
        device = Device(self.world, self.world.code(user), self.device_key, who)
        device.who = who
        return device

    def begin(self, way, *what):
        self.connector(way)
        people = {w: self.person(way, w) for w in what}
        for d in people.values():
            d.checkin([d.obey(c) for c in d.checkin()])
        return people

    def slot(self, way, device):
        return self.world.slots(device=device.id, profile=self.profiles[way]["id"])[0]

    def says(self, way, device, fault):
        def said():
            s = self.slot(way, device)
            return s if s["fault"] == fault else None
        return wait_for(said, 60,
                        why=lambda: f"{device.who}: {fault}; {self.world.timeline(self.slot(way, device))}")

    def has(self, way, device):
        def installed():
            device.checkin([device.obey(c) for c in device.checkin()])
            return self.slot(way, device)["state"] == "installed"
        wait_for(installed, 60, 0.2, f"{device.who} to have its certificate")

    def revocation(self, device):
        """What is to be revoked for the device, once the connector said what it can."""
        def told():
            found = [r for r in self.world.api("GET", "/chancery/v1/revocations")["value"]
                     if r["deviceName"] == device.who and r["fault"]]
            return found[0] if found else None
        return wait_for(told, 60, why=f"the revocation of {device.who}")

    def events(self, way, device):
        return [e["event"] for e in self.world.timeline(self.slot(way, device))]

    def close(self):
        for c in self.connectors.values():
            c.stop()
        self.world.close()
        self.ca.stop()
        self.realm.stop()


@pytest.fixture(name="site", scope="module")
def site_fixture(tmp_path_factory):
    if shutil.which("krb5kdc", path="/usr/sbin") is None:
        pytest.skip("there is no KDC")
    site = Site(tmp_path_factory.mktemp("sent"))
    try:
        yield site
    finally:
        site.close()


def test_an_answer_that_is_lost_makes_no_second_certificate(site):
    all_of_them = [(way, site.begin(way, "well", "deny", "busy", *LOST)) for way in WAYS]
    for way, people in all_of_them:
        site.has(way, people["well"])
        site.has(way, people["busy"])
        for what in LOST:
            slot = site.says(way, people[what], UNKNOWN)
            assert slot["state"] == "failed" and slot["nextStep"]
            stuck = site.revocation(people[what])
            assert stuck["fault"] == "ca-no-revoke" and "serial number is not known" in stuck["detail"]
            assert len(site.ca.of(people[what].who)) == 1 and site.ca.seen.count(people[what].who) == 1
        # Refused is refused: nothing to look for at the CA.
        wait_for(lambda w=way, p=people: site.slot(w, p["deny"])["state"] == "failed", 30)
        assert "revoke-queued" not in site.events(way, people["deny"])
        assert len(site.ca.of(people["well"].who)) == 1 and len(site.ca.of(people["busy"].who)) == 1
        assert "sent" in site.events(way, people["well"])
    for way in WAYS[:-1]:
        site.connectors[way].stop()


def test_what_a_manager_is_to_approve_is_not_asked_again_and_what_became_of_it_is_found(site):
    way = LAST
    site.connector(way)
    people = site.begin(way, "pending", "approved", "refused", "call")
    for what in ("pending", "approved", "refused"):
        assert "request" in site.says(way, people[what], APPROVAL)["reason"]
    # Refused there, nothing is left to do; issued there, it is known which.
    wait_for(lambda: "revoked" in site.events(way, people["refused"]), 60)
    [cert] = site.ca.of(people["approved"].who)
    stuck = site.revocation(people["approved"])
    assert int(stuck["serialNumber"], 16) == cert.serial_number and stuck["fault"] == "ca-no-revoke"
    assert "still waits" in site.revocation(people["pending"])["detail"]
    # The enrolment service lost its CA in mid-call.
    assert site.says(way, people["call"], UNKNOWN)
    assert all(site.ca.seen.count(p.who) == 1 for p in people.values())


def test_a_connector_that_dies_after_it_sent_leaves_a_fault_and_no_second_request(site):
    way = LAST
    c = site.connector(way)
    site.ca.release.clear()
    held = site.begin(way, "held")["held"]
    wait_for(lambda: site.ca.of(held.who), 60, why="the CA to issue")
    c.kill()
    site.ca.release.set()
    c.start()
    site.says(way, held, UNKNOWN)
    site.revocation(held)
    assert site.ca.seen.count(held.who) == 1
    # Somebody looked there and revoked it: then another is asked for at once.
    shown = site.slot(way, held)
    assert site.world.api("POST", f"/chancery/v1/slots/{shown['id']}/revokedByHand", {})["revoked"] == 1
    site.has(way, held)
    assert site.ca.seen.count(held.who) == 2


def test_an_answer_that_comes_after_the_lease_is_delivered_after_all(site):
    way = LAST
    site.connector(way)
    site.ca.release.clear()
    late = site.begin(way, "late-held")["late-held"]
    site.says(way, late, UNKNOWN)
    site.ca.release.set()
    wait_for(lambda: {"issued", "issued-late"} & set(site.events(way, late)), 60, why="the late answer")
    if "issued" in site.events(way, late):
        site.has(way, late)
        assert int(site.slot(way, late)["serialNumber"], 16) == site.ca.of(late.who)[0].serial_number
    else:  # its revocation had begun; it is named
        assert int(site.revocation(late)["serialNumber"], 16) == site.ca.of(late.who)[0].serial_number
    assert site.ca.seen.count(late.who) == 1


def test_a_ca_that_is_away_costs_nothing(site):
    """Nothing was sent, so it is sent when it is back."""
    way = LAST
    site.connector(way)
    site.ca.away = True
    try:
        away = site.begin(way, "away")["away"]
        wait_for(lambda: "postponed" in site.events(way, away), 60, why="the connector to find nobody")
    finally:
        site.ca.away = False
    site.has(way, away)
    assert site.ca.seen.count(away.who) == 1 and len(site.ca.of(away.who)) == 1


def test_the_list_of_what_is_to_be_revoked_has_all_of_them(site):
    secret = os.path.join(site.world.dir, "app.secret")
    with open(secret, "w", encoding="ascii") as f:
        f.write(site.world.app["client_secret"])
    os.chmod(secret, 0o600)
    site.world.cli("login", "--url", site.world.url, "--tenant", site.world.tenant, "--client-id",
                   site.world.app["client_id"], "--secret-file", secret, "--ca", site.world.root_file)
    listed = {r["deviceName"] for r in site.world.cli_json("status", "revocations")["value"]
              if r["fault"] == "ca-no-revoke"}
    # One for each certificate that the CA issued and nobody holds.
    orphans = {c.subject.rfc4514_string()[len("CN="):] for c in site.ca.issued
               if c.subject.rfc4514_string().rsplit("-", 1)[-1] in LOST}
    assert orphans and orphans <= listed


# Keys that machines make: the service compares, the connector sends once, and the answer is kept.

class ByEst:
    """Machines that request by EST at the CA behind this connector."""

    def __init__(self, site, way):
        self.site, self.way, world = site, way, site.world
        site.connector(way)
        self.profile = world.api("POST", world.CONFIGURATIONS, {
            "@odata.type": "#chancery.linuxScepCertificateProfile", "displayName": f"EST {way}",
            "enrolmentProtocol": "est", "subjectNameFormat": "custom", "subjectNameFormatString": "CN={{UserName}}",
            "renewalThresholdPercentage": 20, "certificateValidityPeriodScale": "years",
            "certificateValidityPeriodValue": 1, "keyUsage": "digitalSignature", "keySize": "size2048",
            "hashAlgorithm": "sha2", "scepServerUrls": [f"{world.device_url}/scep/{way}/User"],
            "extendedKeyUsages": [{"name": "Client", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}],
            "rootCertificate@odata.bind": f"{world.url}{world.CONFIGURATIONS}('{site.root['id']}')"})
        self.group = world.add_group(f"EST {way}")
        world.assign(self.profile, self.group)

    def machine(self, what, run=False):
        world, who = self.site.world, f"{self.way}-est-{what}"
        user = world.add_user(f"{who}@corp.test")
        for group in (self.site.group, self.group):
            world.add_member(group, user)
        agent = world.device(who, user, run=run)
        agent.who = who
        return agent

    def hand(self, what):
        h = Hand(self.site.world, self.machine(what), self.site.root, self.site.ca.trust)
        h.enrol = "/.well-known/est/" + wait_for(lambda: h.command(self.profile), 30, 0.3)["label"] + "/simpleenroll"
        h.who = h.agent.who
        return h

    def slot(self, agent):
        return self.site.world.slot(agent, self.profile)


@pytest.mark.parametrize("way", WAYS if LONG else WAYS[-1:])
def test_a_key_of_a_machine_is_certified_once_by_a_ca_that_knows_no_orders(site, way):
    est = ByEst(site, way)
    world, ca = site.world, site.ca
    agent = est.machine("own", run=True)
    world.wait_slot(agent, est.profile, seconds=60)
    [issued] = ca.of(agent.who)
    assert agent.leaf(est.profile["id"]) == issued
    agent.stop()
    # By hand: what was not ordered does not reach the CA; one key has it, again and again, and no other one.
    hand = est.hand("hand")
    status, text = hand.curl(hand.enrol, hand.csr("name", "/CN=administrator"))
    assert status == 403 and b"order-subject" in text
    hand.csr("right", f"/CN={hand.who}")
    for more, fault in (((), b"order-eku"), (("-addext", "extendedKeyUsage=clientAuth,codeSigning"), b"order-eku"),
                        ((*CLIENT, "-addext", "subjectAltName=DNS:dc.corp.test"), b"order-san"),
                        ((*CLIENT, "-addext", "1.3.6.1.4.1.311.20.2=ASN1:BMPSTRING:Administrator"), b"order-template"),
                        ((*CLIENT, "-addext", "keyUsage=keyEncipherment"), b"order-usage")):
        status, text = hand.curl(hand.enrol, hand.csr_of(hand.path("right.key"), f"/CN={hand.who}", more))
        assert status == 403 and fault in text, (more, text)
    assert not ca.of(hand.who)
    right = hand.csr_of(hand.path("right.key"), f"/CN={hand.who}")
    status, text = hand.curl(hand.enrol, right)
    assert status == 200, text
    assert hand.certs(text) == ca.of(hand.who)
    status, text = hand.curl(hand.enrol, right)
    assert status == 200 and hand.certs(text) == ca.of(hand.who) and len(ca.of(hand.who)) == 1
    status, text = hand.curl(hand.enrol, hand.csr("second", f"/CN={hand.who}"))
    assert status == 403 and b"order-key" in text
    status, text = hand.curl(hand.enrol.replace("simpleenroll", "cacerts"))
    assert status == 200 and x509.load_pem_x509_certificate(pem(ca.ca.cert).encode()) in hand.certs(text)
    # Its serial number is known from then on, whatever becomes of the machine.
    world.api("POST", f"/v1.0/deviceManagement/managedDevices/{hand.agent.id}/retire")
    wait_for(lambda: f"{ca.of(hand.who)[0].serial_number:x}" in str(
        world.api("GET", "/chancery/v1/revocations")["value"]).lower(), 30, why="the revocation")


@pytest.mark.parametrize("way", WAYS if LONG else WAYS[:1])
def test_what_a_machine_requested_and_is_lost_at_such_a_ca_is_named_and_not_sent_again(site, way):
    est = ByEst(site, way)
    hand = est.hand("drop")
    right = hand.csr("right", f"/CN={hand.who}")
    status, text = hand.curl(hand.enrol, right)
    assert status == 502 and UNKNOWN.encode() in text, (status, text)
    slot = wait_for(lambda: (lambda s: s if s["state"] == "failed" else None)(est.slot(hand.agent)), 30)
    assert slot["fault"] == UNKNOWN
    assert hand.curl(hand.enrol, right)[0] in (404, 502)
    assert len(site.ca.of(hand.who)) == 1
    # What the CA refuses is nothing to look for.
    hand = est.hand("deny")
    assert hand.curl(hand.enrol, hand.csr("right", f"/CN={hand.who}"))[0] == 403
    slot = wait_for(lambda: (lambda s: s if s["state"] == "failed" else None)(est.slot(hand.agent)), 30)
    assert slot["fault"] not in (None, UNKNOWN), slot
    assert "revoke-queued" not in [e["event"] for e in site.world.timeline(slot)]


@pytest.mark.parametrize("way", [w for w in WAYS if w.startswith("wstep")])
def test_what_such_a_ca_puts_before_a_manager_is_taken_up_under_its_number(site, way):
    est = ByEst(site, way)
    hand = est.hand("pending")
    right = hand.csr("right", f"/CN={hand.who}")
    status, text = hand.curl(hand.enrol, right)
    number = site.ca.number
    assert status == 202 and f"request {number}" in text.decode(), (status, text)
    site.ca.approve(number)
    status, text = wait_for(lambda: (lambda r: r if r[0] != 202 else None)(hand.curl(hand.enrol, right)), 30, 0.3)
    assert status == 200 and hand.certs(text) == site.ca.of(hand.who) and len(site.ca.of(hand.who)) == 1
    assert site.ca.seen.count(hand.who) == 1
