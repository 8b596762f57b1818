# SPDX-License-Identifier: Apache-2.0
"""Groups of principals: what a group may, its members may; what it is denied, they are denied."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from clients import make_csr, san_dns
from enrol_clients import EstClient, Refused, Who, XcepClient
from scep_client import name
from world import AdminError as Failed, b64

WORLD = {"connector": False}


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.world = world
    g.key = ec.generate_private_key(ec.SECP256R1())
    world.admin("ca", "template.duplicate", {"source": "WebServer", "name": "Servers", "supply_in_request": True})
    g.who = Who(world, "kiosk", rights=())
    g.other = Who(world, "other", rights=())

    def group(verb, name_, *principals, **more):
        return world.cli("principal", "group", verb, name_, *principals, "--socket", world.socket_of("ca"), **more)
    g.group = group

    def grant(whom, rights=(), deny=()):
        world.admin("ca", "template.grant", {"template": "Servers", "principal": whom, "rights": list(rights),
                                             "deny": list(deny)})
    g.grant = grant
    return g


def enrol(given, who, label="Servers"):
    return EstClient(given.world, who, True).enrol(make_csr(given.key, name("k"), san_dns("k.example")), label)


def refused(fault, given, who):
    with pytest.raises(Refused) as caught:
        enrol(given, who)
    assert f"({fault})" in caught.value.text, caught.value.text


def test_rights_of_a_group_are_those_of_its_members_until_they_leave(given):
    refused("ca-enrol-denied", given, given.who)
    given.group("add", "Kiosks", "kiosk")
    given.world.admin("ca", "ca.grant", {"principal": "Kiosks", "rights": ["request"]})
    refused("template-denied", given, given.who)
    given.grant("Kiosks", ["read", "enrol"])
    enrol(given, given.who)
    refused("ca-enrol-denied", given, given.other)
    given.group("add", "Kiosks", "other")
    enrol(given, given.other)
    given.group("remove", "Kiosks", "other")
    refused("ca-enrol-denied", given, given.other)
    enrol(given, given.who)


def test_a_denial_wins_wherever_it_stands(given):
    given.group("add", "Kiosks", "kiosk")
    given.group("add", "Barred", "kiosk")
    enrol(given, given.who)
    given.grant("Barred", deny=["enrol"])
    refused("template-denied", given, given.who)
    given.grant("kiosk", ["read", "enrol"])
    refused("template-denied", given, given.who)
    given.world.admin("ca", "principal.enable", {"name": "Barred", "enabled": False})
    refused("template-denied", given, given.who)
    given.group("remove", "Barred")
    enrol(given, given.who)
    given.world.admin("ca", "template.withdraw", {"template": "Servers", "principal": "kiosk",
                                                  "rights": ["read", "enrol"]})
    given.grant("kiosk", deny=["enrol"])
    refused("template-denied", given, given.who)
    given.world.admin("ca", "template.withdraw", {"template": "Servers", "principal": "kiosk", "deny": ["enrol"]})
    enrol(given, given.who)


def test_a_group_that_is_disabled_permits_nothing(given):
    enrol(given, given.who)
    given.world.admin("ca", "principal.enable", {"name": "Kiosks", "enabled": False})
    refused("ca-enrol-denied", given, given.who)
    given.world.admin("ca", "principal.enable", {"name": "Kiosks", "enabled": True})
    enrol(given, given.who)


def test_policies_show_what_a_group_permits(given):
    assert "<commonName>Servers</commonName>" in XcepClient(given.world, given.who, True).policies()
    assert "<commonName>Servers</commonName>" not in XcepClient(given.world, given.other, True).policies()


def test_groups_are_listed_with_their_members_and_changes_are_in_the_journal(given):
    world, socket = given.world, given.world.socket_of("ca")
    rows = {g["name"]: g for g in world.cli_json("principal", "group", "list", "--socket", socket)["groups"]}
    assert rows["Kiosks"]["members"] == ["kiosk"] and rows["Kiosks"]["rights"] == ["request"]
    rows = {p["name"]: p for p in world.cli_json("principal", "list", "--socket", socket)["principals"]}
    assert rows["kiosk"]["groups"] == ["Kiosks"] and rows["Kiosks"]["kind"] == "group"
    assert "Kiosks" in world.cli("principal", "group", "list", "--socket", socket).stdout
    events = {line["event"] for line in world.admin("ca", "journal.list", {})["lines"]}
    assert {"group-made", "group-joined", "group-left", "group-deleted"} <= events


@pytest.mark.parametrize("words, said", [
    (("add", "Kiosks", "nobody"), "there is no principal nobody"),
    (("add", "kiosk", "other"), "kiosk is a principal"),
    (("add", "Kiosks", "Kiosks"), "Kiosks is a group"),
    (("add", "administrator"), "not for principals"),
    (("remove", "Kiosks", "other"), "other is not in Kiosks"),
    (("remove", "Nothing"), "there is no group Nothing"),
    (("remove", "kiosk"), "kiosk is a principal"),
    (("empty", "Kiosks"), "principal group add GROUP"),
    (("add",), "GROUP is missing"),
])
def test_what_makes_no_sense_is_refused_with_a_reason(given, words, said):
    done = given.world.cli("principal", "group", *words, "--socket", given.world.socket_of("ca"), check=False)
    assert done.returncode != 0 and said in done.stderr


def test_a_refused_change_changes_nothing(given):
    given.group("add", "Kiosks", "other", "nobody", check=False)
    given.group("add", "Fresh", "nobody", check=False)
    rows = given.world.cli_json("principal", "group", "list", "--socket", given.world.socket_of("ca"))["groups"]
    assert [(g["name"], g["members"]) for g in rows] == [("Kiosks", ["kiosk"])]


def test_a_group_has_no_password_no_certificate_and_no_challenge(given):
    world = given.world
    for verb, args in (("principal.passwd", {"name": "Kiosks", "password": "a long enough password"}),
                       ("principal.add", {"name": "Kiosks", "csr": b64(make_csr(given.key, name("Kiosks")))}),
                       ("challenge.make", {"template": "Servers", "principal": "Kiosks"})):
        with pytest.raises(Failed) as caught:
            world.admin("ca", verb, args)
        assert "Kiosks is a group" in str(caught.value)


def test_joining_a_group_passes_the_rules_for_templates(given):
    """Enrol by itself and Write by a group are ESC4 together, whichever comes last."""
    world = given.world
    world.admin("ca", "template.duplicate", {"source": "WebServer", "name": "Edited", "supply_in_request": True})
    given.group("add", "Writers", "other")
    world.admin("ca", "template.grant", {"template": "Edited", "principal": "Writers", "rights": ["write"]})
    with pytest.raises(Failed) as caught:
        world.admin("ca", "template.grant", {"template": "Edited", "principal": "other", "rights": ["read", "enrol"]})
    assert "ESC4" in str(caught.value)
    world.admin("ca", "template.grant", {"template": "Edited", "principal": "kiosk", "rights": ["read", "enrol"]})
    done = given.group("add", "Writers", "kiosk", check=False)
    assert done.returncode != 0 and "ESC4" in done.stderr
    world.admin("ca", "template.grant", {"template": "Edited", "principal": "Kiosks", "deny": ["write"]})
    given.group("add", "Writers", "kiosk")
    done = given.group("remove", "Kiosks", "kiosk", check=False)
    assert done.returncode != 0 and "ESC4" in done.stderr


def test_a_denial_that_is_taken_back_passes_the_rules_as_well(given):
    """Of the group, and of a principal whose permission comes from a group."""
    world = given.world
    world.admin("ca", "template.duplicate", {"source": "WebServer", "name": "Kept", "supply_in_request": True})
    given.group("add", "Keepers", "other")
    given.group("add", "Locked", "other")
    for whom, right in (("Locked", {"deny": ["write"]}), ("Keepers", {"rights": ["write"]}),
                        ("other", {"rights": ["read", "enrol"]})):
        world.admin("ca", "template.grant", {"template": "Kept", "principal": whom, **right})
    with pytest.raises(Failed) as caught:
        world.admin("ca", "template.withdraw", {"template": "Kept", "principal": "Locked", "deny": ["write"]})
    assert "ESC4" in str(caught.value)
    world.admin("ca", "template.grant", {"template": "Kept", "principal": "other", "deny": ["write"]})
    world.admin("ca", "template.withdraw", {"template": "Kept", "principal": "Locked", "deny": ["write"]})
    with pytest.raises(Failed) as caught:
        world.admin("ca", "template.withdraw", {"template": "Kept", "principal": "other", "deny": ["write"]})
    assert "ESC4" in str(caught.value)
