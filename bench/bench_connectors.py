#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many connectors at one service, all of them real programs with two processes each.

    connectors_memory  memory of one connector, its processes together, shared pages divided (PSS). Floor: 20 MiB.
    connectors_parked  processor time of service/front for each second while all of them wait for work. Floor: 10 ms.
    connectors_share   jobs of the busiest connector, of many more than there are connectors. Floor: the fair share.
    connectors_lease   99 of 100 requests are leased within this time of being queued while the connectors have room
                       for all of them. Floor: 1 s.
    connectors_killed  one is killed with jobs in hand: until the last of all was done. Floor: its lease.

BENCH_CONNECTORS: how many (30).
"""

import math
import os
import statistics
import sys
import tempfile
import time
from datetime import datetime

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/flow"))

from clients import Device, rsa_key  # noqa: E402  pylint: disable=wrong-import-position
from connectors import Connector  # noqa: E402  pylint: disable=wrong-import-position
from world import World, cpu_ticks, wait_for  # noqa: E402  pylint: disable=wrong-import-position

COUNT = int(os.environ.get("BENCH_CONNECTORS", "30"))
EACH = 6        # jobs for each connector
LEASE_S = 20
PARKED_S = 15
LONG_S = 900
SMALL = "[keys]\npool=4\nthreads=1\n[connector]\njobs=2\n"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def report(name, ours, unit, floor, more=""):
    print(f"bench {name} ours={ours:.3f} {unit} floor={floor:.3f} ratio={ours / floor:.2f} {more}".rstrip(), flush=True)


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Site:
    def __init__(self, folder):
        self.world = World(folder, log="warn", lease=LEASE_S)
        self.world.setup(connector=False)
        self.connectors, self.batches = [], 0
        self.user = self.world.add_user("ada@corp.test", "ada@corp.test")
        self.key = rsa_key()

    def start(self):
        for i in range(COUNT):
            self.connectors.append(Connector(self.world, f"c{i:03d}", SMALL).start().join())

    def drain(self, yes):
        for c in self.connectors:
            c.admin("connector.drain" if yes else "connector.resume")

    def batch(self, count):
        """A profile and devices that want it."""
        self.batches += 1
        name = f"batch{self.batches}"
        user = self.world.add_user(f"{name}@corp.test", f"{name}@corp.test")
        devices = [Device(self.world, self.world.code(user), self.key, f"{name}-{i}") for i in range(count)]
        root = self.world.add_root(name)
        profile = self.world.add_pkcs(root, name=name)
        group = self.world.add_group(name, user)
        self.world.assign(root, group)
        self.world.assign(profile, group)
        for d in devices:
            d.checkin([d.obey(c) for c in d.checkin()])
        return profile, count

    def events(self, batch):
        """The timeline of every request of the batch; None: not all have their certificate."""
        profile, count = batch
        slots = self.world.slots(profile=profile["id"])
        if len(slots) < count or any(s["state"] not in ("ready", "offered", "installed") for s in slots):
            return None
        return [self.world.timeline(s) for s in slots]

    def done(self, batch):
        return wait_for(lambda: self.events(batch), LONG_S, 0.5, why="all certificates")

    def close(self):
        for c in self.connectors:
            c.stop()
        self.world.close()


def share(found):
    """Connector -> how many jobs it did."""
    count = {}
    for line in found:
        name = [e["actor"] for e in line if e["event"] == "issued"][-1]
        count[name] = count.get(name, 0) + 1
    return count


def waited(line):
    """From being queued to the lease."""
    queued = next(e["dateTime"] for e in line if e["event"] == "queued")
    return seconds(next(e["dateTime"] for e in line if e["event"] == "leased")) - seconds(queued)


def killed(site):
    """Seconds from the death of one that had jobs in hand until the last of all jobs was done."""
    site.drain(True)
    batch = site.batch(2 * COUNT)
    victim = site.connectors.pop()
    victim.admin("connector.resume")
    wait_for(lambda: victim.show().get("running", 0) > 0, LONG_S, 0.01, why="jobs in hand")
    victim.kill()
    began = time.time()
    site.drain(False)
    last = max(seconds(e["dateTime"]) for line in site.done(batch) for e in line if e["event"] == "issued")
    return max(0.001, last - began)


def main():
    with tempfile.TemporaryDirectory(prefix="chancery-bench-") as folder:
        site = Site(folder)
        try:
            site.start()
            wait_for(lambda: all(c.show()["keys"][0]["ready"] == 4 for c in site.connectors), LONG_S, 0.5)
            each = [sum(pss_kib(p) for p in [c.proc.pid, *c.pids().values()]) for c in site.connectors]
            report("connectors_memory", statistics.median(each) / 1024, "MiB", 20, f"connectors={COUNT}")
            front = site.world.pids("service")["front"]
            before = cpu_ticks(front)
            time.sleep(PARKED_S)
            report("connectors_parked", 1000 * (cpu_ticks(front) - before) * TICK_S / PARKED_S, "ms", 10)

            batch = site.batch(COUNT)
            times = sorted(waited(line) for line in site.done(batch))
            report("connectors_lease", times[math.ceil(0.99 * len(times)) - 1], "s", 1,
                   f"p50={statistics.median(times):.3f}")
            site.drain(True)
            batch = site.batch(EACH * COUNT)
            site.drain(False)
            count = share(site.done(batch))
            least = min(count.values()) if len(count) == COUNT else 0
            report("connectors_share", max(count.values()), "jobs", EACH, f"least={least} busy={len(count)}")
            report("connectors_killed", killed(site), "s", LEASE_S)
        finally:
            site.close()
    return 0


sys.exit(main())
