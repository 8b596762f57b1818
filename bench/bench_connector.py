#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a connector makes of PKCS jobs, with CA and service beside it on the same cores.

For key pairs of each size, in processor time, which does not depend on what else the machine does:

    jobs_rsa<bits>        jobs for each second that one core gives to the connector: key pair, request, talking to CA
                          and service, PFX, sealing. Floor: the key pairs that the same generator makes in it with
                          nothing around it, so the ratio is what of the connector's time goes into key pairs.
    jobs_rsa<bits>_all    the same with the time of CA and service counted as well.
    jobs_rsa<bits>_<role>_<process>
                          milliseconds of each process for one such job. Floor: those of the key pair.

And by the clock:

    jobs_cold             jobs a second from a connector without one ready key, of many that wait at once. Floor: the
                          key pairs that the same generator makes in the same time.
    jobs_p50, jobs_p99    many at once with a warm pool: from the moment the connector may begin until the job's
                          certificate is sealed and with the service. Floor: the median share that signing and sealing
                          alone would take, and twice that.

BENCH_JOBS: how many wait at once for 2048 bits (200); less for the longer ones. BENCH_WARM: with a warm pool (1000).
BENCH_SIZES: which sizes of those that profiles know, with commas (2048,4096). BENCH_GENERATOR: who makes the key pairs,
chancery, portable or libcrypto (chancery): the longer they take, the less everything else counts.
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
from world import World, children, cpu_ticks, wait_for  # noqa: E402  pylint: disable=wrong-import-position

JOBS = int(os.environ.get("BENCH_JOBS", "200"))
WARM = int(os.environ.get("BENCH_WARM", "1000"))
SIZES = [int(n) for n in os.environ.get("BENCH_SIZES", "2048,4096").split(",")]
GENERATOR = os.environ.get("BENCH_GENERATOR", "chancery")
FEWER = {2048: 1, 4096: 2}  # the longer a key takes, the fewer jobs say as much
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
LONG_S = 1800


def report(name, ours, unit, floor):
    print(f"bench {name} ours={ours:.3f} {unit} floor={floor:.3f} ratio={ours / floor:.2f}", flush=True)


def fill(connector, keys):
    """Until so many key pairs are ready and nobody makes more."""
    def full():
        pool = connector.show()["keys"][0]
        return pool["ready"] >= keys and pool["making"] == 0
    wait_for(full, LONG_S, 0.05, why="the key pairs")


class Batch:
    """Devices of one user whose certificates are wanted all at once."""

    def __init__(self, world, name, count, bits):
        self.world = world
        self.user = world.add_user(f"{name}@corp.test", f"{name}@corp.test")
        key = rsa_key()
        self.devices = [Device(world, world.code(self.user), key, f"{name}{i}") for i in range(count)]
        root = world.add_root(name)
        self.profile = world.add_pkcs(root, name=name, keySize=f"size{bits}")
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

    def connector(self, name, pool, bits):
        made = Connector(self.world, name, f"[keys]\npool={pool}\nsizes={bits}\ngenerator={GENERATOR}\n").start().join()
        made.admin("connector.drain")
        fill(made, pool)
        return made

    def cpu(self, connector):
        """Seconds of processor of each process so far."""
        roles = {"connector": connector.pids(), "ca": self.world.pids("ca"), "service": self.world.pids("service")}
        return {f"{role}_{name}": cpu_ticks(pid) * TICK_S for role, pids in roles.items() for name, pid in pids.items()}

    def run(self, connector, batch):
        """(seconds of processor, when it began, when each was ready)"""
        count = len(batch.devices)
        before, began = self.cpu(connector), time.time()
        connector.admin("connector.resume")
        wait_for(lambda: connector.show()["jobs"] >= count and not connector.show()["running"], LONG_S, 0.2,
                 why="all jobs")
        used = {name: at - before[name] for name, at in self.cpu(connector).items()}
        times = wait_for(batch.ready, LONG_S, 0.5, why="all certificates")
        connector.admin("connector.drain")
        return used, began, times


def key_cost(rig, bits, keys):
    """Seconds of processor, and of the clock, for one key pair: a pool that fills."""
    began = time.monotonic()
    probe = Connector(rig.world, f"probe{bits}", f"[keys]\npool={keys}\nsizes={bits}\ngenerator={GENERATOR}\n").start()
    fill(probe, keys)
    took = time.monotonic() - began
    pid = children(probe.proc.pid)["keys"]
    cost = cpu_ticks(pid) * TICK_S / keys
    probe.stop()
    return cost, took / keys


def cold(rig, bits):
    """A connector without a ready key; seconds of processor of a job beside its key pair."""
    count = max(1, JOBS // FEWER[bits])
    key_cpu, key_wall = key_cost(rig, bits, max(16, count))
    connector = rig.connector(f"cold{bits}", 1, bits)
    try:
        used, began, times = rig.run(connector, Batch(rig.world, f"cold{bits}", count, bits))
    finally:
        connector.stop()
    each = {name: seconds / count for name, seconds in used.items()}
    own = sum(seconds for name, seconds in each.items() if name.startswith("connector_"))
    report(f"jobs_rsa{bits}", 1 / own, "1/core-s", 1 / key_cpu)
    report(f"jobs_rsa{bits}_all", 1 / sum(each.values()), "1/core-s", 1 / key_cpu)
    for name, seconds in sorted(each.items()):
        report(f"jobs_rsa{bits}_{name}", 1000 * seconds, "ms", 1000 * key_cpu)
    if bits == SIZES[0]:
        report("jobs_cold", len(times) / (times[-1] - began), "1/s", 1 / key_wall)
    return sum(each.values()) - key_cpu


def warm(rig, rest):
    connector = rig.connector("warm", WARM, SIZES[0])
    try:
        _, began, times = rig.run(connector, Batch(rig.world, "warm", WARM, SIZES[0]))
    finally:
        connector.stop()
    after = [t - began for t in times]
    floor = max(0.001, rest * WARM / 2 / (os.cpu_count() or 1))
    report("jobs_p50", statistics.median(after), "s", floor)
    report("jobs_p99", after[math.ceil(0.99 * len(after)) - 1], "s", 2 * floor)


def main():
    with tempfile.TemporaryDirectory(prefix="chancery-bench-") as folder:
        rig = Rig(folder)
        try:
            rest = [cold(rig, bits) for bits in SIZES]
            if WARM > 0:
                warm(rig, rest[0])
        finally:
            rig.world.close()
    return 0


sys.exit(main())
