# SPDX-License-Identifier: Apache-2.0
"""What the CA signs is DER, in whatever encoding a key came: no bytes of the requester's choice, one hash for one
key."""

import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID

from clients import Denied, Wstep, key_pem, make_csr, rsa_key
from scep_client import OID_RSA, algorithm, integer, name, tlv
from world import b64

SHA256_RSA = "1.2.840.113549.1.1.11"


@pytest.fixture(scope="module")
def wstep(world):
    client = rsa_key()
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "encoder")])
    made = world.admin("ca", "principal.add", {"name": "encoder", "csr": b64(make_csr(client, named))})
    world.grant("encoder", "WebServer")
    files = []
    for file, data in (("encoder.pem", made["certificate"].encode()), ("encoder-key.pem", key_pem(client))):
        files.append(os.path.join(world.dir, file))
        with open(files[-1], "wb") as f:
            f.write(data)
    return Wstep(world, *files)


def request(key, modulus, behind=b""):
    public = tlv(0x30, modulus, integer(key.public_key().public_numbers().e))
    info = tlv(0x30, integer(0), name("x").public_bytes(),
               tlv(0x30, algorithm(OID_RSA), tlv(3, b"\0" + public + behind)), tlv(0xA0))
    signature = key.sign(info, padding.PKCS1v15(), hashes.SHA256())
    return tlv(0x30, info, algorithm(SHA256_RSA), tlv(3, b"\0" + signature))


def number(key):
    return key.public_key().public_numbers().n


@pytest.mark.parametrize("make", [
    lambda k: request(k, integer(number(k))),
    lambda k: request(k, tlv(2, b"\0\0\0" + number(k).to_bytes(257, "big"))),
    lambda k: request(k, integer(number(k)), b"trailing"),
], ids=["as it should be", "zeros in front of the modulus", "bytes behind the key"])
def test_a_key_is_signed_in_its_one_encoding(wstep, make):
    key = rsa_key()
    try:
        leaf = x509.load_der_x509_certificate(wstep.submit(make(key), "WebServer"))
    except Denied:
        assert make(key) != request(key, integer(number(key)))
        return
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert spki in leaf.tbs_certificate_bytes
    assert leaf.public_key().public_numbers() == key.public_key().public_numbers()
