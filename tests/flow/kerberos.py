# SPDX-License-Identifier: Apache-2.0
"""A realm with a KDC of its own (MIT krb5), and an EST server that wants a ticket (RFC 4559, by python3-gssapi)."""

import base64
import os
import subprocess

import gssapi
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from digicert import Authority
from tls_server import Handler, TlsServer
from world import free_ports, wait_for

REALM = "CHANCERY.TEST"


class Realm:
    def __init__(self, folder):
        self.dir, self.port = folder, free_ports(1)[0]
        os.makedirs(folder)
        self.conf = self.file("krb5.conf", f"""[libdefaults]
default_realm = {REALM}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
[realms]
{REALM} = {{
  kdc = 127.0.0.1:{self.port}
}}
[domain_realm]
localhost = {REALM}
""")
        self.file("kdc.conf", f"""[kdcdefaults]
kdc_ports = {self.port}
kdc_tcp_ports = {self.port}
[realms]
{REALM} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  max_life = 1h
}}
""")
        self.env = {**os.environ, "KRB5_CONFIG": self.conf, "KRB5_KDC_PROFILE": f"{folder}/kdc.conf"}
        self.run("/usr/sbin/kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        self.kdc = None

    def file(self, named, text):
        path = os.path.join(self.dir, named)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path

    def run(self, *command, text=None):
        return subprocess.run(command, check=True, env=self.env, capture_output=True, text=True, input=text)

    def start(self):
        self.kdc = subprocess.Popen(["/usr/sbin/krb5kdc", "-n", "-r", REALM, "-P", f"{self.dir}/pid"], env=self.env,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def stop(self):
        if self.kdc is not None:
            self.kdc.terminate()
            self.kdc.wait(10)
        self.kdc = None

    def keytab(self, principal, named):
        path = os.path.join(self.dir, named)
        self.run("/usr/sbin/kadmin.local", "-r", REALM, "addprinc", "-randkey", principal)
        self.run("/usr/sbin/kadmin.local", "-r", REALM, "ktadd", "-k", path, principal)
        return path

    def ticket(self, principal, keytab, cache):
        wait_for(lambda: subprocess.run(["kinit", "-k", "-t", keytab, "-c", f"FILE:{cache}", principal], env=self.env,
                                        check=False, capture_output=True).returncode == 0, 30, 0.2, "a ticket")


def negotiate(back):
    """The header that asks for a ticket, or takes one back (RFC 4559)."""
    return {"WWW_Authenticate": "Negotiate" + (" " + base64.b64encode(back).decode() if back else "")}


class EstServer:
    """Issues what is asked for to whoever shows a ticket; who that was is kept."""

    def __init__(self, keytab):
        self.port = free_ports(1)[0]
        self.url = f"https://localhost:{self.port}"
        self.ca = Authority()
        self.keytab = keytab
        self.callers, self.refused = [], 0
        self.server = None

    def caller(self, header):
        """The principal behind "Negotiate TOKEN", and the token that goes back; None: nobody."""
        if not (header or "").startswith("Negotiate "):
            return None
        creds = gssapi.Credentials(usage="accept", store={"keytab": f"FILE:{self.keytab}"})
        context = gssapi.SecurityContext(creds=creds, usage="accept")
        try:
            back = context.step(base64.b64decode(header[len("Negotiate "):]))
        except gssapi.exceptions.GSSError:
            return None
        return (str(context.initiator_name), back) if context.complete else None

    def issue(self, csr):
        san = [(e.value, False) for e in csr.extensions if isinstance(e.value, x509.SubjectAlternativeName)]
        cert = self.ca.leaf(csr.public_key(), csr.subject, san + [
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)])
        return base64.encodebytes(pkcs7.serialize_certificates([cert, self.ca.cert], serialization.Encoding.DER))

    def start(self, folder):
        owner = self

        class Est(Handler):
            def do(self):
                body = self.body()
                who, back = owner.caller(self.headers.get("Authorization")) or (None, None)
                status, data = 200, b""
                if who is None:
                    owner.refused += 1
                    status = 401
                elif self.path.endswith("/simpleenroll"):
                    owner.callers.append(who)
                    data = owner.issue(x509.load_der_x509_csr(base64.b64decode(body)))
                else:
                    status = 204
                self.reply(status, "application/pkcs7-mime; smime-type=certs-only", data,
                           **(negotiate(back) if status == 401 or back else {}))

            do_GET = do_POST = do  # noqa: N815

        self.server = TlsServer(self.port, Est, self.ca.localhost(f"{folder}/est.pem"))
        return self

    def stop(self):
        self.server.stop()
