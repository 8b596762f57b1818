# SPDX-License-Identifier: Apache-2.0
"""The life of a device on every platform: lost and found, another person, another name, twins, put back from a backup,
its identity elsewhere, enrolled anew, retired. One device of each platform goes through all of it."""

import datetime
import os
import pathlib
import shutil
import sys

import pytest

import test_android
import test_windows
from test_apple import Place
from world import ROOT, Agent, Https, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from android import AndroidAgent  # noqa: E402  pylint: disable=wrong-import-position
from android import Refused as AndroidRefused  # noqa: E402  pylint: disable=wrong-import-position
from apple import AppleDevice  # noqa: E402  pylint: disable=wrong-import-position
from windows import Refused as WindowsRefused  # noqa: E402  pylint: disable=wrong-import-position

SUBJECT = "CN={{UserName}},OU={{DeviceName}},O=Contoso"
DEVICES = "/beta/deviceManagement/managedDevices"


class Life(Place):
    """People, their group, and for it a root and a certificate on each platform."""

    def __init__(self, world):
        super().__init__(world)
        self.made, self.devices = 0, {}

    def person(self):
        self.made += 1
        name = f"user{self.made}@contoso.test"
        user = self.world.add_user(name, name)
        self.world.add_member(self.group, user)
        return user

    def folder(self, name):
        self.made += 1
        return os.path.join(self.world.dir, f"{name}-{self.made}")

    def one(self, platform):
        """The device of this platform that goes through all of it."""
        if platform not in self.devices:
            self.devices[platform] = PLATFORMS[platform](self, self.person()).enrol()
        return self.devices[platform]


class Device:
    """What the tests do with a device of any platform."""

    same = "device-replaced"

    def __init__(self, place, user, name=None, serial=None):
        self.place, self.world, self.user = place, place.world, user
        place.made += 1
        self.name, self.serial = name or f"Machine{place.made}", serial or f"SN{place.made:06}"
        self.root, self.cert = self.profiles(place)
        self.make()

    @classmethod
    def profiles(cls, place):
        if "made" not in cls.__dict__:
            cls.made = cls.add(place)
            for p in cls.made:
                place.world.assign(p, place.group)
        return cls.made

    def code(self):
        return self.world.code(self.user)

    def until(self, what, seconds=40):
        """It comes by until this holds."""
        def reached():
            self.contact()
            return what()
        try:
            return wait_for(reached, seconds, 0.1)
        except Exception as e:
            raise AssertionError([(s["profileName"], s["state"], s["fault"], s["reason"])
                                  for s in self.world.slots(device=self.id)]) from e

    def settled(self):
        """It holds what it is to hold, and the service heard so. The certificate."""
        def done():
            states = {s["profileId"]: s["state"] for s in self.world.slots(device=self.id)}
            return all(states.get(p["id"]) == "installed" for p in (self.root, self.cert))
        self.until(done)
        return self.held()

    def act(self, what):
        self.world.api("POST", f"/chancery/v1/devices/{self.id}/{what}")

    def state(self):
        return self.world.api("GET", f"{DEVICES}/{self.id}")["managementState"]

    def revoked(self, cert):
        serial = f"{cert.serial_number:x}"
        return wait_for(lambda: [c for c in self.world.user_certificates("revoked")
                                 if c["serial"].lower().lstrip("0") == serial], 30)


class Linux(Device):
    @staticmethod
    def add(place):
        root = place.world.add_root()
        return root, place.world.add_pkcs(root, name="Linux", subject=SUBJECT)

    def make(self):
        self.agent = Agent(self.world, self.name)

    def enrol(self):
        self.agent.enrol(self.code())
        self.id = self.agent.id
        return self

    def contact(self):
        self.agent.call("sync")

    def held(self):
        return self.agent.leaf(self.cert["id"]) if self.agent.holds(self.cert["id"]) else None

    def trusts(self):
        return self.agent.trusts(self.root["id"])

    def rename(self, name):
        with open(self.agent.conf, encoding="utf-8") as f:
            text = f.read()
        with open(self.agent.conf, "w", encoding="utf-8") as f:
            f.write(text.replace(f"name={self.name}\n", f"name={name}\n"))
        self.name = name

    def keep(self):
        kept = self.agent.dir + ".kept"
        shutil.copytree(self.agent.dir, kept)
        return kept

    def put_back(self, kept):
        shutil.rmtree(self.agent.dir)
        shutil.copytree(kept, self.agent.dir)

    def anew(self):
        """The same hardware, set up again. What the identity from before is told."""
        old = Https(self.world.host, self.world.ports["device"], self.agent.identity_context())
        shutil.rmtree(self.agent.state)
        self.enrol()
        status, _, data = old.request("POST", "/agent/v1/checkin", b'{"protocol": 1}',
                                      {"Content-Type": "application/json"})
        old.close()
        assert status == 403, data
        return data.decode()

    def is_let_go(self):
        done = self.agent.call("sync", check=False)
        return done.returncode != 0 and "the device was retired" in done.stderr


class Android(Device):
    @staticmethod
    def add(place):
        root = test_android.add_root(place.world, "androidDeviceOwner", "Android root")
        return root, test_android.add_pkcs(place.world, "androidDeviceOwner", "Android", root,
                                           subjectNameFormatString=SUBJECT)

    def make(self):
        self.agent = AndroidAgent(self.world.device_url, self.world.root_file, self.place.folder("android"),
                                  name=self.name, serial=self.serial, machine_id="id of " + self.name)

    def enrol(self):
        self.agent.enrol(self.code())
        self.id = self.agent.id
        return self

    def contact(self):
        self.agent.sync()

    def held(self):
        pair = self.agent.store.pairs.get("chancery-" + self.cert["id"])
        return pair["chain"][0] if pair else None

    def trusts(self):
        return "chancery-" + self.root["id"] in self.agent.aliases

    def rename(self, name):
        self.agent.name = self.name = name

    def keep(self):
        return {**self.agent.aliases}, {**self.agent.store.pairs}

    def put_back(self, kept):
        for data in self.agent.aliases.values():
            self.agent.store.uninstall_ca_cert(data)
        self.agent.aliases, self.agent.store.pairs = {**kept[0]}, {**kept[1]}
        for data in self.agent.aliases.values():
            self.agent.store.install_ca_cert(data)

    def elsewhere(self):
        """Another one with its identity."""
        other = AndroidAgent(self.world.device_url, self.world.root_file, self.place.folder("thief"), name=self.name,
                             machine_id="another")
        other.id, other.cert, other.key = self.agent.id, self.agent.cert, self.agent.key
        return other.sync

    def anew(self):
        old = AndroidAgent(self.world.device_url, self.world.root_file, self.place.folder("old"), name=self.name,
                           machine_id=self.agent.more["machine_id"])
        old.id, old.cert, old.key = self.agent.id, self.agent.cert, self.agent.key
        self.agent.close()
        self.make()
        self.agent.more["machine_id"] = old.more["machine_id"]
        self.enrol()
        with pytest.raises(AndroidRefused) as caught:
            old.sync()
        return caught.value.id

    def is_let_go(self):
        try:
            self.agent.sync()
        except AndroidRefused as e:
            return e.id == "device-retired"
        return False


class Windows(Device):
    @staticmethod
    def add(place):
        return (test_windows.add_root(place.world, "Windows root", place.world.issuing_pem,
                                      "computerCertStoreIntermediate"),
                test_windows.add_pkcs(place.world, "Windows", subjectNameFormatString=SUBJECT))

    def make(self):
        self.pc = test_windows.machine(self.world, self.world_folder(), self.name, serial=self.serial,
                                       upn=self.user["userPrincipalName"])

    def world_folder(self):
        return pathlib.Path(self.place.folder("windows"))

    def enrol(self):
        self.pc.discover(auth=("OnPremise",))
        self.pc.enrol(self.code())
        self.id = self.pc.tree.dmclient["EntDMID"]
        return self

    def contact(self):
        self.pc.session()

    def held(self):
        held = list(self.pc.tree.held("User").values())
        return held[0].cert if len(held) == 1 else None

    def trusts(self):
        return test_windows.sha1(self.world.issuing_pem) in self.pc.tree.roots("CA")

    def rename(self, name):
        self.pc.tree.facts["DevDetail/Ext/Microsoft/DeviceName"] = name
        self.pc.tree.facts["DevDetail/Ext/Microsoft/DNSComputerName"] = name.lower()
        self.pc.name = self.name = name

    def keep(self):
        return self.pc.snapshot()

    def put_back(self, kept):
        self.pc.restore(kept)

    def elsewhere(self):
        other = test_windows.machine(self.world, self.world_folder(), self.name)
        other.tree.identity, other.tree.provider = self.pc.tree.identity, self.pc.tree.provider
        other.addr = self.pc.addr
        os.symlink(self.pc.file("identity.pem"), other.file("identity.pem"))
        return other.session

    def anew(self):
        with open(self.pc.file("identity.pem"), "rb") as f:
            old = f.read()
        self.pc.tree.forget_all()
        self.pc.upn = self.user["userPrincipalName"]
        self.enrol()
        with open(self.pc.file("identity.pem"), "rb") as f:
            new = f.read()
        for pem in (old, new):
            with open(self.pc.file("identity.pem"), "wb") as f:
                f.write(pem)
            if pem is old:
                with pytest.raises(WindowsRefused) as caught:
                    self.pc.session()
        return str(caught.value)

    def is_let_go(self):
        """The account is gone; who kept the identity is told to leave and nothing else."""
        if self.pc.addr is not None:
            self.pc.session()
            return False
        test_windows.let_go(self.pc)
        return True


class Apple(Device):
    model, system = "iPhone15,2", "ios"

    @classmethod
    def add(cls, place):
        more = {} if cls.system == "ios" else {"deploymentChannel": "deviceChannel"}
        return place.root(cls.system, **more), place.pkcs(cls.system, subjectNameFormatString=SUBJECT, **more)

    def make(self):
        self.phone = AppleDevice(self.place.folder("apple"), anchors=self.world.root_pem, name=self.name,
                                 serial=self.serial, model=self.model)

    def enrol(self):
        status, profile = self.phone.browse(f"{self.world.device_url}/apple/enrol", self.code())
        assert status == 200, profile
        self.phone.enrol(profile)
        self.id = self.phone.identity[0].subject.get_attributes_for_oid(self.phone.CN)[0].value
        return self

    def contact(self):
        self.phone.poll()

    def profile(self, p):
        return self.phone.device.profiles.get("chancery-" + p["id"])

    def held(self):
        p = self.profile(self.cert)
        return [i for i in p.items if i.key is not None][0].cert if p else None

    def trusts(self):
        return self.profile(self.root) is not None

    def rename(self, name):
        self.phone.name = self.name = name

    def keep(self):
        return {**self.phone.device.profiles}

    def put_back(self, kept):
        self.phone.device.profiles = {**kept}

    def elsewhere(self):
        other = AppleDevice(self.place.folder("thief"), anchors=self.world.root_pem, name=self.name, model=self.model)
        other.mdm, other.enrolment = self.phone.mdm, self.phone.enrolment
        return other.poll

    def anew(self):
        old, mdm = self.phone.enrolment, self.phone.mdm
        self.phone.unmanage("a person reset it")
        self.enrol()
        new, self.phone.enrolment = (self.phone.enrolment, self.phone.mdm), old
        self.phone.mdm = mdm
        with pytest.raises(AssertionError) as caught:
            self.phone.poll()
        self.phone.enrolment, self.phone.mdm = new
        return str(caught.value)

    def is_let_go(self):
        """The management is gone; who kept the identity is told to remove it and nothing else."""
        kept = self.phone.mdm, self.phone.enrolment
        self.phone.poll()
        if self.phone.mdm is not None:
            return False
        self.phone.mdm, self.phone.enrolment = kept
        self.phone.device.profiles[kept[1].identifier] = kept[1]
        assert self.phone.poll() == [("RemoveProfile", "Acknowledged")] and self.phone.mdm is None
        return True


class Mac(Apple):
    model, system = "Mac14,2", "macOS"


PLATFORMS = {"linux": Linux, "android": Android, "windows": Windows, "iphone": Apple, "mac": Mac}
# A Mac goes the way of an iPhone, and Linux' protocol is Android's.
ALL = [pytest.param(p, marks=[pytest.mark.long] if p in ("linux", "mac") else []) for p in PLATFORMS]
EACH = pytest.mark.parametrize("platform", ALL)


@pytest.fixture(scope="module")
def place(world):
    return Life(world)


@EACH
def test_what_a_lost_device_had_is_revoked_at_once_and_removed_and_when_found_it_gets_anew(place, platform):
    d = place.one(platform)
    first = d.settled()
    d.act("lost")
    d.revoked(first)
    d.until(lambda: d.held() is None and not d.trusts())
    d.act("found")
    assert d.settled().serial_number != first.serial_number


@EACH
def test_another_person_gets_a_certificate_and_that_of_the_one_before_is_revoked(place, platform):
    d = place.one(platform)
    before, d.user = d.settled(), place.person()
    name = d.user["userPrincipalName"].split("@", maxsplit=1)[0]
    place.world.api("POST", f"{DEVICES}/{d.id}/users/$ref",
                    {"@odata.id": f"{place.world.url}/beta/users/{d.user['id']}"})
    d.until(lambda: d.held() is not None and f"CN={name}," in d.held().subject.rfc4514_string())
    d.settled()
    d.revoked(before)


@EACH
def test_a_device_that_has_another_name_gets_a_certificate_of_that_name(place, platform):
    d = place.one(platform)
    before = d.settled()
    d.rename("Renamed" + platform)
    place.world.api("POST", f"{DEVICES}/{d.id}/syncDevice")
    d.until(lambda: d.held() is not None and f"OU=Renamed{platform}," in d.held().subject.rfc4514_string())
    d.settled()
    d.revoked(before)


@EACH
def test_two_with_the_same_serial_number_live_side_by_side(place, platform):
    d = place.one(platform)
    other = PLATFORMS[platform](place, place.person(), serial=d.serial).enrol()
    mine, its = d.settled(), other.settled()
    assert mine.serial_number != its.serial_number and d.id != other.id
    assert d.state() == other.state() == "managed"
    assert d.settled().serial_number == mine.serial_number


@EACH
def test_one_put_back_from_a_backup_gets_what_it_lacks_and_no_new_certificate(place, platform):
    d = place.one(platform)
    held = d.settled().serial_number
    place.world.assign(d.root)
    d.until(lambda: not d.trusts())
    kept = d.keep()
    place.world.assign(d.root, place.group)
    d.settled()
    d.put_back(kept)
    assert not d.trusts()
    place.world.api("POST", f"{DEVICES}/{d.id}/syncDevice")
    d.until(d.trusts)
    assert d.settled().serial_number == held


@pytest.mark.parametrize("platform", [p for p in ALL if hasattr(PLATFORMS[p.values[0]], "elsewhere")])
def test_its_identity_is_of_no_use_elsewhere_and_the_audit_says_so(place, platform):
    d = place.one(platform)
    held = d.settled().serial_number
    with pytest.raises((AssertionError, AndroidRefused, WindowsRefused), match="device-elsewhere|403"):
        d.elsewhere()()
    assert d.settled().serial_number == held
    assert [a for a in audit(place.world) if a["action"] == "device.elsewhere" and a["target"] == d.id]


@EACH
def test_enrolled_anew_the_identity_from_before_is_dead_at_once_and_what_it_held_revoked(place, platform):
    d = place.one(platform)
    before, old = d.settled(), d.id
    assert d.same in d.anew() and d.id != old
    assert d.settled().serial_number != before.serial_number
    d.revoked(before)
    assert place.world.api("GET", f"{DEVICES}/{old}")["managementState"] != "managed"


@EACH
def test_a_retired_one_is_cleaned_revoked_and_then_refused(place, platform):
    d = place.one(platform)
    held = d.settled()
    place.world.api("POST", f"{DEVICES}/{d.id}/retire")
    d.revoked(held)
    wait_for(d.is_let_go, 30, 0.2)
    assert d.held() is None and not d.trusts()


def audit(world):
    found, after = [], 0
    while True:
        page = world.api("GET", f"/chancery/v1/audit?$top=1000&after={after}")["value"]
        if not page:
            return found
        found += page
        after = page[-1]["sequence"]


def test_who_was_refused_stands_in_the_audit_without_filling_it(place):
    def told():
        """The service writes them from time to time."""
        lines = [a for a in audit(place.world) if a["action"] == "device.refused"]
        return {"device-elsewhere", "device-replaced", "device-retired"} <= {a["target"] for a in lines} and lines

    lines, last = wait_for(told), {}
    for a in lines:
        when = datetime.datetime.fromisoformat(a["dateTime"].replace("Z", "+00:00"))
        assert a["target"] not in last or (when - last[a["target"]]).total_seconds() >= 599, "one in ten minutes"
        last[a["target"]] = when
        assert a["actor"] == "device" and a["after"]["count"] >= 1
        assert a["after"]["addresses"] and a["after"]["fault"] == a["target"]
