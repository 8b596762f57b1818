# SPDX-License-Identifier: Apache-2.0
"""A server that answers as DigiCert ONE's REST API does, written from DigiCert's documentation (doc/digicert.md).

It issues from a CA of its own, by profiles as an administrator sets them up there, and keeps what it was asked for.
Where the documentation leaves something open it is strict: what a client must not rely on is not there.
"""

import base64
import datetime
import json
import re
import threading
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tls_server import Handler, TlsServer

SID_OID = ObjectIdentifier("1.3.6.1.4.1.311.25.2")
UPN_OID = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
KEY = "0175d0aa8e6c_52b6a7d3b0a14f6c9fd2f0d3a1"
NAMES = {
    "common_name": NameOID.COMMON_NAME, "serial_number": NameOID.SERIAL_NUMBER, "country": NameOID.COUNTRY_NAME,
    "locality": NameOID.LOCALITY_NAME, "state": NameOID.STATE_OR_PROVINCE_NAME,
    "organization_name": NameOID.ORGANIZATION_NAME, "organization_units": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "email": NameOID.EMAIL_ADDRESS}
REASONS = {"unspecified", "key_compromise", "ca_compromise", "affiliation_changed", "superseded",
           "cessation_of_operation", "certificate_hold", "remove_from_crl", "privilege_withdrawn", "aa_compromise"}
PROFILE = "36f011b7-5fa1-4c6d-83f3-ee59c4d54bb0"
WITH_SID = "d6743d9a-fb67-4a64-a33e-8a3229d28cc4"
BY_HAND = "e0e635f1-d8b2-4d87-9b4f-4d123b0a5688"  # a CA behind it wants approval


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def utf8(text):
    return bytes([0x0c, len(text.encode())]) + text.encode()


class Authority:
    """Root, issuing CA, and the certificate of the server."""

    def __init__(self):
        self.root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = self.sign(self.root_key, name("DigiCert Test Root"), self.root_key.public_key(),
                              name("DigiCert Test Root"), ca=True)
        self.cert = self.sign(self.root_key, name("DigiCert Test Root"), self.key.public_key(),
                              name("DigiCert Test Issuing"), ca=True)

    @staticmethod
    def sign(key, issuer, public, subject, ca=False, days=365, extensions=()):
        now = datetime.datetime.now(datetime.timezone.utc)
        b = (x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(public)
             .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(minutes=5))
             .not_valid_after(now + datetime.timedelta(days=days))
             .add_extension(x509.BasicConstraints(ca, None), True)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
             .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False))
        if ca:
            b = b.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
        for e, critical in extensions:
            b = b.add_extension(e, critical)
        return b.sign(key, hashes.SHA256())

    def leaf(self, public, subject, extensions):
        return self.sign(self.key, name("DigiCert Test Issuing"), public, subject, extensions=extensions)

    def localhost(self, path):
        """Writes a certificate for a server on this host with its chain and key; the path."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self.leaf(key.public_key(), name("localhost"), [
            (x509.SubjectAlternativeName([x509.DNSName("localhost")]), False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)])
        with open(path, "w", encoding="ascii") as f:
            f.write(pem(cert) + pem(self.cert) + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode())
        return path


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM).decode()


def san_of(wanted):
    names = [x509.RFC822Name(v) for v in wanted.get("emails", [])]
    names += [x509.DNSName(v) for v in wanted.get("dns_names", [])]
    names += [x509.UniformResourceIdentifier(v) for v in wanted.get("uris", [])]
    names += [x509.OtherName(UPN_OID, utf8(v)) for v in wanted.get("user_principal_names", [])]
    return x509.SubjectAlternativeName(names)


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class DigiCert:
    """profiles: id -> {"name", "sid": whether the SID of the request goes in, "pending"}."""

    def __init__(self, port):
        self.port, self.url = port, f"https://localhost:{port}"
        self.ca = Authority()
        self.lock = threading.Lock()
        self.issued = []   # {"seat", "serial", "status", "reason", "cert", "profile"}
        self.seats = set()
        self.asked = []    # (method, path, body)
        self.fail = None   # called with (method, path, body): raises Refused, or "hang up"
        self.profiles = {PROFILE: {"name": "Users"}, WITH_SID: {"name": "Users with SID", "sid": True},
                         BY_HAND: {"name": "By hand", "pending": True}}
        self.server = None

    @property
    def trust(self):
        return pem(self.ca.root)

    def start(self, folder):
        owner = self

        class Digi(Handler):
            def do(self):
                try:
                    status, answer = owner.answer(self.command, self.path, self.headers, self.body())
                except Refused as e:
                    status, answer = e.status, {"errors": [{"code": e.code, "message": str(e)}]}
                except ConnectionError:
                    self.close_connection = True
                    return
                self.reply(status, "application/json", b"" if answer is None else json.dumps(answer).encode())

            do_GET = do_POST = do_PUT = do_DELETE = do  # noqa: N815

        self.server = TlsServer(self.port, Digi, self.ca.localhost(f"{folder}/digicert.pem"))
        return self

    def stop(self):
        if self.server is not None:
            self.server.stop()
        self.server = None

    # What it answers

    def answer(self, method, path, headers, body):
        url = urllib.parse.urlparse(path)
        query = dict(urllib.parse.parse_qsl(url.query))
        sent = json.loads(body) if body else None
        with self.lock:
            self.asked.append((method, url.path, sent))
        if headers.get("x-api-key") != KEY:
            raise Refused(401, "invalid_api_key", "Bad or missing API key")
        if body and headers.get("Content-Type") != "application/json":
            raise Refused(415, "unsupported_media_type", "JSON only")
        if self.fail is not None:
            self.fail(method, url.path, sent)
        with self.lock:
            for wanted, pattern, run in self.ROUTES:
                m = re.fullmatch(pattern, url.path)
                if m and method == wanted:
                    return run(self, query, sent, *(urllib.parse.unquote(g) for g in m.groups()))
        raise Refused(404, "resource_not_found", "no such address")

    def list_profiles(self, query, sent):
        return 200, {"total": len(self.profiles), "offset": 0, "limit": int(query.get("limit", 20)), "items": [
            {"id": i, "name": p["name"], "status": "Active", "enrollment_method": "rest_api"}
            for i, p in self.profiles.items()]}

    def issue(self, query, sent):
        if set(sent) - {"profile", "seat", "csr", "validity", "delivery_format", "include_ca_chain", "attributes"}:
            raise Refused(400, "invalid_request", f"unknown fields: {sorted(sent)}")
        profile = self.profiles.get(sent["profile"]["id"])
        if profile is None:
            raise Refused(403, "access_denied", f"User has no access to the profile {sent['profile']['id']}")
        csr = x509.load_pem_x509_csr(sent["csr"].encode())
        if not csr.is_signature_valid:
            raise Refused(400, "invalid_request", "the CSR is not signed by its key")
        self.seats.add(sent["seat"]["seat_id"])
        if profile.get("pending"):
            return 201, {"request_id": f"req-{len(self.asked)}", "status": "PENDING"}
        cert = self.make(csr, profile, sent["attributes"])
        self.issued.append({"seat": sent["seat"]["seat_id"], "serial": f"{cert.serial_number:X}", "status": "issued",
                            "cert": cert, "profile": sent["profile"]["id"]})
        if sent["delivery_format"] != "x509":
            raise Refused(400, "invalid_request", "delivery_format")
        chain = pem(self.ca.cert) if sent.get("include_ca_chain") else ""
        return 201, {"serial_number": f"{cert.serial_number:X}", "delivery_format": "x509",
                     "certificate": pem(cert) + chain}

    def make(self, csr, profile, wanted):
        """Names come from the body, as the profile says "REST Request"; the SID from the CSR, if the profile has
        one."""
        subject = []
        for field, value in wanted["subject"].items():
            for one in value if isinstance(value, list) else [value]:
                subject.append(x509.NameAttribute(NAMES[field], one))
        extensions = [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
                      (x509.KeyUsage(True, False, True, False, False, False, False, False, False), True)]
        san = wanted.get("extensions", {}).get("san")
        if san:
            extensions.append((san_of(san), False))
        if profile.get("sid"):
            extensions.append((csr.extensions.get_extension_for_oid(SID_OID).value, False))
        return self.ca.leaf(csr.public_key(), x509.Name(subject), extensions)

    def item(self, one):
        der = one["cert"].public_bytes(serialization.Encoding.DER)
        return {"serial_number": one["serial"], "status": one["status"], "seat": {"seat_id": one["seat"]},
                "profile": {"id": one["profile"], "name": self.profiles[one["profile"]]["name"]},
                "thumbprint": one["cert"].fingerprint(hashes.SHA256()).hex().upper(),
                "certificate": base64.b64encode(der).decode(), "common_name": "x"}

    def search(self, query, sent):
        found = [c for c in self.issued if query.get("seat_id") in (None, c["seat"])]
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 20))
        return 200, {"total": len(found), "offset": offset, "limit": limit,
                     "items": [self.item(c) for c in found[offset:offset + limit]]}

    def revoke(self, query, sent, serial):
        found = [c for c in self.issued if c["serial"].lower() == serial.lower()]
        if not found:
            raise Refused(404, "resource_not_found", f"no certificate {serial}")
        if query.get("thumbprint_sha256") != self.item(found[0])["thumbprint"]:
            raise Refused(400, "invalid_request",
                          "Collision occurred! Please specify additional parameter: thumbprint_sha256")
        if sent["revocation_reason"] not in REASONS:
            raise Refused(400, "invalid_request", "revocation_reason")
        if found[0]["status"] == "revoked":
            raise Refused(400, "invalid_request", "Certificate already has been revoked")
        found[0].update(status="revoked", reason=sent["revocation_reason"])
        return 204, None

    def delete_seat(self, query, sent, seat):
        if query.get("seat_type_id") != "DEVICE_SEAT" or seat not in self.seats:
            raise Refused(404, "resource_not_found", "no such seat")
        self.seats.discard(seat)
        return 204, None

    ROUTES = [
        ("GET", r"/mpki/api/v2/profile", list_profiles),
        ("POST", r"/mpki/api/v1/certificate", issue),
        ("GET", r"/mpki/api/v1/certificate-search", search),
        ("PUT", r"/mpki/api/v1/certificate/([^/]+)/revoke", revoke),
        ("DELETE", r"/mpki/api/v1/seat/([^/]+)", delete_seat),
    ]

    def of(self, status):
        with self.lock:
            return [c for c in self.issued if c["status"] == status]
