# SPDX-License-Identifier: Apache-2.0
"""A connector joins a CA on another host with nothing but files, and is known there in every way that there is."""

import base64
import hashlib
import json
import os

import pytest

from clients import Device, FakeConnector, make_csr, rsa_key
from connectors import Connector
from enrol_clients import Refused, WstepClient
from world import World, wait_for

PASSWORD = "correct horse battery staple"


class Site:
    def __init__(self, folder):
        self.world = World(str(folder)).setup(connector=False)
        self.world.stop("connector")
        self.connectors = []
        self.root = self.world.add_root()
        everybody = {"@odata.type": "#microsoft.graph.allLicensedUsersAssignmentTarget"}
        self.world.api("POST", f"{self.world.CONFIGURATIONS}/{self.root['id']}/assign",
                       {"assignments": [{"target": everybody}]})

    def path(self, name):
        return os.path.join(self.world.dir, name)

    def connector(self, name):
        """The only one that works."""
        for c in self.connectors:
            c.stop()
        self.connectors.append(Connector(self.world, name, "[keys]\npool=2\n").start())
        return self.connectors[-1]

    def at(self, c, *args, check=True):
        return self.world.cli("connector", *args, "--socket", c.socket, check=check)

    def enrol(self, c, *more, check=True, code=None):
        file = self.path("code")
        with open(file, "w", encoding="ascii") as f:
            f.write(code or self.world.code(kind="connector"))
        return self.at(c, "enrol", "--service-url", self.world.device_url, "--code-file", file, "--ca-url",
                       self.world.ca_url, *more, check=check)

    def by_password(self, c, backend, secret):
        return self.enrol(
            c, "--name", c.name, "--backend", backend, "--ca", self.world.issuing_ca, "--ca-trust",
            self.world.root_file, "--identity-ca", self.path("identity.pem"), "--ca-user", c.name,
            "--ca-secret-file", secret)

    def secret(self):
        path = self.path("app.secret")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.world.app["client_secret"])
        os.chmod(path, 0o600)
        return path

    def principal(self, name):
        """Who is known by a password alone."""
        secret = self.path(f"{name}.secret")
        with open(secret, "w", encoding="ascii") as f:
            f.write(PASSWORD + "\n")
        self.world.cli("principal", "add", name, "--password-file", secret, "--socket", self.world.socket_of("ca"))
        self.world.grant(name)
        return secret

    def person(self, who):
        user = self.world.add_user(f"{who}@corp.test", f"{who}@corp.test")
        profile = self.world.add_pkcs(self.root, name=f"for {who}", subject="CN={{UserName}}")
        group = self.world.add_group(f"group of {who}", user)
        self.world.assign(profile, group)
        return self.world.device(who, user), profile, group, user

    def gets_one(self, who):
        device, profile, *_ = self.person(who)
        self.world.wait_slot(device, profile, seconds=90)
        return device.leaf(profile["id"])


@pytest.fixture(name="site", scope="module")
def site_fixture(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("joining"))
    try:
        yield site
    finally:
        for c in site.connectors:
            c.stop()
        site.world.close()


def test_a_request_goes_out_a_file_comes_back_and_it_works(site):
    c = site.connector("far")
    site.at(c, "csr", "--out", site.path("far.csr"))
    site.world.cli("connector", "admit", "far", "--csr", site.path("far.csr"), "--template", "ChanceryUser", "--out",
                   site.path("far.json"), "--ca-socket", site.world.socket_of("ca"))
    with open(site.path("far.json"), encoding="utf-8") as f:
        admission = json.load(f)
    assert set(admission) == {"name", "cas", "ca_trust", "identity_ca", "ca_certificate"}
    assert "PRIVATE" not in json.dumps(admission)
    joined = json.loads(site.enrol(c, "--ca-file", site.path("far.json"), "--json").stdout)
    assert joined["name"] == "far"
    assert site.at(c, "check").returncode == 0
    site.gets_one("ada")
    again = site.at(c, "csr", check=False)
    assert again.returncode != 0 and "joined" in again.stderr


def test_what_is_missing_is_named_and_a_file_for_another_request_refused(site):
    c = site.connector("other")
    refused = site.enrol(c, "--name", "other", check=False)
    assert refused.returncode != 0 and "--ca is missing" in refused.stderr
    twice = site.enrol(c, "--code", "ABCDE", check=False)
    assert twice.returncode == 2 and "one of --code-file and --code" in twice.stderr
    refused = site.enrol(c, "--ca-file", site.path("far.csr"), check=False)
    assert refused.returncode != 0
    refused = site.enrol(c, "--ca-file", site.path("far.json"), check=False)
    assert refused.returncode != 0 and "connector.csr" in refused.stderr
    for options, word in ((("--ca-login", "password"), "--ca-secret-file"), (("--ca-login", "smoke"), "ca_login"),
                          (("--backend", "digicert"), "--ca-secret-file"), (("--ca-login", "key"), "--ca-secret-file"),
                          (("--ca-login", "password", "--ca-secret-file", site.world.root_file), "--ca-user")):
        refused = site.enrol(c, "--ca-file", site.path("far.json"), *options, check=False)
        assert refused.returncode != 0 and word in refused.stderr, (options, refused.stderr)
    assert not json.loads(site.at(c, "show", "--json").stdout)["joined"]


@pytest.mark.parametrize("backend", ["wstep", "est"])
def test_a_name_and_a_password_are_enough(site, backend):
    secret = site.principal(f"by-password-{backend}")
    c = site.connector(f"by-password-{backend}")
    site.by_password(c, backend, secret)
    shown = site.at(c, "show", "--json").stdout
    assert json.loads(shown)["ca_login"] == "password" and PASSWORD not in shown
    found = {f["check"]: f for f in json.loads(site.at(c, "check", "--json", check=False).stdout)["findings"]}
    assert found["ca"]["ok"], found
    leaf = site.gets_one(f"{backend}-user")
    [made] = [x for x in site.world.user_certificates("valid") if int(x["serial"], 16) == leaf.serial_number]
    assert made["requester"] == c.name

    wrong = site.path("wrong.secret")
    with open(wrong, "w", encoding="ascii") as f:
        f.write("not the password\n")
    site.at(c, "set", "--ca-secret-file", wrong)
    found = {f["check"]: f for f in json.loads(site.at(c, "check", "--json", check=False).stdout)["findings"]}
    assert not found["ca"]["ok"] and found["ca"]["fault"] == "ca-access", found["ca"]
    site.at(c, "set", "--ca-secret-file", secret)


def test_revocation_says_what_to_do_where_the_ca_knows_it_by_a_password(site):
    device, profile, group, user = site.person("leaver")
    site.world.wait_slot(device, profile, seconds=90)
    site.world.remove_member(group, user)

    def said():
        s = site.world.slot(device, profile)
        return s and [e for e in site.world.timeline(s) if e["fault"] == "ca-no-revoke"]
    [event, *_] = wait_for(said, 60, why="the fault")
    assert "request" in event["detail"]
    site.world.cli("login", "--url", site.world.url, "--tenant", site.world.tenant, "--client-id",
                   site.world.app["client_id"], "--secret-file", site.secret(), "--ca", site.world.root_file)
    slot = site.world.slot(device, profile)
    assert slot["fault"] == "ca-no-revoke" and slot["serialNumber"] in slot["reason"]
    assert "ca-no-revoke" in site.world.cli("status", "revocations", "--json").stdout
    assert site.world.cli_json("slot", "revoked", slot["id"])["revoked"] >= 1
    last = [e for e in site.world.timeline(slot) if e["event"] == "revoked-by-hand"]
    assert last and last[0]["detail"] == slot["serialNumber"]
    assert "ca-no-revoke" not in json.dumps(site.world.slot(device, profile))
    again = site.world.cli("slot", "revoked", slot["id"], check=False)
    assert again.returncode != 0 and "no revocation of this slot waits" in again.stderr
    assert "slot.revokedByHand" in json.dumps(site.world.api("GET", "/chancery/v1/audit?$top=999"))


def test_an_order_for_one_name_is_of_no_use_to_another(site):
    """Who is known by a password is the holder of its orders, as who shows a certificate is of its own."""
    w = site.world
    for c in site.connectors:
        c.stop()
    for name in ("holder", "somebody-else"):
        site.principal(name)
    fake = FakeConnector(w, "orders")
    fake.holder = hashlib.sha256(b"chancery-holder-v1\0holder").hexdigest()
    user = w.add_user("orders@corp.test", "orders@corp.test")
    group = w.add_group("orders", user)
    w.assign(w.add_pkcs(site.root, name="orders", subject="CN={{UserName}}"), group)
    Device(w, w.code(user), name="orders").settle()
    job = wait_for(fake.lease, 30, why="the job")
    order = base64.b64decode(job["order"])
    request = fake.request(job, rsa_key())

    class Who:
        cert, key, name, password = fake.ca_cert, fake.ca_key, "somebody-else", PASSWORD
    for by_password in (True, False):
        with pytest.raises(Refused) as caught:
            WstepClient(w, Who, by_password).enrol(request, job["template"], order)
        assert "order-holder" in caught.value.text
    Who.name = "HOLDER"
    assert WstepClient(w, Who, True).enrol(request, job["template"], order)
