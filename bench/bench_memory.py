#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Memory of a connector, and of CA and service beside it, over many jobs: the same devices get their certificates anew,
time and again, as a profile is changed under them; each change makes a job of issuing and one of revoking for every
device.

    memory_<role>_<process>
                  growth of memory of its own (RssAnon) for each 1,000 jobs, in KiB, over the second half of the run.
                  Floor: 10 KiB; what grows by less would take a million jobs for 10 MiB. Service and CA keep a record
                  of each job, and pages of their database in memory up to a bound ([process] cache) that the default
                  would reach after some 100,000 jobs; here it is small, so that what is left to grow is seen.

BENCH_MEMORY: how many jobs (2000); those of revoking count. BENCH_MEMORY_LOG: a file for memory over time, else none.
"""

import os
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/flow"))

from clients import Device, rsa_key  # noqa: E402  pylint: disable=wrong-import-position
from connectors import Connector  # noqa: E402  pylint: disable=wrong-import-position
from world import World, wait_for  # noqa: E402  pylint: disable=wrong-import-position

JOBS = int(os.environ.get("BENCH_MEMORY", "2000"))
DEVICES = min(200, max(20, JOBS // 40))
LONG_S = 1800
FLOOR_KIB = 10
CACHE_MIB = 1


def anon_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))


class Churn:
    """Devices of one user and the profile that is changed under them."""

    def __init__(self, world):
        self.world, self.turn = world, 0
        user = world.add_user("churn@corp.test", "churn@corp.test")
        key = rsa_key()
        self.devices = [Device(world, world.code(user), key, f"d{i}") for i in range(DEVICES)]
        root = world.add_root("churn")
        self.profile = world.add_pkcs(root, name="churn")
        group = world.add_group("churn", user)
        world.assign(root, group)
        world.assign(self.profile, group)
        self.left = [[] for _ in self.devices]

    def checkin(self):
        """Every device obeys what it is told until it hears of nothing more."""
        for i, d in enumerate(self.devices):
            commands = d.checkin(self.left[i])
            self.left[i] = [d.obey(c) for c in commands]

    def change(self):
        self.turn += 1
        self.world.api("PATCH", f"{World.CONFIGURATIONS}/{self.profile['id']}", {
            "@odata.type": "#chancery.linuxPkcsCertificateProfile",
            "subjectNameFormatString": f"CN={{{{UserName}}}},OU=Turn {self.turn}"})


def run(world, connector, log):
    """[(jobs, {process: KiB})]"""
    roles = {"connector": connector.pids(), "ca": world.pids("ca"), "service": world.pids("service")}
    pids = {f"{role}_{name}": pid for role, found in roles.items() for name, pid in found.items()}
    churn, seen, began = Churn(world), [], time.monotonic()
    while not seen or seen[-1][0] < JOBS:
        churn.checkin()
        churn.checkin()
        wait_for(lambda: idle(connector), LONG_S, 0.1, why="the jobs of this turn")
        seen.append((connector.show()["jobs"], {n: anon_kib(p) for n, p in pids.items()}))
        if log is not None:
            log.write(f"{time.monotonic() - began:.0f}s jobs={seen[-1][0]} "
                      + " ".join(f"{n}={k}" for n, k in sorted(seen[-1][1].items())) + "\n")
            log.flush()
        churn.change()
    return seen


def idle(connector):
    """Nothing in hand, twice in a row."""
    for _ in range(2):
        now = connector.show()
        if not now or now["waiting"] + now["running"] + now["finished"] > 0:
            return False
        time.sleep(0.2)
    return True


def main():
    name = os.environ.get("BENCH_MEMORY_LOG")
    with tempfile.TemporaryDirectory(prefix="chancery-bench-") as folder:
        world = World(folder, log="warn", lease=LONG_S)
        for role in ("ca", "service"):
            with open(world.conf_file(role), "a", encoding="utf-8") as conf:
                conf.write(f"[process]\ncache={CACHE_MIB}\n")
        world.setup(connector=False)
        world.api("PATCH", "/chancery/v1/rolloutSettings", {"threshold": 1000000})
        connector = Connector(world, "memory", "[keys]\npool=64\n").start().join()
        log = open(name, "w", encoding="utf-8") if name else None  # pylint: disable=consider-using-with
        try:
            seen = run(world, connector, log)
        finally:
            connector.stop()
            world.close()
            if log is not None:
                log.close()
    first = next(s for s in seen if s[0] >= seen[-1][0] // 2)
    for process in sorted(first[1]):
        grown = 1000 * (seen[-1][1][process] - first[1][process]) / max(1, seen[-1][0] - first[0])
        print(f"bench memory_{process} ours={grown:.2f} KiB floor={FLOOR_KIB:.2f} ratio={grown / FLOOR_KIB:.2f} "
              f"jobs={seen[-1][0]} now={seen[-1][1][process]}", flush=True)
    return 0


sys.exit(main())
