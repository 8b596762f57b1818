# SPDX-License-Identifier: Apache-2.0
"""Inside of a machine that systemd runs: an installation whose roles are the installed units, from nothing to a
certificate on this machine, through a restart, a reload and a crash. Run by test_units.py; what was seen goes to the
file named."""

import json
import os
import re
import subprocess
import sys
import traceback

import world
from world import World, wait_for

INSTALLED = {"chanceryd": "sbin", "chancery": "bin", "chancery-agent": "bin"}
world.program = lambda name: f"/usr/local/{INSTALLED[name]}/{name}"


def run(*command):
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def unit(name):
    return f"chancery-{name}.service"


def shown(name, *properties):
    out = run("systemctl", "show", unit(name), "--property", ",".join(properties))
    return dict(line.split("=", 1) for line in out.splitlines())


class Units(World):
    """The same installation, but that systemd starts it, with the places of the manual."""

    def conf_file(self, role):
        return f"/etc/chancery/{role}.conf"

    def state_dir(self, role):
        return f"/var/lib/chancery/{role}"

    def socket_of(self, role):
        return f"/run/chancery/{role}/admin.sock"

    def conf(self, role, text, log):
        os.makedirs("/etc/chancery", exist_ok=True)
        with open(self.conf_file(role), "w", encoding="utf-8") as f:
            f.write(f"[files]\nrun_dir=/run/chancery/{role}\nstate_dir={self.state_dir(role)}\n{text}")

    def start(self, role):
        run("systemctl", "start", unit(role))

    def stop(self, role, sig=None):
        run("systemctl", "stop", unit(role))


def active(name):
    return shown(name, "ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}


def supplicant():
    """A port of this machine, with a wpa_supplicant that is its own master and answers where its callers are."""
    run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "port0")
    run("ip", "link", "set", "lan0", "up")
    with open("/etc/wpa.conf", "w", encoding="ascii") as f:
        f.write("ctrl_interface=/run/wpa_supplicant\nap_scan=0\nnetwork={\n\tkey_mgmt=IEEE8021X\n\teap=TLS\n"
                '\tidentity="host"\n\tclient_cert="/nonexistent"\n\tprivate_key="/nonexistent"\n}\n')
    run("wpa_supplicant", "-B", "-D", "wired", "-i", "lan0", "-c", "/etc/wpa.conf")


def whole(w):
    """From nothing to a certificate that this machine holds."""
    w.setup()
    for role in w.ROLES:
        assert active(role), run("systemctl", "status", unit(role))
    user = w.add_user("ada@contoso.example", "ada@contoso.example")
    group, root = w.add_group("Everybody", user), w.add_root()
    pkcs = w.add_pkcs(root)
    for p in (root, pkcs):
        w.assign(p, group)
    with open("/etc/chancery/agent.conf", "w", encoding="utf-8") as f:
        f.write(f"[service]\nurl={w.device_url}\ntrust={w.root_file}\n"
                f"[wpa_supplicant]\nnetworks=lan0:0={pkcs['displayName']}\n")
    supplicant()
    run(world.program("chancery-agent"), "enrol", "--code", w.code(user))
    run("systemctl", "start", unit("agent"))
    held = f"/var/lib/chancery-agent/certs/chancery-{pkcs['id']}/cert.pem"
    wait_for(lambda: os.path.exists(held), 90, 0.3, why="the certificate on this machine")
    with open("/var/lib/chancery-agent/enrolment.json", encoding="utf-8") as f:
        device = json.load(f)["device_id"]
    wait_for(lambda: [s["state"] for s in w.slots(device=device)] == ["installed"] * 2, 60)
    bundle = subprocess.run(["openssl", "verify", "-CApath", "/etc/ssl/certs", w.root_file], check=False,
                            capture_output=True, text=True)
    assert bundle.returncode == 0, bundle.stderr


def networks(_w):
    """The agent's unit has a /tmp of its own: wpa_supplicant was heard behind it all the same."""
    assert shown("agent", "PrivateTmp") == {"PrivateTmp": "yes"}
    asked = ("wpa_cli", "-i", "lan0", "get_network", "0", "private_key")
    wait_for(lambda: "/var/lib/chancery-agent/certs/" in run(*asked), 30, 0.3, why="the certificate at wpa_supplicant")


def who(w):
    """Nothing but the agent runs as root."""
    for role in w.ROLES:
        pid = int(shown(role, "MainPID")["MainPID"])
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            status = f.read()
        assert re.search(r"^Uid:\s+(\d+)", status, re.M)[1] != "0", role
        assert re.search(r"^CapEff:\s+0+$", status, re.M) and "NoNewPrivs:\t1" in status, role


def restarts(w):
    """A role that crashed is back by itself, one that was told to reload goes on, all stop and start again."""
    for role in w.ROLES:
        before = shown(role, "MainPID", "NRestarts")
        run("systemctl", "kill", "--kill-who=all", "--signal=KILL", unit(role))
        wait_for(lambda r=role, b=before: active(r) and shown(r, "MainPID")["MainPID"] != b["MainPID"], 30)
        wait_for(lambda r=role: w.admin(r, f"{r}.show"), 30)
        run("systemctl", "reload", unit(role))
        wait_for(lambda r=role: w.admin(r, f"{r}.show"), 30)
        assert active(role)
    for role in reversed(w.ROLES):
        run("systemctl", "stop", unit(role))
        got = shown(role, "ActiveState", "Result")
        assert got == {"ActiveState": "inactive", "Result": "success"}, (role, got)
    for role in w.ROLES:
        w.start(role)
    wait_for(lambda: w.api("GET", "/v1.0/users"), 60)


def refusals(_w):
    """A configuration that is wrong is said once, not over and over."""
    path = "/etc/chancery/ca.conf"
    run("systemctl", "stop", unit("ca"))
    with open(path, "a", encoding="utf-8") as f:
        f.write("[ca]\nno_such_setting=1\n")
    run("systemctl", "start", unit("ca"))
    wait_for(lambda: shown("ca", "ActiveState")["ActiveState"] == "failed", 30)
    got = shown("ca", "NRestarts", "ExecMainStatus")
    assert got == {"NRestarts": "0", "ExecMainStatus": "2"}, got


def main(out):
    seen = {}
    w = Units("/root/world")
    for step in (whole, networks, who, restarts, refusals):
        try:
            step(w)
            seen[step.__name__] = "ok"
        except Exception:  # pylint: disable=broad-except
            seen[step.__name__] = traceback.format_exc() + subprocess.run(
                ["journalctl", "--no-pager", "-n", "60", "-u", "chancery-*"], check=False, capture_output=True,
                text=True).stdout
            break
    with open(out, "w", encoding="utf-8") as f:
        json.dump(seen, f)


if __name__ == "__main__":
    main(sys.argv[1])
