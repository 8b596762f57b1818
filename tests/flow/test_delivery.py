# SPDX-License-Identifier: Apache-2.0
"""The main job: from an assignment to a certificate on a device, and away again."""

import os
import stat
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtensionOID, NameOID

from world import wait_for, tls_context, Https, pem_blocks


@pytest.fixture(scope="module")
def given(world):
    return world.two_laptops()


def test_each_device_of_the_group_gets_root_and_certificate(world, given):
    slots = world.slots()
    assert len(slots) == 4
    assert {s["state"] for s in slots} == {"installed"}
    assert all(s["fault"] is None for s in slots)
    for agent in given.agents:
        assert agent.trusts(given.root["id"])
        assert agent.holds(given.pkcs["id"])


def test_the_certificate_has_the_names_of_directory_and_profile(world, given):
    leaf = given.agents[0].leaf(given.pkcs["id"])
    # In a certificate the most general name stands first; written as text it is the other way round.
    names = [(a.oid.dotted_string, a.value) for a in leaf.subject]
    assert names[::-1] == [
        ("2.5.4.3", "ada"), ("1.2.840.113549.1.9.1", "ada.lovelace@contoso.example"), ("2.5.4.11", "Mobile"),
        ("2.5.4.10", "Finance Group"), ("2.5.4.7", "Redmond"), ("2.5.4.8", "Washington"), ("2.5.4.6", "US")]
    san = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert len(san) == 1
    other = list(san)[0]
    assert other.type_id.dotted_string == "1.3.6.1.4.1.311.20.2.3"
    assert other.value.endswith(b"ada@contoso.example")
    ekus = leaf.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    assert "1.3.6.1.5.5.7.3.2" in [e.dotted_string for e in ekus]
    issuer = leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert issuer == world.issuing_ca


def test_each_device_has_a_key_of_its_own_that_only_its_owner_can_read(given):
    keys = set()
    for agent in given.agents:
        path = agent.key_file(given.pkcs["id"])
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with open(path, "rb") as f:
            keys.add(f.read())
        public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True,
                                capture_output=True).stdout
        certified = subprocess.run(["openssl", "x509", "-noout", "-pubkey", "-in",
                                    os.path.join(agent.cert_dir(given.pkcs["id"]), "cert.pem")],
                                   check=True, capture_output=True).stdout
        assert public == certified
    assert len(keys) == 2


def test_openssl_verifies_the_certificate_with_the_published_crl(world, given, tmp_path):
    crls = b""
    for name in (f"{world.name} Root CA", world.issuing_ca):
        done = subprocess.run(["curl", "-sf", f"{world.http_url}/crl/{name.replace(' ', '%20')}.crl"],
                              check=True, capture_output=True)
        crls += subprocess.run(["openssl", "crl", "-inform", "DER"], input=done.stdout, check=True,
                               capture_output=True).stdout
    (tmp_path / "crls.pem").write_bytes(crls)
    for agent in given.agents:
        cert = os.path.join(agent.cert_dir(given.pkcs["id"]), "cert.pem")
        done = subprocess.run(
            ["openssl", "verify", "-CAfile", os.path.join(agent.trust_dir, f"chancery-{given.root['id']}.crt"),
             "-untrusted", cert, "-CRLfile", str(tmp_path / "crls.pem"), "-crl_check_all", "-purpose",
             "sslclient", cert], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_timeline_tells_every_step_with_its_actor(world, given):
    slot = world.slot(given.agents[0], given.pkcs)
    events = world.timeline(slot)
    assert [e["event"] for e in events] == ["assigned", "queued", "leased", "issued", "offered", "installed"]
    assert [e["actor"].split()[0] for e in events] == [
        "service", "service", "connector", "connector", "service", "device"]
    assert [e["sequence"] for e in events] == sorted(e["sequence"] for e in events)
    assert all(e["dateTime"].endswith("Z") and "." in e["dateTime"] for e in events)
    assert slot["serialNumber"] in events[-1]["detail"]


def test_the_slot_states_what_the_device_holds(world, given):
    slot = world.slot(given.agents[0], given.pkcs)
    leaf = given.agents[0].leaf(given.pkcs["id"])
    assert int(slot["serialNumber"], 16) == leaf.serial_number
    assert slot["deviceName"] == "laptop-1"
    assert slot["userPrincipalName"] == "ada@contoso.example"
    assert slot["installedDateTime"] >= slot["assignedDateTime"]


def test_nothing_is_issued_again_when_nothing_changes(world, given):
    before = len(world.user_certificates())
    for agent in given.agents:
        agent.stop()
        agent.call("sync")
        agent.start()
    assert len(world.user_certificates()) == before == 2


def test_status_per_device_is_there_in_graph_shape(world, given):
    rows = world.api("GET", f"{world.CONFIGURATIONS}/{given.pkcs['id']}/deviceStatuses")["value"]
    assert {r["deviceDisplayName"] for r in rows} == {"laptop-1", "laptop-2"}
    assert {r["status"] for r in rows} == {"compliant"}


def test_a_certificate_that_the_device_lost_comes_back(world, given):
    agent = given.agents[1]
    agent.stop()
    for name in os.listdir(agent.cert_dir(given.pkcs["id"])):
        os.unlink(os.path.join(agent.cert_dir(given.pkcs["id"]), name))
    agent.start()
    wait_for(lambda: agent.holds(given.pkcs["id"]), 20)
    slot = world.wait_slot(agent, given.pkcs)
    assert int(slot["serialNumber"], 16) == agent.leaf(given.pkcs["id"]).serial_number
    wait_for(lambda: len(world.user_certificates("valid")) == 2, 15)  # the lost one is revoked


def test_a_device_in_an_excluded_group_gets_nothing(world, given):
    user = world.add_user("grace@contoso.example", "grace@contoso.example")
    world.add_member(given.group, user)
    agent = world.device("laptop-3", user, run=False)
    out = world.add_group("Not these", {"id": agent.id})
    world.assign(given.root, given.group, exclude=[out])
    world.assign(given.pkcs, given.group, exclude=[out])
    agent.call("sync")
    assert world.slots(device=agent.id) == []
    world.assign(given.root, given.group)
    world.assign(given.pkcs, given.group)
    agent.start()
    world.wait_slot(agent, given.pkcs)
    given.third = agent
    given.third_user = user


def test_a_user_who_leaves_the_group_loses_root_and_certificate_and_it_is_revoked(world, given):
    agent = given.third
    slot = world.slot(agent, given.pkcs)
    world.remove_member(given.group, given.third_user)
    world.wait_slot(agent, given.pkcs, "removed")
    world.wait_slot(agent, given.root, "removed")
    assert not agent.holds(given.pkcs["id"])
    assert not agent.trusts(given.root["id"])
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})
             ["request"]["state"] == "revoked", 15)
    # The service hears of it by the connector's next poll.
    wait_for(lambda: {"unassigned", "removed", "revoked"} <= {e["event"] for e in world.timeline(slot)}, 15)


def test_who_comes_back_to_the_group_gets_a_new_certificate(world, given):
    agent = given.third
    before = world.slot(agent, given.pkcs)["serialNumber"]
    world.add_member(given.group, given.third_user)
    slot = world.wait_slot(agent, given.pkcs)
    assert slot["serialNumber"] != before


def test_a_disabled_user_loses_the_certificate_and_it_is_revoked(world, given):
    agent = given.third
    slot = world.slot(agent, given.pkcs)
    world.api("PATCH", f"/v1.0/users/{given.third_user['id']}", {"accountEnabled": False})
    world.wait_slot(agent, given.pkcs, "removed")
    assert not agent.holds(given.pkcs["id"])
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})
             ["request"]["state"] == "revoked", 15)


def test_an_enabled_user_gets_a_certificate_again_and_a_deleted_one_loses_it(world, given):
    agent = given.third
    world.api("PATCH", f"/v1.0/users/{given.third_user['id']}", {"accountEnabled": True})
    slot = world.wait_slot(agent, given.pkcs)
    world.api("DELETE", f"/v1.0/users/{given.third_user['id']}")
    wait_for(lambda: not agent.holds(given.pkcs["id"]), 15)
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})
             ["request"]["state"] == "revoked", 15)


def test_a_new_mail_address_brings_a_new_certificate_and_ends_the_old_one(world, given):
    agent = given.agents[0]
    old = world.slot(agent, given.pkcs)
    world.api("PATCH", f"/v1.0/users/{given.user['id']}", {"mail": "ada@new.example"})
    wait_for(lambda: agent.leaf(given.pkcs["id"]).serial_number != int(old["serialNumber"], 16), 15)
    new = world.wait_slot(agent, given.pkcs)
    assert "ada@new.example" in new["subjectName"]
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": old["serialNumber"]})
             ["request"]["state"] == "revoked", 15)
    assert world.admin("ca", "cert.show", {"serial": new["serialNumber"]})["request"]["state"] == "valid"


def test_the_revoked_serial_is_on_the_published_crl(world, given):
    revoked = [c for c in world.user_certificates("revoked")]
    assert revoked
    world.admin("ca", "crl.publish")

    def published():
        done = subprocess.run(["curl", "-sf", f"{world.http_url}/crl/{world.issuing_ca.replace(' ', '%20')}.crl"],
                              check=True, capture_output=True)
        text = subprocess.run(["openssl", "crl", "-inform", "DER", "-noout", "-text"], input=done.stdout, check=True,
                              capture_output=True).stdout.decode().lower()
        return all(c["serial"].lower() in text.replace(":", "") for c in revoked)

    # The front keeps a CRL for some seconds.
    wait_for(published, 15, 0.5)


def test_a_key_on_a_curve_comes_where_the_template_takes_it(world, given):
    user = world.add_user("curves@contoso.example", "curves@contoso.example")
    group = world.add_group("Curves", user)
    world.admin("ca", "template.duplicate", {
        "source": "User", "name": "ChanceryCurves", "display_name": "Chancery Curves", "supply_in_request": True,
        "order_required": True, "key_algorithms": ["rsa", "p256", "p384"]})
    world.grant("connector", "ChanceryCurves")
    taken = {bits: world.add_pkcs(given.root, name=f"P-{bits}", certificateTemplateName="ChanceryCurves",
                                  **{"@chancery.keyAlgorithm": f"p{bits}"}) for bits in (256, 384)}
    refused = world.add_pkcs(given.root, name="Not there", **{"@chancery.keyAlgorithm": "p256"})
    for profile in (given.root, *taken.values(), refused):
        world.assign(profile, *([given.group] if profile is given.root else []), group)
    agent = world.device("curves", user)
    for bits, profile in taken.items():
        world.wait_slot(agent, profile)
        leaf = agent.leaf(profile["id"])
        assert leaf.public_key().curve.key_size == bits
        usage = leaf.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).value
        assert usage.digital_signature and not usage.key_encipherment and not usage.key_agreement
        shown = subprocess.run(["openssl", "pkey", "-in", agent.key_file(profile["id"]), "-pubout", "-outform", "DER"],
                               check=True, capture_output=True).stdout
        assert shown == leaf.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    slot = world.wait_slot(agent, refused, "failed")
    assert slot["fault"] == "key-size", slot
    assert not agent.holds(refused["id"])
    agent.stop()
    agent.call("unenrol")


def test_a_retired_device_removes_everything_and_is_refused_then_and_its_certificate_revoked(world, given):
    agent = given.agents[1]
    slot = world.slot(agent, given.pkcs)
    context = agent.identity_context()
    world.api("POST", f"/v1.0/deviceManagement/managedDevices/{agent.id}/retire")
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})
             ["request"]["state"] == "revoked", 15)
    world.wait_slot(agent, given.pkcs, "removed")
    world.wait_slot(agent, given.root, "removed")
    assert not agent.holds(given.pkcs["id"])
    assert not agent.trusts(given.root["id"])
    https = Https(world.host, world.ports["device"], context)
    status, _, data = https.request("POST", "/agent/v1/checkin", b'{"protocol":1,"wait":0}',
                                    {"Content-Type": "application/json"})
    assert status == 403
    assert b"device-retired" in data
    # What it was known by is revoked at the identity CA as well.
    def identities():
        return [c["state"] for c in world.certificates() if agent.id in c["subject"]]

    wait_for(lambda: set(identities()) == {"revoked"}, 15)


def test_unassigning_the_profile_revokes_at_once_and_takes_everything_away_when_the_device_is_back(world, given):
    agent = given.agents[0]
    slot = world.slot(agent, given.pkcs)
    agent.stop()
    world.assign(given.pkcs)
    world.assign(given.root)
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})
             ["request"]["state"] == "revoked", 15)
    assert world.slot(agent, given.pkcs)["state"] == "removing"
    agent.start()
    world.wait_slot(agent, given.pkcs, "removed")
    world.wait_slot(agent, given.root, "removed")
    assert not agent.holds(given.pkcs["id"])
    assert not agent.trusts(given.root["id"])
    wait_for(lambda: world.user_certificates("valid") == [], 15)
    assert world.admin("ca", "cert.show", {"serial": slot["serialNumber"]})["request"]["state"] == "revoked"


def test_an_agent_that_unenrols_keeps_nothing(world, given):
    agent = given.agents[0]
    agent.stop()
    ident = agent.id
    agent.call("unenrol")
    slots = world.slots(device=ident)
    assert slots and {s["state"] for s in slots} == {"removed"}, slots
    gone = wait_for(lambda: world.api("GET", f"/v1.0/deviceManagement/managedDevices/{ident}"))
    assert gone["managementState"] != "managed"
    wait_for(lambda: not [c for c in world.user_certificates("valid") if c["serial"] in
                          {s["serialNumber"] for s in slots}], 15)
    held = agent.call("sync", check=False)
    assert held.returncode != 0
    state = world.api("GET", f"/v1.0/deviceManagement/managedDevices?$filter=deviceName eq '{agent.name}'")
    assert all(d["managementState"] != "managed" for d in state["value"])
