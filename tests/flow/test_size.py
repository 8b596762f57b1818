# SPDX-License-Identifier: Apache-2.0
"""How little it takes: memory of an idle service and of a device that waits, and the time to be ready.

Sizes are limits; times are printed and only bounded generously, for machines that do other things as well.
"""

import json
import os
import socket
import time

import pytest

from clients import Device, rsa_key
from world import rss_kib, wait_for

IDLE_KIB = 64 * 1024
PARKED_KIB = 64
DEVICES = 200


def processes(world, role):
    return {**world.pids(role), "parent": world.procs[role].pid}


def total(world, role):
    return sum(rss_kib(pid) for pid in processes(world, role).values())


@pytest.mark.parametrize("role", ["service", "ca", "connector"])
def test_an_idle_role_takes_less_than_64_mib_with_all_its_processes(world, role):
    # What is made at the start (key pairs ahead of their use) is done when nothing changes any more.
    sizes = {name: rss_kib(pid) for name, pid in processes(world, role).items()}
    print(f"{role}: " + ", ".join(f"{name} {size} KiB" for name, size in sizes.items()))
    assert 0 < sum(sizes.values()) < IDLE_KIB, sizes


def parked(device):
    """A connection on which a check-in waits, as an agent leaves it: nothing is read until something is due."""
    raw = socket.create_connection(("127.0.0.1", device.world.ports["device"]), 60)
    tls = device.context.wrap_socket(raw, server_hostname=device.world.host)
    body = json.dumps({"protocol": 1, "facts": device.facts(), "inventory": [], "results": [], "wait": 55}).encode()
    tls.sendall(b"POST /agent/v1/checkin HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (device.world.host.encode(), device.world.ports["device"], len(body),
                                                    body))
    return tls


def test_a_device_that_waits_takes_less_than_64_kib(world):
    key = rsa_key()
    devices = [Device(world, world.code(), key=key, name=f"parked-{i}") for i in range(DEVICES)]
    front = world.pid("service", "front")
    # Whatever is made once and kept is there before the measurement begins.
    for connection in [parked(d) for d in devices[:20]]:
        connection.close()
    for d in devices:
        d.https.close()
    time.sleep(0.5)
    before = rss_kib(front)
    held = [parked(d) for d in devices]
    time.sleep(1.5)
    waiting = 0
    for connection in held:
        connection.setblocking(False)
        try:
            assert connection.recv(1) == b"parked", "answered at once, or closed"
        except OSError:
            waiting += 1
    after = rss_kib(front)
    each = (after - before) / DEVICES
    print(f"front: {before} KiB, with {DEVICES} parked devices {after} KiB: {each:.1f} KiB each")
    assert waiting == DEVICES
    assert each < PARKED_KIB
    assert total(world, "service") < IDLE_KIB
    for connection in held:
        connection.close()


def test_a_service_is_ready_soon_after_its_start(world):
    times = []
    for _ in range(3):
        world.stop("service")
        world.https.close()
        begin = time.monotonic()
        world.start("service")
        wait_for(lambda: world.raw("GET", "/readyz", token=None)[0] == 200, 15, 0.005)
        times.append(time.monotonic() - begin)
    print("start to ready: " + ", ".join(f"{t:.2f} s" for t in times) + f", {os.cpu_count()} processors")
    assert min(times) < 30
