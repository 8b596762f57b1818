# SPDX-License-Identifier: Apache-2.0
"""Wiping a device, on every platform: told, done, refused, cancelled; what becomes of its certificates and its
identity."""

import json
import os
import pty
import sys

import pytest

from test_apple import Place
from test_windows import add_root, enrolled, slot
from world import ROOT, ApiError, program, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests/sim"))

from android import AndroidAgent, Refused as AgentRefused  # noqa: E402  pylint: disable=wrong-import-position
from apple_profile import Refused  # noqa: E402  pylint: disable=wrong-import-position
from windows import Refused as WindowsRefused  # noqa: E402  pylint: disable=wrong-import-position

HOOK = """#!/bin/sh
echo "$CHANCERY_EVENT $CHANCERY_ALIAS" >>"$(dirname "$0")/../told"
"""


@pytest.fixture(scope="module")
def place(world):
    secret = os.path.join(world.dir, "app.secret")
    with open(secret, "w", encoding="ascii") as f:
        f.write(world.app["client_secret"])
    os.chmod(secret, 0o600)
    world.cli("login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
              "--secret-file", secret, "--ca", world.root_file)
    return Place(world)


def one(place, device):
    return place.world.api("GET", f"/beta/deviceManagement/managedDevices/{device.id}")


def wipe(place, device, **how):
    return place.world.raw("POST", f"/v1.0/deviceManagement/managedDevices/{device.id}/wipe", how or None)


def stands(place, device):
    return place.world.api("GET", f"/chancery/v1/devices/{device.id}/wipe")


def state(place, serial):
    return place.world.admin("ca", "cert.show", {"serial": serial})["request"]["state"]


def identities(place, device):
    return {c["state"] for c in place.world.certificates() if device.id in c["subject"]}


def audit(place, device):
    lines = place.world.api("GET", "/chancery/v1/audit")["value"]
    return [a for a in lines if device.id in json.dumps(a)]


def test_an_iphone_erases_itself_before_anything_else_and_everything_it_had_is_revoked(place):
    world = place.world
    root, pkcs = place.root(), place.pkcs()
    for p in (root, pkcs):
        world.assign(p, place.group)
    phone = place.device("Phone to wipe")
    place.until(phone, pkcs)
    serial = place.slot(phone, pkcs)["serialNumber"]
    status, _, body = wipe(place, phone)
    assert status == 204 and not body
    assert one(place, phone)["managementState"] == "wipePending"
    assert one(place, phone)["deviceActionResults"][0]["actionState"] == "pending"
    assert state(place, serial) == "valid"
    assert phone.poll() == [("EraseDevice", "Acknowledged")]
    assert phone.erased == {"RequestType": "EraseDevice"}
    assert stands(place, phone)["state"] == "done"
    assert one(place, phone)["managementState"] == "wipeIssued"
    assert place.slot(phone, pkcs)["state"] == "removed"
    wait_for(lambda: state(place, serial) == "revoked", 20)
    wait_for(lambda: identities(place, phone) == {"revoked"}, 20)
    status, _, answer = phone.put(phone.mdm["ServerURL"], "application/x-apple-aspen-mdm",
                                  {"UDID": phone.udid, "Status": "Idle"})
    assert status == 200 and b"RemoveProfile" in answer and b"InstallProfile" not in answer
    place.drop(pkcs, root)


def test_a_mac_needs_its_code_which_nobody_is_shown_again(place):
    mac = place.device("Mac to wipe", model="Mac14,2")
    for bad in ({}, {"macOsUnlockCode": "12345"}, {"macOsUnlockCode": "12345x"},
                {"macOsUnlockCode": "424242", "keepUserData": True}, {"no": 1}):
        status, _, body = wipe(place, mac, **bad)
        assert status == 400, (bad, body)
    assert one(place, mac)["managementState"] == "managed"
    assert wipe(place, mac, macOsUnlockCode="424242", obliterationBehavior="doNotObliterate")[0] == 204
    shown = stands(place, mac)
    assert shown["obliterationBehavior"] == "doNotObliterate" and "424242" not in json.dumps(shown)
    mac.sign_in("ada")
    assert ("EraseDevice", "Acknowledged") not in mac.poll(mac.user)
    assert mac.poll() == [("EraseDevice", "Acknowledged")]
    assert mac.erased["PIN"] == "424242" and mac.erased["ObliterationBehavior"] == "DoNotObliterate"
    lines = audit(place, mac)
    assert {"device.wipe", "device.wipeIssued", "device.wiped"} <= {a["action"] for a in lines}
    assert "424242" not in json.dumps(lines)


def test_the_code_of_a_mac_is_read_from_a_file_or_typed_and_stands_in_no_list_of_processes(place, tmp_path):
    world, mac, file = place.world, place.device("Mac by command", model="Mac14,2"), tmp_path / "code"
    named = ("device", "wipe", "Mac by command", "--yes")
    refused = world.cli(*named, "--pin=424242", check=False)
    assert refused.returncode != 0 and "--pin" in refused.stderr
    refused = world.cli(*named, "--pin", "--pin-file", str(file), check=False)
    assert refused.returncode != 0 and "not both" in refused.stderr
    for text in (None, "\n", "12345\n"):
        if text is not None:
            file.write_text(text)
        assert world.cli(*named, "--pin-file", str(file), check=False).returncode != 0
    assert one(place, mac)["managementState"] == "managed"
    file.write_text("131313\n")
    world.cli(*named, "--pin-file", str(file))
    # The later word counts: typed twice, and not shown.
    pid, tty = pty.fork()
    if pid == 0:
        os.execve(program("chancery"), ["chancery", *named, "--pin"],
                  {**os.environ, "CHANCERY_HOME": os.path.join(world.dir, "home"), "NO_COLOR": "1"})
    shown = b""
    for prompt in (b"Six digits: ", b"Once more: "):
        while not shown.endswith(prompt):
            shown += os.read(tty, 1)
        os.write(tty, b"424242\n")
    try:
        while (more := os.read(tty, 4096)):
            shown += more
    except OSError:
        pass
    assert os.waitpid(pid, 0)[1] == 0 and b"424242" not in shown
    os.close(tty)
    assert mac.poll() == [("EraseDevice", "Acknowledged")] and mac.erased["PIN"] == "424242"


def test_a_device_that_says_no_gets_nothing_until_somebody_decides(place):
    world = place.world
    root, pkcs = place.root(), place.pkcs()
    for p in (root, pkcs):
        world.assign(p, place.group)
    phone = place.device("Phone that refuses")
    place.until(phone, pkcs)
    serial = place.slot(phone, pkcs)["serialNumber"]
    phone.fail["EraseDevice"] = Refused("MCMDMErrorDomain", 12021, "not now, not ever")
    assert wipe(place, phone)[0] == 204
    phone.poll()
    shown = stands(place, phone)
    assert shown["state"] == "failed" and shown["fault"] and "not ever" in shown["detail"] and shown["hint"]
    assert one(place, phone)["managementState"] == "wipeFailed"
    wait_for(lambda: state(place, serial) == "revoked", 20)
    world.cli("device", "wipe-cancel", "Phone that refuses")
    assert stands(place, phone)["state"] == "cancelled"
    place.until(phone, pkcs)
    assert place.slot(phone, pkcs)["serialNumber"] != serial
    assert not phone.erased and one(place, phone)["managementState"] == "managed"
    place.drop(pkcs, root)


def test_what_is_cancelled_before_the_device_comes_never_reaches_it(place):
    world = place.world
    phone = place.device("Phone to keep")
    refused = world.cli("device", "wipe", "Phone to keep", check=False)
    assert refused.returncode != 0 and one(place, phone)["managementState"] == "managed"
    world.cli("device", "wipe", "Phone to keep", "--yes")
    assert world.cli_json("device", "wipe-show", "Phone to keep")["state"] == "pending"
    metric = 'chancery_wipes{state="pending"} 1'
    wait_for(lambda: metric in world.raw("GET", "/metrics")[2].decode(), 20, why="the metric")
    world.cli("device", "wipe-cancel", "Phone to keep")
    assert ("EraseDevice", "Acknowledged") not in phone.poll() and not phone.erased


def test_who_may_only_change_devices_may_not_wipe_them(place):
    world = place.world
    phone = place.device("Phone of others")
    app = world.add_app("inventory", ["DeviceManagementManagedDevices.ReadWrite.All"])
    token = world.fetch_token(app)["access_token"]
    for method, path in (("POST", f"/beta/deviceManagement/managedDevices/{phone.id}/wipe"),
                         ("DELETE", f"/chancery/v1/devices/{phone.id}/wipe")):
        with pytest.raises(ApiError) as caught:
            world.api(method, path, token=token)
        assert caught.value.status == 403
    assert world.api("GET", f"/chancery/v1/devices/{phone.id}/wipe", token=token)["state"] == "none"
    with pytest.raises(ApiError) as caught:
        world.api("GET", "/chancery/v1/devices/00000000-0000-4000-8000-000000000000/wipe")
    assert caught.value.status == 404


def test_windows_resets_by_the_node_that_was_asked_for(place, tmp_path):
    world = place.world
    pcs = [enrolled(world, place.ada, tmp_path, f"PC-W{i}", upn="ada@contoso.test") for i in range(2)]
    profile = add_root(world, "root to wipe", pem=world.issuing_pem)
    world.assign(profile, place.group)
    for pc in pcs:
        pc.session()
        assert slot(world, pc, profile)["state"] == "installed"
    gone, back = pcs
    assert wipe(place, gone, useProtectedWipe=True, keepUserData=True)[0] == 400
    assert wipe(place, gone, useProtectedWipe=True)[0] == 204
    gone.session()
    assert gone.tree.wiped == "doWipeProtected" and not gone.tree.unenrolled
    assert stands(place, gone)["state"] == "done" and one(place, gone)["managementState"] == "wipeIssued"
    with pytest.raises(WindowsRefused):
        gone.session()
    # One that keeps its enrolment is back after the reset, and gets everything anew.
    assert wipe(place, back, keepUserData=True, keepEnrollmentData=True)[0] == 204
    back.session()
    assert back.tree.wiped == "doWipePersistUserData"
    assert stands(place, back)["state"] == "resetting"
    back.tree.forget_all()

    def healed():
        back.session()
        return slot(world, back, profile)["state"] == "installed" and back.tree.roots("Root")
    wait_for(healed, 20, step=1)
    assert stands(place, back)["state"] == "done" and one(place, back)["managementState"] == "managed"
    # Without a recovery environment it says no.
    back.tree.no_recovery, back.tree.wiped = True, False
    assert wipe(place, back)[0] == 204
    back.session()
    assert stands(place, back)["state"] == "failed" and "500" in stands(place, back)["detail"]
    place.drop(profile)


def linux(place, name, conf):
    folder = os.path.join(place.world.dir, "devices", name)
    os.makedirs(os.path.join(folder, "agent.d"))
    hook = os.path.join(folder, "agent.d", "10-tell")
    with open(hook, "w", encoding="ascii") as f:
        f.write(HOOK)
    os.chmod(hook, 0o755)
    return place.world.device(name, place.ada, conf=conf + f"[hooks]\ndir={folder}/agent.d\n"), folder


def test_a_linux_machine_goes_by_its_own_configuration(place):
    world = place.world
    root = world.add_root("Linux root")
    pkcs = world.add_pkcs(root, name="Linux Wi-Fi")
    for p in (root, pkcs):
        world.assign(p, place.group)
    stays, _ = linux(place, "stays", "")
    goes, folder = linux(place, "goes", "wipe=yes\n")
    for agent in (stays, goes):
        world.wait_slot(agent, pkcs)
    ident, serial = goes.id, world.slot(goes, pkcs)["serialNumber"]
    for agent in (stays, goes):
        assert wipe(place, agent)[0] == 204
    wait_for(lambda: stands(place, stays)["state"] == "failed", 20)
    assert stands(place, stays)["fault"] == "device-no-wipe"
    assert world.slot(stays, pkcs)["state"] == "installed" and stays.holds(pkcs["id"])
    wait_for(lambda: world.api("GET", f"/chancery/v1/devices/{ident}/wipe")["state"] == "done", 20)
    wait_for(lambda: goes.proc.poll() is not None, 20, why="the agent to leave")
    assert goes.proc.returncode == 0
    with open(os.path.join(folder, "told"), encoding="utf-8") as f:
        told = f.read().splitlines()
    assert told[-1] == "wipe " and f"removed chancery-{pkcs['id']}" in told
    assert not goes.holds(pkcs["id"]) and not goes.trusts(root["id"])
    assert set(os.listdir(os.path.join(folder, "state"))) <= {"lock"}
    wait_for(lambda: state(place, serial) == "revoked", 20)
    assert place.world.api("GET", f"/beta/deviceManagement/managedDevices/{ident}")["managementState"] == "wipeIssued"
    stays.stop()
    place.drop(pkcs, root)


def test_an_android_device_says_so_before_it_does_it(place):
    world = place.world
    agent = AndroidAgent(world.device_url, world.root_file, os.path.join(world.dir, "android", "pixel-w"),
                         name="pixel-w").enrol(world.code(place.ada))
    agent.sync()
    assert wipe(place, agent, keepEnrollmentData=True)[0] == 400
    assert wipe(place, agent)[0] == 204
    with pytest.raises(AgentRefused) as caught:
        agent.sync()
    assert caught.value.id == "device-wiped" and agent.wiped
    assert [c["kind"] for c in agent.seen][-1] == "wipe" and stands(place, agent)["state"] == "done"
    with pytest.raises(AgentRefused):
        agent.checkin()
    metrics = world.raw("GET", "/metrics")[2].decode()
    assert 'chancery_device_refused_total{fault="device-wiped"} ' in metrics
    assert 'chancery_device_refused_total{fault="device-wiped"} 0' not in metrics.splitlines()
    personal = AndroidAgent(world.device_url, world.root_file, os.path.join(world.dir, "android", "pixel-p"),
                            name="pixel-p", mode="profile_owner").enrol(world.code(place.ada))
    assert wipe(place, personal)[0] == 204
    personal.sync()
    assert stands(place, personal)["fault"] == "device-no-wipe" and not personal.seen
