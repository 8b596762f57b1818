# SPDX-License-Identifier: Apache-2.0
"""People who sign in at an outside OpenID Connect issuer."""

import contextlib
import html.parser
import http.client
import json
import os
import ssl
import subprocess
import time
import urllib.parse

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from issuer import Issuer
from world import PERMISSIONS, program, wait_for

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


class Form(html.parser.HTMLParser):
    """The fields of a page's form, as a browser has them."""

    def __init__(self, page):
        super().__init__()
        self.fields = {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "input" and "value" in attrs:
            self.fields[attrs["name"]] = attrs["value"]


@contextlib.contextmanager
def signing_in(world, home, *args, **env):
    """`chancery login --browser` while it waits: the process, and the address that it says."""
    done = subprocess.Popen(
        [program("chancery"), "login", "--browser", "--url", world.url, "--ca", world.root_file, *args],
        env={**os.environ, "CHANCERY_HOME": str(home), "DISPLAY": "", "BROWSER": "", **env}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        said = done.stderr.readline(), done.stderr.readline()
        assert "this machine" in said[0], said + (done.stderr.read(),)
        yield done, said[1].strip()
    finally:
        done.kill()
        done.communicate()


def page(world, method, url, form=None):
    """One exchange of a browser with the service, redirects not followed: status, where to, the page."""
    to = urllib.parse.urlsplit(url)
    c = http.client.HTTPSConnection(to.netloc, timeout=30, context=ssl.create_default_context(cafile=world.root_file))
    c.request(method, f"{to.path}?{to.query}" if to.query and form is None else to.path,
              urllib.parse.urlencode(form) if form is not None else None,
              {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {})
    r = c.getresponse()
    text = r.read().decode()
    c.close()
    return r.status, r.headers, text


def come_back(address, query=None):
    """The browser comes back to the program: status and page."""
    to = urllib.parse.urlsplit(address)
    c = http.client.HTTPConnection(to.netloc, timeout=30)
    c.request("GET", f"{to.path}?{urllib.parse.urlencode(query)}" if query is not None else f"{to.path}?{to.query}")
    r = c.getresponse()
    text = r.read().decode()
    c.close()
    return r.status, text


@pytest.fixture(scope="module")
def grace(trusting):
    made = trusting.admin("service", "admin.add", {"name": "grace", "permissions": ["User.Read.All"],
                                                   "password": "correct horse battery"})
    assert made
    return "grace", "correct horse battery"


def login_file(home):
    with open(home / "login.json", encoding="utf-8") as f:
        return json.load(f)


def ended(done, seconds=30):
    out, err = done.communicate(timeout=seconds)
    return done.returncode, out, err


def test_a_person_signs_in_with_a_browser_goes_on_and_signs_out(trusting, grace, tmp_path):
    started = tmp_path / "started"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {started}\n', encoding="utf-8")
    script.chmod(0o755)
    env = {"CHANCERY_HOME": str(tmp_path)}
    with signing_in(trusting, tmp_path, "--json", BROWSER=str(script)) as (done, url):
        wait_for(lambda: started.exists() and started.read_text(encoding="utf-8") == url)
        status, headers, text = page(trusting, "GET", url)
        assert status == 200 and "no-store" in headers["Cache-Control"] and "script" not in text
        back = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["redirect_uri"][0]
        # Chromium holds a form to this list also where its answer leads.
        assert back[:back.rindex("/")] in headers["Content-Security-Policy"]
        form = {**Form(text).fields, "username": grace[0]}
        assert page(trusting, "POST", url, {**form, "password": "wrong"})[0] == 401
        status, headers, _ = page(trusting, "POST", url, {**form, "password": grace[1]})
        assert status == 303 and headers["Location"].startswith(back)
        # What others on this machine send does not end the waiting.
        assert come_back(back, {"code": "x", "state": "guessed"})[0] == 400
        assert come_back(back, {"code": "x"})[0] == 400
        assert come_back(back[:-4] + "favicon.ico", {})[0] in (400, 404)
        status, text = come_back(headers["Location"])
        assert status == 200 and "close this page" in text
        code, out, err = ended(done)
        assert code == 0, err
        assert json.loads(out)["renews"] is True
    kept = login_file(tmp_path)
    assert oct(os.stat(tmp_path / "login.json").st_mode & 0o777) == "0o600" and kept["refresh"]
    assert "replay" not in kept["token"] and kept["token"] not in err and kept["refresh"] not in err
    assert trusting.cli_json("whoami", env=env)["name"] == "grace"
    trusting.cli("user", "list", env=env)
    # The code is used, so a program that saw it in the browser's history has nothing of it.
    used = urllib.parse.parse_qs(urllib.parse.urlsplit(headers["Location"]).query)["code"][0]
    assert used not in json.dumps(kept)
    # The token is over: the next command goes on by itself, and two at a time do not end each other's sign-in.
    (tmp_path / "login.json").write_text(json.dumps({**kept, "expires": 1}), encoding="utf-8")
    both = [subprocess.Popen([program("chancery"), "user", "list"], env={**os.environ, **env},
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(4)]
    assert [p.wait(30) for p in both] == [0] * 4, [p.stderr.read() for p in both]
    for p in both:
        p.stderr.close()
    later = login_file(tmp_path)
    assert later["refresh"] != kept["refresh"] and later["token"] != kept["token"]
    # A copy of the file from before shows, and ends it.
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "login.json").write_text(json.dumps({**kept, "expires": 1}), encoding="utf-8")
    refused = trusting.cli("user", "list", env={"CHANCERY_HOME": str(copy)}, check=False)
    assert refused.returncode == 3 and "nobody is signed in" in refused.stderr
    (tmp_path / "login.json").write_text(json.dumps({**later, "expires": 1}), encoding="utf-8")
    assert trusting.cli("user", "list", env=env, check=False).returncode == 3
    actions = [x["action"] for x in trusting.api("GET", "/chancery/v1/audit?$top=1000")["value"]
               if x["actor"] == "admin grace"]
    assert "login.approve" in actions and "login.copied" in actions


def test_signing_out_ends_the_sign_in_at_the_issuer(trusting, grace, tmp_path):
    env = {"CHANCERY_HOME": str(tmp_path)}
    with signing_in(trusting, tmp_path) as (done, url):
        form = {**Form(page(trusting, "GET", url)[2]).fields, "username": grace[0], "password": grace[1]}
        come_back(page(trusting, "POST", url, form)[1]["Location"])
        assert ended(done)[0] == 0
    kept = login_file(tmp_path)
    trusting.cli("logout", env=env)
    assert not (tmp_path / "login.json").exists()
    (tmp_path / "login.json").write_text(json.dumps({**kept, "expires": 1}), encoding="utf-8")
    assert "the sign-in at" in trusting.cli("user", "list", env=env, check=False).stderr
    # Where the issuer cannot be told it is forgotten here all the same, and that is said.
    (tmp_path / "login.json").write_text(
        json.dumps({**kept, "revoke_url": "https://127.0.0.1:1/revoke"}), encoding="utf-8")
    told = trusting.cli("logout", env=env, check=False)
    assert told.returncode == 5 and "could not be told" in told.stderr
    assert not (tmp_path / "login.json").exists()
    trusting.cli("logout", env=env)


def test_a_sign_in_that_is_declined_wrong_or_late_keeps_nothing(trusting, grace, issuer, tmp_path):
    with signing_in(trusting, tmp_path) as (done, url):
        form = Form(page(trusting, "GET", url)[2]).fields
        come_back(page(trusting, "POST", url, {**form, "action": "decline"})[1]["Location"])
        code, _, err = ended(done)
        assert code == 3 and "access_denied" in err
    with signing_in(trusting, tmp_path) as (done, url):
        # An answer of another issuer, with our state (RFC 9207 2.4).
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        back = {"code": "x", "state": asked["state"][0], "iss": issuer.url}
        assert come_back(asked["redirect_uri"][0], back)[0] == 200
        code, _, err = ended(done)
        assert code == 3 and "another issuer" in err
    with signing_in(trusting, tmp_path) as (done, url):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        come_back(asked["redirect_uri"][0], {"code": "x", "state": asked["state"][0]})
        code, _, err = ended(done)
        assert code == 3 and "another issuer" in err
    with signing_in(trusting, tmp_path, "--wait", "1") as (done, _):
        code, _, err = ended(done)
        assert code == 3 and "nobody came back" in err
    with signing_in(trusting, tmp_path) as (done, url):
        # A code that the service never gave.
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        name = trusting.api("GET", "/chancery/v1/signIn")["builtIn"]
        back = {"code": "x", "state": asked["state"][0], "iss": name}
        assert come_back(asked["redirect_uri"][0], back)[0] == 200
        with contextlib.suppress(OSError):
            assert come_back(asked["redirect_uri"][0], back)[0] == 410  # the second answer, if it is still heard
        code, _, err = ended(done)
        assert code == 3 and "not one of ours" in err
    assert not (tmp_path / "login.json").exists()
    for url in ("http://127.0.0.1.evil.test:1", "http://localhost@evil.test:1", "http://evil.test", "https://a b"):
        done = trusting.cli("login", "--browser", "--url", url, check=False)
        assert done.returncode == 2, done.stderr
    for args in (("--wait", "0"), ("--wait", "x"), ("--secret-file", trusting.root_file)):
        done = trusting.cli("login", "--browser", "--url", trusting.url, "--ca", trusting.root_file, *args, check=False)
        assert done.returncode == 2, done.stderr


def test_a_person_signs_in_with_a_browser_at_the_outside_issuer(trusting, issuer, tmp_path):
    env = {"CHANCERY_HOME": str(tmp_path)}
    issuer.life = 1
    with signing_in(trusting, tmp_path, "--outside", "--issuer-ca", issuer.cert) as (done, url):
        assert url.startswith(issuer.url + "/authorize?")
        status, _ = come_back(*issuer.approve(url))
        assert status == 200
        code, _, err = ended(done)
        assert code == 0, err
    assert issuer.url in login_file(tmp_path)["token_url"]
    before = login_file(tmp_path)["refresh"]
    trusting.cli("user", "list", env=env)   # its token is over at once
    last = login_file(tmp_path)["refresh"]
    assert last != before and last in issuer.refreshes
    trusting.cli("logout", env=env)
    assert last not in issuer.refreshes and "/realm/revoke" in issuer.asked
    issuer.life = 600
    rows = [
        (lambda q: {**q, "iss": "https://other.test"}, "another issuer"),
        (lambda q: {k: v for k, v in q.items() if k != "iss"}, "another issuer"),
        (lambda q: {"state": q["state"], "iss": q["iss"], "error": "access_denied",
                    "error_description": "not today\x1b[31m"}, "not today"),
        (lambda q: {"state": q["state"], "iss": q["iss"]}, "no code"),
        (lambda q: {**q, "code": "another"}, "invalid_grant"),
    ]
    for change, words in rows:
        with signing_in(trusting, tmp_path, "--outside", "--issuer-ca", issuer.cert) as (done, url):
            back, query = issuer.approve(url)
            come_back(back, change(query))
            code, _, err = ended(done)
            assert code == 3 and "\x1b" not in err, err
            assert words in err or words == "invalid_grant", err
    # An issuer that does not say that it names itself need not; if it does, it must be the one.
    issuer.named = False
    for query, good in (({"iss": None}, True), ({"iss": "https://other.test"}, False)):
        with signing_in(trusting, tmp_path, "--outside", "--issuer-ca", issuer.cert) as (done, url):
            back, asked = issuer.approve(url)
            come_back(back, {k: v for k, v in {**asked, **query}.items() if v is not None})
            assert (ended(done)[0] == 0) == good
    issuer.named = True


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
