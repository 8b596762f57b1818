# SPDX-License-Identifier: Apache-2.0
"""A CA that knows the connector by Kerberos: from a ticket cache, from a key, and without either."""

import json
import os
import shutil

import pytest

from kerberos import REALM, EstServer, Realm
from world import World, wait_for

CA = "Kerberos CA"
PRINCIPAL = f"connector@{REALM}"


class Site:
    def __init__(self, folder):
        self.realm = Realm(str(folder / "realm")).start()
        self.key = self.realm.keytab(PRINCIPAL, "connector.keytab")
        self.server = EstServer(self.realm.keytab(f"HTTP/localhost@{REALM}", "http.keytab")).start(self.realm.dir)
        self.world = World(str(folder / "world"))
        # Where the process that talks to the CA may read.
        self.link = os.path.join(self.world.state_dir("connector"), "link")
        self.world.env["connector"] = {"KRB5_CONFIG": os.path.join(self.link, "krb5.conf")}
        self.world.setup(connector=False)
        shutil.copy(self.realm.conf, self.world.env["connector"]["KRB5_CONFIG"])
        trust = self.realm.file("trust.pem", self.server.ca.root.public_bytes(_pem()).decode())
        self.socket = self.world.socket_of("connector")
        self.world.cli(
            "connector", "enrol", "--name", "kerberos", "--service-url", self.world.device_url, "--code",
            self.world.code(kind="connector"), "--backend", "est", "--ca-url", self.server.url, "--ca", CA,
            "--ca-trust", trust, "--trust", self.world.root_file, "--identity-ca",
            os.path.join(self.world.dir, "identity.pem"), "--ca-login", "kerberos", "--socket", self.socket)
        with open(trust, encoding="ascii") as f:
            self.root = self.world.add_root("Kerberos root", f.read())
        self.users = 0

    def checked(self):
        done = self.world.cli("connector", "check", "--json", "--socket", self.socket, check=False)
        return {f["check"]: f for f in json.loads(done.stdout)["findings"]}["ca"]

    def gets_one(self):
        w, self.users = self.world, self.users + 1
        who = f"user{self.users}"
        user = w.add_user(f"{who}@corp.test", f"{who}@corp.test")
        group = w.add_group(who, user)
        profile = w.add_pkcs(self.root, name=who, subject="CN={{UserName}}", certificationAuthorityName=CA)
        w.assign(profile, group)
        w.assign(self.root, *[{"id": g["id"]} for g in w.api("GET", "/v1.0/groups")["value"]])
        w.wait_slot(w.device(who, user), profile, seconds=60)


def _pem():
    from cryptography.hazmat.primitives.serialization import Encoding
    return Encoding.PEM


@pytest.fixture(name="site", scope="module")
def site_fixture(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("kerberos"))
    try:
        yield site
    finally:
        site.world.close()
        site.server.stop()
        site.realm.stop()


def test_without_a_ticket_it_says_that_the_ca_does_not_let_it_in(site):
    found = site.checked()
    assert found["fault"] == "ca-access" and "401" in found["detail"] and site.server.refused > 0


def test_with_a_ticket_in_the_cache_it_is_known_by_its_name(site):
    cache = os.path.join(site.link, "krb5cc")
    site.realm.ticket(PRINCIPAL, site.key, cache)
    wait_for(lambda: site.checked()["ok"], 30, why="the check to find the ticket")
    site.gets_one()
    assert set(site.server.callers) == {PRINCIPAL}
    os.remove(cache)


def test_with_a_key_it_gets_itself_tickets(site):
    """The ticket of before is gone: what it has now came from the key."""
    before = len(site.server.callers)
    shutil.copy(site.key, os.path.join(site.link, "client.keytab"))
    os.chmod(os.path.join(site.link, "client.keytab"), 0o600)
    wait_for(lambda: site.checked()["ok"], 30, why="the check to use the key")
    site.gets_one()
    assert len(site.server.callers) > before and os.path.exists(os.path.join(site.link, "krb5cc"))
