#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What devices of each platform cost the service, by a fleet of simulated ones (bench/fleet) on loopback.

    fleet_<platform>_idle     check-ins a second and core that find nothing to do: one request of an agent, a session with its
                              questions of Windows, a signed message of an iPhone. Floor: GET /healthz of the same process.
    fleet_<platform>_deliver  certificates delivered a second and core, from the assignment until the device said that it has
                              it: all processes of the service, not connector and CA. Floor: as above.
    fleet_single_p50, _p99    seconds from an assignment to "installed", for one of many connected devices whose users get it one
                              after the other (BENCH_FLEET_CONNECTED devices, 1000). Floor: a second, which is the aim.
    fleet_burst_p50, _p99     the same for all of them at once. Floor: as many RSA key pairs on all cores.
    fleet_enrol               devices a second that enrol, BENCH_FLEET (10000) of them. Floor: as many RSA-2048 decryptions and
                              signatures on all cores, which an enrolment has two of.
    fleet_rollout             seconds from the first enrolment until all hold a certificate. Floor: RSA key pairs as above.
    fleet_parked_memory       memory of the service for each device that waits, all of them connected. Floor: 32 KiB, a TLS
                              connection of OpenSSL alone (bench_flow measures it).

The fleet runs on the same cores; what it takes is on standard error. Processor time is that of the service's processes, so other
work on the machine changes it little; seconds it does change.
"""

import math
import os
import sys
import tempfile
import time
from datetime import datetime

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/flow"))

import test_android  # noqa: E402
import test_apple  # noqa: E402
import test_windows  # noqa: E402
from clients import rsa_key  # noqa: E402
from fleet import Fleet  # noqa: E402
from world import World, children, cpu_ticks, rss_kib, wait_for  # noqa: E402

DEVICES = int(os.environ.get("BENCH_FLEET", "10000"))
CONNECTED = int(os.environ.get("BENCH_FLEET_CONNECTED", "1000"))
ONLY = os.environ.get("BENCH_FLEET_ONLY", "cost latency rollout").split()
EACH, SINGLE = 50, 100
# Of each device, so many that ticks of the clock of processes do not show.
CHECKINS = {"linux": 400, "android": 400, "ios": 60, "windows": 40}
TICK = 1 / os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))
TLS_KIB = 32


def report(name, ours, unit, floor):
    print(f"bench fleet_{name} ours={ours:.4g} {unit} floor={floor:.4g} ratio={ours / floor:.2f}", flush=True)


def note(name, done):
    faults = "".join(f"; {f['id']} x {f['count']}: {f['detail']}" for f in done["faults"])
    print(f"{name}: {done['step']} {done['seconds']} s, fleet's cpu {done['cpuSeconds']} s, p50 {done['p50Ms']} ms, "
          f"p99 {done['p99Ms']} ms, {done['checkins']} check-ins, {done['failed']} failures{faults}", file=sys.stderr, flush=True)
    return done


def percentile(values, p):
    return sorted(values)[max(0, math.ceil(len(values) * p) - 1)]


def service_cpu(world):
    """Seconds of all processes of the service."""
    pids = [world.procs["service"].pid, *children(world.procs["service"].pid).values()]
    return sum(cpu_ticks(pid) for pid in pids) * TICK


def front_cpu(world):
    return cpu_ticks(world.pid("service", "front")) * TICK


def quiet(pids):
    """Until these processes have nothing to do any more."""
    def used():
        return sum(cpu_ticks(p) for p in pids)
    before = used()
    while True:
        time.sleep(1)
        now = used()
        if now - before <= 3:
            return
        before = now


def healthz(world, n=3000):
    """Requests a second and core for the page that says nothing."""
    before = front_cpu(world)
    for _ in range(n):
        world.https.request("GET", "/healthz")
    return n / max(front_cpu(world) - before, TICK)


def key_rate():
    """RSA-2048 key pairs a second on all cores."""
    before = time.process_time()
    for _ in range(12):
        rsa_key()
    return 12 * CORES / (time.process_time() - before)


class Apple(test_apple.Place):
    def __init__(self, world):  # pylint: disable=super-init-not-called
        self.world, self.number = world, 0


def profiles(world, platform):
    """(trusted certificate, function that makes a PKCS profile of this name)."""
    if platform == "linux":
        root = world.add_root()
        return root, lambda name: world.add_pkcs(root, name=name)
    if platform == "android":
        root = test_android.add_root(world, "androidDeviceOwner", "Android root")
        return root, lambda name: test_android.add_pkcs(world, "androidDeviceOwner", name, root)
    if platform == "ios":
        apple = Apple(world)
        return apple.root(), lambda name: apple.pkcs()
    root = test_windows.add_root(world, "Windows CA", pem=world.issuing_pem, store="computerCertStoreIntermediate")
    return root, lambda name: test_windows.add_pkcs(world, name)


def cost(world, platform, floor):
    fleet = Fleet(world, [(platform, EACH)], "--poll", "1000", group=f"Cost-{platform}", users=10)
    root, pkcs = profiles(world, platform)
    for profile in (root, pkcs("First")):
        world.assign(profile, fleet.group)
    note(platform, fleet.do("enrol"))
    note(platform, fleet.do("live=1"))
    note(platform, fleet.do("sync"))
    quiet(world.pids("service").values())
    before = service_cpu(world)
    done = note(platform, fleet.do(f"checkins={CHECKINS[platform]}"))
    used = service_cpu(world) - before
    report(f"{platform}_idle", done["checkins"] / used, "1/core-second", floor)
    second = pkcs("Second")
    quiet(world.pids("connector").values())
    before = service_cpu(world)
    world.assign(second, fleet.group)
    done = note(platform, fleet.do("live=2"))
    report(f"{platform}_deliver", EACH / (service_cpu(world) - before), "1/core-second", floor)
    fleet.close()


def seconds_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def installed(world, profile, n):
    """Device -> when it was installed, when n have it."""
    def all_of_them():
        found = [s for s in world.slots(profile=profile["id"]) if s["state"] == "installed"]
        return found if len(found) == n else None
    return {s["deviceId"]: seconds_of(s["installedDateTime"]) for s in wait_for(all_of_them, 600, 3)}


def latency(world):
    fleet = Fleet(world, [("linux", CONNECTED)], "--keys", "4", "--seconds", "3600", group="Connected",
                  users=CONNECTED)
    root = world.add_root("Root of the connected")
    world.assign(root, fleet.group)
    note("connected", fleet.do("enrol"))
    fleet.begin("live")
    fleet.waiting()
    single = world.add_pkcs(root, name="One by one")
    some = world.add_group("One by one")
    world.assign(single, some)
    quiet([*world.pids("connector").values(), *world.pids("service").values()])
    begun = []
    for user in fleet.users[:SINGLE]:
        begun.append(time.time())
        world.add_member(some, user)
        time.sleep(0.2)
    ends = sorted(installed(world, single, min(SINGLE, CONNECTED)).values())
    times = [end - start for start, end in zip(begun, ends)]
    report("single_p50", percentile(times, 0.5), "s", 1)
    report("single_p99", percentile(times, 0.99), "s", 1)
    burst = world.add_pkcs(root, name="All at once")
    quiet([*world.pids("connector").values(), *world.pids("service").values()])
    start = time.time()
    world.assign(burst, fleet.group)
    times = [end - start for end in installed(world, burst, CONNECTED).values()]
    floor = CONNECTED / key_rate()
    report("burst_p50", percentile(times, 0.5), "s", floor / 2)
    report("burst_p99", percentile(times, 0.99), "s", floor)
    fleet.begin("")
    note("connected", fleet.result())
    fleet.close()


def rollout(world):
    fleet = Fleet(world, [("linux", DEVICES)], "--keys", "4", "--seconds", "7200", group="Large", users=1000)
    root = world.add_root("Root of the large")
    pkcs = world.add_pkcs(root, name="Large")
    front = world.pid("service", "front")
    start, cpu = time.time(), service_cpu(world)
    done = note("large", fleet.do("enrol"))
    report("enrol", DEVICES / float(done["seconds"]), "1/s", CORES * 400)
    quiet(world.pids("service").values())
    before = rss_kib(front)
    fleet.begin("live")
    fleet.waiting()
    time.sleep(2)
    report("parked_memory", (rss_kib(front) - before) / DEVICES, "KiB", TLS_KIB)
    # What was slept to measure memory is not part of it.
    start += time.time() - start - float(done["seconds"])
    world.assign(root, fleet.group)
    world.assign(pkcs, fleet.group)
    ends = installed(world, pkcs, DEVICES)
    report("rollout", max(ends.values()) - start, "s", DEVICES / key_rate())
    print(f"large: the service's cpu {service_cpu(world) - cpu:.1f} s", file=sys.stderr)
    fleet.begin("")
    note("large", fleet.result())
    fleet.close()


def main():
    with tempfile.TemporaryDirectory(prefix="chancery-bench-") as folder:
        world = World(folder, log="warn")
        try:
            world.setup()
            if "cost" in ONLY:
                floor = healthz(world)
                for platform in ("linux", "android", "ios", "windows"):
                    cost(world, platform, floor)
            if "latency" in ONLY:
                latency(world)
            if "rollout" in ONLY:
                rollout(world)
        except Exception:
            for role in world.ROLES:
                with open(world.log_file(role), encoding="utf-8") as f:
                    print(f"== {role}\n{f.read()[-3000:]}", file=sys.stderr)
            raise
        finally:
            world.close()
    return 0


sys.exit(main())
