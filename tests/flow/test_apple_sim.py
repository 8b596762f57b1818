# SPDX-License-Identifier: Apache-2.0
"""The simulated Apple device refuses what a real one refuses: profiles made here with plistlib and openssl, each wrong
in one way."""

import json
import os
import plistlib
import subprocess
import sys
import uuid

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from world import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from apple import AppleDevice, Broken  # noqa: E402  pylint: disable=wrong-import-position
from apple_declarative import SUBSCRIPTIONS, Declarative  # noqa: E402  pylint: disable=wrong-import-position
from apple_profile import Held, Profile, Refused  # noqa: E402  pylint: disable=wrong-import-position
from scep_client import new_key, self_signed  # noqa: E402  pylint: disable=wrong-import-position


def guid():
    return str(uuid.uuid4()).upper()


def payload(kind, name, **more):
    return {"PayloadType": kind, "PayloadVersion": 1, "PayloadIdentifier": name, "PayloadUUID": guid(), **more}


class Bench:
    def __init__(self, folder):
        self.dir = str(folder)
        self.key = new_key()
        self.cert = self_signed(self.key, "device")
        self.file("cert.pem", self.cert.public_bytes(serialization.Encoding.PEM))
        self.file("key.pem", self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                    serialization.NoEncryption()))

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def openssl(self, data, *args):
        return subprocess.run(["openssl", "cms", "-binary", "-outform", "DER", *args], input=data, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def sign(self, data, *more):
        return self.openssl(data, "-sign", "-nodetach", "-signer", self.path("cert.pem"), "-inkey",
                            self.path("key.pem"), *more)

    def seal(self, data, *more):
        return self.openssl(data, "-encrypt", *more[:1], "-recip", self.path("cert.pem"), *more[1:])

    def root(self):
        return payload("com.apple.security.root", "r", PayloadContent=self.cert.public_bytes(
            serialization.Encoding.DER))

    def profile(self, *payloads, **more):
        return payload("Configuration", "p", PayloadContent=list(payloads), **more)

    def sealed(self, inner, *more):
        d = payload("Configuration", "p", IsEncrypted=True, EncryptedPayloadContent=self.seal(inner, *more))
        return plistlib.dumps(d)

    def open(self, data):
        if isinstance(data, dict):
            data = plistlib.dumps(data)
        return Profile(data, self.dir, (self.cert, self.key))


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


def refused(code, call, *args):
    with pytest.raises(Refused) as caught:
        call(*args)
    assert caught.value.chain[-1][1] == code, caught.value.chain


def test_takes_plain_binary_signed_and_encrypted_profiles(bench):
    d = bench.profile(bench.root())
    plain = plistlib.dumps(d)
    assert bench.open(plain).signers == []
    assert bench.open(plistlib.dumps(d, fmt=plistlib.FMT_BINARY)).identifier == "p"
    assert bench.open(bench.sign(plain)).signers
    inner = plistlib.dumps([bench.root()])
    assert bench.open(bench.sealed(inner, "-aes256")).encrypted
    assert bench.open(bench.sealed(inner, "-des3")).encrypted
    assert bench.open(bench.sign(bench.sealed(inner, "-aes-128-cbc"))).signers


def test_refuses_profiles_that_are_wrong_in_one_way(bench):
    d = bench.profile(bench.root())
    refused(1000, bench.open, b"<plist>")
    refused(1002, bench.open, {k: v for k, v in d.items() if k != "PayloadUUID"})
    refused(1001, bench.open, {**d, "PayloadVersion": 2})
    refused(1003, bench.open, {**d, "PayloadUUID": "7"})
    refused(1003, bench.open, {**d, "PayloadType": "com.apple.security.root"})
    refused(1005, bench.open, bench.profile())
    one = bench.root()
    refused(1007, bench.open, bench.profile(one, {**bench.root(), "PayloadUUID": one["PayloadUUID"],
                                                  "PayloadIdentifier": "other"}))
    refused(1008, bench.open, bench.profile(bench.root(), bench.root()))
    refused(1007, bench.open, bench.profile({**bench.root(), "PayloadUUID": d["PayloadUUID"]},
                                            PayloadUUID=None) | {"PayloadUUID": d["PayloadUUID"]})
    refused(2002, bench.open, bench.profile({k: v for k, v in bench.root().items() if k != "PayloadIdentifier"}))
    refused(1010, bench.open, bench.profile(bench.root(), payload(
        "com.apple.wifi.managed", "w", PayloadCertificateUUID=guid())))


def test_keys_that_no_device_knows_are_told(bench):
    scep = payload("com.apple.security.scep", "s", PayloadContent={"URL": "https://localhost/", "Keysize": 2048})
    wifi = payload("com.apple.wifi.managed", "w", SSID_STR="x", EncryptionType="None")
    assert bench.open(bench.profile(scep, wifi)).identifier == "p"
    for bad in ({**bench.root(), "PayloadCertificateFilename": "a.cer"}, {**wifi, "SSID": "x"},
                {**wifi, "AutoJoin": 1}, {**wifi, "EAPClientConfiguration": {"AcceptEapTypes": [13]}},
                {**wifi, "EAPClientConfiguration": {"AcceptEAPTypes": ["13"]}},
                {**scep, "PayloadContent": {"URL": "https://localhost/", "KeySize": 2048}},
                {**scep, "PayloadContent": {"URL": "https://localhost/", "Key Usage": "5"}},
                {**scep, "PayloadContent": {"URL": "https://localhost/", "SubjectAltName": {"dNSname": "x"}}},
                {**scep, "PayloadContent": {"URL": "https://localhost/", "Subject": [["CN", "x"]]}}):
        with pytest.raises(Broken):
            bench.open(bench.profile(bad))
    with pytest.raises(Broken):
        bench.open(bench.profile(bench.root(), PayloadScoop="System"))


def test_refuses_signatures_that_devices_cannot_check(bench):
    plain = plistlib.dumps(bench.profile(bench.root()))
    refused(1004, bench.open, bench.sign(plain, "-md", "sha1"))
    refused(1004, bench.open, bench.sign(plain, "-noattr"))
    refused(1004, bench.open, bench.sign(plain) + b"\0")
    refused(1004, bench.open, bench.sign(plain).replace(b"PayloadContent", b"PayloadContenT"))
    refused(1004, bench.open, bench.openssl(plain, "-sign", "-signer", bench.path("cert.pem"), "-inkey",
                                            bench.path("key.pem")))
    refused(1004, bench.open, bench.seal(plain, "-aes256"))


def test_refuses_envelopes_that_it_cannot_open(bench, tmp_path):
    inner = plistlib.dumps([bench.root()])
    other = Bench(tmp_path)
    refused(1006, bench.open, other.sealed(inner, "-aes256"))
    refused(1006, bench.open, bench.sealed(inner, "-aes-256-gcm"))
    refused(1006, bench.open, bench.sealed(inner, "-aes256", "-keyopt", "rsa_padding_mode:oaep"))
    refused(1005, bench.open, bench.sealed(plistlib.dumps(bench.profile(bench.root())), "-aes256"))
    with pytest.raises(Refused):
        Profile(bench.sealed(inner, "-aes256"), bench.dir, None)


def identity(bench, algorithm, password=b"a-password"):
    b = serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2048)
    if algorithm == "3des":
        b = b.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(hashes.SHA1())
    else:
        b = b.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(hashes.SHA256())
    return pkcs12.serialize_key_and_certificates(b"x", bench.key, bench.cert, None, b.build(password))


def test_opens_only_the_old_container_with_its_password(bench, tmp_path):
    d = AppleDevice(tmp_path)
    good = payload("com.apple.security.pkcs12", "i", PayloadContent=identity(bench, "3des"), Password="a-password")
    assert isinstance(d.take(good, None), Held)
    refused(9000, d.take, {**good, "Password": "another"}, None)
    refused(9000, d.take, {**good, "Password": ""}, None)
    refused(9000, d.take, {**good, "PayloadContent": identity(bench, "aes")}, None)
    refused(9005, d.take, {**bench.root(), "PayloadContent": b"no certificate"}, None)


def test_management_is_taken_only_as_a_device_takes_it(bench, tmp_path):
    d = AppleDevice(tmp_path)
    who = payload("com.apple.security.pkcs12", "i", PayloadContent=identity(bench, "3des"), Password="a-password")
    mdm = payload("com.apple.mdm", "m", IdentityCertificateUUID=who["PayloadUUID"], Topic="com.apple.mgmt.External.1",
                  ServerURL="https://localhost/", AccessRights=63)

    def install(**more):
        AppleDevice(tmp_path).install(plistlib.dumps(bench.profile(who, {**mdm, **more})), d.device, by_mdm=False)
    refused(12022, lambda: install(Topic="com.example"))
    refused(12011, lambda: install(ServerURL="http://localhost/"))
    refused(12000, lambda: install(AccessRights=2))
    refused(1010, lambda: install(IdentityCertificateUUID=guid()))


def test_a_server_that_breaks_the_rules_is_told(tmp_path):
    d = AppleDevice(tmp_path)
    d.mdm = {"ServerURL": "https://localhost/", "AccessRights": 63, "Topic": "t"}
    d.enrolment = type("P", (), {"identifier": "e"})()
    answers = []
    d.put = lambda url, kind, message: answers.pop(0)

    def command(**more):
        return 200, {"content-type": "application/xml"}, plistlib.dumps({"CommandUUID": "1", "Command": {
            "RequestType": "ProfileList"}, **more})
    answers += [command(), command()]
    with pytest.raises(Broken, match="twice"):
        d.poll()
    for bad in ((500, {}, b""), (200, {"content-type": "text/html"}, b"<html>"), command(CommandUUID=5),
                command(Command="x")):
        answers[:] = [bad]
        with pytest.raises(Broken):
            d.poll()
    for bad in ({"RequestType": "ProfileList", "Managed": True}, {"RequestType": "ProfileList", "ManagedOnly": 1},
                {"RequestType": "RemoveProfile", "Identifier": b"x"}):
        answers[:] = [command(Command=bad)]
        with pytest.raises(Broken):
            d.poll()
    answers[:] = [command(Command={"RequestType": "MakeCoffee"}), (200, {}, b"")]
    assert d.poll() == [("MakeCoffee", "Error")]


def test_declarations_are_taken_only_as_a_device_takes_them(tmp_path):
    d = AppleDevice(tmp_path)
    d.mdm = {"ServerURL": "https://localhost/"}
    answers, sent = [], []

    def put(_url, _kind, message):
        sent.append(message["Endpoint"])
        return answers.pop(0)
    d.put = put

    def reply(body, kind="application/json"):
        return 200, {"content-type": kind}, body if isinstance(body, bytes) else json.dumps(body).encode()

    def tokens(token):
        return {"SyncTokens": {"Timestamp": "2026-01-01T00:00:00Z", "DeclarationsToken": token}}

    def manifest(**more):
        return {"DeclarationsToken": "1", "Declarations": {
            "Activations": [{"Identifier": "a", "ServerToken": "s"}],
            "Configurations": [{"Identifier": "c", "ServerToken": "s"}], "Assets": [], "Management": [], **more}}

    def declaration(ident, kind, payload, **more):
        return {"Type": kind, "Identifier": ident, "ServerToken": "s", "Payload": payload, **more}
    activation = declaration("a", "com.apple.activation.simple", {"StandardConfigurations": ["c"]})
    subscription = declaration("c", SUBSCRIPTIONS, {"StatusItems": [{"Name": "security.certificate.list"}]})

    def broken(*got):
        one = Declarative(d, d.device)
        answers[:] = got
        one.told(None)
        with pytest.raises(Broken):
            one.run()
    for bad in (b"{}", b'{"SyncTokens": {}, "SyncTokens": {}}', json.dumps(tokens("")).encode(),
                json.dumps(tokens("x" * 257)).encode()):
        broken(reply(bad))
        with pytest.raises(Broken):
            Declarative(d, d.device).told(bad)
    broken((500, {}, b""))
    broken(reply(tokens("1"), "application/xml"))
    broken(reply(tokens("1")), reply({"DeclarationsToken": "1", "Declarations": {"Activations": []}}))
    broken(reply(tokens("1")), reply(manifest(Activations=[{"Identifier": "a" * 65, "ServerToken": "s"}])))
    broken(reply(tokens("1")), reply(manifest()), (404, {}, b""))
    broken(reply(tokens("1")), reply(manifest()), reply({**activation, "ServerToken": "other"}))
    broken(reply(tokens("1")), reply(manifest()), reply({**activation, "Type": SUBSCRIPTIONS}))
    good = Declarative(d, d.device)
    answers[:] = [reply(manifest()), reply(activation), reply(subscription), (200, {}, b"")]
    good.told(json.dumps(tokens("1")).encode())
    good.run()
    assert good.subscribed() == {"security.certificate.list"} and sent[-1] == "status" and not answers
    good.told(json.dumps(tokens("1")).encode())
    good.run()
    assert not answers, "nothing is fetched or told again"
