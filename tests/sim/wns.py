# SPDX-License-Identifier: Apache-2.0
"""Microsoft's push service and its login service, as a management server sees them: HTTPS, tokens by client
credentials, channels. Strict about what a push must say. Written from Microsoft's published pages on both."""

import base64
import http.server
import json
import os
import secrets
import ssl
import threading
import urllib.parse
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Wns:
    """client, secret: of the application; family: its package family name.

    answers: for the next pushes, in this order: (status, fields). lifetime: of tokens, seconds."""

    def __init__(self, folder, client, secret, family, scope="notify.windows.com"):
        self.client, self.secret, self.family, self.scope = client, secret, family, scope
        self.answers, self.login_answers, self.lifetime = [], [], 86400
        self.channels = {}   # address -> package family name
        self.pushes = []     # addresses
        self.tokens = []     # each one that was given
        self.good = set()    # those that count
        self.broken = []     # what no client may send
        self.file = os.path.join(str(folder), "wns.pem")
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Length") is None or self.headers.get("Transfer-Encoding"):
                    stub.broken.append("no Content-Length")
                status, fields, answer = stub.judge(self.path, self.headers, body)
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = self.context().wrap_socket(self.server.socket, server_side=True,
                                                        do_handshake_on_connect=False)
        self.host = f"localhost:{self.server.server_address[1]}"
        self.token_url = f"https://{self.host}/login/oauth2/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def context(self):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.utcnow()
        cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=30))
                .add_extension(x509.BasicConstraints(True, 0), True)
                .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
                .sign(key, hashes.SHA256()))
        with open(self.file, "wb") as f:
            f.write(cert.public_bytes(serialization.Encoding.PEM))
        both = self.file + ".key"
        with open(both, "wb") as f:
            f.write(cert.public_bytes(serialization.Encoding.PEM))
            f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def channel(self, family):
        """What a machine gets for this application: a new address each time."""
        if family != self.family:
            return ""
        token = urllib.parse.quote(base64.b64encode(secrets.token_bytes(160)).decode(), safe="")
        uri = f"https://{self.host}/?token={token}"
        self.channels[uri] = family
        return uri

    def judge(self, path, headers, body):
        if path == "/login/oauth2/token":
            return self.login(headers, body)
        uri = f"https://{self.host}{path}"
        bearer = headers.get("Authorization", "")
        if headers.get("X-WNS-Type") != "wns/raw" or headers.get("Content-Type") != "application/octet-stream":
            self.broken.append(dict(headers))
            return 400, {"X-WNS-Error-Description": "The type is wrong."}, b""
        if headers.get("X-WNS-Cache-Policy") != "cache" or body:
            self.broken.append(dict(headers))
        if not bearer.startswith("Bearer ") or bearer[7:] not in self.good:
            return 401, {"X-WNS-Error-Description": "The token is not valid."}, b""
        if self.answers:
            status, fields = self.answers.pop(0)
            return status, fields, b""
        if uri not in self.channels:
            return 410, {"X-WNS-Status": "dropped"}, b""
        self.pushes.append(uri)
        return 200, {"X-WNS-Status": "received", "X-WNS-Msg-ID": secrets.token_hex(8)}, b""

    def login(self, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        if headers.get("Content-Type") != "application/x-www-form-urlencoded" or \
                form.get("grant_type") != "client_credentials" or form.get("scope") != self.scope:
            self.broken.append((dict(headers), sorted(form)))
            return 400, {}, b'{"error":"invalid_request"}'
        if form.get("client_id") != self.client or form.get("client_secret") != self.secret:
            return 400, {"Content-Type": "application/json"}, json.dumps(
                {"error": "invalid_client", "error_description": "Invalid client id or secret."}).encode()
        if self.login_answers:
            return self.login_answers.pop(0)
        token = "EgA" + secrets.token_urlsafe(48) + "+/="
        self.tokens.append(token)
        self.good.add(token)
        return 200, {"Content-Type": "application/json"}, json.dumps(
            {"access_token": token, "token_type": "bearer", "expires_in": self.lifetime}).encode()
