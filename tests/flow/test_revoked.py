# SPDX-License-Identifier: Apache-2.0
"""Service and CA hold one truth about revocation: what an officer revokes at the CA is neither delivered nor left
there."""

import time

import pytest

from clients import Device
from world import wait_for


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.root = world.add_root()
    g.user = world.add_user("revoked@contoso.example", "revoked@contoso.example")
    g.group = world.add_group("revoked", g.user)
    g.pkcs = world.add_pkcs(g.root, name="revoked")
    world.assign(g.root, g.group)
    world.assign(g.pkcs, g.group)
    return g


def revoke(world, serial, reason="keyCompromise"):
    world.admin("ca", "cert.revoke", {"serial": serial, "reason": reason})


def test_what_an_officer_revokes_is_replaced_on_the_device(world, given):
    agent = world.device("replaced", given.user)
    first = world.wait_slot(agent, given.pkcs)["serialNumber"]
    revoke(world, first)

    def replaced():
        slot = world.slot(agent, given.pkcs)
        return slot if slot["serialNumber"] != first and slot["state"] == "installed" else None
    slot = wait_for(replaced, 30)
    assert agent.leaf(given.pkcs["id"]).serial_number == int(slot["serialNumber"], 16)
    assert [e["actor"] for e in world.timeline(slot) if e["event"] == "revoked"][0] == "authority"
    # After a restart the link tells everything once more, and nothing comes of it.
    before = len(world.timeline(slot))
    world.kill("connector", "link")
    time.sleep(7)
    assert world.slot(agent, given.pkcs)["serialNumber"] == slot["serialNumber"]
    assert "queued" not in [e["event"] for e in world.timeline(slot)[before:]]
    mine = [c["serial"] for c in world.user_certificates("valid") if "CN=revoked," in c["subject"]]
    assert mine == [slot["serialNumber"]]
    agent.stop()


def test_what_is_revoked_on_its_way_is_not_delivered(world, given):
    device = Device(world, world.code(given.user), name="on-its-way")
    device.checkin([device.obey(c) for c in device.checkin()])  # the root; nobody asks for the certificate yet

    def slot():
        return world.slots(device=device.id, profile=given.pkcs["id"])[0]
    wait_for(lambda: slot()["state"] in ("ready", "offered"))
    issued = [e["detail"] for e in world.timeline(slot()) if e["event"] == "issued"]
    serial = issued[0].split()[1].strip(",")
    revoke(world, serial)
    wait_for(lambda: "withdrawn" in [e["event"] for e in world.timeline(slot())], 20)
    device.settle(until=lambda: slot()["state"] == "installed")
    assert slot()["serialNumber"] != serial
    assert slot()["sha256"] in [k["sha256"] for k in device.inventory.values()]
