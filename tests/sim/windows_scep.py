# SPDX-License-Identifier: Apache-2.0
"""What a Windows machine does after Exec Enroll: a key, a PKCS#10 request from the nodes, SCEP at the ServerURL.

The SCEP messages are made by tests/flow/scep_client.py; how the nodes become a request is here."""

import hashlib
import os
import urllib.error

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import scep_client
from windows_csp import Failed

KEYS = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "L": NameOID.LOCALITY_NAME, "ST": NameOID.STATE_OR_PROVINCE_NAME, "S": NameOID.STATE_OR_PROVINCE_NAME,
        "C": NameOID.COUNTRY_NAME, "E": NameOID.EMAIL_ADDRESS, "DC": NameOID.DOMAIN_COMPONENT,
        "SERIALNUMBER": NameOID.SERIAL_NUMBER}
E_NO_CERTIFICATE = 0x8010002C
E_CANNOT_CONNECT = 0x80072EFD
E_INVALID_NAME = 0x80092023
E_REFUSED = 0x80094003


def x500(text):
    """The text of an X.500 name as Windows reads it: quotes around values with special characters, doubled within."""
    rdns, pairs, at = [], [], 0
    while at < len(text):
        key, eq, _ = text[at:].partition("=")
        key = key.strip().upper()
        if not eq or key not in KEYS:
            raise Failed(500, E_INVALID_NAME)
        at = text.index("=", at) + 1
        value = ""
        if text[at:at + 1] == '"':
            at += 1
            while True:
                end = text.find('"', at)
                if end < 0:
                    raise Failed(500, E_INVALID_NAME)
                value += text[at:end]
                at = end + 1
                if text[at:at + 1] != '"':
                    break
                value += '"'
                at += 1
        else:
            end = min([i for i in (text.find(c, at) for c in ",;+") if i >= 0] or [len(text)])
            value = text[at:end].strip()
            at = end
            if any(c in value for c in '"<>#='):
                raise Failed(500, E_INVALID_NAME)
        pairs.append(x509.NameAttribute(KEYS[key], value))
        rest = text[at:].lstrip()
        at = len(text) - len(rest)
        if rest[:1] == "+":
            at += 1
            continue
        if rest[:1] not in (",", ";", ""):
            raise Failed(500, E_INVALID_NAME)
        rdns.append(x509.RelativeDistinguishedName(pairs))
        pairs = []
        at += 1
    # CertStrToName() encodes the parts in the order in which they are written.
    return x509.Name(rdns)


def alternative_names(text):
    found = []
    for part in filter(None, text.split(";")):
        kind, _, value = part.partition("+")
        found.append({
            "2": x509.RFC822Name, "3": x509.DNSName, "7": x509.UniformResourceIdentifier,
            "11": lambda v: x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"),
                                           scep_client.tlv(0x0c, v.encode()))}[kind](value))
    return found


def request(order, key):
    usage = int(order["KeyUsage"])
    b = x509.CertificateSigningRequestBuilder().subject_name(x500(order["SubjectName"]))
    b = b.add_attribute(x509.ObjectIdentifier("1.2.840.113549.1.9.7"), order["Challenge"].encode())
    names = alternative_names(order.get("SubjectAlternativeNames", ""))
    if names:
        b = b.add_extension(x509.SubjectAlternativeName(names), False)
    b = b.add_extension(x509.ExtendedKeyUsage(
        [x509.ObjectIdentifier(o) for o in order["EKUMapping"].split("+")]), False)
    b = b.add_extension(x509.KeyUsage(
        digital_signature=bool(usage & 0x80), content_commitment=False, key_encipherment=bool(usage & 0x20),
        data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False,
        decipher_only=False), True)
    digest = hashes.SHA256() if "SHA-2" in order["HashAlgorithm"] else hashes.SHA1()
    return b.sign(key, digest).public_bytes(serialization.Encoding.DER)


def enrol(device, order):
    for url in order["ServerURL"].split(";"):
        if not url.lower().endswith("/pkiclient.exe"):
            url += "/pkiclient.exe"
        client = scep_client.ScepClient(url, os.path.join(device.folder, "scep"), device.root_file)
        device.clock.context(client.context)
        try:
            if "POSTPKIOperation" not in client.caps():
                raise Failed(500, E_NO_CERTIFICATE)
            bag = client.certs()
            if not any(hashlib.sha1(scep_client.der(c)).hexdigest().upper() == order["CAThumbprint"].upper()
                       for c in bag):
                raise Failed(500, E_NO_CERTIFICATE)
            key = scep_client.new_key(int(order["KeyLength"]))
            reply = client.enrol(key, request(order, key),
                                 cert=scep_client.self_signed(key, "scep", now=device.clock.now()))
        except (urllib.error.URLError, ConnectionError) as e:
            raise Failed(500, E_CANNOT_CONNECT) from e
        if reply.status != 0:
            raise Failed(500, E_REFUSED)
        # Every signed attribute must be there, both nonces too.
        if not reply.recipient_nonce or not reply.sender_nonce or not reply.transaction:
            raise Failed(500, E_NO_CERTIFICATE)
        return client.leaf(reply), key
    raise Failed(500, E_CANNOT_CONNECT)
