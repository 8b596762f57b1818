# SPDX-License-Identifier: Apache-2.0
"""Imported PKCS#12 certificates: made with openssl here, imported, delivered to every device of the user, opened there
by other people's programs. What Microsoft's import module sends is written from the published protocol, with openssl
alone."""

import base64
import csv
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import ssl
import subprocess

import pytest

from clients import Device, Ipc
from connectors import Connector
from world import AdminError, ApiError, Https, Timeout, b64, program, tls_context, wait_for

PFX = "/beta/deviceManagement/userPfxCertificates"


def openssl(*args, data=None, check=True):
    return subprocess.run(["openssl", *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=check).stdout


class Made:
    """A CA of somebody else, and people's certificates from it."""

    def __init__(self, folder):
        self.dir = str(folder)
        self.n = 0
        self.key, self.cert = self.path("ca.key"), self.path("ca.pem")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.cert, "-days",
                "3650", "-subj", "/CN=Elsewhere CA")

    def path(self, name):
        return os.path.join(self.dir, name)

    def make(self, name, days=365, usage="digitalSignature,keyEncipherment", eku="emailProtection,clientAuth",
             start=None):
        """(key file, certificate file) of a fresh pair."""
        self.n += 1
        key, csr, cert, ext = (self.path(f"{name}-{self.n}.{e}") for e in ("key", "csr", "pem", "ext"))
        with open(ext, "w", encoding="ascii") as f:
            f.write(f"keyUsage={usage}\nextendedKeyUsage={eku}\nsubjectAltName=email:{name}@corp.test\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", csr, "-subj", f"/CN={name}")
        when = ["-days", str(days)]
        if start is not None:
            when = ["-not_before", start[0], "-not_after", start[1]]
            conf = self.path("ca.cnf")
            with open(conf, "w", encoding="ascii") as f:
                f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.path('index')}\nserial={self.path('serial')}\n"
                        f"new_certs_dir={self.dir}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
            open(self.path("index"), "w", encoding="ascii").close()
            with open(self.path("serial"), "w", encoding="ascii") as f:
                f.write("%02X" % (0x40 + self.n))
            openssl("ca", "-batch", "-config", conf, "-in", csr, "-cert", self.cert, "-keyfile", self.key, "-out", cert,
                    "-startdate", start[0], "-enddate", start[1], "-extfile", ext, "-notext")
        else:
            openssl("x509", "-req", "-in", csr, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-out", cert,
                    *when, "-extfile", ext)
        return key, cert

    def pfx(self, name, password="secret-Pa55", more=(), **kw):
        key, cert = self.make(name, **kw)
        out = self.path(f"{name}-{self.n}.p12")
        openssl("pkcs12", "-export", "-inkey", key, "-in", cert, "-certfile", self.cert, "-out", out, "-passout",
                "pass:" + password, *more)
        return out, key, cert


def thumbprint(cert):
    der = openssl("x509", "-in", cert, "-outform", "DER")
    return hashlib.sha1(der).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("elsewhere"))


def sock(world, role="connector"):
    return ["--socket", world.socket_of(role)]


def make_import_key(world):
    """The public import key of the connector, in a file; and the command line is logged in, to import."""
    out = os.path.join(world.dir, "import.pem")
    world.cli("pfx", "key", "create", "main", "--bits", "2048", *sock(world))
    world.cli("pfx", "key", "export-public", "main", "--out", out, *sock(world))
    secret = os.path.join(world.dir, "secret")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write(world.app["client_secret"])
    world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
              "--secret-file", secret, "--ca", world.root_file)
    return out


@pytest.fixture(scope="module", name="import_key")
def import_key_fixture(world):
    return make_import_key(world)


def table(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        w = csv.writer(f)
        w.writerow(["file", "user", "password", "purpose"])
        w.writerows(rows)
    return path


def profile(world, name, purpose, group):
    made = world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": "#chancery.linuxImportedPFXCertificateProfile", "displayName": name,
        "intendedPurpose": purpose})
    world.assign(made, group)
    return made


def folders(agent, profile_id):
    return sorted(glob.glob(os.path.join(agent.state, "certs", f"chancery-{profile_id}-*")))


def held(agent, profile_id):
    """SHA-1 thumbprint -> folder of what the device holds because of the profile. The agent may take a folder away
    between the listing and the reading."""
    out = {}
    for d in folders(agent, profile_id):
        try:
            with open(os.path.join(d, "cert.pem"), encoding="ascii") as f:
                pem = f.read()
        except FileNotFoundError:
            continue
        der = ssl.PEM_cert_to_DER_cert(pem[:pem.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n")
        out[hashlib.sha1(der).hexdigest()] = d
    return out


def wait_held(agent, profile_id, expected, seconds=60):
    try:
        wait_for(lambda: set(held(agent, profile_id)) == set(expected), seconds, why=f"{agent.name} holds {expected}")
    except Timeout as e:
        raise Timeout(f"{e}; slots: {agent.world.slots(device=agent.id, profile=profile_id)}") from e
    return held(agent, profile_id)


@pytest.mark.seconds(300)
def test_every_device_of_the_user_gets_all_of_her_certificates_and_old_mail_opens(world, made, import_key, tmp_path):
    now, _, now_cert = made.pfx("ada")
    old, _, old_cert = made.pfx("ada", start=("20200101000000Z", "20210101000000Z"))
    wifi, _, wifi_cert = made.pfx("ada")
    ada = world.add_user("ada@corp.test", mail="ada@corp.test")
    group = world.add_group("Mail", ada)
    mail, net = profile(world, "S/MIME", "smimeEncryption", group), profile(world, "Wi-Fi", "wifi", group)
    csv_file = table(tmp_path / "users.csv", [
        [now, "ada@corp.test", "secret-Pa55", "smimeEncryption"],
        [old, "ada@corp.test", "secret-Pa55", "smimeEncryption"],
        [wifi, "ada@corp.test", "secret-Pa55", "wifi"]])

    dry = world.cli_json("pfx", "import", str(tmp_path), "--csv", str(csv_file), "--key", import_key, "--dry-run")
    assert (dry["created"], dry["refused"]) == (3, 0)
    assert world.api("GET", PFX)["value"] == []
    done = world.cli_json("pfx", "import", str(tmp_path), "--csv", str(csv_file), "--key", import_key)
    assert (done["created"], done["refused"]) == (3, 0)
    again = world.cli_json("pfx", "import", str(tmp_path), "--csv", str(csv_file), "--key", import_key)
    assert (again["created"], again["unchanged"]) == (0, 3)

    def ends():
        text = world.raw("GET", "/metrics")[2].decode()
        return dict(re.findall(r'^chancery_imported_certificates\{state="(\w+)"\} (\d+)$', text, re.M))
    wait_for(lambda: ends() == {"good": "2", "ending": "0", "ended": "1"}, 60, 0.5, "the metric to tell their ends")

    first = world.device("ada-1", ada)
    second = world.device("ada-2", ada)
    expected = {thumbprint(now_cert), thumbprint(old_cert)}
    for agent in (first, second):
        got = wait_held(agent, mail["id"], expected)
        wait_held(agent, net["id"], {thumbprint(wifi_cert)})
        for folder in got.values():
            pub = openssl("x509", "-in", os.path.join(folder, "cert.pem"), "-noout", "-pubkey")
            assert pub == openssl("pkey", "-in", os.path.join(folder, "key.pem"), "-pubout")

    def installed():
        return [s for s in world.slots(device=second.id, profile=mail["id"]) if s["state"] == "installed"]
    wait_for(lambda: len(installed()) == 2, 30, why="two slots installed")
    assert {s["fault"] for s in installed()} == {None}

    # Mail that was encrypted to the retired certificate opens on the new device.
    letter = b"Content-Type: text/plain\r\n\r\nthe old secret\r\n"
    sealed = openssl("smime", "-encrypt", "-aes256", old_cert, data=letter)
    folder = held(second, mail["id"])[thumbprint(old_cert)]
    opened = openssl("smime", "-decrypt", "-recip", os.path.join(folder, "cert.pem"), "-inkey",
                     os.path.join(folder, "key.pem"), data=sealed)
    assert b"the old secret" in opened

    # Another purpose: it moves to the other profile. Removed: it goes from the devices.
    ident = f"{ada['id'].replace('-', '')}-{thumbprint(now_cert)}"
    assert world.cli_json("pfx", "show", ident)["intendedPurpose"] == "smimeEncryption"
    world.cli("pfx", "update", ident, "--purpose", "wifi")
    wait_held(first, net["id"], {thumbprint(wifi_cert), thumbprint(now_cert)})
    wait_held(first, mail["id"], {thumbprint(old_cert)})
    world.cli("pfx", "remove", ident)
    wait_held(first, net["id"], {thumbprint(wifi_cert)})
    # Nothing of this was revoked: it is not ours to revoke.
    assert not [e for s in world.slots(profile=net["id"]) for e in world.timeline(s) if "revoke" in e["event"]]
    states = {r["@chancery.state"] for r in world.cli_json("pfx", "list", "--user", "ada@corp.test")["value"]}
    assert states <= {"active", "expired", "retired"}, states
    expiring = world.cli_json("pfx", "list", "--expiring", "30")["value"]
    assert [r["thumbprint"] for r in expiring] == [thumbprint(old_cert)]


def microsoft(upn, p12, cert, password, public, name, **more):
    """The body of the import module: one password, OAEP with SHA-512, the file as it was exported."""
    wrapped = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", public, "-pkeyopt", "rsa_padding_mode:oaep",
                      "-pkeyopt", "rsa_oaep_md:sha512", "-pkeyopt", "rsa_mgf1_md:sha512",
                      data=password.encode("latin-1"))
    with open(p12, "rb") as f:
        blob = f.read()
    return {"thumbprint": thumbprint(cert), "intendedPurpose": "SmimeEncryption", "userPrincipalName": upn,
            "startDateTime": "2026-01-02T00:00:00+01:00", "expirationDateTime": "2028-01-02T00:00:00+01:00",
            "providerName": "Microsoft Software Key Storage Provider", "keyName": name, "paddingScheme": "OaepSha512",
            "encryptedPfxBlob": b64(blob), "encryptedPfxPassword": b64(wrapped),
            "createdDateTime": "2026-02-01T10:00:00.1234567+01:00",
            "lastModifiedDateTime": "2026-02-01T10:00:00.1234567+01:00", **more}


def refused(world, status, code, body, method="POST", path=PFX):
    with pytest.raises(ApiError) as caught:
        world.api(method, path, body)
    assert caught.value.status == status, caught.value
    assert code in caught.value.text, caught.value.text


@pytest.mark.seconds(300)
def test_records_of_the_import_module_are_accepted_and_delivered(world, made, import_key):
    bob = world.add_user("bob@corp.test")
    group = world.add_group("Bobs", bob)
    mail = profile(world, "Bob's mail", "smimeEncryption", group)
    # As Windows exported it long ago: RC2 and 3DES; and a password that is no ASCII.
    p12, _, cert = made.pfx("bob", password="Zürich-7", more=["-legacy"])
    body = microsoft("bob@corp.test", p12, cert, "Zürich-7", import_key, "MAIN")
    got = world.api("POST", PFX, body)
    ident = f"{bob['id'].replace('-', '')}-{body['thumbprint']}"
    assert got["id"] == ident and got["@odata.type"] == "#microsoft.graph.userPFXCertificate"
    assert got["encryptedPfxBlob"] == "AA==" and got["encryptedPfxPassword"] == ""
    refused(world, 409, "pfx-duplicate", body)
    agent = world.device("bob-1", bob)
    wait_held(agent, mail["id"], {body["thumbprint"]})

    # What its other commands send.
    low = world.api("GET", f"{PFX}?$filter=tolower(userPrincipalName) eq 'bob@corp.test' and "
                           f"tolower(thumbprint) eq '{body['thumbprint']}'")["value"]
    assert [r["id"] for r in low] == [ident]
    assert world.api("GET", f"{PFX}('{ident}')")["id"] == ident
    changed = world.api("PATCH", f"{PFX}({ident})", {"encryptedPfxBlob": "AA==", "encryptedPfxPassword": "",
                                                     "intendedPurpose": "smimeEncryption"})
    assert changed["keyName"] == "MAIN"
    status, _, _ = world.raw("DELETE", f"{PFX}/{ident}")
    assert status == 204
    wait_held(agent, mail["id"], set())


def test_bad_records_are_refused_by_name(world, made, import_key):
    world.add_user("cy@corp.test")
    p12, _, cert = made.pfx("cy")
    good = microsoft("cy@corp.test", p12, cert, "secret-Pa55", import_key, "main")
    refused(world, 400, "pfx-unknown-user", {**good, "userPrincipalName": "nobody@corp.test"})
    refused(world, 400, "thumbprint", {**good, "thumbprint": "12"})
    refused(world, 400, "intendedPurpose", {**good, "intendedPurpose": "mail"})
    refused(world, 400, "pfx-padding", {**good, "paddingScheme": "pkcs1"})
    refused(world, 400, "encryptedPfxPassword", {**good, "encryptedPfxPassword": "AAAA"})
    refused(world, 400, "encryptedPfxBlob", {**good, "encryptedPfxBlob": b64(b"hello")})
    refused(world, 400, "expirationDateTime", {**good, "expirationDateTime": "2020-01-01T00:00:00Z"})
    refused(world, 400, "startDateTime", {k: v for k, v in good.items() if k != "startDateTime"})
    status, _, _ = world.raw("GET", f"{PFX}/nothing")
    assert status == 404


def test_a_key_that_no_connector_has_is_said_and_a_wrong_password_too(world, made, import_key):
    dan = world.add_user("dan@corp.test")
    group = world.add_group("Dans", dan)
    mail = profile(world, "Dan's mail", "smimeEncryption", group)
    lost, _, lost_cert = made.pfx("dan")
    wrong, _, wrong_cert = made.pfx("dan")
    world.api("POST", PFX, microsoft("dan@corp.test", lost, lost_cert, "secret-Pa55", import_key, "elsewhere"))
    world.api("POST", PFX, microsoft("dan@corp.test", wrong, wrong_cert, "not-this", import_key, "main"))
    agent = world.device("dan-1", dan)

    def faults():
        return {s["fault"] for s in world.slots(device=agent.id, profile=mail["id"])}
    wait_for(lambda: faults() == {"pfx-key-unknown", "pfx-password"}, 40, why="both faults")


def test_bad_files_are_told_one_by_one_and_keep_no_other_back(world, made, import_key, tmp_path):
    world.add_user("eve@corp.test")
    good, _, good_cert = made.pfx("eve")
    legacy, _, _ = made.pfx("eve", more=["-legacy"])
    expired, _, _ = made.pfx("eve", start=("20200101000000Z", "20210101000000Z"))
    signing, _, _ = made.pfx("eve", usage="digitalSignature")
    key, cert = made.make("eve")
    nokey = str(tmp_path / "nokey.p12")
    openssl("pkcs12", "-export", "-nokeys", "-in", cert, "-out", nokey, "-passout", "pass:secret-Pa55")
    twokeys = str(tmp_path / "two.p12")
    write_two_keys(twokeys, key, made.make("eve")[0], cert, "secret-Pa55")
    broken = str(tmp_path / "broken.p12")
    with open(broken, "wb") as f:
        f.write(b"\x30\x03hello")
    rows = [
        (good, "eve@corp.test", "secret-Pa55", "smimeEncryption", None),
        (legacy, "eve@corp.test", "secret-Pa55", "smimeEncryption", None),
        (good, "eve@corp.test", "secret-Pa55", "smimeEncryption", "pfx-duplicate"),
        (good, "nobody@corp.test", "secret-Pa55", "vpn", "pfx-unknown-user"),
        (good, "eve@corp.test", "wrong", "vpn", "pfx-password"),
        (expired, "eve@corp.test", "secret-Pa55", "wifi", "pfx-expired"),
        (expired, "eve@corp.test", "secret-Pa55", "smimeEncryption", None),
        (signing, "eve@corp.test", "secret-Pa55", "smimeEncryption", "pfx-purpose"),
        (signing, "eve@corp.test", "secret-Pa55", "post", "pfx-purpose"),
        (nokey, "eve@corp.test", "secret-Pa55", "wifi", "pfx-no-key"),
        (twokeys, "eve@corp.test", "secret-Pa55", "wifi", "pfx-two-keys"),
        (broken, "eve@corp.test", "secret-Pa55", "wifi", "bad-pfx"),
        (str(tmp_path / "absent.p12"), "eve@corp.test", "", "wifi", "file-missing"),
    ]
    csv_file = str(table(tmp_path / "users.csv", [r[:4] for r in rows]))
    call = ["pfx", "import", str(tmp_path), "--csv", csv_file, "--key", import_key, "--parallel", "1", "--json"]
    for dry in (["--dry-run"], []):
        done = world.cli(*call, *dry, check=False)
        assert done.returncode != 0
        out = json.loads(done.stdout)
        assert out["created"] == 3
        assert [(e["line"], e["code"]) for e in out["errors"]] == [
            (i + 2, r[4]) for i, r in enumerate(rows) if r[4] is not None]
        assert all(e["nextStep"] for e in out["errors"])
    shown = world.cli(*call[:-1], check=False)
    assert "pfx-two-keys" in shown.stdout
    have = world.api("GET", f"{PFX}?$filter=userPrincipalName eq 'eve@corp.test'")["value"]
    assert len(have) == 3 and thumbprint(good_cert) in {r["thumbprint"] for r in have}


def write_two_keys(path, key, other, cert, password):
    """PKCS#12 with two key bags, put together by hand from what openssl writes: RFC 7292 4.1."""
    def der(tag, *parts):
        body = b"".join(parts)
        n = len(body)
        head = bytes([n]) if n < 0x80 else bytes([0x80 | ((n.bit_length() + 7) // 8)]) + n.to_bytes(
            (n.bit_length() + 7) // 8, "big")
        return bytes([tag]) + head + body

    def oid(text):
        a = [int(x) for x in text.split(".")]
        out = [a[0] * 40 + a[1]]
        for x in a[2:]:
            part = [x & 0x7F]
            while x >> 7:
                x >>= 7
                part.insert(0, 0x80 | (x & 0x7F))
            out += part
        return der(0x06, bytes(out))
    bags = []
    for k in (key, other):
        p8 = openssl("pkcs8", "-topk8", "-nocrypt", "-in", k, "-outform", "DER")
        bags.append(der(0x30, oid("1.2.840.113549.1.12.10.1.1"), der(0xA0, p8)))
    x = openssl("x509", "-in", cert, "-outform", "DER")
    bags.append(der(0x30, oid("1.2.840.113549.1.12.10.1.3"), der(0xA0, der(
        0x30, oid("1.2.840.113549.1.9.22.1"), der(0xA0, der(0x04, x))))))
    data = oid("1.2.840.113549.1.7.1")
    safe = der(0x30, der(0x30, data, der(0xA0, der(0x04, der(0x30, *bags)))))
    salt = os.urandom(8)
    mac = pkcs12_mac(password, salt, 2048, safe)
    digest = der(0x30, der(0x30, oid("1.3.14.3.2.26"), der(0x05)), der(0x04, mac))
    with open(path, "wb") as f:
        f.write(der(0x30, der(0x02, b"\x03"), der(0x30, data, der(0xA0, der(0x04, safe))),
                    der(0x30, digest, der(0x04, salt), der(0x02, (2048).to_bytes(2, "big")))))


def pkcs12_mac(password, salt, rounds, data):
    """RFC 7292 B.2 with SHA-1, ID 3; then HMAC."""
    import hmac
    v = 64
    p = password.encode("utf-16-be") + b"\0\0"

    def fill(s):
        return (s * (v // len(s) + 1 + len(s) // v))[:v * ((len(s) + v - 1) // v)]
    a = b"\x03" * v + fill(salt) + fill(p)
    for _ in range(rounds):
        a = hashlib.sha1(a).digest()
    return hmac.new(a, data, hashlib.sha1).digest()


def as_device(agent, commands=1):
    """What the service gives a device that checks in and has nothing."""
    https = Https(agent.world.host, agent.world.ports["device"], agent.identity_context())
    body = json.dumps({"protocol": 1, "facts": {"device_name": agent.name}, "inventory": [], "results": [], "wait": 0})

    def ask():
        status, _, data = https.request("POST", "/agent/v1/checkin", body, {"Content-Type": "application/json"})
        got = json.loads(data)
        return status == 200 and len(got["commands"]) == commands and got["commands"]
    return wait_for(ask, 60, 0.5, why="commands")


def unsealed(agent, text, out):
    key = os.path.join(agent.state, "identity.pem")
    plain = openssl("cms", "-decrypt", "-inform", "DER", "-inkey", key, data=base64.b64decode(text))
    with open(out, "wb") as f:
        f.write(plain)
    return out


def test_other_peoples_programs_open_what_is_delivered(world, made, import_key, tmp_path):
    gus = world.add_user("gus@corp.test")
    profile(world, "Gus's mail", "smimeEncryption", world.add_group("Guses", gus))
    ours, key, cert = made.pfx("gus")
    theirs, _, other = made.pfx("gus", more=["-legacy"])
    with open(tmp_path / "pw", "w", encoding="ascii") as f:
        f.write("secret-Pa55")
    world.cli("pfx", "import", ours, "--user", "gus@corp.test", "--purpose", "smimeEncryption", "--password-file",
              str(tmp_path / "pw"), "--key", import_key, "--padding", "oaepSha512")
    world.api("POST", PFX, microsoft("gus@corp.test", theirs, other, "secret-Pa55", import_key, "main"))
    agent = world.device("gus-1", gus, run=False)
    seen = set()
    for i, command in enumerate(as_device(agent, 2)):
        p12, pw = unsealed(agent, command["pfx"], str(tmp_path / f"{i}.p12")), unsealed(
            agent, command["password"], str(tmp_path / f"{i}.pw"))
        with open(pw, encoding="ascii") as f:
            password = f.read()
        assert password != "secret-Pa55" and len(password) == 24
        pem = openssl("pkcs12", "-in", p12, "-passin", "file:" + pw, "-nodes")
        seen.add(openssl("pkey", "-pubout", data=pem))
        assert b"Elsewhere CA" not in openssl("pkcs12", "-in", p12, "-passin", "file:" + pw, "-nokeys",
                                              "-cacerts")  # the root stays out
        for program_, *call in (["pk12util", "-l", p12, "-w", pw],
                                ["certtool", "--p12-info", "--inder", "--infile", p12, f"--password={password}"],
                                ["keytool", "-list", "-storetype", "PKCS12", "-keystore", p12, "-storepass:file", pw]):
            if shutil.which(program_) is not None:
                done = subprocess.run([program_, *call], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                assert done.returncode == 0, done.stdout
    assert seen == {openssl("x509", "-in", c, "-noout", "-pubkey") for c in (cert, other)}
    assert openssl("pkey", "-in", key, "-pubout") in seen


@pytest.mark.seconds(300)
def test_a_connector_that_is_added_later_gets_passwords_by_one_that_is_there(world, made, import_key, tmp_path):
    hal = world.add_user("hal@corp.test")
    mail = profile(world, "Hal's mail", "smimeEncryption", world.add_group("Hals", hal))
    p12, _, cert = made.pfx("hal")
    with open(tmp_path / "pw", "w", encoding="ascii") as f:
        f.write("secret-Pa55")
    world.cli("pfx", "import", p12, "--user", "hal@corp.test", "--purpose", "smimeEncryption", "--password-file",
              str(tmp_path / "pw"), "--key", import_key)
    late = Connector(world, "late").start().join()
    try:
        out = str(tmp_path / "late.pem")
        world.cli("pfx", "key", "create", "late", "--socket", late.socket)
        world.cli("pfx", "key", "export-public", "late", "--out", out, "--socket", late.socket)
        world.cli("connector", "set", "--feature", "pkcs,revoke", *sock(world))
        try:
            # Only the late one takes such jobs now, and it has no copy.
            agent = world.device("hal-1", hal)
            wait_for(lambda: [s["state"] for s in world.slots(device=agent.id, profile=mail["id"])] == ["waiting"], 30)
            assert held(agent, mail["id"]) == {}
            # The service alone cannot have it encrypted to a key that was not admitted on the host.
            with pytest.raises(AdminError) as no:
                world.admin("connector", "pfx.rewrap", {"id": "ab" * 32, "name": "x", "after": ""})
            assert no.value.id == "order-target"

            # The service hears of a key with the next questions of its connector; until then it is nobody's.
            def admitted():
                done = world.cli("pfx", "key", "admit", out, "--json", *sock(world), check=False)
                assert done.returncode == 0 or "no other connector" in done.stderr, done.stderr
                return json.loads(done.stdout) if done.returncode == 0 else None
            done = wait_for(admitted, 60, 0.5, why="the late one's key at the service")
            assert done["encryptedAgain"] >= 1 and done["failed"] == 0
            wait_held(agent, mail["id"], {thumbprint(cert)})
            again = world.cli_json("pfx", "key", "admit", out, *sock(world))
            assert again["encryptedAgain"] == 0
            lines = world.api("GET", "/chancery/v1/audit?$top=1000")["value"]
            assert any(line["action"] == "pfx.rewrap" and line["actor"] == "connector connector" for line in lines)
        finally:
            world.cli("connector", "set", "--feature", "pkcs,pfx,revoke", *sock(world))
    finally:
        late.stop()


class Link:
    """Somebody who took the connector's link over: its certificate towards the service, its socket to the keys."""

    def __init__(self, world):
        self.state = os.path.join(world.state_dir("connector"), "link")
        with open(os.path.join(self.state, "join.json"), encoding="utf-8") as f:
            pem = json.load(f)["service_certificate"]
        cert = os.path.join(world.dir, "taken.pem")
        with open(cert, "w", encoding="ascii") as f:
            f.write(pem if isinstance(pem, str) else "".join(pem))
        key = next(p for p in (os.path.join(self.state, n) for n in ("service.pem", "service-0.pem"))
                   if os.path.exists(p))
        self.https = Https(world.host, world.ports["device"], tls_context(world.root_file, cert, key))
        self.keys = Ipc(os.path.join(world.dir, "connector", "run", "keys.sock"))
        keys = world.admin("connector", "pfx.key.list")["keys"]
        self.names = [n for k in keys for n in (k["id"], "name:" + k["name"])]
        with open(os.path.join(self.state, "join.json"), encoding="utf-8") as f:
            self.cas = json.load(f)["cas"]

    def post(self, path, body):
        status, _, data = self.https.request("POST", path, json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
        if status != 200:
            raise ApiError("POST", path, status, json.loads(data))
        return json.loads(data)

    def job(self, most=1):
        """The next job; what was given before is given up."""
        jobs = self.post("/connector/v1/poll", {
            "version": "6.2611.0.1001", "machine": "taken", "features": ["pfx"], "cas": self.cas, "wait": 1,
            "max": most, "import_keys": self.names, "results": [], "worker": "taken", "holds": []})["jobs"]
        return jobs[0] if jobs else None


def denied(fault, call, *args, **kw):
    with pytest.raises(ApiError) as caught:
        call(*args, **kw)
    assert fault in caught.value.text, caught.value.text


@pytest.mark.seconds(300)
def test_who_takes_the_link_over_reads_nothing_with_a_device_of_his_own(world, made, import_key, tmp_path):
    """He leases the jobs, and asks connector/keys to seal to his own device, or to encrypt passwords to his own key."""
    ivy, mallory = world.add_user("ivy@corp.test"), world.add_user("mallory@corp.test")
    mail = profile(world, "Ivy's mail", "smimeEncryption", world.add_group("Ivies", ivy))
    p12, _, cert = made.pfx("ivy")
    with open(tmp_path / "pw", "w", encoding="ascii") as f:
        f.write("secret-Pa55")
    world.cli("pfx", "import", p12, "--user", "ivy@corp.test", "--purpose", "smimeEncryption", "--password-file",
              str(tmp_path / "pw"), "--key", import_key)
    world.cli("connector", "set", "--feature", "pkcs,revoke", *sock(world))
    try:
        agent = world.device("ivy-1", ivy)
        his = Device(world, world.code(mallory), name="his")
        link = Link(world)
        job = wait_for(link.job, 60, why="a job with an imported certificate")
        assert job["kind"] == "import"
        denied("order-recipient", link.keys.open, job, device_certificate=his.cert)
        denied("order-recipient", link.keys.open, job, device_certificate=his.cert, leaf=b"")
        denied("bad-order", link.keys.open, job, device_certificate=his.cert, order=b"")
        changed = bytearray(base64.b64decode(job["order"]))
        changed[60] ^= 1
        denied("order-signature", link.keys.open, job, device_certificate=his.cert, order=bytes(changed))
        # A password of another record, with an order that is good for this one.
        denied("order-content", link.keys.open, job, wrapped=bytes(256))
        assert link.keys.open(job)  # what was ordered is sealed, to whom it was ordered for

        # Any key is admitted by who has the link; it is of no use without the service's word.
        own = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER")
        spki = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=own)
        target = hashlib.sha256(spki).digest()
        link.keys.call(Ipc.KEY_ADMIT, Ipc.blob(spki))
        again = Ipc.blob(job["key"]) + bytes([job["padding"]]) + Ipc.blob(base64.b64decode(job["wrapped"]))
        for order in (b"", base64.b64decode(job["order"])):
            denied("order", link.keys.call, Ipc.REWRAP, again + Ipc.blob(target) + Ipc.blob(order))
        link.names.append(target.hex())
        link.job(0)  # he says that it is this connector's own: that makes it no other connector's
        denied("order-target", link.post, "/connector/v1/pfx/lacking", {"key": target.hex(), "after": ""})
    finally:
        world.cli("connector", "set", "--feature", "pkcs,pfx,revoke", *sock(world))
    wait_held(agent, mail["id"], {thumbprint(cert)})


def test_by_whom_orders_are_sealed_is_named_once(world, tmp_path):
    own, other = tmp_path / "own.pem", tmp_path / "other.pem"
    own.write_text(world.cli_json("service", "show", *sock(world, "service"))["order_key"])
    other.write_bytes(openssl("pkey", "-pubout", data=openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")))
    world.cli("connector", "set", "--order-key", str(own), *sock(world))
    for path, why in ((other, "joined already"), (tmp_path / "none.pem", "none.pem")):
        done = world.cli("connector", "set", "--order-key", str(path), *sock(world), check=False)
        assert done.returncode != 0 and why in done.stderr, done.stderr


MODULE = "/usr/lib/softhsm/libsofthsm2.so"


@pytest.mark.seconds(300)
@pytest.mark.skipif(not os.path.exists(MODULE), reason="no SoftHSM")
def test_an_import_key_in_a_token_opens_every_padding_and_waits_for_its_token(world, made, tmp_path, monkeypatch,
                                                                              import_key):
    assert import_key
    ida = world.add_user("ida@corp.test")
    mail = profile(world, "Ida's mail", "smimeEncryption", world.add_group("Idas", ida))
    hsm = str(tmp_path / "hsm")
    os.makedirs(os.path.join(hsm, "tokens"))
    conf = os.path.join(hsm, "softhsm.conf")
    for name, text in (("softhsm.conf", f"directories.tokendir = {hsm}/tokens\nlog.level = ERROR\n"),
                       ("pin", "1234\n")):
        with open(os.path.join(hsm, name), "w", encoding="utf-8") as f:
            f.write(text)
    monkeypatch.setenv("SOFTHSM2_CONF", conf)
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "corp", "--pin", "1234", "--so-pin", "5678"],
                   check=True, capture_output=True)
    hard = Connector(world, "hard", conf=f"[keys]\ntoken_paths={hsm}\n").start().join()
    try:
        out = str(tmp_path / "hard.pem")
        uri = f"pkcs11:token=corp;object=imports?module-path={MODULE}&pin-source=file:{hsm}/pin"
        world.cli("pfx", "key", "create", "hard", "--bits", "2048", "--uri", uri, "--socket", hard.socket)
        world.cli("pfx", "key", "export-public", "hard", "--out", out, "--socket", hard.socket)
        with open(tmp_path / "pw", "w", encoding="ascii") as f:
            f.write("secret-Pa55")
        prints = []
        for padding in ("oaepSha256", "oaepSha384", "oaepSha512"):
            p12, _, cert = made.pfx("ida")
            prints.append(thumbprint(cert))
            world.cli("pfx", "import", p12, "--user", "ida@corp.test", "--purpose", "smimeEncryption",
                      "--password-file", str(tmp_path / "pw"), "--key", out, "--padding", padding)
        agent = world.device("ida-1", ida)
        wait_held(agent, mail["id"], set(prints))
        # Restarted with the token away, it runs; the job waits with the token's fault and goes on when it is back.
        os.rename(os.path.join(hsm, "tokens"), os.path.join(hsm, "away"))
        os.mkdir(os.path.join(hsm, "tokens"))
        hard.stop()
        hard.start()
        p12, _, cert = made.pfx("ida")
        world.cli("pfx", "import", p12, "--user", "ida@corp.test", "--purpose", "smimeEncryption", "--password-file",
                  str(tmp_path / "pw"), "--key", out)
        wait_for(lambda: any((s["fault"] or "").startswith("token") for s in
                             world.slots(device=agent.id, profile=mail["id"])), 60, why="the token's fault")
        os.rmdir(os.path.join(hsm, "tokens"))
        os.rename(os.path.join(hsm, "away"), os.path.join(hsm, "tokens"))
        wait_held(agent, mail["id"], {*prints, thumbprint(cert)}, 90)
    finally:
        hard.stop()


MANY = int(os.environ.get("CHANCERY_PFX_MANY", "200"))


@pytest.mark.seconds(300 + MANY // 5)
def test_an_import_that_is_killed_goes_on_and_brings_none_twice(world, made, import_key, tmp_path):
    total = MANY
    # The same few keys for many users: what counts is how many records there are.
    files = [made.pfx(f"many{i}") for i in range(4)]
    users = [f"user{i}@many.test" for i in range(total)]
    world.api("POST", "/chancery/v1/users/import", {"dryRun": False, "rows": [
        {"line": i, "userPrincipalName": u, "displayName": u.split("@")[0], "mailNickname": f"u{i}",
         "accountEnabled": True} for i, u in enumerate(users)]})
    csv_file = table(tmp_path / "many.csv", [[files[i % 4][0], u, "secret-Pa55", "smimeEncryption"]
                                             for i, u in enumerate(users)])
    call = [program("chancery"), "pfx", "import", str(tmp_path), "--csv", str(csv_file), "--key", import_key]
    env = {**os.environ, "CHANCERY_HOME": os.path.join(world.dir, "home"), "NO_COLOR": "1"}

    def have():
        rows, path = [], f"{PFX}?$top=999"
        while path:
            page = world.api("GET", path)
            rows += [r for r in page["value"] if r["userPrincipalName"].endswith("@many.test")]
            link = page.get("@odata.nextLink")
            path = None if link is None else link[link.index("/beta"):]
        return rows
    with subprocess.Popen(call, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as p:
        # Looking itself takes as long as there are records.
        wait_for(lambda: p.poll() is not None or len(have()) >= total // 8, 120 + total // 10, max(0.03, total / 10000))
        p.send_signal(signal.SIGKILL)
    part = len(have())
    assert part > 0
    done = json.loads(subprocess.run([*call, "--json"], env=env, stdout=subprocess.PIPE, check=True).stdout)
    assert done["refused"] == 0 and done["created"] + done["unchanged"] == total
    rows = have()
    assert len(rows) == total
    assert {r["userPrincipalName"] for r in rows} == set(users)
    # What was on its way when it was killed may have arrived after the count.
    assert part <= done["unchanged"] < total


def memory(pid):
    """Everything that the process can read of itself."""
    out = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, perms = line.split()[:2]
            if "r" not in perms or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            a, b = (int(x, 16) for x in span.split("-"))
            if b - a > 1 << 30:
                continue
            try:
                mem.seek(a)
                out.append(mem.read(b - a))
            except (OSError, ValueError):
                continue
    return b"".join(out)


@pytest.mark.seconds(300)
def test_the_service_never_has_a_key_or_a_password(world, made, import_key, tmp_path):
    """Rule 3: memory of the service, its store, its logs; the traffic is what the service takes in."""
    fay = world.add_user("fay@corp.test")
    group = world.add_group("Fays", fay)
    mail = profile(world, "Fay's mail", "smimeEncryption", group)
    password = "a-password-that-nobody-else-has-91"
    p12, key, cert = made.pfx("fay", password=password)
    with open(tmp_path / "pw", "w", encoding="ascii") as f:
        f.write(password + "\n")
    world.cli("pfx", "import", p12, "--user", "fay@corp.test", "--purpose", "smimeEncryption", "--password-file",
              str(tmp_path / "pw"), "--key", import_key)
    agent = world.device("fay-1", fay)
    wait_held(agent, mail["id"], {thumbprint(cert)})
    numbers = openssl("rsa", "-in", key, "-noout", "-text").decode()
    prime = bytes.fromhex("".join(numbers.split("prime1:")[1].split("prime2:")[0].split()).replace(":", ""))[-100:]
    secret = {"password": password.encode(), "prime": prime, "prime reversed": prime[::-1],
              "base64": base64.b64encode(openssl("pkey", "-in", key, "-outform", "DER"))[-260:-100]}
    found = []
    for name, pid in world.pids("service").items():
        image = memory(pid)
        assert len(image) > 1 << 20, name
        found += [f"memory of {name}: {what}" for what, s in secret.items() if s in image]
    for base, _, names in os.walk(world.state_dir("service")):
        for n in names:
            with open(os.path.join(base, n), "rb") as f:
                data = f.read()
            found += [f"{n}: {what}" for what, s in secret.items() if s in data]
    for role in world.ROLES:
        with open(world.log_file(role), "rb") as f:
            data = f.read()
        found += [f"log of {role}: {what}" for what, s in secret.items() if s in data]
    link = memory(world.pid("connector", "link"))
    found += [f"memory of link: {what}" for what, s in secret.items() if s in link]
    assert found == []
