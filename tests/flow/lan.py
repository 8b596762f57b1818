# SPDX-License-Identifier: Apache-2.0
"""A cable with 802.1X at its other end: two network namespaces, hostapd as the port's authenticator with its own EAP
server, and on this side wpa_supplicant, or NetworkManager with a wpa_supplicant of its own. All of it Debian's, none of
it ours.
"""

import os
import re
import shutil
import signal
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from clients import Wstep, key_pem, make_csr, rsa_key, san_dns
from world import PATIENCE, alive, b64, wait_for

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
SERVER = "port.contoso.example"
NM = """[main]
plugins=keyfile
dns=none
rc-manager=unmanaged
auth-polkit=false
[keyfile]
path={dir}/connections
[logging]
backend=stderr
"""
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={dir}/bus</listen><policy context="default"><allow user="*"/>
<allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>
"""


def possible():
    """Why there can be no such lab here; None: there can."""
    for name in ("hostapd", "wpa_supplicant", "wpa_cli", "ip"):
        if shutil.which(name, path=PATH) is None:
            return f"no {name}"
    done = subprocess.run(["unshare", "-n", "ip", "link", "add", "v0", "type", "veth"], check=False,
                          capture_output=True, env={**os.environ, "PATH": PATH})
    return None if done.returncode == 0 else "no network namespaces"


class Lan:
    def __init__(self, world, folder):
        self.world, self.dir = world, folder
        self.procs = []
        self.near, self.far = f"cn{os.getpid()}", f"cf{os.getpid()}"
        os.makedirs(folder)
        self.env = {**os.environ, "PATH": PATH, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus"}
        try:
            self._lay()
            self._certificate()
        except BaseException:
            self.close()
            raise

    def _lay(self):
        for ns in (self.near, self.far):
            # Left by a run that was killed, whose process number is ours now.
            subprocess.run(["ip", "netns", "del", ns], check=False, capture_output=True, env=self.env)
            self.ip("netns", "add", ns)
        self.ip("-n", self.near, "link", "add", "lan0", "type", "veth", "peer", "name", "port0", "netns", self.far)
        for ns, name in ((self.near, "lo"), (self.near, "lan0"), (self.far, "port0")):
            self.ip("-n", ns, "link", "set", name, "up")

    def ip(self, *args):
        subprocess.run(["ip", *args], check=True, capture_output=True, env=self.env)

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return path

    def read(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def _certificate(self):
        """The server's, from the same CA by MS-WSTEP."""
        w = self.world
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVER)])
        client, key = rsa_key(), rsa_key()
        made = w.admin("ca", "principal.add", {"name": "port", "csr": b64(make_csr(client, named))})
        w.grant("port", "WebServer")
        wstep = Wstep(w, self.file("client.pem", made["certificate"]), self.file("client-key.pem", key_pem(client)))
        leaf = wstep.submit(make_csr(key, named, san_dns(SERVER)), "WebServer")
        self.file("server.pem", x509.load_der_x509_certificate(leaf).public_bytes(serialization.Encoding.PEM) +
                  w.issuing_pem.encode())
        self.file("server-key.pem", key_pem(key))

    def run(self, name, *command, ns=None):
        if ns is not None:
            command = ("ip", "netns", "exec", ns, *command)
        with open(os.path.join(self.dir, name + ".log"), "a", encoding="utf-8") as log:
            p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        self.procs.append(p)
        return p

    def start_port(self):
        """A port that has seen nobody yet: one that refused somebody hears nothing of them for a minute."""
        self.file("users", "* TLS\n")
        self.file("hostapd.log", "")
        conf = self.file("hostapd.conf", f"""interface=port0
driver=wired
logger_stdout=-1
logger_stdout_level=0
ieee8021x=1
eap_reauth_period=0
use_pae_group_addr=1
eap_server=1
eap_user_file={self.dir}/users
ca_cert={self.world.root_file}
server_cert={self.dir}/server.pem
private_key={self.dir}/server-key.pem
""")
        self.run("hostapd", "hostapd", "-d", conf, ns=self.far)
        wait_for(lambda: "AP-ENABLED" in self.read("hostapd.log"), why="hostapd")

    def let_in(self):
        """Subjects of the client certificates that the port let in, one a log-on, in order."""
        found, subject = [], None
        for line in self.read("hostapd.log").splitlines():
            if m := re.search(r"CTRL-EVENT-EAP-PEER-CERT depth=0 subject='(.*)' ", line):
                subject = m.group(1)
            elif m := re.search(r"tls_verify_cb - preverify_ok=1 .* depth=0 buf='(.*)'", line):
                subject = m.group(1)
            elif "CTRL-EVENT-EAP-SUCCESS " in line or "CTRL-EVENT-EAP-SUCCESS2 " in line:
                found.append(subject)
        return found

    # wpa_supplicant alone

    def supplicant(self, name, *args):
        """Until it can be spoken to."""
        there = os.path.join(self.dir, "wpa/lan0")
        if os.path.exists(there):
            os.unlink(there)
        p = self.run(name, "wpa_supplicant", "-D", "wired", "-i", "lan0", *args, ns=self.near)
        wait_for(lambda: self.wpa_cli("ping", check=False) == "PONG", step=0.1, why="wpa_supplicant")
        return p

    def start_wpa(self, identity):
        """Its network is not tried before enable(): a log-on without a certificate is refused, and after that the port
        hears nothing for a minute."""
        conf = self.file("wpa.conf", f"""ctrl_interface={self.dir}/wpa
ap_scan=0
network={{
	disabled=1
	key_mgmt=IEEE8021X
	eap=TLS
	identity="{identity}"
	domain_match="{SERVER}"
	ca_cert="/nonexistent/ca.pem"
	client_cert="/nonexistent/cert.pem"
	private_key="/nonexistent/key.pem"
	eapol_flags=0
}}
""")
        return self.supplicant("wpa", "-c", conf)

    def enable(self, key):
        """The network, once it has this key."""
        wait_for(lambda: self.wpa_cli("get_network", "0", "private_key", check=False) == f'"{key}"', 150, 0.1,
                 why="the key in the network")
        self.wpa_cli("enable_network", "0")

    def wpa_cli(self, *args, check=True):
        return subprocess.run(["wpa_cli", "-p", os.path.join(self.dir, "wpa"), "-i", "lan0", *args], check=check,
                              capture_output=True, text=True, env=self.env).stdout.strip()

    def authorized(self):
        return "suppPortStatus=Authorized" in self.wpa_cli("status", check=False)

    # NetworkManager

    def start_networkmanager(self):
        os.makedirs(os.path.join(self.dir, "connections"))
        bus = self.file("bus.conf", BUS.format(dir=self.dir))
        conf = self.file("nm.conf", NM.format(dir=self.dir))
        self.run("bus", "dbus-daemon", "--nofork", "--config-file", bus)
        wait_for(lambda: os.path.exists(os.path.join(self.dir, "bus")), why="the bus")
        self.run("nm-wpa", "wpa_supplicant", "-u", ns=self.near)
        # Without udev beside it, NetworkManager manages a device only where /sys cannot be written to.
        self.run("nm", "sh", "-c", f"""mount -o remount,ro /sys
exec NetworkManager --no-daemon --config={conf} --config-dir=/nonexistent --system-config-dir=/nonexistent \
--intern-config={self.dir}/intern.conf --pid-file={self.dir}/nm.pid --state-file={self.dir}/nm.state""", ns=self.near)
        def device():
            return self.nmcli("-t", "-f", "DEVICE,TYPE,STATE", "device", check=False)
        wait_for(lambda: "lan0:ethernet:" in device(), 30, why="NetworkManager")
        self.nmcli("device", "set", "lan0", "managed", "yes")
        # It may begin with a connection of its own making.
        wait_for(lambda: re.search("lan0:ethernet:(dis)?connect", device()), 30, why="the device")

    def nmcli(self, *args, check=True):
        return subprocess.run(["nmcli", *args], check=check, capture_output=True, text=True,
                              env=self.env).stdout.strip()

    def end(self, p):
        if p in self.procs:
            self.procs.remove(p)
        if alive(p.pid):
            p.send_signal(signal.SIGTERM)
        try:
            p.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()

    def end_all(self):
        for p in list(reversed(self.procs)):
            self.end(p)

    def close(self):
        self.end_all()
        for ns in (self.near, self.far):
            for _ in range(20):
                if subprocess.run(["ip", "netns", "del", ns], check=False, capture_output=True,
                                  env=self.env).returncode == 0:
                    break
                time.sleep(0.1)
