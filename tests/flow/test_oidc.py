# SPDX-License-Identifier: Apache-2.0
"""People who sign in at an outside OpenID Connect issuer."""

import json
import os
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from issuer import Issuer
from world import PERMISSIONS, wait_for

READ_ONLY = "fa1d7878-e8cb-41a1-8254-0ae9f2b5e7f5"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    x = Issuer(tmp_path_factory.mktemp("issuer"))
    x.add_key("one")
    x.add_key("curve", "ES256")
    yield x
    x.close()


@pytest.fixture(scope="module")
def trusting(world, issuer):
    """The service takes its tokens; who is in the group pki-admins has a role."""
    world.stop("service")
    with open(world.conf_file("service"), "a", encoding="utf-8") as f:
        f.write(f"[oidc]\nissuer={issuer.url}\naudience=api://chancery\nca={issuer.cert}\n"
                "clients=portal\n")
    world.start("service")
    wait_for(lambda: world.raw("GET", "/chancery/v1/signIn", token=None)[0] == 200)
    app = world.add_app("roles", PERMISSIONS + ["DeviceManagementRBAC.ReadWrite.All"])
    world.app_of_roles = world.fetch_token(app)["access_token"]
    world.api("POST", "/beta/deviceManagement/roleAssignments",
              {"displayName": "Admins at the issuer", "members": ["issuer:pki-admins"],
               "roleDefinition@odata.bind": f"x/roleDefinitions('{READ_ONLY}')"},
              token=world.app_of_roles)
    return world


def status(world, token, path="/v1.0/users"):
    return world.raw("GET", path, token=token)[0]


def test_a_token_of_the_issuer_has_the_roles_of_its_groups(trusting, issuer):
    assert status(trusting, issuer.token()) == 200
    assert status(trusting, issuer.token("curve")) == 200
    assert status(trusting, issuer.token(azp="portal")) == 200
    assert status(trusting, issuer.token(aud=["other", "api://chancery"])) == 200
    assert status(trusting, issuer.token(groups=["others"])) == 403
    assert status(trusting, issuer.token(groups=None)) == 403
    # A group of that name at the issuer is not whatever has this identifier here.
    assert status(trusting, issuer.token(groups=[READ_ONLY])) == 403
    assert trusting.raw("POST", "/v1.0/users", {}, token=issuer.token())[0] == 403


def test_what_is_wrong_with_a_token_is_said_and_refused(trusting, issuer):
    now = int(time.time())
    rows = [
        ({"iss": issuer.url + "/"}, "issuer"),
        ({"aud": "api://other"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": ["a", "b"]}, "audience"),
        ({"aud": ["a", "api://chancery"], "azp": None}, "client"),
        ({"azp": "somebody-else"}, "client"),
        ({"exp": now - 1}, "expired"),
        ({"exp": None}, "expiry"),
        ({"exp": "soon"}, "expiry"),
        ({"nbf": now + 3600}, "valid yet"),
        ({"iat": now + 3600}, "future"),
        ({"sub": None}, "subject"),
        ({"preferred_username": None}, "preferred_username"),
        ({"preferred_username": 7}, "preferred_username"),
        ({"groups": ["g"] * 300}, "groups"),
    ]
    for claims, word in rows:
        code, _, body = trusting.raw("GET", "/v1.0/users", token=issuer.token(**claims))
        text = body.decode()
        assert (code, word in text) == (401, True), (claims, code, text)


def test_only_keys_of_the_key_set_count_whatever_the_header_says(trusting, issuer):
    mine = rsa.generate_private_key(65537, 2048)
    public = issuer.keys["one"][1].public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    mine_jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(mine.public_key()))
    for bad in [
        issuer.token("one", key=mine, alg="RS256"),
        issuer.token("unknown", key=mine, alg="RS256"),
        issuer.token("one", key=mine, alg="RS256", headers={"jwk": mine_jwk}),
        issuer.token("one", key=mine, alg="RS256", headers={"jku": issuer.url + "/mine"}),
        issuer.token("one", key=public, alg="HS256"),
        issuer.token("odd", key=b"\0\0\0", alg="HS256"),
        issuer.token("one", key="", alg="none"),
        issuer.token("one", alg="RS512"),
        issuer.token("curve", key=issuer.keys["one"][1], alg="RS256"),
    ]:
        assert status(trusting, bad) == 401
    assert "/realm/mine" not in issuer.asked


def test_who_signs_in_is_in_the_audit(trusting, issuer):
    world = trusting
    world.api("POST", "/beta/deviceManagement/roleAssignments",
              {"displayName": "Writers", "members": ["issuer:writers"],
               "roleDefinition@odata.bind":
                   "x/roleDefinitions('c7a1d6a0-52a5-4e2e-9d55-0f6368616e01')"},
              token=world.app_of_roles)
    world.api("POST", "/v1.0/users", {"displayName": "New", "mailNickname": "new", "accountEnabled": True,
                                      "userPrincipalName": "new@contoso.test"},
              token=issuer.token(groups=["writers"]))
    lines = world.api("GET", "/chancery/v1/audit")["value"]
    assert any(x["actor"] == "person grace@contoso.test" and x["action"] == "user.create"
               for x in lines)


def test_the_command_line_signs_in_at_the_issuer_by_a_code(trusting, issuer, tmp_path):
    env = {"CHANCERY_HOME": str(tmp_path)}
    done = trusting.cli("login", "--url", trusting.url, "--ca", trusting.root_file, "--outside",
                        "--issuer-ca", issuer.cert, env=env)
    assert "ABCD-EFGH" in done.stderr
    assert oct(os.stat(tmp_path / "login.json").st_mode & 0o777) == "0o600"
    assert "user" in trusting.cli("user", "list", env=env).stdout.lower()


def test_keys_are_asked_for_seldom_and_new_ones_are_found(trusting, issuer):
    asked = issuer.asked.count("/realm/keys")
    for _ in range(50):
        assert status(trusting, issuer.token("strange", key=rsa_key(), alg="RS256")) == 401
    assert issuer.asked.count("/realm/keys") <= asked + 1
    issuer.add_key("two")
    del issuer.keys["curve"]
    wait_for(lambda: status(trusting, issuer.token("two")) == 200, seconds=60, step=1)
    assert status(trusting, issuer.token("one")) == 200


KEYS = []


def rsa_key():
    if not KEYS:
        KEYS.append(rsa.generate_private_key(65537, 2048))
    return KEYS[0]


def test_an_issuer_that_is_away_costs_nobody_anything(trusting, issuer):
    good = issuer.token("two")
    issuer.close()
    assert status(trusting, good) == 200
    assert status(trusting, issuer.token("unknown", key=rsa_key(), alg="RS256")) == 401
