# SPDX-License-Identifier: Apache-2.0
"""Rule 3: the service cannot read a key.

A certificate goes its whole way, from the real connector through the service to a real agent, and everything that the
service could keep a key in is searched for that key and for the password of its parcel: memory of every process (copied
again and again while the work goes on), database, log, and what went over the wire to and from connector and agent. The
wire is read by a relay between them and the service: the test holds the CA, so it can make a server certificate that
both trust, and it borrows their client keys.

The same search finds key and password where they belong, so that a search that finds nothing means something.
"""

import array
import base64
import glob
import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from clients import Wstep, der, key_pem, make_csr, rsa_key, san_dns
from test_pfx import Made, make_import_key, profile, thumbprint, wait_held
from world import Agent, b64, free_ports, tls_context, wait_for

WORLD = {"connector": False, "log": "debug", "lease": 60}
WINDOW = 32
PAGE = os.sysconf("SC_PAGE_SIZE")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="memory of processes in a jail is root's to read")


# What is searched for

def base64_forms(data):
    """What base64 of anything that holds these bytes must contain, whatever stands before them."""
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + data)
        yield text[4 if shift else 0:len(text) // 4 * 4 - 8]


def windows(data):
    """Three pieces, so that a copy that is only partly left is found as well."""
    if len(data) <= WINDOW:
        return [data]
    middle = (len(data) - WINDOW) // 2
    return [data[:WINDOW], data[middle:middle + WINDOW], data[-WINDOW:]]


def needles_of_key(key):
    """name -> bytes: each number and each encoding of an RSA key, in all the ways that one meets them."""
    n = key.private_numbers()
    found = {}
    for name, value in (("p", n.p), ("q", n.q), ("d", n.d), ("dp", n.dmp1), ("dq", n.dmq1), ("qinv", n.iqmp)):
        big = value.to_bytes((value.bit_length() + 7) // 8, "big")
        for i, part in enumerate(windows(big)):
            found[f"{name}[{i}] big-endian"] = part
            found[f"{name}[{i}] little-endian"] = part[::-1]
            found[f"{name}[{i}] hex"] = part.hex().encode()
            found[f"{name}[{i}] HEX"] = part.hex().upper().encode()
        for i, text in enumerate(base64_forms(big)):
            found[f"{name} base64 {i}"] = text[:48]
    for name, form in (("PKCS#8", serialization.PrivateFormat.PKCS8),
                       ("PKCS#1", serialization.PrivateFormat.TraditionalOpenSSL)):
        whole = key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
        # The first bytes are the same for every key, and then comes the public half: the second half is secret.
        found[f"{name} DER"] = whole[len(whole) // 2:len(whole) // 2 + WINDOW]
        text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        lines = text.splitlines()[1:-1]
        found[f"{name} PEM line"] = lines[len(lines) // 2]
        found[f"{name} PEM last line but one"] = lines[-2]
    return found


def needles_of_password(password):
    found = {"password": password, "password UTF-16": password.decode().encode("utf-16-be"),
             "password UTF-16 little-endian": password.decode().encode("utf-16-le"),
             "password hex": password.hex().encode()}
    for i, text in enumerate(base64_forms(password)):
        found[f"password base64 {i}"] = text
    return found


def search(data, needles):
    return sorted(name for name, needle in needles.items() if needle in data)


def test_the_search_finds_each_form_of_a_key_and_of_a_password():
    key, password = rsa_key(), b"abcdefghijklmnopqrstuvwx"
    needles = {**needles_of_key(key), **needles_of_password(password)}
    assert len(set(needles.values())) == len(needles)
    assert min(len(n) for n in needles.values()) >= 20
    pem = key_pem(key)
    body = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    assert len(search(body, needles)) >= 15
    assert len(search(body[::-1], needles)) >= 15
    for before in range(3):
        hidden = base64.b64encode(b"x" * before + body + b"yy")
        assert "d base64 " in "".join(search(hidden, needles))
        assert "password base64" in "".join(search(base64.b64encode(b"x" * before + password + b"yy"), needles))
    assert any("PEM" in n for n in search(pem, needles))
    assert search(os.urandom(1 << 20), needles) == []
    assert search(key_pem(rsa_key()), needles) == []


# Where it is searched

def present(pagemap, low, high):
    """The parts of this span that are in memory; a stack is mostly promised."""
    pagemap.seek(low // PAGE * 8)
    pages = array.array("Q", pagemap.read((high - low) // PAGE * 8))
    begin = None
    for i, page in enumerate(pages):
        if page >> 62 and begin is None:
            begin = i
        elif not page >> 62 and begin is not None:
            yield low + begin * PAGE, low + i * PAGE
            begin = None
    if begin is not None:
        yield low + begin * PAGE, low + len(pages) * PAGE


def memory(pid):
    """Everything that this process has written in its memory."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, \
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            # Files that are only read hold nothing of ours.
            if "w" not in rights:
                continue
            low, high = (int(x, 16) for x in span.split("-"))
            for begin, end in present(pagemap, low, high):
                try:
                    mem.seek(begin)
                    parts.append(mem.read(end - begin))
                except OSError:
                    continue
    return b"".join(parts)


class Copies(threading.Thread):
    """Copies of the memory of processes, taken again and again until stop()."""

    def __init__(self, pids, every=0.15):
        super().__init__(daemon=True)
        self.pids, self.every = pids, every
        self.taken = {name: [] for name in pids}
        self.rounds = 0
        self.enough = threading.Event()
        self.start()

    def run(self):
        while not self.enough.is_set():
            for name, pid in self.pids.items():
                try:
                    self.taken[name].append(memory(pid))
                except OSError:
                    pass
            self.rounds += 1
            self.enough.wait(self.every)

    def more(self, rounds):
        """Returns when so many rounds began and ended from now on."""
        enough = self.rounds + rounds + 1
        wait_for(lambda: self.rounds >= enough, 120, why="copies of memory")

    def stop(self):
        self.enough.set()
        self.join()


class Relay:
    """Between a client and the device port: ends the TLS of one and begins another's, and keeps what went through."""

    def __init__(self, world, server_cert, server_key, client):
        self.world = world
        self.client = client            # () -> (certificate file, key file) or None: with whose name it goes on
        self.seen = {"to the service": bytearray(), "from the service": bytearray()}
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(server_cert, server_key)
        self.port = free_ports(1)[0]
        self.url = f"https://{world.host}:{self.port}"
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            down = self.context.wrap_socket(sock, server_side=True)
            identity = self.client()
            context = tls_context(self.world.root_file, *(identity or ()))
            up = context.wrap_socket(socket.create_connection(("127.0.0.1", self.world.ports["device"])),
                                     server_hostname=self.world.host)
        except (OSError, ssl.SSLError):
            sock.close()
            return
        try:
            self.pump(down, up)
        except (OSError, ssl.SSLError):
            pass
        for s in (down, up):
            s.close()

    def pump(self, down, up):
        """In one thread: a TLS connection is not for two. What is readable may be a ticket and nothing else."""
        ways = {down: (up, self.seen["to the service"]), up: (down, self.seen["from the service"])}
        while True:
            ready = [s for s in ways if s.pending()] or select.select(list(ways), [], [])[0]
            for source in ready:
                sink, kept = ways[source]
                source.setblocking(False)
                try:
                    data = source.recv(65536)
                except ssl.SSLWantReadError:
                    continue
                finally:
                    source.setblocking(True)
                if not data:
                    return
                kept += data
                sink.sendall(data)

    def close(self):
        self.listener.close()


def server_certificate(world, folder):
    """A server certificate for our host, from the CA that connector and agent trust."""
    client, key = rsa_key(), rsa_key()
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, world.host)])
    made = world.admin("ca", "principal.add", {"name": "relay", "csr": b64(make_csr(client, named))})
    world.grant("relay", "WebServer")

    def write(name, data):
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return path
    wstep = Wstep(world, write("relay-client.pem", made["certificate"].encode()),
                  write("relay-client-key.pem", key_pem(client)))
    leaf = x509.load_der_x509_certificate(wstep.submit(make_csr(key, named, san_dns(world.host)), "WebServer"))
    return (write("relay.pem", leaf.public_bytes(serialization.Encoding.PEM) + world.issuing_pem.encode()),
            write("relay-key.pem", key_pem(key)))


def unseal(agent, sealed):
    """What was sealed to this device; only its identity key can do this."""
    return subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-inkey",
                           os.path.join(agent.state, "identity.pem")],
                          input=sealed, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def done(world):
    """The whole way of one certificate, with everything kept that can be searched."""
    class Done:
        pass
    d = Done()
    cert, key = server_certificate(world, world.dir)

    def connector_identity():
        path = os.path.join(world.state_dir("connector"), "link")
        try:
            with open(os.path.join(path, "join.json"), encoding="utf-8") as f:
                pem = json.load(f)["service_certificate"]
        except OSError:
            return None
        own = os.path.join(world.dir, "connector-cert.pem")
        with open(own, "w", encoding="ascii") as f:
            f.write(pem)
        return own, os.path.join(path, "service.pem")

    d.connector_wire = Relay(world, cert, key, connector_identity)
    real, world.device_url = world.device_url, d.connector_wire.url
    world.join_connector()
    world.device_url = real

    user = world.add_user("ada@contoso.example", "ada@contoso.example")
    group = world.add_group("Wi-Fi", user)
    d.root = world.add_root()
    d.pkcs = world.add_pkcs(d.root)
    world.assign(d.root, group)
    world.assign(d.pkcs, group)
    agent = d.agent = world.agents["laptop"] = Agent(world, "laptop")

    def agent_identity():
        if not os.path.exists(os.path.join(agent.state, "enrolment.json")):
            return None
        agent.identity_context()
        return os.path.join(agent.dir, "identity-cert.pem"), os.path.join(agent.state, "identity.pem")
    d.agent_wire = Relay(world, cert, key, agent_identity)
    with open(agent.conf, encoding="utf-8") as f:
        text = f.read()
    with open(agent.conf, "w", encoding="utf-8") as f:
        f.write(text.replace(world.device_url, d.agent_wire.url))

    pids = {f"{role}/{name}": pid for role in world.ROLES for name, pid in world.pids(role).items()}
    pids.update({f"{role}/parent": world.procs[role].pid for role in world.ROLES})
    copies = Copies(pids)
    # While the issuer stands still the key is in connector/keys and nowhere else: it waits for its certificate.
    issuer = world.pid("ca", "issuer")
    agent.enrol(world.code(user))
    os.kill(issuer, signal.SIGSTOP)
    try:
        agent.start()
        slot = wait_for(lambda: world.slot(agent, d.pkcs), 20)
        wait_for(lambda: "leased" in [e["event"] for e in world.timeline(slot)], 20)
        copies.more(2)
        d.at_work = memory(world.pid("connector", "keys"))
    finally:
        os.kill(issuer, signal.SIGCONT)
    d.slot = world.wait_slot(agent, d.pkcs, seconds=40)
    copies.more(1)
    copies.stop()
    d.copies = copies.taken
    d.last = {name: memory(pid) for name, pid in pids.items()}

    with open(agent.key_file(d.pkcs["id"]), "rb") as f:
        d.key = serialization.load_pem_private_key(f.read(), None)
    sent = bytes(d.agent_wire.seen["from the service"]).decode(errors="replace")
    d.pfx = base64.b64decode(re.search(r'"pfx"\s*:\s*"([^"]*)"', sent).group(1).replace("\\/", "/"))
    d.sealed_password = base64.b64decode(re.search(r'"password"\s*:\s*"([^"]*)"', sent).group(1).replace("\\/", "/"))
    d.password = unseal(agent, d.sealed_password)
    d.needles = {**needles_of_key(d.key), **needles_of_password(d.password)}
    yield d
    d.connector_wire.close()
    d.agent_wire.close()


# Where it belongs it is found

def test_rule_3_the_parcel_holds_the_very_key_that_is_searched_for(done):
    key, cert, _ = pkcs12.load_key_and_certificates(unseal(done.agent, done.pfx), done.password)
    assert key.private_numbers() == done.key.private_numbers()
    assert der(cert) == der(done.agent.leaf(done.pkcs["id"]))
    assert len(done.password) == 24


def test_rule_3_the_search_finds_the_key_in_the_files_of_the_agent(done):
    with open(done.agent.key_file(done.pkcs["id"]), "rb") as f:
        assert search(f.read(), done.needles) != []


def test_rule_3_the_search_finds_the_key_in_the_memory_of_connector_keys_while_it_works(done):
    found = search(done.at_work, done.needles)
    assert any(name.startswith(("p[", "q[")) for name in found), found


# Where it must not be it is not found

def test_rule_3_no_process_but_connector_keys_ever_has_the_key_or_the_password_in_memory(done):
    for name, copies in done.copies.items():
        if name == "connector/keys":
            continue
        assert len(copies) >= 3, name
        for data in copies + [done.last[name]]:
            assert len(data) > 100000, name
            assert search(data, done.needles) == [], name


def test_rule_3_connector_keys_forgets_the_key_and_the_password_when_the_parcel_is_sealed(done):
    assert search(done.last["connector/keys"], done.needles) == []


def test_rule_3_the_copies_of_memory_hold_what_the_service_worked_on(world, done):
    """They were taken while it happened: the ciphertext of the parcel is in them."""
    texts = [t for t in base64_forms(done.sealed_password[200:260])] + [done.sealed_password[200:232]]
    assert any(t in data for t in texts for data in done.copies["service/front"] + [done.last["service/front"]])
    assert b"ada@contoso.example" in done.last["service/front"]


def nothing_on_the_wire(relay, needles):
    for direction, data in relay.seen.items():
        assert len(data) > 1000, direction
        text = bytes(data)
        assert search(text, needles) == []
        # And in whatever was packed into base64 inside of it.
        for packed in re.findall(rb'"([A-Za-z0-9+/\\]{64,}={0,2})"', text):
            inner = base64.b64decode(packed.replace(b"\\/", b"/") + b"===")
            assert search(inner, needles) == []
            assert b"PRIVATE KEY" not in inner


def test_rule_3_no_key_and_no_password_in_what_goes_over_the_wire(done):
    for relay in (done.connector_wire, done.agent_wire):
        nothing_on_the_wire(relay, done.needles)
    assert b64(done.pfx)[:64].encode() in bytes(done.connector_wire.seen["to the service"]).replace(b"\\/", b"/")


def test_rule_3_no_key_and_no_password_in_the_files_of_the_service_the_ca_and_the_connector(world, done):
    looked = []
    for role in world.ROLES:
        for path in glob.glob(f"{world.dir}/{role}/**", recursive=True) + [world.log_file(role)]:
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                data = f.read()
            looked.append(os.path.basename(path))
            assert search(data, done.needles) == [], path
    for name in ("service.db", "service.db-wal", "service.log", "connector.log", "ca.log"):
        assert name in looked


def test_rule_3_the_store_holds_the_parcel_or_what_is_left_of_it_as_ciphertext_only(world, done):
    with open(glob.glob(f"{world.state_dir('service')}/**/service.db-wal", recursive=True)[0], "rb") as f:
        data = f.read()
    assert done.sealed_password[200:232] in data, "the search looks where the parcel is"


def test_rule_3_the_agent_does_not_keep_the_password(done):
    for at, _, files in os.walk(done.agent.dir):
        for name in files:
            with open(os.path.join(at, name), "rb") as f:
                assert search(f.read(), needles_of_password(done.password)) == [], name


def test_rule_3_the_identity_key_of_the_device_leaves_it_nowhere(world, done):
    with open(os.path.join(done.agent.state, "identity.pem"), "rb") as f:
        key = serialization.load_pem_private_key(f.read(), None)
    needles = needles_of_key(key)
    for relay in (done.connector_wire, done.agent_wire):
        for data in relay.seen.values():
            assert search(bytes(data), needles) == []
    for name, data in done.last.items():
        assert search(data, needles) == [], name


# The other kind of job: the key came in a file

@pytest.fixture(scope="module")
def imported(world, done, tmp_path_factory):
    """The way of a file with a key, from the administrator's machine to the device, with everything kept as above."""
    class Imported:
        pass
    i = Imported()
    folder = tmp_path_factory.mktemp("imported")
    user = world.api("GET", "/v1.0/users/ada@contoso.example")
    mail = profile(world, "Mail", "smimeEncryption", world.add_group("Mail", user))
    theirs = b"what-its-owner-called-a-secret"
    p12, key_file, cert = Made(folder).pfx("ada", password=theirs.decode())
    with open(folder / "pw", "wb") as f:
        f.write(theirs)
    import_key = make_import_key(world)
    pids = {f"{role}/{name}": pid for role in world.ROLES for name, pid in world.pids(role).items()}
    copies = Copies(pids, every=0.5)
    world.cli("pfx", "import", p12, "--user", "ada@contoso.example", "--purpose", "smimeEncryption",
              "--password-file", str(folder / "pw"), "--key", import_key)
    wait_held(done.agent, mail["id"], {thumbprint(cert)})
    copies.more(1)
    copies.stop()
    i.copies = {name: taken + [memory(pids[name])] for name, taken in copies.taken.items()}
    sent = bytes(done.agent_wire.seen["from the service"]).decode(errors="replace").replace("\\/", "/")
    i.pfx, i.sealed_password = (base64.b64decode(re.findall(rf'"{name}"\s*:\s*"([^"]*)"', sent)[-1])
                                for name in ("pfx", "password"))
    i.password = unseal(done.agent, i.sealed_password)
    with open(key_file, "rb") as f:
        i.key = serialization.load_pem_private_key(f.read(), None)
    i.needles = {**needles_of_key(i.key), **needles_of_password(i.password),
                 **{f"theirs, {name}": n for name, n in needles_of_password(theirs).items()}}
    return i


def test_rule_3_the_parcel_of_an_imported_certificate_holds_its_key(done, imported):
    key, _, _ = pkcs12.load_key_and_certificates(unseal(done.agent, imported.pfx), imported.password)
    assert key.private_numbers() == imported.key.private_numbers()


def opened_by_nss(folder, pfx, password):
    """What a browser's library makes of a parcel: its certificates (DER) that have their key."""
    folder.mkdir()
    (folder / "parcel.p12").write_bytes(pfx)
    (folder / "password").write_bytes(password)
    place = ("-d", f"sql:{folder}")
    for args in (("certutil", "-N", "--empty-password"),
                 ("pk12util", "-i", str(folder / "parcel.p12"), "-w", str(folder / "password"), "-K", "")):
        subprocess.run([*args, *place], check=True, capture_output=True)
    keys = subprocess.run(["certutil", "-K", *place], check=True, capture_output=True, text=True).stdout
    assert "(orphan)" not in keys, keys
    names = re.findall(r"^< *\d+> +rsa +[0-9a-f]+ +(.+)$", keys, re.M)
    # Named as "token:nickname".
    return [subprocess.run(["certutil", "-L", "-r", "-n", name.strip().split(":")[-1], *place], check=True,
                           capture_output=True).stdout for name in names]


def test_nss_takes_the_parcels_as_well_with_their_keys(done, imported, tmp_path):
    for name, d in (("made", done), ("imported", imported)):
        mine, = opened_by_nss(tmp_path / name, unseal(done.agent, d.pfx), d.password)
        _, cert, _ = pkcs12.load_key_and_certificates(unseal(done.agent, d.pfx), d.password)
        assert mine == der(cert), name


def test_rule_3_nothing_of_an_imported_key_and_its_passwords_goes_over_the_wire(done, imported):
    for relay in (done.connector_wire, done.agent_wire):
        nothing_on_the_wire(relay, imported.needles)
    # What is looked at is what carried the parcel.
    for relay, direction in ((done.connector_wire, "to the service"), (done.agent_wire, "from the service")):
        assert b64(imported.pfx)[:64].encode() in bytes(relay.seen[direction]).replace(b"\\/", b"/")


def test_rule_3_no_process_but_connector_keys_ever_has_an_imported_key_or_its_passwords(imported):
    # Of the many forms those that a program works with; the others are looked for where it is quiet again.
    worked_with = {n: v for n, v in imported.needles.items()
                   if n.startswith(("p[", "q[", "PKCS", "password", "theirs"))}
    for name, taken in imported.copies.items():
        if name == "connector/keys":
            continue
        assert len(taken) >= 2, name
        for data in taken[:-1]:
            assert search(data, worked_with) == [], name
        assert search(taken[-1], imported.needles) == [], name


def test_rule_3_connector_keys_forgets_an_imported_key_and_its_passwords(imported):
    assert search(imported.copies["connector/keys"][-1], imported.needles) == []
