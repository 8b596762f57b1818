# SPDX-License-Identifier: Apache-2.0
"""Windows 11 as it is: enrolment, sessions, delivery, renewal and leaving, by a simulator written from the
protocols."""

import datetime
import hashlib
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse
import xml.etree.ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from world import ROOT, ApiError, b64, pem_blocks, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from windows import PKCS10, Fault, Refused, WindowsDevice  # noqa: E402  pylint: disable=wrong-import-position
from wns import Wns  # noqa: E402  pylint: disable=wrong-import-position


LONG = os.environ.get("CHANCERY_LONG") == "1"


@pytest.fixture(scope="module")
def ada(world):
    # The service hears of the key with the connector's next poll: early enough for the test that needs it.
    world.cli("pfx", "key", "create", "main", "--bits", "2048", "--socket", world.socket_of("connector"))
    return world.add_user("ada@contoso.example", mail="ada@contoso.example")


def machine(world, tmp_path, name="PC-7", upn="ada@contoso.example", **more):
    return WindowsDevice(world.device_url, world.root_file, tmp_path / name, upn, name=name, **more)


def test_a_person_enrols_with_name_and_code(world, ada, tmp_path):
    d = machine(world, tmp_path, macs=[("001122334455", 1)])
    assert d.discover(auth=("OnPremise", "Certificate"))["AuthPolicy"] == "OnPremise"
    d.enrol(world.code(ada))
    assert d.policy_hash == "2.16.840.1.101.3.4.2.1"
    assert d.tree.dmclient["UPN"] == "ada@contoso.example"
    device = world.api("GET", f"/beta/deviceManagement/managedDevices/{d.tree.dmclient['EntDMID']}")
    assert device["operatingSystem"] == "Windows" and device["deviceName"] == "PC-7"


def test_a_person_enrols_by_the_page(world, ada, tmp_path):
    d = machine(world, tmp_path, "PC-8")
    assert d.discover()["AuthPolicy"] == "Federated"
    d.enrol_federated({"code": world.code(ada)}, kind="Device")
    first = d.tree.identity.sha1
    # A renewal does not say whose store it is for; the machine looks in the one that the enrolment named. Its content
    # goes by either of two names.
    d.renew()
    second = d.tree.identity.sha1
    d.pkcs7 = PKCS10.replace("#PKCS10", "#PKCS7")
    d.renew()
    assert len({first, second, d.tree.identity.sha1}) == 3
    d.session()


def test_a_wrong_code_is_an_authentication_fault(world, ada, tmp_path):
    d = machine(world, tmp_path, "PC-9")
    with pytest.raises(Fault) as caught:
        d.discover(auth=("Certificate",))
    assert caught.value.hresult == 0x80180015
    d.discover(auth=("OnPremise",))
    for password in ("wrong", "AAAAA-AAAAA-AAAAA-AAAAA"):
        with pytest.raises(Fault) as caught:
            d.enrol(password)
        assert caught.value.hresult == 0x80180002
    code = world.code(ada)
    d.upn = "bob@contoso.example"
    with pytest.raises(Fault) as caught:
        d.enrol(code)
    assert caught.value.hresult == 0x80180002


ROOT_TYPE = "#microsoft.graph.windows81TrustedRootCertificate"


def enrolled(world, user, tmp_path, name, kind="Full", **more):
    d = machine(world, tmp_path, name, **more)
    d.discover(auth=("OnPremise",))
    d.enrol(world.code(user), kind=kind)
    d.id = d.tree.dmclient["EntDMID"]
    return d


def add_root(world, name, pem=None, store="computerCertStoreRoot"):
    return world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": ROOT_TYPE, "displayName": name, "certFileName": "root.cer", "destinationStore": store,
        "trustedRootCertificate": b64((pem or world.root_pem).encode())})


def sha1(pem):
    return hashlib.sha1(pem_blocks(pem)[0]).hexdigest().upper()


def slot(world, d, profile):
    found = world.slots(device=d.id, profile=profile["id"])
    return found[0] if found else None


def test_trusted_certificates_go_to_the_store_that_the_profile_names(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-10", macs=[("00:11:22:33:44:AA", 1), ("00:11:22:33:44:BB", 2)],
                 imeis=["490154203237518"], domain="contoso.example", serial="SN-10")
    group = world.add_group("windows roots", ada)
    profiles = {store: add_root(world, f"root {store}", pem, store) for store, pem in (
        ("computerCertStoreRoot", world.issuing_pem), ("computerCertStoreIntermediate", world.issuing_pem),
        ("userCertStoreIntermediate", world.identity_pem))}
    d.tree.forget_all()
    for p in profiles.values():
        world.assign(p, group)
    d.tree.signed_in = False
    d.session()
    assert list(d.tree.roots("Root")) == [sha1(world.issuing_pem)] == list(d.tree.roots("CA"))
    assert slot(world, d, profiles["computerCertStoreRoot"])["state"] == "installed"
    assert slot(world, d, profiles["userCertStoreIntermediate"])["state"] != "installed"
    d.tree.signed_in = True
    wait_for(lambda: d.session() and d.tree.roots("CA", "User"), step=1, why="the user's certificate")
    assert slot(world, d, profiles["userCertStoreIntermediate"])["state"] == "installed"
    # Facts, the kind of each network adapter among them.
    device = world.api("GET", f"/beta/deviceManagement/managedDevices/{d.id}")
    assert device["serialNumber"] == "SN-10" and device["wiFiMacAddress"].replace(":", "") == "0011223344BB"
    assert device["imei"] == "490154203237518" and device["osVersion"] == "10.0.22631.2861"
    # Nothing to do: two messages, only questions.
    idle = d.session()
    assert idle.messages == 2 and {v for v, _, _ in idle.commands} == {"Get"}
    # Removed by hand on the device: it comes back.
    d.tree.trust["Device", "Root"].clear()
    d.session()
    assert list(d.tree.roots("Root")) == [sha1(world.issuing_pem)]
    # No longer due: it goes, and nothing else.
    world.assign(profiles["computerCertStoreRoot"])
    d.session()
    assert not d.tree.roots("Root") and d.tree.roots("CA") and d.tree.roots("CA", "User")


def test_what_the_enrolment_brought_does_not_go_with_a_profile(world, tmp_path):
    user = world.add_user("own@contoso.example", mail="own@contoso.example")
    d = enrolled(world, user, tmp_path, "PC-34", upn="own@contoso.example")
    own = list(d.tree.roots("Root"))
    assert own == [sha1(world.root_pem)]
    group = world.add_group("windows own root", user)
    # The same certificate, which the machine trusts already for talking to the service; and another.
    profiles = [add_root(world, f"own {i}", pem) for i, pem in enumerate((world.root_pem, world.issuing_pem))]
    for p in profiles:
        world.assign(p, group)
    d.session()
    assert [slot(world, d, p)["state"] for p in profiles] == ["installed", "installed"]
    for p in profiles:
        world.assign(p)
    d.session()
    assert list(d.tree.roots("Root")) == own
    assert not [s for s in world.slots(device=d.id) if s["state"] == "installed"]
    idle = d.session()
    assert idle.messages == 2 and {v for v, _, _ in idle.commands} == {"Get"}


def test_another_certificate_under_the_name_is_replaced(world, tmp_path):
    user = world.add_user("name@contoso.example", mail="name@contoso.example")
    d = enrolled(world, user, tmp_path, "PC-35", upn="name@contoso.example")
    root = add_root(world, "under its name", world.issuing_pem, "computerCertStoreIntermediate")
    d.tree.trust["Device", "CA"][sha1(world.issuing_pem)] = x509.load_pem_x509_certificate(world.identity_pem.encode())
    world.assign(root, world.add_group("windows replaced", user))
    done = d.session()
    node = f"./Device/Vendor/MSFT/RootCATrustedCertificates/CA/{sha1(world.issuing_pem)}/EncodedCertificate"
    assert [c for c in done.commands if c[1] == node and c[0] != "Get"] == [("Add", node, 418), ("Replace", node, 200)]
    assert slot(world, d, root)["state"] == "installed"
    assert d.tree.roots("CA")[sha1(world.issuing_pem)] == pem_blocks(world.issuing_pem)[0]
    world.assign(root)


def self_signed(name):
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=365))
            .add_extension(x509.BasicConstraints(True, None), True)
            .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())


def test_a_machine_of_very_many_certificates_is_served_like_any(world, tmp_path):
    user = world.add_user("many@contoso.example", mail="many@contoso.example")
    group, many = world.add_group("windows many", user), 130
    profiles = [add_root(world, f"many {i}", self_signed(f"many {i}"), "computerCertStoreIntermediate")
                for i in range(many)]
    for p in profiles:
        world.assign(p, group)
    d = enrolled(world, user, tmp_path, "PC-38", upn="many@contoso.example")
    d.tree.forget_all()
    d.session()
    assert len(d.tree.roots("CA")) == many
    assert [s["state"] for s in world.slots(device=d.id)] == ["installed"] * many
    # As many questions are asked in two messages, and nothing else.
    idle = d.session()
    assert idle.messages == 3 and {v for v, _, _ in idle.commands} == {"Get"}


PKCS_TYPE = "#microsoft.graph.windows10PkcsCertificateProfile"


def add_pkcs(world, name, **more):
    body = {
        "@odata.type": PKCS_TYPE, "displayName": name, "renewalThresholdPercentage": 20,
        "certificateValidityPeriodScale": "years", "certificateValidityPeriodValue": 1,
        "certificationAuthority": world.host, "certificationAuthorityName": world.issuing_ca,
        "certificateTemplateName": "ChanceryUser", "subjectNameFormat": "custom",
        "subjectNameFormatString": "CN={{UserName}},E={{EmailAddress}},O=Contoso",
        "keyStorageProvider": "useSoftwareKsp",
        "customSubjectAlternativeNames": [{"sanType": "userPrincipalName", "name": "{{UserPrincipalName}}"}],
        "certificateStore": "user",
        "extendedKeyUsages": [{"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}]}
    body.update(more)
    return world.api("POST", world.CONFIGURATIONS, body)


UNENROL = ("Exec", "./Device/Vendor/MSFT/DMClient/Provider/Chancery/Unenroll", 200)


def let_go(d):
    """Its identity opens nothing any more, although somebody kept it: it is told to leave, as often as it comes."""
    for _ in range(2):
        d.addr = d.last_addr
        assert d.session().commands == [UNENROL] and d.addr is None
    with pytest.raises(Fault) as caught:
        d.renew()
    assert caught.value.hresult == 0x80180003


def until_held(d, scope, n=1, seconds=40):
    return wait_for(lambda: d.session() and len(d.tree.held(scope)) == n and d.tree.held(scope), seconds, 0.3,
                    why=f"{n} identities in the store of {scope}")


def until_stands(world, d, profile, state="installed"):
    """The slot, once the machine has said so."""
    def stands():
        s = slot(world, d, profile)
        return s if s is not None and s["state"] == state else None
    return stands() or wait_for(lambda: d.session() and stands(), step=0.3, why=f"{state}: {profile['displayName']}")


def test_a_key_is_delivered_as_pfx_under_a_password_sealed_to_the_device(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-11")
    group = world.add_group("windows pkcs", ada)
    profile = add_pkcs(world, "Windows Wi-Fi")
    world.assign(profile, group)
    held = list(until_held(d, "User").values())[0]
    assert held.cert.subject.rfc4514_string().startswith("CN=ada,")
    assert not held.exportable and held.provider == "software"
    # The chain comes along, without the root.
    assert [c.public_bytes(serialization.Encoding.DER) for c in held.chain] == pem_blocks(world.issuing_pem)
    d.session()
    assert slot(world, d, profile)["state"] == "installed"
    idle = d.session()
    assert idle.messages == 2 and {v for v, _, _ in idle.commands} == {"Get"}
    # Deleted on the device: it comes back, without a new certificate being issued.
    before = len(world.user_certificates())
    d.tree.pfx["User"].clear()
    until_held(d, "User")
    # Another content: the new one is there before the old one goes.
    world.api("PATCH", f"{world.CONFIGURATIONS}/{profile['id']}", {
        "@odata.type": PKCS_TYPE, "subjectNameFormatString": "CN={{UserName}},O=Contoso,OU=New"})
    wait_for(lambda: d.session() and any(
        "New" in h.cert.subject.rfc4514_string() for h in d.tree.held("User").values()),
             40, 0.3, why="the new certificate")
    wait_for(lambda: d.session() and len(d.tree.held("User")) == 1, 40, 0.3, why="the end of the old one")
    assert len(world.user_certificates()) >= before + 1
    # No longer due: key and certificate go.
    world.assign(profile)
    d.session()
    assert not d.tree.pfx["User"]


def test_a_key_on_a_curve_goes_to_software(world, tmp_path):
    user = world.add_user("curve@contoso.example", mail="curve@contoso.example")
    world.admin("ca", "template.duplicate", {
        "source": "User", "name": "WindowsCurves", "display_name": "Windows Curves", "supply_in_request": True,
        "order_required": True, "key_algorithms": ["rsa", "p256"]})
    world.grant("connector", "WindowsCurves")
    curve = {"@chancery.keyAlgorithm": "p256", "certificateTemplateName": "WindowsCurves"}
    profile = add_pkcs(world, "curve", **{**curve, "keyStorageProvider": "useTpmKspOtherwiseUseSoftwareKsp"})
    world.assign(profile, world.add_group("windows curve", user))
    d = enrolled(world, user, tmp_path, "PC-29", upn="curve@contoso.example")
    held = list(until_held(d, "User").values())[0]
    assert held.provider == "software" and held.key.curve.name == "secp256r1"
    d.session()
    assert slot(world, d, profile)["state"] == "installed"
    for chip in ("useTpmKspOtherwiseFail", "usePassportForWorkKspOtherwiseFail"):
        with pytest.raises(ApiError, match="no key on a curve is put into a TPM"):
            add_pkcs(world, "chip", **{**curve, "keyStorageProvider": chip})


def test_an_importer_of_old_gets_a_file_that_it_opens(world, tmp_path):
    user = world.add_user("old@contoso.example", mail="old@contoso.example")
    profile = add_pkcs(world, "old importer")
    world.assign(profile, world.add_group("windows old", user))
    d = enrolled(world, user, tmp_path, "PC-28", upn="old@contoso.example", os_version="10.0.15063.0", modern=False)
    until_held(d, "User")
    d.session()
    assert slot(world, d, profile)["state"] == "installed"


def test_keys_go_where_the_profile_says_and_the_device_can(world, tmp_path):
    tpm, plain = world.add_user("tpm@contoso.example"), world.add_user("plain@contoso.example")
    group = world.add_group("windows key storage", tpm, plain)
    kinds = {"useTpmKspOtherwiseUseSoftwareKsp": "or", "useTpmKspOtherwiseFail": "only", "useSoftwareKsp": "soft",
             "usePassportForWorkKspOtherwiseFail": "hello"}
    profiles = {short: add_pkcs(world, f"keys {short}", keyStorageProvider=kind,
                                subjectNameFormatString="CN={{DeviceName}}",
                                certificateStore="user" if short == "hello" else "machine",
                                customSubjectAlternativeNames=[])
                for kind, short in kinds.items()}
    for p in profiles.values():
        world.assign(p, group)
    with_tpm = enrolled(world, tpm, tmp_path, "PC-12", upn="tpm@contoso.example")
    without = enrolled(world, plain, tmp_path, "PC-13", upn="plain@contoso.example", tpm=False)
    until_held(with_tpm, "Device", 3)
    until_held(without, "Device", 2)
    assert sorted(h.provider for h in with_tpm.tree.held().values()) == ["software", "tpm", "tpm"]
    assert [h.provider for h in without.tree.held().values()] == ["software", "software"]
    for d, short, fault, code in ((with_tpm, "hello", "device-hello", "0x80090016"),
                                  (without, "only", "device-no-hardware", "0x80090029"),
                                  (without, "hello", "device-hello", "0x80090016")):
        s = until_stands(world, d, profiles[short], "failed")
        assert s["fault"] == fault, s
        assert code in str(world.timeline(s)), s
    until_stands(world, with_tpm, profiles["only"])
    until_stands(world, without, profiles["or"])


def test_a_small_message_size_is_kept_to(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-14", max_message=6000)
    # What it shows comes in pieces, too.
    d.piece = 900
    group = world.add_group("windows small", ada)
    profiles = [add_root(world, f"small {i}", pem, store) for i, (pem, store) in enumerate(
        (pem, store) for pem in (world.root_pem, world.issuing_pem, world.identity_pem)
        for store in ("computerCertStoreIntermediate", "userCertStoreIntermediate"))]
    for p in profiles:
        world.assign(p, group)
    done = d.session()
    assert done.largest <= 6000 and done.messages > 4
    assert len(d.tree.roots("CA")) == 3 == len(d.tree.roots("CA", "User"))
    # Two profiles with the same certificate: it stays until both are gone.
    twin = add_root(world, "twin", world.root_pem, "computerCertStoreIntermediate")
    world.assign(twin, group)
    d.session()
    assert slot(world, d, twin)["state"] == "installed"
    world.assign(profiles[0])
    d.session()
    d.session()
    assert sha1(world.root_pem) in d.tree.roots("CA")
    world.assign(twin)
    d.session()
    d.session()
    assert sha1(world.root_pem) not in d.tree.roots("CA")


def test_the_identity_is_renewed_with_the_old_certificate(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-15")
    d.session()
    old = d.tree.identity.sha1
    d.renew()
    assert d.tree.identity.sha1 != old
    d.session()
    # What is sealed from now on is sealed to the new key.
    profile = add_pkcs(world, "after renewal")
    world.assign(profile, world.add_group("windows renewed", ada))
    until_held(d, "User")
    world.assign(profile)


def test_what_was_sealed_to_the_identity_before_is_sealed_anew(world, tmp_path):
    user = world.add_user("meanwhile@contoso.example", mail="meanwhile@contoso.example")
    profile = add_pkcs(world, "renewed meanwhile")
    world.assign(profile, world.add_group("windows meanwhile", user))
    d = enrolled(world, user, tmp_path, "PC-36", upn="meanwhile@contoso.example")
    exchange = d.exchange

    def renewed(connection, text, done):
        root = exchange(connection, text, done)
        if b"PFXCertBlob" in ET.tostring(root):
            d.exchange = exchange
            d.renew()
        return root
    d.exchange = renewed
    wait_for(lambda: d.session() and d.exchange is exchange, 30, 0.3, why="a key that was sealed")
    s = slot(world, d, profile)
    assert not d.tree.held("User") and s["fault"] == "device-cannot-decrypt" and "0x80090005" in str(world.timeline(s))
    # It is tried again after a minute.
    if LONG:
        until_held(d, "User", seconds=120)
        d.session()
        assert slot(world, d, profile)["state"] == "installed"
    world.assign(profile)


def test_a_device_does_not_fill_the_authority_with_new_identities(world, ada, tmp_path, monkeypatch):
    d, other = (enrolled(world, ada, tmp_path, n) for n in ("PC-32", "PC-33"))
    # The same key each time: its making is not what counts.
    monkeypatch.setattr(rsa, "generate_private_key", lambda **_: d.tree.identity.key)
    made, day, held = 0, time.time() // 86400, None
    with pytest.raises(Fault) as caught:
        while made <= 48:
            held = d.tree.identity.sha1
            d.renew()
            made += 1
    assert d.tree.identity.sha1 == held and caught.value.hresult == 0x80180016
    assert made == 24 or time.time() // 86400 != day and made > 24, "at midnight the count begins anew"
    monkeypatch.undo()
    # It is said; what the device has is good, and others are none the poorer.
    assert 'chancery_device_refused_total{fault="renewals"} 1' in metrics(world)
    d.session()
    other.renew()
    wait_for(lambda: ("device.refused", "renewals") in
             {(line["action"], line["target"]) for line in world.api("GET", "/chancery/v1/audit?$top=1000")["value"]})


def test_renewal_with_a_stolen_connection_or_request_is_refused(world, ada, tmp_path):
    one, two = (enrolled(world, ada, tmp_path, n) for n in ("PC-16", "PC-17"))
    # The request is signed by one device, the connection is another's.
    good = one.sign
    one.sign = two.sign
    with pytest.raises(Fault) as caught:
        one.renew()
    assert caught.value.hresult == 0x80180002
    one.sign = good
    one.renew()
    # Without a certificate in TLS.
    held, two.tree.identity = two.tree.identity, None
    with pytest.raises(Fault) as caught:
        two.renew()
    assert caught.value.hresult == 0x80180002
    two.tree.identity = held


def test_a_user_who_disconnects_takes_everything_along(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-18")
    profile = add_pkcs(world, "leaving")
    world.assign(profile, world.add_group("windows leaving", ada))
    until_held(d, "User")
    d.session()
    serial = f"{next(iter(d.tree.held('User').values())).cert.serial_number:x}"
    d.user_unenrols()
    let_go(d)
    wait_for(lambda: serial in {c["serial"] for c in world.user_certificates("revoked")}, 40, why="the revocation")
    world.assign(profile)


def test_a_retired_device_is_cleaned_and_let_go(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-19")
    profile, root = add_pkcs(world, "retired"), add_root(world, "retired root", world.issuing_pem)
    group = world.add_group("windows retired", ada)
    for p in (profile, root):
        world.assign(p, group)
    until_held(d, "User")
    world.api("POST", f"/beta/deviceManagement/managedDevices/{d.id}/retire")
    # The answer that says so is lost; what it did before that stays done.
    obey = d.obey

    def lost(root, message, sent, done):
        if b"/Unenroll" in ET.tostring(root):
            raise ConnectionError("lost")
        return obey(root, message, sent, done)
    d.obey = lost
    with pytest.raises(ConnectionError):
        d.session()
    d.obey = obey
    assert d.addr is not None and not d.tree.pfx["User"]
    assert d.session().commands == [UNENROL] and d.addr is None
    let_go(d)
    for p in (profile, root):
        world.assign(p)


SCEP_TYPE = "#microsoft.graph.windows81SCEPCertificateProfile"


def add_scep(world, root, name, **more):
    body = {
        "@odata.type": SCEP_TYPE, "displayName": name, "subjectNameFormat": "custom",
        "subjectNameFormatString": 'CN={{UserName}},OU="Sales, \\"North\\"",O=Contoso', "certificateStore": "user",
        "customSubjectAlternativeNames": [{"sanType": "userPrincipalName", "name": "{{UserPrincipalName}}"},
                                          {"sanType": "domainNameService", "name": "{{DeviceName}}.contoso.example"}],
        "keyUsage": "digitalSignature,keyEncipherment", "keySize": "size2048", "hashAlgorithm": "sha2",
        "keyStorageProvider": "useTpmKspOtherwiseUseSoftwareKsp", "renewalThresholdPercentage": 20,
        "certificateValidityPeriodScale": "years", "certificateValidityPeriodValue": 1,
        "scepServerUrls": [f"{world.device_url}/scep/{urllib.parse.quote(world.issuing_ca)}/ChanceryUser"],
        "extendedKeyUsages": [{"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}],
        "rootCertificate@odata.bind": f"{world.url}{world.CONFIGURATIONS}('{root['id']}')"}
    body.update(more)
    body["subjectNameFormatString"] = body["subjectNameFormatString"].replace('\\"', '""')
    return world.api("POST", world.CONFIGURATIONS, body)


def worked(d):
    """A session, and what it started. True when something was requested."""
    d.session()
    return d.scep_work() > 0


def test_a_machine_requests_by_scep_and_tells_later(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-20")
    group = world.add_group("windows scep", ada)
    root = add_root(world, "issuing CA of SCEP", world.issuing_pem, "computerCertStoreIntermediate")
    profile = add_scep(world, root, "Windows SCEP")
    for p in (root, profile):
        world.assign(p, group)
    wait_for(lambda: worked(d), 60, 0.3, why="the order to enrol")
    # Started is not done: the machine was not asked yet.
    assert slot(world, d, profile)["state"] == "offered"
    d.session()
    s = slot(world, d, profile)
    assert s["state"] == "installed", s
    held = list(d.tree.held("User").values())[0]
    assert held.cert.subject.rfc4514_string().startswith("CN=ada,OU=Sales\\, \\\"North\\\",")
    names = held.cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["PC-20.contoso.example"]
    assert sha1(world.issuing_pem) in d.tree.roots("CA")
    idle = d.session()
    assert {v for v, _, _ in idle.commands} == {"Get"}
    world.assign(profile)
    d.session()
    assert not d.tree.scep["User"] and not d.tree.held("User")


def test_what_a_machine_says_of_a_failed_request_is_a_fault_with_a_next_step(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-21")
    group = world.add_group("windows scep failing", ada)
    # The root is none of the certificates that the SCEP server sends.
    root = add_root(world, "another CA", world.identity_pem, "computerCertStoreIntermediate")
    profile = add_scep(world, root, "Windows SCEP failing", keySize="size4096")
    for p in (root, profile):
        world.assign(p, group)
    wait_for(lambda: worked(d), 60, 0.3, why="the order to enrol")
    # Keys of 4096 bits are kept by software alone.
    install = next(iter(d.tree.scep["User"].values()))["install"]
    assert install["KeyLength"] == "4096" and install["KeyProtection"] == "3"
    d.session()
    s = slot(world, d, profile)
    assert s["state"] == "failed" and s["fault"] == "device-scep-ca" and "0x8010002C" in str(world.timeline(s)), s
    world.assign(profile)


def test_each_no_of_a_machine_is_a_fault_with_its_code(world, tmp_path):
    user = world.add_user("no@contoso.example", mail="no@contoso.example")
    d = enrolled(world, user, tmp_path, "PC-37", upn="no@contoso.example")
    group = world.add_group("windows no", user)
    issuing = add_root(world, "no for nobody", world.issuing_pem, "computerCertStoreIntermediate")
    profiles = {
        "root": add_root(world, "no root", world.issuing_pem),
        "intermediate": add_root(world, "no intermediate", world.root_pem, "computerCertStoreIntermediate"),
        "of a person": add_root(world, "no person's", world.root_pem, "userCertStoreIntermediate"),
        "key": add_pkcs(world, "no key"),
        "request": add_scep(world, issuing, "no request")}
    d.tree.fails = {
        ("Add", "/Root/"): (500, 0x80070005), ("Add", "/CA/" + sha1(world.root_pem)): (403, 0),
        ("Add", "./User/Vendor/MSFT/RootCA"): (500, 0), ("Add", "PFXCertBlob"): (500, 0x80070056),
        ("Exec", "/Enroll"): (500, 0x80070057)}
    # The first that fits counts: what is a person's before what is the machine's.
    d.tree.fails = dict(sorted(d.tree.fails.items(), key=lambda row: "./User" not in row[0][1]))
    for p in (issuing, *profiles.values()):
        world.assign(p, group)
    faults = {"root": ("device-rights", "0x80070005"), "intermediate": ("device-rights", "403"),
              "of a person": ("device-no-user", "500"), "key": ("device-pfx", "0x80070056"),
              "request": ("device-profile", "0x80070057")}

    def found():
        d.session()
        return {name: (slot(world, d, p) or {}).get("fault") for name, p in profiles.items()}
    wait_for(lambda: found() == {name: fault for name, (fault, _) in faults.items()}, 40, 0.3, why="all faults")
    for name, (_, code) in faults.items():
        assert code in str(world.timeline(slot(world, d, profiles[name]))), name
    assert not d.tree.held("User") and not d.tree.scep["User"] and not d.tree.pfx["User"]
    assert slot(world, d, issuing)["state"] == "installed"
    # What cannot be removed is there still, and that is said.
    d.tree.fails = {("Delete", "/CA/" + sha1(world.issuing_pem)): (425, 0)}
    for p in (issuing, *profiles.values()):
        world.assign(p)
    d.session()
    s = slot(world, d, issuing)
    assert s["fault"] == "device-rights" and "425" in str(world.timeline(s)) and d.tree.roots("CA"), s


def test_a_certificate_that_is_being_made_comes_in_the_same_session(world, tmp_path):
    user = world.add_user("quick@contoso.example", mail="quick@contoso.example")
    profile = add_pkcs(world, "quick")
    world.assign(profile, world.add_group("windows quick", user))
    d = enrolled(world, user, tmp_path, "PC-22", upn="quick@contoso.example")
    d.session()
    assert len(d.tree.held("User")) == 1
    assert slot(world, d, profile)["state"] == "installed"


@pytest.mark.usefixtures("ada")
def test_an_imported_certificate_is_delivered_and_opened(world, tmp_path):
    user = world.add_user("mail@contoso.example", mail="mail@contoso.example")
    key, cert, p12, public = (str(tmp_path / n) for n in ("key.pem", "cert.pem", "mail.p12", "import.pem"))
    for args in (["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=mail", "-keyout", key,
                  "-out", cert, "-addext", "extendedKeyUsage=emailProtection"],
                 ["pkcs12", "-export", "-inkey", key, "-in", cert, "-out", p12, "-passout", "pass:secret-Pa55"]):
        subprocess.run(["openssl", *args], check=True, capture_output=True)
    world.cli("pfx", "key", "export-public", "main", "--out", public, "--socket", world.socket_of("connector"))
    secret, password = str(tmp_path / "secret"), str(tmp_path / "password")
    for path, text in ((secret, world.app["client_secret"]), (password, "secret-Pa55\n")):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(text)
    world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
              "--secret-file", secret, "--ca", world.root_file)
    world.cli("pfx", "import", p12, "--user", "mail@contoso.example", "--purpose", "smimeEncryption", "--password-file",
              password, "--key", public)
    profile = world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": "#microsoft.graph.windows10ImportedPFXCertificateProfile", "displayName": "mail",
        "intendedPurpose": "smimeEncryption", "keyStorageProvider": "useSoftwareKsp"})
    world.assign(profile, world.add_group("windows mail", user))
    d = enrolled(world, user, tmp_path, "PC-23", upn="mail@contoso.example")
    held = list(until_held(d, "User", seconds=90).values())[0]
    with open(cert, "rb") as f:
        assert held.cert == x509.load_pem_x509_certificate(f.read())
    world.assign(profile)
    d.session()
    assert not d.tree.pfx["User"]


def post(d, path, body, kind="application/vnd.syncml.dm+xml"):
    return d.http("POST", d.server + path, body, {"Content-Type": kind})


def test_hostile_and_broken_messages_are_refused_and_do_no_harm(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-24")
    root = add_root(world, "hostile", world.issuing_pem, "computerCertStoreIntermediate")
    world.assign(root, world.add_group("windows hostile", ada))
    d.session()
    manage = urllib.parse.urlsplit(d.addr).path
    _, good = d.package(1, [], [], [("Alert", "<Data>1201</Data>")])
    for body, statuses in (
            (b"", (400,)), (b"\x02\xa4\x01\x6a\x00", (415,)), (b"<SyncML/>", (400,)), (good[:-10].encode(), (400,)),
            (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + good.encode(), (400,)), (good.replace("1.2", "1.1").encode(), (400,)),
            (good.replace("<CmdID>2<", "<CmdID>0<").encode(), (400,)), (b"<a>" * 200000, (400, 413)),
            (good.replace(str(d.max_message), "100").encode(), (413,))):
        r, data = post(d, manage, body)
        assert r.status in statuses, (body[:60], r.status, data)
    # The binary form is named as what it is, and not taken.
    for body, kind in ((good, "application/vnd.syncml.dm+wbxml; charset=utf-8"),
                       (b"\x03\x01", "application/octet-stream")):
        r, data = post(d, manage, body, kind)
        assert r.status == 415 and b"WBXML" in data, data
    # What only servers may say is refused by its number; what answers nothing that was asked says nothing.
    _, odd = d.package(1, [("9", "Add", 200, 0)], [("9", "./DevInfo/Man", "x")],
                       [("Get", "<Item><Target><LocURI>./DevInfo/Man</LocURI></Target></Item>")])
    r, data = post(d, manage, odd)
    assert r.status == 200 and b"<Data>406</Data>" in data
    # Another device's name in the message changes nothing: the certificate says who it is.
    r, data = post(d, manage, good.replace(d.device_id, "0" * 32))
    assert r.status == 200
    # Nobody's certificate.
    held, d.tree.identity = d.tree.identity, None
    r, _ = post(d, manage, good)
    assert r.status == 403
    d.tree.identity = held
    for path in ("Discovery.svc", "Policy.svc", "Enrollment.svc"):
        for body in (b"", b"<a/>",
                     b"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body/></s:Envelope>"):
            r, data = post(d, "/EnrollmentServer/" + path, body, "application/soap+xml")
            assert r.status == 500 and b"s:MessageFormat" in data, (path, body, data)
    # The page hands a code to a program on the device only.
    for appru in ("https://evil.example.test/", "javascript:alert(1)", ""):
        query = urllib.parse.urlencode({"appru": appru})
        r, data = d.http("GET", f"{d.server}/EnrollmentServer/Auth?{query}")
        assert r.status == 400 and b"<form" not in data
        r, data = d.http("POST", d.server + "/EnrollmentServer/Auth", f"{query}&code={world.code(ada)}",
                         {"Content-Type": "application/x-www-form-urlencoded"})
        assert r.status == 400 and b"<form" not in data
    r, data = d.http("GET", d.server + "/EnrollmentServer/Auth?" + urllib.parse.urlencode({"appru": "ms-app://\"><b>"}))
    assert b"<b>" not in data
    d.session()
    assert d.tree.roots("CA") and slot(world, d, root)["state"] == "installed"
    world.assign(root)


def test_a_session_that_breaks_off_begins_again_where_it_was(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-25")
    roots = [add_root(world, f"broken {i}", pem, "computerCertStoreIntermediate")
             for i, pem in enumerate((world.issuing_pem, world.root_pem))]
    group = world.add_group("windows broken", ada)
    for p in roots:
        world.assign(p, group)
    d.session()
    for p in roots:
        world.assign(p)
    # Each answer in turn is lost.
    exchange = d.exchange
    for lost in range(1, 5):
        count = 0

        def broken(connection, text, done, lost=lost):
            nonlocal count
            count += 1
            root = exchange(connection, text, done)
            if count == lost:
                raise ConnectionError("lost")
            return root
        d.exchange = broken
        try:
            d.session()
        except ConnectionError:
            pass
    d.exchange = exchange
    # A message that comes twice is answered twice.
    d.session()
    for p in roots:
        world.assign(p, group)

    def twice(connection, text, done):
        exchange(connection, text, done)
        return exchange(connection, text, done)
    d.exchange = twice
    d.session()
    d.exchange = exchange
    d.session()
    assert {sha1(p) for p in (world.issuing_pem, world.root_pem)} <= set(d.tree.roots("CA"))
    assert all(slot(world, d, p)["state"] == "installed" for p in roots)
    for p in roots:
        world.assign(p)


def test_an_identity_that_was_stolen_is_of_no_use_on_another_machine(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-26")
    root = add_root(world, "stolen", world.issuing_pem, "computerCertStoreIntermediate")
    world.assign(root, world.add_group("windows stolen", ada))
    d.session()
    other = machine(world, tmp_path, "PC-27")
    other.tree.identity, other.tree.provider, other.addr = d.tree.identity, d.tree.provider, d.addr
    os.symlink(d.file("identity.pem"), other.file("identity.pem"))
    with pytest.raises(Refused, match="device-elsewhere"):
        other.session()
    d.session()
    assert slot(world, d, root)["state"] == "installed"
    # Enrolled anew, the same machine is one device: the older identity is dead at once.
    pem = pathlib.Path(d.file("identity.pem"))
    old = pem.read_bytes()
    d.discover(auth=("OnPremise",))
    d.enrol(world.code(ada))
    new = pem.read_bytes()
    pem.write_bytes(old)
    with pytest.raises(Refused, match="device-replaced"):
        d.session()
    with pytest.raises(Fault) as caught:
        d.renew()
    assert caught.value.hresult == 0x80180003
    pem.write_bytes(old)
    pem.write_bytes(new)
    d.session()
    world.assign(root)


def test_a_session_does_not_go_on_from_another_machine(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-32")
    root = add_root(world, "elsewhere", world.issuing_pem, "computerCertStoreIntermediate")
    world.assign(root, world.add_group("windows elsewhere", ada))
    package, own = d.package, d.device_id

    def moved(message, *rest, **more):
        if message > 2:
            d.device_id = "0" * 32  # from the statuses of what it was told on, another one speaks
        return package(message, *rest, **more)
    d.package = moved
    with pytest.raises(Refused, match="device-elsewhere"):
        d.session()
    d.package, d.device_id = package, own
    d.session()
    assert slot(world, d, root)["state"] == "installed"
    # Types of alerts are written with the words before them, at times.
    d.alerts.append('<Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">Reversed-Domain-Name:com.microsoft:mdm.'
                    'unenrollment.userrequest</Type><Format xmlns="syncml:metinf">int</Format></Meta>'
                    '<Data>1</Data></Item>')
    d.session()
    d.leave()
    let_go(d)
    world.assign(root)


PFN, SID, SECRET = "Contoso.Management_8wekyb3d8bbwe", "ms-app://s-1-15-2-1752834", "n0 secret/that+goes&anywhere"


def metrics(world):
    return world.raw("GET", "/metrics")[2].decode()


def pushed(world, result):
    return f'chancery_windows_pushes_total{{result="{result}"}} 0' not in metrics(world)


def waking(world, device):
    return world.api("GET", f"/v1.0/deviceManagement/managedDevices/{device.id}").get("@chancery.waking")


def with_settings(world, text):
    """The service with further settings."""
    with open(world.conf_file("service"), encoding="utf-8") as f:
        before = f.read()
    with open(world.conf_file("service"), "w", encoding="utf-8") as f:
        f.write(before + text)
    world.stop("service")
    world.start("service")
    wait_for(lambda: world.admin("service", "service.show")["joined"])
    wait_for(lambda: world.api("GET", "/v1.0/users?$top=1"))


# The last test of this file: the service has push from here on.
def test_devices_are_woken_by_push(world, ada, tmp_path):
    d = enrolled(world, ada, tmp_path, "PC-30")
    wns = Wns(tmp_path, SID, SECRET, PFN)
    d.tree.channel_for = wns.channel
    d.session()
    show = ("windows", "show", "--socket", world.socket_of("service"))
    shown = world.cli_json(*show)
    assert not shown["push"] and shown["discovery"].endswith("/EnrollmentServer/Discovery.svc") and d.tree.pushed == 0
    secret = tmp_path / "wns.secret"
    secret.write_text("wrong\n")
    with_settings(world, f"[windows]\npush_pfn={PFN}\npush_client={SID}\npush_secret_file={secret}\n"
                         f"push_token_url={wns.token_url}\npush_host={wns.host}\npush_ca={wns.file}\n")
    assert waking(world, d) is None
    d.session()
    assert d.tree.pushed == 1 and d.tree.dmclient["Push/PFN"] == PFN and waking(world, d) == "channel"
    idle = d.session()
    assert d.tree.pushed == 1 and idle.messages == 2 and {v for v, _, _ in idle.commands} == {"Get"}

    def sync(device=d):
        world.api("POST", f"/v1.0/deviceManagement/managedDevices/{device.id}/syncDevice")

    def warnings():
        return world.api("GET", "/chancery/v1/status")["warnings"]
    # Credentials that are refused: it is said, the secret is not, and devices are served all the same.
    sync()
    wait_for(warnings, why="a warning")
    found = warnings()[0]
    assert found["code"] == "push-windows" and "invalid_client" in found["message"]
    assert "push_secret_file" in found["hint"]
    assert world.cli_json(*show)["fault"] == "push-windows" and pushed(world, "failed") and not wns.pushes
    d.session()
    secret.write_text(SECRET + "\n")
    with_settings(world, "")

    # "Sync now" and an assignment wake it, once each.
    def woken(what):
        before = len(wns.pushes)
        what()
        wait_for(lambda: len(wns.pushes) > before, 30, 0.02, why="the wake-up")
    channel = d.tree.dmclient["Push/ChannelURI"]
    woken(sync)
    assert set(wns.pushes) == {channel} and len(wns.tokens) == 1
    wait_for(lambda: not warnings(), why="no warning any more")
    wait_for(lambda: waking(world, d) == "channel: sent", why="what the push service said")
    root = add_root(world, "woken", world.issuing_pem, "computerCertStoreIntermediate")
    woken(lambda: world.assign(root, world.add_group("windows woken", ada)))
    d.session()
    assert slot(world, d, root)["state"] == "installed" and set(wns.pushes) == {channel} and len(wns.tokens) == 1
    # A token that is good no more is fetched anew. Too much for this channel, too much for all: later.
    wns.good.clear()
    wns.answers += [(200, {"X-WNS-Status": "channelthrottled", "X-WNS-Continue-After": "1"}),
                    (406, {"Retry-After": "1"})]
    woken(sync)
    assert not wns.answers and len(wns.tokens) == 2
    # A channel that is gone is left alone; in its next session the machine is told the application anew.
    wns.channels.clear()
    sync()
    wait_for(lambda: pushed(world, "unregistered"), why="the end of the channel")
    before = len(wns.pushes)
    wait_for(lambda: waking(world, d) == "channel: good no more")
    d.session()
    assert waking(world, d) == "channel" and d.tree.pushed == 2 and d.tree.dmclient["Push/ChannelURI"] != channel
    d.session()
    assert d.tree.pushed == 2
    # An address that is not of the push service is called by nobody; one of the service that answers for nobody
    # keeps no other from being woken.
    evil = enrolled(world, ada, tmp_path, "PC-31")
    calls = []
    for uri in ("https://evil.example.test/?token=1", wns.channel(PFN).replace("https", "http"),
                wns.channel(PFN).replace("localhost", "127.0.0.1")):
        evil.tree.channel_for = lambda family, uri=uri: calls.append(uri) or uri
        evil.tree.dmclient.pop("Push/PFN", None)
        evil.session()
    assert waking(world, evil) == "no channel"
    assert len(calls) == 3 and 'chancery_device_refused_total{fault="push-channel"} 3' in metrics(world)
    evil.tree.channel_for = lambda family: f"https://{wns.host}/?token=nobody"
    evil.tree.dmclient.pop("Push/PFN")
    evil.session()
    wns.answers += [(403, {"X-WNS-Error-Description": "not yours"})]
    sync(evil)
    wait_for(lambda: pushed(world, "rejected"), why="the refusal")
    woken(sync)
    assert set(wns.pushes[before:]) == {d.tree.dmclient["Push/ChannelURI"]}
    wait_for(lambda: waking(world, evil) == "channel: status 403: not yours")
    # Who may not call a channel leaves it alone; who comes after that with other credentials does not.
    wns.answers += [(403, {"X-WNS-Error-Description": "not yours"})]
    sync()
    wait_for(lambda: waking(world, d) == "channel: status 403: not yours")
    before = len(wns.pushes)
    with_settings(world, "")
    woken(sync)
    wait_for(lambda: waking(world, d) == "channel: sent")
    assert not wns.broken
    log = pathlib.Path(world.log_file("service")).read_text(encoding="utf-8")
    assert SECRET not in log and not any(t in log for t in wns.tokens) and "token=" not in log
    wns.close()
    world.assign(root)
