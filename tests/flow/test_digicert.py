# SPDX-License-Identifier: Apache-2.0
"""Certificates from DigiCert ONE through a connector, against a server that keeps to its documentation."""

import json
import os
import threading
import time

import pytest
from cryptography import x509

import digicert
from world import World, free_ports, wait_for

CA = "DigiCert Private CA"
SID = "S-1-5-21-1004336348-1177238915-682003330-1104"


class Site:
    def __init__(self, folder):
        self.world = World(str(folder), lease=20).setup(connector=False)
        self.server = digicert.DigiCert(free_ports(1)[0]).start(self.world.dir)
        self.key_file = self.file("key", digicert.KEY + "\n")
        self.trust = self.file("digicert.pem", self.server.trust)
        self.users = 0
        self.root = self.world.add_root("DigiCert root", self.server.trust)
        self.enrol()

    def file(self, name, text):
        path = os.path.join(self.world.dir, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path

    def enrol(self):
        w = self.world
        self.joined = w.cli_json(
            "connector", "enrol", "--name", "to-digicert", "--service-url", w.device_url, "--code",
            w.code(kind="connector"), "--backend", "digicert", "--ca-url", self.server.url, "--ca", CA, "--ca-trust",
            self.trust, "--trust", w.root_file, "--identity-ca", os.path.join(w.dir, "identity.pem"),
            "--ca-secret-file", self.key_file, "--socket", w.socket_of("connector"))

    def connector(self, *args, check=True):
        return self.world.cli("connector", *args, "--socket", self.world.socket_of("connector"), check=check)

    def person(self, profile=digicert.PROFILE, **more):
        """Somebody with a device and a profile of that profile of DigiCert: (device, profile, group)."""
        w, who = self.world, self.next()
        self.users += 1
        user = w.add_user(f"{who}@corp.test", f"{who}@corp.test", **more)
        group = w.add_group(f"group {who}", user)
        pkcs = w.add_pkcs(self.root, name=f"for {who}", subject="CN={{UserName}},E={{EmailAddress}},O=Corp",
                          certificationAuthorityName=CA, certificateTemplateName=profile)
        w.assign(pkcs, group)
        return w.device(who, user), pkcs, group

    def next(self):
        """The name of the person who comes next."""
        return f"user{self.users + 1}"

    def waits(self, device, profile, fault, seconds=60):
        """The slot once it says this fault."""
        def said():
            s = self.world.slot(device, profile)
            return s if s and any(e["fault"] == fault for e in self.world.timeline(s)) else None
        return wait_for(said, seconds, why=f"the fault {fault}")

    def seat(self, of):
        return [c for c in self.server.of("issued") if c["seat"] == of]

    def valid(self, who):
        return [c for c in self.server.of("issued") if f"CN={who}" in c["cert"].subject.rfc4514_string()]

    def all_of(self, who):
        with self.server.lock:
            return [c for c in self.server.issued if f"CN={who}" in c["cert"].subject.rfc4514_string()]


def is_for(sent, who):
    """Others, who were refused before, are asked for again at any time."""
    return sent["attributes"]["subject"].get("common_name") == who


@pytest.fixture(name="site", scope="module")
def site_fixture(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("digicert"))
    # The root is for everybody who comes.
    everybody = {"@odata.type": "#microsoft.graph.allLicensedUsersAssignmentTarget"}
    site.world.api("POST", f"{site.world.CONFIGURATIONS}/{site.root['id']}/assign",
                   {"assignments": [{"target": everybody}]})
    try:
        yield site
    finally:
        site.world.close()
        site.server.stop()


@pytest.fixture(autouse=True)
def nothing_fails(site):
    yield
    site.server.fail = None


def test_it_joins_with_a_key_alone_and_the_key_is_shown_nowhere(site):
    shown = json.loads(site.connector("show", "--json").stdout)
    assert shown["joined"] and shown["backend"] == "digicert" and shown["ca_login"] == "key"
    assert shown["ca_certificate_until"] is None
    found = {f["check"]: f for f in json.loads(site.connector("check", "--json").stdout)["findings"]}
    assert all(f["ok"] for f in found.values()), found
    assert digicert.PROFILE in found["templates"]["text"] and "Users with SID" in found["templates"]["text"]
    state = site.world.state_dir("connector")
    holders = []
    for folder, _, names in os.walk(state):
        for n in names:
            with open(os.path.join(folder, n), "rb") as f:
                if digicert.KEY.encode() in f.read():
                    holders.append(n)
                    assert os.stat(f.name).st_mode & 0o777 == 0o600
    assert holders == ["ca.secret"]
    with open(site.world.log_file("connector"), encoding="utf-8") as f:
        assert digicert.KEY not in f.read()


def test_a_device_gets_its_certificate_and_loses_it_with_its_assignment(site):
    device, profile, group = site.person()
    slot = site.world.wait_slot(device, profile, seconds=60)
    [one] = site.valid("user1")
    assert device.leaf(profile["id"]).serial_number == one["cert"].serial_number
    names = one["cert"].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.OtherName)[0].value == digicert.utf8("user1@corp.test")
    assert one["seat"] in site.server.seats and int(slot["serialNumber"], 16) == int(one["serial"], 16)

    site.world.remove_member(group, site.world.api("GET", "/v1.0/users/user1@corp.test"))
    wait_for(lambda: not site.valid("user1"), 60, why="the revocation at DigiCert")
    assert one["reason"] == "cessation_of_operation"
    wait_for(lambda: one["seat"] not in site.server.seats, 20, why="its seat to be free again")


def test_profiles_with_and_without_sid(site):
    sid = {"onPremisesSecurityIdentifier": SID}
    device, profile, _ = site.person(digicert.WITH_SID, **sid)
    site.world.wait_slot(device, profile, seconds=60)
    leaf = device.leaf(profile["id"])
    assert SID.encode() in leaf.extensions.get_extension_for_oid(digicert.SID_OID).value.value

    device, profile, _ = site.person(digicert.PROFILE, **sid)
    slot = site.waits(device, profile, "leaf-mismatch")
    assert "From CSR" in json.dumps(site.world.timeline(slot))
    who = f"user{site.users}"
    wait_for(lambda: site.all_of(who) and not site.valid(who), 60, why="what nobody has a use for to be revoked")
    assert not device.holds(profile["id"])


@pytest.mark.parametrize("profile, fault, words", [
    ("00000000-0000-0000-0000-000000000000", "template-denied", "access_denied"),
    (digicert.BY_HAND, "ca-pending", "request req-"),
])
def test_what_digicert_does_not_issue_says_why(site, profile, fault, words):
    device, pkcs, _ = site.person(profile)
    slot = site.waits(device, pkcs, fault)
    assert words in json.dumps(site.world.timeline(slot))


def test_throttled_or_away_it_is_tried_again_until_it_is_there(site):
    count, who = {"n": 0}, site.next()

    def fail(_method, _path, sent):
        if not sent or "attributes" not in sent or not is_for(sent, who):
            return
        count["n"] += 1
        if count["n"] <= 2:
            raise digicert.Refused(429, "request_limit_exceeded", "Service unavailable, please limit request volume")
        if count["n"] <= 3:
            raise digicert.Refused(503, "maintenance", "come back later")
    site.server.fail = fail
    device, profile, _ = site.person()
    slot = site.waits(device, profile, "throttled")
    site.world.wait_slot(device, profile, seconds=90)
    assert "request_limit_exceeded" in json.dumps(site.world.timeline(slot))
    assert len(site.valid(f"user{site.users}")) == 1


def test_a_key_that_is_refused_names_itself_and_a_new_one_is_taken(site):
    wrong = site.file("wrong", "expired-key")
    site.connector("set", "--ca-secret-file", wrong)
    found = {f["check"]: f for f in json.loads(site.connector("check", "--json", check=False).stdout)["findings"]}
    assert found["ca"]["fault"] == "ca-access" and "invalid_api_key" in found["ca"]["detail"]
    assert site.connector("set", "--ca-secret-file", site.file("bad", "two\x01"), check=False).returncode != 0
    site.connector("set", "--ca-secret-file", site.key_file)
    assert site.connector("check").returncode == 0


def test_what_was_signed_and_never_heard_of_is_revoked_before_another_is_signed(site):
    """DigiCert signs and the line breaks; then it signs and the whole connector loses its power."""
    state = {"cut": 1}
    original, who = site.server.issue.__func__, site.next()

    def cut(server, query, sent):
        answer = original(server, query, sent)
        if is_for(sent, who) and state["cut"] > 0:
            state["cut"] -= 1
            raise ConnectionError
        return answer
    routes, digicert.DigiCert.ROUTES = digicert.DigiCert.ROUTES, [
        (m, p, cut if run is original else run) for m, p, run in digicert.DigiCert.ROUTES]
    try:
        device, profile, _ = site.person()
        site.world.wait_slot(device, profile, seconds=90)
    finally:
        digicert.DigiCert.ROUTES = routes
    both = site.all_of(who)
    assert [c["status"] for c in both] == ["revoked", "issued"] and both[0]["reason"] == "superseded"
    assert both[0]["seat"] == both[1]["seat"]
    assert device.leaf(profile["id"]).serial_number == both[1]["cert"].serial_number


def test_killed_between_signature_and_answer_it_leaves_no_unknown_certificate(site):
    reached, go = threading.Event(), threading.Event()
    original, who = site.server.issue.__func__, site.next()

    def held(server, query, sent):
        answer = original(server, query, sent)
        if not is_for(sent, who):
            return answer
        server.lock.release()
        try:
            reached.set()
            go.wait(60)
        finally:
            server.lock.acquire()
        return answer
    routes, digicert.DigiCert.ROUTES = digicert.DigiCert.ROUTES, [
        (m, p, held if run is original else run) for m, p, run in digicert.DigiCert.ROUTES]
    try:
        device, profile, _ = site.person()
        assert reached.wait(60)
    finally:
        digicert.DigiCert.ROUTES = routes
    site.world.kill("connector", "link")
    go.set()
    site.world.wait_slot(device, profile, seconds=90)
    both = site.all_of(who)
    assert [c["status"] for c in both] == ["revoked", "issued"]
    assert device.leaf(profile["id"]).serial_number == both[1]["cert"].serial_number


def test_digicert_is_away_for_a_while_and_a_revocation_waits_for_it(site):
    device, profile, group = site.person()
    site.world.wait_slot(device, profile, seconds=60)
    who = f"user{site.users}"

    def fail(_method, _path, _sent):
        raise digicert.Refused(503, "maintenance", "come back later")
    site.server.fail = fail
    site.world.remove_member(group, site.world.api("GET", f"/v1.0/users/{who}@corp.test"))
    slot = site.waits(device, profile, "unreachable")
    time.sleep(1)
    assert site.valid(who) and slot
    site.server.fail = None
    wait_for(lambda: not site.valid(who), 90, why="the revocation")
