# SPDX-License-Identifier: Apache-2.0
"""What a Linux machine does with what its agent holds: NSS, hooks, and 802.1X by NetworkManager and by
wpa_supplicant."""

import json
import os
import re
import shutil
import ssl
import subprocess
import threading
import time

import pytest

from lan import SERVER, Lan, possible
from tls_server import Handler, TlsServer
from world import BUILD, Agent, b64, free_ports, wait_for, wait_idle

HOOK = """#!/bin/sh
exec >>"$(dirname "$0")/../told"
echo "$CHANCERY_EVENT $CHANCERY_KIND $CHANCERY_ALIAS $CHANCERY_NAME"
test "$CHANCERY_EVENT" = removed || test -r "$CHANCERY_CERT" || exit 1
"""


def nss(agent, *args, check=True):
    return subprocess.run(["certutil", *args, "-d", f"sql:{agent.dir}/nss"], check=check, capture_output=True,
                          text=True)


def listed(agent):
    """Nickname -> trust of everything in the database."""
    return dict(re.findall(r"^(chancery\S+) +(\S*) *$", nss(agent, "-L").stdout, re.M))


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.user = world.add_user("ada@contoso.example", "ada@contoso.example")
    g.group = world.add_group("Everybody", g.user)
    g.root = world.add_root()
    g.pkcs = world.add_pkcs(g.root, name="Wi-Fi")
    world.assign(g.root, g.group)
    world.assign(g.pkcs, g.group)
    g.alias = f"chancery-{g.pkcs['id']}"
    g.root_alias = f"chancery-{g.root['id']}"
    folder = os.path.join(world.dir, "devices", "laptop")
    conf = f"[hooks]\ndir={folder}/agent.d\ntimeout=5\n[nss]\ndatabases=sql:{folder}/nss\n"
    os.makedirs(os.path.join(folder, "agent.d"))
    os.makedirs(os.path.join(folder, "nss"))
    subprocess.run(["certutil", "-N", "--empty-password", "-d", f"sql:{folder}/nss"], check=True)
    g.folder = folder
    put_hook(g, "10-tell", HOOK)
    g.agent = world.device("laptop", g.user, conf=conf)
    world.wait_slot(g.agent, g.root)
    world.wait_slot(g.agent, g.pkcs)
    return g


def put_hook(g, name, text, mode=0o755):
    path = os.path.join(g.folder, "agent.d", name)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def told(g):
    with open(os.path.join(g.folder, "told"), encoding="utf-8") as f:
        return f.read().splitlines()


def shown(g):
    """What the agent says of those that use certificates; it must not run."""
    return {c["consumer"]: c for c in g.agent.show()["consumers"]}


def test_the_code_comes_from_a_file_or_from_standard_input(world, given, tmp_path):
    agent, code, none = Agent(world, "careful"), tmp_path / "code", tmp_path / "none"
    none.write_text("\n", encoding="ascii")
    for options, words in (([], "--code-file or --code"), (["--code-file", str(none)], "nothing in its first line"),
                           (["--code-file", "-"], "standard input has nothing"),
                           (["--code-file", str(none), "--code", "ABCDE"], "one of --code-file and --code")):
        done = agent.call("enrol", *options, check=False)
        assert done.returncode == 2 and words in done.stderr, done
    done = agent.call("enrol", "--code-file", str(tmp_path / "missing"), check=False)
    assert done.returncode not in (0, 2) and "missing" in done.stderr, done
    agent.call("enrol", "--code-file", "-", text_input=world.code(given.user) + "\n")
    agent.call("unenrol")
    code.write_text(world.code(given.user) + "\r\nof Ada\n", encoding="ascii")
    agent.call("enrol", "--code-file", str(code))
    agent.call("unenrol")


def test_hooks_are_told_of_everything_that_comes(given):
    wait_for(lambda: len(told(given)) >= 2, why="the hook")
    assert set(told(given)) == {f"installed ca {given.root_alias} ", f"installed identity {given.alias} Wi-Fi"}


def test_nss_has_root_identity_and_issuer_with_the_right_trust(given):
    all_of_it = {given.root_alias: "C,C,", given.alias: "u,u,u", f"{given.alias}-issuer-1": ",,"}
    wait_for(lambda: listed(given.agent) == all_of_it, why="root, identity and issuer in NSS")
    assert "(orphan)" not in nss(given.agent, "-K").stdout
    chain = nss(given.agent, "-O", "-n", given.alias).stdout
    assert [part for part in (given.root_alias, f"{given.alias}-issuer-1", given.alias) if f'"{part}"' in chain] == [
        given.root_alias, f"{given.alias}-issuer-1", given.alias]
    assert not os.path.exists(os.path.join(given.agent.state, "nss-handover"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd")
def test_the_unit_is_walled_in():
    text = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                           os.path.join(BUILD, "packaging/chancery-agent.service")], check=True, capture_output=True,
                          text=True).stdout
    level = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text).group(1))
    print(f"exposure of the agent's unit: {level}")
    assert level <= 3.0


def test_an_idle_agent_takes_less_than_10_mib(world, given):
    world.wait_slot(given.agent, given.pkcs)
    print(f"agent: {wait_idle(given.agent)} KiB")


def test_a_service_that_asks_for_a_pause_gets_it(world, given, tmp_path):
    came, over = [], threading.Event()

    class Busy(Handler):
        def do_POST(self):
            came.append(time.monotonic())
            self.body()
            if len(came) == 1:
                self.reply(503, "application/json", b'{"error":{"id":"busy","detail":""}}', Retry_After="2")
                return
            over.wait(60)
            self.reply(200, "application/json", b'{"commands":[],"next_poll_seconds":60}')
    key, cert, port = tmp_path / "key.pem", tmp_path / "cert.pem", free_ports(1)[0]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=busy", "-days", "9",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True,
                   capture_output=True)
    agent = world.device("patient", given.user, run=False)
    path = os.path.join(agent.state, "enrolment.json")
    with open(path, encoding="utf-8") as f:
        enrolment = json.load(f)
    enrolment["roots"] = [b64(ssl.PEM_cert_to_DER_cert(cert.read_text()))]
    with open(path, "w", encoding="utf-8") as f:
        json.dump(enrolment, f)
    with open(agent.conf, encoding="utf-8") as f:
        text = f.read()
    with open(agent.conf, "w", encoding="utf-8") as f:
        f.write(text.replace(world.device_url, f"https://localhost:{port}"))
    server = TlsServer(port, Busy, cert, key)
    try:
        agent.start()
        wait_for(lambda: len(came) > 1, 60, why="the agent again")
        assert came[1] - came[0] >= 2
    finally:
        agent.stop()
        over.set()
        server.stop()


def test_a_hook_that_fails_is_shown_with_its_fault_and_holds_up_nobody(world, given):
    given.agent.stop()
    bad = put_hook(given, "20-bad", "#!/bin/sh\necho no such network\nexit 7\n")
    slow = put_hook(given, "30-slow", "#!/bin/sh\nsleep 60\n")
    given.agent.call("sync")
    hooks = shown(given)["hooks"]
    assert hooks["fault"] == "hook"
    assert "20-bad ended with status 7: no such network" in hooks["detail"]
    assert shown(given)["nss"]["fault"] == ""
    assert world.slot(given.agent, given.pkcs)["state"] == "installed"
    os.unlink(bad)
    os.unlink(slow)
    given.agent.call("sync")
    assert shown(given)["hooks"]["fault"] in ("", "hook")  # tried again only after a minute


def test_a_hook_that_others_can_write_to_is_not_run(given):
    mark = os.path.join(given.folder, "ran")
    path = put_hook(given, "40-open", f"#!/bin/sh\ntouch {mark}\n", 0o757)
    with open(os.path.join(given.agent.state, "consumers.json"), "w", encoding="ascii") as f:
        f.write("damaged")  # whatever happened to it: everything is brought up to date anew
    given.agent.call("sync")
    hooks = shown(given)["hooks"]
    assert hooks["fault"] == "hook" and "40-open can be written to by others" in hooks["detail"]
    assert not os.path.exists(mark)
    os.unlink(path)
    os.unlink(os.path.join(given.agent.state, "consumers.json"))
    given.agent.call("sync")
    assert shown(given)["hooks"]["fault"] == ""
    assert listed(given.agent)[given.alias] == "u,u,u"


def test_a_new_certificate_replaces_the_old_one_everywhere(world, given):
    if given.agent.proc is None:
        given.agent.start()
    before = world.slot(given.agent, given.pkcs)["serialNumber"]
    world.api("PATCH", f"/v1.0/users/{given.user['id']}", {"mail": "ada@new.example"})
    wait_for(lambda: world.slot(given.agent, given.pkcs)["serialNumber"] != before, 20)
    serial = world.wait_slot(given.agent, given.pkcs)["serialNumber"]

    def in_nss():
        text = nss(given.agent, "-L", "-n", given.alias, check=False).stdout
        found = re.search(r"Serial Number:\s+((?:[0-9a-f]{2}:?\s*)+)", text)
        return found and int(re.sub(r"[:\s]", "", found.group(1)), 16) == int(serial, 16)
    wait_for(in_nss, why="the new certificate in NSS")
    wait_for(lambda: told(given)[-1] == f"replaced identity {given.alias} Wi-Fi", why="the hook")
    assert len(re.findall(r"< *\d+>", nss(given.agent, "-K").stdout)) == 1


# Seconds: what the agent could not do at once it tries again after a minute, when its check-in is over.
AGAIN = 180


@pytest.fixture(scope="module")
def cable(world, tmp_path_factory):
    why = possible()
    if why is not None:
        pytest.skip(why)
    made = Lan(world, str(tmp_path_factory.mktemp("lan") / "lan"))
    yield made
    made.close()


@pytest.fixture
def lan(cable):
    """The cable with a port that knows nobody; what a test started at it ends with the test, however that goes."""
    try:
        cable.start_port()
        yield cable
    finally:
        cable.end_all()


def laptop(world, given, lan, name, mail, conf):
    """Another machine, with these settings."""
    user = world.add_user(f"{name}@contoso.example", mail)
    world.add_member(given.group, user)
    world.env["agent"] = {"DBUS_SYSTEM_BUS_ADDRESS": lan.env["DBUS_SYSTEM_BUS_ADDRESS"]}
    agent = world.device(name, user, conf=conf)
    world.env.pop("agent")
    return user, agent


@pytest.mark.seconds(600)
def test_wpa_supplicant_gets_the_machine_into_the_network_and_again_after_a_renewal(world, given, lan):
    supplicant = lan.start_wpa("host")
    assert not lan.authorized()
    user, agent = laptop(world, given, lan, "wired", "wired@one.example",
                         f"[wpa_supplicant]\nnetworks=lan0:0=Wi-Fi\ndir={lan.dir}/wpa\n")
    world.wait_slot(agent, given.pkcs)
    lan.enable(agent.key_file(given.pkcs["id"]))
    wait_for(lan.authorized, AGAIN, 0.2, why="802.1X")
    wait_for(lambda: "wired@one.example" in lan.let_in()[-1])
    world.api("PATCH", f"/v1.0/users/{user['id']}", {"mail": "wired@two.example"})
    wait_for(lambda: "wired@two.example" in lan.let_in()[-1], AGAIN, 0.2, why="802.1X with the new certificate")
    wait_for(lan.authorized, AGAIN, 0.2)

    # Another wpa_supplicant knows nothing of it and is told again.
    lan.end(supplicant)
    lan.start_wpa("host")
    agent.stop()
    agent.start()
    lan.enable(agent.key_file(given.pkcs["id"]))
    wait_for(lan.authorized, AGAIN, 0.2, why="802.1X after a restart")

    # Leaving puts back what was there.
    agent.stop()
    agent.call("unenrol")
    assert lan.wpa_cli("get_network", "0", "client_cert") == '"/nonexistent/cert.pem"'
    assert lan.wpa_cli("get_network", "0", "private_key") == '"/nonexistent/key.pem"'
    wait_for(lambda: not lan.authorized(), step=0.2, why="nobody let in")
    assert os.listdir(agent.state) == ["lock"]


def guests_come_and_go(world, lan, user, agent):
    """A network by a key, and the same one open: NetworkManager has what was meant, to the last blank."""
    key = " Quokka \\ <7> 'pelican'  "
    wifi = world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": "#chancery.linuxWiFiConfiguration", "displayName": "Guests", "networkName": "Guests",
        "ssid": "guests", "wiFiSecurityType": "wpa2Personal", "preSharedKey": key,
        "connectWhenNetworkNameIsHidden": True})

    def known(what):
        return lan.nmcli("-e", "no", "-s", "-g", what, "connection", "show", "id", "Guests", check=False)
    world.assign(wifi, world.add_group("Guests", user))
    world.wait_slot(agent, wifi)
    path = os.path.join(lan.dir, "connections", f"chancery-{wifi['id']}.nmconnection")
    assert known("802-11-wireless-security.key-mgmt") == "wpa-psk" and known("802-11-wireless.hidden") == "yes"
    assert known("802-11-wireless-security.proto") == "rsn"
    shown = subprocess.run(["nmcli", "-e", "no", "-s", "-g", "802-11-wireless-security.psk", "connection", "show", "id",
                            "Guests"], check=True, capture_output=True, text=True, env=lan.env).stdout
    assert shown == key + "\n"
    world.api("PATCH", f"{world.CONFIGURATIONS}/{wifi['id']}", {"@odata.type": wifi["@odata.type"],
                                                                "wiFiSecurityType": "open"})
    wait_for(lambda: known("802-11-wireless.ssid") == "guests" and known("802-11-wireless-security.key-mgmt") == "", 30,
             0.2, why="the open network")
    world.assign(wifi)
    wait_for(lambda: not os.path.exists(path) and known("802-11-wireless.ssid") == "", 30, 0.2, why="the guests gone")


def add_wifi(world, given, name, server):
    return world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": "#chancery.linuxEnterpriseWiFiConfiguration", "displayName": name, "networkName": "Office",
        "ssid": "office;1 \u00e9", "wiFiSecurityType": "wpa2Enterprise", "connectAutomatically": True,
        "usernameFormatString": "{{UserPrincipalName}}", "trustedServerCertificateNames": [server],
        "identityCertificateForClientAuthentication@odata.bind": f"/deviceConfigurations('{given.pkcs['id']}')",
        "rootCertificatesForServerValidation@odata.bind": [f"/deviceConfigurations('{given.root['id']}')"]})


def network_comes_and_goes(world, given, lan, user, agent):
    """A Wi-Fi network of the service, as NetworkManager understands it; there is no radio to join it by."""
    wifi = add_wifi(world, given, "Office \\ 1", "radius.contoso.example")
    alias = f"chancery-{wifi['id']}"
    path = os.path.join(lan.dir, "connections", alias + ".nmconnection")

    def known(what):
        return lan.nmcli("-e", "no", "-g", what, "connection", "show", "id", "Office \\ 1", check=False)
    world.assign(wifi, world.add_group("Office people", user))
    world.wait_slot(agent, wifi)
    folder = os.path.join(agent.state, "certs", given.alias)
    assert known("802-11-wireless.ssid") == "office;1 \u00e9" and known("connection.autoconnect") == "yes"
    assert known("802-1x.eap") == "tls" and known("802-1x.identity") == "managed@contoso.example"
    assert known("802-1x.client-cert") == os.path.join(folder, "cert.pem")
    assert known("802-1x.private-key") == os.path.join(folder, "key.pem")
    assert known("802-1x.ca-cert") == os.path.join(agent.state, "networks", alias + ".pem")
    assert known("802-1x.domain-match") == "radius.contoso.example"
    assert known("802-11-wireless-security.key-mgmt") == "wpa-eap"
    # Deleted by hand it comes back; the machine says so by itself when it looks next.
    lan.nmcli("connection", "delete", "id", "Office \\ 1")
    agent.stop()
    agent.call("sync")
    assert os.path.exists(path) and known("802-1x.eap") == "tls"
    agent.start()
    world.assign(wifi)
    wait_for(lambda: not os.path.exists(path) and known("802-1x.eap") == "", 30, 0.2, why="the network gone")
    wait_for(lambda: not os.listdir(os.path.join(agent.state, "networks")), why="its root gone as well")
    guests_come_and_go(world, lan, user, agent)
    # What is there when the machine leaves goes with it.
    world.assign(wifi, world.add_group("Office people again", user))
    wait_for(lambda: os.path.exists(path), 30, 0.2, why="the network again")


@pytest.mark.seconds(600)
def test_wpa_supplicant_alone_reads_the_networks_of_the_service_and_logs_on_by_them(world, given, lan):
    own, base = os.path.join(lan.dir, "service.conf"), lan.file("base.conf", f"ctrl_interface={lan.dir}/wpa\n")
    lan.file("service.conf", "")
    supplicant = lan.supplicant("wpa-own", "-d", "-c", base, "-I", own)
    user, agent = laptop(world, given, lan, "plain", "plain@one.example",
                         f"[wpa_supplicant]\ninterface=lan0\nfile={own}\ndir={lan.dir}/wpa\n")
    wifi = add_wifi(world, given, "Plain", SERVER)
    alias, folder = f"chancery-{wifi['id']}", os.path.join(agent.state, "certs", given.alias)
    world.assign(wifi, world.add_group("Plain people", user))
    world.wait_slot(agent, wifi, seconds=60)

    def known(what):
        return lan.wpa_cli("get_network", "0", what)
    assert "office;1" in lan.wpa_cli("list_networks") and known("id_str") == f'"{alias}"'
    assert known("ssid") == "office;1 \u00e9".encode().hex() or known("ssid") == '"office;1 \u00e9"'
    assert known("key_mgmt") == "WPA-EAP" and known("eap") == "TLS" and known("proto") == "RSN"
    assert known("identity") == '"plain@contoso.example"' and known("domain_match") == f'"{SERVER}"'
    assert known("private_key") == f'"{os.path.join(folder, "key.pem")}"' and known("disabled") == "0"
    assert known("ca_cert") == f'"{os.path.join(agent.state, "networks", alias + ".pem")}"'
    # A new certificate is taken up by reading again; nothing of the network changed.
    count = lan.read("wpa-own.log").count("RECONFIGURE")
    world.api("PATCH", f"/v1.0/users/{user['id']}", {"mail": "plain@two.example"})
    wait_for(lambda: lan.read("wpa-own.log").count("RECONFIGURE") > count, AGAIN, 0.2, why="reading again")
    # The same block logs on by cable, where the kind of key is another one.
    lan.end(supplicant)
    with open(own, encoding="ascii") as f:
        block = f.read().replace("key_mgmt=WPA-EAP", "key_mgmt=IEEE8021X\n\teapol_flags=0").replace("\tproto=RSN\n", "")
    by_cable = lan.supplicant("wpa-cable", "-c", lan.file(
        "cable.conf", f"ctrl_interface={lan.dir}/wpa\nap_scan=0\n{block}"))
    wait_for(lambda: "plain@two.example" in lan.let_in()[-1], AGAIN, 0.2, why="802.1X by that block")
    lan.end(by_cable)
    # Deleted by hand it comes back, unassigned it goes; none of it needs a wpa_supplicant that runs.
    agent.stop()
    os.unlink(own)
    agent.call("sync")
    with open(own, encoding="ascii") as f:
        assert alias in f.read()
    assert {"network": alias}.items() <= {i["kind"]: i["alias"] for i in agent.show()["inventory"]}.items()
    world.assign(wifi)
    agent.call("sync")
    assert os.path.getsize(own) == 0 and not os.listdir(os.path.join(agent.state, "networks"))
    agent.call("unenrol")
    assert os.listdir(agent.state) == ["lock"]


@pytest.mark.seconds(600)
@pytest.mark.skipif(shutil.which("NetworkManager", path=os.environ["PATH"] + ":/usr/sbin") is None,
                    reason="no NetworkManager")
def test_networkmanager_brings_the_connection_up_with_the_certificate_and_again_after_a_renewal(world, given, lan):
    lan.start_networkmanager()
    name = "B\u00fcro: LAN"
    one, two = lan.file("old/cert.pem", lan.read("server.pem")), lan.file("old/key.pem", lan.read("server-key.pem"))
    lan.nmcli("connection", "add", "type", "ethernet", "con-name", name, "ifname", "lan0", "802-1x.eap", "tls",
              "802-1x.identity", "host", "802-1x.client-cert", one, "802-1x.private-key", two,
              "802-1x.private-key-password-flags", "4", "802-1x.ca-cert", world.root_file, "ipv4.method", "disabled",
              "ipv6.method", "disabled", "connection.autoconnect", "no")
    user, agent = laptop(world, given, lan, "managed", "managed@one.example",
                         f"[networkmanager]\nconnections={name}=Wi-Fi\ndirectory={lan.dir}/connections\n")
    world.wait_slot(agent, given.pkcs)

    def names(what):
        return lan.nmcli("-g", what, "connection", "show", name)
    wait_for(lambda: names("802-1x.private-key") == agent.key_file(given.pkcs["id"]), AGAIN, 0.2,
             why="the connection's key")

    def up():
        lan.nmcli("--wait", "60", "connection", "up", name, check=False)
        return names("GENERAL.STATE") == "activated"
    wait_for(up, AGAIN, 1, why="the connection")
    wait_for(lambda: "managed@one.example" in lan.let_in()[-1], why="the port's own line")
    world.api("PATCH", f"/v1.0/users/{user['id']}", {"mail": "managed@two.example"})
    wait_for(lambda: "managed@two.example" in lan.let_in()[-1], AGAIN, 0.2, why="802.1X with the new certificate")
    wait_for(lambda: names("GENERAL.STATE") == "activated", AGAIN, 0.2)
    network_comes_and_goes(world, given, lan, user, agent)
    agent.stop()
    assert {c["consumer"]: c["fault"] for c in agent.show()["consumers"]} == {"networkmanager": ""}
    agent.call("unenrol", timeout=AGAIN)  # NetworkManager tries what was there before, until it gives up
    assert names("802-1x.client-cert,802-1x.private-key,802-1x.ca-cert").split() == [one, two, world.root_file]
    assert not [n for n in os.listdir(os.path.join(lan.dir, "connections")) if n.startswith("chancery-")]


def test_a_connection_without_a_clear_certificate_is_shown_with_its_fault(world, given):
    more = world.add_pkcs(given.root, name="VPN")
    world.assign(more, given.group)
    agent = given.agent
    world.wait_slot(agent, more)
    agent.stop()
    with open(agent.conf, "a", encoding="utf-8") as f:
        f.write("[networkmanager]\nconnections=Corp LAN\n")
    agent.call("sync")
    nm = shown(given)["networkmanager"]
    assert nm["fault"] == "dot1x-certificate" and "Wi-Fi" in nm["detail"] and "VPN" in nm["detail"]
    with open(agent.conf, encoding="utf-8") as f:
        text = f.read()
    with open(agent.conf, "w", encoding="utf-8") as f:
        f.write(text.replace("[networkmanager]\nconnections=Corp LAN\n", ""))


def test_leaving_takes_everything_out_of_nss_and_tells_the_hooks(given):
    agent = given.agent
    agent.stop()
    agent.call("unenrol")
    assert listed(agent) == {}
    assert not re.findall(r"< *\d+>", nss(agent, "-K", check=False).stdout)
    assert f"removed ca {given.root_alias} " in told(given)
    assert [t for t in told(given) if t.startswith("removed identity ")]
    assert os.listdir(agent.state) == ["lock"]
    with pytest.raises(RuntimeError):
        json.loads(agent.call("sync").stdout)
