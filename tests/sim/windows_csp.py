# SPDX-License-Identifier: Apache-2.0
"""The management tree of a simulated Windows 11 machine: what an OMA-DM server may read, write and run there.

Written from the published CSP documentation; it knows nothing of any server. Every operation answers with a SyncML
status and, on failure, the HRESULT that Windows reports beside it.
"""

import base64
import hashlib
import os
import re
import subprocess
import tempfile
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from windows_wlan import Network, NotValid

MSFT = "Vendor/MSFT/"
INTEGERS = {"KeyLocation", "PFXCertPasswordEncryptionType", "KeyUsage", "KeyProtection", "KeyLength", "RetryDelay",
            "RetryCount", "ValidPeriodUnits"}
PFX_NODES = {"KeyLocation", "ContainerName", "PFXCertBlob", "PFXCertPassword", "PFXCertPasswordEncryptionType",
             "PFXCertPasswordEncryptionStore", "PFXKeyExportable"}
SCEP_NODES = {"ServerURL", "Challenge", "EKUMapping", "KeyUsage", "SubjectName", "KeyProtection", "KeyLength",
              "HashAlgorithm", "CAThumbprint", "SubjectAlternativeNames", "ValidPeriod", "ValidPeriodUnits",
              "RetryDelay", "RetryCount", "TemplateName", "ContainerName", "CustomTextToShowInPrompt",
              "AADKeyIdentifierList"}
SCEP_NEEDED = {"ServerURL", "Challenge", "EKUMapping", "KeyUsage", "SubjectName", "KeyLength", "HashAlgorithm",
               "CAThumbprint"}
WIPES = ("doWipe", "doWipeProtected", "doWipePersistUserData", "doWipePersistProvisionedData")
STORES = {"Root", "CA", "TrustedPublisher", "TrustedPeople", "UntrustedCertificates"}
TPM, TPM_OR_SOFTWARE, SOFTWARE, HELLO = 1, 2, 3, 4
SCEP_OK, SCEP_PENDING, SCEP_FAILED, SCEP_UNKNOWN = 1, 2, 16, 32

E_INVALID_PASSWORD = 0x80070056
E_BAD_DATA = 0x80090005
E_NOT_SUPPORTED = 0x80090029
E_INVALID_ARG = 0x80070057
E_NOT_PROVISIONED = 0x80090016


class Failed(Exception):
    """A command that the machine does not carry out."""

    def __init__(self, status, hresult=0):
        self.status, self.hresult = status, hresult
        super().__init__(f"{status} 0x{hresult:08X}")


class Held:
    """A certificate in a store, with the key that belongs to it."""

    def __init__(self, cert, key=None, chain=(), exportable=False, provider=None):
        self.cert, self.key, self.chain = cert, key, list(chain)
        self.exportable, self.provider = exportable, provider
        self.der = cert.public_bytes(serialization.Encoding.DER)
        self.sha1 = hashlib.sha1(self.der).hexdigest().upper()


def cms_decrypt(der, cert, key):
    """By the openssl program: EnvelopedData to this certificate."""
    with tempfile.TemporaryDirectory() as d:
        pem, message = os.path.join(d, "id.pem"), os.path.join(d, "m.der")
        with open(pem, "wb") as f:
            f.write(cert.public_bytes(serialization.Encoding.PEM))
            f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()))
        with open(message, "wb") as f:
            f.write(der)
        done = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-in", message, "-binary",
                               "-recip", pem], check=False, capture_output=True)
    if done.returncode != 0:
        raise Failed(500, E_BAD_DATA)
    return done.stdout


class Tree:
    """The nodes. tpm: the machine has one. hello: Windows Hello for Business is set up. modern: takes AES in PFX
    files."""

    def __init__(self, facts, tpm=True, hello=False, modern=True):
        self.facts = facts              # path below ./ -> text
        self.tpm, self.hello, self.modern = tpm, hello, modern
        self.signed_in = True
        self.identity = None            # Held: what passwords of kind 1 are sealed to
        self.provider = None            # of the provisioning document
        self.dmclient = {}
        self.channel_for = None         # application -> the address that the push service gave for it; None: no push
        self.pushed = 0                 # PFN was written
        self.trust = {("Device", s): {} for s in STORES}
        self.trust.update({("User", s): {} for s in STORES - {"Root"}})
        self.pfx = {"Device": {}, "User": {}}
        self.scep = {"Device": {}, "User": {}}
        self.networks = {"Device": {}, "User": {}}
        self.wifi_writes = []           # (verb, name) of each document that was taken
        self.enrolling = []             # (scope, id) whose enrolment was started
        self.imports = 0
        self.unenrolled = self.wiped = False
        self.no_recovery = False        # there is no recovery environment that could reset it
        self.fails = {}                 # (verb, part of a path) -> (status, HRESULT): what goes wrong there

    # Where a path leads

    def locate(self, uri):
        if not uri.startswith("./") or "//" in uri or uri.endswith("/"):
            raise Failed(404)
        path = urllib.parse.unquote(uri[2:])
        scope = "Device"
        for name in ("Device", "User"):
            if path.startswith(name + "/"):
                scope, path = name, path[len(name) + 1:]
        if scope == "User" and not self.signed_in:
            raise Failed(404, 0x86000005)
        return scope, path

    def run(self, verb, uri, fmt=None, data=None):
        """One command; returns what Get reads."""
        scope, path = self.locate(uri)
        for (what, part), (status, hresult) in self.fails.items():
            if what == verb and part in uri:
                raise Failed(status, hresult)
        if path.startswith(MSFT + "RootCATrustedCertificates"):
            return self.trust_node(verb, scope, path.split("/")[3:], data)
        if path.startswith(MSFT + "ClientCertificateInstall/"):
            return self.install_node(verb, scope, path.split("/")[3:], fmt, data)
        if path.startswith(MSFT + "CertificateStore/MY/"):
            return self.store_node(verb, uri, path.split("/")[4:])
        if path.startswith(MSFT + "WiFi/Profile"):
            return self.wifi_node(verb, scope, self.networks[scope], path.split("/")[4:], fmt, data)
        if path.startswith(MSFT + "DMClient/"):
            return self.dmclient_node(verb, path.split("/")[3:], data)
        if path.startswith(MSFT + "RemoteWipe/"):
            return self.wipe_node(verb, scope, path.split("/")[3:])
        return self.fact(verb, path)

    def wipe_node(self, verb, scope, parts):
        """RemoteWipe: the status says whether the machine takes it on; it resets itself afterwards."""
        if scope != "Device" or parts not in ([n] for n in WIPES):
            raise Failed(404)
        if verb != "Exec":
            raise Failed(405)
        if self.no_recovery:
            raise Failed(500)
        self.wiped = parts[0]
        return None

    def fact(self, verb, path):
        if path in self.facts:
            if verb != "Get":
                raise Failed(405)
            return self.facts[path]
        below = sorted({k[len(path) + 1:].split("/")[0] for k in self.facts if k.startswith(path + "/")})
        if not below:
            raise Failed(404)
        if verb != "Get":
            raise Failed(405)
        return "/".join(urllib.parse.quote(n, safe="") for n in below)

    # RootCATrustedCertificates

    def trust_node(self, verb, scope, parts, data):
        if not parts:
            return "/".join(sorted(STORES))
        store = self.trust.get((scope, parts[0]))
        if store is None:
            raise Failed(404)
        if len(parts) == 1:
            if verb != "Get":
                raise Failed(405)
            return "/".join(store)
        name = parts[1].upper()
        if not re.fullmatch("[0-9A-F]{40}", name):
            raise Failed(500, E_INVALID_ARG)
        if len(parts) == 2:
            if name not in store:
                raise Failed(404)
            if verb == "Delete":
                del store[name]
                return None
            return "EncodedCertificate/IssuedBy/IssuedTo/ValidFrom/ValidTo/TemplateName"
        if parts[2] != "EncodedCertificate":
            if name in store and verb == "Get" and parts[2] == "IssuedTo":
                return store[name].subject.rfc4514_string()
            raise Failed(404 if name not in store else 405)
        if verb == "Get":
            if name not in store:
                raise Failed(404)
            return base64.b64encode(store[name].public_bytes(serialization.Encoding.DER)).decode()
        if verb == "Add" and name in store:
            raise Failed(418)
        if verb not in ("Add", "Replace"):
            raise Failed(405)
        if "\n" in data or "\r" in data:
            raise Failed(500, E_INVALID_ARG)
        try:
            der = base64.b64decode(data, validate=True)
            cert = x509.load_der_x509_certificate(der)
        except ValueError as e:
            raise Failed(500, 0x8009310B) from e
        if hashlib.sha1(der).hexdigest().upper() != name:
            raise Failed(500, E_INVALID_ARG)
        store[name] = cert
        return None

    # ClientCertificateInstall

    def install_node(self, verb, scope, parts, fmt, data):
        if parts[0] == "PFXCertInstall":
            return self.pfx_node(verb, self.pfx[scope], parts[1:], fmt, data)
        if parts[0] == "SCEP":
            return self.scep_node(verb, scope, self.scep[scope], parts[1:], fmt, data)
        raise Failed(404)

    @staticmethod
    def check_format(name, fmt, data):
        want = "int" if name in INTEGERS else "bool" if name == "PFXKeyExportable" else "chr"
        if fmt != want:
            raise Failed(415)
        if want == "int" and not re.fullmatch("[0-9]{1,9}", data):
            raise Failed(500, E_INVALID_ARG)
        if want == "bool" and data not in ("true", "false"):
            raise Failed(500, E_INVALID_ARG)

    def pfx_node(self, verb, place, parts, fmt, data):
        if not parts:
            return "/".join(urllib.parse.quote(n, safe="") for n in place)
        ident, node = parts[0], parts[1] if len(parts) > 1 else None
        if len(parts) > 2:
            raise Failed(404)
        entry = place.get(ident)
        if node is None:
            if verb == "Add" and fmt == "node" and entry is None:
                place[ident] = {}
                return None
            if entry is None:
                raise Failed(404)
            if verb == "Delete":
                del place[ident]
                return None
            if verb != "Get":
                raise Failed(405)
            return "/".join(sorted(k for k in entry if k in PFX_NODES))
        if node in ("Thumbprint", "Status"):
            if verb != "Get":
                raise Failed(405)
            if entry is None or "held" not in entry and node == "Thumbprint":
                raise Failed(404)
            return entry["held"].sha1 if node == "Thumbprint" else str(entry.get("status", 0))
        if node not in PFX_NODES:
            raise Failed(404)
        if verb == "Get":
            if entry is None or node not in entry or node in ("PFXCertPassword",):
                raise Failed(404)
            return entry[node]
        if verb not in ("Add", "Replace"):
            raise Failed(405)
        self.check_format(node, fmt, data)
        exists = entry is not None and node in entry
        if verb == "Add" and exists:
            raise Failed(418)
        if verb == "Replace" and not exists:
            raise Failed(404)
        entry = place.setdefault(ident, {})
        entry[node] = data
        if node == "PFXCertBlob":
            try:
                entry["held"] = self.import_pfx(entry)
            except Failed:
                del entry[node]
                raise
            entry["status"] = 0
            del entry["PFXCertPassword"]
        return None

    def import_pfx(self, entry):
        if "KeyLocation" not in entry:
            raise Failed(500, E_INVALID_ARG)
        where = int(entry["KeyLocation"])
        if where not in (TPM, TPM_OR_SOFTWARE, SOFTWARE, HELLO):
            raise Failed(500, E_INVALID_ARG)
        exportable = entry.get("PFXKeyExportable", "true") == "true"
        if exportable and where != SOFTWARE:
            raise Failed(500, E_INVALID_ARG)
        password = entry.get("PFXCertPassword", "")
        kind = int(entry.get("PFXCertPasswordEncryptionType", "0"))
        if kind == 1:
            try:
                sealed = base64.b64decode(password, validate=True)
            except ValueError as e:
                raise Failed(500, E_BAD_DATA) from e
            password = cms_decrypt(sealed, self.identity.cert, self.identity.key)
        elif kind == 0:
            password = password.encode()
        else:
            raise Failed(500, E_NOT_SUPPORTED)
        try:
            blob = base64.b64decode(entry["PFXCertBlob"], validate=True)
        except ValueError as e:
            raise Failed(500, E_BAD_DATA) from e
        # Windows before 1709 does not know PBES2, 1.2.840.113549.1.5.13.
        if not self.modern and bytes.fromhex("2a864886f70d01050d") in blob:
            raise Failed(500, E_INVALID_PASSWORD)
        try:
            key, cert, chain = pkcs12.load_key_and_certificates(blob, password)
        except ValueError as e:
            raise Failed(500, E_INVALID_PASSWORD) from e
        if key is None or cert is None:
            raise Failed(500, E_BAD_DATA)
        provider = self.place_key(where, key, entry)
        self.imports += 1
        return Held(cert, key, chain, exportable, provider)

    def place_key(self, where, key, entry):
        """Which provider takes the key; TPMs take RSA up to 2048 here."""
        fits = isinstance(key, rsa.RSAPrivateKey) and key.key_size <= 2048
        if where == HELLO:
            if not self.hello or not entry.get("ContainerName"):
                raise Failed(500, E_NOT_PROVISIONED)
            if not fits:
                raise Failed(500, E_NOT_SUPPORTED)
            return "hello"
        if where == TPM:
            if not self.tpm or not fits:
                raise Failed(500, E_NOT_SUPPORTED)
            return "tpm"
        if where == TPM_OR_SOFTWARE and self.tpm:
            # The choice is made by the machine, not by the key.
            if not fits:
                raise Failed(500, E_NOT_SUPPORTED)
            return "tpm"
        return "software"

    def scep_node(self, verb, scope, place, parts, fmt, data):
        if not parts:
            return "/".join(urllib.parse.quote(n, safe="") for n in place)
        ident, rest = parts[0], parts[1:]
        entry = place.get(ident)
        if not rest:
            if verb == "Add" and fmt == "node":
                if entry is not None:
                    raise Failed(418)
                place[ident] = {"install": {}, "status": SCEP_UNKNOWN, "error": 0}
                return None
            if entry is None:
                raise Failed(404)
            if verb == "Delete":
                del place[ident]
                return None
            raise Failed(405)
        if entry is None:
            raise Failed(404)
        if rest[0] != "Install":
            if verb != "Get" or len(rest) != 1:
                raise Failed(405)
            values = {"Status": str(entry["status"]), "ErrorCode": str(entry["error"]),
                      "CertThumbprint": entry["held"].sha1 if "held" in entry else None,
                      "RespondentServerUrl": entry.get("url")}
            if values.get(rest[0]) is None:
                raise Failed(404)
            return values[rest[0]]
        if len(rest) != 2:
            raise Failed(404)
        return self.scep_install(verb, scope, ident, entry, rest[1], fmt, data)

    def scep_install(self, verb, scope, ident, entry, node, fmt, data):
        install = entry["install"]
        if node == "Enroll":
            if verb != "Exec":
                raise Failed(405)
            if not SCEP_NEEDED <= set(install):
                raise Failed(500, E_INVALID_ARG)
            self.check_scep(install)
            entry["status"], entry["error"] = SCEP_PENDING, 0
            entry["order"] = dict(install)
            install.pop("Challenge")
            self.enrolling.append((scope, ident))
            return None
        if node not in SCEP_NODES:
            raise Failed(404)
        if verb == "Get":
            if node not in install:
                raise Failed(404)
            return install[node]
        if verb not in ("Add", "Replace"):
            raise Failed(405)
        self.check_format(node, fmt, data)
        if verb == "Add" and node in install:
            raise Failed(418)
        if verb == "Replace" and node not in install and node != "Challenge":
            raise Failed(404)
        install[node] = data
        return None

    def check_scep(self, install):
        bits, where = int(install["KeyLength"]), int(install.get("KeyProtection", SOFTWARE))
        if bits not in (1024, 2048, 4096) or where not in (TPM, TPM_OR_SOFTWARE, SOFTWARE, HELLO):
            raise Failed(500, E_INVALID_ARG)
        if bits == 4096 and where != SOFTWARE:
            raise Failed(500, E_NOT_SUPPORTED)
        if where == TPM and not self.tpm or where == HELLO and not (self.hello and install.get("ContainerName")):
            raise Failed(500, E_NOT_SUPPORTED)
        if not re.fullmatch("[0-9A-Fa-f]{40}", install["CAThumbprint"]):
            raise Failed(500, E_INVALID_ARG)
        if not set(install["HashAlgorithm"].split("+")) <= {"SHA-1", "SHA-2", "SHA-3"}:
            raise Failed(500, E_INVALID_ARG)
        if not all(re.fullmatch(r"[0-2](\.[0-9]+)+", o) for o in install["EKUMapping"].split("+")):
            raise Failed(500, E_INVALID_ARG)
        for san in filter(None, install.get("SubjectAlternativeNames", "").split(";")):
            if not re.fullmatch(r"(2|3|7|11)\+.+", san):
                raise Failed(500, E_INVALID_ARG)
        if not int(install["KeyUsage"]) & 0xa0:
            raise Failed(500, E_INVALID_ARG)

    def store_node(self, verb, uri, parts):
        """CertificateStore, which is below ./Device alone: MY/System is the machine's store, MY/User that of the user
        who is signed in."""
        if uri.startswith("./User/") or len(parts) != 3 or parts[2] != "EncodedCertificate":
            raise Failed(404)
        scope = {"System": "Device", "User": "User"}.get(parts[0])
        if scope is None or scope == "User" and not self.signed_in:
            raise Failed(404)
        if verb != "Get":
            raise Failed(405)
        for held in self.held(scope).values():
            if held.sha1 == parts[1].upper():
                return base64.b64encode(held.der).decode()
        raise Failed(404)

    # WiFi

    def wifi_node(self, verb, scope, place, parts, fmt, data):
        """WiFi CSP: a profile is there as soon as its document is, under the name that stands in it."""
        if not parts:
            return "/".join(urllib.parse.quote(n, safe="") for n in place)
        name, node = parts[0], parts[1] if len(parts) > 1 else None
        entry = place.get(name)
        if verb in ("Get", "Delete") and (entry is None or node is not None and node not in entry):
            raise Failed(404)
        if node is None:
            if verb != "Delete":
                raise Failed(405)
            del place[name]
            return None
        if len(parts) > 2 or node not in ("WlanXml", "Proxy", "ProxyPacUrl", "ProxyWPAD", "WiFiCost"):
            raise Failed(404)
        if verb == "Get":
            return entry[node].text if node == "WlanXml" else entry[node]
        if verb == "Delete":
            del entry[node]
            return None
        if verb not in ("Add", "Replace"):
            raise Failed(405)
        exists = entry is not None and node in entry
        if verb == "Add" and exists:
            raise Failed(418)
        if verb == "Replace" and not exists:
            raise Failed(404)
        if fmt != ("int" if node == "WiFiCost" else "chr"):
            raise Failed(415)
        if node == "WlanXml":
            try:
                data = Network(data)
            except NotValid as e:
                raise Failed(500, E_INVALID_ARG) from e
            if data.name != name or data.ssid != name:
                raise Failed(500, E_INVALID_ARG)
            self.wifi_writes.append((verb, name))
        elif entry is None:
            raise Failed(404)
        elif node == "WiFiCost" and data not in ("1", "2", "3"):
            raise Failed(500, E_INVALID_ARG)
        place.setdefault(name, {})[node] = data
        return None

    def certificate_for(self, network, scope="Device"):
        """The certificates that the system would show to this network: those that pass its filter."""
        return [h for h in self.held(scope).values() if network.takes(h.cert, self.above(h))]

    def above(self, held):
        """The chain that the machine builds: what came along, and what it trusts itself."""
        known = [*held.chain, *(c for place in self.trust.values() for c in place.values())]
        out, top = [], held.cert
        while top is not None and top.issuer != top.subject:
            top = next((c for c in known if c.subject == top.issuer), None)
            out += [top] if top is not None else []
        return out

    # DMClient

    def dmclient_node(self, verb, parts, data):
        if parts == ["Unenroll"] and verb == "Exec":
            if data != self.provider:
                raise Failed(500, E_INVALID_ARG)
            self.unenrolled = True
            return None
        if parts[0] != "Provider" or len(parts) < 3 or parts[1] != self.provider:
            raise Failed(404)
        name = "/".join(parts[2:])
        if name == "Unenroll" and verb == "Exec":
            self.unenrolled = True
            return None
        if name.startswith("Push/"):
            return self.push_node(verb, name[5:], data)
        if verb == "Get":
            if name not in self.dmclient:
                raise Failed(404)
            return self.dmclient[name]
        if verb not in ("Add", "Replace"):
            raise Failed(405)
        self.dmclient[name] = data
        return None

    def push_node(self, verb, node, data):
        """DMClient, Push: with the package family name set, the machine has the push service give it a channel.
        Status 1: no such application, 4: no channel."""
        pfn = self.dmclient.get("Push/PFN")
        if node not in ("PFN", "ChannelURI", "Status") or self.channel_for is None:
            raise Failed(404)
        if node == "PFN" and verb in ("Add", "Replace"):
            if verb == "Add" and pfn is not None:
                raise Failed(418)
            if verb == "Replace" and pfn is None:
                raise Failed(404)
            self.dmclient["Push/PFN"] = data
            self.pushed += 1
            self.dmclient["Push/ChannelURI"] = self.channel_for(data)
            return None
        if verb != "Get":
            raise Failed(405)
        if node == "Status":
            return "4" if pfn is None else "0" if self.dmclient["Push/ChannelURI"] else "1"
        if self.dmclient.get("Push/" + node) is None:
            raise Failed(404)
        return self.dmclient["Push/" + node]

    # What the tests look at

    def held(self, scope="Device"):
        """Every identity that management put into this store: id -> Held."""
        found = {n: e["held"] for n, e in self.pfx[scope].items() if "held" in e}
        found.update({n: e["held"] for n, e in self.scep[scope].items() if "held" in e})
        return found

    def roots(self, store="Root", scope="Device"):
        return {name: c.public_bytes(serialization.Encoding.DER) for name, c in self.trust[scope, store].items()}

    def forget_all(self):
        """Leaving management takes everything along that came by it."""
        for place in (*self.trust.values(), *self.pfx.values(), *self.scep.values(), *self.networks.values()):
            place.clear()


def fingerprint(cert):
    return cert.fingerprint(hashes.SHA256()).hex()
