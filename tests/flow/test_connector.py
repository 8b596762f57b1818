# SPDX-License-Identifier: Apache-2.0
"""How much a connector does at once: what its configuration says, else what the machine has."""

import json
import os
import re
import signal
import subprocess
import tempfile
import types

import pytest

from connectors import Connector
from world import program, wait_for

CORES = sorted(os.sched_getaffinity(0))


def took(cores, settings=""):
    """(jobs, threads) that a connector on these cores says it works with."""
    with tempfile.TemporaryDirectory() as folder:
        conf, log = os.path.join(folder, "connector.conf"), os.path.join(folder, "log")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"[files]\nrun_dir={folder}/run\nstate_dir={folder}/state\n{settings}")

        def said(name):
            with open(log, encoding="utf-8") as f:
                return re.search(rf"\b{name}=\"?(\d+)", f.read())
        command = ["taskset", "--cpu-list", ",".join(map(str, cores)),
                   program("chanceryd"), "connector", "--config", conf]
        with open(log, "w", encoding="utf-8") as out, \
                subprocess.Popen(command, stdout=out, stderr=out) as connector:
            try:
                wait_for(lambda: said("jobs") and said("threads"))
            finally:
                connector.terminate()
        return int(said("jobs").group(1)), int(said("threads").group(1))


@pytest.mark.parametrize("cores", [CORES[:1], CORES], ids=["one core", "all cores"])
def test_what_is_not_said_comes_from_the_cores_that_it_may_use(cores):
    assert took(cores) == (max(8, min(16, 4 * len(cores))), len(cores))


def test_what_the_configuration_says_is_taken():
    assert took(CORES, "[connector]\njobs=3\n[keys]\nthreads=5\n") == (3, 5)


@pytest.mark.parametrize("sizes", ["1024", "2048,2500", "many", "2048,3072,4096,4096"])
def test_sizes_of_keys_that_are_not_made_stop_the_start(sizes, tmp_path):
    conf = tmp_path / "connector.conf"
    conf.write_text(f"[files]\nrun_dir={tmp_path}/run\nstate_dir={tmp_path}/state\n[keys]\nsizes={sizes}\n")
    call = [program("chanceryd"), "connector", "--config", str(conf), "--check"]
    done = subprocess.run(call, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "[keys] sizes: 2048, 3072 or 4096" in done.stderr


def test_a_connector_tells_how_many_keys_are_ready_before_it_is_joined(tmp_path):
    world = types.SimpleNamespace(dir=str(tmp_path))
    connector = Connector(world, "alone", "[keys]\npool=3\nsizes=2048,3072\n").start()
    try:
        def ready():
            keys = connector.show().get("keys", [])
            return len(keys) == 2 and all(k["ready"] == 3 for k in keys) and keys
        keys = wait_for(ready, 60, 0.2)
        assert [k["bits"] for k in keys] == [2048, 3072]
        assert all(k["room"] == 3 and k["taken"] == k["waited"] == k["wait_ms"] == 0 for k in keys)

        def told(*args):
            call = [program("chancery"), "connector", *args, "--socket", connector.socket]
            return subprocess.run(call, check=True, capture_output=True, text=True).stdout
        assert re.search(r"KEYS +READY +OF", told("show"))
        text = told("metrics")
        for line in ('chancery_connector_keys_ready{bits="2048"} 3', 'chancery_connector_keys_room{bits="3072"} 3',
                     'chancery_connector_keys_taken_total{bits="2048"} 0', "chancery_connector_jobs_total 0",
                     "# TYPE chancery_connector_keys_waited_total counter"):
            assert line in text.splitlines()
        assert json.loads(told("metrics", "--json"))["text"] == text
        # What connector/keys would say is not worth waiting for what else there is to say.
        os.kill(connector.pids()["keys"], signal.SIGKILL)
        assert "chancery_connector_jobs_total 0" in told("metrics").splitlines()
    finally:
        connector.stop()
