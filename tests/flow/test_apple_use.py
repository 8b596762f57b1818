# SPDX-License-Identifier: Apache-2.0
"""Wi-Fi, VPN and mail on iPhones and Macs: one profile with the certificate that it uses."""

import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from test_apple import INSTALLED, Place, held
from test_pfx import Made, make_import_key
from world import ApiError, wait_for
from apple_profile import Refused

WIFI = "identityCertificateForClientAuthentication@odata.bind"
ROOTS = "rootCertificatesForServerValidation@odata.bind"


class Users(Place):
    """What uses certificates, too."""

    def url(self, profile):
        return f"{self.world.url}{self.world.CONFIGURATIONS}('{profile['id']}')"

    def until(self, device, profile, state="installed", seconds=120, channel=None):
        return super().until(device, profile, state, seconds, channel)

    def wifi(self, certificate, *roots, system="ios", **more):
        body = {"networkName": "Office", "ssid": "office", "wiFiSecurityType": "wpa2Enterprise", "eapType": "eapTls",
                "authenticationMethod": "certificate", "trustedServerCertificateNames": ["radius.contoso.test"],
                WIFI: self.url(certificate), **more}
        if roots:
            body[ROOTS] = [self.url(r) for r in roots]
        return self.create(system + "EnterpriseWiFiConfiguration", "Office", **body)

    def empty(self, phone):
        wait_for(lambda: phone.poll() is not None and list(phone.device.profiles) == ["chancery.mdm"], 90, step=0.2)

    def inside(self, device, profile, kind, channel=None):
        """The payload of that kind, and the certificate's, of what the device has installed."""
        p = (channel or device.device).profiles[f"chancery-{profile['id']}"]
        payload, = [q for q in p.payloads if q["PayloadType"] == kind]
        certificate, = [q for q in p.payloads if q["PayloadType"] in ("com.apple.security.pkcs12",
                                                                      "com.apple.security.scep")]
        return p, payload, certificate


@pytest.fixture(scope="module")
def place(world):
    return Users(world)


def test_an_iphone_joins_the_network_by_a_certificate_of_its_own(place):
    phone = place.device("Phone of the office")
    phone.poll()
    root, pkcs = place.root(), place.pkcs()
    wifi = place.wifi(pkcs, root)
    for p in (wifi, pkcs, root):
        place.world.assign(p, place.group)
    slot = place.until(phone, wifi)
    order = [n for n in phone.device.profiles if n != "chancery.mdm"]
    assert order == [f"chancery-{p['id']}" for p in (root, pkcs, wifi)], "what is needed comes first"
    p, payload, certificate = place.inside(phone, wifi, "com.apple.wifi.managed")
    assert p.encrypted and p.signers and len(p.payloads) == 3
    assert payload["SSID_STR"] == "office" and payload["PayloadCertificateUUID"] == certificate["PayloadUUID"]
    eap = payload["EAPClientConfiguration"]
    anchor, = [q for q in p.payloads if q["PayloadType"] == "com.apple.security.root"]
    assert eap["PayloadCertificateAnchorUUID"] == [anchor["PayloadUUID"]] and eap["AcceptEAPTypes"] == [13]
    assert x509.load_der_x509_certificate(anchor["PayloadContent"]) == \
        x509.load_pem_x509_certificate(place.world.root_pem.encode())
    mine, = held(phone.device, slot["sha256"])
    assert mine.key is not None and slot["sha256"] != place.slot(phone, pkcs)["sha256"]

    # Another name of the network: another certificate, and the older one is revoked.
    place.world.api("PATCH", f"{place.world.CONFIGURATIONS}/{wifi['id']}", {
        "@odata.type": wifi["@odata.type"], "ssid": "office-2"})
    wait_for(lambda: phone.poll() is not None and place.inside(
        phone, wifi, "com.apple.wifi.managed")[1]["SSID_STR"] == "office-2", 120, step=0.2)
    again = place.until(phone, wifi)
    assert again["sha256"] != slot["sha256"] and len(phone.device.profiles) == 4
    wait_for(lambda: any(e["event"] == "revoked" for e in place.world.timeline(place.slot(phone, wifi))), 90)

    # Everything at once is no longer due: what uses the certificate goes first.
    gone, remove = [], phone.do_RemoveProfile

    def noted(command, channel):
        gone.append(command["Identifier"])
        return remove(command, channel)
    phone.do_RemoveProfile = noted
    for p in (root, pkcs, wifi):
        place.world.api("POST", f"{place.world.CONFIGURATIONS}/{p['id']}/assign", {"assignments": []})
    place.empty(phone)
    assert gone == order[::-1]
    place.drop(wifi, pkcs, root)


def test_a_tunnel_by_a_key_that_the_phone_makes(place):
    phone = place.device("Phone on the road")
    phone.poll()
    scep = place.scep()
    vpn = place.create("iosikEv2VpnConfiguration", "Road", connectionName="Road", remoteIdentifier="vpn.contoso.test",
                       server={"address": "vpn.contoso.test"}, enablePerfectForwardSecrecy=True,
                       **{"identityCertificate@odata.bind": place.url(scep)})
    for p in (vpn, scep):
        place.world.assign(p, place.group)
    slot = place.until(phone, vpn)
    assert place.slot(phone, scep)["state"] == "installed" and phone.scep_runs == 3
    _, payload, certificate = place.inside(phone, vpn, "com.apple.vpn.managed")
    assert payload["VPNType"] == "IKEv2"
    own = payload["IKEv2"]
    assert own["PayloadCertificateUUID"] == certificate["PayloadUUID"] and own["EnablePFS"] == 1
    assert own["LocalIdentifier"] == "ada" and own["RemoteAddress"] == "vpn.contoso.test"
    assert len(held(phone.device, slot["sha256"])) == 1
    place.drop(vpn, scep)
    place.empty(phone)


def test_mail_is_signed_and_opened_by_the_imported_certificate(place, tmp_path):
    phone = place.device("Phone with mail")
    phone.poll()
    made, key = Made(tmp_path), make_import_key(place.world)
    with open(tmp_path / "pw", "w", encoding="ascii") as f:
        f.write("secret-Pa55")
    p12, _, cert = made.pfx("ada")
    place.world.cli("pfx", "import", p12, "--user", "ada@contoso.test", "--purpose", "smimeEncryption",
                    "--password-file", str(tmp_path / "pw"), "--key", key)
    with open(cert, "rb") as f:
        sha256 = x509.load_pem_x509_certificate(f.read()).fingerprint(hashes.SHA256()).hex()
    pfx = place.create("iosImportedPFXCertificateProfile", "S/MIME", intendedPurpose="smimeEncryption")
    bind = place.url(pfx)
    mail = place.create("iosEasEmailProfileConfiguration", "Mail", accountName="Work", hostName="mail.contoso.test",
                        authenticationMethod="usernameAndPassword", smimeSigningEnabled=True,
                        durationOfEmailToSync="twoWeeks", **{"smimeSigningCertificate@odata.bind": bind,
                                                             "smimeEncryptionCertificate@odata.bind": bind})
    for p in (mail, pfx):
        place.world.assign(p, place.group)
    slot = place.until(phone, mail)
    assert slot["sha256"].lower() == sha256 == place.slot(phone, pfx)["sha256"].lower()
    p, payload, certificate = place.inside(phone, mail, "com.apple.eas.account")
    assert payload["SMIMESigningCertificateUUID"] == payload["SMIMEEncryptionCertificateUUID"] == \
        certificate["PayloadUUID"], "one copy for both"
    assert payload["EmailAddress"] == "ada@contoso.test" and payload["MailNumberOfPastDaysToSync"] == 14
    assert len({q.uuid for q in phone.device.profiles.values()}) == len(phone.device.profiles)
    assert p.encrypted and phone.log.count(INSTALLED) == 2
    # Both are there when they are looked for once more.
    place.world.api("POST", f"/v1.0/deviceManagement/managedDevices/{phone.id}/syncDevice")
    phone.poll()
    assert phone.log.count(INSTALLED) == 2 and place.slot(phone, mail)["state"] == "installed"
    place.drop(mail, pfx)
    place.empty(phone)


def test_a_mac_has_networks_of_the_machine_and_of_its_user(place):
    mac = place.device("Mac of the office", model="Mac14,2", version="14.4")
    machine = place.pkcs("macOS", deploymentChannel="deviceChannel")
    person = place.pkcs("macOS", deploymentChannel="userChannel")
    one, two = place.wifi(machine, system="macOS"), place.wifi(person, system="macOS", ssid="people")
    for p in (machine, person, one, two):
        place.world.assign(p, place.group)
    place.until(mac, one)
    assert place.inside(mac, one, "com.apple.wifi.managed")[1]["SetupModes"] == ["System"]
    mac.sign_in("ada")
    place.until(mac, two, channel=mac.user)
    assert "SetupModes" not in place.inside(mac, two, "com.apple.wifi.managed", mac.user)[1]
    assert mac.user.profiles[f"chancery-{two['id']}"].scope == "User"
    place.drop(one, two, machine, person)
    wait_for(lambda: mac.poll() is not None and mac.poll(mac.user) is not None and not mac.user.profiles,
             90, step=0.2)


def test_what_the_device_does_not_take_is_rolled_back_and_revoked(place):
    phone = place.device("Phone that refuses")
    phone.poll()
    pkcs = place.pkcs()
    wifi = place.wifi(pkcs)
    phone.fail["com.apple.wifi.managed"] = Refused("MCWiFiErrorDomain", 13004, "told by the device")
    for p in (wifi, pkcs):
        place.world.assign(p, place.group)
    slot = place.until(phone, wifi, "failed")
    assert slot["fault"] == "device-certificate" and "MCWiFiErrorDomain 13004" in slot["reason"]
    assert f"chancery-{wifi['id']}" not in phone.device.profiles
    wait_for(lambda: any(e["event"] == "revoked" for e in place.world.timeline(place.slot(phone, wifi))), 90)
    assert place.slot(phone, pkcs)["state"] == "installed", "its own certificate stays"
    place.drop(wifi, pkcs)
    place.empty(phone)


def test_what_is_missing_is_told_when_it_is_saved_and_at_the_device(place):
    world = place.world
    phone = place.device("Phone of gaps")
    phone.poll()
    pkcs, mac = place.pkcs(), place.pkcs("macOS")
    wifi = place.wifi(pkcs)
    with pytest.raises(ApiError, match="is for macos"):
        place.wifi(mac)
    with pytest.raises(ApiError, match="is missing"):
        world.api("PATCH", f"{world.CONFIGURATIONS}/{wifi['id']}", {"@odata.type": wifi["@odata.type"], WIFI: None})
    with pytest.raises(ApiError, match="refers to it"):
        world.api("DELETE", f"{world.CONFIGURATIONS}/{pkcs['id']}")
    with pytest.raises(ApiError) as caught:
        place.wifi(pkcs, preSharedKey="correct horse")
    assert "preSharedKey" in caught.value.text and "horse" not in caught.value.text
    world.assign(wifi, place.group)
    slot = place.until(phone, wifi, "failed")
    assert slot["fault"] == "certificate-not-assigned" and pkcs["id"] in slot["reason"] and slot["nextStep"]
    world.assign(pkcs, place.group)
    place.until(phone, wifi)
    shown = world.api("GET", f"{world.CONFIGURATIONS}/{wifi['id']}")
    assert shown["@chancery.references"] == {"identityCertificateForClientAuthentication": pkcs["id"]}
    preview = world.api("POST", "/chancery/v1/preview", {"profileId": wifi["id"], "deviceId": phone.id})
    assert preview["wouldIssue"] is True
    place.drop(wifi, pkcs, mac)
    place.empty(phone)


def test_files_name_what_they_refer_to(place):
    world = place.world
    secret = os.path.join(world.dir, "cli-secret")
    with open(secret, "w", encoding="utf-8") as f:
        f.write(world.app["client_secret"])
    os.chmod(secret, 0o600)
    world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
              "--secret-file", secret, "--ca", world.root_file)
    root, pkcs = place.root(), place.pkcs()
    wifi = world.cli_json("profile", "create", "By hand", "--type", "iosEnterpriseWiFiConfiguration",
                          "--set", "networkName=Office", "--set", "ssid=office", "--set", "eapType=eapTls",
                          "--set", "wiFiSecurityType=wpa2Enterprise", "--use", f"{WIFI.split('@', 1)[0]}={pkcs['id']}",
                          "--use", f"{ROOTS.split('@', 1)[0]}={root['id']}")
    assert len(wifi["@chancery.references"][ROOTS.split("@", 1)[0]]) == 1
    path = os.path.join(world.dir, "files-of-uses")
    world.cli("export", path)
    with open(os.path.join(path, "profiles.json"), encoding="utf-8") as f:
        text = f.read()
    assert pkcs["id"] not in text and '"references"' in text
    assert world.cli_json("apply", "-f", path, "--yes")["steps"] == []
    place.drop(wifi, pkcs, root)
    made = world.cli_json("apply", "-f", path, "--yes")
    assert made["applied"] and [s["name"] for s in made["steps"]][-1] == wifi["displayName"]
    assert world.cli_json("apply", "-f", path, "--yes")["steps"] == []
    row = [p for p in world.api("GET", world.CONFIGURATIONS)["value"] if p["displayName"] == wifi["displayName"]][0]
    assert set(row["@chancery.references"]) == {WIFI.split("@", 1)[0], ROOTS.split("@", 1)[0]}
