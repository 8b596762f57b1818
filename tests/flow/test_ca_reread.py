# SPDX-License-Identifier: Apache-2.0
"""What the CA issues, re-read by other people's libraries: every built-in template by cryptography (OpenSSL), GnuTLS
and NSS; chains, revocation lists and OCSP by NSS."""

import hashlib
import os
import re
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from clients import make_csr, rsa_key, san_dns
from enrol_clients import EstClient, Orderer, Who
from scep_client import name
from test_ca_hierarchy import CaWorld
from world import AdminError, wait_for

PROGRAMS = ("certtool", "certutil", "nss-pp", "vfychain", "vfyserv", "pk12util")
pytestmark = pytest.mark.skipif(not all(shutil.which(p) for p in PROGRAMS),
                                reason="gnutls-bin or libnss3-tools is not installed")

# What each library calls the bits of KeyUsage.
BITS = {"digital_signature": ("Digital signature", "Digital Signature"),
        "content_commitment": ("Non repudiation", "Non-Repudiation"),
        "key_encipherment": ("Key encipherment", "Key Encipherment"),
        "data_encipherment": ("Data encipherment", "Data Encipherment"),
        "key_agreement": ("Key agreement", "Key Agreement"),
        "key_cert_sign": ("Certificate signing", "Certificate Signing"),
        "crl_sign": ("CRL signing", "CRL Signing")}
SERVER_AUTH, SSL_SERVER = "1.3.6.1.5.5.7.3.1", "1"


def output(*args, **more):
    done = subprocess.run(args, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, **more)
    return done.returncode, done.stdout.decode(errors="replace")


def run(*args, **more):
    status, text = output(*args, **more)
    assert status == 0, (args, text[-2000:])
    return text


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    class Given:
        pass
    g = Given()
    g.world = w = CaWorld(tmp_path_factory.mktemp("reread")).setup()
    g.key = rsa_key()
    g.orders = Orderer(w)
    g.who = Who(w, "reader", None)
    with open(g.who.cert, "rb") as f:
        principal = x509.load_pem_x509_certificate(f.read()).public_bytes(serialization.Encoding.DER)
    g.dir = os.path.join(w.dir, "nss")
    os.makedirs(g.dir)
    g.db = "sql:" + g.dir
    run("certutil", "-N", "-d", g.db, "--empty-password")
    for nick, file, trust in (("root", "root.pem", "CT,C,C"), ("issuing", "issuing.pem", ",,")):
        run("certutil", "-A", "-d", g.db, "-n", nick, "-t", trust, "-i", os.path.join(w.dir, file), "-a")

    def issue(template, cn):
        g.who.may(template)
        order = g.orders.seal(template, name(cn), san_dns(cn), holder=hashlib.sha256(principal).digest())
        der = EstClient(w, g.who, False).enrol(make_csr(g.key, name(cn), san_dns(cn)), template, order)
        path = os.path.join(g.dir, cn)
        with open(path + ".der", "wb") as f:
            f.write(der)
        return x509.load_der_x509_certificate(der), path + ".der"
    g.issue = issue
    yield g
    w.close()


def ordered_copy(given, template, **more):
    given.world.admin("ca", "template.duplicate", {"source": template, "name": "Our" + template, "order_required": True,
                                                   "supply_in_request": True, "manager_approval": False, **more})
    return "Our" + template


@pytest.fixture(scope="module")
def copies(given):
    """A copy of each built-in template, and those that can have none: {name: name of the copy or None}."""
    made = {}
    for t in given.world.admin("ca", "template.list", {})["templates"]:
        try:
            made[t["name"]] = ordered_copy(given, t["name"])
        except AdminError as e:
            assert "of CA certificates" in str(e), e
            made[t["name"]] = None
    return made


def usages(cert):
    try:
        ku = cert.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return set()
    return {b for b in BITS if getattr(ku, b)}


def purposes(cert):
    try:
        return [e.dotted_string for e in cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value]
    except x509.ExtensionNotFound:
        return []


def test_every_built_in_template_is_read_alike_by_three_libraries(given, copies):
    assert {t for t, copy in copies.items() if copy is None} == {"CA", "SubCA", "CrossCA"}
    assert len(copies) >= 36
    for template, copy in copies.items():
        if copy is None:
            continue
        cert, path = given.issue(copy, f"{template.lower()}.example")
        serial = f"{cert.serial_number:x}".rjust(2 * ((cert.serial_number.bit_length() + 8) // 8), "0")
        wanted, ekus = usages(cert), purposes(cert)
        gnutls = run("certtool", "-i", "--inder", "--infile", path)
        assert f"Serial Number (hex): {serial}" in gnutls or f"Serial Number (hex): {serial.lstrip('0')}" in gnutls
        found = re.search(r"Key Usage \((?:not )?critical\):\n((?:\t\t\t.*\n)*)", gnutls)
        assert {line.strip(" \t.") for line in found.group(1).splitlines()} == {BITS[b][0] for b in wanted}, template
        found = re.search(r"Key Purpose \((?:not )?critical\):\n((?:\t\t\t.*\n)*)", gnutls)
        assert len(found.group(1).splitlines() if found else []) == len(ekus), template
        assert f"DNSname: {template.lower()}.example" in gnutls and "Signature Algorithm: RSA-SHA256" in gnutls
        nss = run("nss-pp", "-t", "certificate", "-i", path)
        digits = re.search(r"Serial Number:\s+([0-9a-f:\s]+?)\n\s+Signature", nss).group(1)
        assert re.sub(r"[\s:]", "", digits).lstrip("0") == serial.lstrip("0")
        found = re.search(r"Usages: ((?:.*\n)+?)\s*\n", nss)
        assert {line.strip() for line in found.group(1).splitlines()} == {BITS[b][1] for b in wanted}, template
        found = re.search(r"Name: Extended Key Usage\n((?:\s{16,}.*\n)*)", nss)
        assert len([x for x in (found.group(1).splitlines() if found else []) if "Critical" not in x]) == len(ekus)
        assert f'DNS name: "{template.lower()}.example"' in nss


@pytest.fixture(scope="module")
def server(given, copies):
    """A server certificate, and its file."""
    return given.issue("OurWebServer", "www.contoso.example")


def vfychain(given, path, usage, *options):
    return output("vfychain", "-d", given.db, "-u", usage, "-pp", *options, path,
                  os.path.join(given.dir, "issuing.der"))


@pytest.fixture(scope="module")
def issuing(given):
    cert = x509.load_pem_x509_certificate(given.world.issuing_pem.encode())
    with open(os.path.join(given.dir, "issuing.der"), "wb") as f:
        f.write(cert.public_bytes(serialization.Encoding.DER))
    return cert


def test_nss_finds_a_certificate_good_for_what_it_is_and_for_nothing_else(given, server):
    run("certutil", "-A", "-d", given.db, "-n", "www", "-t", ",,", "-i", server[1])
    assert "certificate is valid" in run("certutil", "-V", "-e", "-d", given.db, "-n", "www", "-u", "V")
    for usage in ("C", "S", "L"):
        status, text = output("certutil", "-V", "-e", "-d", given.db, "-n", "www", "-u", usage)
        assert status != 0 and "certificate is valid" not in text, (usage, text)


@pytest.mark.parametrize("method", ["crl", "ocsp"])
def test_nss_learns_of_a_revocation(given, copies, issuing, method):
    """From the addresses in the certificate, and with no answer it is not good."""
    cert, path = given.issue("OurWebServer", f"{method}.contoso.example")
    assert issuing.subject == cert.issuer
    options = ("-g", "leaf", "-h", "requireFreshInfo", "-m", method, "-s", "failIfNoInfo")
    status, text = vfychain(given, path, SSL_SERVER, *options)
    assert status == 0 and "Chain is good!" in text, text
    given.world.admin("ca", "cert.revoke", {"serial": f"{cert.serial_number:x}", "reason": "superseded"})

    def revoked():
        status, text = vfychain(given, path, SSL_SERVER, *options)
        return status != 0 and "revoked" in text.lower()
    wait_for(revoked, why="NSS to see the revocation")


def test_nss_finds_the_tls_server_of_the_ca_good(given):
    """With OCSP. vfyserv ends with 1 also when all went well."""
    _status, text = output("vfyserv", "-d", given.db, "-o", "-p", str(given.world.ports["ca"]), given.world.host)
    assert "Connection 1 read" in text and "error" not in text.lower(), text
    run("certutil", "-M", "-d", given.db, "-n", "root", "-t", ",,")
    try:
        _status, text = output("vfyserv", "-d", given.db, "-o", "-p", str(given.world.ports["ca"]), given.world.host)
        assert "PROBLEM WITH THE CERT CHAIN" in text and "Connection 1 read" not in text, text
    finally:
        run("certutil", "-M", "-d", given.db, "-n", "root", "-t", "CT,C,C")


def test_nss_takes_certificate_key_and_chain_from_a_pfx(given, copies):
    chain = [x509.load_pem_x509_certificate(p.encode()) for p in (given.world.issuing_pem, given.world.root_pem)]
    cert, _path = given.issue(copies["WebServer"], "pfx.contoso.example")
    path = os.path.join(given.dir, "www.pfx")
    with open(path, "wb") as f:
        f.write(pkcs12.serialize_key_and_certificates(b"web", given.key, cert, chain,
                                                      serialization.BestAvailableEncryption(b"a password")))
    run("pk12util", "-i", path, "-d", given.db, "-W", "a password", "-K", "")
    assert re.search(r"^web\s+u,u,u", run("certutil", "-L", "-d", given.db), re.M)
    assert "rsa" in run("certutil", "-K", "-d", given.db)
