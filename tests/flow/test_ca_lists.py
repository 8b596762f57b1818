# SPDX-License-Identifier: Apache-2.0
"""Revocation lists as other people's programs read them: whole lists, deltas and shards; and a restore that keeps
revoked what the last of them name."""

import os
import shutil
import subprocess
import time
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from test_ca_status import CaWorld, curl, fetch_crl, issue, revoke, run, serial_of
from world import wait_for


@pytest.fixture(scope="module", name="world")
def the_world(tmp_path_factory):
    w = CaWorld(tmp_path_factory.mktemp("ca")).setup()
    with open(os.path.join(w.dir, "chain.pem"), "w", encoding="ascii") as f:
        f.write(w.root_pem + w.issuing_pem)
    yield w
    w.close()


def set_shards(world, n):
    world.admin("ca", "ca.set", {"name": "crl.shards", "value": str(n)})


def point_of(cert):
    """The one address that a certificate names for its list."""
    points = cert.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert len(points) == 1
    return points[0].full_name[0].value


def fetch(world, url):
    """The list at an address; certificates name a host that need not exist here."""
    return subprocess.run(["curl", "-sf", world.http_url + urllib.parse.urlsplit(url).path], check=True,
                          capture_output=True, timeout=60).stdout


def in_pem(der, path):
    crl = x509.load_der_x509_crl(der)
    path.write_bytes(crl.public_bytes(serialization.Encoding.PEM))
    return crl


def verify(world, path, *lists):
    with open(os.path.join(world.dir, "lists.pem"), "wb") as f:
        for one in lists:
            f.write(one.read_bytes())
    return run("openssl", "verify", "-x509_strict", "-CAfile", world.root_file, "-untrusted",
               os.path.join(world.dir, "issuing.pem"), "-crl_check", "-CRLfile", os.path.join(world.dir, "lists.pem"),
               path, check=False)


def of_other_shard(world, name, url):
    """A certificate that names another list."""
    for n in range(100):
        path, cert = issue(world, f"{name}{n}")
        if point_of(cert) != url:
            return path, cert
    raise AssertionError(f"all name {url}")


def test_a_shard_judges_its_own_certificates_and_no_others(world, tmp_path):
    set_shards(world, 4)
    path, cert = issue(world, "sharded")
    url = point_of(cert)
    assert "~" in url, url
    _, elsewhere = of_other_shard(world, "elsewhere", url)
    mine, other = tmp_path / "mine", tmp_path / "other"
    crl = in_pem(fetch(world, url), mine)
    in_pem(fetch(world, point_of(elsewhere)), other)
    scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert scope.critical and scope.value.full_name[0].value == url
    assert ": OK" in verify(world, path, mine)
    text = verify(world, path, other)
    assert ": OK" not in text and "scope" in text, text
    revoke(world, cert, "superseded")
    wait_for(lambda: in_pem(fetch(world, url), mine).get_revoked_certificate_by_serial_number(cert.serial_number))
    assert in_pem(fetch(world, point_of(elsewhere)), other).get_revoked_certificate_by_serial_number(
        cert.serial_number) is None
    assert "certificate revoked" in verify(world, path, mine)
    assert ": OK" not in verify(world, path, other)


def test_the_whole_list_is_there_for_who_wants_it(world, tmp_path):
    set_shards(world, 4)
    path, cert = issue(world, "whole")
    everybody = tmp_path / "all"
    in_pem(fetch_crl(world, world.issuing_ca), everybody)
    assert ": OK" in verify(world, path, everybody)
    revoke(world, cert, "superseded")
    wait_for(lambda: in_pem(fetch_crl(world, world.issuing_ca), everybody).get_revoked_certificate_by_serial_number(
        cert.serial_number))
    assert "certificate revoked" in verify(world, path, everybody)


def test_shards_outlive_the_setting_and_a_kill(world, tmp_path):
    set_shards(world, 8)
    path, cert = issue(world, "outlives")
    set_shards(world, 0)
    world.kill("ca", "issuer")
    wait_for(lambda: world.admin("ca", "ca.show"))
    _, plain = issue(world, "plain")
    assert "~" not in point_of(plain)
    revoke(world, cert, "superseded")
    mine = tmp_path / "mine"
    in_pem(fetch(world, point_of(cert)), mine)
    assert "certificate revoked" in verify(world, path, mine)


def test_lists_that_do_not_exist_are_not_found(world):
    name = urllib.parse.quote(world.issuing_ca)
    for file in (f"{name}~9999.crl", f"{name}~1000.crl", f"{name}~0.crl", f"{name}~.crl", f"{name}~x.crl",
                 f"{name}~1+.crl", f"{name}~1~1.crl", "~1.crl"):
        head, _ = curl(f"{world.http_url}/crl/{file}")
        assert " 404 " in head.splitlines()[0], (file, head)


def test_the_administrator_sees_every_list(world):
    set_shards(world, 4)
    _, cert = issue(world, "listed")
    fetch(world, point_of(cert))
    shown = world.cli_json("crl", "list", "--socket", world.socket_of("ca"))["crls"]
    kinds = {c["kind"] for c in shown if c["ca"] == world.issuing_ca}
    assert kinds == {"base", "delta", "shard"}
    assert point_of(cert) in {c["url"] for c in shown}
    assert world.issuing_ca in world.cli("crl", "list", "--socket", world.socket_of("ca")).stdout


# ---- other readers ----

def samples(world, folder):
    """A base, its delta and a shard, each with somebody on it: {name: file in DER}."""
    set_shards(world, 1)
    _, cert = issue(world, f"sample-{time.monotonic_ns()}")
    revoke(world, cert, "superseded")
    found = {}
    for name, get in (("base", lambda: fetch_crl(world, world.issuing_ca)),
                      ("delta", lambda: fetch_crl(world, world.issuing_ca, delta=True)),
                      ("shard", lambda: fetch(world, point_of(cert)))):
        wait_for(lambda g=get: x509.load_der_x509_crl(g()).get_revoked_certificate_by_serial_number(cert.serial_number))
        found[name] = folder / f"{name}.der"
        found[name].write_bytes(get())
    return found, cert


def test_openssl_gnutls_and_python_read_the_same(world, tmp_path):
    issuer = os.path.join(world.dir, "issuing.pem")
    files, cert = samples(world, tmp_path)
    wanted = serial_of(cert).rjust(len(serial_of(cert)) + len(serial_of(cert)) % 2, "0")
    for name, file in files.items():
        crl = x509.load_der_x509_crl(file.read_bytes())
        assert crl.is_signature_valid(x509.load_pem_x509_certificate(world.issuing_pem.encode()).public_key())
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        text = run("openssl", "crl", "-inform", "DER", "-in", str(file), "-CAfile", issuer, "-noout", "-text",
                   "-crlnumber")
        assert "verify OK" in text and wanted.upper() in text, (name, text)
        assert f"crlNumber=0x{number:X}".lower().replace("0x0", "0x") in text.lower().replace("0x0", "0x"), (name, text)
        in_pem(file.read_bytes(), tmp_path / "pem")
        text = run("certtool", "--verify-crl", "--load-ca-certificate", issuer, "--infile", str(tmp_path / "pem"))
        assert "Verified" in text and "ot verified" not in text.lower(), (name, text)
        text = run("certtool", "--crl-info", "--inder", "--infile", str(file))
        assert wanted.lower() in text.lower(), (name, text)


def test_gnutls_heeds_who_is_on_a_shard(world, tmp_path):
    set_shards(world, 1)
    path, cert = issue(world, "gnutls-shard")
    mine = tmp_path / "mine"

    def says():
        in_pem(fetch(world, point_of(cert)), mine)
        return run("certtool", "--verify", "--load-ca-certificate", os.path.join(world.dir, "issuing.pem"),
                   "--load-crl", str(mine), "--infile", path, check=False)
    assert "revoked" not in says()
    revoke(world, cert, "superseded")
    wait_for(lambda: "revoked" in says())


def test_a_list_that_was_changed_is_refused_by_all(world, tmp_path):
    issuer = os.path.join(world.dir, "issuing.pem")
    files, _ = samples(world, tmp_path)
    for name, file in files.items():
        der = bytearray(file.read_bytes())
        der[-3] ^= 1
        file.write_bytes(der)
        assert "verify OK" not in run("openssl", "crl", "-inform", "DER", "-in", str(file), "-CAfile", issuer, "-noout",
                                      check=False), name
        in_pem(bytes(der), tmp_path / "pem")
        assert "Not verified" in run("certtool", "--verify-crl", "--load-ca-certificate", issuer, "--infile",
                                     str(tmp_path / "pem"), check=False), name


@pytest.fixture(name="nss")
def the_nss(world, tmp_path):
    """A database of NSS that trusts our root: runs one of its tools on it."""
    if shutil.which("crlutil") is None:
        pytest.skip("no crlutil")
    db = f"sql:{tmp_path}"

    def tool(name, *args, check=True):
        return run(name, "-d", db, *args, check=check)
    tool("certutil", "-N", "--empty-password")
    tool("certutil", "-A", "-n", "root", "-t", "CT,C,C", "-a", "-i", world.root_file)
    tool("certutil", "-A", "-n", "issuing", "-t", ",,", "-a", "-i", os.path.join(world.dir, "issuing.pem"))
    return tool


def test_nss_takes_our_list_and_refuses_who_is_on_it(world, nss, tmp_path):
    set_shards(world, 0)
    path, cert = issue(world, "nss")
    nss("certutil", "-A", "-n", "leaf", "-t", ",,", "-a", "-i", path)
    base = tmp_path / "base.der"
    base.write_bytes(fetch_crl(world, world.issuing_ca))
    nss("crlutil", "-I", "-i", str(base))
    assert "valid" in nss("certutil", "-V", "-n", "leaf", "-u", "C", "-e")
    revoke(world, cert, "superseded")

    def listed():
        base.write_bytes(fetch_crl(world, world.issuing_ca))
        return x509.load_der_x509_crl(base.read_bytes()).get_revoked_certificate_by_serial_number(cert.serial_number)
    wait_for(listed)
    # NSS tells lists apart by their dates alone; those of a CA that is minutes old begin when it does.
    nss("crlutil", "-D", "-n", "issuing")
    nss("crlutil", "-I", "-i", str(base))
    text = nss("certutil", "-V", "-n", "leaf", "-u", "C", "-e", check=False)
    assert "revoked" in text.lower(), text


def test_nss_does_not_take_a_shard_for_the_whole_list(world, nss, tmp_path):
    files, _ = samples(world, tmp_path)
    for name in ("shard", "delta"):
        assert "CRITICAL_EXTENSION" in nss("crlutil", "-I", "-i", str(files[name]), check=False), name
    nss("crlutil", "-I", "-i", str(files["base"]))


# ---- restore ----

def test_a_restored_ca_keeps_revoked_what_its_last_list_names(world, tmp_path):
    set_shards(world, 0)
    folder = os.path.join(world.dir, "copy")
    socket = world.socket_of("ca")
    path, known = issue(world, "known")
    _, good = issue(world, "good")
    world.cli("ca", "backup", folder, "--socket", socket)
    later_path, later = issue(world, "later")
    revoke(world, known, "superseded")
    revoke(world, later, "affiliationChanged")
    last = tmp_path / "last.crl"

    def both():
        last.write_bytes(fetch_crl(world, world.issuing_ca))
        crl = x509.load_der_x509_crl(last.read_bytes())
        return all(crl.get_revoked_certificate_by_serial_number(c.serial_number) for c in (known, later))
    wait_for(both)
    bad = tmp_path / "bad.crl"
    bad.write_bytes(last.read_bytes()[:-1])
    world.stop("ca")
    state = world.state_dir("ca")
    for name in ("ca.db", "ca.db-wal", "ca.db-shm"):
        if os.path.exists(os.path.join(state, name)):
            os.unlink(os.path.join(state, name))
    shutil.rmtree(os.path.join(state, "keys"))
    refused = world.cli("ca", "restore", folder, "--crl", str(bad), "--state-dir", state, "--socket", socket,
                        check=False)
    assert refused.returncode != 0 and "revocation list cannot be read" in refused.stderr, refused
    assert not os.path.exists(os.path.join(state, "restore"))
    world.cli("ca", "restore", folder, "--crl", str(last), "--state-dir", state, "--socket", socket)
    world.start("ca")
    wait_for(lambda: os.path.exists(socket) and world.admin("ca", "ca.show"))

    def answer(file):
        return run("openssl", "ocsp", "-issuer", os.path.join(world.dir, "issuing.pem"), "-cert", file, "-url",
                   f"{world.http_url}/ocsp", "-CAfile", os.path.join(world.dir, "chain.pem"), check=False)
    assert "known.pem: revoked" in answer(path) and "superseded" in answer(path)
    assert "later.pem: revoked" in answer(later_path) and "affiliationChanged" in answer(later_path)
    crl = x509.load_der_x509_crl(fetch_crl(world, world.issuing_ca))
    assert crl.get_revoked_certificate_by_serial_number(good.serial_number) is None
    for cert in (known, later):
        then = x509.load_der_x509_crl(last.read_bytes()).get_revoked_certificate_by_serial_number(cert.serial_number)
        now = crl.get_revoked_certificate_by_serial_number(cert.serial_number)
        assert now.revocation_date_utc == then.revocation_date_utc if hasattr(now, "revocation_date_utc") else (
            now.revocation_date == then.revocation_date)

    def number(one):
        return one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number(crl) > number(x509.load_der_x509_crl(last.read_bytes()))
    assert "Known only from CRL" in world.cli("cert", "show", serial_of(later), "--socket", socket).stdout
    assert "unknown=1" in world.cli("journal", "list", "--event", "crl-taken-over", "--socket", socket).stdout
