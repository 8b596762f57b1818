# SPDX-License-Identifier: Apache-2.0
"""Several connectors at once: any takes any job that it can do; one that dies, stops or is drained loses nothing."""

import json
import os
import re
import socket
import subprocess
import tempfile
import time

import pytest

from clients import Device, FakeConnector, rsa_key
from connectors import Connector, Networks
from world import ROOT, World, free_ports, wait_for

DEVICES = 12
SMALL = "[keys]\npool=4\nthreads=1\n[connector]\njobs=2\n"


class Site:
    """A world without its own connector, one user, one profile, and devices that are driven here."""

    def __init__(self, folder, **more):
        self.world = World(folder, **more)
        self.world.setup(connector=False)
        self.connectors = []
        user = self.world.add_user("ada@corp.test", "ada@corp.test")
        self.user = user
        group = self.world.add_group("all", user)
        root = self.world.add_root()
        self.profile = self.world.add_pkcs(root)
        self.world.assign(root, group)
        self.world.assign(self.profile, group)
        self.key = rsa_key()
        self.devices = []

    def add(self, name, netns=None, **more):
        self.connectors.append(Connector(self.world, name, SMALL, netns).start().join(**more))
        return self.connectors[-1]

    def add_devices(self, count=DEVICES):
        """Each asks once, so that its request is queued."""
        for _ in range(count):
            d = Device(self.world, self.world.code(self.user), self.key, f"d{len(self.devices)}")
            d.left = []
            self.devices.append(d)
            d.left = [d.obey(c) for c in d.checkin()]

    def catch(self, connector):
        """Adds devices until the connector is seen at work; what is quicker than the eye is not waited for."""
        for _ in range(10):
            self.add_devices(2)
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                if connector.show().get("running", 0) > 0:
                    return

    def slots(self):
        return self.world.slots(profile=self.profile["id"])

    def all_installed(self):
        for d in self.devices:
            commands = d.checkin(d.left)
            d.left = [d.obey(c) for c in commands]
        return all(s["state"] == "installed" for s in self.slots())

    def workers(self):
        """Which connector brought how many certificates, as the timelines say."""
        found = {}
        for s in self.slots():
            for e in self.world.timeline(s):
                if e["event"] in ("ready", "issued") and e["actor"].startswith("connector "):
                    name = e["actor"].split(" ", 1)[1]
                    found[name] = found.get(name, 0) + 1
        return found

    def leases(self):
        return [s for s in self.slots() if s["state"] == "leased"]

    def one_each(self):
        """Every device has the one certificate that is good; whatever else was signed is revoked."""
        wait_for(lambda: len(self.world.user_certificates("valid")) == len(self.devices), 90,
                 why="one valid certificate for each device")

    def close(self):
        for c in self.connectors:
            c.stop()
        self.world.close()


@pytest.fixture(name="networks")
def networks_fixture():
    if os.geteuid() != 0:
        pytest.skip("network namespaces want root")
    made = Networks(3)
    yield made
    made.close()


@pytest.fixture(name="site")
def site_fixture():
    with tempfile.TemporaryDirectory() as folder:
        made = Site(folder)
        yield made
        made.close()


def test_three_in_networks_of_their_own_and_one_is_killed_under_load(networks):
    with tempfile.TemporaryDirectory() as folder:
        site = Site(folder, host=networks.address, listen="0.0.0.0", lease=15)
        try:
            for i, name in enumerate(networks.names):
                site.add(f"c{i}", name)
            site.add_devices()

            def has_work():
                if site.connectors[1].show().get("jobs", 0) > 0:
                    return True
                site.add_devices(2)
                return False
            wait_for(has_work, 120, 0.01, why="work at c1")
            site.connectors[1].kill()
            site.add_devices(4)
            wait_for(site.all_installed, 180, 0.2, why="every device to have its certificate")
            brought = site.workers()
            assert set(brought) & {"c0", "c2"} and sum(brought.values()) == len(site.devices)
            site.one_each()
        finally:
            site.close()


def test_stopped_or_killed_and_started_again_it_holds_nothing_up(site):
    """The lease is far longer than this test has patience: what was in hand is free as soon as the connector says
    so."""
    c = site.add("alone")
    site.catch(c)
    c.stop()
    assert not site.leases()
    # In order: nobody had to be ended by force.
    with open(c.log, encoding="utf-8") as f:
        assert "signal=" not in f.read()
    c.start()
    site.catch(c)
    c.kill()
    c.start()
    wait_for(site.all_installed, 100, 0.2, why="every device to have its certificate")
    site.one_each()


def test_drained_it_finishes_what_it_has_and_takes_nothing_until_resumed(site):
    c = site.add("alone")
    site.catch(c)
    left = site.world.cli_json("connector", "drain", "--socket", c.socket, "--timeout", "120", timeout=150)
    assert left["draining"] and left["waiting"] == left["running"] == left["finished"] == 0
    site.add_devices(2)
    before = c.show()["jobs"]
    assert not site.leases()
    site.world.cli("connector", "resume", "--socket", c.socket)
    wait_for(site.all_installed, 100, 0.2, why="every device to have its certificate")
    assert c.show()["jobs"] > before
    site.one_each()


def test_features_are_chosen_and_decide_who_gets_a_job(site):
    issues = site.add("issues", features=["pkcs"])
    revokes = site.add("revokes", features=["revoke"])
    assert issues.show()["features"] == ["pkcs"]
    assert {"pkcs", "revoke"} <= set(issues.show()["available"])
    site.add_devices(3)
    wait_for(site.all_installed, 100, 0.2, why="every device to have its certificate")
    assert set(site.workers()) == {"issues"} and revokes.show()["jobs"] == 0

    # The other way about, without joining anew.
    site.world.cli("connector", "set", "--feature", "revoke", "--socket", issues.socket)
    site.world.cli("connector", "set", "--feature", "pkcs,revoke", "--socket", revokes.socket)
    listed = {}

    def told():
        listed.update({c["displayName"]: c["@chancery.features"]
                       for c in site.world.api("GET", "/beta/deviceManagement/ndesConnectors")["value"]})
        return listed == {"issues": "revoke", "revokes": "pkcs,revoke"}
    wait_for(told, 90, why="the service to know of the features")
    site.add_devices(2)
    wait_for(site.all_installed, 100, 0.2, why="every device to have its certificate")
    assert site.workers().get("revokes") == 2
    refused = site.world.cli("connector", "set", "--feature", "pkcs,tea", "--socket", revokes.socket, check=False)
    assert refused.returncode != 0 and "tea" in refused.stderr


def findings(site, c, **more):
    done = site.world.cli("connector", "check", "--socket", c.socket, "--json", check=False, **more)
    return done, {f["check"]: f for f in json.loads(done.stdout)["findings"]}


def test_check_finds_what_is_missing_before_the_first_job(site):
    c = Connector(site.world, "fresh", SMALL).start()
    site.connectors.append(c)
    done, found = findings(site, c)
    assert done.returncode != 0 and found["joined"]["fault"] == "not-joined" and found["keys"]["ok"]

    c.join()
    done, found = findings(site, c)
    assert done.returncode == 0, done.stdout
    assert {k for k, f in found.items() if f["ok"]} == {
        "keys", "joined", "service", "clock", "ca", "templates", "told", "polling"}
    assert "ChanceryUser" in found["templates"]["text"]
    assert "ok" in site.world.cli("connector", "check", "--socket", c.socket).stdout

    site.world.admin("ca", "template.withdraw", {
        "template": "ChanceryUser", "principal": "fresh", "rights": ["read", "enrol"]})
    _, found = findings(site, c)
    assert "ChanceryUser" not in found["templates"]["text"]

    site.world.stop("ca")
    done, found = findings(site, c)
    assert done.returncode != 0 and not found["ca"]["ok"] and found["service"]["ok"]
    assert found["ca"]["fault"] == "unreachable" and found["ca"]["hint"]

    me = [k for k in site.world.api("GET", "/beta/deviceManagement/ndesConnectors")["value"]
          if k["displayName"] == "fresh"][0]
    assert me["state"] == "active" and me["@chancery.warning"] is None and me["@chancery.jobs"] == 0
    other = site.world.api("GET", f"/beta/deviceManagement/certificateConnectorDetails/{me['id']}")
    assert other["connectorName"] == "fresh" and other["lastCheckinDateTime"] == me["lastConnectionDateTime"]
    site.world.api("DELETE", f"/beta/deviceManagement/ndesConnectors/{me['id']}")
    _, found = findings(site, c)
    assert found["service"]["fault"] == "connector-refused"


def test_est_issues_and_says_that_it_cannot_revoke(site):
    c = site.add("est", backend="est")
    done, found = findings(site, c)
    assert done.returncode == 0 and found["ca"]["ok"], done.stdout
    site.add_devices(2)
    wait_for(site.all_installed, 100, 0.2, why="every device to have its certificate")
    site.one_each()
    site.world.assign(site.profile)
    for d in site.devices:
        d.checkin()

    def refused():
        return any(e["fault"] == "ca-no-revoke" for s in site.slots() for e in site.world.timeline(s))
    wait_for(refused, 60, why="the revocation to say why it does not go on")
    assert len(site.world.user_certificates("valid")) == 2


def test_versions_may_differ_but_not_below_the_oldest_that_is_taken(site):
    old = FakeConnector(site.world, "old")
    body = {"version": "1.0.0.0", "machine": "m", "features": ["pkcs", "tea"], "holder": old.holder,
            "cas": [site.world.issuing_ca], "wait": 0, "max": 1, "results": [], "colour": "blue"}

    def poll(**more):
        status, _, data = old.https.request("POST", "/connector/v1/poll", json.dumps({**body, **more}).encode(),
                                            {"Content-Type": "application/json"})
        return status, json.loads(data)
    status, answer = poll(protocol=99)
    assert status == 200 and answer["protocol"] == 1 and answer["lease_seconds"] > 0
    assert poll()[0] == 200
    status, answer = poll(protocol=0)
    assert status == 400 and "connector-old" in json.dumps(answer)


@pytest.fixture(name="proxy")
def proxy_fixture():
    """tinyproxy with a log-in: host:port, and its log."""
    with tempfile.TemporaryDirectory() as folder:
        port, log, conf = free_ports(1)[0], os.path.join(folder, "log"), os.path.join(folder, "conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"Port {port}\nListen 127.0.0.1\nTimeout 600\nLogFile \"{log}\"\nLogLevel Connect\n"
                    f"MaxClients 50\nBasicAuth ada secret\n")
        os.chmod(folder, 0o777)
        with subprocess.Popen(["tinyproxy", "-d", "-c", conf], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as proc:
            wait_for(lambda: socket.create_connection(("127.0.0.1", port)).close() is None, why="tinyproxy")
            yield f"127.0.0.1:{port}", log
            proc.terminate()


def test_a_proxy_with_a_log_in_is_gone_through_and_one_that_refuses_is_named(site, proxy):
    address, log = proxy
    c = site.add("behind", proxy=f"http://ada:secret@{address}")
    assert c.show()["proxy"] == f"http://{address}" and "secret" not in json.dumps(c.show())
    site.add_devices(2)
    wait_for(site.all_installed, 100, 0.2, why="every device to have its certificate")
    with open(log, encoding="utf-8", errors="replace") as f:
        assert f"CONNECT localhost:{site.world.ports['device']}" in f.read()
    site.world.cli("connector", "set", "--proxy", f"http://ada:wrong@{address}", "--socket", c.socket)
    _, found = findings(site, c)
    assert found["service"]["fault"] == "proxy" and "status 40" in found["service"]["detail"]
    refused = site.world.cli("connector", "set", "--proxy", "ftp://x", "--socket", c.socket, check=False)
    assert refused.returncode != 0
    site.world.cli("connector", "set", "--proxy", "", "--socket", c.socket)
    _, found = findings(site, c)
    assert found["service"]["ok"] and "proxy" not in c.show()


def test_it_works_through_nginx_that_passes_tls_on(site):
    with tempfile.TemporaryDirectory() as folder:
        port, conf = free_ports(1)[0], os.path.join(folder, "conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\npid {folder}/pid;\n"
                    f"error_log {folder}/log;\nevents {{}}\nstream {{ server {{ listen 127.0.0.1:{port}; "
                    f"proxy_pass 127.0.0.1:{site.world.ports['device']}; proxy_timeout 120s; }} }}\n")
        with subprocess.Popen(["nginx", "-c", conf, "-p", folder, "-e", f"{folder}/log"]) as nginx:
            try:
                wait_for(lambda: socket.create_connection(("127.0.0.1", port)).close() is None, why="nginx")
                c = site.add("behind", service_url=f"https://localhost:{port}")
                assert findings(site, c)[0].returncode == 0
                site.add_devices(2)
                wait_for(site.all_installed, 100, 0.2, why="every device to have its certificate")
            finally:
                nginx.terminate()


def test_the_list_of_events_is_that_of_the_code_and_a_job_leaves_its_line(site):
    printed = subprocess.run([os.path.join(ROOT, "tools/event-reference")], check=True, capture_output=True,
                             text=True).stdout
    with open(os.path.join(ROOT, "doc/connector-events.md"), encoding="utf-8") as f:
        assert f.read() == printed
    numbers = re.findall(r"^\| (\d{4}) ", printed, re.M)
    assert len(numbers) == len(set(numbers)) > 10
    c = site.add("alone")
    site.add_devices(1)
    wait_for(site.all_installed, 100, 0.2, why="the device to have its certificate")

    def lines():
        with open(c.log, encoding="utf-8") as f:
            return [x for x in f if "event=1102" in x and x.endswith("\n")]
    line = wait_for(lines, why="the line of the job")
    assert len(line) == 1 and "kind=issue" in line[0] and "ms=" in line[0]
    # Whom it is for stays out. An "ada" may also stand in the request's hexadecimal id.
    assert "ada@" not in line[0] and not re.search(r"\bada\b", line[0], re.I)
