# SPDX-License-Identifier: Apache-2.0
"""FIPS mode, with a stand-in for the provider that Debian lacks (tests/unit/pki/fips_module.c): all roles run by
approved algorithms, a Linux device gets its certificate, and what would take another algorithm is refused with its
reason."""

import base64
import os
import subprocess

import pytest

from test_pfx import Made, as_device, make_import_key, microsoft, openssl, profile, thumbprint, wait_held
from world import ROOT, World, wait_for

PFX = "/beta/deviceManagement/userPfxCertificates"


class FipsWorld(World):
    def conf(self, role, text, log):
        super().conf(role, text + "[process]\nfips=yes\n", log)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    modules = tmp_path_factory.mktemp("modules")
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu2x", "-fPIC", "-shared",
                    os.path.join(ROOT, "tests/unit/pki/fips_module.c"), "-o", str(modules / "fips.so"), "-lcrypto"],
                   check=True)
    env = {"OPENSSL_MODULES": str(modules)}
    w = FipsWorld(str(tmp_path_factory.mktemp("world")), env={role: env for role in World.ROLES})
    try:
        yield w.setup()
    finally:
        w.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module", name="import_key")
def import_key_of_the_world(world):
    return make_import_key(world)


def test_a_device_gets_a_certificate(world):
    ada = world.add_user("ada@corp.test", mail="ada@corp.test")
    group = world.add_group("Wi-Fi", ada)
    root = world.add_root()
    pkcs = world.add_pkcs(root)
    world.assign(root, group)
    world.assign(pkcs, group)
    agent = world.device("ada-1", ada)
    wait_for(lambda: [s["state"] for s in world.slots(device=agent.id)] == ["installed"] * 2, 60, why="both installed")


def test_imported_certificates_are_handed_on_and_other_programs_files_are_refused_with_the_reason(
        world, made, import_key, tmp_path):
    bob = world.add_user("bob@corp.test")
    mail = profile(world, "Mail", "smimeEncryption", world.add_group("Bobs", bob))
    ours, _, cert = made.pfx("bob")
    theirs, _, other = made.pfx("bob")
    (tmp_path / "pw").write_text("secret-Pa55")
    world.cli("pfx", "import", ours, "--user", "bob@corp.test", "--purpose", "smimeEncryption", "--password-file",
              str(tmp_path / "pw"), "--key", import_key)
    world.api("POST", PFX, microsoft("bob@corp.test", theirs, other, "secret-Pa55", import_key, "main"))
    agent = world.device("bob-1", bob, run=False)
    command = as_device(agent, 1)[0]
    for part in ("pfx", "password"):
        shown = openssl("cms", "-cmsout", "-print", "-inform", "DER", data=base64.b64decode(command[part])).decode()
        assert "algorithm: rsaesOaep" in shown and "aes-256-cbc" in shown, shown[:2000]
    agent.start()
    wait_held(agent, mail["id"], {thumbprint(cert)})

    def refused():
        return [s for s in world.slots(device=agent.id, profile=mail["id"]) if s["fault"] == "fips-refused"]
    slot = wait_for(refused, 60, why="the other one to be refused")[0]
    assert "FIPS" in slot["reason"] and "doc/fips.md" in slot["nextStep"], slot


def handshake(world, *options):
    done = subprocess.run(["openssl", "s_client", "-connect", f"{world.host}:{world.ports['api']}", *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode == 0 and "Cipher is (NONE)" not in done.stdout


def test_tls_is_by_approved_curves_and_suites_alone(world):
    assert handshake(world, "-groups", "P-256")
    assert handshake(world, "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-tls1_3")
    assert not handshake(world, "-groups", "X25519")
    assert not handshake(world, "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "-tls1_3")
    assert not handshake(world, "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305", "-tls1_2")
