#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Idle check-ins a second and core, beside nginx that serves a file of the same size over the same kind of connection.

Devices with ten profiles each (a trusted root and nine certificates) that have all they should have ask again and
again, each over a connection of its own that is kept alive and shows the device's certificate. The floor is nginx with
a certificate that is asked for likewise, which gets the same bytes and answers with a file as long as our answer. Both
are counted by the processor time that the serving processes take, so other work on the machine changes little.

    idle_checkins  a second and core. Aim: a third of nginx.
    idle_cpu_*     microseconds of one process for one check-in.

Environment: CHANCERY_BUILD, BENCH_SECONDS (4), BENCH_CONNECTIONS (8).
"""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/flow"))

from clients import Device, rsa_key  # noqa: E402
from world import World, children, cpu_ticks, free_ports, wait_for  # noqa: E402

SECONDS = os.environ.get("BENCH_SECONDS", "4")
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "8"))
LOAD = os.path.join(os.environ["CHANCERY_BUILD"], "bench/load_http")
PROFILES = 10
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")

NGINX = """daemon off; pid {dir}/nginx.pid; worker_processes 1; error_log stderr; user root;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
  uwsgi_temp_path {dir}; scgi_temp_path {dir};
  sendfile on; tcp_nodelay on; open_file_cache max=16;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {dir}/tls.pem; ssl_certificate_key {dir}/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_client_certificate {identity}; ssl_verify_client on; ssl_verify_depth 3;
    location / {{ root {dir}/html; }}
  }}
}}
"""


def body_of(device):
    return json.dumps({"protocol": 1, "facts": device.facts(), "wait": 0, "results": [],
                       "inventory": list(device.inventory.values())}).encode()


def settled_devices(world):
    user = world.add_user("load@contoso.example", "load@contoso.example")
    group = world.add_group("Load", user)
    root = world.add_root()
    profiles = [root] + [world.add_pkcs(root, displayName=f"Profile {i}") for i in range(1, PROFILES)]
    for p in profiles:
        world.assign(p, group)
    key = rsa_key()
    devices = [Device(world, world.code(user=user), key, f"load-{i}") for i in range(CONNECTIONS)]
    for d in devices:
        d.settle(120, until=lambda d=d: len(d.inventory) == PROFILES)
        d.checkin()
    return devices


def load(method, url, trust, devices):
    """One load a device, all at once: the requests a second of all."""
    started = []
    for d in devices:
        pem = os.path.join(d.world.dir, "simulated", d.id + ".pem")
        body = os.path.join(d.world.dir, "simulated", d.id + ".body")
        with open(body, "wb") as f:
            f.write(body_of(d))
        started.append(subprocess.Popen([LOAD, method, url, trust, pem, pem, body, SECONDS, "1"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    said = [(p, *p.communicate()) for p in started]
    for p, _, err in said:
        if p.returncode != 0:
            raise RuntimeError(err)
    return sum(float(out) for _, out, _ in said)


def counted(method, url, trust, devices, pids):
    """Microseconds of each process for one request. Warming up is in both terms."""
    before = {name: cpu_ticks(pid) for name, pid in pids.items()}
    rate = load(method, url, trust, devices)
    requests = rate * (float(SECONDS) + 0.3)
    return rate, {name: (cpu_ticks(pid) - before[name]) * TICK_US / requests for name, pid in pids.items()}


def nginx(world, devices, answer):
    """What nginx takes for the same."""
    port, = free_ports(1)
    os.makedirs(f"{world.dir}/html", exist_ok=True)
    with open(f"{world.dir}/html/checkin", "wb") as f:
        f.write(answer)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=127.0.0.1", "-keyout", f"{world.dir}/tls.key", "-out", f"{world.dir}/tls.pem"],
                   check=True, capture_output=True)
    with open(f"{world.dir}/both.pem", "w", encoding="ascii") as f:
        f.write(world.identity_pem + "\n" + world.root_pem)
    with open(f"{world.dir}/nginx.conf", "w", encoding="ascii") as f:
        f.write(NGINX.format(dir=world.dir, port=port, identity=f"{world.dir}/both.pem"))
    proc = subprocess.Popen(["/usr/sbin/nginx", "-c", f"{world.dir}/nginx.conf"], stderr=subprocess.PIPE)
    try:
        worker = wait_for(lambda: children(proc.pid))
        return counted("GET", f"https://127.0.0.1:{port}/checkin", f"{world.dir}/tls.pem", devices,
                       {"worker": next(iter(worker.values()))})
    finally:
        proc.terminate()
        proc.wait(20)


def main():
    with tempfile.TemporaryDirectory(prefix="chancery-bench-") as folder:
        os.chmod(folder, 0o755)
        world = World(folder, log="warn")
        try:
            world.setup()
            devices = settled_devices(world)
            answer = json.dumps({"commands": [], "next_poll_seconds": 3600}, separators=(",", ":")).encode()
            pids = {n: p for n, p in world.pids("service").items() if n in ("front", "keys")}
            rate, us = counted("POST", f"https://127.0.0.1:{world.ports['device']}/agent/v1/checkin",
                               f"{world.dir}/root.pem", devices, pids)
            their_rate, theirs = nginx(world, devices, answer)
            for name in sorted(us):
                print(f"bench idle_cpu_{name} ours={us[name]:.1f} us floor={theirs['worker']:.1f} "
                      f"ratio={us[name] / theirs['worker']:.2f}")
            ours, floor = 1e6 / sum(us.values()), 1e6 / theirs["worker"]
            print(f"bench idle_checkins ours={ours:.0f} 1/s floor={floor:.0f} ratio={ours / floor:.3f}")
            print(f"wall  idle_checkins ours={rate:.0f} 1/s nginx={their_rate:.0f} 1/s", flush=True)
        finally:
            world.close()
    return 0


sys.exit(main())
