# SPDX-License-Identifier: Apache-2.0
"""What is installed is where doc/operations.md says, and works from there."""

import glob
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from world import BUILD, ROOT, free_ports, program, wait_for

MESON = "/usr/bin/meson"
UNITS = ["ca", "service", "connector", "agent"]
PROGRAMS = {"chanceryd": "sbin", "chancery": "bin", "chancery-agent": "bin"}


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The tree below the prefix, after an installation of this build into a folder of the test."""
    destination = tmp_path_factory.mktemp("installed")
    run(MESON, "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", str(destination))
    options = run(MESON, "introspect", "--buildoptions", BUILD)
    return str(destination) + re.search(r'"name": "prefix", "value": "([^"]*)"', options).group(1)


@pytest.mark.parametrize("name", PROGRAMS)
def test_installed_programs_print_their_version(prefix, name):
    version = re.search(r"version: '([^']*)'",
                        open(os.path.join(ROOT, "meson.build"), encoding="utf-8").read()).group(1)
    assert run(os.path.join(prefix, PROGRAMS[name], name), "--version") == f"{name} {version}\n"


def test_every_place_of_the_table_is_there_and_no_other(prefix):
    with open(os.path.join(ROOT, "doc/operations.md"), encoding="utf-8") as f:
        table = re.search(r"\| what \| where, below the prefix \|\n\|---\|---\|\n((?:\|.*\n)+)", f.read()).group(1)
    places = [p for row in table.splitlines() for p in re.findall(r"`([^`]*)`", row.split("|")[2])]
    found = [os.path.relpath(p, prefix) for p in glob.glob(prefix + "/**", recursive=True) if os.path.isfile(p)]
    for place in places:
        assert any(f.startswith(place) for f in found), place
    assert not [f for f in found if not any(f.startswith(p) for p in places)]


@pytest.mark.parametrize("unit", UNITS)
def test_units_start_the_installed_program_with_the_configuration_of_the_manual(prefix, unit):
    with open(os.path.join(prefix, f"lib/systemd/system/chancery-{unit}.service"), encoding="utf-8") as f:
        text = f.read()
    start = re.search(r"^ExecStart=(\S+) (\S+) --config (\S+)$", text, re.M)
    assert os.path.exists(os.path.join(prefix, *start.group(1).split("/")[-2:]))
    assert start.group(2) == ("run" if unit == "agent" else unit)
    assert start.group(3) == f"/etc/chancery/{unit}.conf"
    assert "@" not in re.sub(r"@system-service", "", text)


@pytest.mark.parametrize("unit", UNITS)
def test_units_pass_the_eyes_of_systemd(prefix, unit, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here")
    path = os.path.join(prefix, f"lib/systemd/system/chancery-{unit}.service")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    # It wants the program to be at its place on this machine.
    bound = tmp_path / f"chancery-{unit}.service"
    bound.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(bound)], check=False, capture_output=True,
                          text=True)
    said = [x for x in (done.stdout + done.stderr).splitlines() if bound.name in x]
    assert done.returncode == 0 and not said, said


def test_each_role_has_a_user_that_its_unit_runs_as(prefix):
    with open(os.path.join(prefix, "lib/sysusers.d/chancery.conf"), encoding="utf-8") as f:
        users = re.findall(r"^u (\S+)", f.read(), re.M)
    named = []
    for unit in UNITS[:3]:
        with open(os.path.join(prefix, f"lib/systemd/system/chancery-{unit}.service"), encoding="utf-8") as f:
            named += re.findall(r"^User=(.*)$", f.read(), re.M)
    assert sorted(users) == sorted(named)


@pytest.mark.parametrize("name", UNITS)
def test_sample_configurations_are_what_the_program_prints(prefix, name):
    with open(os.path.join(prefix, f"share/doc/chancery/{name}.conf.sample"), encoding="utf-8") as f:
        sample = f.read()
    command = [os.path.join(prefix, "bin/chancery-agent"), "sample"] if name == "agent" else \
        [os.path.join(prefix, "sbin/chanceryd"), name, "--sample"]
    assert sample == run(*command)


def test_manual_pages_render_without_a_warning(prefix):
    pages = sorted(glob.glob(prefix + "/share/man/man*/*"))
    assert len(pages) == 3
    for page in pages:
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], check=False, capture_output=True,
                              text=True)
        assert done.stdout + done.stderr == "", page


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_root_and_the_roles_own_user_may_ask_a_process_without_network_and_nobody_else():
    """As the units run it: not as root."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        ask_the_issuer(folder)


def ask_the_issuer(folder):
    https, http = free_ports(2)
    conf = os.path.join(folder, "ca.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"""[files]
run_dir={folder}/run
state_dir={folder}/state
[ca]
listen=127.0.0.1:{https}
url=https://localhost:{https}
listen_http=127.0.0.1:{http}
""")
    os.chown(folder, 998, 998)
    os.chmod(folder, 0o755)

    def as_user(number, *command):
        return ["setpriv", "--reuid", str(number), "--regid", str(number), "--clear-groups", *command]
    ask = [program("chancery"), "template", "list", "--socket", f"{folder}/run/admin.sock"]
    with subprocess.Popen(as_user(998, program("chanceryd"), "ca", "--config", conf),
                          stderr=subprocess.DEVNULL) as ca:
        try:
            wait_for(lambda: subprocess.run(as_user(998, *ask), check=False, capture_output=True).returncode == 0)
            assert subprocess.run(ask, check=False, capture_output=True).returncode == 0
            assert subprocess.run(as_user(997, *ask), check=False, capture_output=True).returncode == 3
        finally:
            ca.terminate()
