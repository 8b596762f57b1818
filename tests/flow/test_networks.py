# SPDX-License-Identifier: Apache-2.0
"""Networks that use a certificate which another profile brought: after it, and gone before it. And those
without certificates, by a key or open, on every platform: they come, change, go, and nobody but devices has a key."""

import glob
import hashlib
import json
import os
import sqlite3
import stat
import sys

import pytest

import test_apple
from test_keys import base64_forms, memory
from test_rules import database
from world import ROOT, Agent, ApiError, b64, pem_blocks, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from android import AndroidAgent  # noqa: E402  pylint: disable=wrong-import-position
from windows import WindowsDevice  # noqa: E402  pylint: disable=wrong-import-position

GRAPH = "#microsoft.graph."
IDENTITY = "identityCertificateForClientAuthentication@odata.bind"
SERVERS = "rootCertificatesForServerValidation@odata.bind"
SERVER = "rootCertificateForServerValidation@odata.bind"
ISSUER = "rootCertificateForClientValidation@odata.bind"
ONE, TWO = "Quokka <7> & 'pelican'", "wombat \\ \"echidna\" 22"
RAW = "00112233445566778899AABBCCDDEEFF" * 2
PIN = "739155"
WORLD = {"log": "debug"}


class Place:
    """A world with a user in a group, and what the tests make there."""

    def __init__(self, world):
        self.world = world
        self.user = world.add_user("ada@contoso.example", mail="ada@contoso.example")
        self.group = world.add_group("networks", self.user)
        self.apple = test_apple.Place(world)
        self.secrets = [ONE, TWO, RAW]

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

    def network(self, kind, security="wpa2Personal", key=ONE, **more):
        member = "wifiSecurityType" if "windows" in kind else "wiFiSecurityType"
        body = {"networkName": "Guests", "ssid": "guests & co", "connectAutomatically": True, member: security, **more}
        if key is not None:
            body["preSharedKey"] = key
        return self.create(kind, f"Guests {kind}", **body)

    def change(self, profile, **what):
        return self.world.api("PATCH", f"{self.world.CONFIGURATIONS}/{profile['id']}", {
            "@odata.type": profile["@odata.type"], **what})

    def restart(self, keys):
        """The service, with these bytes for the key of its secrets; gives those that it had."""
        path = os.path.join(self.world.state_dir("service"), "keys", "secret.key")
        self.world.stop("service")
        with open(path, "rb") as f:
            was = f.read()
        with open(path, "wb") as f:
            f.write(keys)
        self.world.start("service")
        wait_for(lambda: self.world.raw("GET", "/readyz", token=None)[0] == 200, 30, 0.2, why="the service")
        return was

    def wipe_how(self):
        """What the store has of wipes, as text."""
        with sqlite3.connect(database(self.world, "service")) as db:
            return str(db.execute("SELECT wipe_how FROM device_lives").fetchall())

    def until(self, device, turn, profile, word="installed"):
        wait_for(lambda: turn() is not None and (self.slot(device, profile) or {}).get("state") == word, 60, 0.2,
                 why=lambda: f"{word}: {self.slot(device, profile)}")


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
    # All of it leaves: first what uses the certificate. The machine trusts the service by the same root.
    for p in (root, pkcs, wifi):
        place.world.assign(p)
    gone = [uri for verb, uri, _ in d.session().commands if verb == "Delete"]
    at = [next(i for i, u in enumerate(gone) if part in u) for part in ("WiFi", "PFXCertInstall")]
    assert at == sorted(at), gone
    assert not d.tree.networks["User"] and not d.tree.held("User")
    assert list(d.tree.roots("Root")) == [sha1(place.world.root_pem).upper()] and state(place, d, root) != "installed"
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


# Without certificates

def test_the_key_is_written_and_never_read(place):
    world = place.world
    made = place.network(GRAPH + "iosWiFiConfiguration")
    assert made.get("preSharedKey") is None and ONE not in json.dumps(made)
    mark = made["@chancery.secrets"]["preSharedKey"]
    path = f"{world.CONFIGURATIONS}/{made['id']}"
    # What was read and is sent back changes nothing; neither does the same key once more.
    same = place.change(made, **{k: v for k, v in world.api("GET", path).items() if k.startswith(("ssid", "pre"))},
                        preSharedKey=None)
    assert same["@chancery.secrets"]["preSharedKey"] == mark
    assert place.change(made, preSharedKey=ONE)["@chancery.secrets"]["preSharedKey"] == mark
    assert place.change(made, preSharedKey=TWO)["@chancery.secrets"]["preSharedKey"] != mark
    versions = f"/chancery/v1/profiles/{made['id']}/versions"
    for get in (path, world.CONFIGURATIONS, versions, f"{versions}/{world.api('GET', versions)['value'][0]['id']}",
                "/chancery/v1/audit"):
        assert all(json.dumps(s)[1:-1] not in json.dumps(world.api("GET", get)) for s in place.secrets), get
    other = place.network(GRAPH + "iosWiFiConfiguration")
    assert other["@chancery.secrets"]["preSharedKey"] != mark, "whether two networks have one key is nobody's business"
    for bad, words in (("short", "preSharedKey"), ("x" * 64, "hexadecimal"), ("quokka\u00e9 pelican", "ASCII")):
        with pytest.raises(ApiError, match=words) as caught:
            place.change(made, preSharedKey=bad)
        assert bad not in caught.value.text
    with pytest.raises(ApiError, match="WEP|wep"):
        place.change(made, wiFiSecurityType="wep")
    android = place.network(GRAPH + "androidDeviceOwnerWiFiConfiguration", "wpaPersonal")
    assert android["preSharedKeyIsSet"] is True
    assert place.change(android, wiFiSecurityType="open")["preSharedKeyIsSet"] is False
    place.drop(made, other, android)


def test_who_may_only_read_cannot_find_a_key_out_by_asking_what_it_would_change(place):
    world = place.world
    made = place.network(GRAPH + "iosWiFiConfiguration")
    reader = world.fetch_token(world.add_app("reader", ["DeviceManagementConfiguration.Read.All"]))["access_token"]
    ask = {"settings": {"@odata.type": made["@odata.type"], "preSharedKey": ONE}}
    path = f"/chancery/v1/profiles/{made['id']}/effect"
    with pytest.raises(ApiError, match="secrets"):
        world.api("POST", path, ask, token=reader)
    assert world.api("POST", path, {"settings": {"ssid": "guests"}}, token=reader)["complete"]
    assert world.api("POST", path, ask)["reissue"] == 0
    place.drop(made)


def test_files_say_where_a_key_is_and_never_have_it(place):
    """Made from a file beside them, known again, changed, exported by its mark alone."""
    world = place.world
    env = {"CHANCERY_URL": world.url, "CHANCERY_CLIENT_ID": world.app["client_id"],
           "CHANCERY_CLIENT_SECRET": world.app["client_secret"], "CHANCERY_CA": world.root_file}
    folder = os.path.join(world.dir, "files-with-keys")
    os.makedirs(folder)

    def put(name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))

    def apply(path=folder, **more):
        return world.cli_json("apply", "-f", path, "--yes", env={**env, **more})
    profile = {"kind": "profile", "displayName": "Guests by file", "@odata.type": "#chancery.linuxWiFiConfiguration",
               "networkName": "Guests", "ssid": "guests", "wiFiSecurityType": "wpa2Personal",
               "secrets": {"preSharedKey": {"file": "guests.key"}}}
    put("guests.json", profile)
    done = world.cli("apply", "-f", folder, "--yes", env=env, check=False)
    assert done.returncode and "guests.key" in done.stderr, "the file is not there"
    put("guests.key", ONE + "\n")
    assert [s["action"] for s in apply()["steps"]] == ["create"]
    assert apply()["steps"] == []
    put("guests.key", TWO + "\n")
    shown = world.cli("apply", "-f", folder, "--dry-run", env=env).stdout
    assert "secrets: " in shown and '"file"' in shown and json.dumps(TWO)[1:-1] not in shown and TWO not in shown
    assert [list(s["properties"]) for s in apply()["steps"]] == [["secrets"]]
    assert apply()["steps"] == []
    put("guests.json", {**profile, "secrets": {"preSharedKey": {"env": "GUESTS_KEY"}}})
    assert apply(GUESTS_KEY=TWO)["steps"] == [] and len(apply(GUESTS_KEY=ONE)["steps"]) == 1
    # What is exported is as it is there, and not enough to make it anew.
    export = os.path.join(world.dir, "exported-keys")
    world.cli("export", export, env=env)
    with open(os.path.join(export, "profiles.json"), encoding="utf-8") as f:
        text = f.read()
    assert '"mark"' in text and all(json.dumps(s)[1:-1] not in text for s in place.secrets)
    assert apply(export)["steps"] == []
    row, = [p for p in world.api("GET", world.CONFIGURATIONS)["value"] if p["displayName"] == "Guests by file"]
    world.api("DELETE", f"{world.CONFIGURATIONS}/{row['id']}")
    done = world.cli("apply", "-f", export, "--yes", env=env, check=False)
    assert done.returncode and "another \"preSharedKey\"" in done.stderr
    # A key that stands in the file itself is refused without being told.
    put("guests.json", {k: v for k, v in {**profile, "preSharedKey": ONE}.items() if k != "secrets"})
    done = world.cli("apply", "-f", folder, "--yes", env=env, check=False)
    assert done.returncode and "secrets" in done.stderr and ONE not in done.stderr + done.stdout
    put("one.key", ONE + "\n")
    made = world.cli_json("profile", "create", "By hand", "--type", "iosWiFiConfiguration", "--set", "networkName=x",
                          "--set", "ssid=x", "--set", "wiFiSecurityType=wpaPersonal", "--secret",
                          f"preSharedKey={folder}/one.key", env=env)
    changed = world.cli_json("profile", "update", "By hand", "--secret", f"preSharedKey={folder}/guests.key", env=env)
    assert changed["@chancery.secrets"] != made["@chancery.secrets"]
    place.drop(made)


def test_a_pc_gets_it_changed_and_gone(place, tmp_path):
    d = place.windows(tmp_path, "PC-K")
    wifi = place.network(GRAPH + "windowsWifiConfiguration", proxySetting="manual", proxyManualAddress="proxy.test",
                         proxyManualPort=3128, meteredConnectionLimit="fixed", connectWhenNetworkNameIsHidden=True)
    place.world.assign(wifi, place.group)
    place.until(d.id, d.session, wifi)
    network = d.tree.networks["Device"]["guests & co"]["WlanXml"]
    assert network.key == ONE and network.authentication == "WPA2PSK" and network.hidden and network.automatic
    assert d.tree.networks["Device"]["guests & co"]["Proxy"] == "proxy.test:3128"
    place.change(wifi, preSharedKey=RAW)
    d.session()
    assert d.tree.networks["Device"]["guests & co"]["WlanXml"].key == RAW
    assert [v for v, _ in d.tree.wifi_writes] == ["Add", "Replace"]
    assert {v for v, _, _ in d.session().commands} == {"Get"}, "nothing to do"
    place.change(wifi, wifiSecurityType="open", proxySetting="none", meteredConnectionLimit="unrestricted")
    d.session()
    assert d.tree.networks["Device"]["guests & co"]["WlanXml"].encryption == "none"
    place.world.assign(wifi)
    d.session()
    assert not d.tree.networks["Device"]
    place.drop(wifi)


@pytest.mark.parametrize("system,name,more", [
    ("ios", "Phone", {}),
    pytest.param("macOS", "Mac", {"model": "Mac14,2", "version": "14.4"}, marks=pytest.mark.long)])
def test_an_apple_device_gets_it_encrypted_changed_and_gone(place, system, name, more):
    device = place.apple.device(name + " of guests", **more)
    device.poll()
    wifi = place.network(f"{GRAPH}{system}WiFiConfiguration", proxySettings="automatic",
                         proxyAutomaticConfigurationUrl="https://proxy.test/pac")
    alias = f"chancery-{wifi['id']}"
    place.world.assign(wifi, place.apple.group)
    place.apple.until(device, wifi, seconds=60)
    p = device.device.profiles[alias]
    payload, = p.payloads
    assert p.encrypted and p.signers and payload["Password"] == ONE and payload["EncryptionType"] == "WPA2"
    assert payload["SSID_STR"] == "guests & co" and payload["ProxyPACURL"] == "https://proxy.test/pac"
    before = device.log.count(test_apple.INSTALLED)
    # It is known for what it is when it is asked for again.
    place.world.api("POST", f"/v1.0/deviceManagement/managedDevices/{device.id}/syncDevice")
    device.poll()
    assert device.log.count(test_apple.INSTALLED) == before
    place.change(wifi, preSharedKey=TWO)
    wait_for(lambda: device.poll() is not None and
             device.device.profiles[alias].payloads[0]["Password"] == TWO, 60, 0.2)
    place.apple.until(device, wifi)
    # Taken away by hand it comes back.
    del device.device.profiles[alias]
    place.world.api("POST", f"/v1.0/deviceManagement/managedDevices/{device.id}/syncDevice")
    wait_for(lambda: device.poll() is not None and alias in device.device.profiles, 60, 0.2)
    place.change(wifi, wiFiSecurityType="open")
    wait_for(lambda: device.poll() is not None and not device.device.profiles[alias].encrypted, 60, 0.2)
    payload, = device.device.profiles[alias].payloads
    assert payload["EncryptionType"] == "None" and "Password" not in payload
    place.apple.until(device, wifi)
    place.world.assign(wifi)
    wait_for(lambda: device.poll() is not None and alias not in device.device.profiles, 60, 0.2)
    place.drop(wifi)


@pytest.mark.parametrize("prefix,mode,ownership", [
    ("androidDeviceOwner", "device_owner", "corporate"),
    pytest.param("androidWorkProfile", "profile_owner", "personal", marks=pytest.mark.long)])
def test_an_android_device_gets_it_sealed_changed_and_gone(place, prefix, mode, ownership):
    world = place.world
    phone = AndroidAgent(world.device_url, world.root_file, os.path.join(world.dir, "android-keys", prefix), mode=mode,
                         ownership=ownership, name="pixel")
    phone.enrol(world.code(place.user))
    wifi = place.network(f"{GRAPH}{prefix}WiFiConfiguration", "wpaPersonal")
    alias = f"chancery-{wifi['id']}"
    world.assign(wifi, place.group)
    place.until(phone.id, phone.sync, wifi)
    assert phone.networks[alias]["key"] == ONE and phone.networks[alias]["security"] == "wpa-psk"
    place.change(wifi, preSharedKey=TWO)
    phone.sync()
    assert phone.networks[alias]["key"] == TWO
    assert all(s not in json.dumps(c) for c in phone.seen for s in (ONE, json.dumps(TWO)[1:-1])), "it comes sealed"
    world.assign(wifi)
    phone.sync()
    assert not phone.networks
    phone.close()
    place.drop(wifi)


def test_a_linux_machine_gets_it_sealed_changed_and_gone(place):
    world = place.world
    folder = os.path.join(world.dir, "nm")
    os.makedirs(os.path.join(folder, "bin"))
    os.makedirs(os.path.join(folder, "connections"))
    with open(os.path.join(folder, "bin", "nmcli"), "w", encoding="ascii") as f:
        f.write("#!/bin/sh\nexit 0\n")
    os.chmod(os.path.join(folder, "bin", "nmcli"), 0o755)
    agent = world.agents["guest"] = Agent(
        world, "guest", f"[networkmanager]\ndirectory={folder}/connections\n")
    agent.env["PATH"] = os.path.join(folder, "bin") + ":" + os.environ["PATH"]
    agent.enrol(world.code(place.user))
    wifi = place.network("#chancery.linuxWiFiConfiguration")
    path = os.path.join(folder, "connections", f"chancery-{wifi['id']}.nmconnection")
    world.assign(wifi, place.group)
    agent.start()
    world.wait_slot(agent, wifi)
    with open(path, "rb") as f:
        text = f.read()
    assert f"\npsk={ONE}\n".encode() in text
    assert any(n in text for n in needles(place)), "what is searched for is found where it belongs"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    place.change(wifi, preSharedKey=TWO)

    def key():
        with open(path, encoding="utf-8") as f:
            return [line[4:] for line in f.read().splitlines() if line.startswith("psk=")]
    wait_for(lambda: key() == [TWO.replace("\\", "\\\\")], 30, 0.2, why="the new key")
    world.assign(wifi)
    wait_for(lambda: not os.path.exists(path), 30, 0.2, why="the network gone")
    agent.stop()
    place.drop(wifi)


def test_a_key_that_the_service_cannot_open_is_told_and_holds_up_nothing_else(place):
    """As after a database was restored without its keys."""
    world = place.world
    phone = AndroidAgent(world.device_url, world.root_file, os.path.join(world.dir, "android-keys", "lost"))
    phone.enrol(world.code(place.user))
    wifi = place.network(GRAPH + "androidDeviceOwnerWiFiConfiguration", "wpaPersonal")
    free = place.network(GRAPH + "androidDeviceOwnerWiFiConfiguration", "open", None)
    was = place.restart(bytes(64))
    for p in (wifi, free):
        world.assign(p, place.group)
    place.until(phone.id, phone.sync, free)
    slot = place.slot(phone.id, wifi)
    assert slot["state"] == "failed" and slot["fault"] == "secret-lost" and slot["nextStep"]
    assert place.restart(was) == bytes(64)
    phone.close()
    place.drop(wifi, free)


def test_a_mac_s_code_is_kept_sealed_until_it_is_told(place):
    world = place.world
    mac = place.apple.device("Mac with a code", model="Mac14,2")
    world.api("POST", f"/v1.0/deviceManagement/managedDevices/{mac.id}/wipe", {"macOsUnlockCode": PIN})
    assert "sealedUnlockCode" in place.wipe_how() and PIN not in place.wipe_how()
    assert mac.poll() == [("EraseDevice", "Acknowledged")] and mac.erased["PIN"] == PIN
    assert "sealedUnlockCode" not in place.wipe_how()


def needles(place):
    """Of a key all its forms, of the six digits as they stand in JSON: so few appear by chance in numbers."""
    found = [f'"{PIN}"'.encode(), f"<string>{PIN}</string>".encode()]
    for s in place.secrets:
        found += [s.encode(), json.dumps(s)[1:-1].encode(), s.encode().hex().encode(),
                  *(f for f in base64_forms(s.encode()) if len(f) > 12)]
    return found


def test_no_process_of_the_service_keeps_a_key_in_memory(place):
    """What was sent, stored, opened for devices and asked about since is in no memory that is in use or free."""
    world = place.world
    marker = "Pelican 7 <quokka> remembers"
    wifi = place.network(GRAPH + "iosWiFiConfiguration", "wpaPersonal", marker)
    found = [marker.encode(), json.dumps(marker)[1:-1].encode()]
    wait_for(lambda: not any(n in memory(pid) for pid in world.pids("service").values() for n in found), 20, 0.5,
             why="forgotten")
    place.drop(wifi)


def test_nothing_that_the_service_keeps_has_a_key_in_the_clear(place):
    """Last of all: database, its log, the files of every role, and what they told."""
    world = place.world
    looked = []
    for role in world.ROLES:
        for path in glob.glob(f"{world.dir}/{role}/**", recursive=True) + [world.log_file(role)]:
            if not os.path.isfile(path):
                continue
            try:
                with open(path, "rb") as f:
                    data = f.read()
            except FileNotFoundError:
                continue
            looked.append(os.path.basename(path))
            assert [n for n in needles(place) if n in data] == [], path
    assert {"service.db", "service.db-wal", "service.log", "secret.key"} <= set(looked)
