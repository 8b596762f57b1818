# SPDX-License-Identifier: Apache-2.0
"""Clients of our protocols, written a second time: a connector, a WSTEP client, a simulated device."""

import base64
import datetime
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import uuid
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from world import ApiError, Https, b64, tls_context, wait_for

WSTEP_ACTION = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep"
X509_TYPE = ("http://docs.oasis-open.org/wss/2004/01/"
             "oasis-200401-wss-x509-token-profile-1.0#X509v3")
PKCS10_TYPE = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10"
BASE64_TYPE = ("http://docs.oasis-open.org/wss/2004/01/"
               "oasis-200401-wss-wssecurity-secext-1.0.xsd#base64binary")


def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def der(cert):
    return cert.public_bytes(serialization.Encoding.DER)


# The word of who made the key, for whom and for which order: an unstructuredName of the request (RFC 2985 5.4.2).
ATTEST = x509.ObjectIdentifier("1.2.840.113549.1.9.2")


def attest(maker, order, public, device):
    """order: sealed; device: certificate, DER."""
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    hashed = b"".join(hashlib.sha256(x).digest() for x in (order, spki, device))
    return maker.sign(b"chancery-attest-v1\0" + hashed, ec.ECDSA(hashes.SHA256()))


def make_csr(key, subject, san=None, ekus=None, word=None):
    """subject, san: DER as ordered (Name, GeneralNames), or an x509.Name. word: what attest() gives."""
    if isinstance(subject, bytes):
        subject = name_from_der(subject)
    b = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if san:
        b = b.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), san), False)
    if ekus:
        b = b.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(e) for e in ekus]), False)
    if word:
        b = b.add_attribute(ATTEST, b"chancery-attest-v1 " + base64.b64encode(word))
    return b.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def san_dns(*hosts):
    """GeneralNames with these host names."""
    names = b"".join(_tlv(0x82, h.encode()) for h in hosts)
    return _tlv(0x30, names)


def name_from_der(data):
    """A Name from its bytes: by way of a certificate that carries it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    mark = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "MARK-OF-THE-NAME")])
    made = (x509.CertificateBuilder().subject_name(mark)
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "I")]))
            .public_key(key.public_key()).serial_number(5).not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    tbs = made.tbs_certificate_bytes.replace(mark.public_bytes(), data)
    body = _retag(tbs)
    whole = _tlv(0x30, body + _tlv(0x30, bytes.fromhex("06082a8648ce3d040302")) +
                 _tlv(0x03, b"\0" + made.signature))
    return x509.load_der_x509_certificate(whole).subject


def _tlv(tag, value):
    n = len(value)
    size = bytes([n]) if n < 128 else bytes([0x80 + (n.bit_length() + 7) // 8]) + n.to_bytes(
        (n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + value


def _retag(tbs):
    """The SEQUENCE with its length set right again."""
    head = 2 if tbs[1] < 128 else 2 + (tbs[1] & 0x7f)
    return _tlv(0x30, tbs[head:])


class Denied(Exception):
    """The CA's refusal."""

    def __init__(self, hresult, text):
        self.hresult = hresult
        self.text = text
        super().__init__(f"0x{hresult:08X}: {text}")


class Wstep:
    """MS-WSTEP with a client certificate."""

    def __init__(self, world, cert_file, key_file):
        self.world = world
        self.https = Https(world.host, world.ports["ca"], tls_context(world.root_file, cert_file, key_file))

    def submit(self, csr, template, order=None, ca=None, items=()):
        """The certificate as DER, or Denied."""
        ca = ca or self.world.issuing_ca
        attributes = [("CertificateTemplate", template)] if template else []
        if order is not None:
            attributes.append(("ChanceryOrder", b64(order)))
        attributes += items
        context = "".join(f'<ContextItem Name="{escape(n)}"><Value>{escape(v)}</Value></ContextItem>'
                          for n, v in attributes)
        body = f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>
<a:Action s:mustUnderstand="1">{WSTEP_ACTION}</a:Action><a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID>
</s:Header><s:Body><RequestSecurityToken PreferredLanguage="en-US"
 xmlns="http://docs.oasis-open.org/ws-sx/ws-trust/200512"><TokenType>{X509_TYPE}</TokenType>
<RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue</RequestType>
<BinarySecurityToken ValueType="{PKCS10_TYPE}" EncodingType="{BASE64_TYPE}"
 xmlns="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
>{b64(csr)}</BinarySecurityToken>
<AdditionalContext xmlns="http://schemas.xmlsoap.org/ws/2006/12/authorization">{context}</AdditionalContext>
<RequestID xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xmlns="http://schemas.microsoft.com/windows/pki/2009/01/enrollment"/></RequestSecurityToken></s:Body></s:Envelope>"""
        path = f"/{ca.replace(' ', '%20')}_CES_Certificate/service.svc/CES"
        status, _, data = self.https.request("POST", path, body.encode(),
                                             {"Content-Type": "application/soap+xml; charset=utf-8"})
        text = data.decode(errors="replace")
        if status != 200:
            code = re.search(r"<ErrorCode>(-?\d+)</ErrorCode>", text)
            reason = re.search(r"<s:Text[^>]*>([^<]*)<", text)
            raise Denied(int(code.group(1)) & 0xffffffff if code else status,
                         reason.group(1) if reason else text)
        leaf = re.search(r"<RequestedSecurityToken>\s*<BinarySecurityToken[^>]*>([^<]*)<", text)
        return base64.b64decode(leaf.group(1))

    def revoke(self, order):
        status, _, data = self.https.request("POST", "/chancery/ca/v1/revoke",
                                             json.dumps({"order": b64(order)}).encode(),
                                             {"Content-Type": "application/json"})
        if status != 200:
            raise ApiError("POST", "/chancery/ca/v1/revoke", status, json.loads(data))
        return json.loads(data)["revoked"]


class Order:
    """The readable parts of a sealed order."""

    def __init__(self, sealed):
        body, rest = self._blob(sealed)
        self.body = body
        self.signature, self.key_id = self._blob(rest)
        at = body[2 + 1 + 5 * 16:]
        self.version, = struct.unpack(">I", at[:4])
        self.fence, self.issued, self.expires = struct.unpack(">Qqq", at[4:28])
        at = at[28:]
        parts = []
        for _ in range(5):
            part, at = self._blob(at)
            parts.append(part)
        self.ca, self.template, self.subject, self.san, self.sid = parts
        self.id = str(uuid.UUID(bytes=body[3:19]))

    @staticmethod
    def _blob(data):
        n, = struct.unpack(">I", data[:4])
        return data[4:4 + n], data[4 + n:]


class Ipc:
    """Our own processes' messages, for who took one of them over: src/net/ipc.h, src/codec/pfx_ipc.h."""

    KEY_ADMIT, OPEN, REWRAP = 0x0322, 0x0323, 0x0324

    def __init__(self, path):
        self.path = path

    def call(self, kind, payload):
        """What it answers; a refusal is ApiError with the fault's id as its text."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.connect(self.path)
            s.sendall(struct.pack(">IHHI", 8 + len(payload), 1, kind, 7) + payload)
            with s.makefile("rb") as f:
                length, = struct.unpack(">I", f.read(4))
                _, _, _, good = struct.unpack(">HHIB", f.read(9))
                rest = f.read(length - 9)
        if good != 1:
            size, = struct.unpack(">I", rest[:4])
            raise ApiError("IPC", hex(kind), 0, {"error": {"code": rest[4:4 + size].decode(), "message": ""}})
        return rest

    @staticmethod
    def blob(data):
        data = data.encode() if isinstance(data, str) else data
        return struct.pack(">I", len(data)) + data

    def open(self, job, **changed):
        """The parts of an imported certificate's job, as connector/keys is asked: what it seals, and to whom."""
        part = {k: base64.b64decode(job.get(k, "")) for k in ("wrapped", "pfx", "leaf", "device_certificate", "order")}
        part.update(changed)
        form = struct.pack(">BB", {"agent": 1, "windows": 2, "apple": 3}[job["pack"]],
                           {"aes": 1, "3des": 2}[job["format"]]) + self.blob(b"")
        return self.call(self.OPEN, self.blob(job["key"]) + bytes([job["padding"]]) + self.blob(part["wrapped"]) +
                         self.blob(part["pfx"]) + self.blob(part["leaf"]) + form +
                         self.blob(bytes.fromhex(job["thumbprint"])) + self.blob(part["device_certificate"]) +
                         self.blob(part["order"]))


class FakeConnector:
    """A connector that does what a test says: it leases, and answers or not, as it is told."""

    def __init__(self, world, name="fake"):
        self.world = world
        self.name = name
        self.dir = os.path.join(world.dir, "fake-" + name)
        self.spare = None
        os.makedirs(self.dir, exist_ok=True)
        service_key = ec.generate_private_key(ec.SECP256R1())
        ca_key = ec.generate_private_key(ec.SECP256R1())
        self.maker = ec.generate_private_key(ec.SECP256R1())  # of its process that makes keys
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        nameless = x509.Name([])  # the service states the names of identity certificates

        made = world.admin("ca", "principal.add", {"name": name, "csr": b64(make_csr(ca_key, named))})
        world.grant(name)
        self.ca_cert = self.file("ca-cert.pem", made["certificate"].encode())
        self.ca_key = self.file("ca-key.pem", key_pem(ca_key))
        leaf = x509.load_pem_x509_certificate(made["certificate"].encode())
        self.holder = hashlib.sha256(der(leaf)).hexdigest()
        self.ca = Wstep(world, self.ca_cert, self.ca_key)

        anyone = Https(world.host, world.ports["device"], tls_context(world.root_file))
        status, _, data = anyone.request("POST", "/connector/v1/enrol", json.dumps({
            "code": world.code(kind="connector"), "csr": b64(make_csr(service_key, nameless)), "name": name,
            "machine": "test", "version": "6.2611.0.1001", "features": [],
            "maker": b64(self.maker.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))}).encode(),
            {"Content-Type": "application/json"})
        answer = json.loads(data)
        if status != 200:
            raise ApiError("POST", "/connector/v1/enrol", status, answer)
        self.id = answer["id"]
        cert = x509.load_der_x509_certificate(base64.b64decode(answer["certificate"]))
        self.cert = self.file("service-cert.pem", cert.public_bytes(serialization.Encoding.PEM))
        self.key = self.file("service-key.pem", key_pem(service_key))
        self.https = Https(world.host, world.ports["device"], tls_context(world.root_file, self.cert, self.key))

    def file(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def post(self, results=(), wait=0, most=4, features=("pkcs", "revoke"), **more):
        body = {"version": "6.2611.0.1001", "machine": "test", "features": list(features),
                "holder": self.holder, "cas": [self.world.issuing_ca], "wait": wait, "max": most,
                "results": list(results), **more}
        status, _, data = self.https.request("POST", "/connector/v1/poll", json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
        answer = json.loads(data)
        if status != 200:
            raise ApiError("POST", "/connector/v1/poll", status, answer)
        return answer

    def get_ready(self):
        """Makes the next key: before a lease begins to run, on a machine where that may take long."""
        self.spare = self.spare or rsa_key()

    def give_up(self):
        """Has no job any more, as one that was started anew: all that was leased to it is free at once."""
        self.post(most=0, worker="fake", alone=True, holds=[])

    def lease(self, kind="issue", seconds=15):
        """The next job of this kind; others are left to run out."""
        self.get_ready()

        def one():
            jobs = [j for j in self.post(wait=1, most=1, features=["pkcs" if kind == "issue" else "revoke"])["jobs"]
                    if j["kind"] == kind]
            return jobs[0] if jobs else None
        return wait_for(one, seconds, why=f"a job of kind {kind}")

    def request(self, job, key, **changed):
        """What is asked of the CA for this job, with the word of who made the key; changed: what a thief would try."""
        order = changed.get("order", base64.b64decode(job["order"]))
        device = base64.b64decode(job["device_certificate"])
        word = changed.get("word", attest(self.maker, order, key.public_key(), device))
        return make_csr(key, changed.get("subject", base64.b64decode(job["subject"])),
                        changed.get("san", base64.b64decode(job["san"])), changed.get("ekus", job["ekus"]), word)

    def ask_ca(self, job, key=None, **changed):
        """The certificate for this job, asked for as a connector does."""
        if key is None:
            self.get_ready()
            key, self.spare = self.spare, None
        leaf = self.ca.submit(self.request(job, key, **changed), changed.get("template", job["template"]),
                              changed.get("order", base64.b64decode(job["order"])))
        return key, leaf

    def result(self, job, key, leaf, password="a-password-of-24-letters"):
        """A finished job's result: PFX and password sealed to the device, by other code than ours."""
        cert = x509.load_der_x509_certificate(leaf)
        issuing = x509.load_pem_x509_certificate(self.world.issuing_pem.encode())
        encryption = (serialization.PrivateFormat.PKCS12.encryption_builder()
                      .kdf_rounds(50000)
                      .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
                      .hmac_hash(hashes.SHA256()).build(password.encode()))
        pfx = pkcs12.serialize_key_and_certificates(None, key, cert, [issuing], encryption)
        device = base64.b64decode(job["device_certificate"])
        return {"request": job["request"], "fence": job["fence"], "outcome": "issued",
                "certificate": b64(leaf), "chain": [b64(der(issuing))],
                "sealed": b64(self.seal(pfx, device)), "password": b64(self.seal(password.encode(), device))}

    def seal(self, data, device):
        cert = self.file("recipient.pem", x509.load_der_x509_certificate(device).public_bytes(
            serialization.Encoding.PEM))
        return subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-cbc",
                               "-recip", cert], input=data, check=True, capture_output=True).stdout


class Device:
    """A device of the agent protocol that a test drives message by message."""

    def __init__(self, world, code, key=None, name="simulated", subject=x509.Name([])):
        self.world = world
        self.name = name
        self.key = key or rsa_key()
        anyone = Https(world.host, world.ports["device"], tls_context(world.root_file))
        answer = self._post(anyone, "/agent/v1/enrol", {
            "protocol": 1, "code": code, "csr": b64(make_csr(self.key, subject)), "facts": self.facts()})
        anyone.close()
        self.id = answer["device_id"]
        self.cert = base64.b64decode(answer["certificate"])
        folder = os.path.join(world.dir, "simulated")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, self.id + ".pem")
        with open(path, "wb") as f:
            f.write(x509.load_der_x509_certificate(self.cert).public_bytes(serialization.Encoding.PEM) +
                    key_pem(self.key))
        self.context = tls_context(world.root_file, path)
        self.https = Https(world.host, world.ports["device"], self.context)
        self.inventory = {}

    def facts(self):
        return {"device_name": self.name, "os": "Debian", "os_version": "12", "unavailable": []}

    @staticmethod
    def _post(https, path, body):
        status, _, data = https.request("POST", path, json.dumps(body).encode(),
                                        {"Content-Type": "application/json"}, timeout=90)
        answer = json.loads(data)
        if status != 200:
            raise ApiError("POST", path, status, answer)
        return answer

    def checkin(self, results=(), wait=0, https=None, inventory=True):
        body = {"protocol": 1, "facts": self.facts(), "results": list(results), "wait": wait}
        if inventory:
            body["inventory"] = list(self.inventory.values())
        return self._post(https or self.https, "/agent/v1/checkin", body)["commands"]

    def obey(self, command):
        """Pretends to have done it; the result to bring."""
        if command["kind"].startswith("remove_"):
            self.inventory.pop(command["alias"], None)
            return {"id": command["id"], "status": "ok"}
        identity = command["kind"] == "install_identity"
        digest = command["sha256"] if identity else hashlib.sha256(base64.b64decode(command["der"])).hexdigest()
        self.inventory[command["alias"]] = {
            "alias": command["alias"], "kind": "identity" if identity else "ca", "sha256": digest,
            "has_key": identity, "not_after": "2036-01-01T00:00:00Z"}
        return {"id": command["id"], "status": "ok"}

    def settle(self, seconds=20, until=None):
        """Checks in and obeys until `until` (default: nothing is left to do)."""
        results = []

        def turn():
            nonlocal results
            commands = self.checkin(results, wait=0)
            results = [self.obey(c) for c in commands]
            return not commands and (until is None or until())
        wait_for(turn, seconds, step=0.05, why="the device to settle")
