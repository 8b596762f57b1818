# SPDX-License-Identifier: Apache-2.0
"""Clients of the CA's enrolment protocols, written from the specifications: MS-WSTEP and MS-XCEP in both ways of
showing who asks, and EST. Each gives the certificate as DER, or raises Refused."""

import base64
import datetime
import hashlib
import os
import re
import struct
import time
import uuid
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients import BASE64_TYPE, PKCS10_TYPE, WSTEP_ACTION, X509_TYPE, key_pem, make_csr
from world import Https, b64, tls_context

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PASSWORD_TEXT = ("http://docs.oasis-open.org/wss/2004/01/"
                 "oasis-200401-wss-username-token-profile-1.0#PasswordText")
XCEP = "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy"
ENROL = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


class Refused(Exception):
    def __init__(self, status, text, hresult=0):
        self.status, self.text, self.hresult = status, text, hresult
        super().__init__(f"{status}: {text}")


class Pending(Exception):
    def __init__(self, request, seconds=None):
        self.request, self.seconds = request, seconds
        super().__init__(f"request {request}")


class Who:
    """A principal with a certificate and, unless it is None, a password, as the administrator makes it."""

    def __init__(self, world, name, password="a long enough password", rights=("request",)):
        self.world, self.name, self.password = world, name, password
        self.dir = os.path.join(world.dir, "who")
        os.makedirs(self.dir, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        more = {"password": password} if password else {}
        made = world.admin("ca", "principal.add", {"name": name, "csr": b64(make_csr(key, subject)), **more})
        self.cert = self.file("cert.pem", made["certificate"].encode())
        self.key = self.file("key.pem", key_pem(key))
        if rights:
            world.admin("ca", "ca.grant", {"principal": name, "rights": list(rights)})

    def file(self, name, data):
        path = os.path.join(self.dir, f"{self.name}-{name}")
        with open(path, "wb") as f:
            f.write(data)
        return path

    def may(self, template, *rights):
        self.world.admin("ca", "template.grant", {"template": template, "principal": self.name,
                                                  "rights": list(rights or ("read", "enrol"))})
        return self

    def serial(self):
        with open(self.cert, "rb") as f:
            return f"{x509.load_pem_x509_certificate(f.read()).serial_number:x}"


def blob(data):
    return struct.pack(">I", len(data)) + data


class Orderer:
    """A management service that the CA has admitted, as far as sealing orders goes: codec/order.h says what they
    are."""

    def __init__(self, world, name="orderer"):
        self.world, self.name = world, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key()
        self.spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        world.admin("ca", "service.admit", {
            "name": name, "hosts": ["localhost"], "csr_tls": b64(make_csr(own, subject)),
            "csr_ra": b64(make_csr(own, subject)), "order_key": public.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()})

    def may(self, template, *rights):
        self.world.admin("ca", "template.grant", {"template": template, "principal": self.name,
                                                  "rights": list(rights or ("read", "enrol"))})

    def seal(self, template, subject, san=None, holder=b"", ident=None, fence=1, seconds=3600, forged=False,
             usage=0, bits=0, ekus=(), challenge=None):
        """challenge: the text that the order is to lie behind; None: it is shown itself."""
        now = int(time.time())
        alt = san.public_bytes() if hasattr(san, "public_bytes") else san or b""
        body = (struct.pack(">HB", 1, 1) + (ident or os.urandom(16)) + bytes(64) + struct.pack(
            ">IQqq", 1, fence, now + min(seconds, 0) - 5, now + seconds) +
            blob(self.world.issuing_ca.encode()) + blob(template.encode()) +
            blob(subject.public_bytes()) + blob(alt) + blob(b"") +
            bytes([len(ekus)]) + b"".join(blob(e.encode()) for e in ekus) +
            bytes(4) + struct.pack(">BH", usage, bits) + blob(b"") + blob(holder) +
            blob(hashlib.sha256(challenge.encode()).digest() if challenge else b"") + blob(b"") * 4)
        signature = self.key.sign(b"chancery-order-v1\0" + body, ec.ECDSA(hashes.SHA256()))
        if forged:
            body = body[:3] + os.urandom(16) + body[19:]
        return blob(body) + blob(signature) + hashlib.sha256(self.spki).digest()


def security(name, password, created=None, expires=None):
    stamp = ""
    if created or expires:
        stamp = (f'<u:Timestamp xmlns:u="{WSU}"><u:Created>{created}</u:Created>'
                 f'<u:Expires>{expires}</u:Expires></u:Timestamp>')
    return (f'<o:Security s:mustUnderstand="1" xmlns:o="{WSSE}">{stamp}<o:UsernameToken>'
            f'<o:Username>{escape(name)}</o:Username>'
            f'<o:Password Type="{PASSWORD_TEXT}">{escape(password)}</o:Password>'
            f'</o:UsernameToken></o:Security>')


def utc(seconds=0):
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Soap:
    """What XCEP and WSTEP share. by_password False: the client certificate says who asks."""

    def __init__(self, world, who, by_password, password=None):
        self.world, self.who, self.by_password = world, who, by_password
        self.password = who.password if password is None and who else password
        context = (tls_context(world.root_file) if by_password or who is None else
                   tls_context(world.root_file, who.cert, who.key))
        self.https = Https(world.host, world.ports["ca"], context)
        self.way = "UsernamePassword" if by_password else "Certificate"
        self.stamp = (None, None)

    def post(self, path, action, body):
        header = security(self.who.name, self.password, *self.stamp) if self.by_password and self.who else ""
        text = f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>
<a:Action s:mustUnderstand="1">{action}</a:Action><a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID>{header}
</s:Header><s:Body>{body}</s:Body></s:Envelope>"""
        status, _, data = self.https.request("POST", path, text.encode(),
                                             {"Content-Type": "application/soap+xml; charset=utf-8"})
        answer = data.decode()
        if status != 200:
            code = re.search(r"<ErrorCode>(-?\d+)</ErrorCode>", answer)
            reason = re.search(r"<s:Text[^>]*>([^<]*)<", answer)
            raise Refused(status, reason.group(1) if reason else answer,
                          int(code.group(1)) & 0xffffffff if code else 0)
        return answer


class WstepClient(Soap):
    def rst(self, kind, token, items=(), request=None):
        context = "".join(f'<ContextItem Name="{escape(n)}"><Value>{escape(v)}</Value></ContextItem>'
                          for n, v in items)
        if token is not None:
            token = (f'<BinarySecurityToken ValueType="{PKCS10_TYPE}" EncodingType="{BASE64_TYPE}" '
                     f'xmlns="{WSSE}">{b64(token)}</BinarySecurityToken>')
        number = (f'<RequestID xmlns="{ENROL}">{request}</RequestID>' if request else
                  f'<RequestID xsi:nil="true" xmlns:xsi="{XSI}" xmlns="{ENROL}"/>')
        path = f"/{self.world.issuing_ca.replace(' ', '%20')}_CES_{self.way}/service.svc/CES"
        return self.post(path, WSTEP_ACTION, f"""<RequestSecurityToken PreferredLanguage="en-US"
 xmlns="http://docs.oasis-open.org/ws-sx/ws-trust/200512"><TokenType>{X509_TYPE}</TokenType>
<RequestType>{kind}</RequestType>{token or ""}<AdditionalContext
 xmlns="http://schemas.xmlsoap.org/ws/2006/12/authorization">{context}</AdditionalContext>{number}
</RequestSecurityToken>""")

    @staticmethod
    def leaf(answer):
        found = re.search(r"<RequestedSecurityToken>\s*<BinarySecurityToken[^>]*>([^<]*)<", answer)
        if found is None:
            raise Pending(re.search(r"<RequestID[^>]*>(\d+)<", answer).group(1))
        return base64.b64decode(found.group(1))

    def enrol(self, csr, template=None, order=None):
        items = [("CertificateTemplate", template)] if template else []
        if order is not None:
            items.append(("ChanceryOrder", b64(order)))
        return self.leaf(self.rst("http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue", csr, items))

    def query(self, request):
        return self.leaf(self.rst(ENROL + "/QueryTokenStatus", None, request=request))


class XcepClient(Soap):
    def policies(self, last_update=None, filters='<requestFilter xsi:nil="true"/>'):
        last = (f"<lastUpdate>{last_update}</lastUpdate>" if last_update else '<lastUpdate xsi:nil="true"/>')
        return self.post(f"/ADPolicyProvider_CEP_{self.way}/service.svc/CEP", XCEP + "/IPolicy/GetPolicies",
                         f"""<GetPolicies xmlns="{XCEP}" xmlns:xsi="{XSI}"><client>{last}
<preferredLanguage xsi:nil="true"/></client>{filters}</GetPolicies>""")


class EstClient:
    def __init__(self, world, who, by_password, password=None, cert=None, key=None):
        self.headers = {}
        context = tls_context(world.root_file)
        if cert is not None:
            context = tls_context(world.root_file, cert, key)
        elif who is not None and not by_password:
            context = tls_context(world.root_file, who.cert, who.key)
        if who is not None and by_password:
            both = f"{who.name}:{who.password if password is None else password}"
            self.headers["Authorization"] = "Basic " + b64(both.encode())
        self.https = Https(world.host, world.ports["ca"], context)

    def request(self, method, operation, label=None, body=None, headers=None):
        path = "/.well-known/est/" + (label + "/" if label else "") + operation
        more = dict(self.headers, **(headers or {}))
        if body is not None:
            more.setdefault("Content-Type", "application/pkcs10")
        return self.https.request(method, path, body, more)

    def post(self, operation, csr, label=None, order=None, headers=None):
        more = dict(headers or {})
        if order is not None:
            more["Chancery-Order"] = b64(order)
        status, head, data = self.request("POST", operation, label, b64(csr).encode(), more)
        if status == 202:
            raise Pending(re.search(rb"request (\d+)", data).group(1).decode(), int(head["retry-after"]))
        if status != 200:
            raise Refused(status, data.decode(), int((re.search(rb"0x([0-9a-f]{8})", data) or [0, b"0"])[1], 16))
        return head, data

    def enrol(self, csr, template=None, order=None, operation="simpleenroll"):
        _, data = self.post(operation, csr, template, order)
        certs = pkcs7.load_der_pkcs7_certificates(base64.b64decode(data))
        assert len(certs) == 1
        return certs[0].public_bytes(serialization.Encoding.DER)
