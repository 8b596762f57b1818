# SPDX-License-Identifier: Apache-2.0
"""A simulated Windows 11 machine: MS-MDE2 enrolment, renewal, and OMA-DM sessions.

Written from the published protocols and CSP documentation, without a look at any server's code. It is strict: where a
real machine would stop, this one raises Refused and says why. What management may do on it is windows_csp.py.
"""

import base64
import hashlib
import html.parser
import os
import re
import secrets
import ssl
import subprocess
import urllib.parse
import uuid
import xml.etree.ElementTree as ET

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clock import Clock
from windows_csp import Failed, Held, SCEP_FAILED, SCEP_OK, Tree
from windows_csr import windows_csr

S = "{http://www.w3.org/2003/05/soap-envelope}"
A = "{http://www.w3.org/2005/08/addressing}"
ENR = "http://schemas.microsoft.com/windows/management/2012/01/enrollment"
XCEP = "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy"
WST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PASSWORD_TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
CONFIG = "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment"
DISCOVER = ENR + "/IDiscoveryService/Discover"
POLICIES = XCEP + "/IPolicy/GetPolicies"
RST = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep"
RSTRC = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RSTRC/wstep"
PKCS10 = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10"
DM = "{SYNCML:SYNCML1.2}"
META = "{syncml:metinf}"
FORMATS = {"node", "chr", "int", "bool", "bin", "b64", "xml", "null", "date", "float"}
FAULTS = {"MessageFormat": 0x80180001, "Authentication": 0x80180002, "Authorization": 0x80180003,
          "CertificateRequest": 0x80180004, "EnrollmentServer": 0x80180005, "InternalServiceFault": 0x80180006,
          "InvalidSecurity": 0x80180007}
FAULT_TYPES = {"DeviceCapReached": 0x80180013, "DeviceNotSupported": 0x80180014, "NotSupported": 0x80180015,
               "NotEligibleToRenew": 0x80180016, "InMaintenance": 0x80180017, "UserLicense": 0x80180018,
               "InvalidEnrollmentData": 0x80180019}
MSFT = "http://schemas.microsoft.com/MobileDevice/MDM"


class Refused(Exception):
    """The machine stops here; a real one would show an error or stay silent."""


class Fault(Exception):
    """The server said no, in the way that the machine understands."""

    def __init__(self, hresult, text):
        self.hresult = hresult
        super().__init__(f"0x{hresult:08X}: {text}")


def need(claim, text):
    if not claim:
        raise Refused(text)


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


class Form(html.parser.HTMLParser):
    """The first form of a page: where it goes and what it carries."""

    def __init__(self, page):
        super().__init__()
        self.action, self.method, self.fields = None, "get", {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self.method = a.get("action", ""), a.get("method", "get").lower()
        if tag == "input" and a.get("name"):
            self.fields[a["name"]] = a.get("value", "")


class Session:
    """What happened in one session."""

    def __init__(self):
        self.messages = 0
        self.commands = []   # (verb, uri, status)
        self.largest = 0

    def done(self, verb):
        return [uri for v, uri, _ in self.commands if v == verb]


class WindowsDevice:
    """One machine. server: what the user typed, https://host:port."""

    APPRU = "ms-app://windows.immersivecontrolpanel"
    pkcs7 = WSSE + "#PKCS7"

    def __init__(self, server, root_file, folder, upn, name="PC-7", serial="SN-7", domain="", macs=(), imeis=(),
                 max_message=524288, os_version="10.0.22631.2861", days=0, **machine):
        self.server, self.root_file, self.folder, self.upn = server.rstrip("/"), root_file, str(folder), upn
        os.makedirs(self.folder, exist_ok=True)
        self.clock = Clock(days)
        self.name, self.max_message, self.os_version = name, max_message, os_version
        self.device_id = secrets.token_hex(16).upper()
        self.macs, self.imeis = list(macs), list(imeis)
        facts = {
            "DevInfo/DevId": self.device_id, "DevInfo/Man": "Example", "DevInfo/Mod": "Notebook 3",
            "DevInfo/DmV": "1.3", "DevInfo/Lang": "en-US", "DevDetail/Ext/Microsoft/SMBIOSSerialNumber": serial,
            "DevDetail/Ext/Microsoft/DeviceName": name, "DevDetail/Ext/Microsoft/DNSComputerName": name.lower(),
            "DevDetail/SwV": os_version, "DevDetail/OEM": "Example", "DevDetail/HwV": "1.0", "DevDetail/FwV": "2.4",
            "DevDetail/DevTyp": "Notebook", "Vendor/MSFT/DeviceStatus/OS/Edition": "4",
            "Vendor/MSFT/DeviceStatus/DomainName": domain}
        if machine.get("tpm", True):
            facts["Vendor/MSFT/DeviceStatus/TPM/SpecificationVersion"] = "2.0, 0, 1.59"
        for mac, kind in self.macs:
            base = f"Vendor/MSFT/DeviceStatus/NetworkIdentifiers/{mac}/"
            facts.update({base + "Type": str(kind), base + "IsConnected": "true", base + "IPAddressV4": "192.0.2.7"})
        for imei in self.imeis:
            facts[f"Vendor/MSFT/DeviceStatus/CellularIdentities/{imei}/IMSI"] = ""
        self.tree = Tree(facts, **machine)
        self.addr = self.last_addr = None
        self.discovered = None
        self.alerts = []
        self.session_id = 0
        self.policy_hash = None
        self.kind = None    # of the enrolment: whose store the certificate for the management is in
        self.piece = None   # characters of an object that it sends in one message; None: all of it

    # HTTP as the enrolment client does it

    def context(self):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.load_verify_locations(self.root_file)
        if self.tree.identity is not None:
            ctx.load_cert_chain(self.file("identity.pem"))
        return ctx

    def file(self, name):
        return os.path.join(self.folder, name)

    def http(self, method, url, body=None, headers=None, connection=None):
        u = urllib.parse.urlsplit(url)
        need(u.scheme == "https", f"{url} is not https")
        conn = connection or self.clock.connection(u.hostname, u.port or 443, self.context(), 60)
        conn.request(method, u.path + ("?" + u.query if u.query else ""), body,
                     {"User-Agent": "ENROLLClient", **(headers or {})})
        r = conn.getresponse()
        data = r.read()
        if connection is None:
            conn.close()
        return r, data

    def soap(self, url, action, header, body):
        message_id = f"urn:uuid:{uuid.uuid4()}"
        text = (f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{S[1:-1]}" xmlns:a="{A[1:-1]}" '
                f'xmlns:u="{WSU}" xmlns:wsse="{WSSE}" xmlns:wst="{WST}" '
                f'xmlns:ac="http://schemas.xmlsoap.org/ws/2006/12/authorization"><s:Header>'
                f'<a:Action s:mustUnderstand="1">{action}</a:Action><a:MessageID>{message_id}</a:MessageID>'
                f'<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>'
                f'<a:To s:mustUnderstand="1">{escape(url)}</a:To>{header}</s:Header>'
                f'<s:Body>{body}</s:Body></s:Envelope>')
        r, data = self.http("POST", url, text.encode(), {"Content-Type": "application/soap+xml; charset=utf-8"})
        need(r.getheader("Content-Length") is not None and r.getheader("Transfer-Encoding") is None,
             "the answer has no Content-Length or is chunked")
        need(r.status in (200, 500), f"{action}: HTTP status {r.status}: {data[:300]!r}")
        need((r.getheader("Content-Type") or "").replace(" ", "").lower() == "application/soap+xml;charset=utf-8",
             f"Content-Type {r.getheader('Content-Type')}")
        need(not data.startswith(b"\xef\xbb\xbf"), "a byte order mark")
        root = ET.fromstring(data)
        need(root.tag == S + "Envelope", "no SOAP 1.2 envelope")
        relates = root.find(f"{S}Header/{A}RelatesTo")
        need(relates is not None and relates.text == message_id, "RelatesTo is not our MessageID")
        fault = root.find(f"{S}Body/{S}Fault")
        if fault is not None:
            need(r.status == 500 or r.status == 200, "fault")
            self.raise_fault(fault)
        need(r.status == 200, f"status {r.status} without a fault")
        return root, data.decode()

    @staticmethod
    def raise_fault(fault):
        need(fault.findtext(f"{S}Code/{S}Value") == "s:Receiver", "a fault that is not s:Receiver")
        sub = fault.findtext(f"{S}Code/{S}Subcode/{S}Value") or ""
        name = sub.split(":")[-1]
        need(name in FAULTS, f"subcode {sub}")
        need(sub.startswith("a:" if name in ("InternalServiceFault", "InvalidSecurity") else "s:"), f"subcode {sub}")
        code = FAULTS[name]
        detail = fault.find(f"{S}Detail/{{{PKCS10.split('#', maxsplit=1)[0]}}}DeviceEnrollmentServiceError")
        if detail is not None:
            kind = detail.findtext(detail.tag.replace("DeviceEnrollmentServiceError", "ErrorType"))
            need(kind in FAULT_TYPES, f"ErrorType {kind}")
            code = FAULT_TYPES[kind]
        raise Fault(code, fault.findtext(f"{S}Reason/{S}Text") or "")

    @staticmethod
    def action(root, want):
        got = root.find(f"{S}Header/{A}Action")
        need(got is not None and got.text == want, f"Action {got is not None and got.text}")
        need(got.get(S + "mustUnderstand") == "1", "Action without mustUnderstand")

    # Enrolment

    def discover(self, auth=("OnPremise", "Federated"), version="5.0"):
        url = self.server + "/EnrollmentServer/Discovery.svc"
        r, data = self.http("GET", url)
        need(r.status == 200 and data == b"", "the discovery address does not answer GET with 200 and nothing")
        policies = "".join(f"<AuthPolicy>{p}</AuthPolicy>" for p in auth)
        root, text = self.soap(url, DISCOVER, "", f"""<Discover xmlns="{ENR}"><request
 xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><EmailAddress>{escape(self.upn)}</EmailAddress>
 <RequestVersion>{version}</RequestVersion><DeviceType>CIMClient_Windows</DeviceType>
 <ApplicationVersion>10.0.22631.0</ApplicationVersion><OSEdition>4</OSEdition>
 <AuthPolicies>{policies}</AuthPolicies></request></Discover>""")
        self.action(root, DISCOVER + "Response")
        need(f'<DiscoverResponse xmlns="{ENR}">' in text, "DiscoverResponse must set the default namespace itself")
        result = root.find(f"{S}Body/{{{ENR}}}DiscoverResponse/{{{ENR}}}DiscoverResult")
        need(result is not None, "no DiscoverResult")
        found = {child.tag.split("}")[1]: (child.text or "") for child in result}
        need(found.get("AuthPolicy") in auth, f"AuthPolicy {found.get('AuthPolicy')}")
        need(re.fullmatch(r"[3-9]\.0", found.get("EnrollmentVersion", "")), "EnrollmentVersion")
        hosts = {urllib.parse.urlsplit(found[k]).netloc
                 for k in ("EnrollmentPolicyServiceUrl", "EnrollmentServiceUrl") if k in found}
        need(len(hosts) == 1, "policy and enrolment services must be on one host")
        if found["AuthPolicy"] == "Federated":
            need(found.get("AuthenticationServiceUrl", "").startswith("https://"), "AuthenticationServiceUrl")
        else:
            need("AuthenticationServiceUrl" not in found, "AuthenticationServiceUrl is for Federated only")
        self.discovered = found
        return found

    def security(self, password=None, token=None):
        if token is not None:
            inner = (f'<wsse:BinarySecurityToken ValueType="{CONFIG}/DeviceEnrollmentUserToken" '
                     f'EncodingType="{WSSE}#base64binary">{base64.b64encode(token.encode()).decode()}'
                     f'</wsse:BinarySecurityToken>')
        else:
            inner = (f'<wsse:UsernameToken u:Id="uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4"><wsse:Username>'
                     f'{escape(self.upn)}</wsse:Username><wsse:Password wsse:Type="{PASSWORD_TEXT}">{escape(password)}'
                     f'</wsse:Password></wsse:UsernameToken>')
        return f'<wsse:Security s:mustUnderstand="1">{inner}</wsse:Security>'

    def policies(self, header):
        root, _ = self.soap(self.discovered["EnrollmentPolicyServiceUrl"], POLICIES, header, f"""<GetPolicies
 xmlns="{XCEP}"><client><lastUpdate>0001-01-01T00:00:00</lastUpdate><preferredLanguage
 xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/></client><requestFilter
 xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/></GetPolicies>""")
        self.action(root, POLICIES + "Response")
        x = "{" + XCEP + "}"
        answer = root.find(f"{S}Body/{x}GetPoliciesResponse")
        need(answer is not None, "no GetPoliciesResponse")
        need([c.tag for c in answer] == [x + "response", x + "cAs", x + "oIDs"], "response, cAs, oIDs in this order")
        attributes = answer.find(f"{x}response/{x}policies/{x}policy/{x}attributes")
        need(attributes is not None, "no policy")
        order = [c.tag.split("}")[1] for c in attributes]
        need(order == ["commonName", "policySchema", "certificateValidity", "permission", "privateKeyAttributes",
                       "revision", "supersededPolicies", "privateKeyFlags", "subjectNameFlags", "enrollmentFlags",
                       "generalFlags", "hashAlgorithmOIDReference", "rARequirements", "keyArchivalAttributes",
                       "extensions"], f"attributes are {order}")
        bits = int(attributes.findtext(f"{x}privateKeyAttributes/{x}minimalKeyLength"))
        need(bits in (2048, 4096), f"minimalKeyLength {bits}")
        need(attributes.findtext(f"{x}permission/{x}enroll") == "true", "enroll is not permitted")
        reference = attributes.findtext(f"{x}hashAlgorithmOIDReference")
        self.policy_hash = None
        for oid in answer.findall(f"{x}oIDs/{x}oID"):
            if oid.findtext(f"{x}oIDReferenceID") == reference and oid.findtext(f"{x}group") in ("1", "4"):
                self.policy_hash = oid.findtext(f"{x}value")
        return bits

    def context_items(self, kind):
        items = [("UXInitiated", "true"), ("HWDevID", hashlib.sha256(self.device_id.encode()).hexdigest().upper()),
                 ("Locale", "en-US"), ("TargetedUserLoggedIn", "true"), ("OSEdition", "4"), ("DeviceName", self.name),
                 *(("MAC", m) for m, _ in self.macs), *(("IMEI", i) for i in self.imeis), ("DeviceID", self.device_id),
                 ("EnrollmentType", kind), ("DeviceType", "CIMClient_Windows"), ("OSVersion", self.os_version),
                 ("ApplicationVersion", "10.0.22631.2861"), ("NotInOobe", "false"), ("RequestVersion", "5.0"),
                 ("ZeroTouchProvisioning", "false"), ("EnrollmentData", ""), ("DomainName", "")]
        body = "".join(f'<ac:ContextItem Name="{n}"><ac:Value>{escape(v)}</ac:Value></ac:ContextItem>'
                       for n, v in items)
        return ('<ac:AdditionalContext xmlns="http://schemas.xmlsoap.org/ws/2006/12/authorization">'
                f'{body}</ac:AdditionalContext>')

    RENEWAL_ITEMS = ('<ac:AdditionalContext xmlns="http://schemas.xmlsoap.org/ws/2006/12/authorization">'
                     '<ac:ContextItem Name="DeviceType"><ac:Value>CIMClient_Windows</ac:Value></ac:ContextItem>'
                     '<ac:ContextItem Name="ApplicationVersion"><ac:Value>10.0.22631.2861</ac:Value></ac:ContextItem>'
                     '</ac:AdditionalContext>')

    def request_token(self, url, header, kind, renewal=False, key=None, csr=None):
        key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        sha256 = self.policy_hash == "2.16.840.1.101.3.4.2.1"
        csr = csr or windows_csr(key, self.device_id, hashes.SHA256() if sha256 else hashes.SHA1())
        value, content = PKCS10, csr
        if renewal:
            value, content = self.pkcs7, self.sign(csr)
        body = f"""<wst:RequestSecurityToken><wst:TokenType>{CONFIG}/DeviceEnrollmentToken</wst:TokenType>
<wst:RequestType>{WST}/{"Renew" if renewal else "Issue"}</wst:RequestType><wsse:BinarySecurityToken ValueType="{value}"
 EncodingType="{WSSE}#base64binary">{base64.encodebytes(content).decode()}</wsse:BinarySecurityToken>
{self.RENEWAL_ITEMS if renewal else self.context_items(kind)}</wst:RequestSecurityToken>"""
        root, _ = self.soap(url, RST, header, body)
        self.action(root, RSTRC)
        security = root.find(f"{S}Header/{{{WSSE}}}Security")
        stamp = security.find(f"{{{WSU}}}Timestamp") if security is not None else None
        need(stamp is not None and stamp.findtext(f"{{{WSU}}}Created") and stamp.findtext(f"{{{WSU}}}Expires"),
             "the answer has no Timestamp")
        w = "{" + WST + "}"
        answer = root.find(f"{S}Body/{w}RequestSecurityTokenResponseCollection/{w}RequestSecurityTokenResponse")
        need(answer is not None, "no RequestSecurityTokenResponse")
        need(answer.findtext(w + "TokenType") == CONFIG + "/DeviceEnrollmentToken", "TokenType")
        token = answer.find(f"{w}RequestedSecurityToken/{{{WSSE}}}BinarySecurityToken")
        need(token is not None and token.get("ValueType") == CONFIG + "/DeviceEnrollmentProvisionDoc", "ValueType")
        document = base64.b64decode(token.text, validate=True)
        need(not document.startswith(b"\xef\xbb\xbf"), "the document has a byte order mark")
        self.provision(ET.fromstring(document), key, kind, renewal)

    def sign(self, csr):
        """CMS SignedData over the new request by the certificate that is to be renewed."""
        with open(self.file("new.csr"), "wb") as f:
            f.write(csr)
        return subprocess.run(["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", "sha256",
                               "-in", self.file("new.csr"), "-signer", self.file("identity.pem")], check=True,
                              capture_output=True, env=self.clock.child()).stdout

    def enrol(self, password, kind="Full"):
        """With a name and a password: OnPremise."""
        need(self.discovered and self.discovered["AuthPolicy"] == "OnPremise", "not discovered as OnPremise")
        header = self.security(password=password)
        self.policies(header)
        self.request_token(self.discovered["EnrollmentServiceUrl"], header, kind)

    def web_page(self, fill):
        """The federated way: a page of the server in a web view, filled in by a person until it leads back to the
        app."""
        query = urllib.parse.urlencode({"appru": self.APPRU, "login_hint": self.upn})
        base = self.discovered["AuthenticationServiceUrl"]
        r, data = self.http("GET", base + ("&" if "?" in base else "?") + query)
        for _ in range(4):
            need(r.status == 200, f"the page has status {r.status}")
            need((r.getheader("Content-Type") or "").replace(" ", "").lower() == "text/html;charset=utf-8",
                 f"Content-Type {r.getheader('Content-Type')}")
            form = Form(data.decode())
            need(form.action is not None and form.method == "post", "no form that posts")
            if form.action.startswith("ms-app://"):
                need(form.action == self.APPRU, f"the form leads to {form.action}")
                need(form.fields.get("wresult"), "no wresult")
                return form.fields["wresult"]
            action = urllib.parse.urljoin(base, form.action)
            body = urllib.parse.urlencode({**form.fields, **fill})
            r, data = self.http("POST", action, body, {"Content-Type": "application/x-www-form-urlencoded"})
        raise Refused("the page never leads back")

    def enrol_federated(self, fill, kind="Full"):
        need(self.discovered and self.discovered["AuthPolicy"] == "Federated", "not discovered as Federated")
        header = self.security(token=self.web_page(fill))
        self.policies(header)
        self.request_token(self.discovered["EnrollmentServiceUrl"], header, kind)

    def renew(self):
        """ROBO: the machine asks by itself, with its old certificate in TLS and over the new request."""
        need(self.tree.dmclient.get("ROBOSupport") == "true", "renewal was not offered")
        header = self.security(password=" ")
        self.request_token(self.discovered["EnrollmentServiceUrl"], header, self.kind, renewal=True)

    # The provisioning document

    @staticmethod
    def characteristic(node, *path):
        for name in path:
            node = next((c for c in node.findall("characteristic") if c.get("type") == name), None)
            if node is None:
                return None
        return node

    @staticmethod
    def parms(node):
        return {p.get("name"): p.get("value") for p in node.findall("parm")}

    def provision(self, doc, key, kind, renewal):
        need(doc.tag == "wap-provisioningdoc" and doc.get("version") == "1.1", "wap-provisioningdoc 1.1")
        place = "User" if kind == "Full" else "System"
        my = self.characteristic(doc, "CertificateStore", "My", place)
        need(my is not None, f"no CertificateStore/My/{place}")
        entries = my.findall("characteristic")
        need(len(entries) == 1, "one client certificate")
        cert = self.certificate(entries[0])
        need(self.characteristic(entries[0], "PrivateKeyContainer") is not None, "no PrivateKeyContainer")
        need(cert.public_key().public_numbers() == key.public_key().public_numbers(), "the certificate has another key")
        usage = cert.extensions.get_extension_for_class(x509.KeyUsage).value
        need(usage.digital_signature and usage.key_encipherment, "key usage of the certificate")
        need(ExtendedKeyUsageOID.CLIENT_AUTH in cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value,
             "no clientAuth")
        if not renewal:
            self.kind = kind
            self.provision_rest(doc, cert, place)
        self.tree.identity = Held(cert, key)
        with open(self.file("identity.pem"), "wb") as f:
            f.write(cert.public_bytes(serialization.Encoding.PEM))
            f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()))

    @staticmethod
    def certificate(entry):
        der = base64.b64decode(WindowsDevice.parms(entry)["EncodedCertificate"], validate=True)
        need(hashlib.sha1(der).hexdigest().upper() == entry.get("type"), "the characteristic is not named by its SHA-1")
        return x509.load_der_x509_certificate(der)

    def provision_rest(self, doc, cert, place):
        for store in ("Root", "CA"):
            system = self.characteristic(doc, "CertificateStore", store, "System")
            found = system.findall("characteristic") if system is not None else []
            need(len(found) <= 1, f"more than one certificate for {store}")
            for entry in found:
                c = self.certificate(entry)
                self.tree.trust["Device", store][entry.get("type")] = c
        app = self.characteristic(doc, "APPLICATION")
        need(app is not None, "no APPLICATION")
        p = self.parms(app)
        need(p.get("APPID") == "w7", "APPID")
        for name in ("PROVIDER-ID", "NAME", "ADDR", "DEFAULTENCODING", "SSLCLIENTCERTSEARCHCRITERIA"):
            need(p.get(name), f"no {name}")
        need(p["DEFAULTENCODING"] == "application/vnd.syncml.dm+xml", "DEFAULTENCODING")
        levels = sorted(self.parms(c).get("AAUTHLEVEL", "") for c in app.findall("characteristic")
                        if c.get("type") == "APPAUTH")
        need(levels == ["APPSRV", "CLIENT"], f"APPAUTH {levels}")
        criteria = dict(pair.split("=", 1) for pair in p["SSLCLIENTCERTSEARCHCRITERIA"].split("&"))
        need(urllib.parse.unquote(criteria.get("Stores", "")) == "My\\" + place, f"criteria {criteria}")
        wanted = urllib.parse.unquote(criteria.get("Subject", ""))
        names = {NameOID.COMMON_NAME: "CN", NameOID.ORGANIZATIONAL_UNIT_NAME: "OU", NameOID.ORGANIZATION_NAME: "O"}
        subject = ",".join(f"{names.get(a.oid, a.oid.dotted_string)}={a.value}" for a in cert.subject)
        need(wanted == subject, f"no certificate has the subject {wanted}, only {subject}")
        client = self.characteristic(doc, "DMClient", "Provider", p["PROVIDER-ID"])
        need(client is not None, "no DMClient/Provider/" + p["PROVIDER-ID"])
        self.poll(client)
        for parm in client.iter("parm"):
            need(parm.get("datatype") in ("string", "integer", "boolean"), f"{parm.get('name')} has no datatype")
        renew = self.characteristic(doc, "CertificateStore", "My", "WSTEP", "Renew")
        self.tree.dmclient = dict(self.parms(client))
        if renew is not None:
            for parm in renew.findall("parm"):
                need(parm.get("datatype") in ("boolean", "integer"), f"{parm.get('name')} has no datatype")
            r = self.parms(renew)
            need(1 <= int(r["RetryInterval"]) <= int(r["RenewPeriod"]) <= 1000, "RenewPeriod and RetryInterval")
            self.tree.dmclient["ROBOSupport"] = r.get("ROBOSupport")
        self.tree.provider, self.addr = p["PROVIDER-ID"], p["ADDR"]
        need(self.addr.startswith("https://"), "ADDR")

    def poll(self, client):
        poll = self.characteristic(client, "Poll")
        need(poll is not None, "no Poll")
        p = self.parms(poll)
        sets = [(int(p[f"NumberOf{n}"]), int(p[f"IntervalFor{i}"]))
                for n, i in (("FirstRetries", "FirstSetOfRetries"), ("SecondRetries", "SecondSetOfRetries"),
                             ("RemainingScheduledRetries", "RemainingScheduledRetries"))]
        need(any(n or i for n, i in sets), "a schedule of nothing")
        for number, interval in sets[:2]:
            need(not (number == 0 and interval != 0), "an endless set before the last")

    # OMA-DM

    def session(self, trigger="1201", login=None, most=60):
        """One whole session. Returns what happened."""
        need(self.addr is not None, "not enrolled")
        self.session_id = self.session_id % 9999 + 1
        done = Session()
        u = urllib.parse.urlsplit(self.addr)
        connection = self.clock.connection(u.hostname, u.port or 443, self.context(), 60)
        login = login or ("user" if self.tree.signed_in else "none")
        commands = [("Alert", f"<Data>{trigger}</Data>"),
                    ("Alert", '<Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus'
                              f'</Type></Meta><Data>{login}</Data></Item>')]
        commands += [("Alert", a) for a in self.alerts]
        self.alerts = []
        info = "".join(f"<Item><Source><LocURI>./DevInfo/{n}</LocURI></Source><Data>"
                       f"{escape(self.tree.facts['DevInfo/' + n])}</Data></Item>"
                       for n in ("DevId", "Man", "Mod", "DmV", "Lang"))
        commands.append(("Replace", info))
        parts = [([], [], commands)]
        while parts:
            answered = done.messages
            for i, part in enumerate(parts):
                done.messages += 1
                need(done.messages <= most, "the session never ends")
                last = i == len(parts) - 1
                sent, text = self.package(done.messages, *part, answered=answered, final=last)
                root = self.exchange(connection, text, done)
                if not last:
                    self.wants_more(root, done.messages, sent, parts[i + 1])
            statuses, results = self.obey(root, done.messages, sent, done)
            parts = self.parts(statuses, results) if statuses else []
        connection.close()
        self.after()
        return done

    def parts(self, statuses, results):
        """What is to be said, as messages: a large object comes in pieces, each the last of its message."""
        parts = [(statuses, [], [])]
        for ref, uri, data in results:
            while self.piece is not None and len(data) > self.piece:
                parts[-1][1].append((ref, uri, data[:self.piece], True))
                parts.append(([], [], []))
                data = data[self.piece:]
            parts[-1][1].append((ref, uri, data, False))
        return parts

    def wants_more(self, root, message, sent, following):
        """The server is to ask for the next message, and for nothing else. That is answered, too."""
        body = self.body(root, message)
        statuses = [c for c in body if c.tag == DM + "Status"][1:]
        need([(s.findtext(DM + "CmdRef"), s.findtext(DM + "Cmd"), s.findtext(DM + "Data")) for s in statuses] ==
             [(ref, "Results", "213") for ref, verb in sent.items() if verb == "Results"], "no 213 for a piece")
        rest = [c for c in body if c.tag != DM + "Status"][:-1]
        need([(c.tag, c.findtext(DM + "Data")) for c in rest] == [(DM + "Alert", "1222")],
             "the next message is not asked for")
        following[0].append((rest[0].findtext(DM + "CmdID"), "Alert", 200, 0, message))

    def package(self, message, statuses, results, commands, answered=None, final=True):
        """A message of ours. Returns the commands in it by their CmdID, and its text. answered: the server's, to which
        statuses and results belong."""
        answered = message - 1 if answered is None else answered
        n = 1 if message == 1 else 0
        body, sent = [], {}

        def number():
            nonlocal n
            n += 1
            return n
        for ref, verb, code, hresult, *other in statuses:
            ours = other[0] if other else answered
            original = f' xmlns:msft="{MSFT}" msft:originalerror="0x{hresult:08X}"' if hresult else ""
            body.append(f"<Status><CmdID>{number()}</CmdID><MsgRef>{ours}</MsgRef><CmdRef>{ref}</CmdRef>"
                        f"<Cmd>{verb}</Cmd><Data{original}>{code}</Data></Status>")
        for ref, uri, data, *more in results:
            i = number()
            if any(more):
                sent[str(i)] = "Results"
            body.append(f"<Results><CmdID>{i}</CmdID><MsgRef>{answered}</MsgRef><CmdRef>{ref}</CmdRef>"
                        f"<Item><Source><LocURI>{escape(uri)}</LocURI></Source>"
                        f"<Data>{escape(data)}</Data>{'<MoreData/>' if any(more) else ''}</Item></Results>")
        for verb, inner in commands:
            i = number()
            sent[str(i)] = verb
            body.append(f"<{verb}><CmdID>{i}</CmdID>{inner}</{verb}>")
        text = (f'<SyncML xmlns="{DM[1:-1]}"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>'
                f'<SessionID>{self.session_id:X}</SessionID><MsgID>{message}</MsgID><Target><LocURI>{escape(self.addr)}'
                f'</LocURI></Target><Source><LocURI>{self.device_id}</LocURI></Source><Meta>'
                f'<MaxMsgSize xmlns="syncml:metinf">{self.max_message}</MaxMsgSize></Meta></SyncHdr><SyncBody>'
                f'{"".join(body)}{"<Final/>" if final else ""}</SyncBody></SyncML>')
        return sent, text

    def exchange(self, connection, text, done):
        url = self.addr + ("&" if "?" in self.addr else "?") + "mode=Maintenance&Platform=WoA"
        r, data = self.http("POST", url, text.encode(), {
            "Content-Type": "application/vnd.syncml.dm+xml; charset=utf-8", "Accept": "application/vnd.syncml.dm+xml",
            "User-Agent": "MSFT OMA DM Client/1.2.0.1", "Client-Request-Id": self.device_id}, connection)
        need(r.status == 200, f"the management service answers {r.status}: {data[:300]!r}")
        need((r.getheader("Content-Type") or "").split(";")[0].strip() == "application/vnd.syncml.dm+xml",
             f"Content-Type {r.getheader('Content-Type')}")
        need(r.getheader("Content-Length") is not None, "no Content-Length")
        need(len(data) <= self.max_message, f"a message of {len(data)} bytes, MaxMsgSize is {self.max_message}")
        done.largest = max(done.largest, len(data))
        return ET.fromstring(data)

    def header(self, root, message):
        need(root.tag == DM + "SyncML", f"root {root.tag}")
        h = root.find(DM + "SyncHdr")
        need(h is not None, "no SyncHdr")
        need([c.tag[len(DM):] for c in h][:6] == ["VerDTD", "VerProto", "SessionID", "MsgID", "Target", "Source"],
             "children of SyncHdr")
        need(h.findtext(DM + "VerDTD") == "1.2" and h.findtext(DM + "VerProto") == "DM/1.2", "version")
        need(h.findtext(DM + "SessionID") == f"{self.session_id:X}", "SessionID")
        need(h.findtext(DM + "MsgID") == str(message), "MsgID")
        need(h.findtext(f"{DM}Target/{DM}LocURI") == self.device_id, "Target is not this machine")
        need(h.findtext(f"{DM}Source/{DM}LocURI") == self.addr, "Source is not the server")

    def body(self, root, message):
        """What stands in a server's message, which begins and ends as it must."""
        self.header(root, message)
        body = root.find(DM + "SyncBody")
        need(body is not None and len(body) > 0 and body[-1].tag == DM + "Final", "no Final at the end")
        first = body[0]
        need(first.tag == DM + "Status" and first.findtext(DM + "CmdRef") == "0" and
             first.findtext(DM + "Cmd") == "SyncHdr", "the first thing must be the status of the header")
        need(first.findtext(DM + "Data") in ("200", "212"), f"header: {first.findtext(DM + 'Data')}")
        ids = [c.text for c in body.iter(DM + "CmdID")]
        need(len(ids) == len(set(ids)) and "0" not in ids, "CmdID must be unique and not 0")
        return list(body)

    def obey(self, root, message, sent, done):
        """Checks a server's message and does what it says: statuses and results for the next message of ours."""
        items = self.body(root, message)[:-1]
        answered = {}
        commands = []
        for item in items:
            if item.tag != DM + "Status":
                commands.append(item)
                continue
            need(not commands, "a Status after a command")
            need(item.findtext(DM + "MsgRef") == str(message), "MsgRef")
            answered[item.findtext(DM + "CmdRef")] = (item.findtext(DM + "Cmd"), item.findtext(DM + "Data"))
        for ref, verb in sent.items():
            need(answered.get(ref, ("", ""))[0] == verb, f"no status for our {verb} {ref}")
            need(answered[ref][1] == "200", f"our {verb} {ref}: {answered[ref]}")
        statuses, results = [], []
        for command in commands:
            self.command(command, statuses, results, done)
        # A message that only acknowledges ends the session.
        if not commands:
            return [], []
        return [("0", "SyncHdr", 200, 0), *statuses], results

    def command(self, node, statuses, results, done):
        verb = node.tag[len(DM):] if node.tag.startswith(DM) else node.tag
        need(verb in ("Add", "Replace", "Delete", "Exec", "Get", "Atomic", "Sequence"), f"command {verb}")
        ref = node.findtext(DM + "CmdID")
        need(ref, "a command without CmdID")
        if verb == "Atomic":
            self.atomic(node, ref, statuses, done)
            return
        need(verb != "Sequence", "a Sequence is not expected")
        for uri, fmt, data in self.items(node):
            try:
                value = self.tree.run(verb, uri, fmt, data)
                code, hresult = 200, 0
            except Failed as e:
                value, code, hresult = None, e.status, e.hresult
            statuses.append((ref, verb, code, hresult))
            done.commands.append((verb, uri, code))
            if verb == "Get" and code == 200:
                results.append((ref, uri, value))

    @staticmethod
    def items(node):
        found = []
        for item in node.findall(DM + "Item"):
            uri = item.findtext(f"{DM}Target/{DM}LocURI")
            need(uri and len(uri) <= 512, "an Item without a target")
            meta = item.find(DM + "Meta")
            fmt = None
            if meta is not None:
                for c in meta:
                    need(c.tag.startswith(META), f"{c.tag} is not of syncml:metinf")
                fmt = meta.findtext(META + "Format")
                need(fmt is None or fmt in FORMATS, f"Format {fmt}")
            found.append((uri, fmt, item.findtext(DM + "Data") or ""))
        need(found, "a command without an Item")
        return found

    def atomic(self, node, ref, statuses, done):
        """All or nothing."""
        children = [c for c in node if c.tag not in (DM + "CmdID", DM + "Meta")]
        verbs = [c.tag[len(DM):] for c in children]
        if "Get" in verbs or "Atomic" in verbs:
            statuses.append((ref, "Atomic", 500, 0))
            return
        touched = {}
        for c, verb in zip(children, verbs):
            for uri, _, _ in self.items(c):
                need(verb == touched.setdefault(uri, verb), "Add and Replace of one node in an Atomic")
        before = self.snapshot()
        outcome, failed = [], False
        for c, verb in zip(children, verbs):
            need(verb in ("Add", "Replace", "Delete", "Exec"), f"{verb} in an Atomic")
            child = c.findtext(DM + "CmdID")
            if failed:
                outcome.append((child, verb, 215, 0, c))
                continue
            code, hresult = 200, 0
            for uri, fmt, data in self.items(c):
                try:
                    self.tree.run(verb, uri, fmt, data)
                except Failed as e:
                    code, hresult, failed = e.status, e.hresult, True
            outcome.append((child, verb, code, hresult, c))
        if failed:
            self.restore(before)
            outcome = [(r, v, 216 if code == 200 else code, h, c) for r, v, code, h, c in outcome]
        statuses.append((ref, "Atomic", 507 if failed else 200, 0))
        for child, verb, code, hresult, c in outcome:
            statuses.append((child, verb, code, hresult))
            for uri, _, _ in self.items(c):
                done.commands.append((verb, uri, code))

    def snapshot(self):
        t = self.tree
        return ({k: {n: dict(e) for n, e in v.items()} for k, v in t.networks.items()},
                {k: dict(v) for k, v in t.trust.items()},
                {k: {n: dict(e) for n, e in v.items()} for k, v in t.pfx.items()},
                {k: {n: {**e, "install": dict(e["install"])} for n, e in v.items()} for k, v in t.scep.items()},
                list(t.enrolling))

    def restore(self, saved):
        t = self.tree
        t.networks, t.trust, t.pfx, t.scep, t.enrolling = saved

    # What goes on beside the sessions

    def after(self):
        """The session is over: what it asked for takes effect."""
        if self.tree.unenrolled:
            self.tree.unenrolled = False
            self.confirm_leaving()
            self.leave()

    def confirm_leaving(self):
        """A last session says that the management is over, whoever began it. The server has nothing more to say."""
        self.alerts.append('<Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">'
                           'com.microsoft:mdm.unenrollment.userrequest</Type><Format xmlns="syncml:metinf">int</Format>'
                           '</Meta><Data>1</Data></Item>')
        done = self.session()
        need(done.messages == 1, "a machine that leaves is told something else")
        return done

    def leave(self):
        """Management ends: everything that came by it goes, and the account with it."""
        self.tree.forget_all()
        self.tree.unenrolled = False
        self.addr, self.last_addr = None, self.addr

    def user_unenrols(self):
        """Settings, Accounts, Disconnect: one last session tells the server."""
        done = self.confirm_leaving()
        self.leave()
        return done

    def scep_work(self, enrol=None):
        """What Exec Enroll started. enrol(order) -> (cert, key), or raises Failed with the HRESULT."""
        todo, self.tree.enrolling = self.tree.enrolling, []
        for scope, ident in todo:
            entry = self.tree.scep[scope].get(ident)
            if entry is None:
                continue
            try:
                cert, key = (enrol or self.scep_enrol)(entry["order"])
                entry.update(held=Held(cert, key), status=SCEP_OK, error=0, url=entry["order"]["ServerURL"])
            except Failed as e:
                entry.update(status=SCEP_FAILED, error=e.hresult - (1 << 32) if e.hresult >> 31 else e.hresult)
            self.alerts.append(
                f"<Data>1226</Data><Item><Source><LocURI>./{scope}/Vendor/MSFT/ClientCertificateInstall/SCEP/"
                f'{escape(ident)}</LocURI></Source><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.SCEPcertinstall.'
                f'result</Type><Format xmlns="syncml:metinf">int</Format></Meta><Data>{entry["status"]}</Data></Item>')
        return len(todo)

    def scep_enrol(self, order):
        from windows_scep import enrol  # the SCEP client needs the openssl program and more of the tests
        return enrol(self, order)
