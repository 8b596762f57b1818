# SPDX-License-Identifier: Apache-2.0
"""Notifications by webhook and mail; the audit outside of the service; roles from the command line."""

import email
import email.header
import hashlib
import hmac
import http.server
import json
import socketserver
import ssl
import subprocess
import threading

import pytest

from clients import Device, rsa_key
from world import PERMISSIONS, wait_for


class Receiver:
    """A webhook's end: keeps what came, answers as told."""

    def __init__(self):
        self.got, self.status = [], 200
        me = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                me.got.append((dict(self.headers.items()), body))
                self.send_response(me.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Post(socketserver.ThreadingTCPServer):
    """An SMTP server (RFC 5321) that takes every mail, and offers STARTTLS (RFC 3207) once it has a certificate."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.mails, self.context, self.versions = [], None, []
        super().__init__(("127.0.0.1", 0), Post.Talk)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Talk(socketserver.StreamRequestHandler):
        def say(self, text):
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self):
            self.say("220 post ready")
            sender, to = "", []
            while line := self.rfile.readline():
                verb = line.strip().upper()
                if verb.startswith(b"EHLO"):
                    self.say("250-post")
                    if self.server.context is not None and not isinstance(self.connection, ssl.SSLSocket):
                        self.say("250-STARTTLS")
                    self.say("250 8BITMIME")
                elif verb.startswith(b"STARTTLS"):
                    self.say("220 go on")
                    try:
                        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
                    except (ssl.SSLError, OSError):
                        return
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                    self.server.versions.append(self.connection.version())
                elif verb.startswith(b"MAIL"):
                    sender = line.decode().strip()
                    self.say("250 ok")
                elif verb.startswith(b"RCPT"):
                    if b"nobody@" in line:
                        self.say("550 5.1.1 no such mailbox")
                        continue
                    to.append(line.decode().strip())
                    self.say("250 ok")
                elif verb.startswith(b"DATA"):
                    self.say("354 go on")
                    lines = []
                    while (x := self.rfile.readline()) not in (b".\r\n", b""):
                        lines.append(x)
                    self.server.mails.append((sender, to, b"".join(lines)))
                    self.say("250 taken")
                elif verb.startswith(b"QUIT"):
                    self.say("221 bye")
                    return
                else:
                    self.say("502 what?")


@pytest.fixture(scope="module")
def post():
    x = Post()
    yield x
    x.shutdown()
    x.server_close()


@pytest.fixture(scope="module")
def ready(world, post):
    world.stop("service")
    post_certificate(world, "post")
    with open(world.conf_file("service"), "a", encoding="utf-8") as f:
        f.write(f"[mail]\nserver=smtp://127.0.0.1:{post.port}\nfrom=pki@contoso.test\n"
                f"[notify]\nca={world.dir}/post.pem\n")
    world.start("service")
    wait_for(lambda: world.raw("GET", "/chancery/v1/signIn", token=None)[0] == 200)
    app = world.add_app("line", PERMISSIONS + ["DeviceManagementRBAC.ReadWrite.All"])
    secret = f"{world.dir}/secret"
    with open(secret, "w", encoding="ascii") as f:
        f.write(app["client_secret"])
    world.cli("login", "--url", world.url, "--ca", world.root_file, "--client-id", app["client_id"],
              "--secret-file", secret)
    return world


def post_certificate(world, name):
    """A server certificate of its own issuer."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    f"{world.dir}/{name}.key", "-out", f"{world.dir}/{name}.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{world.dir}/{name}.pem", f"{world.dir}/{name}.key")
    return context


def signed(secret, headers, body):
    mac = hmac.new(secret.encode(), headers["X-Chancery-Timestamp"].encode() + b"." + body,
                   hashlib.sha256)
    return headers["X-Chancery-Signature"] == "sha256=" + mac.hexdigest()


def test_a_webhook_gets_signed_messages_and_refusals_are_tried_again(ready):
    hook = Receiver()
    made = ready.cli_json("notify", "add", "Ops", "--webhook", hook.url, "--period", "1")
    ready.cli("notify", "test", "Ops")
    headers, body = hook.got[0]
    assert signed(made["secret"], headers, body)
    assert not signed(made["secret"] + "x", headers, body)
    assert json.loads(body)["type"] == "test"
    assert "secret" not in ready.cli_json("notify", "list")["value"][0]

    hook.status = 503
    bad = ready.cli("notify", "test", "Ops", check=False)
    assert bad.returncode != 0 and "503" in bad.stderr
    waiting = [x for x in ready.cli_json("notify", "deliveries", "Ops")["value"] if x["state"] == "waiting"]
    assert waiting and waiting[0]["tries"] >= 1 and "503" in waiting[0]["detail"]
    ready.cli("notify", "remove", "Ops")


def test_many_failures_are_one_message(ready):
    """Devices whose users have no mail address: each of their certificates fails."""
    hook = Receiver()
    group = ready.add_group("Without mail")
    root = ready.add_root("Root of many")
    pkcs = ready.add_pkcs(root, name="Of many")
    devices, key = [], rsa_key()
    for i in range(3):
        user = ready.add_user(f"m{i}@contoso.test")
        ready.add_member(group, user)
        devices.append(Device(ready, ready.code(user), key, f"many{i}"))
        devices[-1].checkin()
    ready.cli("notify", "add", "Many", "--webhook", hook.url, "--period", "3")
    ready.assign(root, group)
    ready.assign(pkcs, group)
    # All of them within one period: each takes the root, and the certificate fails.
    results = [[d.obey(c) for c in d.checkin()] for d in devices]
    for d, r in zip(devices, results):
        d.checkin(r)
    wait_for(lambda: hook.got, seconds=60)
    told = lambda: [json.loads(b) for _, b in hook.got]  # noqa: E731
    wait_for(lambda: sum(x["count"] for x in told() if x["type"] == "failures") >= 3, seconds=60)
    assert len(hook.got) <= 2
    fault = told()[0]["faults"][0]
    assert fault["code"] and fault["hint"] and fault["exampleSlotId"]
    ready.cli("notify", "remove", "Many")


def test_a_mail_says_what_happened(ready, post):
    ready.cli("notify", "add", "Büro", "--mail", "admins@contoso.test")
    ready.cli("notify", "test", "Büro")
    sender, to, data = post.mails[0]
    mail = email.message_from_bytes(data)
    assert "pki@contoso.test" in sender and "admins@contoso.test" in to[0]
    assert str(email.header.make_header(email.header.decode_header(mail["Subject"]))) == "Test of a notification"
    assert "Test of a notification" in mail.get_payload(decode=True).decode()
    ready.cli("notify", "add", "Nobody", "--mail", "nobody@contoso.test")
    bad = ready.cli("notify", "test", "Nobody", check=False)
    assert bad.returncode != 0 and "550" in bad.stderr


def test_a_mail_goes_by_starttls_where_it_is_offered_and_the_certificate_is_good(ready, post):
    ready.cli("notify", "add", "Sealed", "--mail", "sealed@contoso.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{ready.dir}/post.pem", f"{ready.dir}/post.key")
    before = len(post.mails)
    try:
        post.context = context
        ready.cli("notify", "test", "Sealed")
        assert len(post.mails) == before + 1 and "sealed@" in post.mails[-1][1][0]
        assert post.versions[-1] in ("TLSv1.2", "TLSv1.3")
        post.context = post_certificate(ready, "stranger")
        refused = ready.cli("notify", "test", "Sealed", check=False)
        assert refused.returncode != 0 and len(post.mails) == before + 1
    finally:
        post.context = None


@pytest.mark.parametrize("address", ["ftp://x/", "http://example.org/", "https://a b/", "x"])
def test_an_address_that_is_none_is_refused(ready, address):
    assert ready.cli("notify", "add", "Bad", "--webhook", address, check=False).returncode != 0
    assert ready.cli("notify", "add", "Bad", "--mail", "a@b\r\nBcc: c@d", check=False).returncode != 0


def test_an_export_of_the_audit_can_be_checked_elsewhere(ready, tmp_path):
    path = tmp_path / "audit.jsonl"
    ready.cli("audit", "export", "--output", str(path))
    lines = path.read_text().splitlines()
    assert len(lines) > 5
    away = {"CHANCERY_HOME": str(tmp_path)}  # nobody is signed in there
    whole = ready.cli_json("audit", "verify", str(path), env=away)
    assert whole["whole"] and whole["first"] == 1 and whole["last"] == len(lines)

    # The same by the description alone.
    before = bytes(32)
    for text in lines:
        x = json.loads(text)
        data = before + x["seq"].to_bytes(8, "big") + x["at"].to_bytes(8, "big")
        for name in ("actor", "action", "target", "before", "after"):
            value = x[name].encode()
            data += len(value).to_bytes(4, "big") + value
        before = hashlib.sha256(data).digest()
        assert x["hash"] == before.hex()

    def broken(changed):
        bad = tmp_path / "bad.jsonl"
        bad.write_text("\n".join(changed) + "\n")
        done = ready.cli("audit", "verify", str(bad), env=away, check=False)
        return done.returncode != 0 and "audit" in done.stderr
    assert broken(lines[:2] + lines[3:])
    assert broken([lines[0].replace('"seq":1', '"seq":2')] + lines[1:])
    assert broken(lines[:3] + [lines[3].replace("local administrator", "somebody else").replace(
        '"actor":"', '"actor":"x')] + lines[4:])
    assert broken([json.dumps({**json.loads(lines[0]), "previous": "11" * 32})] + lines[1:])
    # A part of it is a chain as well.
    ready.cli("audit", "export", "--after", "3", "--output", str(tmp_path / "part"))
    assert ready.cli_json("audit", "verify", str(tmp_path / "part"), env=away)["first"] == 4
    assert ready.cli("audit", "export", "--output", str(path), check=False).returncode != 0


def test_graph_clients_see_what_changed(ready):
    user = ready.add_user("audited@contoso.test")["id"]
    ready.api("PATCH", f"/v1.0/users/{user}", {"jobTitle": "Clerk"})
    ready.api("PATCH", f"/v1.0/users/{user}", {"jobTitle": "Head"})
    events = ready.api("GET", "/beta/deviceManagement/auditEvents?$filter=displayName eq 'user.update'")["value"]
    mine = [x for x in events if x["resources"][0]["resourceId"] == user][-1]
    assert {"displayName": "jobTitle", "oldValue": "Clerk", "newValue": "Head"} in \
        mine["resources"][0]["modifiedProperties"]
    assert mine["activityOperationType"] == "Patch"
    assert ready.api("GET", f"/beta/deviceManagement/auditEvents/{mine['id']}")["activity"] == "user.update"
    assert "Role" in ready.api("GET", "/beta/deviceManagement/auditEvents/getAuditCategories()")["value"]


def test_roles_are_given_by_the_command_line(ready):
    group = ready.add_group("Desk")["id"]
    ready.cli("role", "create", "Desk readers", "--permission", "User.Read.All,Group.Read.All")
    assert "allows Group.Read.All" in ready.cli("role", "show", "Desk readers").stdout
    assert ready.cli("role", "assign", "Desk readers", "--to", "Desk", check=False).returncode == 2
    given = ready.cli_json("role", "assign", "Desk readers", "--to", "Desk,issuer:desk", "--everything")
    assert given["members"] == [group, "issuer:desk"]
    assert "Desk readers" in ready.cli("role", "assignments").stdout
    assert ready.cli("role", "delete", "Desk readers", check=False).returncode == 6
    ready.cli("role", "unassign", given["id"])
    ready.cli("role", "delete", "Desk readers")
