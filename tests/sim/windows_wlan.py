# SPDX-License-Identifier: Apache-2.0
"""Wi-Fi profiles as Windows reads them: the WLAN_profile, OneX and EAP schemas, element by element in their order.

Written from the published schemas; it knows nothing of any server. A document with an element that has no place
there, or not in this order, is refused as the system does.
"""

import hashlib
import re
import xml.etree.ElementTree as ET

from cryptography import x509
from cryptography.hazmat.primitives import serialization

WLAN = "http://www.microsoft.com/networking/WLAN/profile/v1"
WLAN2 = "http://www.microsoft.com/networking/WLAN/profile/v2"
ONEX = "http://www.microsoft.com/networking/OneX/v1"
P = "http://www.microsoft.com/provisioning/"
HOST, COMMON, BASE = P + "EapHostConfig", P + "EapCommon", P + "BaseEapConnectionPropertiesV1"
TLS1, TLS2, TLS3 = (P + f"EapTlsConnectionPropertiesV{n}" for n in (1, 2, 3))
PEAP1, PEAP2 = (P + f"MsPeapConnectionPropertiesV{n}" for n in (1, 2))
TTLS, CHAP2 = P + "EapTtlsConnectionPropertiesV1", P + "MsChapV2ConnectionPropertiesV1"
CLIENT = "1.3.6.1.5.5.7.3.2"


class NotValid(Exception):
    """What the schemas do not allow."""


class Reader:
    """The children of one element, taken in order."""

    def __init__(self, element):
        self.name, self.rest = element.tag, list(element)
        self.element = element

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and self.rest:
            raise NotValid(f"{self.rest[0].tag} in {self.name}")

    def maybe(self, ns, name):
        if self.rest and self.rest[0].tag == f"{{{ns}}}{name}":
            return self.rest.pop(0)
        return None

    def need(self, ns, name):
        found = self.maybe(ns, name)
        if found is None:
            raise NotValid(f"no {name} in {self.name}")
        return found

    def into(self, ns, name):
        return Reader(self.need(ns, name))

    def text(self, ns, name, pattern=".*", optional=False):
        found = self.maybe(ns, name) if optional else self.need(ns, name)
        if found is None:
            return None
        value = found.text or ""
        if len(found) or not re.fullmatch(pattern, value):
            raise NotValid(f"{name}: {value!r}")
        return value

    def truth(self, ns, name, optional=False):
        value = self.text(ns, name, "true|false", optional)
        return None if value is None else value == "true"

    def number(self, ns, name, low, high, optional=False):
        value = self.text(ns, name, "[0-9]{1,6}", optional)
        if value is not None and not low <= int(value) <= high:
            raise NotValid(f"{name}: {value}")
        return None if value is None else int(value)

    def thumbs(self, ns, name):
        out = []
        while self.rest and self.rest[0].tag == f"{{{ns}}}{name}":
            out.append(self.text(ns, name, "[0-9a-f]{2}( [0-9a-f]{2}){19}").replace(" ", ""))
        return out


class Network:
    """One profile, read: what it is called, how it is secured, whom it believes and what it shows."""

    def __init__(self, text):
        self.text = text
        self.single_sign_on = self.inner = self.outer = self.proxy = None
        self.issuers, self.purposes, self.needs_client = [], [], False
        self.roots, self.servers, self.methods = [], [], []
        try:
            root = ET.fromstring(text)
        except ET.ParseError as e:
            raise NotValid(str(e)) from e
        if root.tag != f"{{{WLAN}}}WLANProfile":
            raise NotValid(root.tag)
        with Reader(root) as r:
            self.profile(r)

    def profile(self, r):
        self.name = r.text(WLAN, "name", "(?s).{1,255}")
        with r.into(WLAN, "SSIDConfig") as config:
            with config.into(WLAN, "SSID") as ssid:
                digits = ssid.text(WLAN, "hex", "([0-9A-F]{2}){1,32}", optional=True)
                self.ssid = ssid.text(WLAN, "name", "(?s).{1,32}", optional=bool(digits))
                if digits and self.ssid is not None and bytes.fromhex(digits) != self.ssid.encode():
                    raise NotValid("two names of the network")
            self.hidden = config.truth(WLAN, "nonBroadcast", optional=True)
        if r.text(WLAN, "connectionType") != "ESS":
            raise NotValid("not a network with an access point")
        self.automatic = r.text(WLAN, "connectionMode", "auto|manual") == "auto"
        self.switches = r.truth(WLAN, "autoSwitch", optional=True)
        if self.switches is not None and not self.automatic:
            raise NotValid("autoSwitch of a network that is joined by hand")
        with r.into(WLAN, "MSM") as msm, msm.into(WLAN, "security") as security:
            self.security(security)

    def security(self, r):
        with r.into(WLAN, "authEncryption") as auth:
            self.authentication = auth.text(WLAN, "authentication", "open|shared|WPA|WPAPSK|WPA2|WPA2PSK")
            self.encryption = auth.text(WLAN, "encryption", "none|WEP|TKIP|AES")
            self.onex = auth.truth(WLAN, "useOneX", optional=True)
            self.fips = auth.truth(WLAN2, "FIPSMode", optional=True)
        if self.fips and (self.authentication, self.encryption) != ("WPA2", "AES"):
            raise NotValid("FIPS goes with WPA2 and AES")
        self.key = None
        if r.rest and r.rest[0].tag == f"{{{WLAN}}}sharedKey":
            with r.into(WLAN, "sharedKey") as shared:
                self.shared_key(shared)
        self.fits()
        self.key_caching = r.text(WLAN, "PMKCacheMode", "enabled|disabled", optional=True)
        self.key_minutes = r.number(WLAN, "PMKCacheTTL", 5, 1440, optional=True)
        self.keys = r.number(WLAN, "PMKCacheSize", 1, 255, optional=True)
        self.early = r.text(WLAN, "preAuthMode", "enabled|disabled", optional=True)
        self.early_tries = r.number(WLAN, "preAuthThrottle", 1, 16, optional=True)
        if self.onex:
            with r.into(ONEX, "OneX") as onex:
                self.log_on(onex)

    def shared_key(self, r):
        """Clear, as a profile store would never show it again: 8 to 63 characters, or the 64 digits themselves."""
        kind = r.text(WLAN, "keyType", "networkKey|passPhrase")
        if r.truth(WLAN, "protected"):
            raise NotValid("a key that another machine protected")
        self.key = r.text(WLAN, "keyMaterial", "[0-9A-Fa-f]{64}" if kind == "networkKey" else "[ -~]{8,63}")

    def fits(self):
        """Which encryption goes with which authentication, and who needs a key or 802.1X."""
        pair = self.authentication, self.encryption
        personal = self.authentication in ("WPAPSK", "WPA2PSK")
        if pair not in {("open", "none"), *((a, e) for a in ("WPA", "WPAPSK", "WPA2", "WPA2PSK")
                                            for e in ("TKIP", "AES"))}:
            raise NotValid(f"{pair}")
        if personal != (self.key is not None):
            raise NotValid("sharedKey and authentication")
        if bool(self.onex) != (self.authentication in ("WPA", "WPA2")):
            raise NotValid("useOneX and authentication")

    def log_on(self, r):
        self.times = [r.truth(ONEX, "cacheUserData", optional=True)]
        self.times += [r.number(ONEX, n, low, high, optional=True) for n, low, high in (
            ("heldPeriod", 1, 3600), ("authPeriod", 1, 3600), ("startPeriod", 1, 3600), ("maxStart", 1, 100),
            ("maxAuthFailures", 1, 100))]
        self.who = r.text(ONEX, "authMode", "machineOrUser|machine|user|guest", optional=True)
        if r.rest and r.rest[0].tag == f"{{{ONEX}}}singleSignOn":
            with r.into(ONEX, "singleSignOn") as s:
                self.single_sign_on = (
                    s.text(ONEX, "type", "preLogon|postLogon"), s.number(ONEX, "maxDelay", 0, 120, True),
                    s.truth(ONEX, "allowAdditionalDialogs", True), s.truth(ONEX, "userBasedVirtualLan", True))
        with r.into(ONEX, "EAPConfig") as eap:
            self.host(eap)

    # Methods

    def host(self, r):
        with r.into(HOST, "EapHostConfig") as host:
            with host.into(HOST, "EapMethod") as m:
                kind = m.number(COMMON, "Type", 1, 255)
                m.number(COMMON, "VendorId", 0, 0)
                m.number(COMMON, "VendorType", 0, 0)
                if m.number(COMMON, "AuthorId", 0, 311) != (311 if kind == 21 else 0):
                    raise NotValid("whose method that is")
            with host.into(HOST, "Config") as config:
                if kind == 21:
                    self.ttls(config)
                else:
                    self.method(config, kind)

    def method(self, r, want=None):
        with r.into(BASE, "Eap") as eap:
            kind = eap.number(BASE, "Type", 1, 255)
            if want is not None and kind != want:
                raise NotValid("two methods")
            self.methods.append(kind)
            if kind == 13:
                with eap.into(TLS1, "EapType") as t:
                    self.tls(t)
            elif kind == 25:
                with eap.into(PEAP1, "EapType") as t:
                    self.peap(t)
            elif kind == 26:
                with eap.into(CHAP2, "EapType") as t:
                    self.inner = ("mschapv2", t.truth(CHAP2, "UseWinLogonCredentials", True))
            else:
                raise NotValid(f"method {kind}")

    def server(self, r, ns):
        with r.into(ns, "ServerValidation") as s:
            self.quiet = s.truth(ns, "DisableUserPromptForServerValidation")
            self.servers = [n for n in s.text(ns, "ServerNames").split(";") if n]
            self.roots = s.thumbs(ns, "TrustedRootCA")

    def tls(self, r):
        with r.into(TLS1, "CredentialsSource") as c, c.into(TLS1, "CertificateStore") as store:
            store.truth(TLS1, "SimpleCertSelection", True)
        self.server(r, TLS1)
        r.truth(TLS1, "DifferentUsername")
        self.checks = r.truth(TLS2, "PerformServerValidation", True)
        self.checks_name = r.truth(TLS2, "AcceptServerName", True)
        if r.rest:
            with r.into(TLS2, "TLSExtensions") as x, x.into(TLS3, "FilteringInfo") as f:
                self.filter(f)

    def filter(self, r):
        if r.rest and r.rest[0].tag == f"{{{TLS3}}}CAHashList":
            with r.into(TLS3, "CAHashList") as c:
                if c.element.get("Enabled") != "true":
                    raise NotValid("a list that is off")
                self.issuers = c.thumbs(TLS3, "IssuerHash")
        named = {}
        if r.rest and r.rest[0].tag == f"{{{TLS3}}}EKUMapping":
            with r.into(TLS3, "EKUMapping") as mapping:
                while mapping.rest:
                    with mapping.into(TLS3, "EKUMap") as m:
                        name = m.text(TLS3, "EKUName", ".+")
                        named[name] = m.text(TLS3, "EKUOID", r"[0-2](\.[0-9]+)+")
        if r.rest:
            with r.into(TLS3, "ClientAuthEKUList") as c:
                self.needs_client = c.element.get("Enabled") == "true"
                while c.rest:
                    with c.into(TLS3, "EKUMapInList") as m:
                        self.purposes.append(named[m.text(TLS3, "EKUName")])

    def peap(self, r):
        self.server(r, PEAP1)
        r.truth(PEAP1, "FastReconnect")
        if r.truth(PEAP1, "InnerEapOptional"):
            raise NotValid("nothing in the tunnel")
        outer = self.quiet, self.servers, self.roots
        self.method(r)
        self.quiet, self.servers, self.roots = outer
        r.truth(PEAP1, "EnableQuarantineChecks")
        self.binding = r.truth(PEAP1, "RequireCryptoBinding")
        with r.into(PEAP1, "PeapExtensions") as x:
            self.checks = x.truth(PEAP2, "PerformServerValidation", True)
            self.checks_name = x.truth(PEAP2, "AcceptServerName", True)
            if x.rest:
                with x.into(PEAP2, "IdentityPrivacy") as i:
                    i.truth(PEAP2, "EnableIdentityPrivacy")
                    self.outer = i.text(PEAP2, "AnonymousUserName")

    def ttls(self, r):
        self.methods.append(21)
        with r.into(TTLS, "EapTtls") as t:
            with t.into(TTLS, "ServerValidation") as s:
                servers, roots = s.text(TTLS, "ServerNames"), s.thumbs(TTLS, "TrustedRootCAHash")
                self.quiet = s.truth(TTLS, "DisablePrompt")
            with t.into(TTLS, "Phase2Authentication") as inner:
                self.ttls_inner(inner)
            with t.into(TTLS, "Phase1Identity") as i:
                private = i.truth(TTLS, "IdentityPrivacy")
                self.outer = i.text(TTLS, "AnonymousIdentity", ".+", optional=not private)
        self.servers, self.roots, self.checks = [n for n in servers.split(";") if n], roots, True

    def ttls_inner(self, r):
        for name in ("PAP", "CHAP", "MSCHAP"):
            if r.maybe(TTLS, name + "Authentication") is not None:
                self.inner = (name.lower(), None)
                return
        if r.rest and r.rest[0].tag == f"{{{TTLS}}}MSCHAPv2Authentication":
            with r.into(TTLS, "MSCHAPv2Authentication") as m:
                self.inner = ("mschapv2", m.truth(TTLS, "UseWinlogonCredentials"))
            return
        self.host(r)

    # What it does

    def takes(self, cert, chain=()):
        """Whether this certificate passes the filter."""
        try:
            uses = {u.dotted_string for u in cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
        except x509.ExtensionNotFound:
            uses = set()
        if self.needs_client and not {CLIENT, *self.purposes} <= uses:
            return False
        above = {hashlib.sha1(c.public_bytes(serialization.Encoding.DER)).hexdigest() for c in chain}
        return not self.issuers or bool(above & set(self.issuers))
