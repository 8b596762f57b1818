# SPDX-License-Identifier: Apache-2.0
"""CAs over time, with the programs as they are installed: a new key while clients go on, keys encrypted at rest."""

import base64
import glob
import os
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import pkcs7

from clients import key_pem, make_csr
from world import World, wait_for


class CaWorld(World):
    """A CA alone."""

    ROLES = ("ca",)

    def setup(self, connector=True):
        self.start_roles()
        self.make_ca()
        self.learn_from_ca()
        return self


@pytest.fixture(scope="module", name="world")
def the_world(tmp_path_factory):
    w = CaWorld(tmp_path_factory.mktemp("ca")).setup()
    yield w
    w.close()


def ca(world, *args):
    return world.cli("ca", *args, "--socket", world.socket_of("ca")).stdout


def principal(world, name):
    """A client certificate with its chain, and its key: the paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = base64.b64encode(make_csr(key, x509.Name([]))).decode()
    made = world.admin("ca", "principal.add", {"name": name, "csr": csr})
    path = os.path.join(world.dir, name)
    with open(path + ".pem", "w", encoding="ascii") as f:
        f.write(made["certificate"])
    with open(path + ".key", "wb") as f:
        f.write(key_pem(key))
    return path


def is_let_in(world, path):
    done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", world.root_file,
                           "--cert", path + ".pem", "--key", path + ".key", f"{world.ca_url}/.well-known/est/csrattrs"],
                          check=False, capture_output=True, text=True, timeout=30)
    return done.stdout in ("200", "204")


def test_callers_of_the_old_and_of_the_new_key_are_served(world):
    with open(world.root_file, "w", encoding="ascii") as f:
        f.write(world.root_pem)
    name = world.admin("ca", "ca.show")["cas"][1]["name"]
    old = principal(world, "before")
    wait_for(lambda: is_let_in(world, old), why="the enrolment port")
    ca(world, "renew", name, "--new-key")
    new = principal(world, "after")
    wait_for(lambda: is_let_in(world, new), seconds=30, why="the new key at the enrolment port")
    assert is_let_in(world, old)
    shown = [c for c in world.admin("ca", "ca.show")["cas"] if c["name"] == name]
    assert [c["state"] for c in shown] == ["current", "older key"]
    assert [c["version"] for c in shown] == ["V1.1", "V0.0"]
    for c in shown:
        crl = subprocess.run(["curl", "-sf", c["crl_url"]], check=True, capture_output=True, timeout=30).stdout
        assert x509.load_der_x509_crl(crl).is_signature_valid(
            x509.load_pem_x509_certificate(c["certificate"].encode()).public_key())
        published = subprocess.run(["curl", "-sf", c["aia_url"]], check=True, capture_output=True, timeout=30).stdout
        assert x509.load_der_x509_certificate(published) == x509.load_pem_x509_certificate(c["certificate"].encode())


def fetched(url):
    return subprocess.run(["curl", "-sfg", url], check=True, capture_output=True, timeout=30).stdout


def test_the_keys_of_a_root_certify_each_other_where_everybody_looks(world):
    def root():
        return next(c for c in world.admin("ca", "ca.show")["cas"] if c["role"] == "root" and c["state"] == "current")
    old = x509.load_pem_x509_certificate(root()["certificate"].encode())
    base = world.admin("ca", "ca.show")["cas"][1]["aia_url"].split("/aia/")[0]
    ca(world, "renew", root()["name"], "--new-key")
    new = x509.load_pem_x509_certificate(root()["certificate"].encode())
    name = root()["name"].replace(" ", "%20")
    cross = {}
    for pair, by, of in (("0-1", old, new), ("1-0", new, old)):
        der = wait_for(lambda p=pair: fetched(f"{base}/aia/{name}%28{p}%29.crt"), 30)
        cert = x509.load_der_x509_certificate(der)
        by.public_key().verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(),
                               cert.signature_hash_algorithm)
        assert cert.public_key().public_numbers() == of.public_key().public_numbers()
        assert cert.not_valid_after <= min(old.not_valid_after, new.not_valid_after)
        cross[pair] = cert
    # The enrolment port starts again meanwhile, with the new list.
    body = wait_for(lambda: subprocess.run(
        ["curl", "-sf", "--cacert", world.root_file, f"{world.ca_url}/.well-known/est/cacerts"], check=False,
        capture_output=True, timeout=30).stdout, 60, why="cacerts")
    given = pkcs7.load_der_pkcs7_certificates(base64.b64decode(body))
    assert all(c in given for c in (old, new, cross["0-1"], cross["1-0"]))


def test_no_key_is_on_the_disk_as_it_is(world):
    files = glob.glob(os.path.join(world.dir, "ca/state/keys/*.key"))
    assert len(files) >= 4
    for path in files:
        with open(path, encoding="ascii") as f:
            assert "PRIVATE KEY" not in f.read()
    assert stat.S_IMODE(os.stat(os.path.join(world.dir, "ca/state.secret/passphrase")).st_mode) == 0o600


def test_a_new_passphrase_is_needed_from_then_on(world):
    path = os.path.join(world.dir, "ca/state.secret/passphrase")
    new = os.path.join(world.dir, "new-passphrase")
    with open(new, "w", encoding="ascii") as f:
        f.write("a passphrase of this test\n")
    os.chmod(new, 0o600)
    ca(world, "key", "passwd", "--old-file", path, "--new-file", new)
    os.replace(new, path)
    world.kill("ca", "parent")
    wait_for(lambda: len(world.admin("ca", "ca.show")["cas"]) >= 3, why="the CA after its restart")
