# SPDX-License-Identifier: Apache-2.0
"""The simulated Windows machine refuses what a real one would: its own test, without any of our programs."""

import base64
import datetime
import hashlib
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from world import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from windows import Refused, Session, WindowsDevice  # noqa: E402  pylint: disable=wrong-import-position
from windows_csp import Failed, Held, Tree  # noqa: E402  pylint: disable=wrong-import-position
from windows_scep import alternative_names, x500  # noqa: E402  pylint: disable=wrong-import-position

PFX = "./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/a"
SCEP = "./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/a"
TRUST = "./Device/Vendor/MSFT/RootCATrustedCertificates"


def certificate(key, name="test"):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime(2026, 1, 1)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=3650))
            .sign(key, hashes.SHA256()))


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def tree(key):
    t = Tree({"DevInfo/Man": "Example", "Vendor/MSFT/DeviceStatus/NetworkIdentifiers/AA/Type": "2"})
    t.identity = Held(certificate(key, "identity"), key)
    t.provider = "P"
    return t


def pfx(key, password=b"secret"):
    return base64.b64encode(pkcs12.serialize_key_and_certificates(
        b"x", key, certificate(key), None, serialization.BestAvailableEncryption(password))).decode()


def sealed(tree, tmp_path, password=b"secret"):
    pem = tmp_path / "to.pem"
    pem.write_bytes(tree.identity.cert.public_bytes(serialization.Encoding.PEM))
    return base64.b64encode(subprocess.run(
        ["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-cbc", str(pem)], input=password,
        check=True, capture_output=True).stdout).decode()


def install(tree, blob, password, location="3", kind="1", exportable="false", **more):
    nodes = {"KeyLocation": ("int", location), "PFXKeyExportable": ("bool", exportable),
             "PFXCertPasswordEncryptionType": ("int", kind), "PFXCertPassword": ("chr", password), **more,
             "PFXCertBlob": ("chr", blob)}
    for name, (fmt, value) in nodes.items():
        if value is not None:
            tree.run("Add", f"{PFX}/{name}", fmt, value)


def fails(status, hresult, call, *args, **more):
    with pytest.raises(Failed) as caught:
        call(*args, **more)
    assert (caught.value.status, caught.value.hresult) == (status, hresult), caught.value


def test_facts_are_read_and_not_written(tree):
    assert tree.run("Get", "./DevInfo/Man") == "Example"
    assert tree.run("Get", "./Vendor/MSFT/DeviceStatus/NetworkIdentifiers") == "AA"
    assert tree.run("Get", "./Device/Vendor/MSFT/DeviceStatus/NetworkIdentifiers/AA/Type") == "2"
    fails(404, 0, tree.run, "Get", "./DevInfo/Nothing")
    fails(405, 0, tree.run, "Replace", "./DevInfo/Man", "chr", "x")
    fails(404, 0, tree.run, "Get", "DevInfo/Man")


def test_trusted_certificates_lie_under_their_hash(tree, key):
    der = certificate(key).public_bytes(serialization.Encoding.DER)
    name, text = hashlib.sha1(der).hexdigest().upper(), base64.b64encode(der).decode()
    node = f"{TRUST}/Root/{name}"
    fails(500, 0x80070057, tree.run, "Add", f"{TRUST}/Root/{'0' * 40}/EncodedCertificate", "b64", text)
    fails(500, 0x80070057, tree.run, "Add", f"{node}/EncodedCertificate", "b64", text[:64] + "\n" + text[64:])
    fails(404, 0, tree.run, "Add", f"./User/Vendor/MSFT/RootCATrustedCertificates/Root/{name}/EncodedCertificate",
          "b64", text)
    tree.run("Add", f"{node}/EncodedCertificate", "b64", text)
    fails(418, 0, tree.run, "Add", f"{node}/EncodedCertificate", "b64", text)
    tree.run("Replace", f"{node}/EncodedCertificate", "b64", text)
    assert tree.run("Get", f"{node}/EncodedCertificate") == text and tree.run("Get", f"{TRUST}/Root") == name
    tree.run("Delete", node)
    fails(404, 0, tree.run, "Delete", node)


def test_a_pfx_is_imported_with_a_sealed_password(tree, key, tmp_path):
    install(tree, pfx(key), sealed(tree, tmp_path))
    held = tree.held()["a"]
    assert tree.run("Get", PFX + "/Thumbprint") == held.sha1 and tree.run("Get", PFX + "/Status") == "0"
    assert not held.exportable
    fails(418, 0, tree.run, "Add", PFX + "/PFXCertBlob", "chr", pfx(key))
    tree.run("Delete", PFX)
    fails(404, 0, tree.run, "Get", PFX + "/Thumbprint")


def test_a_pfx_that_does_not_open_is_not_imported(tree, key, tmp_path):
    fails(500, 0x80070056, install, tree, pfx(key), sealed(tree, tmp_path, b"wrong"))
    tree.pfx["Device"].clear()
    other = Tree({})
    other.identity = Held(certificate(k := rsa.generate_private_key(public_exponent=65537, key_size=2048)), k)
    fails(500, 0x80090005, install, tree, pfx(key), sealed(other, tmp_path))
    assert not tree.held()
    # Windows before 1709 knows no PBES2.
    tree.pfx["Device"].clear()
    tree.modern = False
    fails(500, 0x80070056, install, tree, pfx(key), sealed(tree, tmp_path))


def test_keys_in_a_chip_are_small_and_never_exportable(tree, key, tmp_path):
    password = sealed(tree, tmp_path)
    for location in "124":
        fails(500, 0x80070057, install, tree, pfx(key), password, location=location, exportable=None)
        tree.pfx["Device"].clear()
    big = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    fails(500, 0x80090029, install, tree, pfx(big), password, location="1")
    tree.pfx["Device"].clear()
    fails(500, 0x80090016, install, tree, pfx(key), password, location="4")
    tree.pfx["Device"].clear()
    tree.tpm = False
    fails(500, 0x80090029, install, tree, pfx(key), password, location="1")
    tree.pfx["Device"].clear()
    install(tree, pfx(key), password, location="2")
    assert tree.held()["a"].provider == "software"


def test_formats_are_those_of_the_nodes(tree):
    fails(415, 0, tree.run, "Add", PFX + "/KeyLocation", "chr", "3")
    fails(415, 0, tree.run, "Add", PFX + "/PFXKeyExportable", "chr", "false")
    fails(500, 0x80070057, tree.run, "Add", PFX + "/PFXKeyExportable", "bool", "no")
    fails(404, 0, tree.run, "Replace", PFX + "/KeyLocation", "int", "3")
    fails(404, 0, tree.run, "Add", PFX + "/Unknown", "chr", "3")


def test_nodes_of_the_user_exist_while_somebody_is_signed_in(tree):
    tree.signed_in = False
    fails(404, 0x86000005, tree.run, "Get", PFX.replace("./Device", "./User"))


SCEP_NODES = {"ServerURL": "https://h/scep", "Challenge": "x", "EKUMapping": "1.3.6.1.5.5.7.3.2", "KeyUsage": "160",
              "SubjectName": "CN=x", "KeyLength": "2048", "HashAlgorithm": "SHA-2", "CAThumbprint": "A" * 40}


@pytest.mark.parametrize("change", [
    {"KeyLength": "3072"}, {"KeyLength": "4096", "KeyProtection": "2"}, {"CAThumbprint": "x"}, {"HashAlgorithm": "MD5"},
    {"EKUMapping": "clientAuth"}, {"KeyUsage": "4"}, {"SubjectAlternativeNames": "5+x"}, {"Challenge": None},
    {"KeyProtection": "4"}])
def test_enrol_is_refused_when_a_node_is_wrong_or_missing(tree, change):
    tree.run("Add", SCEP, "node")
    for name, value in {**SCEP_NODES, **change}.items():
        if value is not None:
            tree.run("Add", f"{SCEP}/Install/{name}",
                     "int" if name in ("KeyUsage", "KeyLength", "KeyProtection") else "chr", value)
    with pytest.raises(Failed):
        tree.run("Exec", f"{SCEP}/Install/Enroll")
    assert not tree.enrolling


def test_enrol_starts_and_is_pending(tree):
    tree.run("Add", SCEP, "node")
    for name, value in SCEP_NODES.items():
        tree.run("Add", f"{SCEP}/Install/{name}", "int" if name.startswith("Key") else "chr", value)
    tree.run("Exec", f"{SCEP}/Install/Enroll")
    assert tree.run("Get", SCEP + "/Status") == "2" and tree.enrolling == [("Device", "a")]
    fails(404, 0, tree.run, "Get", SCEP + "/CertThumbprint")
    # The challenge is gone soon after.
    fails(404, 0, tree.run, "Get", SCEP + "/Install/Challenge")


def test_names_are_read_as_windows_reads_them():
    assert x500('CN="a, ""b""",O=c').rfc4514_string() == 'O=c,CN=a\\, \\"b\\"'
    assert len(alternative_names("11+a@b;3+h;7+https://x;2+m@b")) == 4
    for text in ('CN="a', "CN", "XX=1", 'CN=a"b', "CN=a=b"):
        with pytest.raises(Failed):
            x500(text)


# Messages

def machine(tmp_path):
    d = WindowsDevice("https://mdm.example.test", None, tmp_path, "ada@example.test")
    d.addr, d.session_id = "https://mdm.example.test/m", 5
    return d


HEAD = """<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>{session}</SessionID><MsgID>1</MsgID>
<Target><LocURI>{device}</LocURI></Target><Source><LocURI>https://mdm.example.test/m</LocURI></Source></SyncHdr>"""
HEADER_STATUS = ("<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>"
                 "<Data>200</Data></Status>")
ALERT_STATUS = "<Status><CmdID>2</CmdID><MsgRef>1</MsgRef><CmdRef>2</CmdRef><Cmd>Alert</Cmd><Data>200</Data></Status>"
GET = "<Get><CmdID>{n}</CmdID><Item><Target><LocURI>./DevInfo/Man</LocURI></Target></Item></Get>"


def server_says(d, body, session="5", final="<Final/>"):
    return ET.fromstring(f'<SyncML xmlns="SYNCML:SYNCML1.2">{HEAD.format(session=session, device=d.device_id)}'
                         f"<SyncBody>{body}{final}</SyncBody></SyncML>")


def obey(d, body, **more):
    return d.obey(server_says(d, body, **more), 1, {"2": "Alert"}, Session())


def test_a_message_in_order_is_obeyed(tmp_path):
    d = machine(tmp_path)
    statuses, results = obey(d, HEADER_STATUS + ALERT_STATUS + GET.format(n=3))
    assert [s[:3] for s in statuses] == [("0", "SyncHdr", 200), ("3", "Get", 200)] and results[0][2] == "Example"
    assert obey(d, HEADER_STATUS + ALERT_STATUS) == ([], [])


@pytest.mark.parametrize("body,more", [
    (ALERT_STATUS, {}),                                          # no status of the header
    (HEADER_STATUS, {}),                                         # none of our alert
    (HEADER_STATUS + ALERT_STATUS + GET.format(n=2), {}),        # a number twice
    (HEADER_STATUS + ALERT_STATUS + GET.format(n=0), {}),
    (HEADER_STATUS + GET.format(n=3) + ALERT_STATUS, {}),        # a status after a command
    (HEADER_STATUS + ALERT_STATUS, {"session": "6"}),
    (HEADER_STATUS + ALERT_STATUS, {"final": ""}),
    (HEADER_STATUS + ALERT_STATUS + "<Copy><CmdID>3</CmdID></Copy>", {}),
    (HEADER_STATUS + ALERT_STATUS + "<Get><CmdID>3</CmdID></Get>", {}),
    (HEADER_STATUS + ALERT_STATUS + GET.format(n=3).replace(
        "</Target>", "</Target><Meta><Format>chr</Format></Meta>"), {})])
def test_a_message_out_of_order_is_not(tmp_path, body, more):
    with pytest.raises(Refused):
        obey(machine(tmp_path), body, **more)


def test_the_stores_of_certificates_are_nodes_of_the_device(tree, key, tmp_path):
    install(tree, pfx(key), sealed(tree, tmp_path))
    node = f"CertificateStore/MY/System/{tree.held()['a'].sha1}/EncodedCertificate"
    assert tree.run("Get", "./Device/Vendor/MSFT/" + node) == tree.run("Get", "./Vendor/MSFT/" + node)
    fails(404, 0, tree.run, "Get", "./User/Vendor/MSFT/" + node)
    fails(404, 0, tree.run, "Get", "./User/Vendor/MSFT/" + node.replace("System", "User"))
    fails(405, 0, tree.run, "Delete", "./Device/Vendor/MSFT/" + node)
    tree.signed_in = False
    fails(404, 0, tree.run, "Get", "./Device/Vendor/MSFT/" + node.replace("System", "User"))


PIECE_STATUS = "<Status><CmdID>2</CmdID><MsgRef>1</MsgRef><CmdRef>3</CmdRef><Cmd>Results</Cmd><Data>213</Data></Status>"
NEXT = "<Alert><CmdID>3</CmdID><Data>1222</Data></Alert>"


def test_a_large_object_is_sent_in_pieces(tmp_path):
    d = machine(tmp_path)
    whole = [("0", "SyncHdr", 200, 0)], [("5", "./a", "1234567"), ("6", "./b", "89")]
    assert d.parts(*whole) == [(whole[0], [("5", "./a", "1234567", False), ("6", "./b", "89", False)], [])]
    d.piece = 3
    assert [part[1] for part in d.parts(*whole)] == [
        [("5", "./a", "123", True)], [("5", "./a", "456", True)], [("5", "./a", "7", False), ("6", "./b", "89", False)]]
    following = ([], [], [])
    d.wants_more(server_says(d, HEADER_STATUS + PIECE_STATUS + NEXT), 1, {"3": "Results"}, following)
    assert following[0] == [("3", "Alert", 200, 0, 1)]


@pytest.mark.parametrize("body", [
    HEADER_STATUS + PIECE_STATUS, HEADER_STATUS + NEXT, HEADER_STATUS + PIECE_STATUS.replace("213", "200") + NEXT,
    HEADER_STATUS + PIECE_STATUS + NEXT.replace("1222", "1223"), HEADER_STATUS + PIECE_STATUS + NEXT + GET.format(n=4)])
def test_who_does_not_ask_for_the_next_piece_is_refused(tmp_path, body):
    d = machine(tmp_path)
    with pytest.raises(Refused):
        d.wants_more(server_says(d, body), 1, {"3": "Results"}, ([], [], []))


def put(n, node, fmt, value, verb="Add"):
    return (f"<{verb}><CmdID>{n}</CmdID><Item><Target><LocURI>{PFX}/{node}</LocURI></Target><Meta>"
            f'<Format xmlns="syncml:metinf">{fmt}</Format></Meta><Data>{value}</Data></Item></{verb}>')


def test_an_atomic_is_taken_back_as_a_whole(tmp_path):
    d = machine(tmp_path)
    body = ("<Atomic><CmdID>3</CmdID>" + put(4, "KeyLocation", "int", "3") + put(5, "PFXCertBlob", "chr", "!!") +
            put(6, "PFXCertPassword", "chr", "x") + "</Atomic>")
    statuses, _ = obey(d, HEADER_STATUS + ALERT_STATUS + body)
    assert [(s[0], s[2]) for s in statuses[1:]] == [("3", 507), ("4", 216), ("5", 500), ("6", 215)]
    assert not d.tree.pfx["Device"]


def test_an_atomic_with_a_get_fails_and_one_node_is_touched_one_way(tmp_path):
    d = machine(tmp_path)
    statuses, _ = obey(d, HEADER_STATUS + ALERT_STATUS + "<Atomic><CmdID>3</CmdID>" + GET.format(n=4) + "</Atomic>")
    assert [(s[0], s[2]) for s in statuses[1:]] == [("3", 500)]
    with pytest.raises(Refused):
        obey(d, HEADER_STATUS + ALERT_STATUS + "<Atomic><CmdID>3</CmdID>" + put(4, "KeyLocation", "int", "3") +
             put(5, "KeyLocation", "int", "3", "Replace") + "</Atomic>")
