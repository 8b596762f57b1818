# SPDX-License-Identifier: Apache-2.0
"""An Android device with its agent, written from doc/agent-protocol.md alone: a client of the agent protocol to copy
from.

`KeyStore` stands for DevicePolicyManager: it refuses what Android would refuse. `AndroidAgent` speaks the protocol:
enrol, check in, do commands, renew, leave. Nothing is assumed of a message that the document does not promise, and what
is missing or more than promised in a command fails the test that runs it.
"""

import base64
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.parse
from datetime import timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "flow"))

from clock import Clock  # noqa: E402
from scep_client import (CERT_POLL, FAILURE, PENDING, PKCS_REQ, SUCCESS, ScepClient, der, elements,  # noqa: E402
                         oid_text, tlv)

PEM = serialization.Encoding.PEM
OID_CHALLENGE = "1.2.840.113549.1.9.7"
USAGES = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment"]
COMMON = {"id", "kind", "alias"}
NETWORK = {"ssid", "hidden", "automatic", "security", "hardware_address", "proxy"}
LOG_ON = NETWORK | {"eap", "certificate", "identity", "servers", "roots"}
MEMBERS = {
    "install_ca": COMMON | {"name", "der"},
    "install_identity": COMMON | {"name", "pfx", "password", "sha256", "scope", "access"},
    "enrol_scep": COMMON | {"name", "scope", "access", "urls", "challenge", "key", "subject", "san", "ekus",
                            "key_usage", "sha1", "root"},
    "install_network": COMMON | {"name", "sha256", "network"},
    "remove_network": COMMON,
    "remove_ca": COMMON,
    "remove_identity": COMMON,
    "wipe": {"id", "kind"},
}


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def load(data):
    return x509.load_der_x509_certificate(data)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def key_pem(key):
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Refused(Exception):
    """The service's answer that is no 200."""

    def __init__(self, status, error):
        self.status = status
        self.id = error.get("id")
        super().__init__(f"{status} {error}")


class Failed(Exception):
    """A command that did not work: what goes into its result."""

    def __init__(self, status, code, detail=""):
        self.status, self.code, self.detail = status, code, detail
        super().__init__(f"{status} {code}: {detail}")


def error(code, detail=""):
    return Failed("error", code, detail)


class KeyStore:
    """DevicePolicyManager and KeyChain of one user or profile."""

    def __init__(self, mode, sdk, packages=("com.example.vpn", "com.example.mail"), hardware_bits=(2048, 3072)):
        self.mode, self.sdk = mode, sdk
        self.packages = set(packages)
        self.hardware_bits = set(hardware_bits)
        self.locked = False
        self.user_says = True  # None: has not said anything yet
        self.cas = {}          # sha256 -> DER
        self.pairs = {}        # alias -> {"key", "chain", "selectable"}
        self.grants = {}       # alias -> packages
        self.wifi = set()      # aliases
        self.fail_next = None  # a Failed that the next call ends with

    def _enter(self):
        if self.fail_next is not None:
            failed, self.fail_next = self.fail_next, None
            raise failed
        if self.locked:
            raise Failed("not_now", "user_locked", "the credential store is not unlocked")

    def install_ca_cert(self, data):
        self._enter()
        if self.mode == "device_admin" and self.sdk >= 30:
            raise error("not_permitted", "installCaCert: SecurityException")
        cert = load(data)
        if not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise error("store_failed", "installCaCert returned false")
        self.cas[sha256(data)] = data

    def uninstall_ca_cert(self, data):
        self.cas.pop(sha256(data), None)

    def has_ca_cert(self, data):
        return sha256(data) in self.cas

    def install_key_pair(self, alias, key, chain, selectable):
        self._enter()
        if self.user_says is None:
            raise Failed("pending", "user_approval", "the user was asked")
        if self.user_says is False:
            raise error("user_declined", "the user said no")
        self._put(alias, key, chain, selectable)

    def _put(self, alias, key, chain, selectable):
        if key.public_key().public_numbers() != chain[0].public_key().public_numbers():
            raise error("cert_mismatch", "the first certificate is not for the key")
        for above, below in zip(chain[1:], chain):
            if below.issuer != above.subject:
                raise error("store_failed", "the chain is out of order")
        self.pairs[alias] = {"key": key, "chain": chain, "selectable": selectable}
        self.grants.pop(alias, None)  # another key: nobody was granted it
        self.wifi.discard(alias)

    def generate_key_pair(self, bits):
        self._enter()
        if bits not in self.hardware_bits:
            raise error("key_size_unsupported", f"KeyGenParameterSpec: {bits}")
        return rsa.generate_private_key(65537, bits)

    def set_key_pair_certificate(self, alias, key, chain, selectable):
        self._enter()
        self._put(alias, key, chain, selectable)

    def remove_key_pair(self, alias):
        self._enter()
        self.pairs.pop(alias, None)
        self.grants.pop(alias, None)
        self.wifi.discard(alias)

    def grant_key_pair_to_app(self, alias, package):
        if alias not in self.pairs or package not in self.packages:
            raise error("store_failed", f"grantKeyPairToApp({alias}, {package}) returned false")
        self.grants.setdefault(alias, set()).add(package)

    def grant_key_pair_to_wifi(self, alias):
        self.wifi.add(alias)


class AndroidScep(ScepClient):
    """The agent's own SCEP: the platform has none."""

    def __init__(self, url, folder, root, context, clock):
        super().__init__(url, folder)
        self.clock = clock
        self.root = root
        self.context = context
        self.found = None

    def fetch(self, query, body=None, content_type="application/x-pki-message"):
        try:
            status, kind, data = super().fetch(query, body, content_type)
        except OSError as e:
            raise Failed("not_now", "scep_network", str(e)) from e
        if status != 200:
            raise Failed("not_now" if status == 429 or status >= 500 else "error", f"scep_http_{status}",
                         data[:200].decode(errors="replace"))
        return status, kind, data

    def leads_to_root(self, cert, others):
        with open(self.path("root.pem"), "wb") as f:
            f.write(load(self.root).public_bytes(PEM))
        with open(self.path("others.pem"), "wb") as f:
            f.write(b"".join(c.public_bytes(PEM) for c in others))
        with open(self.path("cert.pem"), "wb") as f:
            f.write(cert.public_bytes(PEM))
        # Our clock may be wrong: the path counts as of the certificate's own beginning.
        begin = int(cert.not_valid_before.replace(tzinfo=timezone.utc).timestamp()) + 1
        return subprocess.run(["openssl", "verify", "-attime", str(begin), "-CAfile", self.path("root.pem"),
                               "-untrusted", self.path("others.pem"), self.path("cert.pem")], check=False,
                              capture_output=True).returncode == 0

    def certs(self):
        if self.found is None:
            found = super().certs()
            if self.root and not all(self.leads_to_root(c, found) for c in found):
                raise error("scep_ca", "GetCACert has certificates that do not lead to the root")
            self.found = found
        return self.found

    def run(self, key, csr, subject, poll):
        caps = self.caps()
        cipher = "aes-128-cbc" if {"AES", "SCEPStandard"} & set(caps) else "des-ede3-cbc"
        if cipher == "des-ede3-cbc" and "DES3" not in caps:
            raise error("scep_caps", " ".join(caps))
        ra = self.ra()
        cert = self._own(key, subject)
        # The same key is the same transaction.
        transaction = sha256(key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
        nonce = os.urandom(16)
        content = csr
        if poll:
            content = tlv(0x30, ra.issuer.public_bytes(), cert.subject.public_bytes())
        reply = self.send(self.message(CERT_POLL if poll else PKCS_REQ, self.seal(content, cipher), cert, key,
                                       transaction, nonce), key)
        assert reply.transaction == transaction and reply.recipient_nonce == nonce and reply.signer == ra
        if reply.status == PENDING:
            raise Failed("pending", "scep-pending", "the CA has not decided yet")
        if reply.status == FAILURE:
            raise error(f"scep_failinfo_{reply.fail_info}", reply.text)
        assert reply.status == SUCCESS
        return self.leaf(reply)

    def _own(self, key, subject):
        now = self.clock.now()
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now.replace(year=now.year - 1))
                .not_valid_after(now.replace(year=now.year + 1)).sign(key, hashes.SHA256()))


def name_of(data):
    """A Name from DER, by its attributes."""
    rdns = []
    for _tag, rdn, _whole in elements(elements(data)[0][1]):
        attributes = []
        for _t, ava, _w in elements(rdn):
            (_, arc, _), (tag, value, _) = elements(ava)
            attributes.append(x509.NameAttribute(x509.ObjectIdentifier(oid_text(arc)), value.decode(),
                                                 _type={0x0C: x509.name._ASN1Type.UTF8String,
                                                        0x13: x509.name._ASN1Type.PrintableString,
                                                        0x16: x509.name._ASN1Type.IA5String}[tag]))
        rdns.append(x509.RelativeDistinguishedName(attributes))
    return x509.Name(rdns)


class AndroidAgent:
    def __init__(self, url, root_file, folder, mode="device_owner", ownership=None, google_services=None, sdk=33,
                 name="pixel-7", days=0, **facts):
        self.url = urllib.parse.urlsplit(url)
        self.address = url
        self.clock = Clock(days)
        self.folder = folder
        self.roots = [load(base64.b64decode("".join(p.split("-----END")[0].split()))) for p in
                      open(root_file, encoding="ascii").read().split("-----BEGIN CERTIFICATE-----")[1:]]
        self.mode, self.ownership, self.google, self.sdk = mode, ownership, google_services, sdk
        self.name = name
        self.more = facts
        self.store = KeyStore(mode, sdk)
        self.aliases = {}  # alias -> DER of the CA certificate that is kept under it
        self.networks = {}  # alias -> what the command said
        self.pending = {}  # command id -> {"key", "asked"}
        self.seen = []     # commands, as they came
        self.may_wipe = mode == "device_owner"  # DevicePolicyManager.wipeData of the whole device
        self.wiped = False
        self.key = self.former_key = None
        self.id = self.cert = self.https = None
        os.makedirs(folder, exist_ok=True)

    # Transport

    def file(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def context(self, identity=True):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.load_verify_locations(self.file("roots.pem", b"".join(r.public_bytes(PEM) for r in self.roots)))
        if identity and self.cert is not None:
            c.load_cert_chain(self.file("identity.pem", load(self.cert).public_bytes(PEM) + key_pem(self.key)))
        return self.clock.context(c)

    def post(self, path, message):
        body = json.dumps({"protocol": 1, **message}).encode()
        for again in (True, False):
            if self.https is None:
                self.https = self.clock.connection(self.url.hostname, self.url.port, self.context(),
                                                        90)
            try:
                self.https.request("POST", path, body, {"Content-Type": "application/json"})
                r = self.https.getresponse()
                data = r.read()
                if r.will_close:
                    self.close()
                break
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if not again:
                    raise
        assert r.getheader("Content-Type") == "application/json"
        answer = json.loads(data)
        if r.status != 200:
            assert set(answer) == {"error"} and {"id", "message", "detail", "hint"} == set(answer["error"])
            raise Refused(r.status, answer["error"])
        return answer

    def close(self):
        if self.https is not None:
            self.https.close()
        self.https = None

    # What it is

    def facts(self):
        f = {"device_name": self.name, "os": "Android", "os_version": str(self.sdk - 20), "manufacturer": "Google",
             "model": "Pixel 7", "agent_version": "1", **self.more}
        personal = self.mode == "profile_owner" and self.ownership != "corporate" and self.sdk >= 31
        f["unavailable"] = ["serial", "imei", "meid"] if personal else []
        for hidden in f["unavailable"]:
            f.pop(hidden, None)
        return f

    def profile(self):
        p = {"platform": "android", "mode": self.mode}
        if self.ownership is not None:
            p["ownership"] = self.ownership
        if self.google is not None:
            p["google_services"] = self.google
        return p

    # Identity

    def _csr(self, key):
        return b64(x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(
            key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))

    def _joined(self, answer, key):
        assert set(answer) == {"device_id", "certificate", "chain", "roots", "poll_seconds"}
        cert = load(unb64(answer["certificate"]))
        assert cert.public_key().public_numbers() == key.public_key().public_numbers()
        usage = cert.extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.digital_signature and usage.key_encipherment
        self.roots = [load(unb64(r)) for r in answer["roots"]]
        if self.id is not None:
            assert answer["device_id"] == self.id
        self.id, self.cert = answer["device_id"], der(cert)
        self.former_key, self.key = self.key, key
        self.close()

    def enrol(self, code):
        key = self.key or rsa.generate_private_key(65537, 2048)
        answer = self.post("/agent/v1/enrol", {"code": code, "csr": self._csr(key),
                                               "facts": {**self.facts(), **self.profile()}})
        self._joined(answer, key)
        return self

    def renew(self):
        key = rsa.generate_private_key(65537, 2048)
        self._joined(self.post("/agent/v1/renew", {"csr": self._csr(key)}), key)

    # Check-ins

    def inventory(self):
        items = [{"alias": alias, "kind": "ca", "sha256": sha256(data), "has_key": False,
                  "not_after": load(data).not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")}
                 for alias, data in self.aliases.items() if self.store.has_ca_cert(data)]
        for alias, pair in self.store.pairs.items():
            leaf = pair["chain"][0]
            items.append({"alias": alias, "kind": "identity", "sha256": sha256(der(leaf)), "has_key": True,
                          "not_after": leaf.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")})
        items += [{"alias": alias, "kind": "network", "sha256": n["sha256"], "has_key": False}
                  for alias, n in self.networks.items()]
        return items

    def checkin(self, results=(), wait=0):
        answer = self.post("/agent/v1/checkin", {"wipe": self.may_wipe, "wait": wait, "facts": self.facts(),
                                                 "inventory": self.inventory(),
                                                 "results": list(results)})
        assert set(answer) == {"commands", "next_poll_seconds"}
        self.seen += answer["commands"]
        return answer["commands"]

    def turn(self, results=(), wait=0):
        """One check-in and what it asks for; the results to bring to the next."""
        return [self.obey(c) for c in self.checkin(results, wait)]

    def sync(self):
        """Until nothing is left to do that can be done now. The results of the last turn that did something."""
        results = []
        while True:
            did = self.turn(results)
            if not did or did == results:
                return results
            results = did

    def leave(self):
        self.post("/agent/v1/unenrol", {})
        for alias in list(self.store.pairs):
            self.store.remove_key_pair(alias)
        for data in self.aliases.values():
            self.store.uninstall_ca_cert(data)
        self.aliases.clear()
        self.networks.clear()
        try:
            self.checkin()
        except Refused as e:
            assert e.id in ("device-retired", "device-unknown")

    # Commands

    def obey(self, command):
        kind = command["kind"]
        if kind not in MEMBERS:
            return {"id": command["id"], "status": "error", "code": "unsupported", "detail": kind}
        assert set(command) == MEMBERS[kind], f"{kind}: {set(command) ^ MEMBERS[kind]}"
        try:
            more = getattr(self, "do_" + kind)(command) or {}
        except Failed as e:
            return {"id": command["id"], "status": e.status, "code": e.code, "detail": e.detail}
        return {"id": command["id"], "status": "ok", **more}

    def do_install_ca(self, c):
        data = unb64(c["der"])
        self.store.install_ca_cert(data)
        old = self.aliases.get(c["alias"])
        if old is not None and old != data:
            self.store.uninstall_ca_cert(old)
        self.aliases[c["alias"]] = data

    def do_install_network(self, c):
        """WifiNetworkSuggestion or WifiConfiguration with a WifiEnterpriseConfig, as the key chain allows it; or with a
        preSharedKey; or with neither."""
        n = c["network"]
        assert 0 < len(n["ssid"].encode()) <= 32
        if n["security"] in ("open", "wpa-psk", "wpa2-psk"):
            wants = NETWORK if n["security"] == "open" else NETWORK | {"key"}
            assert set(n) == wants, set(n) ^ wants
            key = self.unseal(unb64(n["key"])).decode("ascii") if "key" in n else None
            assert key is None or re.fullmatch("[ -~]{8,63}|[0-9A-Fa-f]{64}", key)
            self.networks[c["alias"]] = {**n, "key": key, "sha256": c["sha256"]}
            return
        assert set(n) == LOG_ON, set(n) ^ LOG_ON
        assert n["security"] in ("wpa-eap", "wpa2-eap")
        if n["eap"] != "tls":
            raise error("unsupported", n["eap"])
        if n["certificate"] not in self.store.pairs or n["certificate"] not in self.store.wifi:
            raise error("store_failed", "isKeyPairGrantedToWifiAuth: false")
        # Since Android 11 a server that is not checked is refused.
        if not n["roots"] or not n["servers"]:
            raise error("not_permitted", "no CA certificate or no domain: SecurityException")
        self.networks[c["alias"]] = {**n, "sha256": c["sha256"], "roots": [load(unb64(r)) for r in n["roots"]]}

    def do_remove_network(self, c):
        self.networks.pop(c["alias"], None)

    def do_remove_ca(self, c):
        data = self.aliases.pop(c["alias"], None)
        if data is not None:
            self.store.uninstall_ca_cert(data)

    def do_wipe(self, _c):
        """The device says so before it does: afterwards there is nobody to say it."""
        if not self.may_wipe:
            raise error("not_permitted", "wipeData: SecurityException")
        self.wiped = True

    def do_remove_identity(self, c):
        self.store.remove_key_pair(c["alias"])

    def unseal(self, data):
        """CMS EnvelopedData to our identity, or to the one before."""
        for key in filter(None, (self.key, self.former_key)):
            done = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-inkey",
                                   self.file("unseal.pem", key_pem(key))], input=data, check=False, capture_output=True)
            if done.returncode == 0:
                return done.stdout
        raise error("decrypt_failed", "CMS")

    def open_pfx(self, data, password):
        """Android's parser (Bouncy Castle of up to release 13): triple DES and SHA-1 only."""
        info = subprocess.run(["openssl", "pkcs12", "-info", "-nokeys", "-nocerts", "-in",
                               self.file("in.p12", data), "-passin", "stdin"], input=password, check=False,
                              capture_output=True)
        if info.returncode != 0:
            raise error("bad_password", "PKCS12")
        if b"PBES2" in info.stderr or b"MAC: sha1" not in info.stderr:
            raise error("bad_password", "PKCS12 key store mac invalid - wrong password or corrupted file")
        key, leaf, others = pkcs12.load_key_and_certificates(data, password)
        return key, [leaf] + self.in_order(leaf, others)

    @staticmethod
    def in_order(leaf, others):
        chain, at, rest = [], leaf, list(others)
        while True:
            above = [c for c in rest if c.subject == at.issuer]
            if not above:
                return chain
            at = above[0]
            rest.remove(at)
            chain.append(at)

    def give_access(self, c):
        """Grants of the profile; who may choose it is part of the installation."""
        access = c["access"]
        assert set(access) == {"mode", "apps"} and access["mode"] in ("grant", "prompt")
        assert (access["mode"] == "grant") == bool(access["apps"])
        for package in access["apps"]:
            self.store.grant_key_pair_to_app(c["alias"], package)
        self.store.grant_key_pair_to_wifi(c["alias"])

    def do_install_identity(self, c):
        assert c["scope"] in ("user", "device")
        key, chain = self.open_pfx(self.unseal(unb64(c["pfx"])), self.unseal(unb64(c["password"])))
        if sha256(der(chain[0])) != c["sha256"]:
            raise error("cert_mismatch", "not the certificate that the command names")
        self.store.install_key_pair(c["alias"], key, chain, c["access"]["mode"] == "prompt")
        self.give_access(c)

    def make_csr(self, key, c, subject):
        b = (x509.CertificateSigningRequestBuilder().subject_name(subject)
             .add_attribute(x509.ObjectIdentifier(OID_CHALLENGE), c["challenge"].encode()))
        if c["san"]:
            b = b.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), unb64(c["san"])), False)
        if c["ekus"]:
            b = b.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(e) for e in c["ekus"]]), False)
        assert set(c["key_usage"]) <= set(USAGES)
        bits = [u in c["key_usage"] for u in USAGES]
        b = b.add_extension(x509.KeyUsage(*bits, False, False, False, False, False), True)
        return b.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def do_enrol_scep(self, c):
        assert c["key"]["algorithm"] == "rsa" and c["urls"] and len(c["challenge"]) == 32
        for other in [i for i in self.pending if i != c["id"] and self.pending[i]["alias"] == c["alias"]]:
            del self.pending[other]
        held = self.pending.get(c["id"])
        if held is None:
            held = self.pending[c["id"]] = {"key": self.store.generate_key_pair(c["key"]["bits"]), "asked": False,
                                            "alias": c["alias"]}
        subject = name_of(unb64(c["subject"]))
        leaf = others = None
        for i, url in enumerate(c["urls"]):
            context = self.context(identity=url.startswith(self.address + "/"))
            client = AndroidScep(url, os.path.join(self.folder, "scep"), unb64(c["root"]), context,
                                 self.clock)
            try:
                leaf = client.run(held["key"], self.make_csr(held["key"], c, subject), subject, held["asked"])
                others = client.certs()
                break
            except Failed as e:
                held["asked"] |= e.code == "scep-pending"
                if not e.code.startswith(("scep_network", "scep_http")) or i + 1 == len(c["urls"]):
                    raise
        if leaf.public_key().public_numbers() != held["key"].public_key().public_numbers():
            raise error("cert_mismatch", "not for our key")
        if not client.leads_to_root(leaf, others):
            raise error("cert_mismatch", "it does not lead to the root")
        self.store.set_key_pair_certificate(c["alias"], held["key"], [leaf] + self.in_order(leaf, others),
                                            c["access"]["mode"] == "prompt")
        self.give_access(c)
        del self.pending[c["id"]]
        return {"certificate": b64(der(leaf))}
