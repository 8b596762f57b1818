#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What devices of each platform cost the service, by a fleet of simulated ones (bench/fleet) on loopback.

    fleet_<platform>_idle     check-ins a second and core that find nothing to do: one request of an agent, a session
                              with its questions of Windows, a signed message of an iPhone. Floor: GET /healthz.
    fleet_<platform>_deliver  certificates delivered a second and core, from the assignment until the device said that
                              it has it: all processes of the service, not connector and CA. Floor: GET /healthz.
    fleet_burst_root_p50, _p99  seconds from an assignment to "installed", for connected devices that all get a trusted
                              root at once (BENCH_FLEET_CONNECTED, 1000): no key, no CA. Floor: three requests for each
                              of GET /healthz on all cores.
    fleet_burst_p50, _p99     the same for a certificate, with RSA-2048 keys and the pool of ready ones as it is by
                              default. Floor: as many RSA key pairs by OpenSSL on all cores.
    fleet_burst_p256_p50, _p99  the same with keys on P-256. Floor: a key pair with its signature and the CA's for each
                              on all cores.
    fleet_burst_warm_p50, _p99  the same with RSA-2048 keys that all lie ready. Floor: two RSA-2048 signatures for each
                              on all cores.
    fleet_single_p50, _p99    the same for one of them after the other (BENCH_FLEET_SINGLE, 200). Floor: a second, the
                              aim.
    fleet_enrol               devices a second that enrol, BENCH_FLEET (10000) of them. Floor: two RSA-2048 signatures
                              for each on all cores: its request and its handshake.
    fleet_rollout             seconds from the first enrolment until all hold a certificate. Floor: as many key pairs.
    fleet_rollout_p256        the same with keys on P-256. Floor: as many RSA-2048 signatures: the CA's.
    fleet_parked_memory       memory of the service for each device that waits, all of them connected. Floor: 32 KiB,
                              the two buffers for records that a TLS connection may have.

Parts alone by BENCH_FLEET_ONLY: cost, latency, rollout; rollout-p256 runs only when named there. The fleet runs on the
same cores; what it takes is on standard error, and with bursts what each process took for a device, and how much of the
cores' time nobody used. Processor time is that of the service's processes, so other work on the
machine changes it little; seconds it does.
"""

import math
import os
import sys
import tempfile
import threading
import time
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

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
EACH, SINGLE = 50, int(os.environ.get("BENCH_FLEET_SINGLE", "200"))
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
          f"p99 {done['p99Ms']} ms, {done['checkins']} check-ins, {done['failed']} failures{faults}",
          file=sys.stderr, flush=True)
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


def signature_rate(n=200):
    """RSA-2048 signatures a second on all cores."""
    key = rsa_key()
    before = time.process_time()
    for _ in range(n):
        key.sign(b"x", padding.PKCS1v15(), hashes.SHA256())
    return n * CORES / (time.process_time() - before)


def curve_rate(n=200):
    """Key pairs on P-256 with a signature of each and one by RSA-2048 a second on all cores."""
    ca = rsa_key()
    before = time.process_time()
    for _ in range(n):
        ec.generate_private_key(ec.SECP256R1()).sign(b"x", ec.ECDSA(hashes.SHA256()))
        ca.sign(b"x", padding.PKCS1v15(), hashes.SHA256())
    return n * CORES / (time.process_time() - before)


class Cores:
    """How much of the cores' time is used, by anybody: looked at all the time."""

    def __init__(self):
        self.seen = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stop.wait(0.02):
            with open("/proc/stat", encoding="ascii") as f:
                ticks = [int(t) for t in f.readline().split()[1:9]]
            self.seen.append((time.time(), ticks[3] + ticks[4], sum(ticks)))

    def idle(self, start, end):
        """Share between these moments; ends it."""
        self.stop.set()
        self.thread.join()
        within = [s for s in self.seen if start <= s[0] <= end]
        if len(within) < 2 or within[-1][2] == within[0][2]:
            return 0.0
        return (within[-1][1] - within[0][1]) / (within[-1][2] - within[0][2])


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
    """When each of n devices had it installed, by the service."""
    def all_of_them():
        found = [s for s in world.slots(profile=profile["id"]) if s["state"] == "installed"]
        return found if len(found) == n else None
    return sorted(seconds_of(s["installedDateTime"]) for s in wait_for(all_of_them, 600, 3))


def named(world):
    """Process -> its id."""
    return {f"{role}/{name}": pid for role in world.ROLES for name, pid in world.pids(role).items()}


def processes(world):
    return named(world).values()


def burst(world, fleet, name, floor, profile, step):
    """All at once. The fleet says when it is over: asking the service for all the slots would be part of the load."""
    fleet.begin(step)
    fleet.waiting()
    pids = {**named(world), "fleet": fleet.proc.pid}
    quiet(pids.values())
    before = {key: cpu_ticks(pid) for key, pid in pids.items()}
    cores = Cores()
    start = time.time()
    world.assign(profile, fleet.group)
    if step == "live":
        time.sleep(5)
        quiet(pids.values())
        fleet.begin("")
    note(f"burst{name}", fleet.result())
    used = {key: (cpu_ticks(pid) - before[key]) * TICK * 1000 / CONNECTED for key, pid in pids.items()}
    times = [end - start for end in installed(world, profile, CONNECTED)]
    report(f"burst{name}_p50", percentile(times, 0.5), "s", floor / 2)
    report(f"burst{name}_p99", percentile(times, 0.99), "s", floor)
    print(f"burst{name}, ms of processor time for each device: "
          + ", ".join(f"{key} {ms:.2f}" for key, ms in used.items() if ms > 0.005)
          + f"; of the cores' time {cores.idle(start, start + times[-1]):.1%} was idle until the last", file=sys.stderr)


def keep_ready(world, n):
    """A connector with so many RSA keys that lie ready."""
    world.stop("connector")
    world.conf("connector", f"[keys]\npool={n}\n", "warn")
    world.start("connector")
    wait_for(lambda: "keys" in world.pids("connector"), why="connector/keys")
    quiet([world.pid("connector", "keys")])


def single(world, fleet, root):
    """One after the other, while all are connected."""
    profile = world.add_pkcs(root, name="One by one")
    group = world.add_group("One by one")
    world.assign(profile, group)
    fleet.begin("live")
    fleet.waiting()
    quiet(processes(world))
    begun = []
    for user in fleet.users[:SINGLE]:
        begun.append(time.time())
        world.add_member(group, user)
        time.sleep(0.2)
    times = [end - start for start, end in zip(begun, installed(world, profile, len(begun)))]
    report("single_p50", percentile(times, 0.5), "s", 1)
    report("single_p99", percentile(times, 0.99), "s", 1)
    fleet.begin("")
    note("connected", fleet.result())


def curves(world):
    """A template that takes keys on P-256, as settings of a profile."""
    world.admin("ca", "template.duplicate", {
        "source": "User", "name": "Curves", "display_name": "Curves", "supply_in_request": True, "order_required": True,
        "key_algorithms": ["rsa", "p256"]})
    world.grant("connector", "Curves")
    return {"certificateTemplateName": "Curves", "@chancery.keyAlgorithm": "p256"}


def latency(world, p256):
    fleet = Fleet(world, [("linux", CONNECTED)], "--seconds", "3600", group="Connected", users=CONNECTED)
    root = world.add_root("Root of the connected")
    world.assign(root, fleet.group)
    note("connected", fleet.do("enrol"))
    another = world.add_root("Another root", world.issuing_pem)
    burst(world, fleet, "_root", CONNECTED * 3 / (healthz(world) * CORES), another, "live")
    burst(world, fleet, "", CONNECTED / key_rate(), world.add_pkcs(root, name="All at once"), "live=1")
    burst(world, fleet, "_p256", CONNECTED / curve_rate(),
          world.add_pkcs(root, name="All on curves", **p256), "live=2")
    keep_ready(world, CONNECTED * 5 // 4)  # of the last eighth of a pool more are made meanwhile
    burst(world, fleet, "_warm", CONNECTED * 2 / signature_rate(),
          world.add_pkcs(root, name="All with ready keys"), "live=3")
    single(world, fleet, root)
    fleet.close()


def rollout(world, name, floor, **more):
    fleet = Fleet(world, [("linux", DEVICES)], "--seconds", "7200", group=name.replace("_", "-"), users=1000)
    root = world.add_root(f"Root of {name}")
    pkcs = world.add_pkcs(root, name=f"Large {name}", **more)
    front = world.pid("service", "front")
    cpu = service_cpu(world)
    done = note("large", fleet.do("enrol"))
    enrolling = float(done["seconds"])
    if name == "rollout":
        report("enrol", DEVICES / enrolling, "1/s", signature_rate() / 2)
    quiet(processes(world))
    before = rss_kib(front)
    fleet.begin("live=1")
    fleet.waiting()
    time.sleep(2)
    # A second fleet waits in what the first one left.
    if name == "rollout":
        report("parked_memory", (rss_kib(front) - before) / DEVICES, "KiB", TLS_KIB)
    start = time.time()
    world.assign(root, fleet.group)
    world.assign(pkcs, fleet.group)
    done = note("large", fleet.result())
    if not done["whole"]:
        raise RuntimeError(f"{done['certificates']} of {DEVICES} certificates")
    # From nothing to all certificates, without the pause in which memory was measured.
    report(name, enrolling + done["newestLast"] / 1000 - start, "s", floor)
    print(f"large: {(service_cpu(world) - cpu) * 1000 / DEVICES:.2f} ms of the service for each", file=sys.stderr)
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
            p256 = curves(world)
            if "latency" in ONLY:
                latency(world, p256)
            if "rollout" in ONLY:
                rollout(world, "rollout", DEVICES / key_rate())
            if "rollout-p256" in ONLY:
                rollout(world, "rollout_p256", DEVICES / signature_rate(), **p256)
        except Exception:
            for role in world.ROLES:
                with open(world.log_file(role), encoding="utf-8") as f:
                    print(f"== {role}\n{f.read()[-3000:]}", file=sys.stderr)
            raise
        finally:
            world.close()
    return 0


sys.exit(main())
