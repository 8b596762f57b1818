# SPDX-License-Identifier: Apache-2.0
"""Certificates that a Linux machine requests itself: its key is made on it, in a file, a PKCS#11 token or a TPM, and
stays."""

import base64
import glob
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lan import BUS, PATH
from world import ApiError, Https, free_ports, pem_blocks, wait_for, wait_idle

SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
TPM = "/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so"


@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.user = world.add_user("ada@contoso.example", "ada@contoso.example")
    g.group = world.add_group("Everybody", g.user)
    g.root = world.add_root()
    g.scep = world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": "#chancery.linuxScepCertificateProfile", "displayName": "Made here",
        "renewalThresholdPercentage": 20, "certificateValidityPeriodScale": "years",
        "certificateValidityPeriodValue": 1, "subjectNameFormat": "custom",
        "subjectNameFormatString": "CN={{UserName}},E={{EmailAddress}},O=Contoso",
        "keyUsage": "digitalSignature,keyEncipherment", "keySize": "size2048", "hashAlgorithm": "sha2",
        "extendedKeyUsages": [{"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}],
        "scepServerUrls": [f"{world.device_url}/scep/{urllib.parse.quote(world.issuing_ca)}/ChanceryUser"],
        "rootCertificate@odata.bind": f"{world.url}{world.CONFIGURATIONS}('{g.root['id']}')"})
    world.assign(g.root, g.group)
    world.assign(g.scep, g.group)
    return g


def pending(agent):
    return glob.glob(os.path.join(agent.state, "pend-*"))


def same_key(agent, profile):
    with open(agent.key_file(profile["id"]), "rb") as f:
        key = load_pem_private_key(f.read(), None)
    return key.public_key().public_numbers() == agent.leaf(profile["id"]).public_key().public_numbers()


def test_the_key_is_made_on_the_machine_and_a_file_that_only_its_owner_reads(world, given):
    agent = given.agent = world.device("laptop", given.user)
    slot = world.wait_slot(agent, given.scep, seconds=60)
    leaf = agent.leaf(given.scep["id"])
    assert int(slot["serialNumber"], 16) == leaf.serial_number
    assert same_key(agent, given.scep) and stat.S_IMODE(os.stat(agent.key_file(given.scep["id"])).st_mode) == 0o600
    assert not pending(agent)
    done = subprocess.run(["openssl", "verify", "-purpose", "sslclient", "-CAfile", world.root_file, "-untrusted",
                           os.path.join(agent.cert_dir(given.scep["id"]), "cert.pem"),
                           os.path.join(agent.cert_dir(given.scep["id"]), "cert.pem")], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_another_content_makes_another_key_and_the_old_certificate_is_revoked(world, given):
    agent = given.agent
    old = world.slot(agent, given.scep)["serialNumber"]
    with open(agent.key_file(given.scep["id"]), "rb") as f:
        before = f.read()
    world.api("PATCH", f"/v1.0/users/{given.user['id']}", {"mail": "ada@new.example"})
    wait_for(lambda: world.slot(agent, given.scep)["serialNumber"] not in (old, None), 60)
    world.wait_slot(agent, given.scep)
    assert "ada@new.example" in str(agent.leaf(given.scep["id"]).subject)
    with open(agent.key_file(given.scep["id"]), "rb") as f:
        assert f.read() != before
    wait_for(lambda: world.admin("ca", "cert.show", {"serial": old})["request"]["state"] == "revoked", 30)


@pytest.mark.long
@pytest.mark.seconds(400)
def test_without_a_way_to_the_ca_the_request_waits_with_its_key_and_goes_on_when_there_is_one(world, given):
    user = world.add_user("grace@contoso.example", "grace@contoso.example")
    world.add_member(given.group, user)
    agent = world.device("away", user, run=False)
    features = world.admin("connector", "connector.show")["features"]
    # Orders are left at the CA, but nobody carries messages to it.
    world.admin("connector", "connector.set", {"features": [f for f in features if f != "relay"]})
    try:
        def waiting():
            agent.call("sync", timeout=200)
            return pending(agent)
        kept = wait_for(waiting, 60, 0.5)
        assert len(kept) == 1 and stat.S_IMODE(os.stat(kept[0]).st_mode) == 0o600
        with open(kept[0], "rb") as f:
            key = load_pem_private_key(f.read(), None).public_key().public_numbers()
        slot = world.slot(agent, given.scep)
        assert slot["state"] == "offered" and slot["fault"] == "device-scep-unreachable", slot
    finally:
        world.admin("connector", "connector.set", {"features": features})
    agent.start()
    world.wait_slot(agent, given.scep, seconds=120)
    assert agent.leaf(given.scep["id"]).public_key().public_numbers() == key
    assert not pending(agent)
    agent.stop()
    agent.call("unenrol")
    assert os.listdir(agent.state) == ["lock"]


def token_agent(world, given, name, module, label, pin, env):
    folder = os.path.join(world.dir, "devices", name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "pin"), "w", encoding="ascii") as f:
        f.write(pin + "\n")
    user = world.add_user(f"{name}@contoso.example", f"{name}@contoso.example")
    world.add_member(given.group, user)
    world.env["agent"] = env
    try:
        return user, world.device(name, user, conf=f"[token]\nmodule={module}\nlabel={label}\npin_file={folder}/pin\n")
    finally:
        world.env.pop("agent")


def labels(module, token, pin, env):
    """Of the private keys in a token, by GnuTLS."""
    done = subprocess.run(["p11tool", "--provider", module, "--login", "--set-pin", pin, "--list-privkeys",
                           f"pkcs11:token={token}"], check=False, capture_output=True, text=True,
                          env={**os.environ, **env})
    return re.findall(r"Label: (.*)", done.stdout)


def check_token(world, given, agent, user, see):
    world.wait_slot(agent, given.scep, seconds=100)
    print(f"{agent.name}: {wait_idle(agent)} KiB")
    alias = f"chancery-{given.scep['id']}"
    assert not os.path.exists(agent.key_file(given.scep["id"])) and not pending(agent)
    with open(os.path.join(agent.cert_dir(given.scep["id"]), "key.uri"), encoding="ascii") as f:
        uri = f.read().strip()
    first = [x for x in see() if x.startswith(alias)]
    assert len(first) == 1 and first[0] in uri
    old = world.slot(agent, given.scep)["serialNumber"]
    world.api("PATCH", f"/v1.0/users/{user['id']}", {"mail": "other@new.example"})
    wait_for(lambda: world.slot(agent, given.scep)["serialNumber"] not in (old, None), 100)
    world.wait_slot(agent, given.scep)
    second = wait_for(lambda: (lambda now: now if now != first else None)([x for x in see() if x.startswith(alias)]))
    assert len(second) == 1
    agent.stop()
    agent.call("unenrol", timeout=100)
    assert see() == []
    assert os.listdir(agent.state) == ["lock"]


@pytest.mark.seconds(240)
@pytest.mark.skipif(not os.path.exists(SOFTHSM), reason="no SoftHSM")
def test_in_a_token_the_key_is_made_there_and_nothing_stays_behind(world, given, curves):
    folder = os.path.join(world.dir, "hsm")
    os.makedirs(os.path.join(folder, "tokens"))
    env = {"SOFTHSM2_CONF": os.path.join(folder, "softhsm.conf")}
    with open(env["SOFTHSM2_CONF"], "w", encoding="ascii") as f:
        f.write(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "machine", "--pin", "1234",
                    "--so-pin", "5678"], check=True, capture_output=True, env={**os.environ, **env})
    user, agent = token_agent(world, given, "hsm", SOFTHSM, "machine", "1234", env)
    # One on a curve is made there as well, by EST.
    world.add_member(curves.group, user)
    world.wait_slot(agent, curves.p384, seconds=100)
    assert agent.leaf(curves.p384["id"]).public_key().curve.name == "secp384r1"
    assert not os.path.exists(agent.key_file(curves.p384["id"]))
    assert [x for x in labels(SOFTHSM, "machine", "1234", env) if x.startswith(f"chancery-{curves.p384['id']}")]
    check_token(world, given, agent, user, lambda: labels(SOFTHSM, "machine", "1234", env))


def run(env, *command):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env=env)


@pytest.fixture(name="tpm")
def a_tpm(tmp_path):
    """swtpm, a resource manager before it (a TPM alone runs out of room), and a token of tpm2-pkcs11 in it."""
    for name in ("swtpm", "tpm2-abrmd", "tpm2_ptool", "dbus-daemon"):
        if shutil.which(name, path=PATH) is None:
            pytest.skip(f"no {name}")
    if not os.path.exists(TPM):
        pytest.skip("no tpm2-pkcs11")
    server, control = free_ports(2)
    (tmp_path / "tpm").mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "bus.conf").write_text(BUS.format(dir=tmp_path))
    env = {"TPM2_PKCS11_STORE": str(tmp_path / "store"), "TPM2_PKCS11_BACKEND": "esysdb", "TPM2_PKCS11_TCTI": "tabrmd:",
           "TPM2_PKCS11_LOG_LEVEL": "0", "TSS2_LOG": "all+NONE",
           "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/bus"}
    tool = {**os.environ, **env, "PATH": PATH, "TPM2TOOLS_TCTI": "tabrmd:"}
    procs = [run(tool, "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={tmp_path}/tpm", "--server",
                 f"type=tcp,port={server},disconnect", "--ctrl", f"type=tcp,port={control}", "--flags",
                 "startup-clear,not-need-init"),
             run(tool, "dbus-daemon", "--nofork", "--config-file", str(tmp_path / "bus.conf"))]
    try:
        wait_for(lambda: (tmp_path / "bus").exists(), why="the bus")
        procs.append(run(tool, "tpm2-abrmd", "--allow-root", f"--tcti=swtpm:host=127.0.0.1,port={server}"))

        def ready():
            return subprocess.run(["tpm2_ptool", "init"], check=False, capture_output=True, env=tool).returncode == 0
        wait_for(ready, 30, 0.3, why="the TPM")
        subprocess.run(["tpm2_ptool", "addtoken", "--pid", "1", "--label", "tpm", "--userpin", "1234",
                        "--sopin", "5678"], check=True, capture_output=True, env=tool)
        yield env
    finally:
        for p in reversed(procs):
            p.terminate()
            p.wait()


@pytest.mark.seconds(300)
def test_in_a_tpm_the_key_is_made_there_and_nothing_stays_behind(world, given, tpm):
    user, agent = token_agent(world, given, "tpm", TPM, "tpm", "1234", tpm)
    check_token(world, given, agent, user, lambda: labels(TPM, "tpm", "1234", tpm))


# By EST: the device shows its identity, the service has an order made for that very key.

def est_profile(world, given, name, **more):
    return world.api("POST", world.CONFIGURATIONS, {
        **{k: v for k, v in given.scep.items() if k in (
            "@odata.type", "renewalThresholdPercentage", "certificateValidityPeriodScale", "hashAlgorithm", "keySize",
            "certificateValidityPeriodValue", "subjectNameFormat", "keyUsage", "extendedKeyUsages", "scepServerUrls")},
        "displayName": name, "enrolmentProtocol": "est", "subjectNameFormatString": "CN={{UserName}}",
        "rootCertificate@odata.bind": f"{world.url}{world.CONFIGURATIONS}('{given.root['id']}')", **more})


@pytest.fixture(scope="module")
def by_est(world, given):
    class Est:
        pass
    e = Est()
    e.users = [world.add_user(f"est{i}@contoso.example", f"est{i}@contoso.example") for i in range(3)]
    e.group = world.add_group("By EST", *e.users)
    e.profile = est_profile(world, given, "By EST")
    world.assign(given.root, given.group, e.group)
    world.assign(e.profile, e.group)
    return e


CLIENT = ("-addext", "extendedKeyUsage=clientAuth")
ON_A_CURVE = {"keyUsage": "digitalSignature"}
CURVES, APPROVED = "OnCurves", "LookedAt"


@pytest.fixture(scope="module")
def curves(world, given, by_est):
    """By EST with keys on curves: one that the CA issues at once, and one that a manager looks at before."""
    class Curves:
        pass
    c = Curves()
    for name in (CURVES, APPROVED):
        world.admin("ca", "template.duplicate", {
            "source": "User", "name": name, "supply_in_request": True, "order_required": True,
            "key_algorithms": ["p256", "p384"], "manager_approval": name == APPROVED})
        world.grant("connector", name)
    c.group, c.waiting = world.add_group("Curves"), world.add_group("Waiting")
    at = f"{world.device_url}/scep/{urllib.parse.quote(world.issuing_ca)}/"
    c.p384 = est_profile(world, given, "P-384", **ON_A_CURVE, **{"@chancery.keyAlgorithm": "p384",
                                                                 "scepServerUrls": [at + CURVES]})
    c.p256 = est_profile(world, given, "P-256", **ON_A_CURVE, **{"@chancery.keyAlgorithm": "p256",
                                                                 "scepServerUrls": [at + APPROVED]})
    world.assign(given.root, given.group, by_est.group, c.group, c.waiting)
    world.assign(c.p384, c.group)
    world.assign(c.p256, c.waiting)
    return c


class Hand:
    """A device whose agent does not run: its protocol by hand, EST by curl with requests of openssl's."""

    def __init__(self, world, agent, root, root_pem=None):
        self.world, self.agent, self.root, self.did = world, agent, root, []
        self.root_pem = root_pem or world.root_pem
        agent.identity_context()

    def command(self, profile):
        """What a check-in is told about this profile, by and by: the root comes before it."""
        sha256 = hashlib.sha256(pem_blocks(self.root_pem)[0]).hexdigest()
        held = {"alias": f"chancery-{self.root['id']}", "kind": "ca", "sha256": sha256, "has_key": False}
        https = Https(self.world.host, self.world.ports["device"], self.agent.identity_context())
        body = json.dumps({"protocol": 1, "results": self.did, "inventory": [held] if self.did else [],
                           "wait": 0}).encode()
        answer = json.loads(https.request("POST", "/agent/v1/checkin", body, {"Content-Type": "application/json"})[2])
        https.close()
        self.did += [{"id": c["id"], "status": "ok"} for c in answer["commands"] if c["kind"] == "install_ca"]
        return next((c for c in answer["commands"] if c["alias"] == f"chancery-{profile['id']}"), None)

    def path(self, name):
        return os.path.join(self.agent.dir, name)

    def csr(self, name, subject):
        subprocess.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", self.path(name + ".key"),
                        "-out", self.path(name), "-outform", "DER", "-subj", subject, *CLIENT], check=True,
                       capture_output=True)
        with open(self.path(name), "rb") as f:
            return base64.b64encode(f.read())

    def csr_of(self, key, subject, more=None):
        done = subprocess.run(["openssl", "req", "-new", "-key", key, "-outform", "DER", "-subj", subject,
                               *(CLIENT if more is None else more)], check=True, capture_output=True)
        return base64.b64encode(done.stdout)

    def curl(self, path, body=None, kind="application/pkcs10", identity=True):
        command = ["curl", "-sS", "--cacert", self.world.root_file, "-w", "\n%{http_code}",
                   self.world.device_url + path]
        if identity:
            command += ["--cert", self.path("identity-cert.pem"), "--key",
                        os.path.join(self.agent.state, "identity.pem")]
        if body is not None:
            command += ["-H", f"Content-Type: {kind}", "--data-binary", "@-"]
        done = subprocess.run(command, input=body, check=True, capture_output=True)
        text, _, status = done.stdout.rpartition(b"\n")
        return int(status), text

    def certs(self, text):
        done = subprocess.run(["openssl", "pkcs7", "-inform", "DER", "-print_certs"], input=base64.b64decode(text),
                              check=True, capture_output=True)
        return [x509.load_der_x509_certificate(d) for d in pem_blocks(done.stdout.decode())]


def test_by_est_the_key_is_made_on_the_machine_as_well(world, given, by_est):
    agent = world.device("est0", by_est.users[0])
    slot = world.wait_slot(agent, by_est.profile, seconds=60)
    leaf = agent.leaf(by_est.profile["id"])
    assert int(slot["serialNumber"], 16) == leaf.serial_number and leaf.subject.rfc4514_string() == "CN=est0"
    assert same_key(agent, by_est.profile) and not pending(agent)
    assert stat.S_IMODE(os.stat(agent.key_file(by_est.profile["id"])).st_mode) == 0o600
    pem = os.path.join(agent.cert_dir(by_est.profile["id"]), "cert.pem")
    done = subprocess.run(["openssl", "verify", "-purpose", "sslclient", "-CAfile", world.root_file, "-untrusted", pem,
                           pem], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Another name is another key and another certificate, and the one before is revoked.
    world.api("PATCH", f"/v1.0/users/{by_est.users[0]['id']}", {"userPrincipalName": "estnew@contoso.example"})
    wait_for(lambda: agent.leaf(by_est.profile["id"]).subject.rfc4514_string() == "CN=estnew", 60)
    old = {"serial": slot["serialNumber"]}
    wait_for(lambda: world.admin("ca", "cert.show", old)["request"]["state"] == "revoked", 30)
    agent.stop()
    agent.call("unenrol")
    assert os.listdir(agent.state) == ["lock"]


def test_est_gives_a_device_what_was_ordered_for_it_and_one_key_of_its_own(world, given, by_est):
    hand, other = (Hand(world, world.device(f"est{i}", by_est.users[i], run=False), given.root) for i in (1, 2))
    told = wait_for(lambda: hand.command(by_est.profile), 30, 0.3)
    assert told["kind"] == "enrol_est" and told["server"] == world.device_url and "challenge" not in told
    at = f"/.well-known/est/{told['label']}"
    right = hand.csr("right", "/CN=est1")
    enrol = at + "/simpleenroll"

    status, text = hand.curl(at + "/cacerts")
    assert status == 200
    assert {c.subject for c in hand.certs(text)} == {
        x509.load_pem_x509_certificate(p.encode()).subject for p in (world.root_pem, world.issuing_pem)}

    assert hand.curl(enrol, right, identity=False)[0] == 403
    status, text = other.curl(enrol, right)
    assert status == 404 and b"scep-address" in text
    assert hand.curl("/.well-known/est/nothing/simpleenroll", right)[0] == 404
    assert hand.curl(enrol, right, kind="text/plain")[0] == 415
    assert hand.curl(enrol, b"!!!")[0] == 400
    assert hand.curl(enrol, base64.b64encode(b"0\x03\x02\x01\x01"))[0] == 400
    damaged = bytearray(base64.b64decode(right))
    damaged[-1] ^= 1
    status, text = hand.curl(enrol, base64.b64encode(bytes(damaged)))
    assert status == 400 and b"csr-signature" in text
    status, text = hand.curl(enrol, hand.csr("name", "/CN=administrator"))
    assert status == 403 and b"order-subject" in text

    status, text = hand.curl(enrol, right)
    assert status == 200, text
    leaf, = hand.certs(text)
    assert leaf.subject.rfc4514_string() == "CN=est1"
    # The same key again is the same certificate; another one is refused.
    status, again = hand.curl(enrol, right)
    assert status == 200 and hand.certs(again)[0] == leaf
    status, text = hand.curl(enrol, hand.csr("second", "/CN=est1"))
    assert status == 403, text
    assert len([c for c in world.user_certificates("valid") if c["subject"] == "CN=est1"]) == 1
    # Retired, it has nothing to ask for, and what it got is revoked.
    world.api("POST", f"/v1.0/deviceManagement/managedDevices/{hand.agent.id}/retire")
    assert hand.curl(enrol, right)[0] in (403, 404)


def test_what_is_to_be_requested_by_scep_is_not_given_by_est(world, given):
    user = world.add_user("both@contoso.example", "both@contoso.example")
    world.add_member(given.group, user)
    hand = Hand(world, world.device("both", user, run=False), given.root)
    told = wait_for(lambda: hand.command(given.scep), 30, 0.3)
    assert told["kind"] == "enrol_scep"
    label = told["urls"][0].split("/scep/")[1].split("/")[0]
    status, text = hand.curl(f"/.well-known/est/{label}/simpleenroll", hand.csr("x", "/CN=both"))
    assert status == 404 and b"scep-address" in text


def test_a_key_on_a_curve_is_made_on_the_machine_and_no_other_kind_is_certified(world, given, curves):
    user = world.add_user("curve@contoso.example", "curve@contoso.example")
    world.add_member(curves.group, user)
    hand = Hand(world, world.device("curve", user, run=False), given.root)
    told = wait_for(lambda: hand.command(curves.p384), 30, 0.3)
    assert told["kind"] == "enrol_est" and told["key"] == {"algorithm": "ec", "bits": 384}
    enrol = f"/.well-known/est/{told['label']}/simpleenroll"
    status, text = hand.curl(enrol, hand.csr("rsa", "/CN=curve"))
    assert status == 403 and b"order-key-size" in text
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", hand.path("p256.key")],
                   check=True)
    assert hand.curl(enrol, hand.csr_of(hand.path("p256.key"), "/CN=curve"))[0] == 403
    hand.agent.start()
    world.wait_slot(hand.agent, curves.p384, seconds=60)
    leaf = hand.agent.leaf(curves.p384["id"])
    assert leaf.public_key().curve.name == "secp384r1" and same_key(hand.agent, curves.p384)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_encipherment
    hand.agent.stop()
    hand.agent.call("unenrol")
    assert os.listdir(hand.agent.state) == ["lock"]


def test_keys_on_curves_are_for_est_and_for_signatures(world, given):
    for more in ({"@chancery.keyAlgorithm": "p256", "keyUsage": "digitalSignature,keyEncipherment"},
                 {"@chancery.keyAlgorithm": "p256", **ON_A_CURVE, "enrolmentProtocol": "scep"},
                 {"@chancery.keyAlgorithm": "p256", **ON_A_CURVE, "keySize": "size4096"},
                 {"@chancery.keyAlgorithm": "p521", **ON_A_CURVE}):
        with pytest.raises(ApiError) as refused:
            est_profile(world, given, "Refused", **more)
        assert refused.value.status == 400 and "@chancery.keyAlgorithm" in str(refused.value), more


def ask_for_approval(world, given, curves, name):
    """A machine whose request lies before a manager: how to go on by hand, its command, and the request's number."""
    user = world.add_user(f"{name}@contoso.example", f"{name}@contoso.example")
    world.add_member(curves.waiting, user)
    hand = Hand(world, world.device(name, user, run=False), given.root)
    hand.enrol = "/.well-known/est/" + wait_for(lambda: hand.command(curves.p256), 30, 0.3)["label"] + "/simpleenroll"
    hand.agent.call("sync")
    slot = world.slot(hand.agent, curves.p256)
    assert slot["fault"] == "ca-pending" and slot["state"] == "offered", slot
    said = str(world.timeline(slot))
    listed = world.cli_json("request", "list", "--socket", world.socket_of("ca"))["requests"]
    number, = [r["request_id"] for r in listed if f"CN={name}" in r["subject"]]
    # On what, and since when: at the slot, and on the machine.
    waits, = hand.agent.show()["waiting"]
    assert waits["alias"] == f"chancery-{curves.p256['id']}" and f"request {number}" in waits["detail"]
    assert f"since {waits['since']}" in said and f"request {number}" in said
    key, = [p for p in pending(hand.agent) if not p.endswith(".asked")]
    return hand, key, number


@pytest.mark.seconds(200)
def test_a_request_by_est_waits_for_a_manager_with_its_key(world, given, curves):
    hand, key, number = ask_for_approval(world, given, curves, "patient")
    with open(key, "rb") as f:
        public = load_pem_private_key(f.read(), None).public_key().public_numbers()
    status, text = hand.curl(hand.enrol, hand.csr_of(key, "/CN=patient"))
    assert status == 202 and f"request {number}" in text.decode()
    world.cli("request", "approve", str(number), "--socket", world.socket_of("ca"))
    # Who asks at the same moment is told what was just said.
    status, text = wait_for(lambda: (lambda r: r if r[0] != 202 else None)(
        hand.curl(hand.enrol, hand.csr_of(key, "/CN=patient"))), 15)
    assert status == 200, text
    leaf, = hand.certs(text)
    assert leaf.public_key().public_numbers() == public
    if not os.environ.get("CHANCERY_LONG"):
        return
    # The machine comes back by itself, and takes the very certificate that was approved.
    hand.agent.start()
    world.wait_slot(hand.agent, curves.p256, seconds=150)
    assert hand.agent.leaf(curves.p256["id"]) == leaf and same_key(hand.agent, curves.p256)
    hand.agent.stop()
    assert not pending(hand.agent) and hand.agent.show()["waiting"] == []


@pytest.mark.long
@pytest.mark.seconds(200)
def test_a_request_by_est_that_a_manager_denies_fails_with_his_words(world, given, curves):
    hand, _, number = ask_for_approval(world, given, curves, "denied")
    world.cli("request", "deny", str(number), "--reason", "left the company", "--socket", world.socket_of("ca"))
    hand.agent.start()
    slot = world.wait_slot(hand.agent, curves.p256, "failed", seconds=150)
    assert slot["fault"] == "request-denied" and "left the company" in str(world.timeline(slot)), slot
    assert "CN=denied" not in str(world.cli_json("request", "list", "--socket", world.socket_of("ca"))["requests"])
