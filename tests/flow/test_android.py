# SPDX-License-Identifier: Apache-2.0
"""Android: every row of the delivery matrix by the agent protocol, with what goes wrong. The device is
tests/sim/android.py."""

import os
import sys
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "sim"))

from android import AndroidAgent, Failed, Refused, b64, der  # noqa: E402  pylint: disable=wrong-import-position
from clients import rsa_key  # noqa: E402  pylint: disable=wrong-import-position
from test_pfx import Made, make_import_key, table  # noqa: E402  pylint: disable=wrong-import-position
from world import ApiError, pem_blocks, wait_for  # noqa: E402  pylint: disable=wrong-import-position

SUBJECT = "CN={{UserName}},E={{EmailAddress}},O=Contoso"
VPN = "com.example.vpn"


def scep_url(world):
    return f"{world.device_url}/scep/{urllib.parse.quote(world.issuing_ca)}/ChanceryUser"


def body(world, name, kind, root=None, **more):
    b = {"@odata.type": f"#microsoft.graph.{kind}", "displayName": name, **more}
    if root is not None:
        b["rootCertificate@odata.bind"] = f"{world.url}{world.CONFIGURATIONS}('{root['id']}')"
    return world.api("POST", world.CONFIGURATIONS, b)


def add_root(world, prefix, name):
    return body(world, name, prefix + "TrustedRootCertificate", certFileName="root.cer",
                trustedRootCertificate=b64(world.root_pem.encode()))


def certificate(world, name, kind, root, **more):
    # The two oldest types know no text for the subject of a PKCS certificate.
    named = {"subjectNameFormat": "commonName"}
    if not kind.startswith(("androidPkcs", "androidForWorkPkcs")):
        named = {"subjectNameFormat": "custom", "subjectNameFormatString": SUBJECT}
    return body(world, name, kind, root, renewalThresholdPercentage=20, certificateValidityPeriodScale="years",
                certificateValidityPeriodValue=1, **{**named, **more})


def add_pkcs(world, prefix, name, root, **more):
    return certificate(world, name, prefix + "PkcsCertificateProfile", root, certificationAuthority=world.host,
                       certificationAuthorityName=world.issuing_ca,
                       certificateTemplateName=more.pop("certificateTemplateName", "ChanceryUser"), **more)


def add_scep(world, prefix, name, root, url=None, **more):
    return certificate(world, name, prefix + "ScepCertificateProfile", root, scepServerUrls=[url or scep_url(world)],
                       keyUsage="digitalSignature,keyEncipherment", keySize=more.pop("keySize", "size2048"),
                       hashAlgorithm="sha2", extendedKeyUsages=[
                           {"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}], **more)


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.user = world.add_user("ada@contoso.example", "ada@contoso.example")
    g.group = world.add_group("Android", g.user)
    g.root = add_root(world, "androidDeviceOwner", "Contoso Root")
    g.pkcs = add_pkcs(world, "androidDeviceOwner", "VPN", g.root, certificateAccessType="specificApps",
                      silentCertificateAccessDetails=[{"packageId": VPN}])
    world.assign(g.root, g.group)
    world.assign(g.pkcs, g.group)
    g.made = 0

    def device(user=None, **more):
        g.made += 1
        name = f"pixel-{g.made}"
        agent = AndroidAgent(world.device_url, world.root_file, os.path.join(world.dir, "android", name), name=name,
                             **more)
        return agent.enrol(world.code(user or g.user))
    g.device = device
    g.agent = device(serial="SN-1", imei="356938035643809")
    return g


def settle(world, agent, *profiles, state="installed", seconds=30):
    """Until the slots of these profiles are there."""
    def reached():
        agent.sync()
        found = {s["profileId"]: s for s in world.slots(device=agent.id)}
        return all(found.get(p["id"], {}).get("state") == state for p in profiles)
    try:
        wait_for(reached, seconds, 0.1)
    except Exception as e:
        stand = [(s["profileName"], s["state"], s["fault"], s["reason"]) for s in world.slots(device=agent.id)]
        raise AssertionError(f"{stand} {agent.seen[-1:]}") from e
    return [world.slots(device=agent.id, profile=p["id"])[0] for p in profiles]


def slot_of(world, agent, profile):
    return world.slots(device=agent.id, profile=profile["id"])[0]


def alias(profile):
    return "chancery-" + profile["id"]


def test_root_and_pkcs_certificate_are_installed_with_the_grant_of_the_profile(world, given):
    agent = given.agent
    settle(world, agent, given.root, given.pkcs)
    kinds = [c["kind"] for c in agent.seen]
    assert kinds.index("install_ca") < kinds.index("install_identity")
    assert agent.store.has_ca_cert(pem_blocks(world.root_pem)[0])
    pair = agent.store.pairs[alias(given.pkcs)]
    assert "CN=ada" in pair["chain"][0].subject.rfc4514_string()
    assert [c.subject for c in pair["chain"][1:]] == [
        x509.load_pem_x509_certificate(world.issuing_pem.encode()).subject]
    assert agent.store.grants[alias(given.pkcs)] == {VPN}
    assert not pair["selectable"]
    assert agent.seen[-1]["name"] == "VPN" and agent.seen[-1]["scope"] == "user"


def test_a_key_on_a_curve_is_opened_by_the_agent(world, given):
    world.admin("ca", "template.duplicate", {
        "source": "User", "name": "AndroidCurves", "display_name": "Android Curves", "supply_in_request": True,
        "order_required": True, "key_algorithms": ["rsa", "p384"]})
    world.grant("connector", "AndroidCurves")
    user = world.add_user("curve@contoso.example", "curve@contoso.example")
    group = world.add_group("Curve", user)
    profile = add_pkcs(world, "androidDeviceOwner", "Curve", given.root, certificateTemplateName="AndroidCurves",
                       **{"@chancery.keyAlgorithm": "p384"})
    world.assign(given.root, given.group, group)
    world.assign(profile, group)
    agent = given.device(user)
    settle(world, agent, profile)
    leaf = agent.store.pairs[alias(profile)]["chain"][0]
    assert leaf.public_key().curve.name == "secp384r1"
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment
    world.assign(given.root, given.group)


def test_an_imported_certificate_is_installed_with_its_grant_and_a_failure_is_a_fault(world, given, tmp_path):
    file, key_file, cert_file = Made(tmp_path).pfx("ada")
    rows = table(tmp_path / "users.csv", [[file, given.user["userPrincipalName"], "secret-Pa55", "smimeEncryption"]])
    done = world.cli_json("pfx", "import", str(tmp_path), "--csv", str(rows), "--key", make_import_key(world))
    assert (done["created"], done["refused"]) == (1, 0)
    mail = body(world, "Mail", "androidDeviceOwnerImportedPFXCertificateProfile", given.root,
                intendedPurpose="smimeEncryption", certificateAccessType="specificApps",
                silentCertificateAccessDetails=[{"packageId": "com.example.mail"}])
    agent = given.device()
    world.assign(mail, given.group)
    settle(world, agent, mail)
    (name, pair), = [(n, p) for n, p in agent.store.pairs.items() if n.startswith(alias(mail))]
    with open(cert_file, "rb") as c, open(key_file, "rb") as k:
        assert pair["chain"][0] == x509.load_pem_x509_certificate(c.read())
        assert pair["key"].private_numbers() == serialization.load_pem_private_key(k.read(), None).private_numbers()
    assert agent.store.grants[name] == {"com.example.mail"} and not pair["selectable"]
    for status, state, code, fault in (("error", "failed", "bad_password", "device-cannot-decrypt"),
                                       ("not_now", "offered", "user_locked", "device-locked")):
        refused = refusing(given.device(), status, code)
        settle(world, refused, mail, state=state)
        assert slot_of(world, refused, mail)["fault"] == fault
        refused.leave()
    world.assign(mail)
    wait_for(lambda: agent.sync() is not None and name not in agent.store.pairs, 30, 0.1, why="the removal")
    agent.leave()


def test_nothing_is_sent_again_when_nothing_changes(given):
    before = len(given.agent.seen)
    given.agent.sync()
    assert len(given.agent.seen) == before


def test_the_device_is_shown_as_what_it_is(world, given):
    shown = world.api("GET", f"/beta/deviceManagement/managedDevices/{given.agent.id}")
    assert shown["operatingSystem"] == "Android" and shown["imei"] == "356938035643809"
    assert shown["managedDeviceOwnerType"] == "company"


@pytest.mark.parametrize("prefix,more", [
    ("androidWorkProfile", {"mode": "profile_owner"}),
    ("androidForWork", {"mode": "profile_owner", "ownership": "personal"}),
    ("android", {"mode": "device_admin", "sdk": 29}),
    ("aospDeviceOwner", {"mode": "device_owner", "google_services": False}),
    ("androidDeviceOwner", {"mode": "profile_owner", "ownership": "corporate"}),
])
def test_each_way_of_managing_gets_the_profiles_of_its_kind(world, given, prefix, more):
    user = world.add_user(f"{prefix}@contoso.example", f"{prefix}@contoso.example")
    group = world.add_group(prefix, user)
    root = add_root(world, prefix, f"Root for {prefix}")
    pkcs = add_pkcs(world, prefix, f"Certificate for {prefix}", root)
    world.assign(root, group)
    world.assign(pkcs, group)
    agent = given.device(user, **more)
    settle(world, agent, root, pkcs)
    assert {s["profileId"] for s in world.slots(device=agent.id)} == {root["id"], pkcs["id"]}
    assert agent.store.pairs[alias(pkcs)]["selectable"]
    assert agent.store.grants.get(alias(pkcs), set()) == set()
    agent.leave()


def test_a_device_administrator_from_android_11_may_not_install_a_root_and_the_slot_says_what_to_do(world, given):
    user = world.add_user("admin@contoso.example", "admin@contoso.example")
    root = add_root(world, "android", "Root by a device administrator")
    world.assign(root, world.add_group("Device administrators", user))
    agent = given.device(user, mode="device_admin", sdk=30)
    agent.sync()
    slot = slot_of(world, agent, root)
    assert slot["state"] == "failed" and slot["fault"] == "device-forbidden", slot
    assert "fully managed" in slot["nextStep"]


def test_a_variable_that_the_platform_withholds_fails_the_certificate_with_its_name(world, given):
    user = world.add_user("byod@contoso.example", "byod@contoso.example")
    group = world.add_group("Own devices", user)
    root = add_root(world, "androidWorkProfile", "Root for own devices")
    pkcs = add_pkcs(world, "androidWorkProfile", "By serial", root, certificateStore="machine",
                    subjectNameFormatString="CN={{SerialNumber}}")
    world.assign(root, group)
    world.assign(pkcs, group)
    agent = given.device(user, mode="profile_owner", sdk=33, serial="SN-9")
    agent.sync()
    slot = slot_of(world, agent, pkcs)
    assert slot["fault"] == "variable-withheld", slot


def refusing(agent, status, code):
    """From now on identities do not go in."""
    def fail(_command):
        raise Failed(status, code, "words of the device")
    agent.do_install_identity = fail
    return agent


@pytest.mark.parametrize("code,fault", [
    ("decrypt_failed", "device-cannot-decrypt"),
    ("store_failed", "device-store"),
    ("no_hardware_key", "device-no-hardware"),
    ("never_heard_of", "device-refused"),
])
def test_an_error_of_the_device_becomes_a_fault_and_the_certificate_is_revoked(world, given, code, fault):
    agent = refusing(given.device(), "error", code)
    wait_for(lambda: agent.sync() is None or slot_of(world, agent, given.pkcs)["state"] == "failed", 20, 0.1)
    slot = slot_of(world, agent, given.pkcs)
    assert slot["state"] == "failed" and slot["fault"] == fault, slot
    wait_for(lambda: "words of the device" in str(world.timeline(slot)))
    agent.leave()


def test_a_locked_device_puts_it_off_says_so_and_nothing_is_lost(world, given):
    agent = given.device()
    agent.store.locked = True
    for _ in range(3):
        agent.turn(agent.turn())
    agent.store.locked = False
    slot = slot_of(world, agent, given.root)
    assert slot["state"] == "offered" and slot["fault"] == "device-locked", slot
    assert "user_locked" in str(world.timeline(slot))
    agent.leave()


def test_who_must_approve_is_waited_for_and_who_declines_is_told_in_the_slot(world, given):
    user = world.add_user("asked@contoso.example", "asked@contoso.example")
    group = world.add_group("Asked", user)
    pkcs = add_pkcs(world, "androidDeviceOwner", "Asked for", given.root)
    world.assign(given.root, given.group, group)
    world.assign(pkcs, group)
    agent = given.device(user)
    agent.store.user_says = None
    settle(world, agent, given.root)
    wait_for(lambda: agent.sync() is None or [c for c in agent.seen if c["kind"] == "install_identity"], 20, 0.1)
    agent.sync()
    slot = slot_of(world, agent, pkcs)
    assert slot["state"] == "offered" and slot["fault"] == "device-approval", slot
    assert "user_approval" in str(world.timeline(slot))
    again = given.device(user)
    again.store.user_says = False
    settle(world, again, given.root)
    wait_for(lambda: again.sync() is None or slot_of(world, again, pkcs)["state"] == "failed", 20, 0.1)
    assert slot_of(world, again, pkcs)["fault"] == "device-user-declined"
    for a in (agent, again):
        a.leave()


def test_removal_takes_root_and_certificate_away_and_revokes(world, given):
    agent = given.device()
    _, slot = settle(world, agent, given.root, given.pkcs)
    out = world.add_group("Not these", {"id": agent.id})
    world.assign(given.pkcs, given.group, exclude=[out])
    settle(world, agent, given.pkcs, state="removed")
    assert not agent.store.pairs and agent.seen[-1]["kind"] == "remove_identity"
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})["request"]["state"] == "revoked",
             15)
    world.assign(given.pkcs, given.group)
    agent.leave()


def test_a_request_that_is_refused_does_not_use_up_the_days_renewals(world, given):
    agent = given.device()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "another")])
    csr = b64(x509.CertificateSigningRequestBuilder().subject_name(name).sign(agent.key, hashes.SHA256())
              .public_bytes(serialization.Encoding.DER))
    for _ in range(25):
        with pytest.raises(Refused, match="requested CN=another, ordered") as caught:
            agent.post("/agent/v1/renew", {"csr": csr})
        assert caught.value.id == "order-subject", caught.value
    agent.renew()
    agent.leave()


def test_the_identity_is_renewed_and_the_old_one_ends_with_the_first_use(world, given):
    agent = given.device()
    old, old_key = agent.cert, agent.key
    agent.renew()
    agent.sync()
    agent.cert, agent.key, new, new_key = old, old_key, agent.cert, agent.key
    agent.close()
    with pytest.raises(Refused) as caught:
        agent.checkin()
    assert caught.value.id == "device-unknown"
    agent.cert, agent.key = new, new_key
    agent.close()
    agent.leave()


@pytest.mark.parametrize("facts,member", [
    ({"platform": "ios"}, "platform"), ({"platform": "android"}, "mode"),
    ({"platform": "android", "mode": "root"}, "mode"),
    ({"platform": "android", "mode": "profile_owner", "ownership": "mine"}, "ownership"),
])
def test_a_device_that_does_not_say_what_it_is_is_refused_and_its_code_stays_good(world, given, facts, member):
    agent = AndroidAgent(world.device_url, world.root_file, os.path.join(world.dir, "android", "odd"))
    agent.profile = lambda: facts
    code = world.code(given.user)
    with pytest.raises(Refused) as caught:
        agent.enrol(code)
    assert caught.value.id == "bad-request" and member in str(caught.value)
    agent.profile = lambda: {"platform": "android", "mode": "device_owner"}
    agent.enrol(code).leave()


@pytest.fixture(scope="module")
def scep(world, given):
    class Scep:
        pass
    s = Scep()
    s.user = world.add_user("grace@contoso.example", "grace@contoso.example")
    s.group = world.add_group("SCEP", s.user)
    s.profile = add_scep(world, "androidDeviceOwner", "By SCEP", given.root, certificateAccessType="specificApps",
                         silentCertificateAccessDetails=[{"packageId": VPN}])
    world.assign(given.root, given.group, s.group)
    world.assign(s.profile, s.group)
    return s


def test_a_scep_certificate_is_requested_by_the_device_with_its_own_key(world, given, scep):
    agent = given.device(scep.user)
    _, slot = settle(world, agent, given.root, scep.profile, seconds=60)
    command = [c for c in agent.seen if c["kind"] == "enrol_scep"][-1]
    assert command["urls"][0].startswith(world.device_url + "/scep/") and len(command["challenge"]) == 32
    leaf = agent.store.pairs[alias(scep.profile)]["chain"][0]
    assert int(slot["serialNumber"], 16) == leaf.serial_number
    assert agent.store.grants[alias(scep.profile)] == {VPN}
    shown = world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})
    assert shown["request"]["state"] == "valid"

    # The challenge is used up: another key gets nothing for it.
    agent.pending = {}
    with pytest.raises(Failed) as caught:
        agent.do_enrol_scep(command)
    assert caught.value.code.startswith(("scep_failinfo_", "scep_http_"))

    world.assign(scep.profile)
    settle(world, agent, scep.profile, state="removed")
    assert alias(scep.profile) not in agent.store.pairs
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})["request"]["state"] == "revoked",
             20)
    world.assign(scep.profile, scep.group)
    agent.leave()


def test_a_key_that_the_chip_does_not_take_is_a_fault_with_its_next_step(world, given, scep):
    user = world.add_user("big@contoso.example", "big@contoso.example")
    group = world.add_group("Big keys", user)
    big = add_scep(world, "androidDeviceOwner", "Big key", given.root, keySize="size4096")
    world.assign(given.root, given.group, scep.group, group)
    world.assign(big, group)
    agent = given.device(user)
    settle(world, agent, given.root)
    wait_for(lambda: agent.sync() is None or slot_of(world, agent, big)["state"] == "failed", 40, 0.1)
    slot = slot_of(world, agent, big)
    assert slot["fault"] == "device-key-size" and "2048" in slot["nextStep"], slot
    agent.leave()


def test_a_certificate_that_was_not_ordered_is_not_believed(world, given, scep):
    agent = given.device(scep.user)
    settle(world, agent, given.root)
    command = wait_for(lambda: [c for c in agent.checkin() if c["kind"] == "enrol_scep"], 40, 0.1)[0]
    key = rsa_key()
    other = given.agent.store.pairs[alias(given.pkcs)]["chain"][0]  # of somebody else, by the same CA
    agent.store.pairs[command["alias"]] = {"key": key, "chain": [other], "selectable": False}
    agent.checkin([{"id": command["id"], "status": "ok", "certificate": b64(der(other))}])
    slot = slot_of(world, agent, scep.profile)
    assert slot["state"] != "installed"
    assert slot["fault"] == "leaf-mismatch", slot
    agent.store.pairs.clear()
    agent.leave()


def test_one_that_is_retired_may_clean_up_and_nothing_else(world, given):
    agent = given.device()
    settle(world, agent, given.root, given.pkcs)
    old, old_key = agent.cert, agent.key
    world.api("POST", f"/v1.0/deviceManagement/managedDevices/{agent.id}/retire")
    for ask in (agent.renew, lambda: agent.post("/agent/v1/unenrol", {})):
        with pytest.raises(Refused) as caught:
            ask()
        assert caught.value.id == "device-retired", caught.value
    assert agent.cert == old and agent.key == old_key
    with pytest.raises(Refused) as caught:
        agent.sync()
    assert caught.value.id == "device-retired" and not agent.store.pairs and not agent.store.cas
    assert {s["state"] for s in world.slots(device=agent.id)} == {"removed"}


def test_leaving_leaves_nothing_on_either_side(world, given):
    agent = given.agent
    held = slot_of(world, agent, given.pkcs)["serialNumber"]
    agent.leave()
    assert not agent.store.pairs and not agent.store.cas
    assert {s["state"] for s in world.slots(device=agent.id)} == {"removed"}
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": held})["request"]["state"] == "revoked", 60)
    with pytest.raises((Refused, ApiError)):
        agent.checkin()
