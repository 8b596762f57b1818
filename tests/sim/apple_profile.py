# SPDX-License-Identifier: Apache-2.0
"""Configuration profiles as an Apple device reads them: opening, checking, and the keychain that payloads go to.

Written from Apple's published descriptions of the format, not from the server's code; what a device refuses is refused
here, with the device's own error domain and number.
"""

import hashlib
import os
import plistlib
import re
import subprocess
import sys
from xml.parsers.expat import ExpatError

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as asymmetric
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import pkcs12

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "flow"))

from apple_keys import check_profile  # noqa: E402  pylint: disable=wrong-import-position
from scep_client import (OID_DATA, OID_DIGEST, OID_CONTENT_TYPE, OID_RSA, OID_SIGNED,  # noqa: E402
                         elements, issuer_serial, oid_text, read)

OID_ENVELOPED = "1.2.840.113549.1.7.3"
SHA2 = {"2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"}
SHA256_RSA = "1.2.840.113549.1.1.11"
CIPHERS = {"2.16.840.1.101.3.4.1.2": (algorithms.AES, 16), "2.16.840.1.101.3.4.1.42": (algorithms.AES, 32),
           "1.2.840.113549.3.7": (algorithms.TripleDES, 24)}
UUID = re.compile(r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
CERTIFICATES = ("com.apple.security.root", "com.apple.security.pkcs1", "com.apple.security.pem",
                "com.apple.security.pkcs12", "com.apple.security.scep")
IDENTITIES = ("com.apple.security.pkcs12", "com.apple.security.scep")
# What refers to certificates: path to the key, whether it must name an identity.
REFERENCES = {
    "com.apple.wifi.managed": [("PayloadCertificateUUID", True),
                               ("EAPClientConfiguration.PayloadCertificateAnchorUUID", False)],
    "com.apple.vpn.managed": [("IKEv2.PayloadCertificateUUID", True), ("IPSec.PayloadCertificateUUID", True),
                              ("VPN.PayloadCertificateUUID", True)],
    "com.apple.eas.account": [("PayloadCertificateUUID", True), ("SMIMESigningCertificateUUID", True),
                              ("SMIMEEncryptionCertificateUUID", True)],
    "com.apple.mail.managed": [("SMIMESigningCertificateUUID", True), ("SMIMEEncryptionCertificateUUID", True)],
    "com.apple.mdm": [("IdentityCertificateUUID", True)],
}


class Refused(Exception):
    """What a device answers with an ErrorChain: outermost first, the cause last."""

    def __init__(self, domain, code, text):
        self.chain = [(domain, code, text)]
        super().__init__(f"{domain} {code}: {text}")

    def within(self, domain, code, text):
        self.chain.insert(0, (domain, code, text))
        return self


def profile_error(code, text):
    return Refused("MCProfileErrorDomain", code, text)


def payload_error(code, text):
    return Refused("MCPayloadErrorDomain", code, text)


def load_plist(data):
    """XML or binary, nothing before or after it."""
    try:
        return plistlib.loads(data)
    except (plistlib.InvalidFileException, ExpatError, ValueError, KeyError, IndexError, OverflowError) as e:
        raise profile_error(1000, f"not a property list: {e}") from e


def der_sequence(data):
    """The members of one SEQUENCE that is all of the data."""
    try:
        tag, body, whole, rest = read(data)
        if tag != 0x30 or rest or len(whole) != len(data):
            raise ValueError("trailing bytes or not a SEQUENCE")
        return elements(body)
    except (IndexError, ValueError) as e:
        raise profile_error(1004, f"not DER: {e}") from e


def check_signer(parts):
    """One SignerInfo with RSA, SHA-2, and the signed attributes that must be there."""
    infos = elements(parts[-1][1])
    if parts[-1][0] != 0x31 or len(infos) != 1:
        raise profile_error(1004, f"{len(infos)} signers")
    info = elements(infos[0][1])
    if oid_text(elements(info[2][1])[0][1]) not in SHA2:
        raise profile_error(1004, "digest is not SHA-2")
    if info[3][0] != 0xA0:
        raise profile_error(1004, "no signed attributes")
    found = {oid_text(elements(a[1])[0][1]) for a in elements(info[3][1])}
    if not {OID_DIGEST, OID_CONTENT_TYPE} <= found:
        raise profile_error(1004, "contentType or messageDigest is missing")
    if oid_text(elements(info[4][1])[0][1]) not in (OID_RSA, SHA256_RSA):
        raise profile_error(1004, "signature algorithm is not RSA")


def open_signed(data, folder):
    """The plist inside, and the certificates of the signature, signer first; unsigned: none."""
    if data[:1] == b"<" or data[:6] == b"bplist":
        return data, []
    outer = der_sequence(data)
    if oid_text(outer[0][1]) != OID_SIGNED:
        raise profile_error(1004, "CMS, but not SignedData")
    parts = elements(elements(outer[1][1])[0][1])
    content = elements(parts[2][1])
    if oid_text(content[0][1]) != OID_DATA or len(content) != 2:
        raise profile_error(1004, "content is not attached id-data")
    check_signer(parts)
    path = os.path.join(folder, "profile.p7")
    with open(path, "wb") as f:
        f.write(data)
    done = subprocess.run(["openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", path,
                           "-signer", path + ".pem"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise profile_error(1004, done.stderr.decode(errors="replace"))
    with open(path + ".pem", "rb") as f:
        signer = x509.load_pem_x509_certificate(f.read())
    others = [x509.load_der_x509_certificate(c[2]) for p in parts if p[0] == 0xA0 for c in elements(p[1])]
    return done.stdout, [signer] + [c for c in others if c != signer]


def open_envelope(data, cert, key):
    """EnvelopedData to this certificate: RSA PKCS #1 v1.5, AES or triple DES in CBC mode."""
    def bad(why):
        return profile_error(1006, f"cannot decrypt: {why}")
    outer = der_sequence(data)
    if oid_text(outer[0][1]) != OID_ENVELOPED:
        raise bad("not EnvelopedData")
    body = elements(elements(outer[1][1])[0][1])
    keys = [elements(r[1]) for r in elements([p for p in body if p[0] == 0x31][0][1]) if r[0] == 0x30]
    mine = [r for r in keys if r[1][2] == issuer_serial(cert)]
    if not mine:
        raise bad("no recipient by issuer and serial number is this device")
    if oid_text(elements(mine[0][2][1])[0][1]) != OID_RSA:
        raise bad("key transport is not RSAES-PKCS1-v1_5")
    content = elements(body[-1][1])
    if oid_text(content[0][1]) != OID_DATA:
        raise bad("content type is not id-data")
    alg = elements(content[1][1])
    name = oid_text(alg[0][1])
    if name not in CIPHERS:
        raise bad(f"cipher {name}")
    try:
        secret = key.decrypt(mine[0][3][1], asymmetric.PKCS1v15())
        kind, size = CIPHERS[name]
        if len(secret) != size:
            raise ValueError("key size")
        d = Cipher(kind(secret), modes.CBC(alg[1][1])).decryptor()
        unpad = padding.PKCS7(kind.block_size).unpadder()
        return unpad.update(d.update(content[2][1]) + d.finalize()) + unpad.finalize()
    except ValueError as e:
        raise bad(str(e)) from e


def need(d, key, kind, error=profile_error, missing=1002, wrong=1003):
    if key not in d:
        raise error(missing, f"{key} is missing")
    if not isinstance(d[key], kind) or isinstance(d[key], bool) and kind is int:
        raise error(wrong, f"{key} has the wrong type")
    return d[key]


def check_head(d, error, codes):
    missing, wrong, version = codes
    for key in ("PayloadType", "PayloadIdentifier", "PayloadUUID"):
        if not need(d, key, str, error, missing, wrong):
            raise error(missing, f"{key} is empty")
    if need(d, "PayloadVersion", int, error, missing, wrong) != 1:
        raise error(version, "PayloadVersion is not 1")
    if not UUID.match(d["PayloadUUID"]):
        raise error(wrong, f"PayloadUUID {d['PayloadUUID']}")


def dig(d, path):
    for part in path.split("."):
        d = d.get(part) if isinstance(d, dict) else None
    return d


def check_references(payload, by_uuid):
    for path, identity in REFERENCES.get(payload["PayloadType"], ()):
        named = dig(payload, path)
        for uuid in [named] if isinstance(named, str) else named or []:
            kind = by_uuid.get(uuid, {}).get("PayloadType")
            if kind not in (IDENTITIES if identity else CERTIFICATES):
                raise profile_error(1010, f"{path} names no certificate of this profile")


def check_payloads(payloads):
    if not isinstance(payloads, list) or not payloads:
        raise profile_error(1005, "no payloads")
    for p in payloads:
        if not isinstance(p, dict):
            raise payload_error(2000, "a payload is a dictionary")
        check_head(p, payload_error, (2002, 2003, 2001))
    by_uuid = {p["PayloadUUID"].upper(): p for p in payloads}
    if len(by_uuid) != len(payloads):
        raise profile_error(1007, "duplicate PayloadUUID")
    if len({p["PayloadIdentifier"] for p in payloads}) != len(payloads):
        raise profile_error(1008, "duplicate PayloadIdentifier")
    for p in payloads:
        check_references(p, {u: q for q in payloads for u in (q["PayloadUUID"],)})


def wifi_error(code, text):
    return Refused("MCWiFiErrorDomain", code, text)


def check_wifi_key(p):
    """Without 802.1X: a phrase of 8 to 63 characters or the key itself, unless the network is open."""
    key = p.get("Password")
    if p.get("EncryptionType", "Any") == "None":
        if key is not None:
            raise payload_error(2004, "Password of an open network")
        return
    if not isinstance(key, str):
        raise wifi_error(13002, "no password")
    if not re.fullmatch("[ -~]{8,63}|[0-9A-Fa-f]{64}", key):
        raise wifi_error(13002, "Password")


def check_wifi(p):
    need(p, "SSID_STR", str, payload_error, 2002, 2003)
    if p.get("EncryptionType", "Any") not in ("WEP", "WPA", "WPA2", "WPA3", "Any", "None"):
        raise payload_error(2004, "EncryptionType")
    if p.get("ProxyType", "None") not in ("None", "Manual", "Auto"):
        raise payload_error(2004, "ProxyType")
    eap = p.get("EAPClientConfiguration")
    if eap is None:
        check_wifi_key(p)
        return
    types = need(eap, "AcceptEAPTypes", list, payload_error, 2002, 2003)
    if not types or any(t not in (13, 17, 18, 21, 23, 25, 43) for t in types):
        raise wifi_error(13004, f"AcceptEAPTypes {types}")
    if 13 in types and "PayloadCertificateUUID" not in p:
        raise wifi_error(13004, "EAP-TLS without an identity")


def check_vpn(p):
    need(p, "UserDefinedName", str, payload_error, 2002, 2003)
    kind = need(p, "VPNType", str, payload_error, 2002, 2003)
    if kind not in ("L2TP", "IPSec", "IKEv2", "AlwaysOn", "VPN", "TransparentProxy"):
        raise payload_error(2004, f"VPNType {kind}")
    if (kind == "VPN") != ("VPNSubType" in p):
        raise payload_error(2004, "VPNSubType")
    own = need(p, kind, dict, payload_error, 2002, 2003)
    more = ["RemoteIdentifier", "LocalIdentifier"] if kind == "IKEv2" else []
    for key in ["RemoteAddress", "AuthenticationMethod"] + more:
        need(own, key, str, payload_error, 2002, 2003)
    if own["AuthenticationMethod"] == "Certificate" and "PayloadCertificateUUID" not in own:
        raise Refused("MCVPNErrorDomain", 15003, "no certificate")


def check_mail(p):
    need(p, "Host", str, payload_error, 2002, 2003)
    if p.get("MailNumberOfPastDaysToSync", 7) not in (0, 1, 3, 7, 14, 31):
        raise payload_error(2004, "MailNumberOfPastDaysToSync")


# Payloads that use certificates, and what they must say.
USES = {"com.apple.wifi.managed": check_wifi, "com.apple.vpn.managed": check_vpn, "com.apple.eas.account": check_mail}


class Profile:
    """One profile, opened and checked."""

    def __init__(self, data, folder, identity=None):
        plain, self.signers = open_signed(data, folder)
        d = self.top = load_plist(plain)
        if not isinstance(d, dict):
            raise profile_error(1000, "the top is no dictionary")
        check_head(d, profile_error, (1002, 1003, 1001))
        if d["PayloadType"] != "Configuration":
            raise profile_error(1003, "PayloadType is not Configuration")
        self.encrypted = d.get("IsEncrypted", False)
        if self.encrypted:
            if "PayloadContent" in d:
                raise profile_error(1000, "encrypted and clear content")
            if identity is None:
                raise profile_error(1006, "this device has no identity")
            inner = open_envelope(need(d, "EncryptedPayloadContent", bytes), *identity)
            self.payloads = load_plist(inner)
        else:
            self.payloads = need(d, "PayloadContent", list)
        check_payloads(self.payloads)
        check_profile(d, self.payloads)
        if d["PayloadUUID"].upper() in {p["PayloadUUID"].upper() for p in self.payloads}:
            raise profile_error(1007, "a payload has the UUID of the profile")
        self.identifier, self.uuid = d["PayloadIdentifier"], d["PayloadUUID"]
        self.scope = d.get("PayloadScope", "System")
        self.items = []  # Held

    def listed(self):
        """Its entry in the answer to ProfileList."""
        entry = {"PayloadIdentifier": self.identifier, "PayloadUUID": self.uuid, "PayloadVersion": 1,
                 "PayloadDisplayName": self.top.get("PayloadDisplayName", ""), "IsEncrypted": self.encrypted,
                 "IsManaged": True, "HasRemovalPasscode": False,
                 "SignerCertificates": [c.public_bytes(serialization.Encoding.DER) for c in self.signers]}
        if not self.encrypted:
            entry["PayloadContent"] = [{k: p[k] for k in ("PayloadType", "PayloadIdentifier", "PayloadUUID")}
                                       for p in self.payloads]
        return entry


class Held:
    """One certificate of the keychain."""

    def __init__(self, cert, key=None, extractable=True, all_apps=False):
        self.cert, self.key = cert, key
        self.extractable, self.all_apps = extractable, all_apps
        self.der = cert.public_bytes(serialization.Encoding.DER)
        self.sha256 = hashlib.sha256(self.der).hexdigest()

    def listed(self):
        names = self.cert.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return {"CommonName": names[0].value if names else "", "IsIdentity": self.key is not None, "Data": self.der}


def certificate_error(code, text):
    return Refused("MCCertificateErrorDomain", code, text)


def read_certificate(payload):
    """com.apple.security.root and .pkcs1: one certificate, DER or PEM."""
    data = need(payload, "PayloadContent", bytes, payload_error, 2002, 2003)
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return Held(x509.load_pem_x509_certificate(data))
        return Held(x509.load_der_x509_certificate(data))
    except ValueError as e:
        raise certificate_error(9005, str(e)) from e


def check_container(data, password, folder):
    """Only what every release opens: triple DES and SHA-1 in a PKCS #12 of its own password."""
    path = os.path.join(folder, "identity.p12")
    with open(path, "wb") as f:
        f.write(data)
    done = subprocess.run(["openssl", "pkcs12", "-in", path, "-info", "-noout", "-passin", "stdin"],
                          input=password.encode() + b"\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    said = done.stdout.decode(errors="replace")
    os.remove(path)
    if done.returncode != 0:
        raise certificate_error(9000, "invalid password")
    if not re.search(r"MAC: sha1,", said) or "PBES2" in said or "RC2" in said:
        raise certificate_error(9000, "invalid password")
    if said.count("Shrouded Keybag") != 1 or "Key bag" in said:
        raise certificate_error(9001, "not exactly one identity")
    for line in said.splitlines():
        if ("Keybag" in line or "Encrypted data" in line) and "pbeWithSHA1And3-KeyTripleDES-CBC" not in line:
            raise certificate_error(9000, "invalid password")


def read_pkcs12(payload, folder):
    data = need(payload, "PayloadContent", bytes, payload_error, 2002, 2003)
    password = payload.get("Password", "")
    if not password:
        raise certificate_error(9000, "invalid password")
    check_container(data, password, folder)
    key, cert, _ = pkcs12.load_key_and_certificates(data, password.encode())
    if key is None or cert is None:
        raise certificate_error(9006, "not an identity")
    if key.public_key().public_numbers() != cert.public_key().public_numbers():
        raise certificate_error(9006, "not an identity")
    return Held(cert, key, payload.get("KeyIsExtractable", True), payload.get("AllowAllAppsAccess", False))


def subject_of(rdns):
    """SCEP's Subject: RDNs of attribute and value."""
    short = {"C": "2.5.4.6", "ST": "2.5.4.8", "L": "2.5.4.7", "O": "2.5.4.10", "OU": "2.5.4.11", "CN": "2.5.4.3"}
    out = []
    for rdn in rdns:
        avas = []
        for pair in rdn:
            if len(pair) != 2 or not all(isinstance(x, str) for x in pair):
                raise payload_error(2004, "Subject")
            if pair[0] not in short and not re.match(r"^[0-2](\.\d+)+$", pair[0]):
                raise payload_error(2004, f"Subject attribute {pair[0]}")
            avas.append(x509.NameAttribute(x509.ObjectIdentifier(short.get(pair[0], pair[0])), pair[1]))
        out.append(x509.RelativeDistinguishedName(avas))
    return x509.Name(out)


def check_fingerprint(want, cas):
    name = {16: hashes.MD5, 20: hashes.SHA1, 32: hashes.SHA256, 64: hashes.SHA512}.get(len(want))
    if name is None or not any(c.fingerprint(name()) == want for c in cas):
        raise Refused("MCSCEPErrorDomain", 22002, "the CA's certificate has another fingerprint")


def make_key(bits):
    return rsa.generate_private_key(65537, bits)
