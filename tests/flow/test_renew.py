# SPDX-License-Identifier: Apache-2.0
"""Identities renew themselves, and nobody is locked out on the way.

Devices and the connector of this world live 250 days ahead (libfaketime), where two thirds of a year's certificate are
over; CA and service live today.
"""

import base64
import json
import os
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from world import Agent, Https, program, tls_context, wait_for

LIB = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
LATER = {"LD_PRELOAD": LIB, "FAKETIME": "+250d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
WORLD = {"env": {"connector": LATER}}
DURABLE = "rename,renameat,renameat2,link,linkat,unlink,unlinkat,fsync"

pytestmark = pytest.mark.skipif(not os.path.exists(LIB), reason="needs libfaketime")


def enrolment(agent):
    with open(os.path.join(agent.state, "enrolment.json"), encoding="utf-8") as f:
        return json.load(f)


def identity(agent):
    return x509.load_der_x509_certificate(base64.b64decode(enrolment(agent)["certificate"]))


def public_numbers(path):
    with open(path, "rb") as f:
        return load_pem_private_key(f.read(), None).public_key().public_numbers()


def new_agent(world, name):
    agent = Agent(world, name)
    agent.enrol(world.code(world.add_user(f"{name}@contoso.example", f"{name}@contoso.example")))
    return agent


def later(agent, *args, **more):
    agent.env = dict(LATER)
    try:
        return agent.call(*args, **more)
    finally:
        agent.env = {}


def at(agent, days, *args, **more):
    agent.env = {**LATER, "FAKETIME": f"{days:+}d"}
    try:
        return agent.call(*args, **more)
    finally:
        agent.env = {}


def checkin_as(world, agent, folder):
    """The status that a check-in with the identity kept in this folder is answered with."""
    with open(os.path.join(folder, "enrolment.json"), encoding="utf-8") as f:
        kept = json.load(f)
    cert = os.path.join(folder, "cert.pem")
    with open(cert, "w", encoding="ascii") as f:
        f.write("-----BEGIN CERTIFICATE-----\n" + kept["certificate"] + "\n-----END CERTIFICATE-----\n")
    key = os.path.join(folder, kept.get("key", "identity") + ".pem")
    https = Https(world.host, world.ports["device"], tls_context(world.root_file, cert, key))
    body = json.dumps({"protocol": 1, "facts": {}, "inventory": [], "results": [], "wait": 0}).encode()
    try:
        answer = https.request("POST", "/agent/v1/checkin", body, {"Content-Type": "application/json"})
    finally:
        https.close()
    return answer[0]


def test_a_device_renews_its_identity_and_the_old_one_is_refused_then(world):
    agent = new_agent(world, "renews")
    agent.call("sync")
    before, old = identity(agent), os.path.join(agent.dir, "before")
    shutil.copytree(agent.state, old)

    later(agent, "sync")
    after = identity(agent)
    assert after.serial_number != before.serial_number
    assert after.subject == before.subject
    assert after.public_key().public_numbers() != before.public_key().public_numbers()
    assert enrolment(agent)["key"] == "identity-b"
    assert checkin_as(world, agent, old) == 403
    agent.call("sync")
    assert identity(agent).serial_number == after.serial_number, "it is not due today"


def test_what_was_delivered_goes_on(world):
    agent = new_agent(world, "goes-on")
    owner = [u for u in world.api("GET", "/v1.0/users")["value"]
             if u["userPrincipalName"] == "goes-on@contoso.example"][0]
    group = world.add_group("goes-on", owner)
    root = world.add_root("Root for goes-on")
    pkcs = world.add_pkcs(root, name="goes-on")
    world.assign(root, group)
    agent.call("sync")
    later(agent, "sync")
    world.assign(pkcs, group)

    def delivered():
        agent.call("sync")
        return agent.holds(pkcs["id"])
    wait_for(delivered, 40, 0.3)


@pytest.mark.seconds(900)
def test_a_kill_at_any_step_leaves_a_way_in(world, tmp_path):
    agent = new_agent(world, "killed")
    agent.call("sync")
    given = [f"-E{name}={value}" for name, value in LATER.items()]
    for n in range(1, 80):
        done = subprocess.run(
            ["strace", "-f", "-o", str(tmp_path / "trace"), *given, "-e", f"trace={DURABLE}",
             "-e", f"inject={DURABLE}:signal=SIGKILL:when={n}",
             program("chancery-agent"), "sync", "--config", agent.conf],
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
        if done.returncode == 0:
            break
        assert agent.call("sync").returncode == 0, f"locked out by a kill at step {n}"
        key = os.path.join(agent.state, enrolment(agent).get("key", "identity") + ".pem")
        assert public_numbers(key) == identity(agent).public_key().public_numbers()
    else:
        pytest.fail("it never got through")
    assert n > 5, "no step was hit"
    assert not [f for f in os.listdir(agent.state) if f.startswith(".tmp-")]


def test_the_connector_renews_and_goes_on_working(world):
    folder = os.path.join(world.state_dir("connector"), "link")

    def joined():
        with open(os.path.join(folder, "join.json"), encoding="utf-8") as f:
            return json.load(f)
    wait_for(lambda: joined().get("service_key") == "service-b", 20)
    renewed = x509.load_pem_x509_certificate(joined()["service_certificate"].encode())
    assert renewed.public_key().public_numbers() == public_numbers(os.path.join(folder, "service-b.pem"))
    until = renewed.not_valid_after.strftime("%Y-%m-%dT")
    shown = wait_for(lambda: (s := world.admin("connector", "connector.show"))["service_certificate_until"].startswith(
        until) and s, why="what the connector says of it")
    assert shown["ca_certificate_until"]
    world.kill("connector", "link")
    agent = new_agent(world, "after-renewal")
    owner = [u for u in world.api("GET", "/v1.0/users")["value"]
             if u["userPrincipalName"] == "after-renewal@contoso.example"][0]
    group = world.add_group("after-renewal", owner)
    root = world.add_root("Root for after-renewal")
    pkcs = world.add_pkcs(root, name="after-renewal")
    world.assign(root, group)
    world.assign(pkcs, group)

    def delivered():
        agent.call("sync")
        return agent.holds(pkcs["id"])
    wait_for(delivered, 60, 0.3)


def test_a_clock_that_stays_ahead_makes_one_identity_and_not_one_with_each_contact(world):
    agent = new_agent(world, "ahead")
    at(agent, 300, "sync")
    first = identity(agent).serial_number
    at(agent, 300, "sync")
    assert identity(agent).serial_number == first and enrolment(agent)["obtained"] > "20"
    agent.call("sync")
    assert identity(agent).serial_number == first


@pytest.mark.parametrize("days, words", [(800, "expired"), (-800, "not yet valid")])
def test_who_is_years_off_trusts_nobody_says_why_and_uses_up_no_code(world, days, words):
    agent = Agent(world, f"off{days}")
    code = world.code(world.add_user(f"off{days}@contoso.example"))
    done = at(agent, days, "enrol", "--code", code, check=False)
    assert done.returncode != 0 and words in done.stderr and "clock" in done.stderr, done.stderr
    agent.enrol(code)
    agent.call("sync")
    before = enrolment(agent)
    done = at(agent, days, "sync", check=False)
    assert done.returncode != 0 and words in done.stderr and "clock" in done.stderr, done.stderr
    assert enrolment(agent) == before
    agent.call("sync")
