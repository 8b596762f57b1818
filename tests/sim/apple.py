# SPDX-License-Identifier: Apache-2.0
"""An iPhone or a Mac as a management server sees it: enrolment, check-in, commands, channels.

Strict where real devices are: an answer that a device would not take raises Broken, 401 removes the management, a
profile that fails is rolled back. What a device may do at its own will (lock itself, sign or not, lose a profile) is an
attribute to set.
"""

import base64
import os
import plistlib
import ssl
import time
import urllib.parse
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from apple_declarative import Declarative
from apple_keys import check_command
from apple_profile import (CERTIFICATES, USES, Profile, Refused, load_plist, need, payload_error, read_certificate,
                           read_pkcs12)
from apple_scep import AppleScep
from broken import Broken
from clock import Clock

ENDLESS = 200  # commands in one session
RIGHTS = {"InstallProfile": 2, "RemoveProfile": 2, "ProfileList": 1, "CertificateList": 1, "DeviceInformation": 16,
          "EraseDevice": 8, "DeviceLock": 4, "DeclarativeManagement": 0}


class Unmanaged(Exception):
    """The device removed its management; why is the text."""


def mdm_error(code, text):
    return Refused("MCMDMErrorDomain", code, text)


class Channel:
    """The device's own, or that of one user of a Mac."""

    def __init__(self, ids):
        self.ids = ids
        self.profiles = {}  # PayloadIdentifier -> Profile
        self.token, self.magic = os.urandom(32), str(uuid.uuid4()).upper()
        self.declarative = None  # Declarative, once the server turned it on

    def items(self):
        return [i for p in self.profiles.values() for i in p.items]


class AppleDevice:
    CN, KeyUsage = x509.NameOID.COMMON_NAME, x509.KeyUsage

    def __init__(self, folder, model="iPhone15,2", name="Ada's iPhone", serial="F2LXK0AAN72J", version="17.4",
                 anchors="", days=0):
        self.dir = str(folder)
        self.clock = Clock(days)
        os.makedirs(self.dir, exist_ok=True)
        self.mac = model.startswith("Mac")
        self.model, self.name, self.serial, self.version = model, name, serial, version
        self.udid = "00008110-" + os.urandom(8).hex().upper()
        self.anchors = anchors       # PEM: what its trust store holds beside what profiles bring
        self.queries = {"IMEI": "35 099900 176148 1", "WiFiMAC": "a4:83:e7:01:02:03"}
        self.locked = False          # by its passcode: profiles wait
        self.tls_identity = True     # shows its certificate in TLS
        self.content_type = True     # says what it sends
        self.binary = False          # sends binary property lists
        self.fail = {}               # RequestType or PayloadType -> Refused
        self.not_now = set()         # RequestTypes that it puts off
        self.slow = 0                # seconds until it says so
        self.eager = False           # its reports go while the session is under way
        self.erased = False
        self.cut = None              # RequestType: after obeying it the connection is gone, once
        self.mdm = None              # the com.apple.mdm payload
        self.enrolment = None        # its profile
        self.user = None             # Channel of the user who is signed in
        self.device = Channel({"UDID": self.udid})
        self.log = []                # (RequestType, Status) of every command
        self.scep_runs = 0

    # What it trusts and who it is

    def trusted(self):
        roots = [i.cert for i in self.device.items() if i.key is None and i.cert.issuer == i.cert.subject]
        return self.anchors + "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in roots)

    @property
    def identity(self):
        held = self.enrolment.identity
        return held.cert, held.key

    def context(self, identity):
        c = ssl.create_default_context(cadata=self.trusted())
        if identity is not None:
            cert, key = (os.path.join(self.dir, n) for n in ("identity.pem", "identity.key"))
            with open(cert, "wb") as f:
                f.write(identity[0].public_bytes(serialization.Encoding.PEM))
            with open(key, "wb") as f:
                f.write(identity[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                  serialization.NoEncryption()))
            c.load_cert_chain(cert, key)
        return c

    def http(self, method, url, body=None, headers=None, identity=None):
        u = urllib.parse.urlsplit(url)
        if u.scheme != "https":
            raise Broken(f"{url}: not https")
        c = self.clock.connection(u.hostname, u.port, self.context(identity), 60)
        try:
            c.request(method, u.path + ("?" + u.query if u.query else ""), body, headers or {})
            r = c.getresponse()
            return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
        finally:
            c.close()

    # Enrolment by a person

    def browse(self, url, code):
        """A person opens the page, types the code and loads what is offered; the page's text if it is no profile."""
        status, headers, page = self.http("GET", url)
        if status != 200 or not headers["content-type"].startswith("text/html"):
            raise Broken(f"enrolment page: {status}")
        if b"<script" in page.lower():
            raise Broken("a page with a script")
        form = urllib.parse.urlencode({"code": code}).encode()
        status, headers, body = self.http("POST", url, form, {"Content-Type": "application/x-www-form-urlencoded"})
        if headers.get("content-type") != "application/x-apple-aspen-config":
            return status, body.decode(errors="replace")
        return status, body

    def enrol(self, data):
        """A person installs the enrolment profile."""
        if self.mdm is not None:
            raise mdm_error(12001, "already managed")
        profile = self.install(data, self.device, by_mdm=False)
        if self.mdm is None:
            raise payload_error(2002, "no management in it")
        try:
            self.check_in({"MessageType": "Authenticate", "Topic": self.mdm["Topic"], **self.facts()})
            self.token_update()
        except Refused:
            self.unmanage("enrolment failed")
            raise
        return profile

    def facts(self):
        f = {"UDID": self.udid, "DeviceName": self.name, "Model": self.model, "OSVersion": self.version,
             "BuildVersion": "21E219", "ProductName": self.model, "SerialNumber": self.serial}
        if self.mac:
            f["ModelName"] = "MacBook Pro"
        return f

    def token_update(self, channel=None):
        channel = channel or self.device
        message = {"MessageType": "TokenUpdate", "Topic": self.mdm["Topic"], "Token": channel.token,
                   "PushMagic": channel.magic, **channel.ids}
        if channel is self.device and not self.mac:
            message["AwaitingConfiguration"] = False
        self.check_in(message)

    def new_token(self):
        self.device.token = os.urandom(32)
        self.token_update()

    def sign_in(self, name, guid=None, network=False):
        """A user at a Mac: their channel begins with a token of its own. One of a directory, network or mobile, is
        asked for first: False if the server does not want to manage them."""
        if "com.apple.mdm.per-user-connections" not in self.mdm.get("ServerCapabilities", []):
            raise Broken("no user channel")
        channel = Channel({"UDID": self.udid, "UserID": guid or str(uuid.uuid4()).upper(),
                           "UserShortName": name, "UserLongName": name.title()})
        if network:
            status, _, answer = self.put(self.mdm["CheckInURL"], "application/x-apple-aspen-mdm-checkin",
                                         {"MessageType": "UserAuthenticate", **channel.ids})
            if status == 410:
                return False
            if status != 200 or load_plist(answer).get("DigestChallenge") != "":
                raise Broken(f"UserAuthenticate: {status} {answer[:300]!r}")
        self.user = channel
        self.token_update(channel)
        return True

    def unmanage(self, why):
        """Everything that came by the management goes."""
        self.mdm = self.enrolment = self.user = None
        self.device.profiles.clear()
        self.why = why

    def leave(self):
        """A person removes the management profile."""
        if self.mdm.get("CheckOutWhenRemoved"):
            self.check_in({"MessageType": "CheckOut", "Topic": self.mdm["Topic"], "UDID": self.udid})
        self.unmanage("removed by a person")

    # Messages

    def put(self, url, kind, message):
        body = plistlib.dumps(message, fmt=plistlib.FMT_BINARY if self.binary else plistlib.FMT_XML)
        headers = {"Content-Type": kind, "User-Agent": "MDM/1.0"} if self.content_type else {}
        cert, key = self.identity
        if self.mdm.get("SignMessage"):
            signed = (pkcs7.PKCS7SignatureBuilder().set_data(body).add_signer(cert, key, hashes.SHA256())
                      .sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature,
                                                         pkcs7.PKCS7Options.Binary]))
            headers["Mdm-Signature"] = base64.b64encode(signed).decode()
        status, got, answer = self.http("PUT", url, body, headers, (cert, key) if self.tls_identity else None)
        if status == 401:
            self.unmanage("401")
            raise Unmanaged("the server answered 401")
        if status == 403 and b"com.apple.unrecognized.device" in answer:
            self.unmanage("unrecognized device")
            raise Unmanaged("the server does not know the device")
        return status, got, answer

    def check_in(self, message):
        status, _, answer = self.put(self.mdm.get("CheckInURL", self.mdm["ServerURL"]),
                                     "application/x-apple-aspen-mdm-checkin", message)
        if status != 200:
            raise mdm_error(12002, f"{message['MessageType']}: {status} {answer[:300]!r}")
        return answer

    def ask(self, channel, message):
        """One exchange at the command URL: the next command, or None."""
        status, headers, answer = self.put(self.mdm["ServerURL"], "application/x-apple-aspen-mdm",
                                           {**channel.ids, **message})
        if status != 200:
            raise Broken(f"command channel: {status} {answer[:300]!r}")
        if not answer:
            return None
        if not headers.get("content-type", "").startswith("application/xml"):
            raise Broken(f"content type {headers.get('content-type')}")
        command = load_plist(answer)
        if not isinstance(command.get("CommandUUID"), str) or not isinstance(command.get("Command"), dict):
            raise Broken(f"no command: {answer[:300]!r}")
        check_command(command)
        return command

    def poll(self, channel=None):
        """A whole session: what was done in it, as (RequestType, Status)."""
        channel = channel or self.device
        begin = len(self.log)
        seen, put_off = set(), []
        command = self.ask(channel, {"Status": "Idle"})
        while command is not None:
            ident = command["CommandUUID"]
            if ident in seen or len(seen) == ENDLESS:
                raise Broken(f"{ident} sent twice in one session, which has no end")
            seen.add(ident)
            if command["Command"] in put_off:
                raise Broken(f"{command['Command']} sent again in the session that it was put off in")
            answer = self.obey(command["Command"], channel)
            if answer["Status"] == "NotNow":
                put_off.append(command["Command"])
            self.log.append((command["Command"].get("RequestType"), answer["Status"]))
            if self.mdm is None:
                break
            if self.eager and channel.declarative is not None:
                channel.declarative.run()
            if self.cut == command["Command"].get("RequestType"):
                self.cut = None
                break
            command = self.ask(channel, {"CommandUUID": ident, **answer})
        if channel.declarative is not None and self.mdm is not None:
            channel.declarative.run()
        return self.log[begin:]

    def lose(self, name, channel=None):
        """A person takes a profile away: what came by it is gone, and a device that reports says so."""
        channel = channel or self.device
        lost = channel.profiles.pop(name)
        if channel.declarative is not None:
            channel.declarative.run()
        return lost

    # Commands

    def obey(self, command, channel):
        kind = command.get("RequestType")
        handler = getattr(self, "do_" + str(kind), None)
        if handler is None:
            return self.error(mdm_error(12021, f"unknown request type {kind}"))
        try:
            if RIGHTS[kind] & ~self.mdm["AccessRights"]:
                raise mdm_error(12000, "access rights")
            if kind in self.fail:
                raise self.fail[kind]
            locked = self.locked and kind in ("InstallProfile", "CertificateList") and not self.mac
            if locked or kind in self.not_now:
                time.sleep(self.slow)
                return {"Status": "NotNow"}
            return {"Status": "Acknowledged", **(handler(command, channel) or {})}
        except Refused as e:
            return self.error(e)

    @staticmethod
    def error(e):
        return {"Status": "Error", "ErrorChain": [
            {"ErrorDomain": d, "ErrorCode": c, "LocalizedDescription": t, "USEnglishDescription": t}
            for d, c, t in e.chain]}

    def do_DeviceInformation(self, command, _channel):
        known = {**self.facts(), **self.queries, "Model": "MTJJ3"}
        if self.mac:
            known.pop("IMEI", None)
            known["HostName"] = "ada-mac.example.test"
        return {"QueryResponses": {q: known[q] for q in need(command, "Queries", list) if q in known}}

    def do_ProfileList(self, _command, channel):
        return {"ProfileList": [p.listed() for p in channel.profiles.values()]}

    def do_CertificateList(self, _command, channel):
        return {"CertificateList": [i.listed() for i in channel.items()]}

    def do_InstallProfile(self, command, channel):
        try:
            self.install(need(command, "Payload", bytes), channel, by_mdm=True)
        except Refused as e:
            raise e.within("MCInstallationErrorDomain", 4001, "Profile Installation Failed")

    def do_RemoveProfile(self, command, channel):
        name = need(command, "Identifier", str)
        if name not in channel.profiles:
            raise mdm_error(12075, f"{name} is not installed")
        if channel.profiles[name] is self.enrolment:
            self.leave()
            return
        del channel.profiles[name]

    def do_DeclarativeManagement(self, command, channel):
        if int(self.version.split(".")[0]) < (13 if self.mac else 15):
            raise mdm_error(12021, "unknown request type DeclarativeManagement")
        if channel.declarative is None:
            channel.declarative = Declarative(self, channel)
        channel.declarative.told(command.get("Data"))

    def do_EraseDevice(self, command, _channel):
        if self.mac and len(command.get("PIN", "")) != 6:
            raise mdm_error(12008, "PIN")
        self.erased = command

    def do_DeviceLock(self, command, _channel):
        if self.mac and len(command.get("PIN", "")) != 6:
            raise mdm_error(12008, "PIN")
        self.locked = True

    # Profiles

    def install(self, data, channel, by_mdm):
        """All of it or nothing."""
        p = Profile(data, self.dir, self.identity if self.enrolment is not None else None)
        if by_mdm and self.mac and (p.scope == "User") != (channel is not self.device):
            raise Refused("NSPOSIXErrorDomain", 1, f"a profile of scope {p.scope} on the wrong channel")
        if by_mdm and not self.mac and p.scope != "System":
            raise payload_error(2004, "PayloadScope")
        held = {q["PayloadUUID"]: self.take(q, p) for q in p.payloads
                if q["PayloadType"] in CERTIFICATES}
        p.items = [h for h in held.values() if h is not None]
        for q in p.payloads:
            if q["PayloadType"] in self.fail:
                raise self.fail[q["PayloadType"]]
            if q["PayloadType"] == "com.apple.mdm":
                self.take_mdm(q, p, held, by_mdm)
            elif q["PayloadType"] in USES and (not self.mac or q["PayloadType"] != "com.apple.eas.account"):
                USES[q["PayloadType"]](q)
            elif q["PayloadType"] not in CERTIFICATES:
                raise payload_error(2004, q["PayloadType"])
        channel.profiles[p.identifier] = p
        return p

    def take(self, payload, profile):
        kind = payload["PayloadType"]
        if kind in self.fail:
            raise self.fail[kind]
        if kind == "com.apple.security.pkcs12":
            return read_pkcs12(payload, self.dir)
        if kind == "com.apple.security.scep":
            self.scep_runs += 1
            # The roots of a profile are trusted before its other payloads are worked on.
            near = [read_certificate(q).cert for q in profile.payloads if q["PayloadType"] == "com.apple.security.root"]
            anchors = self.trusted() + "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in near)
            return AppleScep(payload, os.path.join(self.dir, "scep"), anchors, "CertificateService",
                             self.clock).run()
        return read_certificate(payload)

    def take_mdm(self, payload, profile, held, by_mdm):
        for key in ("IdentityCertificateUUID", "Topic", "ServerURL"):
            need(payload, key, str, payload_error, 2002, 2003)
        rights = need(payload, "AccessRights", int, payload_error, 2002, 2003)
        if not 0 < rights <= 8191 or (rights & 2 and not rights & 1):
            raise mdm_error(12000, f"access rights {rights}")
        if not payload["Topic"].startswith("com.apple.mgmt."):
            raise mdm_error(12022, payload["Topic"])
        for key in ("ServerURL", "CheckInURL"):
            if key in payload and not payload[key].startswith("https://"):
                raise mdm_error(12011, payload[key])
        if self.mdm is not None:
            same = all(self.mdm.get(k) == payload.get(k) for k in ("Topic", "ServerURL", "CheckInURL",
                                                                  "ServerCapabilities"))
            if not by_mdm or profile.identifier != self.enrolment.identifier:
                raise mdm_error(12009, "bad replacement profile")
            if not same or rights & ~self.mdm["AccessRights"]:
                raise mdm_error(12012, "replacement mismatch")
        profile.identity = held[payload["IdentityCertificateUUID"]]
        usage = profile.identity.cert.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.digital_signature:
            raise mdm_error(12016, "the identity is not for signatures")
        self.mdm, self.enrolment = payload, profile
