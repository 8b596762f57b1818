# SPDX-License-Identifier: Apache-2.0
"""SCEP while a CA is renewed (RFC 8894 4.7): who knows the CA by its certificate before learns the next one from it.
Orders of a service as challenges, with other people's clients."""

import base64
import os
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

import scep_client as scep
from clients import key_pem, san_dns
from enrol_clients import Orderer
from scep_client import ScepClient, elements, make_csr, name, new_key
from test_ca_hierarchy import CaWorld
from world import wait_for

TEMPLATE = "Ordered"
URL_SAFE = bytes.maketrans(b"+/", b"-_")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    class Given:
        pass
    g = Given()
    g.world = w = CaWorld(tmp_path_factory.mktemp("next")).setup()
    g.client = ScepClient(w.http_url + "/scep", os.path.join(w.dir, "scep"))
    g.orders = Orderer(w)
    w.admin("ca", "template.duplicate", {"source": "IPSECIntermediateOffline", "name": TEMPLATE, "order_required": True,
                                         "supply_in_request": True})
    g.orders.may(TEMPLATE)

    def file(name_, data):
        path = os.path.join(g.client.dir, name_)
        with open(path, "wb") as f:
            f.write(data)
        return path
    g.file = file
    yield g
    w.close()


def sealed(given, cn, **more):
    return given.orders.seal(TEMPLATE, name(cn), san_dns(cn + ".example"), **more)


# Orders

@pytest.mark.parametrize("get", [False, True])
@pytest.mark.parametrize("text", [
    base64.b64encode, lambda o: base64.b64encode(o).translate(URL_SAFE), base64.urlsafe_b64encode,
    lambda o: base64.b64encode(o).rstrip(b"="), lambda o: b" " + base64.b64encode(o) + b"\n",
], ids=["base64", "other alphabet", "url safe", "without padding", "blanks around"])
def test_an_order_is_a_challenge_in_every_form_of_base64(given, text, get):
    key = new_key()
    order = sealed(given, "phone", ident=os.urandom(15) + b"\xff")
    csr = make_csr(key, "phone", text(order).decode(), ["phone.example"])
    leaf = given.client.leaf(given.client.enrol(key, csr, get=get))
    assert leaf.subject == name("phone")
    # The very same order gives the very same certificate, and nothing to another key.
    assert given.client.leaf(given.client.enrol(key, csr, get=get, transaction="again")) == leaf
    other = new_key()
    reply = given.client.enrol(other, make_csr(other, "phone", text(order).decode(), ["phone.example"]))
    assert reply.status == scep.FAILURE and "order-stale" in reply.text


def test_an_order_that_is_cut_off_or_of_nobody_known_is_refused(given):
    key = new_key()
    whole = base64.b64encode(sealed(given, "cut")).decode()
    for text in (whole[:-40], whole[:80], whole[4:], "=" + whole, whole + whole):
        reply = given.client.enrol(key, make_csr(key, "cut", text, ["cut.example"]))
        assert (reply.status, reply.fail_info) == (scep.FAILURE, scep.BAD_REQUEST)
        assert "challenge-refused" in reply.text or "order-signature" in reply.text, reply.text
    text = base64.b64encode(sealed(given, "cut", forged=True)).decode()
    assert "order-signature" in given.client.enrol(key, make_csr(key, "cut", text, ["cut.example"])).text
    assert given.client.enrol(key, make_csr(key, "cut", whole, ["cut.example"])).status == scep.SUCCESS


@pytest.mark.skipif(shutil.which("pki") is None, reason="strongSwan's pki is not installed")
def test_strongswan_enrols_with_an_order(given):
    w = given.world
    key = given.file("sw.key", key_pem(new_key()))
    ra = given.file("sw-ra.pem", given.client.ra().public_bytes(serialization.Encoding.PEM))
    args = ["--url", given.client.url, "--cacert-enc", ra, "--cacert-sig", ra, "--cacert",
            os.path.join(w.dir, "issuing.pem"), "--cacert", os.path.join(w.dir, "root.pem"), "--cipher", "aes",
            "--digest", "sha256", "--outform", "pem"]

    def run(cn, order):
        return subprocess.run(["pki", "--scep", "--in", key, "--dn", f"CN={cn}", "--san", cn + ".example", "--password",
                               base64.b64encode(order).decode(), *args], check=False, capture_output=True, timeout=60)
    refused = run("admin", sealed(given, "swan"))
    assert refused.returncode != 0 and b"BEGIN" not in refused.stdout
    done = run("swan", sealed(given, "swan"))
    assert done.returncode == 0, done.stderr
    assert x509.load_pem_x509_certificate(done.stdout).subject == name("swan")


# The next certificate

def signed(given, trusted):
    """The answer to GetNextCACert, verified by OpenSSL against that certificate; the certificates in it."""
    status, kind, body = given.client.fetch("?operation=GetNextCACert&message=ca")
    assert (status, kind) == (200, "application/x-x509-next-ca-cert")
    content = given.client.path("next.p7c")
    given.client.openssl("cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-partial_chain", "-CAfile",
                         given.file("trusted.pem", trusted.public_bytes(serialization.Encoding.PEM)), "-out", content,
                         data=body)
    with open(content, "rb") as f:
        return pkcs7.load_der_pkcs7_certificates(f.read())


def next_after(given, before):
    """The certificates, once they are those: the front keeps what it gave for some seconds."""
    def look():
        try:
            return signed(given, before)
        except subprocess.CalledProcessError:
            return None
    return wait_for(look, why="the answer that the certificate before has signed")


def issuing(given):
    """The certificates of the issuing CA, newest first, which is also the order of \"ca show\"."""
    return [x509.load_pem_x509_certificate(c["certificate"].encode()) for c in given.world.admin("ca", "ca.show")["cas"]
            if c["name"] == given.world.issuing_ca]


def renew(given, *args):
    before = issuing(given)[0]
    given.world.cli("ca", "renew", given.world.issuing_ca, *args, "--socket", given.world.socket_of("ca"))
    return before, wait_for(lambda: issuing(given)[0] != before and issuing(given)[0], why="the renewed CA")


def test_without_a_successor_there_is_no_next_certificate(given):
    assert "GetNextCACert" not in given.client.caps()
    status, kind, body = given.client.fetch("?operation=GetNextCACert")
    assert status == 404, (status, kind, body)


def test_the_next_certificate_is_signed_by_the_one_before(given):
    before, after = renew(given, "--new-key")
    assert before.public_key() != after.public_key()
    assert "GetNextCACert" in given.client.caps()
    certs = next_after(given, before)
    assert after in certs and before not in certs
    assert given.client.ra() in certs
    with pytest.raises(subprocess.CalledProcessError):
        signed(given, after)


def test_a_certificate_for_the_same_key_is_announced_as_well(given):
    before, after = renew(given)
    certs = next_after(given, before)
    assert after in certs and before not in certs


def test_clients_enrol_before_and_after_and_the_identity_ca_has_its_own_answer(given):
    key = new_key()
    text = base64.b64encode(sealed(given, "after")).decode()
    assert given.client.enrol(key, make_csr(key, "after", text, ["after.example"])).status == scep.SUCCESS
    other = given.client.url + "/" + given.world.identity_ca.replace(" ", "%20")
    assert ScepClient(other, given.client.dir).fetch("?operation=GetNextCACert")[0] == 404
    body = given.client.fetch("?operation=GetNextCACert")[2]
    assert len(elements(body)) == 1
