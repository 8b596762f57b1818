# SPDX-License-Identifier: Apache-2.0
"""Keys of the CAs in a PKCS#11 token (SoftHSM), with the issuer in its jail as it is installed."""

import os
import re
import subprocess

import pytest

from world import AdminError, World, wait_for

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


class TokenWorld(World):
    """A CA alone, whose keys are made in a token."""

    ROLES = ("ca",)

    def __init__(self, folder):
        self.hsm = os.path.join(folder, "token")
        os.makedirs(os.path.join(self.hsm, "tokens"))
        self.softhsm = os.path.join(self.hsm, "softhsm.conf")
        super().__init__(folder, env={"ca": {"SOFTHSM2_CONF": self.softhsm}})
        self.put("softhsm.conf", f"directories.tokendir = {self.hsm}/tokens\nlog.level = ERROR\n")
        self.put("pin", "1234\n")
        with open(self.conf_file("ca"), "a", encoding="utf-8") as f:
            f.write(f"[keys]\ntoken_paths={self.hsm}\n")
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "corp", "--pin", "1234",
                        "--so-pin", "5678"], check=True, capture_output=True,
                       env={**os.environ, "SOFTHSM2_CONF": self.softhsm})

    def put(self, name, text):
        with open(os.path.join(self.hsm, name), "w", encoding="utf-8") as f:
            f.write(text)

    def uri(self):
        return f"pkcs11:token=corp?module-path={MODULE}&pin-source=file:{self.hsm}/pin"

    def is_there(self, there):
        here, away = os.path.join(self.hsm, "tokens"), os.path.join(self.hsm, "away")
        if there:
            os.rmdir(here)
            os.rename(away, here)
        else:
            os.rename(here, away)
            os.mkdir(here)


@pytest.fixture(scope="module", name="world")
def the_world(tmp_path_factory):
    if not os.path.exists(MODULE):
        pytest.skip("no SoftHSM")
    w = TokenWorld(str(tmp_path_factory.mktemp("token")))
    w.start_roles()
    wait_for(lambda: w.admin("ca", "ca.show") is not None)
    w.cli("ca", "init", "--name", "Corp", "--host", "localhost", "--http-url", w.http_url, "--key-alg", "p384",
          "--key-uri", w.uri(), "--socket", w.socket_of("ca"), timeout=120)
    yield w
    w.close()


def places(world):
    return {c["name"]: (c["key"], c["key_place"]) for c in world.admin("ca", "ca.show")["cas"]}


def publish(world):
    return world.admin("ca", "crl.publish")["published"]


def fails(world):
    with pytest.raises(AdminError) as caught:
        publish(world)
    return caught.value.id


def test_the_keys_of_the_first_cas_are_made_in_the_token_and_no_key_of_a_ca_is_a_file(world):
    assert set(places(world).values()) == {("EC 384", "token")}
    assert len(places(world)) == 3
    assert publish(world) == 3
    shown = subprocess.run(["p11tool", "--provider", MODULE, "--login", "--set-pin", "1234", "--list-privkeys",
                            "pkcs11:token=corp"], check=True, capture_output=True, text=True,
                           env={**os.environ, "SOFTHSM2_CONF": world.softhsm}).stdout
    assert sorted(re.findall(r"Label: (.*)", shown)) == ["Corp Device Identity CA", "Corp Issuing CA", "Corp Root CA"]
    assert "CKA_SENSITIVE" in shown and "CKA_NEVER_EXTRACTABLE" in shown
    keys = os.listdir(os.path.join(world.state_dir("ca"), "keys"))
    assert not [k for k in keys if k.startswith(("root", "issuing", "identity"))]


def test_while_the_token_is_away_signing_fails_with_its_fault_and_works_again_without_a_restart(world):
    world.is_there(False)
    world.kill("ca", "issuer")
    wait_for(lambda: len(places(world)) == 3, 30, why="the issuer without its token")
    pid = world.pid("ca", "issuer")
    assert fails(world) == "token-device"
    world.is_there(True)
    assert publish(world) == 3
    assert world.pid("ca", "issuer") == pid


def test_a_wrong_pin_is_not_tried_again_and_a_corrected_one_at_once(world):
    world.put("pin", "9999\n")
    world.kill("ca", "issuer")
    wait_for(lambda: len(places(world)) == 3, 30, why="the issuer with a wrong PIN")
    for _ in range(10):
        assert fails(world) == "token-pin"
    world.put("pin", "1234\n")
    assert publish(world) == 3
