# SPDX-License-Identifier: Apache-2.0
"""A template with a manager's approval, behind a connector that makes the keys: the connector does not wait with a key
in its memory, it asks again, and the request at the CA stays the one that it was."""

import pytest

from world import wait_for

TEMPLATE = "Approved"


@pytest.fixture(scope="module", name="given")
def the_given(world):
    class Given:
        pass
    g = Given()
    world.admin("ca", "template.duplicate", {"source": "User", "name": TEMPLATE, "supply_in_request": True,
                                             "order_required": True, "manager_approval": True})
    world.grant("connector", TEMPLATE)
    g.root = world.add_root()
    g.group = world.add_group("Managers")
    g.pkcs = world.add_pkcs(g.root, certificateTemplateName=TEMPLATE)
    world.assign(g.root, g.group)
    world.assign(g.pkcs, g.group)
    return g


def ask(world, given, name):
    """A device whose certificate waits for the manager: the device, and the number of the request."""
    user = world.add_user(f"{name}@contoso.example", f"{name}@contoso.example")
    world.add_member(given.group, user)
    agent = world.device(name, user)
    waiting = wait_for(lambda: requests(world, name), 30, why="the request at the CA")
    assert len(waiting) == 1
    return agent, waiting[0]["request_id"]


def requests(world, name):
    listed = world.cli_json("request", "list", "--socket", world.socket_of("ca"))["requests"]
    return [r for r in listed if f"CN={name}" in r["subject"]]


def certificates(world, name, state=None):
    return [c for c in world.certificates(text=f"CN={name}") if c["template"] == TEMPLATE and
            (state is None or c["state"] == state)]


def asked_again(world, agent, given):
    """Has the connector asked at least twice?"""
    slot = world.slot(agent, given.pkcs)
    return [e for e in world.timeline(slot) if e["event"] == "leased" and "attempt 1" not in (e["detail"] or "")]


def test_a_request_that_a_manager_approves_ends_in_a_delivered_certificate(world, given):
    agent, number = ask(world, given, "ada")
    slot = wait_for(lambda: (lambda s: s if s["fault"] else None)(world.slot(agent, given.pkcs)), 30)
    # No silent wait: the slot says on what, and where.
    assert slot["fault"] == "ca-pending", slot
    assert f"request {number}" in str(world.timeline(slot))
    wait_for(lambda: asked_again(world, agent, given), 60, why="the connector asking again")
    assert [r["request_id"] for r in requests(world, "ada")] == [number]
    world.cli("request", "approve", str(number), "--socket", world.socket_of("ca"))
    world.wait_slot(agent, given.pkcs, seconds=120)
    assert requests(world, "ada") == []
    leaf = agent.leaf(given.pkcs["id"])
    held = [c for c in certificates(world, "ada", "valid")]
    assert [int(c["serial"], 16) for c in held] == [leaf.serial_number]
    # What was issued when the manager said yes was for a key that nobody has any more.
    wait_for(lambda: all(c["state"] == "revoked" for c in certificates(world, "ada")
                         if c["serial"] != held[0]["serial"]), why="the revocation")


def test_a_request_that_a_manager_denies_is_not_put_before_him_again(world, given):
    agent, number = ask(world, given, "eve")
    world.cli("request", "deny", str(number), "--reason", "left the company", "--socket", world.socket_of("ca"))
    slot = world.wait_slot(agent, given.pkcs, "failed", seconds=120)
    assert slot["fault"] == "request-denied"
    assert "left the company" in str(world.timeline(slot))
    assert requests(world, "eve") == []
    assert certificates(world, "eve", "valid") == []
