# SPDX-License-Identifier: Apache-2.0
"""An OpenID Connect issuer of its own: discovery, keys, sign-in by device code and by authorization code with PKCE,
refresh, revocation; tokens by PyJWT. Knows nothing of Chancery."""

import base64
import datetime
import hashlib
import ipaddress
import json
import time
import urllib.parse

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tls_server import Handler, TlsServer


def certificate(folder):
    """A self-signed certificate for this host; file names of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test issuer")])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    crt, pem = folder / "issuer.crt", folder / "issuer.key"
    crt.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    pem.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()))
    return str(crt), str(pem)


class Issuer:
    def __init__(self, folder):
        self.cert, key = certificate(folder)
        self.keys = {}      # kid -> (algorithm, private key)
        self.asked = []     # paths
        self.grants = {}    # device code -> claims, or None while nobody signed in
        self.claims = {}
        self.codes = {}     # authorization code -> what it was asked with
        self.refreshes = set()
        self.named = True   # in its answers to browsers (RFC 9207)
        self.life = 600     # of its tokens
        issuer = self

        class Answers(Handler):
            def answer(self, status, body):
                self.reply(status, "application/json", json.dumps(body).encode())

            def do_GET(self):
                issuer.asked.append(self.path)
                self.answer(*issuer.get(self.path))

            def do_POST(self):
                issuer.asked.append(self.path)
                text = self.body().decode()
                self.answer(*issuer.post(self.path, dict(urllib.parse.parse_qsl(text))))

        self.server = TlsServer(0, Answers, self.cert, key)
        self.url = f"https://localhost:{self.server.server_address[1]}/realm"

    def close(self):
        self.server.stop()

    def add_key(self, kid, alg="RS256"):
        self.keys[kid] = (alg, rsa.generate_private_key(65537, 2048) if alg == "RS256"
                          else ec.generate_private_key(ec.SECP256R1()))

    def jwk(self, kid):
        alg, key = self.keys[kid]
        kind = jwt.algorithms.RSAAlgorithm if alg == "RS256" else jwt.algorithms.ECAlgorithm
        if alg == "RS256":
            out = json.loads(kind.to_jwk(key.public_key()))
            out.pop("key_ops", None)
        else:
            numbers = key.public_key().public_numbers()
            size = [n.to_bytes(32, "big") for n in (numbers.x, numbers.y)]
            out = {"kty": "EC", "crv": "P-256",
                   "x": jwt.utils.base64url_encode(size[0]).decode(),
                   "y": jwt.utils.base64url_encode(size[1]).decode()}
        out.update(kid=kid, use="sig", alg=alg)
        return out

    def get(self, path):
        if path == "/realm/.well-known/openid-configuration":
            return 200, {"issuer": self.url, "jwks_uri": self.url + "/keys",
                         "authorization_endpoint": self.url + "/authorize",
                         "revocation_endpoint": self.url + "/revoke",
                         "authorization_response_iss_parameter_supported": self.named,
                         "device_authorization_endpoint": self.url + "/device",
                         "token_endpoint": self.url + "/token"}
        if path == "/realm/keys":
            odd = {"kty": "oct", "k": "AAAA", "kid": "odd"}
            return 200, {"keys": [odd] + [self.jwk(k) for k in self.keys]}
        return 404, {}

    def post(self, path, form):
        if path == "/realm/device":
            self.grants["the-code"] = None
            return 200, {"device_code": "the-code", "user_code": "ABCD-EFGH", "interval": 1,
                         "verification_uri": self.url + "/go", "expires_in": 60}
        if path == "/realm/token" and form.get("device_code") in self.grants:
            if self.grants[form["device_code"]] is None:
                self.grants[form["device_code"]] = self.claims
                return 400, {"error": "authorization_pending"}
            return 200, self.answer()
        if path == "/realm/token" and form.get("grant_type") == "authorization_code":
            asked = self.codes.pop(form.get("code"), None)
            proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            if asked and all(form.get(k) == asked[k] for k in ("client_id", "redirect_uri")) \
                    and asked["code_challenge"] == proof.rstrip(b"=").decode():
                return 200, self.answer()
            return 400, {"error": "invalid_grant"}
        if path == "/realm/token" and form.get("refresh_token") in self.refreshes:
            self.refreshes.remove(form["refresh_token"])
            return 200, self.answer()
        if path == "/realm/token" and form.get("grant_type") == "refresh_token":
            return 400, {"error": "invalid_grant"}
        if path == "/realm/revoke":
            self.refreshes.discard(form.get("token"))
            return 200, {}
        return 400, {"error": "invalid_request"}

    def answer(self):
        refresh = f"refresh-{len(self.asked)}"
        self.refreshes.add(refresh)
        return {"access_token": self.token(**self.claims), "token_type": "Bearer", "expires_in": self.life,
                "refresh_token": refresh}

    def approve(self, url):
        """What its page would do when the person has signed in: the query that the browser comes back with."""
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}-{len(self.asked)}"
        self.codes[code] = asked
        return asked["redirect_uri"], {"code": code, "state": asked["state"], "iss": self.url}

    def token(self, kid="one", headers=None, key=None, alg=None, **claims):
        now = int(time.time())
        body = {"iss": self.url, "aud": "api://chancery", "sub": "42", "azp": "chancery",
                "preferred_username": "grace@contoso.test", "groups": ["pki-admins"],
                "iat": now, "nbf": now, "exp": now + 600}
        body.update(claims)
        body = {k: v for k, v in body.items() if v is not None}
        own = self.keys.get(kid, (None, None))
        return jwt.encode(body, own[1] if key is None else key, algorithm=alg or own[0],
                          headers={"kid": kid, **(headers or {})})
