# SPDX-License-Identifier: Apache-2.0
"""An installation whose processes can be ended at a step while a device gets what is due and while it loses it."""

import os
import struct
import subprocess
import time

from cryptography.hazmat.primitives import serialization

from conftest import opened
from killing import KINDS, Control, environment, library
from world import Agent, ApiError, Timeout, program, wait_for

PROCESSES = {"ca": ("front", "issuer"), "service": ("front", "keys"), "connector": ("link", "keys"),
             "agent": ("chancery-agent",)}
PATIENCE = 120


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
        # The answer to this test may be what is held until the test has ended the parent of who gives it.
        w.https.close()
        w.https.wait = 5
        self.group = w.add_group("Wi-Fi")
        self.root = w.add_root()
        self.pkcs = w.add_pkcs(self.root)
        w.assign(self.root, self.group)
        w.assign(self.pkcs, self.group)
        # What everybody of the group gets; and those of it that come with a key and a certificate of our CA.
        self.profiles = [self.root, self.pkcs]
        self.issued = [self.pkcs]
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

    def there(self):
        """Do all processes of all roles answer?"""
        return (self.world.raw("GET", "/readyz", token=None)[0] == 200 and self.world.admin("ca", "ca.show") and
                all(len(self.world.pids(r)) == 2 for r in self.world.ROLES))

    def refresh(self, role):
        """An orderly restart: a parent that has seen its children die too often lets them wait for seconds."""
        if role in self.world.ROLES:
            self.world.stop(role)
            self.world.start(role)
        self.world.https.close()
        wait_for(self.there, PATIENCE)

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
        for profile in self.profiles:
            try:
                self.until(agent, lambda p=profile: (self.world.slot(agent, p) or {}).get("state") == "installed",
                           f"{profile['displayName']} installed")
            except Timeout as e:
                slot = self.world.slot(agent, profile)
                raise Timeout(f"{e}; the slot is {slot}; {self.world.timeline(slot) if slot else ''}") from e

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
        for profile in self.profiles:
            self.until(agent, lambda p=profile: self.world.slot(agent, p)["state"] == "removed",
                       f"{profile['displayName']} removed")

    # What must be true

    def certificates(self, number):
        return [c for c in self.world.certificates(text=f"CN=user{number},") if c["template"] == "ChanceryUser" and
                f"CN=user{number}," in c["subject"]]

    def check_issued(self, agent, profile):
        """The certificate on the device: that of the slot, with its key."""
        slot = self.world.slot(agent, profile)
        assert slot["fault"] is None, slot
        leaf = agent.leaf(profile["id"])
        assert int(slot["serialNumber"], 16) == leaf.serial_number
        with open(agent.key_file(profile["id"]), "rb") as f:
            key = serialization.load_pem_private_key(f.read(), None)
        assert key.public_key().public_numbers() == leaf.public_key().public_numbers()
        return leaf

    def check_arrived(self, newcomer):
        _, agent, _ = newcomer
        leaves = [self.check_issued(agent, p) for p in self.issued]

        def settled():
            return [c for c in self.certificates(self.number) if c["state"] not in ("revoked", "denied", "failed")]
        wait_for(lambda: len(settled()) == len(leaves), PATIENCE, 0.1,
                 lambda: f"no certificate but those held: {settled()}")
        assert {c["state"] for c in settled()} == {"valid"}
        assert {int(c["serial"], 16) for c in settled()} == {leaf.serial_number for leaf in leaves}
        assert agent.trusts(self.root["id"])
        # The identity too: one, and it is the one that the device uses.
        mine = [c for c in self.world.certificates(text=agent.id, state="valid") if c["template"] == "DeviceIdentity"]
        assert len(mine) == 1, mine
        devices = self.world.api("GET", "/v1.0/deviceManagement/managedDevices?$filter=deviceName eq "
                                 f"'{agent.name}'")["value"]
        assert [d["id"] for d in devices] == [agent.id]

    def check_left(self, newcomer):
        _, agent, _ = newcomer
        assert not any(agent.holds(p["id"]) for p in self.profiles)
        assert not agent.trusts(self.root["id"])
        wait_for(lambda: all(c["state"] != "valid" for c in self.certificates(self.number)), PATIENCE, 0.1,
                 lambda: f"everything revoked: {self.certificates(self.number)}")

    def check_files(self, agent):
        """Nothing half-written stays: temporary files of ours are swept when it is opened the next time. Those of a
        file that is being written now are gone in a moment."""
        folders = [agent.state, agent.trust_dir] + [self.world.state_dir(r) for r in self.world.ROLES]

        def left():
            return [os.path.join(at, f) for folder in folders for at, _, files in os.walk(folder) for f in files
                    if f.startswith(".tmp-")]
        wait_for(lambda: left() == [], PATIENCE, 0.1, lambda: f"no file of another moment: {left()}")

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
            if hit:  # at the last moment, maybe
                self.until(agent, self.there, "everybody there")
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


def steps_of(lab, jobs=("arrive", "leave")):
    """How many steps of which kind a job has: (job, role, process, kind) -> number."""
    found = {}
    for job in jobs:
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


def sweep_all(lab, job, sweep):
    """Ends it at the first, second, third ... step, until the job runs through."""
    role, name, kind, whom = sweep
    n = 0
    while True:
        n += 1
        hit, _, _ = lab.run(job, (role, name, kind, n, whom))
        if not hit:
            break
        lab.refresh(role)
    print(f"{job} {name_of(sweep)}: {n - 1} steps")
