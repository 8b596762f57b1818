#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a running installation costs: CA, service and connector on loopback, and many devices at once.

The devices are simulated by this one process, each with a TLS connection of its own that stays parked at the service as
an agent's does. They open no sealed payloads: that work happens on other machines. BENCH_DEVICES sets their number.

    install_p50, install_p99   from the assignment to "installed", for one of many devices that wait at once.
                               Floor: as many RSA key pairs as were delivered until then, made by OpenSSL on all cores
                               with nothing else to do. Keys that lay ready before are why it can be beaten.
    issue_rate                 certificates a second. Floor: key pairs a second, made likewise.
    checkin_cpu                CPU of the service for a check-in that finds nothing to do. Floor: GET /healthz.
    connect_cpu                CPU of the service for a new connection with its first check-in. Floor: GET /healthz.
    parked_memory              memory of the service for a parked device. Floor: a TLS connection of OpenSSL alone.
    rss_<role>_<process>       resident memory, idle. Floor: the role's parent, which only waits.
    start_to_ready             the service's start until /readyz says yes. Floor: reading its configuration (--check).
"""

import asyncio
import concurrent.futures
import hashlib
import json
import math
import multiprocessing
import os
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/flow"))

from clients import Device, rsa_key  # noqa: E402
from world import Https, World, cpu_ticks, program, rss_kib, wait_for  # noqa: E402

DEVICES = int(os.environ.get("BENCH_DEVICES", "200"))
CONNECTIONS, EXCHANGES = 8, 4000
NEW_CONNECTIONS = 300
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))


def report(name, ours, unit, floor):
    print(f"bench {name} ours={ours:.4g} {unit} floor={floor:.4g} ratio={ours / floor:.2f}", flush=True)


def percentile(values, p):
    return sorted(values)[max(0, math.ceil(len(values) * p) - 1)]


class Connection:
    """One kept HTTP/1.1 connection."""

    def __init__(self, host, port, context):
        self.host, self.port, self.context = host, port, context
        self.reader = self.writer = None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port, ssl=self.context)

    async def exchange(self, method, path, body=b""):
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
                          f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        if " 200 " not in lines[0]:
            raise RuntimeError(f"{path}: {lines[0]}")
        size = next(int(x.split(":")[1]) for x in lines if x.lower().startswith("content-length:"))
        return await self.reader.readexactly(size)

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()


class Simulated:
    """One enrolled device that parks, obeys and reports."""

    def __init__(self, device):
        self.device = device
        world = device.world
        self.connection = Connection(world.host, world.ports["device"], device.context)
        self.results = []
        self.task = None

    def message(self, wait):
        return json.dumps({"protocol": 1, "facts": self.device.facts(), "wait": wait, "results": self.results,
                           "inventory": list(self.device.inventory.values())}).encode()

    async def turn(self, wait):
        answer = json.loads(await self.connection.exchange("POST", "/agent/v1/checkin", self.message(wait)))
        self.results = [self.device.obey(c) for c in answer["commands"]]

    async def run(self):
        while True:
            await self.turn(50)

    async def stop(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.connection.close()


def enrol(world, n):
    """One key for all: their identities differ, and making keys is the devices' own work."""
    key = rsa_key()
    user = [world.add_user(f"user{i:03}@contoso.example", f"user{i:03}@contoso.example") for i in range(n)]
    codes = [world.code(user=u) for u in user]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        devices = list(pool.map(lambda i: Device(world, codes[i], key, f"device-{i:03}"), range(n)))
    for d in devices:
        d.https.close()
    return user, devices


def quiet(pid, seconds=60):
    """Waits until a process uses no CPU any more."""
    end = time.monotonic() + seconds
    before = cpu_ticks(pid)
    while time.monotonic() < end:
        time.sleep(0.5)
        now = cpu_ticks(pid)
        if now - before <= 1:
            return
        before = now


def make_keys(n):
    for _ in range(n):
        rsa_key()


def key_seconds(n=16):
    """What one RSA-2048 key pair takes with all cores at work on such and nothing else."""
    began = time.monotonic()
    with multiprocessing.Pool(CORES) as pool:
        pool.map(make_keys, [1] * (n * CORES), chunksize=1)
    return (time.monotonic() - began) / (n * CORES)


# A TLS connection of OpenSSL alone

def tls_holder(port_to, cert, release):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert)
    held = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        port_to.send(server.getsockname()[1])
        while len(held) <= DEVICES:
            connection, _ = server.accept()
            held.append(context.wrap_socket(connection, server_side=True))
            held[-1].sendall(b"x")
            port_to.send(len(held))
    release.wait()


def tls_memory(cert):
    """KiB of one connection at the server's end. The first one is not counted: it loads what all share."""
    here, there = multiprocessing.Pipe()
    release = multiprocessing.Event()
    child = multiprocessing.get_context("fork").Process(target=tls_holder, args=(there, cert, release))
    child.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port, held, before = here.recv(), [], 0
    for i in range(DEVICES + 1):
        held.append(context.wrap_socket(socket.create_connection(("127.0.0.1", port))))
        held[-1].recv(1)
        here.recv()
        before = before or rss_kib(child.pid)
    after = rss_kib(child.pid)
    release.set()
    for connection in held:
        connection.close()
    child.join()
    return (after - before) / DEVICES


# The measurements

def idle_memory(world):
    for role in world.ROLES:
        for name, pid in sorted(world.pids(role).items()):
            report(f"rss_{role}_{name}", rss_kib(pid) / 1024, "MiB", rss_kib(world.procs[role].pid) / 1024)


async def cpu_of(pid, connections, method, path, body):
    """Microseconds of CPU that one exchange costs a process."""
    async def some(connection):
        for _ in range(EXCHANGES // CONNECTIONS):
            await connection.exchange(method, path, body)
    for c in connections:
        await c.open()
        await c.exchange(method, path, body)
    before = cpu_ticks(pid)
    await asyncio.gather(*(some(c) for c in connections))
    used = cpu_ticks(pid) - before
    for c in connections:
        c.close()
    return used * TICK_US / EXCHANGES


async def cpu_of_new(pid, make, method, path, body):
    """The same for a new connection with one exchange."""
    before = cpu_ticks(pid)
    for _ in range(NEW_CONNECTIONS):
        c = make()
        await c.open()
        await c.exchange(method, path, body)
        c.close()
    return (cpu_ticks(pid) - before) * TICK_US / NEW_CONNECTIONS


def no_resumption(context):
    context.options |= ssl.OP_NO_TICKET
    return context


async def checkin_cost(world, devices):
    front = world.pid("service", "front")
    bodies = Simulated(devices[0]).message(0)

    def device():
        return Connection(world.host, world.ports["device"], devices[0].context)

    def anybody():
        return Connection(world.host, world.ports["api"], no_resumption(world.context))
    ours = await cpu_of(front, [device() for _ in range(CONNECTIONS)], "POST", "/agent/v1/checkin", bodies)
    floor = await cpu_of(front, [anybody() for _ in range(CONNECTIONS)], "GET", "/healthz", b"")
    report("checkin_cpu", ours, "us", floor)
    ours = await cpu_of_new(front, device, "POST", "/agent/v1/checkin", bodies)
    floor = await cpu_of_new(front, anybody, "GET", "/healthz", b"")
    report("connect_cpu", ours, "us", floor)


async def park(world, devices):
    """All devices connected and parked; KiB of the service for each."""
    front = world.pid("service", "front")
    simulated = [Simulated(d) for d in devices]
    before = rss_kib(front)
    for s in simulated:
        await s.connection.open()
        await s.turn(0)
        s.task = asyncio.create_task(s.run())
    await asyncio.sleep(1)
    return simulated, (rss_kib(front) - before) / len(simulated)


def ms(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


async def installed(world, profile, n):
    """When each device said that it has the certificate: seconds since the epoch."""
    loop = asyncio.get_running_loop()
    for _ in range(6000):
        slots = [s for s in await loop.run_in_executor(None, lambda: world.slots(profile=profile["id"]))
                 if s["state"] == "installed"]
        if len(slots) == n:
            return [ms(s["installedDateTime"]) / 1000 for s in slots]
        await asyncio.sleep(0.5)
    raise RuntimeError("not every device was served")


async def delivery(world, group, simulated):
    loop = asyncio.get_running_loop()
    root = await loop.run_in_executor(None, world.add_root)
    pkcs = await loop.run_in_executor(None, lambda: world.add_pkcs(root))
    await loop.run_in_executor(None, lambda: world.assign(root, group))
    await loop.run_in_executor(None, lambda: quiet(world.pid("connector", "keys")))
    began = time.time()
    await loop.run_in_executor(None, lambda: world.assign(pkcs, group))
    return sorted(t - began for t in await installed(world, pkcs, len(simulated)))


async def flow(world, group, devices, tls):
    simulated, parked = await park(world, devices)
    report("parked_memory", parked, "KiB", tls)
    before = key_seconds()
    times = await delivery(world, group, simulated)
    one_key = (before + key_seconds()) / 2
    for s in simulated:
        await s.stop()
    report("install_p50", statistics.median(times), "s", one_key * len(times) / 2)
    report("install_p99", percentile(times, 0.99), "s", one_key * len(times) * 0.99)
    report("issue_rate", len(times) / times[-1], "1/s", 1 / one_key)


def start_to_ready(world):
    world.stop("service")
    began = time.monotonic()
    subprocess.run([program("chanceryd"), "service", "--config", world.conf_file("service"), "--check"], check=True)
    floor = time.monotonic() - began
    world.https.close()

    def ready():
        https = Https(world.host, world.ports["api"], world.context)
        try:
            return https.request("GET", "/readyz")[0] == 200
        finally:
            https.close()
    began = time.monotonic()
    world.start("service")
    wait_for(ready, 20, step=0.002)
    report("start_to_ready", 1000 * (time.monotonic() - began), "ms", 1000 * floor)


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * DEVICES + 256)), hard))
    with tempfile.TemporaryDirectory(prefix="chancery-bench-") as folder:
        world = World(folder, log="warn")
        try:
            world.setup()
            users, devices = enrol(world, DEVICES)
            quiet(world.pid("connector", "keys"))
            idle_memory(world)
            cert = os.path.join(folder, "simulated", devices[0].id + ".pem")
            tls = tls_memory(cert)
            asyncio.run(checkin_cost(world, devices))
            group = world.add_group("All", *users)
            asyncio.run(flow(world, group, devices, tls))
            start_to_ready(world)
        except Exception:
            for role in world.ROLES:
                with open(world.log_file(role), encoding="utf-8") as f:
                    print(f"== {role}\n{f.read()[-3000:]}", file=sys.stderr)
            raise
        finally:
            world.close()
    return 0


sys.exit(main())
