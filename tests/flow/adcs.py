# SPDX-License-Identifier: Apache-2.0
"""A certification authority that answers as AD CS does behind its enrolment web service (MS-WSTEP) and as an EST server
(RFC 7030), written from those documents. It knows nothing of orders: asked twice it issues twice.

What goes wrong is said by the end of the common name. Issued, but nobody hears of it: "-drop" ends the connection,
"-garbage" answers with something else, "-gateway" says 504 as one in between, "-held" waits to be released. Not issued:
"-busy" is 503 the first time, "-deny" the CA's refusal, "-call" a CA that was lost in mid-call. Left waiting for a
manager: "-pending", "-approved" by him in the next moment, "-refused" by him.
"""

import base64
import re
import threading

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from digicert import Authority, pem
from kerberos import EstServer, negotiate
from tls_server import Handler, TlsServer
from world import free_ports

WST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
TOKEN = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
ENROL = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
DENIED_BY_MANAGER, DENIED, CALL_FAILED = 0x80094014, 0x80094800, 0x800706BE


class Gone(Exception):
    """No answer: the connection just ends."""


def signed(number):
    return number - (1 << 32) if number >> 31 else number


class Adcs:
    """keytab: of HTTP/localhost, for those who come with a ticket."""

    def __init__(self, keytab=None, clients=None):
        self.port = free_ports(1)[0]
        self.url = f"https://localhost:{self.port}"
        self.ca = Authority()
        self.tickets = EstServer(keytab) if keytab else None
        self.clients = clients  # PEM of the CA of client certificates; they are asked for, not demanded
        self.lock = threading.Lock()
        self.away = False     # ends connections before TLS stands
        self.release = threading.Event()
        self.issued = []      # certificates, in the order of issuing
        self.waiting = {}     # number -> None, a certificate, or "denied"
        self.asked = []       # paths of what asked for a certificate
        self.seen = []        # for whom
        self.number = 60
        self.server = None

    @property
    def trust(self):
        return pem(self.ca.root)

    def of(self, who):
        with self.lock:
            return [c for c in self.issued if f"CN={who}" in c.subject.rfc4514_string()]

    def sign(self, csr):
        more = [(e.value, False) for e in csr.extensions if isinstance(e.value, x509.SubjectAlternativeName)]
        cert = self.ca.leaf(csr.public_key(), csr.subject, more + [
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)])
        with self.lock:
            self.issued.append(cert)
        return cert

    # What a person does at the CA's console.

    def approve(self, number):
        csr = self.waiting[number]
        self.waiting[number] = self.sign(csr)
        return self.waiting[number]

    # Answers

    def envelope(self, body):
        return (f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
                f'xmlns:a="http://www.w3.org/2005/08/addressing">'
                f'<s:Header><a:Action s:mustUnderstand="1">{ENROL}/RSTRC/wstep</a:Action></s:Header>'
                f'<s:Body>{body}</s:Body></s:Envelope>').encode()

    def collection(self, words, number, cert=None):
        if cert is None:
            inner = (f'<SecurityTokenReference xmlns="{WSSE}"><Reference URI="{self.url}/service.svc/CES"/>'
                     f'</SecurityTokenReference>')
            bag = [self.ca.cert]
        else:
            der = base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()
            inner = (f'<BinarySecurityToken ValueType="{TOKEN}" EncodingType="{WSSE}#base64binary" xmlns="{WSSE}">'
                     f'{der}</BinarySecurityToken>')
            bag = [cert, self.ca.cert]
        chain = base64.b64encode(pkcs7.serialize_certificates(bag, serialization.Encoding.DER)).decode()
        return 200, self.envelope(
            f'<RequestSecurityTokenResponseCollection xmlns="{WST}"><RequestSecurityTokenResponse>'
            f'<TokenType>{TOKEN}</TokenType>'
            f'<DispositionMessage xml:lang="en-US" xmlns="{ENROL}">{words}</DispositionMessage>'
            f'<BinarySecurityToken ValueType="{WSSE}#PKCS7" EncodingType="{WSSE}#base64binary" xmlns="{WSSE}">{chain}'
            f'</BinarySecurityToken><RequestedSecurityToken>{inner}</RequestedSecurityToken>'
            f'<RequestID xmlns="{ENROL}">{number}</RequestID>'
            f'</RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection>')

    def fault(self, words, hresult, number, invalid="true"):
        return 500, self.envelope(
            f'<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code>'
            f'<s:Reason><s:Text xml:lang="en-US">{words}</s:Text></s:Reason>'
            f'<s:Detail><CertificateEnrollmentWSDetail xmlns="{ENROL}" xmlns:xsi="{XSI}">'
            f'<BinaryResponse xsi:nil="true"/><ErrorCode>{signed(hresult)}</ErrorCode>'
            f'<InvalidRequest>{invalid}</InvalidRequest><RequestID>{number}</RequestID>'
            f'</CertificateEnrollmentWSDetail></s:Detail></s:Fault>')

    def query(self, number):
        state = self.waiting.get(number)
        if state == "denied":
            return self.fault("The request was denied by a certificate manager.", DENIED_BY_MANAGER, number)
        if isinstance(state, x509.Certificate):
            return self.collection("Issued", number, state)
        return self.collection("Taken Under Submission", number)

    def enrol(self, path, csr, answer):
        """answer: of the protocol, from the certificate and the number; what goes wrong does here."""
        with self.lock:
            self.asked.append(path)
            self.number += 1
            number = self.number
            who = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
            trouble = who.rsplit("-", 1)[-1]
            again = who in self.seen
            self.seen.append(who)
        if trouble in ("deny", "call"):
            return answer(None, number, trouble)
        if trouble in ("pending", "approved", "refused"):
            with self.lock:
                self.waiting[number] = "denied" if trouble == "refused" else csr
            if trouble == "approved":
                self.approve(number)
            return answer(None, number, "pending")
        if trouble == "busy" and not again:
            return 503, b""
        cert = self.sign(csr)
        if trouble == "held":
            self.release.wait(60)
        if trouble == "drop":
            raise Gone
        if trouble == "garbage":
            return 200, b"<html><p>Welcome</html>"
        if trouble == "gateway":
            return 504, b""
        return answer(cert, number, None)

    def wstep_answer(self, cert, number, trouble):
        if trouble == "pending":
            return self.collection("Taken Under Submission", number)
        if trouble == "deny":
            return self.fault("The submission failed: Denied by Policy Module", DENIED, number)
        if trouble == "call":
            return self.fault("The remote procedure call failed.", CALL_FAILED, number, "false")
        return self.collection("Issued", number, cert)

    def est_answer(self, cert, number, trouble):
        if trouble is not None:
            return (202 if trouble == "pending" else 403), f"request {number}".encode()
        return 200, self.bag([cert])

    @staticmethod
    def bag(certs):
        return base64.encodebytes(pkcs7.serialize_certificates(certs, serialization.Encoding.DER))

    def answer(self, method, path, body):
        if "/CES" in path:
            token = re.search(r"<(?:\w+:)?BinarySecurityToken[^>]*>([^<]*)<", body.decode())
            if token is None:
                return self.query(int(re.search(r"RequestID[^>]*>(\d+)<", body.decode()).group(1)))
            return self.enrol(path, x509.load_der_x509_csr(base64.b64decode(token.group(1))), self.wstep_answer)
        if "/.well-known/est" in path and path.endswith("/cacerts"):
            return 200, self.bag([self.ca.cert, self.ca.root])
        if "/.well-known/est" in path and method == "POST":
            return self.enrol(path, x509.load_der_x509_csr(base64.b64decode(body)), self.est_answer)
        return 404, b""

    def start(self, folder):
        owner = self

        class Web(Handler):
            def do(self):
                body = self.body()
                way = "_CES_Kerberos/" in self.path
                who, back = 1, None
                if way:
                    who, back = owner.tickets.caller(self.headers.get("Authorization")) or (None, None)
                try:
                    status, data = (401, b"") if who is None else owner.answer(self.command, self.path, body)
                except Gone:
                    self.close_connection = True
                    return
                self.reply(status, "application/pkcs7-mime" if "est" in self.path else
                           "application/soap+xml; charset=utf-8", data,
                           **(negotiate(back) if way and (status == 401 or back) else {}))

            do_GET = do_POST = do  # noqa: N815

        class Server(TlsServer):
            def finish_request(self, request, client_address):
                if not owner.away:
                    super().finish_request(request, client_address)

        self.server = Server(self.port, Web, self.ca.localhost(f"{folder}/adcs.pem"), clients=self.clients)
        return self

    def stop(self):
        self.server.stop()
