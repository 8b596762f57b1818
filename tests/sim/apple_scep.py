# SPDX-License-Identifier: Apache-2.0
"""The SCEP client of an Apple device, driven by a com.apple.security.scep payload."""

import hashlib
import os
import ssl
import urllib.error

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from apple_profile import Held, Refused, check_fingerprint, make_key, need, payload_error, subject_of
from scep_client import FAILURE, PENDING, SUCCESS, ScepClient, self_signed, tlv

OID_UPN = "1.3.6.1.4.1.311.20.2.3"


def scep_error(code, text):
    return Refused("MCSCEPErrorDomain", code, text)


def general_names(san):
    out = []
    for key, make in (("rfc822Name", x509.RFC822Name), ("dNSName", x509.DNSName),
                      ("uniformResourceIdentifier", x509.UniformResourceIdentifier)):
        values = san.get(key, [])
        out += [make(v) for v in ([values] if isinstance(values, str) else values)]
    if "ntPrincipalName" in san:
        if not isinstance(san["ntPrincipalName"], str):
            raise payload_error(2003, "ntPrincipalName is one text")
        out.append(x509.OtherName(x509.ObjectIdentifier(OID_UPN), tlv(0x0C, san["ntPrincipalName"].encode())))
    if set(san) - {"rfc822Name", "dNSName", "uniformResourceIdentifier", "ntPrincipalName"}:
        raise payload_error(2004, f"SubjectAltName {sorted(san)}")
    return out


class AppleScep(ScepClient):
    """GetCACert, GetCACaps, PKIOperation, in this order."""

    def __init__(self, payload, folder, anchors, user_agent, clock):
        self.d = need(payload, "PayloadContent", dict, payload_error, 2002, 2003)
        self.identifier = payload["PayloadIdentifier"]
        super().__init__(need(self.d, "URL", str, payload_error, 2002, 2003), folder)
        self.clock = clock
        self.context = clock.context(ssl.create_default_context(cadata=anchors))
        self.user_agent = user_agent
        self.extractable = self.d.get("KeyIsExtractable", True)
        self.all_apps = self.d.get("AllowAllAppsAccess", False)
        self.found = []

    def fetch(self, query, body=None, content_type="application/x-pki-message"):
        try:
            return super().fetch(query, body, content_type)
        except (OSError, urllib.error.URLError) as e:
            raise scep_error(22005, f"network: {e}") from e

    def certs(self):
        if self.found:
            return self.found
        name = self.d.get("Name", "")
        status, kind, bag = self.fetch("?operation=GetCACert" + (f"&message={name}" if name else ""))
        if status != 200:
            raise scep_error(22002, f"GetCACert: status {status}")
        if kind == "application/x-x509-ca-cert":
            self.found = [x509.load_der_x509_certificate(bag)]
        elif kind == "application/x-x509-ca-ra-cert":
            pem = self.openssl("pkcs7", "-inform", "DER", "-print_certs", data=bag)
            self.found = [x509.load_pem_x509_certificate(b"-----BEGIN CERTIFICATE-----" + p)
                          for p in pem.split(b"-----BEGIN CERTIFICATE-----")[1:]]
        else:
            raise scep_error(22002, f"GetCACert: {kind}")
        if "CAFingerprint" in self.d:
            check_fingerprint(self.d["CAFingerprint"], self.found)
        return self.found

    @staticmethod
    def usage(cert, name):
        return getattr(cert.extensions.get_extension_for_class(x509.KeyUsage).value, name)

    def ra(self):
        """Whom the request is sealed to: one certificate with both uses, or the one for encryption."""
        ras = [c for c in self.certs() if self.usage(c, "key_encipherment")]
        if len(ras) != 1 or not any(self.usage(c, "digital_signature") for c in self.certs()):
            raise scep_error(22002, "no usable RA certificate")
        return ras[0]

    def check_settings(self):
        size, usage = self.d.get("Keysize", 1024), self.d.get("Key Usage", 0)
        if size not in (1024, 2048, 4096) or self.d.get("Key Type", "RSA") != "RSA":
            raise scep_error(22004, f"key of {size} bits")
        if usage not in (0, 1, 4, 5):
            raise scep_error(22000, f"key usage {usage}")
        return size

    def run(self):
        """The new identity."""
        size = self.check_settings()
        self.ra()
        caps = self.caps()
        if not ({"SHA-1", "SHA-256", "SHA-512"} & set(caps)) or not ({"AES", "DES3"} & set(caps)):
            raise scep_error(22006, "insufficient capabilities")
        key = make_key(size)
        rdns = self.d.get("Subject") or [[["CN", self.identifier]]]
        b = x509.CertificateSigningRequestBuilder().subject_name(subject_of(rdns))
        if self.d.get("Challenge"):
            b = b.add_attribute(x509.ObjectIdentifier("1.2.840.113549.1.9.7"), self.d["Challenge"].encode())
        if self.d.get("SubjectAltName"):
            b = b.add_extension(x509.SubjectAlternativeName(general_names(self.d["SubjectAltName"])), False)
        csr = b.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        return self.ask(key, csr, "aes-128-cbc" if "AES" in caps else "des3", "POSTPKIOperation" not in caps)

    def ask(self, key, csr, cipher, get):
        point = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        transaction = hashlib.sha1(point).hexdigest().upper()
        try:
            own = self_signed(key, os.urandom(8).hex(), now=self.clock.now())
            reply = self.enrol(key, csr, cert=own, get=get, cipher=cipher, transaction=transaction)
        except (AssertionError, ValueError, IndexError, KeyError) as e:
            raise scep_error(22013, f"bad PKIOperation response: {e}") from e
        if reply.status in (FAILURE, PENDING):
            raise scep_error(22013, "bad PKIOperation response")
        assert reply.status == SUCCESS
        cert = self.leaf(reply)
        if cert.public_key().public_numbers() != key.public_key().public_numbers():
            raise scep_error(22007, "the certificate is of another key")
        return Held(cert, key, self.extractable, self.all_apps)
