#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Certificates per second of a whole CA: durable, journalled, asked for over WSTEP and over EST on TLS connections that
are kept alive, with a P-256 and with an RSA-2048 CA key.

The floor is what the same cores sign of one prepared certificate, in the same run, with nothing around it. Where other
work shares the cores the rates say little, so a second line says what each process takes of a core for one certificate,
and how many certificates a second two cores that do nothing else have room for at that.
Environment: CHANCERY_BUILD, BENCH_SECONDS (4), BENCH_THREADS (32).
"""

import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ["CHANCERY_BUILD"]
SECONDS = os.environ.get("BENCH_SECONDS", "4")
THREADS = os.environ.get("BENCH_THREADS", "32")
CHANCERYD = os.path.join(BUILD, "src/daemon/chanceryd")
CHANCERY = os.path.join(BUILD, "src/cli/chancery")
LOAD = os.path.join(BUILD, "bench/load_issue")
TEMPLATE = "BenchServer"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Authority:
    """A CA of its own in a folder."""

    def __init__(self, folder, alg):
        self.folder = folder
        self.port = free_port()
        self.http = http = free_port()
        conf = os.path.join(folder, "ca.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"[files]\nrun_dir={folder}/run\nstate_dir={folder}/state\n[ca]\n"
                    f"listen=127.0.0.1:{self.port}\nurl=https://127.0.0.1:{self.port}\n"
                    f"listen_http=127.0.0.1:{http}\n[log]\nlevel=warn\n")
        self.proc = subprocess.Popen([CHANCERYD, "ca", "--config", conf])
        atexit.register(self.proc.kill)  # also when what follows fails
        self.wait(lambda: os.path.exists(f"{folder}/run/admin.sock"))
        self.cli("ca", "init", "--name", "Bench", "--host", "127.0.0.1", "--http-url", f"http://127.0.0.1:{http}",
                 "--key-alg", alg)
        with open(self.path("root.pem"), "w", encoding="utf-8") as f:
            f.write(self.cli("ca", "export-root"))
        subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=bench", "-keyout", self.path("key.pem"), "-out", self.path("csr.pem")],
                       check=True, capture_output=True)
        self.add_principal()
        self.wait(self.reachable)

    def path(self, name):
        return os.path.join(self.folder, name)

    def cli(self, *args):
        done = subprocess.run([CHANCERY, *args, "--socket", f"{self.folder}/run/admin.sock"], check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"chancery {' '.join(args)}: {done.stderr}")
        return done.stdout

    def add_principal(self):
        said = self.cli("principal", "add", "bench", "--csr", self.path("csr.pem"), "--json")
        pems = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", said.replace("\\n", "\n"), re.S)
        with open(self.path("cert.pem"), "w", encoding="utf-8") as f:
            f.write("\n".join(dict.fromkeys(pems)) + "\n")
        self.cli("ca", "grant", "bench", "request")
        self.cli("template", "duplicate", "WebServer", TEMPLATE)
        self.cli("template", "grant", TEMPLATE, "bench", "read,enrol")

    def reachable(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    @staticmethod
    def wait(ready):
        until = time.monotonic() + 60
        while not ready():
            if time.monotonic() > until:
                sys.exit("the CA does not come up")
            time.sleep(0.05)

    def children(self):
        """The processes of the role, by name: those whose parent is ours."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                    name = f.read().strip()
            except OSError:
                continue
            if parent == self.proc.pid:
                found[name] = pid
        return found

    def processor(self):
        """Seconds of processor that each process took so far."""
        took = {}
        for name, pid in self.children().items():
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            took[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return took

    def issued(self):
        return int(json.loads(self.cli("cert", "count", "--json"))["count"])

    def load(self, protocol):
        url = f"https://127.0.0.1:{self.port}/" + (
            f".well-known/est/{TEMPLATE}/simpleenroll" if protocol == "est"
            else "Bench%20Issuing%20CA_CES_Certificate/service.svc/CES")
        before, count = self.processor(), self.issued()
        rate, client = number([LOAD, protocol, url, self.path("root.pem"), self.path("cert.pem"), self.path("key.pem"),
                               TEMPLATE, SECONDS, THREADS])
        after, count = self.processor(), self.issued() - count
        us = {name: (after[name] - before[name]) * 1e6 / count for name in sorted(after)}
        us["client"] = client
        return rate, us

    def stop(self):
        self.proc.terminate()
        self.proc.wait(20)


def number(command):
    """What the load says: a rate, and microseconds of processor for each."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return float(done.stdout), float(done.stderr)


def main():
    for alg in ("p256", "rsa"):
        folder = tempfile.mkdtemp(prefix="chancery-bench-")
        ca = Authority(folder, alg)
        try:
            floor, signature = number([LOAD, "floor", alg, SECONDS, str(os.cpu_count())])
            for protocol in ("wstep", "est"):
                ours, us = ca.load(protocol)
                name = f"issue_{protocol}_{alg}"
                print(f"bench {name} ours={ours:.0f} certificates/s floor={floor:.0f} ratio={ours / floor:.2f}")
                print(f"cpu   {name} " + " ".join(f"{k}={v:.0f}" for k, v in us.items()) +
                      f" signature={signature:.0f} us/certificate room={2e6 / sum(us.values()):.0f} certificates/s",
                      flush=True)
        finally:
            ca.stop()
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
