# SPDX-License-Identifier: Apache-2.0
"""Eighty simulated devices at once, from one process (bench/fleet): twenty of each platform, from codes to leaving."""

import json
import os
import signal
import subprocess
from collections import Counter

import pytest

import test_android
import test_apple
import test_windows
from fleet import Fleet
from tls_server import Handler, TlsServer
from world import BUILD, World, free_ports, wait_for

EACH = 20
PLATFORMS = ("linux", "android", "ios", "windows")
PROGRAM = os.path.join(BUILD, "bench/chancery-fleet")


class Apple(test_apple.Place):
    """Profiles for iPhones, without people of their own."""

    def __init__(self, world):  # pylint: disable=super-init-not-called
        self.world, self.number = world, 0


def profiles_of(world):
    """A root and a PKCS certificate for each platform, SCEP for three; how many certificates a device is due."""
    apple = Apple(world)
    root = world.add_root()
    android = test_android.add_root(world, "androidDeviceOwner", "Android root")
    windows = test_windows.add_root(world, "Windows CA", pem=world.issuing_pem, store="computerCertStoreIntermediate")
    return [root, world.add_pkcs(root), android,
            test_android.add_pkcs(world, "androidDeviceOwner", "Android PKCS", android),
            test_android.add_scep(world, "androidDeviceOwner", "Android SCEP", android),
            apple.root(), apple.pkcs(), apple.scep(),
            windows, test_windows.add_pkcs(world, "Windows PKCS"),
            test_windows.add_scep(world, windows, "Windows SCEP")]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    world = World(str(tmp_path_factory.mktemp("fleet"))).setup()
    found = Fleet(world, [(p, EACH) for p in PLATFORMS], "--open", "--poll", "300", "--seconds", "250",
                  users=8)
    try:
        yield found
    finally:
        found.close()
        world.close()


def test_every_device_enrols_with_its_code(fleet):
    done = fleet.do("enrol")
    assert done["enrolled"] == EACH * len(PLATFORMS) and not done["failed"], done
    listed = fleet.world.api("GET", "/beta/deviceManagement/managedDevices?$top=999")["value"]
    systems = Counter(d["operatingSystem"] for d in listed)
    assert set(systems.values()) == {EACH} and len(systems) == len(PLATFORMS), systems


def test_what_is_assigned_reaches_every_device_and_the_service_heard_so(fleet):
    profiles = profiles_of(fleet.world)
    for profile in profiles:
        fleet.world.assign(profile, fleet.group)
    done = fleet.do("live=1")
    assert done["whole"] and not done["failed"], done
    fleet.begin("live")
    wait_for(lambda: sum(s["state"] == "installed" for s in fleet.world.slots()) == len(profiles) * EACH, 100, 0.3)
    fleet.begin("")
    done = fleet.result()
    assert not done["failed"], done
    states = Counter((s["profileName"], s["state"]) for s in fleet.world.slots())
    assert set(states.values()) == {EACH} and {state for _, state in states} == {"installed"}, states
    assert done["certificates"] == EACH * 7


def test_a_device_with_everything_is_told_nothing(fleet):
    done = fleet.do("checkins=3")
    assert done["checkins"] == 3 * EACH * len(PLATFORMS) and not done["commands"] and not done["failed"], done


def test_who_leaves_leaves_nothing(fleet):
    done = fleet.do("leave")
    assert not done["failed"] and done["certificates"] == 0, done
    assert {s["state"] for s in fleet.world.slots()} == {"removed"}


def test_a_code_that_is_wrong_fails_its_device_alone_and_says_so(fleet, tmp_path):
    world = fleet.world
    devices = tmp_path / "devices"
    devices.write_text("# two\n\nlinux ABCDE-FGHJK-MNPQR-STVWX\n"
                       f"linux {world.code(fleet.users[0])}\nwindows ABCDE-FGHJK-MNPQR-STVWX nobody@contoso.example\n"
                       "ios ABCDE-FGHJK-MNPQR-STVWX\n", encoding="ascii")
    done = run(world, devices, "--parallel", "1", "enrol")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["enrolled"] == 1 and said["failed"] == 3
    assert any("enrolment-code" in f["detail"] for f in said["faults"]), said


def run(world, devices, *steps, trust=None):
    return subprocess.run([PROGRAM, "--url", world.device_url, "--trust", trust or world.root_file, "--devices",
                           str(devices), "--json", "--quiet", *steps], check=False, capture_output=True, text=True,
                          timeout=60)


def test_broken_off_it_says_how_far_it_got_and_goes_no_further(fleet, tmp_path):
    world = fleet.world
    devices = tmp_path / "devices"
    devices.write_text(f"linux {world.code(fleet.users[0])}\nandroid {world.code(fleet.users[0])}\n", encoding="ascii")
    # The slash at the end is one that people type.
    with subprocess.Popen([PROGRAM, "--url", world.device_url + "/", "--trust", world.root_file, "--devices",
                           str(devices), "--json", "--quiet", "enrol", "live", "leave"], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as proc:
        said = [json.loads(proc.stdout.readline())]
        assert said[0]["enrolled"] == 2 and not said[0]["brokenOff"]
        assert json.loads(proc.stdout.readline())["event"] == "waiting"
        with open(f"/proc/{proc.pid}/status", encoding="ascii", errors="replace") as f:
            ignored = int(next(line for line in f if line.startswith("SigIgn:")).split()[1], 16)
        assert ignored & 1 << signal.SIGPIPE - 1, "a service that goes away ends nobody who writes to it"
        proc.send_signal(signal.SIGINT)
        said = [json.loads(line) for line in proc.stdout]
        assert proc.wait(30) == 1
    assert [(s["step"], s["brokenOff"], s["whole"]) for s in said] == [("live", True, False)]
    assert said[0]["checkins"] >= 2 and not said[0]["failed"], said


@pytest.mark.parametrize("options,words", [
    (["--threads", "0"], "--threads is a number from 1 to 64"), (["--poll", "x"], "--poll is a number"),
    (["--url", "http://localhost:1"], "--url begins with https://"),
    (["--url", "https://localhost:1/apple"], "without a path"), (["--url", "https://"], "--url begins"),
])
def test_what_is_wrong_with_a_call_is_said_in_a_line(fleet, tmp_path, options, words):
    devices = tmp_path / "devices"
    devices.write_text("linux CODE\n", encoding="ascii")
    done = run(fleet.world, devices, *options, "enrol")
    assert done.returncode == 2 and not done.stdout and words in done.stderr and done.stderr.count("\n") == 1, done


@pytest.mark.parametrize("text,steps", [
    ("linux CODE\n", ["fly"]), ("linux CODE\n", ["checkins"]), ("linux CODE\n", ["live=x"]), ("linux CODE\n", []),
    ("beos CODE\n", ["enrol"]), ("windows CODE\n", ["enrol"]), ("linux\n", ["enrol"]), ("\n", ["enrol"]),
])
def test_a_wrong_call_does_nothing(fleet, tmp_path, text, steps):
    devices = tmp_path / "devices"
    devices.write_text(text, encoding="ascii")
    done = run(fleet.world, devices, *steps)
    assert done.returncode == 2 and not done.stdout and done.stderr, done


def test_a_service_that_the_fleet_does_not_trust_gets_no_code(fleet, tmp_path):
    devices = tmp_path / "devices"
    devices.write_text("linux ABCDE-FGHJK-MNPQR-STVWX\n", encoding="ascii")
    done = run(fleet.world, devices, "enrol", trust=os.path.join(fleet.world.dir, "identity.pem"))
    assert done.returncode == 1 and "certificate verify failed" in done.stdout, done


def test_a_scep_server_that_is_busy_is_asked_again_and_costs_no_certificate(fleet, tmp_path):
    came = []

    class Busy(Handler):
        def do_GET(self):
            came.append(self.path)
            self.reply(503, "text/plain", b"a moment")
    world, port = fleet.world, free_ports(1)[0]
    key, cert, trust, devices = (tmp_path / name for name in ("key.pem", "cert.pem", "trust.pem", "devices"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=busy", "-days", "9",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True,
                   capture_output=True)
    trust.write_text(world.root_pem + cert.read_text(), encoding="ascii")
    user = world.add_user("away@contoso.example", "away@contoso.example")
    group = world.add_group("Away", user)
    root = test_android.add_root(world, "androidDeviceOwner", "Root of the server that is away")
    profile = test_android.add_scep(world, "androidDeviceOwner", "By a server that is away", root,
                                    url=f"https://localhost:{port}/certsrv/mscep/mscep.dll")
    world.assign(root, group)
    world.assign(profile, group)
    devices.write_text(f"android {world.code(user)}\n", encoding="ascii")
    server = TlsServer(port, Busy, cert, key)
    try:
        done = run(world, devices, "enrol", "sync", trust=str(trust))
    finally:
        server.stop()
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and said[1]["failed"] == 1 and said[1]["faults"][0]["id"] == "busy", said
    assert len(came) == 5
    slot, = world.slots(profile=profile["id"])
    assert (slot["state"], slot["fault"]) == ("offered", "device-scep-unreachable"), slot
