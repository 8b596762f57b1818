# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every process at its steps, while a device gets its certificate and while it loses it.

A step is a write to a file, a sync, a rename, a link, an unlink, or a message that is sent (kill/kill.c counts them and
ends the process at the one that is asked for). Children are started again by their parent; parents and agents are started
again here, as an init system would. Whatever was ended where: the device holds exactly one certificate that is valid at
the CA, key and certificate are a pair, everything else that was signed for it is revoked, and no half-written file stays.

The short form ends each process at some steps, spread over the job. CHANCERY_LONG=1 ends each at its first, second, third
... step until the job runs through (`make check-kill`).
"""

import os
import struct
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import serialization

from conftest import opened
from killing import KINDS, Control, environment, library
from world import Agent, ApiError, Timeout, program, wait_for

PROCESSES = {"ca": ("front", "issuer"), "service": ("front", "keys"), "connector": ("link", "keys"),
             "agent": ("chancery-agent",)}
# Role, whose steps are counted, kind of step, who is ended. A kind that is absent here is one that the process has none of:
# ca/front, both key holders and the link write no file while they work.
SWEEPS = [
    ("service", "front", "files", "self"), ("ca", "issuer", "files", "self"),
    ("agent", "chancery-agent", "files", "self"), ("agent", "chancery-agent", "messages", "self"),
    ("service", "front", "messages", "self"), ("service", "keys", "messages", "self"),
    ("ca", "front", "messages", "self"), ("ca", "issuer", "messages", "self"),
    ("connector", "link", "messages", "self"), ("connector", "keys", "messages", "self"),
    ("service", "front", "files", "parent"), ("ca", "issuer", "files", "parent"),
    ("connector", "link", "messages", "parent"),
]
# Places in the short form, as parts of the job. Different ones for each sweep, so that they are not all the same moment.
PLACES = {"files": (0.07, 0.3, 0.52, 0.74, 0.95), "messages": (0.2, 0.55, 0.9)}
PATIENCE = 60


class Lab:
    """An installation whose processes can be ended at a step."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        made = library(folder)
        self.controls, env = {}, {}
        for role, names in PROCESSES.items():
            path = folder / f"control-{role}"
            self.controls[role] = Control(path, names)
            env[role] = environment(made, path)
        # A lease is short, so that work that was lost comes back soon.
        self.world = opened(folder / "world", lease=5, env=env)
        w = self.world
        self.group = w.add_group("Wi-Fi")
        self.root = w.add_root()
        self.pkcs = w.add_pkcs(self.root)
        w.assign(self.root, self.group)
        w.assign(self.pkcs, self.group)
        self.number = 0
        # Where a run has got to, for the message of a failure.
        self.place = ""
        self.aimed = None

    def close(self):
        for c in self.controls.values():
            c.clear()
        self.world.close()

    # Ending and starting again

    def aim(self, role, name, kind, step, whom):
        control = self.controls[role]
        control.aim(name, kind, step, hold=whom == "parent")
        self.aimed = (role, control, whom == "parent")

    def tend(self, agent):
        """What an init system does, and the end of a parent when its time has come."""
        if self.aimed is not None and self.aimed[2] and self.aimed[1].hit:
            role, control, _ = self.aimed
            what = control.map[8:72]
            self.world.kill(role, "parent")
            control.clear()
            control.map[4:72] = struct.pack("<I", 1) + what
            self.aimed = (role, control, False)
        for role, proc in list(self.world.procs.items()):
            if proc.poll() is not None:
                self.world.start(role)
        if agent.proc is not None and agent.proc.poll() is not None:
            agent.start()

    def until(self, agent, reached, why):
        def turn():
            self.tend(agent)
            return reached()
        return wait_for(turn, PATIENCE, 0.02, why)

    def refresh(self, role):
        """An orderly restart: a parent that has seen its children die too often lets them wait for seconds."""
        if role in self.world.ROLES:
            self.world.stop(role)
            self.world.start(role)
        self.world.https.close()
        wait_for(lambda: self.world.raw("GET", "/readyz", token=None)[0] == 200 and
                 all(len(self.world.pids(r)) == 2 for r in self.world.ROLES), PATIENCE)

    # The job

    def newcomer(self):
        """A user of the group and an enrolment code: before anything is ended."""
        self.number += 1
        name = f"user{self.number}"
        user = self.world.add_user(f"{name}@contoso.example", f"{name}@contoso.example")
        self.world.add_member(self.group, user)
        agent = Agent(self.world, f"laptop-{self.number}")
        return user, agent, self.world.code(user)

    def enrol(self, agent, code):
        """Asks as often as it takes, as its owner would."""
        proc = None
        end = time.monotonic() + PATIENCE
        while True:
            if proc is None:
                proc = self.spawn_enrol(agent, code)
            self.tend(agent)
            if proc.poll() is not None:
                if proc.returncode == 0:
                    return
                said = proc.stderr.read()
                if "joined already" in said:
                    return
                proc = None
                if time.monotonic() > end:
                    raise Timeout(f"enrolment: {said}")
            time.sleep(0.02)

    @staticmethod
    def spawn_enrol(agent, code):
        return subprocess.Popen([program("chancery-agent"), "enrol", "--code", code, "--config", agent.conf],
                                env={**os.environ, **agent.env}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def arrive(self, newcomer):
        """From the code to a certificate that the service shows as installed."""
        _, agent, code = newcomer
        self.enrol(agent, code)
        agent.start()
        for profile in (self.root, self.pkcs):
            self.until(agent, lambda p=profile: (self.world.slot(agent, p) or {}).get("state") == "installed",
                       f"{profile['displayName']} installed")

    def remove(self, user):
        """Asked again when the answer was lost."""
        try:
            self.world.remove_member(self.group, user)
        except ApiError as e:
            if e.status != 404:
                raise
        return True

    def leave(self, newcomer):
        """Out of the group: everything is taken away and revoked."""
        user, agent, _ = newcomer
        self.until(agent, lambda: self.remove(user), "the user out of the group")
        for profile in (self.root, self.pkcs):
            self.until(agent, lambda p=profile: self.world.slot(agent, p)["state"] == "removed",
                       f"{profile['displayName']} removed")

    # What must be true

    def certificates(self, number):
        return [c for c in self.world.certificates(text=f"CN=user{number},") if c["template"] == "ChanceryUser" and
                f"CN=user{number}," in c["subject"]]

    def check_arrived(self, newcomer):
        _, agent, _ = newcomer
        slot = self.world.slot(agent, self.pkcs)
        assert slot["fault"] is None, slot
        leaf = agent.leaf(self.pkcs["id"])
        assert int(slot["serialNumber"], 16) == leaf.serial_number

        def settled():
            return [c for c in self.certificates(self.number) if c["state"] not in ("revoked", "denied", "failed")]
        wait_for(lambda: len(settled()) == 1, PATIENCE, 0.1, f"one certificate: {settled()}")
        held = settled()[0]
        assert held["state"] == "valid"
        assert int(held["serial"], 16) == leaf.serial_number
        with open(agent.key_file(self.pkcs["id"]), "rb") as f:
            key = serialization.load_pem_private_key(f.read(), None)
        assert key.public_key().public_numbers() == leaf.public_key().public_numbers()
        assert agent.trusts(self.root["id"])
        # The identity too: one, and it is the one that the device uses.
        mine = [c for c in self.world.certificates(text=agent.id, state="valid") if c["template"] == "DeviceIdentity"]
        assert len(mine) == 1, mine
        devices = self.world.api("GET", "/v1.0/deviceManagement/managedDevices?$filter=deviceName eq "
                                 f"'{agent.name}'")["value"]
        assert [d["id"] for d in devices] == [agent.id]

    def check_left(self, newcomer):
        _, agent, _ = newcomer
        assert not agent.holds(self.pkcs["id"])
        assert not agent.trusts(self.root["id"])
        wait_for(lambda: all(c["state"] != "valid" for c in self.certificates(self.number)), PATIENCE, 0.1,
                 f"everything revoked: {self.certificates(self.number)}")

    def check_files(self, agent):
        """Nothing half-written stays: temporary files of ours are swept when it is opened the next time. Those of a file
        that is being written now are gone in a moment."""
        folders = [agent.state, agent.trust_dir] + [self.world.state_dir(r) for r in self.world.ROLES]

        def left():
            return [os.path.join(at, f) for folder in folders for at, _, files in os.walk(folder) for f in files
                    if f.startswith(".tmp-")]
        wait_for(lambda: left() == [], 10, 0.1, f"no file of another moment: {left()}")

    def run(self, job, aim=None):
        """One device; True if a process was ended on the way."""
        newcomer = self.newcomer()
        agent = newcomer[1]
        self.place = f"{job} {aim or ''}"
        try:
            if job == "leave":
                self.arrive(newcomer)
                self.check_arrived(newcomer)
            for c in self.controls.values():
                c.clear()
            self.aimed = None
            if aim is not None:
                self.aim(*aim)
            getattr(self, job)(newcomer)
            self.tend(agent)
            hit = self.aimed is not None and self.aimed[1].hit
            counts = {(role, name, kind): c.count(name, kind) for role, c in self.controls.items()
                      for name in c.names for kind in KINDS}
            what = self.aimed[1].what if self.aimed is not None else ""
            for c in self.controls.values():
                c.clear()
            self.aimed = None
            if job == "arrive":
                self.check_arrived(newcomer)
            else:
                self.check_left(newcomer)
            agent.stop()
            # One more start, as after a restart of the machine: it has nothing to repair and nothing to ask.
            assert agent.call("sync", check=False).returncode == 0
            self.check_files(agent)
            return hit, counts, what
        except BaseException as e:
            e.args = (f"[{self.place}] {e.args[0] if e.args else ''}",) + e.args[1:]
            raise
        finally:
            for c in self.controls.values():
                c.clear()
            agent.stop()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = Lab(tmp_path_factory.mktemp("kill"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def steps(lab):
    """How many steps of which kind a job has: (job, role, process, kind) -> number."""
    found = {}
    for job in ("arrive", "leave"):
        _, counts, _ = lab.run(job)
        found.update({(job,) + k: v for k, v in counts.items()})
    return found


def name_of(sweep):
    role, name, kind, whom = sweep
    return f"{role}-{'parent' if whom == 'parent' else name}-{kind}"


def sweep_some(lab, steps, job, sweep, places):
    role, name, kind, _ = sweep
    total = steps[(job, role, name, kind)]
    chosen = sorted({max(1, round(total * p)) for p in places})
    ended = []
    for n in chosen:
        hit, _, what = lab.run(job, (role, name, kind, n, sweep[3]))
        if hit:
            ended.append(f"{n} ({what})")
            lab.refresh(role)
    print(f"{job} {name_of(sweep)}: {total} steps, ended at {', '.join(ended)}")
    # How many steps a job has differs a little from run to run; most places must have been reached.
    assert len(ended) >= (len(chosen) + 1) // 2


@pytest.mark.seconds(300)
@pytest.mark.parametrize("sweep", SWEEPS, ids=name_of)
def test_whoever_is_killed_while_a_device_gets_its_certificate_it_ends_with_exactly_one(lab, steps, sweep):
    role, name, kind, whom = sweep
    places = PLACES[kind] if whom == "self" else PLACES[kind][::2]
    assert steps[("arrive", role, name, kind)] > 0
    sweep_some(lab, steps, "arrive", sweep, places)


@pytest.mark.seconds(300)
@pytest.mark.parametrize("sweep", [s for s in SWEEPS if s[3] == "self" and s[2] == "files"], ids=name_of)
def test_whoever_is_killed_while_a_device_loses_its_certificate_it_ends_with_none(lab, steps, sweep):
    assert steps[("leave",) + sweep[:3]] > 0
    sweep_some(lab, steps, "leave", sweep, (0.35, 0.8))


@pytest.mark.long
@pytest.mark.seconds(7200)
@pytest.mark.parametrize("job", ["arrive", "leave"])
@pytest.mark.parametrize("sweep", SWEEPS, ids=name_of)
def test_every_step_from_the_first_until_the_job_runs_through(lab, job, sweep):
    role, name, kind, whom = sweep
    n = 0
    while True:
        n += 1
        hit, _, _ = lab.run(job, (role, name, kind, n, whom))
        if not hit:
            break
        lab.refresh(role)
    print(f"{job} {name_of(sweep)}: {n - 1} steps")
