# SPDX-License-Identifier: Apache-2.0
"""The units under a real systemd: a machine of its own in namespaces, over a throw-away copy of this one's files."""

import json
import os
import shutil
import subprocess

import pytest

from world import BUILD, ROOT, children

MACHINE = "/mnt/chancery"
# What would touch more than the machine, or is of no use in it.
MASKED = ["cron.service", "console-getty.service", "getty.target", "systemd-logind.service", "systemd-networkd.service",
          "systemd-timesyncd.service", "systemd-udev-trigger.service", "systemd-udevd.service",
          "systemd-udevd-control.socket", "systemd-udevd-kernel.socket"]
INSIDE = f"""[Unit]
Description=What is tried in this machine
Requires=basic.target
After=basic.target
[Service]
Type=oneshot
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStartPre=systemd-sysusers
ExecStartPre=systemd-tmpfiles --create chancery.conf
ExecStart=/usr/bin/python3 {MACHINE}/tests/flow/units_inside.py /var/lib/units.json
ExecStopPost=systemctl poweroff --no-block
"""

pytestmark = [pytest.mark.long,
              pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("systemd-nspawn"), reason="no systemd-nspawn")]


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more)


@pytest.fixture(name="tree", scope="module")
def a_tree(tmp_path_factory):
    """The files of this machine with our installation in them; what is changed is gone afterwards."""
    folder = str(tmp_path_factory.mktemp("units"))
    tree = os.path.join(folder, "tree")
    try:
        run("mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", folder)
        for name in ("upper", "work", "tree"):
            os.mkdir(os.path.join(folder, name))
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work", tree)
    except subprocess.CalledProcessError as e:
        pytest.skip(f"no file system can be laid over another here: {e.stderr.strip()}")
    try:
        run("/usr/bin/meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", tree)
        units = os.path.join(tree, "etc/systemd/system")
        for name in MASKED:
            path = os.path.join(units, name)
            if os.path.lexists(path):
                os.unlink(path)
            os.symlink("/dev/null", path)
        with open(os.path.join(units, "units-inside.service"), "w", encoding="ascii") as f:
            f.write(INSIDE)
        with open(os.path.join(tree, "etc/machine-id"), "w", encoding="ascii") as f:
            f.write(os.urandom(16).hex() + "\n")
        os.makedirs(os.path.join(tree, MACHINE[1:]), exist_ok=True)
        yield tree
    finally:
        subprocess.run(["umount", "-l", tree], check=False)
        subprocess.run(["umount", "-l", folder], check=False)


@pytest.fixture(name="seen", scope="module")
def what_was_seen(tree):
    command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe",
               # What keeps the machine in would keep our processes from keeping themselves in.
               "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self",
               "--link-journal=no", f"--bind-ro={ROOT}:{MACHINE}", "--directory", tree, "--boot", "--",
               "--unit=units-inside.service"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}) as machine:
        try:
            said = machine.communicate(timeout=280)[0]
        except subprocess.TimeoutExpired:
            for pid in children(machine.pid).values():
                os.kill(pid, 9)  # the first process of the machine: all others go with it
            machine.kill()
            said = machine.communicate()[0]
    path = os.path.join(tree, "var/lib/units.json")
    assert os.path.exists(path), said[-3000:]
    with open(path, encoding="utf-8") as f:
        return json.load(f)


@pytest.mark.seconds(300)
@pytest.mark.parametrize("step", ["whole", "networks", "who", "restarts", "refusals"])
def test_the_units_run_under_systemd(seen, step):
    assert seen.get(step) == "ok", seen.get(step, "it was not reached")
