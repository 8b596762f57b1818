# SPDX-License-Identifier: Apache-2.0
"""Networks that use a certificate which another profile brought: after it, and gone before it."""

import hashlib
import os
import sys

import pytest

from world import ROOT, ApiError, b64, pem_blocks, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from android import AndroidAgent  # noqa: E402  pylint: disable=wrong-import-position
from windows import WindowsDevice  # noqa: E402  pylint: disable=wrong-import-position

GRAPH = "#microsoft.graph."
IDENTITY = "identityCertificateForClientAuthentication@odata.bind"
SERVERS = "rootCertificatesForServerValidation@odata.bind"
SERVER = "rootCertificateForServerValidation@odata.bind"
ISSUER = "rootCertificateForClientValidation@odata.bind"


class Place:
    """A world with a user in a group, and what the tests make there."""

    def __init__(self, world):
        self.world = world
        self.user = world.add_user("ada@contoso.example", mail="ada@contoso.example")
        self.group = world.add_group("networks", self.user)

    def create(self, kind, name, **more):
        return self.world.api("POST", self.world.CONFIGURATIONS, {"@odata.type": kind, "displayName": name, **more})

    def url(self, profile):
        return f"{self.world.url}{self.world.CONFIGURATIONS}('{profile['id']}')"

    def windows(self, tmp_path, name="PC-1"):
        d = WindowsDevice(self.world.device_url, self.world.root_file, tmp_path / name, self.user["userPrincipalName"],
                          name=name)
        d.discover(auth=("OnPremise",))
        d.enrol(self.world.code(self.user), kind="Full")
        d.id = d.tree.dmclient["EntDMID"]
        d.tree.forget_all()
        return d

    def windows_profiles(self, **more):
        root = self.create(GRAPH + "windows81TrustedRootCertificate", "Root", certFileName="root.cer",
                           destinationStore="computerCertStoreRoot",
                           trustedRootCertificate=b64(self.world.root_pem.encode()))
        pkcs = self.create(GRAPH + "windows10PkcsCertificateProfile", "Certificate", **self.pkcs(), **{
            "keyStorageProvider": "useSoftwareKsp", "certificateStore": "user", "extendedKeyUsages": [
                {"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}]})
        wifi = self.create(GRAPH + "windowsWifiEnterpriseEAPConfiguration", "Office", **{
            "networkName": "Office", "ssid": "Office & Lab", "wifiSecurityType": "wpa2Enterprise", "eapType": "eapTls",
            "connectAutomatically": True, "trustedServerCertificateNames": ["radius.contoso.example"],
            IDENTITY: self.url(pkcs), SERVERS: [self.url(root)], ISSUER: self.url(root), **more})
        return root, pkcs, wifi

    def pkcs(self):
        return {"certificationAuthority": self.world.host, "certificationAuthorityName": self.world.issuing_ca,
                "certificateTemplateName": "ChanceryUser", "subjectNameFormat": "custom",
                "subjectNameFormatString": "CN={{UserName}},O=Contoso", "certificateValidityPeriodScale": "years",
                "certificateValidityPeriodValue": 1, "renewalThresholdPercentage": 20}

    def slot(self, device, profile):
        found = self.world.slots(device=device, profile=profile["id"])
        return found[0] if found else None

    def drop(self, *profiles):
        for p in profiles:
            self.world.assign(p)
        for p in profiles:
            self.world.api("DELETE", f"{self.world.CONFIGURATIONS}/{p['id']}")


@pytest.fixture(scope="module", name="place")
def place_of(world):
    return Place(world)


def sha1(pem):
    return hashlib.sha1(pem_blocks(pem)[0]).hexdigest()


def state(place, d, profile):
    slot = place.slot(d.id, profile)
    return slot["state"] if slot else None


def test_windows_gets_a_network_after_its_certificate_and_loses_it_before(place, tmp_path):
    d = place.windows(tmp_path)
    root, pkcs, wifi = place.windows_profiles()
    for p in (wifi, pkcs, root):
        place.world.assign(p, place.group)
    wait_for(lambda: d.session() and state(place, d, wifi) == "installed", 60, 0.3, why="the network")
    assert not d.tree.networks["Device"], "its certificate is a person's"
    network = d.tree.networks["User"]["Office & Lab"]["WlanXml"]
    assert network.methods == [13] and network.who == "user" and network.automatic
    assert network.servers == ["radius.contoso.example"] and network.roots == [sha1(place.world.root_pem)]
    assert network.checks and network.checks_name and not network.quiet
    assert len(d.tree.certificate_for(network, "User")) == 1
    # It lists no certificate of its own, and nothing was issued for it.
    slot = place.slot(d.id, wifi)
    assert not slot.get("serial") and not slot.get("notAfter")
    events = [e["event"] for e in place.world.timeline(slot)]
    assert events == ["assigned", "ready", "offered", "installed"]
    # Nothing to do, and nothing done.
    assert {v for v, _, _ in d.session().commands} == {"Get"}
    # A change replaces it where it lies: the machine may be speaking by it.
    place.world.api("PATCH", f"{place.world.CONFIGURATIONS}/{wifi['id']}", {
        "@odata.type": wifi["@odata.type"], "connectWhenNetworkNameIsHidden": True, "meteredConnectionLimit": "fixed"})
    d.session()
    assert d.tree.wifi_writes == [("Add", "Office & Lab"), ("Replace", "Office & Lab")]
    assert d.tree.networks["User"]["Office & Lab"]["WlanXml"].hidden
    assert d.tree.networks["User"]["Office & Lab"]["WiFiCost"] == "2"
    assert state(place, d, wifi) == "installed"
    # Another name is another network; the old one goes.
    place.world.api("PATCH", f"{place.world.CONFIGURATIONS}/{wifi['id']}", {
        "@odata.type": wifi["@odata.type"], "ssid": "Office-2", "meteredConnectionLimit": "unrestricted"})
    d.session()
    assert list(d.tree.networks["User"]) == ["Office-2"]
    # Taken away by hand it comes back.
    d.tree.networks["User"].clear()
    d.session()
    assert list(d.tree.networks["User"]) == ["Office-2"]
    # All of it leaves: first what uses the certificate.
    for p in (root, pkcs, wifi):
        place.world.assign(p)
    gone = [uri for verb, uri, _ in d.session().commands if verb == "Delete"]
    at = [next(i for i, u in enumerate(gone) if part in u) for part in ("WiFi", "PFXCertInstall", "RootCATrusted")]
    assert at == sorted(at), gone
    assert not d.tree.networks["User"] and not d.tree.held("User") and not d.tree.roots("Root")
    place.drop(wifi, pkcs, root)


def test_what_the_machine_says_about_a_network_is_told(place, tmp_path):
    """A profile that it does not take; a second one of the same name; nobody who is signed in."""
    d = place.windows(tmp_path, "PC-2")
    root, pkcs, wifi = place.windows_profiles(
        eapType="peap", authenticationType="user", networkSingleSignOn="postlogon", enablePreAuthentication=True,
        outerIdentityPrivacyTemporaryValue="anonymous", enablePairwiseMasterKeyCaching=True,
        requireCryptographicBinding=True)
    for p in (root, pkcs):
        place.world.assign(p, place.group)
    wait_for(lambda: d.session() and d.tree.held("User"), 60, 0.3, why="the certificate")
    d.tree.signed_in = False
    place.world.assign(wifi, place.group)
    d.session()
    assert not d.tree.networks["User"] and state(place, d, wifi) != "installed"
    d.tree.signed_in = True
    wait_for(lambda: d.session() and d.tree.networks["User"], 30, 0.3, why="the network of the person")
    network = d.tree.networks["User"]["Office & Lab"]["WlanXml"]
    assert network.methods == [25, 13] and network.outer == "anonymous" and network.binding
    assert network.single_sign_on[0] == "postLogon" and network.early == network.key_caching == "enabled"
    other = place.create(GRAPH + "windowsWifiEnterpriseEAPConfiguration", "Same name", **{
        "networkName": "Other", "ssid": "Office & Lab", "wifiSecurityType": "wpa2Enterprise", "eapType": "eapTtls",
        "authenticationMethod": "usernameAndPassword", "authenticationType": "user",
        "innerAuthenticationProtocolForEAPTTLS": "microsoftChapVersionTwo"})
    place.world.assign(other, place.group)
    d.session()
    slot = place.slot(d.id, other)
    # Without a certificate it is the machine's: another place, so both may be there.
    assert slot["state"] == "installed" and d.tree.networks["Device"]["Office & Lab"]["WlanXml"].inner[0] == "mschapv2"
    third = place.create(GRAPH + "windowsWifiEnterpriseEAPConfiguration", "Same place", **{
        "networkName": "Third", "ssid": "Office & Lab", "wifiSecurityType": "wpaEnterprise", "eapType": "peap",
        "authenticationMethod": "usernameAndPassword"})
    place.world.assign(third, place.group)
    d.session()
    slot = place.slot(d.id, third)
    assert slot["state"] == "failed" and "Office & Lab" in slot["reason"]
    assert d.tree.networks["Device"]["Office & Lab"]["WlanXml"].methods == [21]
    place.drop(wifi, other, third, pkcs, root)


@pytest.mark.parametrize("prefix,mode,ownership", [("androidDeviceOwner", "device_owner", "corporate"),
                                                   ("androidWorkProfile", "profile_owner", "personal")])
def test_android_gets_a_network_with_the_alias_of_its_certificate(place, prefix, mode, ownership):
    world = place.world
    root = place.create(f"{GRAPH}{prefix}TrustedRootCertificate", "Root", certFileName="root.cer",
                        trustedRootCertificate=b64(world.root_pem.encode()))
    pkcs = place.create(f"{GRAPH}{prefix}PkcsCertificateProfile", "Certificate", **place.pkcs(),
                        **{"rootCertificate@odata.bind": place.url(root)})
    wifi = place.create(f"{GRAPH}{prefix}EnterpriseWiFiConfiguration", "Office", **{
        "networkName": "Office", "ssid": "office", "wiFiSecurityType": "wpaEnterprise", "eapType": "eapTls",
        "connectAutomatically": True, "trustedServerCertificateNames": ["radius.contoso.example"],
        "proxySettings": "automatic", "proxyAutomaticConfigurationUrl": "https://proxy.contoso.example/pac",
        IDENTITY: place.url(pkcs), SERVER: place.url(root)})
    for p in (wifi, pkcs, root):
        world.assign(p, place.group)
    phone = AndroidAgent(world.device_url, world.root_file, os.path.join(world.dir, "android", prefix), mode=mode,
                         ownership=ownership, name="pixel")
    phone.enrol(world.code(place.user))
    alias = f"chancery-{wifi['id']}"
    wait_for(lambda: phone.sync() is not None and state(place, phone, wifi) == "installed", 30, 0.3, why="the network")
    network = phone.networks[alias]
    assert network["certificate"] == f"chancery-{pkcs['id']}" in phone.store.wifi
    assert network["servers"] == ["radius.contoso.example"] and len(network["roots"]) == 1
    assert network["proxy"] == {"url": "https://proxy.contoso.example/pac"} and not network["hardware_address"]
    order = [c["kind"] for c in phone.seen]
    assert order == ["install_ca", "install_identity", "install_network"]
    # A server that is not named is one that the system does not let anybody join.
    world.api("PATCH", f"{world.CONFIGURATIONS}/{wifi['id']}", {"@odata.type": wifi["@odata.type"],
                                                                "trustedServerCertificateNames": []})
    phone.sync()
    slot = place.slot(phone.id, wifi)
    assert slot["state"] == "failed" and slot["fault"] == "device-forbidden"
    phone.seen.clear()
    for p in (root, pkcs, wifi):
        world.assign(p)
    phone.sync()
    assert [c["kind"] for c in phone.seen] == ["remove_network", "remove_identity", "remove_ca"]
    assert not phone.networks and not phone.store.pairs
    phone.close()
    place.drop(wifi, pkcs, root)


def test_a_network_whose_references_do_not_fit_is_refused(place):
    root, pkcs, wifi = place.windows_profiles()
    world = place.world
    url = f"{world.CONFIGURATIONS}/{wifi['id']}"
    for change, words in (({IDENTITY: None}, "is missing"), ({ISSUER: place.url(pkcs)}, "trusted root"),
                          ({"preSharedKey": "correct horse"}, "preSharedKey"),
                          ({"performServerValidation": False}, "performServerValidation")):
        with pytest.raises(ApiError, match=words) as caught:
            world.api("PATCH", url, {"@odata.type": wifi["@odata.type"], **change})
        assert "horse" not in caught.value.text
    with pytest.raises(ApiError, match="profile-in-use|refer"):
        world.api("DELETE", f"{world.CONFIGURATIONS}/{pkcs['id']}")
    preview = world.api("POST", "/chancery/v1/preview", {"profileId": wifi["id"], "userId": place.user["id"]})
    assert preview
    refs = world.api("GET", url)["@chancery.references"]
    assert set(refs) == {b.split("@", 1)[0] for b in (IDENTITY, SERVERS, ISSUER)}
    place.drop(wifi, pkcs, root)
