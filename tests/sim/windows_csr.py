# SPDX-License-Identifier: Apache-2.0
"""PKCS#10 as the Windows enrolment client makes it, which no library would: the common name is a PrintableString that
has a '!' and ends in a NUL, and an extension 1.3.6.1.4.1.311.66.1.0 holds the device's id and a NUL."""

import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

SHA256_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
SHA1_RSA = bytes.fromhex("300d06092a864886f70d0101050500")


def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def windows_csr(key, device_id, digest):
    common_name = (str(uuid.uuid4())[:31] + "!" + device_id + "\0").encode()
    subject = tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403"), tlv(0x13, common_name))))
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    extension = tlv(0x30, bytes.fromhex("060a2b0601040182374201") + b"\x00", tlv(0x04, (device_id + "\0").encode()))
    attribute = tlv(0x30, bytes.fromhex("06092a864886f70d01090e"), tlv(0x31, tlv(0x30, extension)))
    info = tlv(0x30, bytes.fromhex("020100"), subject, spki, tlv(0xa0, attribute))
    algorithm = SHA1_RSA if isinstance(digest, hashes.SHA1) else SHA256_RSA
    signature = key.sign(info, padding.PKCS1v15(), digest)
    return tlv(0x30, info, algorithm, tlv(0x03, b"\0" + signature))
