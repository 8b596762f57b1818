#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""OCSP over HTTP, of a whole CA: answers per second on connections that are kept alive, each figure against its floor
in the same run, in turns.

    get    answers that are there already (GET, no nonce)     floor: nginx serves a file of the same size
    nonce  each signed anew (POST, a fresh nonce each)        floor: openssl speed signs with such a key on all cores

The load shares the machine, so the processor time that the servers took for an answer stands beside: cpu_us, and that
of the floor, cpu_floor_us. Needs nginx and wrk. Environment: CHANCERY_BUILD, BENCH_SECONDS (2), BENCH_TURNS (3).
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from bench_issue import Authority, free_port

SECONDS = os.environ.get("BENCH_SECONDS", "2")
TURNS = int(os.environ.get("BENCH_TURNS", "3"))
CERTS = 64
TICKS = os.sysconf("SC_CLK_TCK")
MARK = bytes(range(1, 33))

GET = """
local paths = {%s}
local i = 0
request = function()
	i = i %% #paths + 1
	return wrk.format("GET", paths[i])
end
"""

# A nonce of 32 random bytes in the place of the mark.
POST = """
math.randomseed(os.time())
local head, tail = "%s", "%s"
local fields = {["Content-Type"] = "application/ocsp-request"}
request = function()
	local nonce = {}
	for i = 1, 32 do nonce[i] = string.char(math.random(0, 255)) end
	return wrk.format("POST", "/ocsp", fields, head .. table.concat(nonce) .. tail)
end
"""

NGINX = """
worker_processes 2; daemon off; pid %(dir)s/nginx.pid; error_log %(dir)s/error.log;
events { worker_connections 256; }
http {
	access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
	client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2; fastcgi_temp_path %(dir)s/t3;
	uwsgi_temp_path %(dir)s/t4; scgi_temp_path %(dir)s/t5;
	server { listen 127.0.0.1:%(port)d; root %(dir)s/www; default_type application/ocsp-response; }
}
"""


def children(pid):
    """The processes below one, itself included."""
    found = [pid]
    for one in found:
        with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as f:
            found += [int(c) for c in f.read().split()]
    return found


def cpu(pid):
    """Seconds of processor time of a process and of those below it."""
    total = 0
    for one in children(pid):
        with open(f"/proc/{one}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def wrk(url, script):
    done = subprocess.run(["wrk", "-t1", "-c16", f"-d{SECONDS}s", "-s", script, url], check=False, capture_output=True,
                          text=True)
    count = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    if done.returncode != 0 or count is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(f"wrk: {done.stdout}{done.stderr}")
    return int(count.group(1)), float(count.group(2))


def bare_signing(alg, *more):
    """Signatures per second of the openssl command with a key of the kind."""
    name, line = {"p256": ("ecdsap256", r"ecdsa \(nistp256\)"), "rsa": ("rsa2048", r"rsa 2048 bits")}[alg]
    done = subprocess.run(["openssl", "speed", "-seconds", SECONDS, *more, name], check=True, capture_output=True,
                          text=True)
    return float(re.search(line + r"\s+[\d.]+s\s+[\d.]+s\s+([\d.]+)", done.stdout).group(1))


class Turns:
    """One kind of load, added up over the turns."""

    def __init__(self, pid, url, script):
        self.pid, self.url, self.script = pid, url, script
        self.count = self.seconds = self.cpu = 0

    def turn(self):
        before = cpu(self.pid)
        count, seconds = wrk(self.url, self.script)
        self.cpu += cpu(self.pid) - before
        self.count += count
        self.seconds += seconds

    @property
    def rate(self):
        return self.count / self.seconds

    @property
    def cpu_us(self):
        return self.cpu / self.count * 1e6


def lua(data):
    return "".join(f"\\{b:03d}" for b in data)


def certificates(ca):
    """Certificates of the issuing CA, as many principals, and the CA's own."""
    issuer, leaves = None, []
    for n in range(CERTS):
        said = ca.cli("principal", "add", f"p{n}", "--csr", ca.path("csr.pem"), "--json").replace("\\n", "\n")
        pems = dict.fromkeys(re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", said, re.S))
        found = [x509.load_pem_x509_certificate(p.encode()) for p in pems]
        leaves.append(found[0])
        issuer = next(c for c in found[1:] if c.subject == found[0].issuer)
    return leaves, issuer


def asked(cert, issuer, nonce=None):
    builder = ocsp.OCSPRequestBuilder().add_certificate(cert, issuer, hashes.SHA1())
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), False)
    return builder.build().public_bytes(serialization.Encoding.DER)


def scripts(ca):
    leaves, issuer = certificates(ca)
    paths = ["/ocsp/" + urllib.parse.quote(base64.b64encode(asked(c, issuer)).decode(), safe="") for c in leaves]
    with open(ca.path("get.lua"), "w", encoding="ascii") as f:
        f.write(GET % ", ".join(f'"{p}"' for p in paths))
    head, tail = asked(leaves[0], issuer, MARK).split(MARK)
    with open(ca.path("post.lua"), "w", encoding="ascii") as f:
        f.write(POST % (lua(head), lua(tail)))
    return paths[0]


def start_nginx(folder, body):
    port = free_port()
    os.mkdir(os.path.join(folder, "www"))
    with open(os.path.join(folder, "www", "file"), "wb") as f:
        f.write(body)
    os.chmod(folder, 0o755)
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="ascii") as f:
        f.write(("user root;" if os.geteuid() == 0 else "") + NGINX % {"dir": folder, "port": port})
    with open(os.path.join(folder, "file.lua"), "w", encoding="ascii") as f:
        f.write(GET % '"/file"')
    return subprocess.Popen(["nginx", "-p", folder, "-c", os.path.join(folder, "nginx.conf")]), port


def reachable(port):
    return subprocess.run(["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{port}/file"],
                          check=False).returncode == 0


def measure(ca, alg, folder):
    url = f"http://127.0.0.1:{ca.http}"
    path = scripts(ca)
    body = subprocess.run(["curl", "-sf", url + path], check=True, capture_output=True).stdout
    nginx, port = start_nginx(folder, body)
    try:
        ca.wait(lambda: reachable(port))
        get = Turns(ca.proc.pid, url, ca.path("get.lua"))
        nonce = Turns(ca.proc.pid, url, ca.path("post.lua"))
        static = Turns(nginx.pid, f"http://127.0.0.1:{port}", os.path.join(folder, "file.lua"))
        signatures = 0
        for _ in range(TURNS):
            for one in (static, get, nonce):
                one.turn()
            signatures += bare_signing(alg, "-elapsed", "-multi", str(os.cpu_count())) / TURNS
        signing_cpu = 1e6 / bare_signing(alg)  # by its processor time
    finally:
        nginx.terminate()
        nginx.wait(20)
    print(f"bench ocsp_http_get_{alg} ours={get.rate:.0f} answers/s floor={static.rate:.0f} "
          f"ratio={get.rate / static.rate:.2f} cpu_us={get.cpu_us:.1f} cpu_floor_us={static.cpu_us:.1f} "
          f"bytes={len(body)}", flush=True)
    print(f"bench ocsp_http_nonce_{alg} ours={nonce.rate:.0f} answers/s floor={signatures:.0f} "
          f"ratio={nonce.rate / signatures:.2f} cpu_us={nonce.cpu_us:.1f} cpu_floor_us={signing_cpu:.1f}", flush=True)


def main():
    for tool in ("nginx", "wrk"):
        if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin") is None:
            sys.exit(f"{tool} is missing: tools/install-packages test")
    os.environ["PATH"] += ":/usr/sbin"
    for alg in ("p256", "rsa"):
        folder, static = tempfile.mkdtemp(prefix="chancery-bench-"), tempfile.mkdtemp(prefix="chancery-bench-")
        ca = Authority(folder, alg)
        try:
            measure(ca, alg, static)
        finally:
            ca.stop()
            shutil.rmtree(folder)
            shutil.rmtree(static)


if __name__ == "__main__":
    main()
