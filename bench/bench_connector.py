#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a connector makes of PKCS jobs, with CA and service beside it on the same cores.

    jobs_cold     jobs a second from a connector without one ready key, of many that wait at once.
                  Floor: the key pairs that the same generator makes in the same time with nothing around it.
    jobs_cpu, jobs_cpu_<role>_<process>
                  processor time of all processes, and of each, for one such job. Floor: that of its key pair.
    jobs_p50, jobs_p99
                  the same with a warm pool: from the moment the connector may begin until the job's certificate is
                  sealed and with the service. Floor: the median share that signing and sealing alone would take.
    jobs_memory   growth of connector/link and connector/keys for each further job, in KiB. Floor: 1 KiB.

BENCH_JOBS: how many wait at once (200).
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
from world import World, children, cpu_ticks, rss_kib, wait_for  # noqa: E402  pylint: disable=wrong-import-position

JOBS = int(os.environ.get("BENCH_JOBS", "200"))
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
LONG_S = 1800


def report(name, ours, unit, floor):
    print(f"bench {name} ours={ours:.3f} {unit} floor={floor:.3f} ratio={ours / floor:.2f}", flush=True)


def quiet(pid):
    """Until the process has used no processor for a second."""
    last, since = -1, time.monotonic()
    until = since + LONG_S
    while time.monotonic() - since < 1 and time.monotonic() < until:
        now = cpu_ticks(pid)
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.05)


class Batch:
    """Devices of one user whose certificates are wanted all at once."""

    def __init__(self, world, name, count):
        self.world = world
        self.user = world.add_user(f"{name}@corp.test", f"{name}@corp.test")
        key = rsa_key()
        self.devices = [Device(world, world.code(self.user), key, f"{name}{i}") for i in range(count)]
        root = world.add_root(name)
        self.profile = world.add_pkcs(root, name=name)
        group = world.add_group(name, self.user)
        world.assign(root, group)
        world.assign(self.profile, group)
        for d in self.devices:
            left = [d.obey(c) for c in d.checkin()]
            d.checkin(left)

    def ready(self):
        """When each became ready, in seconds since the epoch; None: not all are."""
        slots = self.world.slots(profile=self.profile["id"])
        if len(slots) < len(self.devices):
            return None
        found = []
        for s in slots:
            at = [e["dateTime"] for e in self.world.timeline(s) if e["event"] == "issued"]
            if not at:
                return None
            found.append(datetime.fromisoformat(at[-1].replace("Z", "+00:00")).timestamp())
        return sorted(found)


class Rig:
    def __init__(self, folder):
        self.world = World(folder, log="warn", lease=LONG_S)
        self.world.setup(connector=False)

    def connector(self, name, pool):
        made = Connector(self.world, name, f"[keys]\npool={pool}\n").start().join()
        made.admin("connector.drain")
        quiet(made.pids()["keys"])
        return made

    def cpu(self, connector):
        """Seconds of processor of each process so far."""
        roles = {"connector": connector.pids(), "ca": self.world.pids("ca"), "service": self.world.pids("service")}
        return {f"{role}_{name}": cpu_ticks(pid) * TICK_S for role, pids in roles.items() for name, pid in pids.items()}

    def run(self, connector, name):
        """(seconds of processor, when it began, when each was ready)"""
        batch = Batch(self.world, name, JOBS)
        before, began = self.cpu(connector), time.time()
        connector.admin("connector.resume")
        wait_for(lambda: connector.show()["jobs"] >= JOBS and not connector.show()["running"], LONG_S, 0.2,
                 why="all jobs")
        used = {name: at - before[name] for name, at in self.cpu(connector).items()}
        times = wait_for(batch.ready, LONG_S, 0.5, why="all certificates")
        connector.admin("connector.drain")
        return used, began, times


def key_cost(rig, keys):
    """Seconds of processor, and of the clock, for one key pair: a pool that fills."""
    began = time.monotonic()
    probe = Connector(rig.world, "probe", f"[keys]\npool={keys}\n").start()
    pid = children(probe.proc.pid)["keys"]
    quiet(pid)
    took = time.monotonic() - began - 1
    cost = cpu_ticks(pid) * TICK_S / keys
    probe.stop()
    return cost, took / keys


def main():
    with tempfile.TemporaryDirectory(prefix="chancery-bench-") as folder:
        rig = Rig(folder)
        made = []
        try:
            key_cpu, key_wall = key_cost(rig, 64)
            cold = rig.connector("cold", 1)
            made.append(cold)
            used, began, times = rig.run(cold, "cold")
            report("jobs_cold", len(times) / (times[-1] - began), "1/s", 1 / key_wall)
            report("jobs_cpu", 1000 * sum(used.values()) / JOBS, "ms", 1000 * key_cpu)
            for name, seconds in sorted(used.items()):
                report(f"jobs_cpu_{name}", 1000 * seconds / JOBS, "ms", 1000 * key_cpu)
            rest = sum(used.values()) / JOBS - key_cpu
            cold.stop()

            warm = rig.connector("warm", JOBS)
            made.append(warm)
            _, began, times = rig.run(warm, "warm")
            after = [t - began for t in times]
            floor = max(0.001, rest * JOBS / 2 / (os.cpu_count() or 1))
            report("jobs_p50", statistics.median(after), "s", floor)
            report("jobs_p99", after[math.ceil(0.99 * len(after)) - 1], "s", 2 * floor)
            before = sum(rss_kib(p) for p in warm.pids().values())
            quiet(warm.pids()["keys"])
            batch = Batch(rig.world, "again", JOBS)
            warm.admin("connector.resume")
            wait_for(batch.ready, LONG_S, 0.5, why="all certificates")
            report("jobs_memory", (sum(rss_kib(p) for p in warm.pids().values()) - before) / JOBS, "KiB", 1)
        finally:
            for c in made:
                c.stop()
            rig.world.close()
    return 0


sys.exit(main())
