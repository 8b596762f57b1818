# SPDX-License-Identifier: Apache-2.0
"""iPhones and Macs by Apple's own protocol: enrolment, every kind of certificate, failures, leaving."""

import json
import os
import plistlib
import sys
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from test_pfx import Made, make_import_key
from world import ROOT, b64, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from apns import Apns, PushCa  # noqa: E402  pylint: disable=wrong-import-position
from apple import AppleDevice  # noqa: E402  pylint: disable=wrong-import-position
from apple_declarative import Declarative  # noqa: E402  pylint: disable=wrong-import-position
from apple_profile import Refused  # noqa: E402  pylint: disable=wrong-import-position

ANY = "#microsoft.graph."
INSTALLED = ("InstallProfile", "Acknowledged")
REMOVED = ("RemoveProfile", "Acknowledged")
LISTS = [("ProfileList", "Acknowledged"), ("CertificateList", "Acknowledged")]
TOLD = ("DeclarativeManagement", "Acknowledged")


class Place:
    """An installation with Ada, her group, and what is assigned to it."""

    def __init__(self, world):
        self.world = world
        self.ada = world.add_user("ada@contoso.test", "ada@contoso.test")
        self.group = world.add_group("Apple people", self.ada)
        self.number = 0

    def device(self, name, **more):
        """A person with a fresh code at a device."""
        d = AppleDevice(os.path.join(self.world.dir, name.replace(" ", "-")), anchors=self.world.root_pem, name=name,
                        serial=f"SER{len(os.listdir(self.world.dir)):06}", **more)
        status, profile = d.browse(f"{self.world.device_url}/apple/enrol", self.world.code(self.ada))
        assert status == 200, profile
        d.enrol(profile)
        d.id = d.identity[0].subject.get_attributes_for_oid(d.CN)[0].value
        return d

    def create(self, kind, name, **settings):
        self.number += 1
        return self.world.api("POST", self.world.CONFIGURATIONS, {
            "@odata.type": ANY + kind, "displayName": f"{name} {self.number}", **settings})

    def root(self, system="ios", cert=None, **more):
        """The root of this installation, which the enrolment profile brings as well, or another one."""
        pem = self.world.root_pem.encode() if cert is None else PushCa.pem(cert)
        return self.create(system + "TrustedRootCertificate", "Root", certFileName="root.cer",
                           trustedRootCertificate=b64(pem), **more)

    def names(self):
        return {"renewalThresholdPercentage": 20, "certificateValidityPeriodScale": "years",
                "certificateValidityPeriodValue": 1, "subjectNameFormat": "custom",
                "subjectNameFormatString": "CN={{UserName}},E={{EmailAddress}},O=Contoso",
                "customSubjectAlternativeNames": [
                    {"sanType": "userPrincipalName", "name": "{{UserPrincipalName}}"}]}

    def pkcs(self, system="ios", **more):
        return self.create(system + "PkcsCertificateProfile", "PKCS", certificationAuthority=self.world.host,
                           certificationAuthorityName=self.world.issuing_ca, certificateTemplateName="ChanceryUser",
                           **{**self.names(), **more})

    def scep(self, system="ios", **more):
        url = f"{self.world.device_url}/scep/{self.world.issuing_ca.replace(' ', '%20')}/ChanceryUser"
        return self.create(system + "ScepCertificateProfile", "SCEP", scepServerUrls=[url], keySize="size2048",
                           keyUsage="digitalSignature,keyEncipherment", extendedKeyUsages=[
                               {"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}],
                           **{**self.names(), **more})

    def reporting(self, device):
        return self.world.api("GET", f"/v1.0/deviceManagement/managedDevices/{device.id}")["@chancery.reporting"]

    def reports(self, outcome):
        name = f'chancery_apple_reports_total{{outcome="{outcome}"}} '
        return int(next(x for x in metrics(self.world).splitlines() if x.startswith(name))[len(name):])

    def unassign(self, profile):
        self.world.api("POST", f"{self.world.CONFIGURATIONS}/{profile['id']}/assign", {"assignments": []})

    def drop(self, *profiles):
        for p in profiles:
            self.world.api("DELETE", f"{self.world.CONFIGURATIONS}/{p['id']}")

    def slot(self, device, profile):
        found = self.world.slots(device=device.id, profile=profile["id"])
        return found[0] if found else None

    def until(self, device, profile, state="installed", seconds=30, channel=None):
        """The device comes by until the slot stands so."""
        def reached():
            device.poll(channel)
            s = self.slot(device, profile)
            return s if s is not None and s["state"] == state else None
        try:
            return wait_for(reached, seconds, step=0.2)
        except Exception:
            print(device.log)
            s = self.slot(device, profile)
            print(self.world.timeline(s) if s else "")
            raise


@pytest.fixture(scope="module")
def place(world):
    return Place(world)


def held(channel, sha256):
    return [i for i in channel.items() if i.sha256 == sha256.lower()]


def test_an_iphone_enrols_and_says_what_it_is(place):
    phone = place.device("Adas iPhone")
    usage = phone.enrolment.identity.cert.extensions.get_extension_for_class(phone.KeyUsage).value
    assert usage.digital_signature and usage.key_encipherment
    assert phone.enrolment.signers, "the enrolment profile is signed"
    assert phone.poll()[0] == ("DeviceInformation", "Acknowledged")
    row = place.world.api("GET", f"/v1.0/deviceManagement/managedDevices/{phone.id}")
    assert row["serialNumber"] == phone.serial and row["deviceName"] == "Adas iPhone"
    assert row["operatingSystem"] == "iOS" and row["osVersion"] == "17.4"
    assert row["imei"] == "350999001761481"
    assert row["userPrincipalName"] == "ada@contoso.test"
    assert not phone.poll(), "nothing to do, nothing is asked again"


def test_root_before_certificate_and_all_of_them_arrive(place):
    phone = place.device("Phone of all kinds")
    root, pkcs, scep = place.root(), place.pkcs(), place.scep()
    for p in (root, pkcs, scep):
        place.world.assign(p, place.group)
    slot = place.until(phone, root)
    for p in (pkcs, scep):
        slot = place.until(phone, p)
        got, = held(phone.device, slot["sha256"])
        assert got.key is not None and not got.extractable
        assert "ada@contoso.test" in got.cert.subject.rfc4514_string()
    assert phone.scep_runs == 2, "one for the identity, one for the certificate"
    kinds = [e for e in phone.log if e[0] == "InstallProfile"]
    assert kinds == [INSTALLED] * 3
    encrypted = phone.device.profiles[f"chancery-{pkcs['id']}"]
    assert encrypted.encrypted and encrypted.signers
    place.drop(scep, pkcs, root)
    wait_for(lambda: phone.poll() is not None and list(phone.device.profiles) == ["chancery.mdm"])


def test_an_answer_that_is_lost_costs_no_second_certificate(place):
    phone = place.device("In a tunnel")
    phone.poll()
    scep = place.scep()
    place.world.assign(scep, place.group)
    phone.cut = "InstallProfile"
    wait_for(lambda: phone.poll() and phone.cut is None, 30, step=0.2)
    place.until(phone, scep)
    assert phone.scep_runs == 2 and phone.log.count(INSTALLED) == 1
    place.drop(scep)


def test_a_mac_has_certificates_of_the_device_and_of_its_user(place):
    mac = place.device("Adas Mac", model="Mac14,2", version="14.4")
    root = place.root("macOS", deploymentChannel="deviceChannel")
    bind = {"rootCertificate@odata.bind":
            f"{place.world.url}{place.world.CONFIGURATIONS}('{root['id']}')"}
    system = place.pkcs("macOS", deploymentChannel="deviceChannel", allowAllAppsAccess=True)
    login = place.scep("macOS", deploymentChannel="userChannel", **bind)
    for p in (root, system, login):
        place.world.assign(p, place.group)
    place.until(mac, root)
    slot = place.until(mac, system)
    got, = held(mac.device, slot["sha256"])
    assert got.all_apps
    mac.poll()
    wait_for(lambda: mac.poll() == [] and "signs in" in str(place.slot(mac, login)["reason"]))
    time.sleep(1.1)
    assert mac.poll() == mac.poll() == [], "what waits is no reason to ask for lists"
    assert mac.sign_in("ada", network=True), "as on a Mac that is bound to a directory"
    slot = place.until(mac, login, channel=mac.user)
    got, = held(mac.user, slot["sha256"])
    assert got.key is not None and not held(mac.device, slot["sha256"])
    assert [p.scope for p in mac.user.profiles.values()] == ["User"]
    # Each channel tells for itself.
    wait_for(lambda: place.reporting(mac) == "declarative")
    mac.lose(f"chancery-{login['id']}", mac.user)
    assert place.slot(mac, login)["state"] != "installed" and place.slot(mac, system)["state"] == "installed"
    slot = place.until(mac, login, channel=mac.user)
    assert held(mac.user, slot["sha256"])
    # A guest of this Mac gets nothing of Ada's.
    ada, guest = mac.user, None
    assert not mac.sign_in("other", network=True), "one user of a Mac is managed"
    mac.sign_in("guest")
    guest, mac.user = mac.user, ada
    assert mac.poll(guest) == [] and not guest.profiles and guest.declarative is None
    assert Declarative(mac, guest).message("tokens")[0] == 404
    place.drop(login, system, root)
    wait_for(lambda: mac.poll() is not None and mac.poll(mac.user) is not None and not mac.user.profiles and
             list(mac.device.profiles) == ["chancery.mdm"], 30)


def test_a_locked_phone_puts_off_and_gets_it_later(place):
    phone = place.device("Locked phone")
    phone.poll()
    root, other = place.root(), place.root()
    phone.locked = True
    # A session that takes longer than the pause after which what was put off may be sent: it is not sent again in it.
    phone.slow = 1.1
    for p in (root, other):
        place.world.assign(p, place.group)
    assert phone.poll().count(("InstallProfile", "NotNow")) == 2
    assert "locked" in place.slot(phone, root)["reason"]
    said = [e for e in place.world.timeline(place.slot(phone, root)) if e["event"] == "not-now"]
    assert len(said) == 1 and "locked" in said[0]["detail"]
    phone.locked, phone.slow = False, 0
    assert INSTALLED in phone.poll(), "with the next session"
    for p in (root, other):
        place.until(phone, p)
    # A removal that the device refuses is told, and what it has stays its own.
    place.unassign(root)
    phone.fail["RemoveProfile"] = Refused("MCMDMErrorDomain", 12000, "told by the device")
    wait_for(lambda: ("RemoveProfile", "Error") in phone.poll())
    slot = place.slot(phone, root)
    assert slot["fault"] == "device-rights" and "told by the device" in slot["reason"] and slot["nextStep"]
    assert f"chancery-{root['id']}" in phone.device.profiles
    phone.fail.clear()
    place.drop(root, other)


@pytest.mark.parametrize("kind, domain, code, fault", [
    ("root", "MCCertificateErrorDomain", 9004, "device-store"),
    ("root", "NewErrorDomain", 77, "device-refused"),
    ("pkcs12", "MCProfileErrorDomain", 1006, "device-cannot-decrypt"),
    ("scep", "MCSCEPErrorDomain", 22013, "device-scep-refused")])
def test_what_the_device_says_is_a_fault_with_a_next_step(place, kind, domain, code, fault):
    phone = place.device(f"Failing {code}")
    phone.poll()
    profile = {"root": place.root, "pkcs12": place.pkcs, "scep": place.scep}[kind]()
    phone.fail[f"com.apple.security.{kind}"] = Refused(domain, code, "told by the device")
    place.world.assign(profile, place.group)
    slot = place.until(phone, profile, "failed")
    assert slot["fault"] == fault and slot["nextStep"]
    assert f"{domain} {code}" in slot["reason"] and "told by the device" in slot["reason"]
    assert f"chancery-{profile['id']}" not in phone.device.profiles, "rolled back"
    place.drop(profile)


@pytest.mark.parametrize("put_off", [True, False])
def test_lists_that_the_device_does_not_give_are_not_asked_for_again_in_the_session(place, put_off):
    phone = place.device(f"Listless {put_off}")
    phone.poll()
    root = place.root()
    if put_off:
        phone.not_now.add("CertificateList")
    else:
        phone.fail["CertificateList"] = Refused("MCMDMErrorDomain", 12008, "told by the device")
    place.world.assign(root, place.group)
    log = phone.poll()
    assert log[:2] == [INSTALLED, LISTS[0]] and len(log) == 3, log
    assert place.slot(phone, root)["state"] != "installed"
    phone.not_now.clear()
    phone.fail.clear()
    place.until(phone, root)
    assert phone.log.count(INSTALLED) == 1
    place.drop(root)


def test_a_device_that_reports_says_itself_what_went(place, tmp_path):
    phone = place.device("Reporting phone")
    root, scep = place.root(cert=PushCa(tmp_path).cert), place.scep()
    for p in (root, scep):
        place.world.assign(p, place.group)
    place.until(phone, root)
    first = place.until(phone, scep)
    phone.poll()
    told = phone.device.declarative
    assert phone.log.count(TOLD) == 1 and told.asked.count("declaration-items") == 1
    assert "tokens" not in told.asked, "the command brings them"
    assert place.reporting(phone) == "declarative"
    # What it says of itself, whole and again, changes nothing and is no reason to ask.
    lost, looked = place.reports("lost"), place.reports("look")
    told.report(full=True)
    told.report(full=True)
    assert phone.poll() == [] and (place.reports("lost"), place.reports("look")) == (lost, looked)
    # A person takes away what came: the slot says so with the report, and it comes back once the lists agree.
    for profile, runs in ((root, 2), (scep, 3)):
        phone.lose(f"chancery-{profile['id']}")
        slot = place.slot(phone, profile)
        assert slot["state"] != "installed"
        assert "lost" in [e["event"] for e in place.world.timeline(slot)]
        assert phone.poll()[:2] == LISTS
        again = place.until(phone, profile)
        assert phone.scep_runs == runs
    assert again["sha256"] != first["sha256"] and place.reports("lost") == lost + 2
    # The system's version comes with a report as well.
    phone.version = "17.5.1"
    told.report()
    row = place.world.api("GET", f"/v1.0/deviceManagement/managedDevices/{phone.id}")
    assert row["osVersion"] == "17.5.1"
    assert phone.log.count(TOLD) == 1, "once is enough"
    place.drop(scep, root)


def test_a_certificate_that_is_being_replaced_is_no_loss(place):
    """Devices report beside their sessions: that the old one is gone comes before the answer to the command."""
    phone = place.device("Eager phone")
    scep = place.scep()
    place.world.assign(scep, place.group)
    first = place.until(phone, scep)
    phone.poll()
    phone.eager = True
    lost = place.reports("lost")
    place.world.api("PATCH", f"{place.world.CONFIGURATIONS}/{scep['id']}", {
        "@odata.type": scep["@odata.type"], "subjectNameFormatString": "CN={{UserName}},O=Contoso Ltd"})

    def changed():
        phone.poll()
        slot = place.slot(phone, scep)
        return slot["state"] == "installed" and slot["sha256"] != first["sha256"] and slot
    slot = wait_for(changed, 30, step=0.2)
    assert held(phone.device, slot["sha256"]) and not held(phone.device, first["sha256"])
    assert phone.scep_runs == 3 and place.reports("lost") == lost
    assert "lost" not in [e["event"] for e in place.world.timeline(slot)]
    place.drop(scep)
    wait_for(lambda: phone.poll() is not None and list(phone.device.profiles) == ["chancery.mdm"])
    assert place.reports("lost") == lost, "what is taken away on purpose is none, either"


def test_a_report_that_is_none_is_refused_and_counted(place):
    phone = place.device("Babbling phone")
    root = place.root()
    place.world.assign(root, place.group)
    place.until(phone, root)
    phone.poll()
    told, refused = phone.device.declarative, place.reports("refused")
    many = b",".join(b'{"identifier":"%d","_removed":true}' % i for i in range(2000))
    bad = [b"", b"[]", b"{}", b'{"StatusItems":{}', b'{"StatusItems":{"security":{"certificate":{"list":[{}]}}}}',
           b'{"StatusItems":{"security":{"certificate":{"list":[' + many + b"]}}}}",
           b'{"StatusItems":{"a":"' + b"x" * 800000 + b'"}}']
    for report in bad:
        phone.binary = len(report) > 500000  # what fits there is too much all the same
        assert told.send(report) in (400, 413), report[:80]
    phone.binary = False
    assert place.reports("refused") == refused + len(bad)
    for endpoint in ("coffee", "declaration", "declaration/configuration/other",
                     "declaration/activation/chancery.status"):
        assert told.message(endpoint)[0] == 404
    assert told.message("")[0] == 400
    # Of what it never spoke it cannot say that it went.
    told.send(b'{"StatusItems":{"security":{"certificate":{"list":[{"identifier":"other","_removed":true}]}}},'
              b'"Errors":[]}')
    assert phone.poll() == [] and place.slot(phone, root)["state"] == "installed"
    place.drop(root)


def test_what_a_device_leaves_out_of_its_reports_it_is_asked_for(place, tmp_path):
    phone = place.device("Silent phone")
    phone.poll()
    cert = PushCa(tmp_path).cert
    phone.device.declarative.leaves_out = {cert.fingerprint(hashes.SHA256()).hex()}
    root = place.root(cert=cert)
    place.world.assign(root, place.group)
    place.until(phone, root)
    phone.device.declarative.report(full=True)
    phone.lose(f"chancery-{root['id']}")
    assert phone.poll() == [] and place.slot(phone, root)["state"] == "installed"
    place.world.api("POST", f"/v1.0/deviceManagement/managedDevices/{phone.id}/syncDevice")
    wait_for(lambda: phone.poll() is not None and f"chancery-{root['id']}" in phone.device.profiles)
    place.until(phone, root)
    place.drop(root)


def test_a_device_that_does_not_take_declarations_is_asked_as_before_and_says_why(place):
    phone = place.device("No declarations")
    phone.fail["DeclarativeManagement"] = Refused("MCMDMErrorDomain", 12021, "unknown request type")
    log = phone.poll()
    assert log[-1] == ("DeclarativeManagement", "Error")
    assert place.reporting(phone) == "polled: MCMDMErrorDomain 12021"
    assert phone.poll() == []
    busy = place.device("Later")
    busy.not_now.add("DeclarativeManagement")
    assert busy.poll()[-1] == ("DeclarativeManagement", "NotNow")
    busy.not_now.clear()
    assert busy.poll() == [TOLD] and busy.poll() == []
    other = place.device("No subscriptions")
    other.device.declarative = Declarative(other, other.device)
    other.device.declarative.refuses = "Error.ConfigurationNotSupported"
    other.poll()
    assert place.reporting(other) == "polled: Error.ConfigurationNotSupported"


def test_what_is_lost_comes_again_and_what_the_device_does_not_show_is_not_installed(place):
    phone = place.device("Losing phone", version="16.7.8")
    root = place.root()
    place.world.assign(root, place.group)
    place.until(phone, root)
    lost = phone.device.profiles.pop(f"chancery-{root['id']}")
    phone.token_update()
    assert phone.poll() == [], "it is not asked at each contact"
    assert phone.device.declarative is None and place.reporting(phone) == "polled", "too old to report by itself"
    assert Declarative(phone, phone.device).message("tokens")[0] == 404
    place.world.api("POST", f"/v1.0/deviceManagement/managedDevices/{phone.id}/syncDevice")
    wait_for(lambda: phone.poll() is not None and lost.identifier in phone.device.profiles)
    slot = place.until(phone, root)
    # A removal that finds nothing there is done: a person was faster.
    remove = phone.do_RemoveProfile

    def too_late(command, channel):
        channel.profiles.pop(command["Identifier"])
        return remove(command, channel)
    phone.do_RemoveProfile = too_late
    place.unassign(root)
    wait_for(lambda: ("RemoveProfile", "Error") in phone.poll())
    wait_for(lambda: "removed" in [e["event"] for e in place.world.timeline(slot)] or phone.poll() and False)
    assert "remove-failed" not in [e["event"] for e in place.world.timeline(slot)]
    place.drop(root)


def test_by_signature_alone_and_in_binary(place):
    phone = place.device("Behind a proxy")
    phone.tls_identity = False
    phone.binary = True
    phone.content_type = False
    root = place.root()
    place.world.assign(root, place.group)
    place.until(phone, root)
    # A signature over another body, by another key, or none at all: refused, and never by 401.
    body = plistlib.dumps({"Status": "Idle", "UDID": "x"})
    url = f"{place.world.device_url}/apple/mdm"
    assert phone.http("PUT", url, body)[0] == 403
    assert phone.http("PUT", url, body, {"Mdm-Signature": "AAAA"})[0] in (400, 403)
    sent = {}
    original = phone.http

    def keep(method, url, body=None, headers=None, identity=None):
        sent.update(body=body, headers=headers)
        return original(method, url, body, headers, identity)
    phone.http = keep
    phone.poll()
    phone.http = original
    assert original("PUT", url, sent["body"] + b" ", sent["headers"])[0] in (400, 403)
    assert original("PUT", url, sent["body"], sent["headers"])[0] == 200
    place.drop(root)


def test_an_identity_is_of_one_device_only(place):
    phone = place.device("Honest phone")
    phone.poll()
    thief = AppleDevice(os.path.join(place.world.dir, "thief"), anchors=place.world.root_pem, name="thief")
    thief.mdm, thief.enrolment = phone.mdm, phone.enrolment
    with pytest.raises(AssertionError, match="403"):
        thief.poll()
    with pytest.raises(Refused, match="403"):
        thief.check_in({"MessageType": "Authenticate", "Topic": thief.mdm["Topic"], **thief.facts()})
    with pytest.raises(Refused, match="403"):
        thief.token_update()
    assert phone.poll() == [] and phone.mdm is not None


def test_what_was_enrolled_under_another_push_certificate_is_told_so_and_keeps_what_it_has(place):
    phone = place.device("Another topic")
    assert phone.poll()
    with pytest.raises(Refused, match="400.*apple-topic"):
        phone.check_in({"MessageType": "Authenticate", **phone.facts(), "Topic": "com.apple.mgmt.External.other"})
    assert phone.poll() == [] and phone.mdm is not None


def test_a_mac_that_begins_anew_with_its_identity_is_looked_at_anew(place):
    mac = place.device("Begins anew", model="Mac14,2")
    root = place.root("macOS", deploymentChannel="deviceChannel")
    place.world.assign(root, place.group)
    place.until(mac, root)
    assert mac.sign_in("ada", network=True)
    assert not mac.sign_in("other", network=True)
    lost = mac.device.profiles.pop(f"chancery-{root['id']}")
    mac.check_in({"MessageType": "Authenticate", "Topic": mac.mdm["Topic"], **mac.facts()})
    assert mac.poll() == [], "it has not said yet that it is ready"
    mac.token_update()
    assert INSTALLED in mac.poll() and lost.identifier in mac.device.profiles
    assert mac.sign_in("other", network=True), "the user from before has no channel any more"
    place.drop(root)


def test_a_code_is_good_for_one_device(place):
    code = place.world.code(place.ada)
    first, second = (AppleDevice(os.path.join(place.world.dir, f"code-{i}"), anchors=place.world.root_pem,
                                 serial=f"CODE{i}") for i in range(2))
    url = f"{place.world.device_url}/apple/enrol"
    assert first.browse(url, "AAAAA-AAAAA-AAAAA-AAAAA")[0] == 403
    assert first.browse(url, "")[0] == 400
    status, profile = first.browse(url, code)
    first.enrol(profile)
    status, page = second.browse(url, code)
    assert status == 403 and "enrolment code" in page
    # The same profile on another device: its challenge was used by another key.
    with pytest.raises(Refused, match="22013"):
        second.enrol(profile)
    assert second.mdm is None


def test_leaving_by_itself_by_retirement_and_coming_back(place):
    root = place.root()
    place.world.assign(root, place.group)
    left = place.device("Leaving by itself")
    place.until(left, root)
    left.leave()
    gone = place.world.api("GET", f"/v1.0/deviceManagement/managedDevices?$filter=id eq '{left.id}'")["value"]
    assert not gone or gone[0]["managementState"] != "managed", gone
    retired = place.device("Retired")
    place.until(retired, root)
    place.world.api("POST", f"/v1.0/deviceManagement/managedDevices/{retired.id}/retire")
    wait_for(lambda: retired.mdm is None or retired.poll() and False)
    assert ("RemoveProfile", "Acknowledged") in retired.log and not retired.device.profiles
    again = place.device("Again")
    place.until(again, root)
    old = again.enrolment
    again.unmanage("a person reset it")
    status, profile = again.browse(f"{place.world.device_url}/apple/enrol", place.world.code(place.ada))
    assert status == 200
    again.enrol(profile)
    new, again.enrolment = again.enrolment, old
    again.tls_identity = True
    mdm = again.mdm or {}
    with pytest.raises(AssertionError, match="403 .*device-replaced"):
        again.poll()
    again.mdm, again.enrolment = mdm, old
    assert Declarative(again, again.device).message("tokens")[0] == 403
    again.enrolment = new
    place.drop(root)


def test_imported_certificates_come_one_profile_each(place, tmp_path):
    """Renewed and past ones of a person, to the phone and to the Mac, opened by what Apple's importer takes."""
    phone, mac = place.device("Mail phone"), place.device("Mail Mac", model="MacBookPro18,3", version="13.6")
    made, import_key = Made(tmp_path), make_import_key(place.world)
    with open(tmp_path / "pw", "w", encoding="ascii") as f:
        f.write("secret-Pa55")
    thumbs = set()
    for _ in range(2):
        p12, _, cert = made.pfx("ada")
        place.world.cli("pfx", "import", p12, "--user", "ada@contoso.test", "--purpose", "smimeEncryption",
                        "--password-file", str(tmp_path / "pw"), "--key", import_key)
        with open(cert, "rb") as f:
            thumbs.add(x509.load_pem_x509_certificate(f.read()).fingerprint(hashes.SHA256()).hex())
    profiles = [place.create(f"{s}ImportedPFXCertificateProfile", "Mail", intendedPurpose="smimeEncryption")
                for s in ("ios", "macOS")]
    for p in profiles:
        place.world.assign(p, place.group)
    for d, p in zip((phone, mac), profiles):
        wait_for(lambda d=d: d.poll() is not None and thumbs <= {i.sha256 for i in d.device.items()}, 30)
        mine = [i for i in d.device.items() if i.sha256 in thumbs]
        assert len(mine) == 2 and all(i.key is not None and not i.extractable for i in mine)
        assert all(x.encrypted for n, x in d.device.profiles.items() if p["id"] in n)
        assert {x["state"] for x in place.world.slots(device=d.id, profile=p["id"])} == {"installed"}
    assert mac.device.declarative is None, "macOS 13 lists no certificates in reports"
    shown = [place.world.cli("device", "show", d.id).stdout.split() for d in (phone, mac)]
    assert [s[s.index("@chancery.reporting") + 1] for s in shown] == ["declarative", "polled"]
    # Into the keychain of the user who signed in, where the profile says so.
    login = place.create("macOSImportedPFXCertificateProfile", "Mail of the user", intendedPurpose="smimeEncryption",
                         deploymentChannel="userChannel")
    place.world.assign(login, place.group)
    assert mac.sign_in("ada")
    wait_for(lambda: mac.poll() is not None and mac.poll(mac.user) is not None and
             thumbs <= {i.sha256 for i in mac.user.items()}, 60)
    assert {x.scope for n, x in mac.user.profiles.items() if login["id"] in n} == {"User"}
    assert not [n for n in mac.device.profiles if login["id"] in n]
    profiles.append(login)
    place.drop(*profiles)
    wait_for(lambda: phone.poll() is not None and list(phone.device.profiles) == ["chancery.mdm"], 30)


def test_devices_are_woken_by_push(place, tmp_path):
    world = place.world
    shown = world.cli_json("apple", "show", "--socket", world.socket_of("service"))
    assert not shown["push"] and shown["enrolment_page"].endswith("/apple/enrol")
    ca = PushCa(tmp_path)
    apns = Apns(ca)
    csr = world.cli("apple", "push-csr", "--socket", world.socket_of("service")).stdout
    topic = shown["topic"]  # devices enrolled before keep it only where the certificate is for the same

    def accept(pem, check=True):
        path = ca.write("push.pem", pem.encode())
        return world.cli("apple", "push-certificate", path, "--socket", world.socket_of("service"), check=check)
    stranger = ca.push_certificate(csr, topic, key=ca.key.public_key())
    assert "another key" in accept(stranger, check=False).stderr
    assert "no UID" in accept(ca.push_certificate(csr, "org.example.topic"), check=False).stderr
    with open(world.conf_file("service"), "a", encoding="utf-8") as f:
        f.write(f"[apple]\npush_url={apns.url}\npush_ca={ca.file}\n")
    world.stop("service")
    world.start("service")
    wait_for(lambda: world.admin("service", "service.show")["joined"])
    accept(ca.push_certificate(csr, topic))
    wait_for(lambda: world.admin("service", "apple.show")["push"])
    wait_for(lambda: world.api("GET", "/v1.0/users?$top=1"))

    phone = place.device("Sleeping phone")
    phone.poll()
    phone.new_token()
    root = place.root(cert=ca.cert)
    world.assign(root, place.group)
    mine = (phone.device.token.hex(), topic, phone.device.magic)
    wait_for(lambda: mine in apns.pushes, 60)
    place.until(phone, root)
    phone.poll()
    n = apns.pushes.count(mine)
    phone.lose(f"chancery-{root['id']}")
    wait_for(lambda: apns.pushes.count(mine) > n)
    place.until(phone, root)

    def sync(device=phone):
        world.api("POST", f"/v1.0/deviceManagement/managedDevices/{device.id}/syncDevice")

    def pushed(result):
        name = f'chancery_apple_pushes_total{{result="{result}"}} '
        return int(next(x for x in metrics(world).splitlines() if x.startswith(name))[len(name):])

    def got(device=phone):
        return len([p for p in apns.pushes if p[0] == device.device.token.hex()])
    # The service of Apple ends connections when it likes, also while a push is on its way: that is no failure.
    failed, connections = pushed("failed"), apns.connections
    apns.leaving = True
    for _ in range(6):
        n = got()
        sync()
        wait_for(lambda n=n: got() > n)
    apns.leaving = False
    for _ in range(3):
        apns.shed, n = 1, got()
        sync()
        wait_for(lambda n=n: got() > n)
    assert apns.connections > connections and not apns.shed
    assert pushed("failed") == failed
    # What another environment would say of every token takes none off the list, and stands where one looks.
    apns.answers[phone.device.token.hex()] = (400, "BadDeviceToken")
    rejected = pushed("rejected")
    sync()
    wait_for(lambda: pushed("rejected") == rejected + 1)
    n = got()
    sync()
    wait_for(lambda: got() > n)
    # A token that Apple does not know any more is left alone until the device sends another.
    apns.answers[phone.device.token.hex()] = (410, "Unregistered", int((time.time() + 3600) * 1000))
    sync()
    wait_for(lambda: phone.device.token.hex() not in apns.answers)
    wait_for(lambda: pushed("unregistered") == 1)
    n = apns.pushes.count(mine)
    sync()
    time.sleep(1)
    assert apns.pushes.count(mine) == n
    phone.new_token()  # by itself a reason to wake it: it did not hear of anything with the one before
    wait_for(lambda: (phone.device.token.hex(), topic, phone.device.magic) in apns.pushes)
    # Too much to do over there: tried again.
    apns.answers[phone.device.token.hex()] = (503, "ServiceUnavailable")
    n = got()
    sync()
    wait_for(lambda: got() >= n + 2, 30)
    # Too much for one device is not too much for another.
    other = place.device("Second phone")
    wait_for(lambda: got(other))
    apns.answers[phone.device.token.hex()] = (429, "TooManyRequests")
    failed, before, m = pushed("failed"), len(apns.pushes), got(other)
    sync()
    wait_for(lambda: pushed("failed") == failed + 1)
    sync(other)
    wait_for(lambda: got(other) > m)
    told = [p[0] for p in apns.pushes[before:]]
    assert told.count(phone.device.token.hex()) == 1 or \
        told.index(other.device.token.hex()) < told.index(phone.device.token.hex(), 1)
    # A token that Apple gave up before the device sent it is good; it is tried again later.
    apns.answers[other.device.token.hex()] = (410, "Unregistered", int((time.time() - 3600) * 1000))
    sync(other)
    wait_for(lambda: pushed("failed") == failed + 2)
    assert pushed("unregistered") == 1
    assert not apns.broken
    apns.close()
    place.drop(root)


def test_an_identity_that_ends_soon_is_renewed(place, tmp_path):
    world = place.world
    phone = place.device("Short lived")
    assert INSTALLED not in phone.poll()
    # The push certificate came after it, or was changed: devices keep the topic that they enrolled under.
    ca, topic = PushCa(tmp_path), phone.mdm["Topic"]
    csr = world.cli("apple", "push-csr", "--socket", world.socket_of("service")).stdout
    pem = ca.push_certificate(csr, "com.apple.mgmt.External.another")
    with open(world.conf_file("service"), "r+", encoding="utf-8") as f:
        push = "" if "push_url" in f.read() else "push_url=https://localhost:9\n"
        f.write(f"[apple]\nrenew_days=3650\ndeclarative=no\n{push}")
    world.cli("apple", "push-certificate", ca.write("push.pem", pem.encode()), "--new-topic", "--socket",
              world.socket_of("service"))
    world.stop("service")
    world.start("service")
    wait_for(lambda: world.api("GET", "/v1.0/users?$top=1"))
    assert world.cli_json("apple", "show", "--socket", world.socket_of("service"))["topic"] != topic
    old, held_before = phone.enrolment, phone.identity[0].serial_number
    assert phone.device.declarative.held and place.reporting(phone) == "declarative"
    log = phone.poll()
    assert log == [INSTALLED, TOLD] and phone.identity[0].serial_number != held_before
    assert phone.mdm["Topic"] == topic
    assert not phone.device.declarative.held and place.reporting(phone) == "polled", "it is told to drop them"
    # One that does not take it says so where an administrator looks; and a word of it that nobody asked for is nothing.
    stubborn = place.device("Stubborn")
    stubborn.fail["InstallProfile"] = Refused("MCMDMErrorDomain", 12012, "told by the device")
    assert stubborn.poll()[-1] == ("InstallProfile", "Error")
    for _ in range(2):
        stubborn.ask(stubborn.device, {"CommandUUID": "chancery-renew",
                                       **stubborn.error(stubborn.fail["InstallProfile"])})
    said = [json.dumps(e) for e in audit(world)
            if e["target"] == stubborn.id and e["action"] == "device.identity-refused"]
    assert len(said) == 1 and "told by the device" in said[0] and "device-rights" in said[0]
    assert phone.poll() == [], "once"
    # Who has the old one is nobody any more.
    new, phone.enrolment = phone.enrolment, old
    with pytest.raises(AssertionError, match="403"):
        phone.poll()
    phone.enrolment = new
    root = place.root()
    place.world.assign(root, place.group)
    place.until(phone, root)
    place.drop(root)


def audit(world):
    after = 0
    while lines := world.api("GET", f"/chancery/v1/audit?after={after}&$top=500")["value"]:
        yield from lines
        after = lines[-1]["sequence"]


def metrics(world):
    return world.raw("GET", "/metrics")[2].decode()
