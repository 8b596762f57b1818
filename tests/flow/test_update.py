# SPDX-License-Identifier: Apache-2.0
"""A connector goes over to signed releases: by hand and from the service, and back when one does not work."""

import base64
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import signal
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors import Connector
from killing import Control, environment, library
from world import ROOT, AdminError, World, alive, children, program, wait_for

pytestmark = pytest.mark.seconds(240)

TRIAL_S, SHORT_S = 20, 5
POLL = b"/connector/v1/poll"
FALSE = b"#!/bin/sh\nexit 1\n"


def small(_):
    """Instead of a program, where it is refused before anybody would run it."""
    return b"x" * 5000


def maker():
    path = os.path.join(ROOT, "tools/make-release")
    loader = importlib.machinery.SourceFileLoader("make_release", path)
    spec = importlib.util.spec_from_loader("make_release", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Site:
    """A world whose connector takes releases, and a workshop that makes them out of the program that was built."""

    def __init__(self, world):
        self.world = world
        self.make = maker()
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.path("release.pub")
        with open(public, "wb") as f:
            f.write(self.key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self.settings = f"[keys]\npool=2\n[update]\nmode=signed\nkeys={public}\n"
        self.configure("")
        self.world.setup()
        secret = self.path("app.secret")
        with open(secret, "w", encoding="ascii") as f:
            f.write(self.world.app["client_secret"])
        os.chmod(secret, 0o600)
        self.world.cli("login", "--url", self.world.url, "--tenant", self.world.tenant, "--client-id",
                       self.world.app["client_id"], "--secret-file", secret, "--ca", self.world.root_file)
        # Without what debuggers read it is a fourth of the size.
        subprocess.run(["strip", "-o", self.path("stripped"), program("chanceryd")], check=True)
        with open(self.path("stripped"), "rb") as f:
            self.program = f.read()
        self.base = self.show()["running"]
        assert self.base.encode() in self.program

    def path(self, name):
        return os.path.join(self.world.dir, name)

    def configure(self, more, trial=TRIAL_S):
        self.world.conf("connector", f"{self.settings}trial={trial}\n{more}", "info")

    def version(self, n):
        """The n-th after the one that was built, in as many characters."""
        head, last = self.base.rsplit(".", 1)
        return f"{head}.{int(last) + n}"

    def release(self, n, change=lambda p: p, key=None, named=None):
        """Path of a bundle whose program calls itself the n-th version."""
        data = change(self.program.replace(self.base.encode(), self.version(n).encode()))
        path = self.path(f"{n}.release")
        with open(path, "wb") as f:
            f.write(self.make.bundle(key or self.key, named or self.version(n), os.uname().machine,
                                     [("chanceryd", data)]))
        return path

    def show(self):
        return self.world.admin("connector", "connector.update.show")

    def at(self, *args, check=True):
        return self.world.cli("connector", *args, "--socket", self.world.socket_of("connector"), check=check)

    def settled(self, n, seconds=90):
        def there():
            now = self.show()
            return now["running"] == self.version(n) and now["state"] == "idle" and now
        return wait_for(there, seconds, why=f"{self.version(n)} runs")

    def refused(self, path, words):
        before = self.show()
        done = self.at("update", "--file", path, check=False)
        assert done.returncode != 0 and words in done.stderr, done.stderr
        assert self.show() == before

    def in_service(self):
        return self.world.api("GET", "/beta/deviceManagement/ndesConnectors")["value"][0]

    def kill(self):
        """All of the connector at once. The parent stands still meanwhile; what it ended just before is gone
        already."""
        proc = self.world.procs.pop("connector")
        os.kill(proc.pid, signal.SIGSTOP)
        for pid in children(proc.pid).values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.kill(proc.pid, signal.SIGKILL)
        proc.wait()

    def start(self):
        self.world.start("connector")
        wait_for(self.show, 60, why="the connector answers")


@pytest.fixture(name="site", scope="module")
def site_fixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("update")
    control = Control(folder / "control", ("update",))
    world = World(str(folder / "world"), env={"connector": environment(library(folder), folder / "control")})
    try:
        made = Site(world)
        made.control = control
        yield made
    finally:
        world.close()


def test_a_connector_that_was_not_told_to_takes_none(site):
    c = Connector(site.world, "plain", "[keys]\npool=1\n").start()
    try:
        assert c.admin("connector.update.show")["mode"] == "off"
        assert "update" not in c.pids()
        done = site.world.cli("connector", "update", "--file", site.release(1), "--socket", c.socket, check=False)
        assert done.returncode != 0 and "does not update itself" in done.stderr
    finally:
        c.stop()


def test_by_hand_it_goes_over_stays_the_same_process_and_works(site):
    pid = site.world.procs["connector"].pid
    assert site.show()["release"] == ""
    answer = json.loads(site.at("update", "--file", site.release(1), "--json").stdout)
    assert answer["version"] == site.version(1)
    now = site.settled(1)
    assert now["release"] == site.version(1) and "fault" not in now
    assert alive(pid) and "keys" in children(pid)
    assert site.at("check").returncode == 0
    wait_for(lambda: site.in_service()["connectorVersion"] == site.version(1), 90)
    # What the system starts is still the package's program; it goes over by itself.
    site.world.stop("connector")
    site.start()
    site.settled(1)


def test_what_is_not_signed_whole_and_newer_is_refused_and_changes_nothing(site):
    good = site.release(2, small)
    with open(good, "rb") as f:
        data = f.read()
    cut, flipped, trailing, none = (site.path(n) for n in ("cut", "flipped", "trailing", "none"))
    for path, content in ((cut, data[:-1]), (flipped, data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]),
                          (trailing, data + b"x")):
        with open(path, "wb") as f:
            f.write(content)
        site.refused(path, "cut off or damaged")
    with open(none, "wb") as f:
        f.write(b"\x7fELF" + bytes(5000))
    site.refused(none, "not well formed")
    stranger = ec.generate_private_key(ec.SECP256R1())
    site.refused(site.release(2, small, key=stranger), "not signed by a key")
    at = data.index(b'"version"')
    with open(flipped, "wb") as f:
        f.write(data[:at] + data[at:].replace(site.version(2).encode(), site.version(9).encode(), 1))
    site.refused(flipped, "not signed by a key")
    site.refused(site.release(1, small), "not newer than")
    site.refused(site.release(0, small), "not newer than")
    with open(site.path("other"), "wb") as f:
        f.write(site.make.bundle(site.key, site.version(2), "vax", [("chanceryd", b"x")]))
    site.refused(site.path("other"), "another kind of processor")
    with pytest.raises(AdminError, match="state-moved"):
        site.world.admin("connector", "connector.update.part", {"offset": 0, "data": "eA=="})


def test_from_the_service_and_everybody_sees_where_it_stands(site):
    site.world.cli("connector", "upload", site.release(2))
    listed = site.world.cli_json("connector", "releases")
    assert [(r["version"], r["state"]) for r in listed["value"]] == [(site.version(2), "complete")]
    # Nobody gets it who was not offered it.
    assert site.show()["running"] == site.version(1)
    site.world.cli("connector", "offer", site.version(2), "--all")
    site.settled(2)
    wait_for(lambda: site.in_service()["connectorVersion"] == site.version(2), 90)
    shown = wait_for(lambda: (c := site.in_service())["@chancery.update"].get("state") == "idle" and c, 90)
    assert shown["@chancery.update"]["mode"] == "signed"
    assert [k["bits"] for k in shown["@chancery.keys"]] == [2048]
    who = f'connector="{shown["displayName"]}",id="{shown["id"]}"'
    for line in (f'chancery_connector_up{{{who}}} 1', f'chancery_connector_ready_keys_room{{{who},bits="2048"}} 2',
                 f'chancery_connector_update_failed{{{who}}} 0'):
        wait_for(lambda text=line: text in site.world.raw("GET", "/metrics")[2].decode(), why=line)
    actions = [line["action"] for line in site.world.api("GET", "/chancery/v1/audit?$top=200")["value"]]
    assert {"connector.release.upload", "connector.release.want", "connector.release.offer"} <= set(actions)


def test_the_service_refuses_what_is_no_release_and_keeps_parts_in_order(site):
    api, path = site.world.api, "/chancery/v1/connectorReleases"

    def begin(data, sha256=None):
        made = api("POST", path, {"size": len(data), "sha256": sha256 or hashlib.sha256(data).hexdigest()})
        return f"{path}/{made['id']}"

    def part(at, offset, data):
        return site.world.raw("POST", f"{at}/parts", {"offset": offset, "data": base64.b64encode(data).decode()})[0]

    for data, sha256 in ((b"CHRELSE1" + bytes(50), None), (b"no release", None), (b"x" * 9, "00" * 32)):
        at = begin(data, sha256)
        assert part(at, 1, data) == 409
        assert part(at, 0, data + b"y") == 400
        assert part(at, 0, data) == 400
        assert api("GET", at)["received"] == 0
        assert site.world.raw("POST", f"{at}/offer", {"all": True})[0] == 409
        api("DELETE", at)
    assert site.world.raw("POST", path, {"size": 1 << 40, "sha256": "00" * 32})[0] == 400
    assert site.world.raw("POST", path, {"size": 1, "sha256": "00"})[0] == 400


def test_one_that_does_not_work_is_taken_back_and_not_tried_again(site):
    site.world.stop("connector")
    site.configure("", SHORT_S)
    site.start()
    broken = site.release(3, lambda p: p.replace(POLL, b"/connector/v1/pull"))
    site.world.cli("connector", "upload", broken)
    site.world.cli("connector", "offer", site.version(3), "--all")
    wait_for(lambda: site.show().get("failed") == site.version(3), 120)
    now = site.settled(2)
    assert now["fault"] == "update-failed" and now["detail"].startswith("service:")
    wait_for(lambda: site.in_service()["@chancery.update"].get("failed") == site.version(3), 90)
    wait_for(lambda: 'chancery_connector_update_failed{connector="' in site.world.raw("GET", "/metrics")[2].decode())
    # Neither by itself nor by hand, unless the configuration names it.
    site.refused(broken, "was tried here")
    site.world.cli("connector", "discard", site.version(3))
    site.world.stop("connector")
    site.configure("")
    site.start()


def test_one_that_does_not_even_start_is_left_at_once(site):
    site.at("update", "--file", site.release(4, lambda p: FALSE))
    starts = 0

    def left():
        nonlocal starts
        if not alive(site.world.procs["connector"].pid):
            # It ended by itself: who supervises the connector starts it again.
            starts += 1
            site.world.stop("connector")
            site.world.start("connector")
        return site.show().get("failed") == site.version(4)
    wait_for(left, why="it to be left")
    assert site.settled(2)["failed"] == site.version(4) and starts <= 3


def test_one_that_calls_itself_otherwise_is_taken_back(site):
    site.at("update", "--file", site.release(5, named=site.version(6)))
    wait_for(lambda: site.show().get("failed") == site.version(6), 90)
    assert "calls itself" in site.settled(2)["detail"]


def test_killed_between_the_steps_it_ends_on_one_or_the_other(site):
    path = site.release(7)
    with open(path, "rb") as f:
        data = f.read()
    begun = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    # While parts arrive: nothing is left of it.
    assert site.world.admin("connector", "connector.update.begin", begun) == {"offset": 0}
    first = {"offset": 0, "data": base64.b64encode(data[:1000]).decode()}
    assert site.world.admin("connector", "connector.update.part", first) == {"offset": 1000}
    assert site.world.admin("connector", "connector.update.begin", begun) == {"offset": 1000}
    site.kill()
    site.start()
    assert site.show()["running"] == site.version(2) and site.show()["state"] == "idle"
    # Between the switch and the self-test.
    site.at("update", "--file", path)
    state = os.path.join(site.world.state_dir("connector"), "releases/state.json")

    def on_trial():
        with open(state, encoding="utf-8") as f:
            return json.load(f)["trial"]
    wait_for(on_trial, 60, step=0.002)
    site.kill()
    site.start()
    now = wait_for(lambda: (s := site.show())["state"] == "idle" and s, 120)
    assert now["running"] in (site.version(2), site.version(7))
    assert (now["running"] == site.version(7)) == (now["release"] == site.version(7))


class Sweep:
    """Updates during which a process of the connector is ended at one of its steps."""

    def __init__(self, site, first):
        self.site, self.n = site, first
        # What the service offers is not to come in between.
        for one in site.world.cli_json("connector", "releases")["value"]:
            site.world.cli("connector", "discard", one["version"])

    def tend(self):
        """What an init system does."""
        proc = self.site.world.procs.get("connector")
        if proc is None or proc.poll() is not None:
            self.site.world.stop("connector")
            self.site.world.start("connector")

    def rested(self):
        self.tend()
        with contextlib.suppress(OSError, AdminError):
            now, running = self.site.show(), children(self.site.world.procs["connector"].pid)
            return now if now["state"] == "idle" and "update" in running else None
        return None

    def names(self, name):
        """The parent is called after its program, or after the descriptor that it was executed from."""
        if name != "parent":
            return [name]
        with open(f"/proc/{self.site.world.procs['connector'].pid}/comm", encoding="ascii") as f:
            return [f.read().strip()]

    def run(self, name=None, step=0):
        """One update; whether somebody was ended, and how many steps there were."""
        site, control = self.site, self.site.control
        self.n += 1
        path, old = site.release(self.n), wait_for(self.rested, 60)["running"]
        control.names = ("update", *self.names("parent"))
        control.clear()
        if name is not None:
            [name] = self.names(name)
            control.aim(name, "files", step)
        # Asked again by who sees that it was not taken.
        for _ in range(5):
            if site.at("update", "--file", path, check=False).returncode == 0 or control.hit:
                break

        def ended():
            now = self.rested()
            return now and (now["running"] == site.version(self.n) or control.hit) and now
        now = wait_for(ended, 90, 0.1, f"an end of the update with {name} ended at step {step}")
        hit, what = control.hit, control.what
        counts = {n: control.count(n, "files") for n in control.names}
        control.clear()
        assert now["running"] in (old, site.version(self.n)), (what, now)
        assert now["release"] in (now["running"], ""), (what, now)
        # As after a restart of the machine: the same runs, and nothing half-written is left.
        site.world.stop("connector")
        site.start()
        assert site.show()["running"] == now["running"], what
        left = [f for at, _, files in os.walk(site.world.state_dir("connector")) for f in files
                if f.startswith(".tmp-") or f == "incoming"]
        assert left == [], (what, left)
        return hit, counts, what


def test_killed_at_some_steps_of_an_update_it_ends_on_one_or_the_other(site):
    sweep = Sweep(site, 20)
    _, counts, _ = sweep.run()
    assert site.show()["running"] == site.version(sweep.n)
    parent, ended = sweep.names("parent")[0], []
    for name, place in (("update", 0.9), ("parent", 0.3), ("parent", 0.8)):
        total = counts["update" if name == "update" else parent]
        hit, _, what = sweep.run(name, max(1, round(total * place)))
        ended += [what] if hit else []
    print(f"{counts}: ended {', '.join(ended)}")
    assert len(ended) >= 2
    sweep.run()
    assert site.show()["running"] == site.version(sweep.n)


@pytest.mark.long
@pytest.mark.seconds(3600)
@pytest.mark.parametrize("name", ["update", "parent"])
def test_killed_at_every_step_of_an_update_it_ends_on_one_or_the_other(site, name):
    sweep, step, hit = Sweep(site, 100 if name == "update" else 400), 0, True
    while hit:
        step += 1
        hit, _, what = sweep.run(name, step)
        print(name, step, what)
    assert step > 5
    sweep.run()
    assert site.show()["running"] == site.version(sweep.n)


def test_an_older_one_is_taken_when_the_configuration_names_it(site):
    site.refused(site.release(1, small), "not newer than")
    site.world.stop("connector")
    site.configure(f"named={site.version(1)}\n")
    site.start()
    site.at("update", "--file", site.release(1))
    site.settled(1)
