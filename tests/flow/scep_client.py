# SPDX-License-Identifier: Apache-2.0
"""A SCEP client from RFC 8894 and RFC 5652, for what other clients never send. DER is written and read here; only the
envelope is made and opened by the openssl command."""

import base64
import hashlib
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

PKCS_REQ, RENEWAL_REQ, CERT_POLL, GET_CERT, GET_CRL, CERT_REP = 19, 17, 20, 21, 22, 3
SUCCESS, FAILURE, PENDING = 0, 2, 3
BAD_ALG, BAD_MESSAGE_CHECK, BAD_REQUEST, BAD_TIME, BAD_CERT_ID = range(5)

OID_DATA = "1.2.840.113549.1.7.1"
OID_SIGNED = "1.2.840.113549.1.7.2"
OID_CONTENT_TYPE = "1.2.840.113549.1.9.3"
OID_DIGEST = "1.2.840.113549.1.9.4"
OID_RSA = "1.2.840.113549.1.1.1"
OID_SCEP = "2.16.840.1.113733.1.9."
OID_TEXT = "1.3.6.1.5.5.7.24.1"
DIGESTS = {"md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1",
           "sha512": "2.16.840.1.101.3.4.2.3"}
HASHES = {"md5": hashes.MD5(), "sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha512": hashes.SHA512()}


# DER

def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + body


def oid(text):
    arcs = [int(x) for x in text.split(".")]
    out = b""
    for v in [arcs[0] * 40 + arcs[1]] + arcs[2:]:
        part = [v & 0x7F]
        while v > 0x7F:
            v >>= 7
            part.append(0x80 | (v & 0x7F))
        out += bytes(reversed(part))
    return tlv(6, out)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def algorithm(text):
    return tlv(0x30, oid(text), tlv(5))


def read(data):
    """First element: tag, content, whole element, what follows."""
    n, at = data[1], 2
    if n & 0x80:
        size = n & 0x7F
        n, at = int.from_bytes(data[2:2 + size], "big"), 2 + size
    return data[0], data[at:at + n], data[:at + n], data[at + n:]


def elements(data):
    out = []
    while data:
        tag, body, whole, data = read(data)
        out.append((tag, body, whole))
    return out


def oid_text(body):
    arcs, v = [], 0
    for b in body:
        v = v << 7 | (b & 0x7F)
        if not b & 0x80:
            arcs.append(v)
            v = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(x) for x in [first, arcs[0] - 40 * first] + arcs[1:])


def name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def new_key(bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def self_signed(key, cn, more=b"", now=None):
    """With an extension of these bytes that nobody knows, if any are given. now: what its maker takes for it."""
    now = now or datetime.utcnow()
    b = (x509.CertificateBuilder().subject_name(name(cn)).issuer_name(name(cn)).public_key(key.public_key())
         .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
         .not_valid_after(now + timedelta(days=7)))
    if more:
        b = b.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), more), False)
    return b.sign(key, hashes.SHA256())


def make_csr(key, cn, challenge=None, san=(), digest=hashes.SHA256(), subject=None):
    b = x509.CertificateSigningRequestBuilder().subject_name(subject or name(cn))
    if challenge is not None:
        b = b.add_attribute(x509.ObjectIdentifier("1.2.840.113549.1.9.7"), challenge.encode())
    if san:
        b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in san]), False)
    return b.sign(key, digest).public_bytes(serialization.Encoding.DER)


def der(cert):
    return cert.public_bytes(serialization.Encoding.DER)


def issuer_serial(cert):
    return tlv(0x30, cert.issuer.public_bytes(), integer(cert.serial_number))


class Reply:
    def __init__(self, attributes, content, signer):
        self.attributes = attributes
        self.content = content
        self.signer = signer

    def number(self, arc):
        v = self.attributes.get(OID_SCEP + arc)
        return int(v) if v is not None else None

    type = property(lambda s: s.number("2"))
    status = property(lambda s: s.number("3"))
    fail_info = property(lambda s: s.number("4"))
    sender_nonce = property(lambda s: s.attributes.get(OID_SCEP + "5"))
    recipient_nonce = property(lambda s: s.attributes.get(OID_SCEP + "6"))
    transaction = property(lambda s: s.attributes.get(OID_SCEP + "7", b"").decode())
    text = property(lambda s: s.attributes.get(OID_TEXT, b"").decode())


class ScepClient:
    def __init__(self, url, folder, ca_file=None):
        self.url = url
        self.dir = folder
        self.context = None
        os.makedirs(folder, exist_ok=True)
        if ca_file:
            import ssl
            self.context = ssl.create_default_context(cafile=ca_file)

    def path(self, file):
        return os.path.join(self.dir, file)

    def openssl(self, *args, data=b""):
        return subprocess.run(["openssl", *args], input=data, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE).stdout

    def fetch(self, query, body=None, content_type="application/x-pki-message"):
        q = urllib.request.Request(self.url + query, data=body, headers={"Content-Type": content_type} if body else {})
        try:
            with urllib.request.urlopen(q, timeout=30, context=self.context) as r:
                return r.status, r.headers.get("Content-Type"), r.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers.get("Content-Type"), e.read()

    def caps(self):
        return self.fetch("?operation=GetCACaps&message=0")[2].decode().split("\n")

    def certs(self):
        status, kind, bag = self.fetch("?operation=GetCACert&message=ca")
        assert (status, kind) == (200, "application/x-x509-ca-ra-cert")
        pem = self.openssl("pkcs7", "-inform", "DER", "-print_certs", data=bag)
        return [x509.load_pem_x509_certificate(b"-----BEGIN CERTIFICATE-----" + p.split(b"-----END")[0] +
                                               b"-----END CERTIFICATE-----\n")
                for p in pem.split(b"-----BEGIN CERTIFICATE-----")[1:]]

    def ra(self):
        found = [c for c in self.certs()
                 if c.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment]
        assert len(found) == 1
        return found[0]

    def seal(self, content, cipher="aes-256-cbc", to=None, options=()):
        with open(self.path("ra.pem"), "wb") as f:
            f.write((to or self.ra()).public_bytes(serialization.Encoding.PEM))
        return self.openssl("cms", "-encrypt", "-binary", "-outform", "DER", "-" + cipher, *options,
                            self.path("ra.pem"), data=content)

    def attributes(self, kind, envelope, transaction, nonce, digest):
        def attribute(text, value):
            return tlv(0x30, oid(text), tlv(0x31, value))
        out = [attribute(OID_CONTENT_TYPE, oid(OID_DATA)),
               attribute(OID_DIGEST, tlv(4, hashlib.new(digest, envelope).digest()))]
        if kind is not None:
            out.append(attribute(OID_SCEP + "2", tlv(0x13, str(kind).encode())))
        if transaction is not None:
            out.append(attribute(OID_SCEP + "7", tlv(0x13, transaction.encode())))
        if nonce is not None:
            out.append(attribute(OID_SCEP + "5", tlv(4, nonce)))
        return out

    def message(self, kind, envelope, cert, key, transaction="1", nonce=b"0123456789abcdef", digest="sha256",
                more=(), signature=None, pss=False, others=()):
        attrs = self.attributes(kind, envelope, transaction, nonce, digest) + list(more)
        signed = b"".join(sorted(attrs))
        pad = padding.PSS(padding.MGF1(HASHES[digest]), HASHES[digest].digest_size) if pss else padding.PKCS1v15()
        alg = algorithm(OID_RSA)
        if pss:
            h = algorithm(DIGESTS[digest])
            alg = tlv(0x30, oid("1.2.840.113549.1.1.10"), tlv(0x30, tlv(0xA0, h), tlv(
                0xA1, tlv(0x30, oid("1.2.840.113549.1.1.8"), h)), tlv(0xA2, integer(HASHES[digest].digest_size))))
        if signature is None:
            signature = key.sign(tlv(0x31, signed), pad, HASHES[digest])
        signer = tlv(0x30, integer(1), issuer_serial(cert), algorithm(DIGESTS[digest]), tlv(0xA0, signed), alg,
                     tlv(4, signature))
        body = tlv(0x30, integer(1), tlv(0x31, algorithm(DIGESTS[digest])),
                   tlv(0x30, oid(OID_DATA), tlv(0xA0, tlv(4, envelope))), tlv(0xA0, der(cert), *map(der, others)),
                   tlv(0x31, signer))
        return tlv(0x30, oid(OID_SIGNED), tlv(0xA0, body))

    def parse(self, data, key, ra=None):
        """A CertRep: checks its signature by the RA, opens its envelope."""
        body = elements(elements(elements(data)[0][1])[1][1])[0][1]
        parts = elements(body)
        content = elements(parts[2][1])
        envelope = elements(content[1][1])[0][1] if len(content) > 1 else b""
        certs = [x509.load_der_x509_certificate(c[2]) for c in elements(parts[3][1])]
        signer = elements(elements(parts[-1][1])[0][1])
        sid, digest_alg, attrs, sig_alg, signature = signer[1], signer[2], signer[3], signer[4], signer[5]
        cert = [c for c in certs if issuer_serial(c) == sid[2]][0]
        assert ra is None or cert == ra
        assert oid_text(elements(sig_alg[1])[0][1]) == OID_RSA
        digest = {v: k for k, v in DIGESTS.items()}[oid_text(elements(digest_alg[1])[0][1])]
        cert.public_key().verify(signature[1], tlv(0x31, attrs[1]), padding.PKCS1v15(), HASHES[digest])
        found = {}
        for _tag, at, _whole in elements(attrs[1]):
            pair = elements(at)
            found[oid_text(pair[0][1])] = elements(pair[1][1])[0][1]
        assert found[OID_DIGEST] == hashlib.new(digest, envelope).digest()
        plain = b""
        if envelope:
            with open(self.path("own.pem"), "wb") as f:
                f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))
            plain = self.openssl("cms", "-decrypt", "-inform", "DER", "-binary", "-inkey", self.path("own.pem"),
                                 data=envelope)
        reply = Reply(found, plain, cert)
        reply.digest = digest
        reply.envelope = envelope
        assert reply.type == CERT_REP
        return reply

    def send(self, message, key, get=False):
        if get:
            text = base64.encodebytes(message).decode()  # with line breaks, as some clients do
            status, kind, body = self.fetch("?operation=PKIOperation&message=" + urllib.parse.quote(text, safe=""))
        else:
            status, kind, body = self.fetch("?operation=PKIOperation", message)
        assert (status, kind) == (200, "application/x-pki-message"), (status, body)
        return self.parse(body, key)

    def leaf(self, reply):
        """The certificate of a success: the one that is no CA."""
        pem = self.openssl("pkcs7", "-inform", "DER", "-print_certs", data=reply.content)
        found = [x509.load_pem_x509_certificate(b"-----BEGIN CERTIFICATE-----" + p.split(b"-----END")[0] +
                                                b"-----END CERTIFICATE-----\n")
                 for p in pem.split(b"-----BEGIN CERTIFICATE-----")[1:]]
        leaves = [c for c in found if not c.extensions.get_extension_for_class(x509.BasicConstraints).value.ca] \
            if all(any(e.oid == x509.BasicConstraints.oid for e in c.extensions) for c in found) else \
            [c for c in found if not any(e.oid == x509.BasicConstraints.oid and e.value.ca for e in c.extensions)]
        assert len(leaves) == 1
        return leaves[0]

    def enrol(self, key, csr, kind=PKCS_REQ, cert=None, signer=None, get=False, transaction=None, **more):
        cipher = more.pop("cipher", "aes-256-cbc")
        signer = signer or key
        cert = cert or self_signed(key, "scep")
        transaction = transaction or hashlib.sha1(csr).hexdigest().upper()
        return self.send(self.message(kind, self.seal(csr, cipher), cert, signer, transaction, **more), signer, get)
