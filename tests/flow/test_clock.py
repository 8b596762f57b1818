# SPDX-License-Identifier: Apache-2.0
"""Devices whose clock is far off, and devices that were away for a year: on every platform each ends right.

First the installation lives today. Then it moves on by a year and more in two steps, as one that always ran would have
lived (what it has itself is renewed in between), while its devices are away.
"""

import os
import ssl
import sys

import pytest
from cryptography import x509

from test_apple import Place
from test_windows import add_root, machine
from test_windows import slot as windows_slot
from world import ROOT, Agent, b64, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from android import AndroidAgent, Refused  # noqa: E402  pylint: disable=wrong-import-position
from clock import FAKETIME, Clock  # noqa: E402  pylint: disable=wrong-import-position
from windows import Fault  # noqa: E402  pylint: disable=wrong-import-position
from windows import Refused as WindowsRefused  # noqa: E402  pylint: disable=wrong-import-position

pytestmark = [pytest.mark.skipif(not os.path.exists(FAKETIME), reason="needs libfaketime"), pytest.mark.long]

AHEAD, TOO_FAR = 250, 800
BETWEEN, LATER = 245, 400


class Clocks(Place):
    def __init__(self, world):
        super().__init__(world)
        self.made, self.day = 0, 0
        self.linux_root = world.add_root()
        self.linux_pkcs = world.add_pkcs(self.linux_root, name="Linux")
        self.windows_root = add_root(world, "windows root", pem=world.issuing_pem)
        self.ios_root, self.ios_scep = self.root(), self.scep()
        android = {"renewalThresholdPercentage": 20, "certificateValidityPeriodScale": "years",
                   "certificateValidityPeriodValue": 1, "subjectNameFormat": "custom",
                   "subjectNameFormatString": "CN={{UserName}}", "keySize": "size2048", "hashAlgorithm": "sha2",
                   "keyUsage": "digitalSignature,keyEncipherment"}
        bind = self.create("androidDeviceOwnerTrustedRootCertificate", "Android root", certFileName="root.cer",
                           trustedRootCertificate=b64(world.root_pem.encode()))
        self.android_scep = self.create(
            "androidDeviceOwnerScepCertificateProfile", "Android", **android,
            scepServerUrls=[f"{world.device_url}/scep/{world.issuing_ca.replace(' ', '%20')}/ChanceryUser"],
            extendedKeyUsages=[{"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}],
            **{"rootCertificate@odata.bind": f"{world.url}{world.CONFIGURATIONS}('{bind['id']}')"})
        for p in (self.linux_root, self.linux_pkcs, self.windows_root, self.ios_root, self.ios_scep, bind,
                  self.android_scep):
            world.assign(p, self.group)

    def code(self):
        """For a person who has no other device: hardware of the same person takes the place of what was there."""
        self.made += 1
        user = self.world.add_user(f"user{self.made}@contoso.test", f"user{self.made}@contoso.test")
        self.world.add_member(self.group, user)
        self.user = user
        return self.world.code(user)

    def linux(self, days=0):
        code = self.code()
        agent = Agent(self.world, f"laptop{self.made}")
        agent.user = self.user
        self.run(agent, "enrol", "--code", code, days=days)
        return agent

    def run(self, agent, *args, days=0, check=True):
        agent.env = Clock(self.day + days).environment()
        return agent.call(*args, check=check)

    def android(self, days=0):
        code = self.code()
        agent = AndroidAgent(self.world.device_url, self.world.root_file,
                             os.path.join(self.world.dir, "android", str(self.made)), name=f"pixel{self.made}",
                             days=self.day + days).enrol(code)
        agent.user = self.user
        return agent

    def windows(self, days=0):
        code = self.code()
        pc = machine(self.world, self.folder, f"PC-{self.made}", upn=self.user["userPrincipalName"],
                     days=self.day + days)
        self.enrol_windows(pc, code)
        pc.user = self.user
        return pc

    @staticmethod
    def enrol_windows(pc, code):
        pc.discover(auth=("OnPremise",))
        pc.enrol(code)
        pc.id = pc.tree.dmclient["EntDMID"]

    def phone(self, days=0):
        self.code()
        self.ada = self.user
        phone = self.device(f"Phone {self.made}", days=self.day + days)
        phone.user = self.user
        return phone

    def at(self, device, days):
        device.clock.days = self.day + days
        return device

    def linux_done(self, agent, days=0):
        def reached():
            self.run(agent, "sync", days=days)
            s = self.world.slot(agent, self.linux_pkcs)
            return s if s and s["state"] == "installed" else None
        return wait_for(reached, 30, 0.3)

    def android_done(self, agent):
        def reached():
            agent.sync()
            s = self.slot(agent, self.android_scep)
            return s if s and s["state"] == "installed" else None
        try:
            return wait_for(reached, 30, 0.3)
        except Exception:
            print(self.slot(agent, self.android_scep), agent.seen[-1:])
            raise

    def windows_done(self, pc):
        pc.session()
        return windows_slot(self.world, pc, self.windows_root)["state"] == "installed"

    def states(self):
        return sorted((s["id"], s["state"]) for s in self.world.slots())

    def move(self, day):
        """From here on the installation lives on this day; what talks to it from today does not mind."""
        w = self.world
        for role in reversed(w.ROLES):
            w.stop(role)
        self.day = day
        for role in w.ROLES:
            w.env[role] = Clock(day).environment()
            w.start(role)
        w.context.verify_flags = int(w.context.verify_flags) | 0x200000
        w.https.close()
        w.token, w.token_until = None, 0.0
        wait_for(lambda: w.api("GET", "/v1.0/users?$top=1"), 40, why="the service in the future")
        wait_for(lambda: w.admin("connector", "connector.show")["service_certificate_until"], 40)


@pytest.fixture(scope="module")
def place(world, tmp_path_factory):
    p = Clocks(world)
    p.folder = tmp_path_factory.mktemp("machines")
    return p


# Ahead

@pytest.mark.parametrize("days", [AHEAD])
def test_an_android_device_months_ahead_is_served_and_renews(place, days):
    agent = place.android(days)
    place.android_done(agent)
    before = agent.cert
    agent.renew()
    agent.sync()
    assert agent.cert != before
    place.at(agent, 0).sync()


@pytest.mark.parametrize("days", [AHEAD])
def test_a_windows_machine_months_ahead_is_served_and_renews(place, days):
    pc = place.windows(days)
    assert place.windows_done(pc)
    before = pc.tree.identity.sha1
    pc.renew()
    pc.session()
    assert pc.tree.identity.sha1 != before
    place.at(pc, 0).session()


@pytest.mark.parametrize("days", [AHEAD])
def test_an_iphone_months_ahead_is_served(place, days):
    phone = place.phone(days)
    place.until(phone, place.ios_scep)
    place.at(phone, 0).poll()


def test_who_is_years_ahead_or_behind_trusts_nobody_and_loses_nothing_by_it(place):
    """To it the service's certificate is over, or not valid yet. It is as if it were switched off."""
    place.devices = place.linux(), place.android(), place.windows(), place.phone(), place.linux()
    agent, android, pc, phone, _ = place.devices
    place.linux_done(agent)
    place.android_done(android)
    assert place.windows_done(pc)
    place.until(phone, place.ios_scep)
    before = place.states()
    for days, words in ((TOO_FAR, "expired"), (-TOO_FAR, "not yet valid")):
        done = place.run(agent, "sync", days=days, check=False)
        assert done.returncode != 0 and words in done.stderr and "clock" in done.stderr, done.stderr
        assert agent.holds(place.linux_pkcs["id"]) and agent.trusts(place.linux_root["id"])
        for device, talk in ((android, android.checkin), (pc, pc.session), (phone, phone.poll)):
            place.at(device, days)
            if device is android:
                device.close()
            with pytest.raises(ssl.SSLError):
                talk()
            place.at(device, 0)
    android.close()
    assert place.states() == before
    place.linux_done(agent)
    place.android_done(android)
    assert place.windows_done(pc) and phone.poll() is not None


# Away for a year

@pytest.fixture(name="later", scope="module")
def a_year_later(place):
    place.held = {d.id: [s for s in place.world.slots(device=d.id)] for d in place.devices}
    for day in (BETWEEN, LATER):
        place.move(day)
    return place


def again(place, device):
    return place.world.code(device.user)


def is_replaced(place, old, new):
    """The record from before is dead, and what it held is not said to be anywhere any more."""
    assert new != old
    wait_for(lambda: not [s for s in place.world.slots(device=old) if s["state"] == "installed"], 30)
    for device, state in ((old, "retireIssued"), (new, "managed")):
        assert place.world.api("GET", f"/beta/deviceManagement/managedDevices/{device}")["managementState"] == state


@pytest.mark.seconds(240)
def test_a_linux_machine_that_was_away_is_told_so_and_comes_back_by_a_code(later):
    agent = later.devices[0]
    old = agent.id
    done = later.run(agent, "sync", check=False)
    assert done.returncode != 0 and "identity-over" in done.stderr and "code" in done.stderr, done.stderr
    assert agent.holds(later.linux_pkcs["id"]), "what it held stays"
    before = agent.leaf(later.linux_pkcs["id"]).serial_number
    later.run(agent, "enrol", "--code", again(later, agent))
    later.linux_done(agent)
    is_replaced(later, old, agent.id)
    assert agent.leaf(later.linux_pkcs["id"]).serial_number != before


def test_a_linux_machine_that_was_away_can_leave(later):
    agent = later.devices[4]
    later.run(agent, "unenrol")
    assert os.listdir(agent.state) == ["lock"]


def test_an_android_device_that_was_away_is_told_so_and_comes_back_by_a_code(later):
    agent = later.at(later.devices[1], 0)
    old = agent.id
    agent.close()
    for talk in (agent.checkin, agent.renew):
        with pytest.raises(Refused) as caught:
            talk()
        assert caught.value.id == "identity-over" and caught.value.status == 403
        agent.close()
    code = again(later, agent)
    agent.id = agent.cert = None  # a person removes the account and adds it again
    agent.enrol(code)
    later.android_done(agent)
    assert agent.id != old


def test_a_windows_machine_that_was_away_is_told_so_and_enrols_again(later):
    pc = later.at(later.devices[2], 0)
    old = pc.id
    with pytest.raises(WindowsRefused):
        pc.session()
    with pytest.raises(Fault) as caught:
        pc.renew()
    assert caught.value.hresult == 0x80180002
    pc.tree.identity = None
    later.enrol_windows(pc, again(later, pc))
    assert later.windows_done(pc)
    is_replaced(later, old, pc.id)


def test_an_iphone_that_was_away_signs_what_it_says_and_gets_its_next_identity(later):
    """What it says it signs as well, so its management goes on: nobody could take a new profile to it."""
    phone = later.at(later.devices[3], 0)
    before = phone.identity[0]
    assert before.not_valid_after < phone.clock.now()

    def renewed():
        phone.poll()
        return phone.identity[0] != before
    wait_for(renewed, 30, 0.3)
    later.until(phone, later.ios_scep)
    assert later.slot(phone, later.ios_scep)["serialNumber"] not in [s["serialNumber"] for s in later.held[phone.id]]
    assert phone.identity[0].subject == before.subject


# Behind: what the service shows is old enough by now to be trusted by who lives three months ago

@pytest.mark.parametrize("days", [-100])
def test_who_is_months_behind_is_served_on_every_platform(later, days):
    agent, android, pc, phone = later.linux(days), later.android(days), later.windows(days), later.phone(days)
    later.linux_done(agent, days)
    later.android_done(android)
    assert later.windows_done(pc)
    later.until(phone, later.ios_scep)
    got, = [i for p in phone.device.profiles.values() if p is not phone.enrolment for i in p.items if i.key is not None]
    assert got.cert.not_valid_before > phone.clock.now(), "by its clock it is not valid yet"
    assert isinstance(got.cert, x509.Certificate)
