# SPDX-License-Identifier: Apache-2.0
"""Networks without certificates on every platform: they come, change and go, and nobody but the devices has their key."""

import glob
import json
import os
import sqlite3
import stat
import sys

import pytest

import test_apple
import test_networks
from test_keys import base64_forms
from test_rules import database
from world import ROOT, Agent, ApiError, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from android import AndroidAgent  # noqa: E402  pylint: disable=wrong-import-position

GRAPH = "#microsoft.graph."
ONE, TWO = "Quokka <7> & 'pelican'", "wombat \\ \"echidna\" 22"
RAW = "00112233445566778899AABBCCDDEEFF" * 2
PIN = "739155"
WORLD = {"log": "debug"}


class Place(test_networks.Place):
    def __init__(self, world):
        super().__init__(world)
        self.apple = test_apple.Place(world)
        self.secrets = [ONE, TWO, RAW]

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
                 why=f"{word}: {self.slot(device, profile)}")


@pytest.fixture(scope="module", name="place")
def place_of(world):
    return Place(world)


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
    for get in (path, world.CONFIGURATIONS, f"/chancery/v1/profiles/{made['id']}/versions",
                f"/chancery/v1/profiles/{made['id']}/versions/1", "/chancery/v1/audit"):
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
    ("ios", "Phone", {}), pytest.param("macOS", "Mac", {"model": "Mac14,2", "version": "14.4"}, marks=pytest.mark.long)])
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
    wait_for(lambda: device.poll() is not None and device.device.profiles[alias].payloads[0]["Password"] == TWO, 60, 0.2)
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
