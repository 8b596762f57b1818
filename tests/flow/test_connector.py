# SPDX-License-Identifier: Apache-2.0
"""How much a connector does at once: what its configuration says, else what the machine has."""

import os
import re
import subprocess
import tempfile

import pytest

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
    assert took(cores) == (max(4, min(16, 2 * len(cores))), len(cores))


def test_what_the_configuration_says_is_taken():
    assert took(CORES, "[connector]\njobs=3\n[keys]\nthreads=5\n") == (3, 5)
