# SPDX-License-Identifier: Apache-2.0
"""More connectors than the one of a World, each with its own folder and, if wanted, in a network of its own."""

import contextlib
import os
import signal
import subprocess

from world import PATIENCE, AdminError, World, children, program, wait_for


class Connector:
    """One connector of this world. netns: name of the network namespace that it runs in."""

    def __init__(self, world, name, conf="", netns=None, env=None):
        self.world, self.name, self.netns, self.env = world, name, netns, env or {}
        self.dir = os.path.join(world.dir, "connectors", name)
        self.conf = os.path.join(self.dir, "connector.conf")
        self.socket = os.path.join(self.dir, "run", "admin.sock")
        self.log = os.path.join(self.dir, "log")
        self.proc = None
        os.makedirs(self.dir, exist_ok=True)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f"[files]\nrun_dir={self.dir}/run\nstate_dir={self.dir}/state\n{conf}")

    def start(self):
        command = [program("chanceryd"), "connector", "--config", self.conf]
        if self.netns is not None:
            command = ["ip", "netns", "exec", self.netns] + command
        with open(self.log, "a", encoding="utf-8") as log:
            self.proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         env={**os.environ, **self.env})
        wait_for(lambda: self.admin("connector.show"), 60, why=f"socket of {self.name}")
        return self

    def admin(self, verb, args=None):
        return _At(self.socket).admin("connector", verb, args)

    def join(self, **more):
        csr = self.admin("connector.csr")
        made = self.world.admin("ca", "principal.add", {"name": self.name, "csr": csr["csr"]})
        self.world.grant(self.name)
        self.admin("connector.join", {
            "name": self.name, "service_url": self.world.device_url, "ca_url": self.world.ca_url,
            "cas": [self.world.issuing_ca], "service_trust": self.world.root_pem, "ca_trust": self.world.root_pem,
            "ca_certificate": made["certificate"], "identity_ca": self.world.identity_pem,
            "code": self.world.code(kind="connector"), **more})
        return self

    def pids(self):
        return children(self.proc.pid)

    def kill(self):
        """All of it at once, as when the host loses power."""
        for pid in [self.proc.pid, *self.pids().values()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.proc.wait()
        self.proc = None

    def stop(self):
        if self.proc is None:
            return
        self.proc.terminate()
        try:
            self.proc.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
        self.proc = None

    def show(self):
        try:
            return self.admin("connector.show")
        except (OSError, AdminError):
            return {}


class _At(World):
    """Only the administrator's socket of somebody."""

    def __init__(self, path):  # pylint: disable=super-init-not-called
        self.path = path

    def socket_of(self, role):
        return self.path


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


class Networks:
    """A bridge with an address for servers, and namespaces that reach it and nothing else."""

    def __init__(self, count):
        tag = f"{os.getpid() % 100000:05d}"
        octet = os.getpid() % 250
        self.bridge, self.address = f"cy{tag}", f"10.213.{octet}.1"
        self.names = [f"chancery-{tag}-{i}" for i in range(count)]
        ip("link", "add", self.bridge, "type", "bridge")
        ip("addr", "add", f"{self.address}/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")
        for i, name in enumerate(self.names):
            ip("netns", "add", name)
            ip("link", "add", f"cy{tag}v{i}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"cy{tag}v{i}", "master", self.bridge, "up")
            ip("-n", name, "addr", "add", f"10.213.{octet}.{10 + i}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self.bridge], check=False, capture_output=True)
