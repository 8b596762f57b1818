# SPDX-License-Identifier: Apache-2.0
"""The CA as its administrator meets it: templates, waiting requests, settings, hold, backup and putting it back; all by
`chancery` on the host, and by WSTEP from the network."""

import base64
import json
import os
import re
import shutil
import uuid

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from clients import (BASE64_TYPE, PKCS10_TYPE, WSTEP_ACTION, X509_TYPE, key_pem, make_csr, rsa_key,
                     san_dns)
from world import Https, World, tls_context, wait_for

WST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
ENROL = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


class Ca:
    """A CA alone, with a principal "worker" and its client certificate."""

    def __init__(self, folder):
        self.w = World(folder)
        self.w.start("ca")
        wait_for(lambda: os.path.exists(self.w.socket_of("ca")))
        self.w.make_ca()
        self.w.learn_from_ca()
        self.key = rsa_key()
        self.csr = make_csr(self.key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "web.example.test")]),
                            san_dns("web.example.test"))
        own = rsa_key()
        self.file("own.csr", make_csr(own, x509.Name([])))
        self.key_file = self.file("own.key", key_pem(own))
        self.cert_file = os.path.join(self.w.dir, "own.pem")
        self.run("principal", "add", "worker", "--csr", os.path.join(self.w.dir, "own.csr"),
                 "--out", self.cert_file)
        self.run("ca", "grant", "worker", "request")

    def file(self, name, data):
        path = os.path.join(self.w.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def run(self, *args, **more):
        return self.w.cli(*args, "--socket", self.w.socket_of("ca"), **more).stdout

    def run_json(self, *args):
        return json.loads(self.run(*args, "--json"))

    def post(self, kind, inner):
        """(status, text) of one WSTEP message."""
        body = f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header><a:Action s:mustUnderstand="1">{WSTEP_ACTION}</a:Action>
<a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID></s:Header><s:Body>
<RequestSecurityToken PreferredLanguage="en-US" xmlns="{WST}"><TokenType>{X509_TYPE}</TokenType>
<RequestType>{kind}</RequestType>{inner}</RequestSecurityToken></s:Body></s:Envelope>"""
        https = Https(self.w.host, self.w.ports["ca"], tls_context(self.w.root_file, self.cert_file, self.key_file))
        path = f"/{self.w.issuing_ca.replace(' ', '%20')}_CES_Certificate/service.svc/CES"
        status, _, data = https.request("POST", path, body.encode(),
                                        {"Content-Type": "application/soap+xml; charset=utf-8"})
        https.close()
        return status, data.decode()

    def submit(self, template):
        token = base64.b64encode(self.csr).decode()
        return self.post(f"{WST}/Issue", f"""<BinarySecurityToken
 ValueType="{PKCS10_TYPE}" EncodingType="{BASE64_TYPE}" xmlns="{WSSE}">{token}</BinarySecurityToken>
<AdditionalContext xmlns="http://schemas.xmlsoap.org/ws/2006/12/authorization"><ContextItem Name="CertificateTemplate">
<Value>{template}</Value></ContextItem></AdditionalContext>""")

    def query(self, request):
        return self.post(f"{ENROL}/QueryTokenStatus", f'<RequestID xmlns="{ENROL}">{request}</RequestID>')


@pytest.fixture(scope="module", name="ca")
def ca_fixture(tmp_path_factory):
    made = Ca(tmp_path_factory.mktemp("ca"))
    yield made
    made.w.close()


def request_id(text):
    return int(re.search(r"<RequestID[^>]*>(\d+)<", text).group(1))


def leaf_of(text):
    found = re.search(r"<RequestedSecurityToken>\s*<BinarySecurityToken[^>]*>([^<]*)<", text)
    return x509.load_der_x509_certificate(base64.b64decode(found.group(1))) if found else None


def template(ca, name, *options):
    ca.run("template", "duplicate", "WebServer", name, *options)
    ca.run("template", "grant", name, "worker")


def test_a_request_waits_for_a_manager_and_is_fetched_after_approval(ca):
    template(ca, "Slow", "--manager-approval", "true")
    status, text = ca.submit("Slow")
    assert status == 200 and "Taken Under Submission" in text and leaf_of(text) is None
    number = request_id(text)
    assert leaf_of(ca.query(number)[1]) is None
    assert str(number) in ca.run("request", "list")
    assert "BEGIN CERTIFICATE REQUEST" in ca.run("request", "show", str(number))
    ca.run("request", "approve", str(number))
    status, text = ca.query(number)
    leaf = leaf_of(text)
    assert status == 200 and request_id(text) == number
    assert leaf.public_key().public_numbers() == ca.key.public_key().public_numbers()
    again = ca.w.cli("request", "approve", str(number), "--socket", ca.w.socket_of("ca"), check=False)
    assert again.returncode == 6 and "0x80094003" not in again.stdout


def test_a_denied_request_says_so_to_who_asked(ca):
    template(ca, "Slower", "--manager-approval", "true")
    number = request_id(ca.submit("Slower")[1])
    ca.run("request", "deny", str(number), "--reason", "ask the help desk")
    status, text = ca.query(number)
    assert status == 500 and "ask the help desk" in text
    assert str(0x80094014 - (1 << 32)) in text


def test_hold_and_release(ca):
    template(ca, "Quick")
    serial = f"{leaf_of(ca.submit('Quick')[1]).serial_number:x}"
    ca.run("cert", "revoke", serial, "--reason", "certificateHold")
    assert ca.run_json("cert", "show", serial)["request"]["reason"] == "certificateHold"
    ca.run("cert", "release", serial)
    assert ca.run_json("cert", "show", serial)["request"]["state"] == "valid"


def test_views_have_conditions_columns_and_counts(ca):
    template(ca, "Seen")
    ca.submit("Seen")
    out = ca.run("cert", "list", "--template", "seen", "--columns", "serial,requester")
    assert "worker" in out and "subject" not in out
    assert ca.run_json("cert", "count", "--template", "Seen", "--state", "valid")["count"] == 1
    assert ca.run_json("cert", "count", "--template", "Seen", "--ends-before", "now+30d")["count"] == 0
    serial = ca.run_json("cert", "list", "--template", "Seen")["certificates"][0]["serial"]
    found = ca.run_json("cert", "list", "--serial", f"{serial[:2].upper()}:{serial[2:11]}")["certificates"]
    assert [c["serial"] for c in found] == [serial]
    refused = ca.w.cli("cert", "count", "--serial", "5g", "--socket", ca.w.socket_of("ca"), check=False)
    assert refused.returncode != 0 and "hexadecimal" in refused.stderr


def test_templates_are_edited_linted_and_deleted(ca):
    template(ca, "Edited")
    ca.run("template", "edit", "Edited", "--validity-days", "30", "--key-alg", "rsa,p256")
    shown = ca.run_json("template", "show", "Edited")
    assert shown["template"]["revision"] == "100.1" and shown["rights"][0]["principal"] == "worker"
    assert "ESC17" in ca.run("template", "lint", "Edited")
    refused = ca.w.cli("template", "edit", "Edited", "--eku", "1.3.6.1.5.5.7.3.2", "--socket",
                       ca.w.socket_of("ca"), check=False)
    assert refused.returncode == 1 and "ESC1" in refused.stderr
    ca.run("template", "edit", "Edited", "--eku", "1.3.6.1.5.5.7.3.2", "--override", "ESC1")
    assert "overrides=ESC1" in ca.run("journal", "list", "--event", "template-changed")
    ca.run("template", "withdraw", "Edited")
    status, text = ca.submit("Edited")
    assert status == 500 and "0x80094800" in text
    ca.run("template", "delete", "Edited")


def test_settings_ping_and_journal(ca):
    assert "alive" in ca.run("ca", "ping")
    ca.run("ca", "set", "request.validity_attributes", "true")
    rows = {r["name"]: r for r in ca.run_json("ca", "settings")["settings"]}
    assert rows["request.validity_attributes"]["value"] == "true"
    ca.run("ca", "set", "request.validity_attributes")
    wrong = ca.w.cli("ca", "set", "request.san", "true", "--socket", ca.w.socket_of("ca"), check=False)
    assert wrong.returncode == 4
    assert ca.run_json("journal", "verify")["whole"]


def test_a_backup_put_back_never_gives_a_number_twice(ca):
    template(ca, "Kept")
    folder = os.path.join(ca.w.dir, "saved")
    ca.run("ca", "backup", folder)
    assert os.stat(folder).st_mode & 0o077 == 0
    last = request_id(ca.submit("Kept")[1])
    state = ca.w.state_dir("ca")
    refused = ca.w.cli("ca", "restore", folder, "--state-dir", state, "--socket", ca.w.socket_of("ca"), check=False)
    assert refused.returncode == 6
    ca.w.stop("ca")
    for name in ("ca.db", "ca.db-wal", "ca.db-shm", "keys"):
        path = os.path.join(state, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
    ca.run("ca", "restore", folder, "--state-dir", state)
    ca.w.start("ca")
    wait_for(lambda: ca.w.admin("ca", "ca.ping")["cas"])

    def issued():
        status, text = ca.submit("Kept")
        return request_id(text) if status == 200 else None
    assert wait_for(issued) > last
    assert not os.path.exists(os.path.join(state, "restore"))
    assert ca.run_json("journal", "verify")["whole"]
