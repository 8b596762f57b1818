# SPDX-License-Identifier: Apache-2.0
"""Apple's push service as a management server sees it: HTTP/2 over TLS with the push certificate, strict about what a
push must say. Beside it, what signs push certificates."""

import json
import os
import re
import socket
import ssl
import threading
import uuid
from datetime import datetime, timedelta

import h2.config
import h2.connection
import h2.events
import h2.settings
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

UID = x509.ObjectIdentifier("0.9.2342.19200300.100.1.1")


class PushCa:
    """Signs push certificates, and the server's own."""

    def __init__(self, folder):
        self.dir = str(folder)
        os.makedirs(self.dir, exist_ok=True)
        self.key = rsa.generate_private_key(65537, 2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Push CA")])
        self.cert = self.make(self.name, self.key.public_key(), x509.BasicConstraints(True, None))
        self.file = self.write("push-ca.pem", self.pem(self.cert))

    def write(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    @staticmethod
    def pem(cert):
        return cert.public_bytes(serialization.Encoding.PEM)

    def make(self, subject, key, *extensions, days=365):
        now = datetime.utcnow()
        b = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
             .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
             .not_valid_after(now + timedelta(days=days)))
        for e in extensions:
            b = b.add_extension(e, isinstance(e, x509.BasicConstraints))
        return b.sign(self.key, hashes.SHA256())

    def push_certificate(self, csr, topic, key=None):
        """What Apple gives for this request (PEM)."""
        csr = x509.load_pem_x509_csr(csr.encode())
        assert csr.is_signature_valid and csr.public_key().key_size >= 2048
        subject = x509.Name([x509.NameAttribute(UID, topic), x509.NameAttribute(NameOID.COMMON_NAME, "APSP:" + topic),
                             x509.NameAttribute(NameOID.COUNTRY_NAME, "US")])
        return self.pem(self.make(subject, key or csr.public_key())).decode()


class Apns:
    """The push service. answers: token in hex -> (status, reason[, timestamp]), for the next pushes to it."""

    def __init__(self, ca):
        self.pushes = []  # (token in hex, topic, body)
        self.answers = {}
        self.broken = []  # what no client may send
        self.leaving = False  # ends each connection after one push, by GOAWAY
        self.shed = 0         # so many connections more are ended by GOAWAY without their first push being looked at
        self.connections = 0
        key = rsa.generate_private_key(65537, 2048)
        cert = ca.make(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key.public_key(),
                       x509.SubjectAlternativeName([x509.DNSName("localhost")]))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(ca.write("apns.pem", ca.pem(cert)), ca.write("apns.key", key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())))
        self.context.load_verify_locations(ca.file)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(raw,), daemon=True).start()

    def close(self):
        self.listener.close()

    def talk(self, raw):
        try:
            with self.context.wrap_socket(raw, server_side=True) as s:
                if s.selected_alpn_protocol() != "h2":
                    self.broken.append("not HTTP/2")
                    return
                self.speak(s, x509.load_der_x509_certificate(s.getpeercert(True)))
        except OSError:
            pass

    def speak(self, s, cert):
        topic = cert.subject.get_attributes_for_oid(UID)[0].value
        c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        c.local_settings = h2.settings.Settings(client=False, initial_values={
            h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        c.initiate_connection()
        s.sendall(c.data_to_send())
        self.connections += 1
        open_streams = {}
        while data := s.recv(65536):
            for event in c.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    open_streams[event.stream_id] = [{k.decode() if isinstance(k, bytes) else k:
                                                      v.decode() if isinstance(v, bytes) else v
                                                      for k, v in event.headers}, b""]
                elif isinstance(event, h2.events.DataReceived):
                    open_streams[event.stream_id][1] += event.data
                    c.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    if self.shed > 0:
                        self.shed -= 1
                        self.go_away(s, c, event.stream_id - 2)
                        return
                    self.reply(c, event.stream_id, *self.judge(topic, *open_streams.pop(event.stream_id)))
                    if self.leaving:
                        self.go_away(s, c, event.stream_id)
                        return
            s.sendall(c.data_to_send())

    @staticmethod
    def go_away(s, c, last):
        """RFC 9113 6.8: streams up to `last` were looked at, later ones may be sent again elsewhere."""
        c.close_connection(last_stream_id=max(last, 0))
        s.sendall(c.data_to_send())

    @staticmethod
    def reply(c, stream, status, reason, timestamp=None):
        answer = {"reason": reason, **({"timestamp": timestamp} if timestamp is not None else {})}
        body = json.dumps(answer).encode() if reason else b""
        c.send_headers(stream, [(":status", str(status)), ("apns-id", str(uuid.uuid4()).upper())], end_stream=not body)
        if body:
            c.send_data(stream, body, end_stream=True)

    def judge(self, own, headers, body):
        found = re.match(r"^/3/device/([0-9a-f]{64})$", headers[":path"])
        if headers[":method"] != "POST":
            return 405, "MethodNotAllowed"
        if not found:
            return 400, "BadDeviceToken"
        if headers.get("apns-topic") != own:
            return 400, "TopicDisallowed"
        if headers.get("apns-push-type") != "mdm":
            return 400, "InvalidPushType"
        message = json.loads(body or b"{}")
        if list(message) != ["mdm"] or not message["mdm"]:
            self.broken.append(body)
            return 400, "PayloadEmpty"
        token = found.group(1)
        self.pushes.append((token, own, message["mdm"]))
        return self.answers.pop(token, (200, ""))
