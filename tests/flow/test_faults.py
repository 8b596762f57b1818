# SPDX-License-Identifier: Apache-2.0
"""What happens to hosts: a full disk, a clock that is wrong by a day, a service that is away for long.

Nothing is lost, nothing is there twice, and what is wrong says so.
"""

import json
import os
import subprocess
import time

import pytest

from world import ApiError, World, wait_for

DAY = 86400
AWAY = 3600 if os.environ.get("CHANCERY_LONG") else 8  # seconds without the service; its lease is over meanwhile
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class Disk:
    """A file system of its own at a role's state folder, which can be filled."""

    def __init__(self, path, size="48m"):
        self.path, self.filler = path, os.path.join(path, "filler")
        os.makedirs(path, mode=0o700)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path], check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def fill(self):
        with open(self.filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(1 << 16))
            except OSError:
                pass
            try:
                while True:
                    f.write(b"x")
            except OSError:
                pass

    def free(self):
        os.remove(self.filler)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)


class Site:
    def __init__(self, folder):
        self.world = World(str(folder), lease=5)
        self.disks = {role: Disk(self.world.state_dir(role)) for role in ("service", "connector")}
        self.world.setup()
        self.group = self.world.add_group("Everyone")
        self.root, self.users = self.world.add_root(), 0
        self.pkcs = self.world.add_pkcs(self.root, subject="CN={{UserName}}")
        for profile in (self.root, self.pkcs):
            self.world.assign(profile, self.group)

    def device(self, run=True):
        self.users += 1
        user = self.world.add_user(f"user{self.users}@corp.test", f"user{self.users}@corp.test")
        self.world.add_member(self.group, user)
        return self.world.device(f"device{self.users}", user, run=run)

    def valid(self, number):
        return [c for c in self.world.user_certificates("valid") if c["subject"] == f"CN=user{number}"]

    def findings(self):
        done = self.world.cli("connector", "check", "--json", "--socket", self.world.socket_of("connector"),
                              check=False)
        return {f["check"]: f for f in json.loads(done.stdout)["findings"]}

    def restart(self, role, **env):
        self.world.stop(role)
        self.world.env[role] = env
        self.world.start(role)
        wait_for(lambda: self.world.admin(role, f"{role}.show"), 60, why=f"{role} to be back")

    def close(self):
        self.world.close()
        for disk in self.disks.values():
            disk.close()


@pytest.fixture(name="site", scope="module")
def site_fixture(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("file systems of its own want root")
    site = Site(tmp_path_factory.mktemp("faults"))
    try:
        yield site
    finally:
        site.close()


def test_a_full_disk_of_the_service_is_said_and_nothing_is_half_done(site):
    device = site.device(run=False)
    site.disks["service"].fill()
    device.start()

    def refused():
        try:
            for i in range(50):
                site.world.add_user(f"full{i}-{time.monotonic_ns()}@corp.test")
        except ApiError as e:
            return e if e.status >= 500 else None
        return None
    e = wait_for(refused, 60, why="the disk to be noticed")
    assert "free space" in e.text and "/" not in e.error["message"]
    time.sleep(2)
    assert not device.holds(site.pkcs["id"]) or len(site.valid(site.users)) == 1
    site.disks["service"].free()
    site.world.wait_slot(device, site.pkcs, seconds=90)
    wait_for(lambda: len(site.valid(site.users)) == 1, 60, why="exactly one certificate")
    site.world.add_user("after@corp.test")
    assert site.world.cli("audit", "verify", check=False).returncode in (0, 2, 3)


def test_a_full_disk_of_the_connector_holds_up_no_job_and_its_settings_stay_whole(site):
    site.disks["connector"].fill()
    device = site.device()
    site.world.wait_slot(device, site.pkcs, seconds=60)
    before = site.world.admin("connector", "connector.show")
    done = site.world.cli("connector", "set", "--feature", "pkcs", "--socket", site.world.socket_of("connector"),
                          check=False)
    assert done.returncode != 0 and "free space" in done.stderr
    assert site.world.admin("connector", "connector.show")["features"] == before["features"]
    site.disks["connector"].free()
    site.restart("connector")
    assert site.world.admin("connector", "connector.show")["features"] == before["features"]
    assert all(f["ok"] for f in site.findings().values())


@pytest.mark.skipif(not os.path.exists(FAKETIME), reason="no faketime")
def test_a_clock_that_is_a_day_ahead_is_found_and_stops_nothing(site):
    site.restart("connector", LD_PRELOAD=FAKETIME, FAKETIME=f"+{DAY}s", FAKETIME_NO_CACHE="1")
    try:
        found = site.findings()["clock"]
        assert found["fault"] == "clock" and "before the service" in found["detail"] and "NTP" in found["hint"]
        assert abs(int(found["detail"].split(" is ")[1].split()[0]) - DAY) < 60
        device = site.device()
        site.world.wait_slot(device, site.pkcs, seconds=60)
        assert len(site.valid(site.users)) == 1
    finally:
        site.restart("connector")


@pytest.mark.skipif(not os.path.exists(FAKETIME), reason="no faketime")
def test_a_clock_that_is_a_day_behind_says_so_and_the_job_waits(site):
    """Certificates of today are not valid yesterday: neither service nor CA can be believed."""
    site.restart("connector", LD_PRELOAD=FAKETIME, FAKETIME=f"-{DAY}s", FAKETIME_NO_CACHE="1")
    try:
        found = site.findings()["service"]
        assert not found["ok"] and found["fault"] == "tls" and "not yet valid" in found["detail"]
        assert "clock" in found["hint"]
        device = site.device()
        time.sleep(2)
        assert not device.holds(site.pkcs["id"])
    finally:
        site.restart("connector")
    site.world.wait_slot(device, site.pkcs, seconds=60)
    assert len(site.valid(site.users)) == 1


def test_a_service_that_is_away_for_long_finds_everything_done_once(site):
    """It goes while the CA has the request in hand, and comes back when its lease is over."""
    device = site.device(run=False)
    issuer = site.world.pid("ca", "issuer")
    os.kill(issuer, 19)  # SIGSTOP: the CA answers nobody
    try:
        device.start()
        wait_for(lambda: site.world.admin("connector", "connector.show")["running"] > 0, 60,
                 why="the job to be in hand")
        site.world.stop("service")
    finally:
        os.kill(issuer, 18)
    time.sleep(AWAY)
    shown = wait_for(lambda: (s := site.world.admin("connector", "connector.show"))["fault"] == "unreachable" and s,
                     why="the connector to say so")
    assert shown["fault_time"]
    site.world.start("service")
    site.world.wait_slot(device, site.pkcs, seconds=120)
    wait_for(lambda: len(site.valid(site.users)) == 1, 60, why="exactly one certificate")
    assert device.leaf(site.pkcs["id"]).serial_number == int(site.valid(site.users)[0]["serial"], 16)
