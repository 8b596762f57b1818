# SPDX-License-Identifier: Apache-2.0
"""One certificate, whatever is repeated: check-ins at once, uploads again, leases that ran out."""

import base64
import threading

import pytest

from clients import Device, FakeConnector, rsa_key
from world import ApiError, Https, b64, wait_for

# Long enough for what a test does with a job, short enough for the one that waits for its end.
WORLD = {"lease": 15, "connector": False}


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.connector = FakeConnector(world)
    g.root = world.add_root()
    g.key = rsa_key()  # made before a lease begins, which is short here
    return g


def case(world, given, name):
    """A user, a device and a profile of its own; the root is there already."""
    user = world.add_user(f"{name}@contoso.example", f"{name}@contoso.example")
    group = world.add_group(name, user)
    pkcs = world.add_pkcs(given.root, name=name)
    world.assign(given.root, *[{"id": g} for g in given.__dict__.setdefault("groups", [])], group)
    given.groups.append(group["id"])
    world.assign(pkcs, group)
    device = Device(world, world.code(user), name=name)
    device.settle(until=lambda: any(k["kind"] == "ca" for k in device.inventory.values()))
    return device, pkcs


def issued_to(world, name, state=None):
    return [c for c in world.user_certificates(state) if f"CN={name}," in c["subject"]]


def finish(world, given, device, pkcs, job):
    key, leaf = given.connector.ask_ca(job, given.key)
    result = given.connector.result(job, key, leaf)
    answer = given.connector.post([result])
    assert answer["results"] == [{"request": job["request"], "accepted": True, "fault": None}]
    device.settle(until=lambda: world.slots(device=device.id, profile=pkcs["id"])[0]["state"] == "installed")
    return result, leaf


def test_two_check_ins_at_once_make_one_request(world, given):
    user = world.add_user("twice@contoso.example", "twice@contoso.example")
    group = world.add_group("twice", user)
    pkcs = world.add_pkcs(given.root, name="twice")
    world.assign(given.root, group)
    given.__dict__.setdefault("groups", []).append(group["id"])
    world.assign(pkcs, group)
    device = Device(world, world.code(user), name="twice")
    start = threading.Barrier(8)
    failed = []

    def one():
        https = Https(world.host, world.ports["device"], device.context)
        start.wait()
        try:
            for _ in range(3):
                device.checkin(https=https)
        except ApiError as e:
            failed.append(e)
    threads = [threading.Thread(target=one) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failed == []
    device.settle(until=lambda: any(k["kind"] == "ca" for k in device.inventory.values()))
    slots = world.slots(device=device.id)
    assert len(slots) == 2
    slot = [s for s in slots if s["kind"] == "pkcs"][0]
    assert [e["event"] for e in world.timeline(slot)].count("queued") == 1

    job = given.connector.lease()
    assert given.connector.post(most=4)["jobs"] == []
    finish(world, given, device, pkcs, job)
    assert len(issued_to(world, "twice")) == 1


def test_a_repeated_upload_changes_nothing(world, given):
    device, pkcs = case(world, given, "again")
    job = given.connector.lease()
    result, _ = finish(world, given, device, pkcs, job)
    before = world.slots(device=device.id, profile=pkcs["id"])[0]
    events = len(world.timeline(before))
    for _ in range(3):
        given.connector.post([result])
    assert device.checkin() == []
    after = world.slots(device=device.id, profile=pkcs["id"])[0]
    assert after["serialNumber"] == before["serialNumber"]
    assert len(world.timeline(after)) == events
    assert len(issued_to(world, "again")) == 1


def test_the_same_request_asked_twice_at_the_ca_gives_the_same_certificate(world, given):
    device, pkcs = case(world, given, "retry")
    job = given.connector.lease()
    key = rsa_key()
    first = given.connector.ask_ca(job, key)[1]
    second = given.connector.ask_ca(job, key)[1]
    assert first == second
    result = given.connector.result(job, key, first)
    given.connector.post([result])
    device.settle(until=lambda: world.slots(device=device.id, profile=pkcs["id"])[0]["state"] == "installed")
    assert len(issued_to(world, "retry")) == 1


def test_a_lease_that_ran_out_goes_to_another_and_the_late_result_is_refused(world, given):
    device, pkcs = case(world, given, "late")
    job = given.connector.lease()
    key, leaf = given.connector.ask_ca(job, given.key)
    late = given.connector.result(job, key, leaf)
    # Says nothing until the lease is over and somebody else has the job.
    second = given.connector.lease(seconds=20)
    assert second["request"] == job["request"]
    assert second["fence"] > job["fence"]
    answer = given.connector.post([late])
    assert answer["results"][0]["accepted"] is False
    assert answer["results"][0]["fault"] == "fence"
    _, leaf2 = finish(world, given, device, pkcs, second)
    assert leaf2 != leaf
    assert len(issued_to(world, "late", "valid")) == 1
    assert len(issued_to(world, "late", "revoked")) == 1
    slot = world.slots(device=device.id, profile=pkcs["id"])[0]
    # What repeats is counted in the row that is there.
    events = {e["event"]: e["count"] for e in world.timeline(slot)}
    assert events["leased"] == 2
    assert events["issued"] == 1


def test_an_order_of_an_older_fence_is_refused_by_the_ca(world, given):
    from clients import Denied
    device, pkcs = case(world, given, "stale")
    job = given.connector.lease()
    given.connector.give_up()
    second = given.connector.lease()
    given.connector.ask_ca(second, given.key)
    with pytest.raises(Denied) as caught:
        given.connector.ask_ca(job, given.key)
    assert "order-stale" in caught.value.text or "newer order" in caught.value.text
    given.connector.give_up()
    third = given.connector.lease()
    finish(world, given, device, pkcs, third)
    assert len(issued_to(world, "stale", "valid")) == 1


def test_a_result_with_another_name_than_ordered_is_refused_by_the_service(world, given):
    # Both jobs are taken when both are there: while the second one is made, the lease of the first would run out.
    (device, pkcs), (other, other_pkcs) = case(world, given, "honest"), case(world, given, "thief")
    jobs = {}

    def both():
        jobs.update({j["device_certificate"]: j for j in given.connector.post(wait=1, features=["pkcs"])["jobs"]})
        return len(jobs) == 2
    wait_for(both, why="both jobs")
    job, other_job = jobs[b64(device.cert)], jobs[b64(other.cert)]
    key, leaf = given.connector.ask_ca(other_job, given.key)
    wrong = given.connector.result(job, key, leaf)
    answer = given.connector.post([wrong])
    assert answer["results"][0]["accepted"] is False
    assert answer["results"][0]["fault"] == "leaf-mismatch"
    slot = world.slots(device=device.id, profile=pkcs["id"])[0]
    assert slot["state"] != "installed"
    right = given.connector.result(other_job, key, leaf)
    assert given.connector.post([right])["results"][0]["accepted"] is True
    other.settle(until=lambda: world.slots(device=other.id, profile=other_pkcs["id"])[0]["state"] == "installed")


def test_installed_is_what_the_device_says_and_not_what_was_sent(world, given):
    device, pkcs = case(world, given, "silent")
    job = given.connector.lease()
    key, leaf = given.connector.ask_ca(job, given.key)
    given.connector.post([given.connector.result(job, key, leaf)])
    commands = wait_for(device.checkin)
    command = [c for c in commands if c["kind"] == "install_identity"][0]
    state = lambda: world.slots(device=device.id, profile=pkcs["id"])[0]["state"]  # noqa: E731
    assert state() == "offered"
    # It says "ok", and its own inventory does not show it: not installed.
    device.checkin([{"id": command["id"], "status": "ok", "sha256": command["sha256"]}])
    assert state() == "offered"
    # An answer to another command is of no interest.
    other = command["id"][:-1] + ("1" if command["id"].endswith("0") else "0")
    device.checkin([{"id": other, "status": "error", "code": "x"}])
    assert state() == "offered"


def test_a_device_that_refuses_is_shown_with_its_words(world, given):
    device, pkcs = case(world, given, "refusing")
    job = given.connector.lease()
    key, leaf = given.connector.ask_ca(job, given.key)
    given.connector.post([given.connector.result(job, key, leaf)])
    command = [c for c in wait_for(device.checkin) if c["kind"] == "install_identity"][0]
    device.checkin([{"id": command["id"], "status": "error", "code": "vendor-17", "detail": "no room left"}])
    slot = world.slots(device=device.id, profile=pkcs["id"])[0]
    assert slot["state"] == "failed"
    assert slot["fault"] == "device-refused"
    assert "no room left" in slot["reason"]
    assert "vendor-17" in slot["reason"]


def test_what_the_ca_refuses_is_shown_with_its_words(world, given):
    device, pkcs = case(world, given, "denied")
    job = given.connector.lease()
    given.connector.post([{"request": job["request"], "fence": job["fence"], "outcome": "rejected",
                           "fault": "ca-denied", "detail": "Contoso Issuing CA: no (0x80094800)"}])
    slot = world.slots(device=device.id, profile=pkcs["id"])[0]
    assert slot["state"] == "failed"
    assert "0x80094800" in slot["reason"]
    assert slot["nextStep"]


def test_a_ca_out_of_reach_is_tried_again_by_itself(world, given):
    device, pkcs = case(world, given, "patient")
    job = given.connector.lease()
    given.connector.post([{"request": job["request"], "fence": job["fence"], "outcome": "unreachable",
                           "fault": "unreachable", "detail": "no route"}])
    slot = world.slots(device=device.id, profile=pkcs["id"])[0]
    assert slot["state"] == "waiting"
    assert "no route" in slot["reason"]
    again = given.connector.lease(seconds=10)
    assert again["request"] == job["request"]
    finish(world, given, device, pkcs, again)


def test_the_password_of_the_parcel_opens_only_with_the_device_key(world, given):
    """What the service holds is ciphertext for the device: the device's key opens it, nobody else's does."""
    import subprocess
    device, _ = case(world, given, "sealed")
    job = given.connector.lease()
    key, leaf = given.connector.ask_ca(job, given.key)
    given.connector.post([given.connector.result(job, key, leaf)])
    command = [c for c in wait_for(device.checkin) if c["kind"] == "install_identity"][0]
    path = given.connector.file("device-key.pem", b"")
    from clients import key_pem
    for who, works in ((device.key, True), (rsa_key(), False)):
        with open(path, "wb") as f:
            f.write(key_pem(who))
        done = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-inkey", path],
                              input=base64.b64decode(command["password"]), check=False, capture_output=True)
        assert (done.returncode == 0 and done.stdout == b"a-password-of-24-letters") is works
