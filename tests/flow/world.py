# SPDX-License-Identifier: Apache-2.0
"""A whole installation on loopback: CA, service, connector, agents.

Used by the flow tests, the demonstration and the measurements. Everything lives in one folder, ports are free ones, and
close() ends every process that was started here. Steps that an administrator would do go through the `chancery` command
or the same sockets; nothing here reaches into a database.
"""

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time
import types
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("CHANCERY_BUILD", os.path.join(ROOT, "build/release"))

PERMISSIONS = [
    "User.ReadWrite.All",
    "Group.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "DeviceManagementConfiguration.ReadWrite.All",
    "DeviceManagementManagedDevices.ReadWrite.All",
    "DeviceManagementManagedDevices.PrivilegedOperations.All",
    "DeviceManagementServiceConfig.ReadWrite.All",
    "Directory.Read.All",
    "Chancery.Metrics.Read",
]

# The subject of the main job: what administrators write, in their order.
SUBJECT = ("CN={{UserName}},E={{EmailAddress}},OU=Mobile,O=Finance Group,L=Redmond,"
           "ST=Washington,C=US")


class ApiError(Exception):
    """An answer of the API that is no success."""

    def __init__(self, method, path, status, body):
        self.status = status
        self.body = body
        self.error = body.get("error", {}) if isinstance(body, dict) else {}
        super().__init__(f"{method} {path}: {status}: {json.dumps(body)[:600]}")

    @property
    def text(self):
        return json.dumps(self.body, ensure_ascii=False)


class AdminError(Exception):
    """A refusal at an administrator's socket; id is that of the fault catalogue."""

    def __init__(self, verb, ident, detail):
        self.id = ident
        self.detail = detail
        super().__init__(f"{verb}: {ident}: {detail}")


class Timeout(Exception):
    pass


# Seconds that anything may take. A limit ends a test that would hang; it measures nothing, and a machine that does much
# else breaks any shorter one.
PATIENCE = 60.0


def wait_for(what, seconds=PATIENCE, step=0.03, why=""):
    """Calls what() until it returns something true; errors meanwhile count as "not yet". seconds: what takes longer
    than PATIENCE by its nature. why: a text, or what gives it when it comes to that."""
    seconds = max(seconds, PATIENCE)
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            last = None
            value = what()
            if value:
                return value
        except (OSError, ApiError, AdminError, LookupError, ValueError, http.client.HTTPException) as e:
            last = e
        if time.monotonic() > end:
            raise Timeout(f"{(why() if callable(why) else why) or what}: not within {seconds} s ({last})") from last
        time.sleep(step)


# Ports to listen on: below those that the system gives to outgoing connections, and apart for each process that runs
# tests.
PORTS = range(12000, 32000)
PORTS_EACH = 5000


def port_walk():
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % (len(PORTS) // PORTS_EACH)
    mine = PORTS[worker * PORTS_EACH:(worker + 1) * PORTS_EACH]
    at = os.getpid() * 7 % PORTS_EACH
    while True:
        yield mine[at % PORTS_EACH]
        at += 1


PORT_WALK = port_walk()


def free_ports(n):
    found = []
    while len(found) < n:
        port = next(PORT_WALK)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found


def program(name):
    return {
        "chanceryd": os.path.join(BUILD, "src/daemon/chanceryd"),
        "chancery-agent": os.path.join(BUILD, "src/agent/chancery-agent"),
        "chancery": os.path.join(BUILD, "src/cli/chancery"),
    }[name]


def b64(data):
    return base64.b64encode(data).decode()


def pem_blocks(text):
    """Each certificate of a PEM text, as DER."""
    out = []
    for part in text.split("-----BEGIN CERTIFICATE-----")[1:]:
        out.append(base64.b64decode("".join(part.split("-----END")[0].split())))
    return out


def children(pid):
    """Name -> process id of the processes that pid started."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                stat = f.read()
        except OSError:
            continue
        name = stat[stat.index("(") + 1:stat.rindex(")")]
        fields = stat[stat.rindex(")") + 2:].split()
        if int(fields[1]) == pid and fields[0] != "Z":
            found[name] = int(entry)
    return found


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


IDLE_KIB = 10 * 1024


def wait_idle(agent):
    """Until a Linux agent that has nothing to do is as small as it shall be, counted page by page; its size."""
    def size():
        with open(f"/proc/{agent.proc.pid}/smaps_rollup", encoding="ascii") as f:
            kib = int(f.read().split("\nRss:")[1].split()[0])
        return kib if kib < IDLE_KIB else None
    return wait_for(size, 60, 0.2, why=f"{agent.name} to be small")


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Https:
    """One kept connection, opened again when it was closed."""

    wait = 60  # seconds for an answer, unless the caller says how many

    def __init__(self, host, port, context):
        self.host, self.port, self.context = host, port, context
        self.conn = None

    def request(self, method, path, body=None, headers=None, timeout=None):
        for last in (False, True):
            if self.conn is None:
                self.conn = http.client.HTTPSConnection(self.host, self.port, context=self.context,
                                                        timeout=timeout or self.wait)
            try:
                self.conn.request(method, path, body, headers or {})
                r = self.conn.getresponse()
                data = r.read()
                if r.will_close:
                    self.close()
                return r.status, dict((k.lower(), v) for k, v in r.getheaders()), data
            except (http.client.HTTPException, OSError):
                self.close()
                if last or method == "POST" and body is not None and self._sent_once:
                    raise
        raise AssertionError("not reached")

    _sent_once = False

    def close(self):
        if self.conn is not None:
            self.conn.close()
        self.conn = None


def tls_context(root_file=None, cert=None, key=None, version=None):
    """A client's TLS settings; root_file None trusts anything (for tests that look at the server's side only)."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if root_file is None:
        ctx.check_hostname = False
        ctx.verify_mode = ssl.CERT_NONE
    else:
        ctx.load_verify_locations(root_file)
    if cert is not None:
        ctx.load_cert_chain(cert, key)
    if version is not None:
        ctx.minimum_version = ctx.maximum_version = version
    return ctx


class Agent:
    """One Linux device: its folder, its configuration, its process."""

    def __init__(self, world, name, conf=""):
        self.world = world
        self.name = name
        self.dir = os.path.join(world.dir, "devices", name)
        self.state = os.path.join(self.dir, "state")
        self.trust_dir = os.path.join(self.dir, "trust")
        self.etc_dir = os.path.join(self.dir, "etc")
        self.conf = os.path.join(self.dir, "agent.conf")
        self.log = os.path.join(self.dir, "agent.log")
        self.env = dict(world.env.get("agent", {}))
        self.proc = None
        os.makedirs(self.dir, exist_ok=True)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f"""[service]
url={world.device_url}
trust={world.root_file}
[files]
state_dir={self.state}
[trust]
dir={self.trust_dir}
etc_dir={self.etc_dir}
update={"yes" if world.update_trust else "no"}
[device]
name={name}
{conf}""")

    def call(self, *args, check=True, timeout=60, text_input=""):
        done = subprocess.run([program("chancery-agent"), *args, "--config", self.conf], check=False,
                              input=text_input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, **self.env}, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"chancery-agent {' '.join(args)}: {done.returncode}: {done.stderr}")
        return done

    def enrol(self, code, check=True):
        return self.call("enrol", "--code", code, check=check)

    @property
    def id(self):
        with open(os.path.join(self.state, "enrolment.json"), encoding="utf-8") as f:
            return json.load(f)["device_id"]

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.proc = subprocess.Popen([program("chancery-agent"), "run", "--config", self.conf],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         env={**os.environ, **self.env})
        return self

    def stop(self, sig=signal.SIGTERM):
        if self.proc is not None:
            self.proc.send_signal(sig)
            try:
                self.proc.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.proc = None

    def show(self):
        """What the agent says it holds; only while it does not run."""
        return json.loads(self.call("show").stdout)

    def cert_dir(self, profile_id):
        return os.path.join(self.state, "certs", "chancery-" + profile_id)

    def cert_pem(self, profile_id):
        with open(os.path.join(self.cert_dir(profile_id), "cert.pem"), encoding="ascii") as f:
            return f.read()

    def leaf(self, profile_id):
        from cryptography import x509
        return x509.load_der_x509_certificate(pem_blocks(self.cert_pem(profile_id))[0])

    def key_file(self, profile_id):
        return os.path.join(self.cert_dir(profile_id), "key.pem")

    def holds(self, profile_id):
        return os.path.exists(os.path.join(self.cert_dir(profile_id), "cert.pem"))

    def trusts(self, profile_id):
        return os.path.exists(os.path.join(self.trust_dir, f"chancery-{profile_id}.crt"))

    def identity_context(self):
        """TLS as this device."""
        cert = os.path.join(self.dir, "identity-cert.pem")
        with open(os.path.join(self.state, "enrolment.json"), encoding="utf-8") as f:
            der = json.load(f)["certificate"]
        with open(cert, "w", encoding="ascii") as f:
            f.write("-----BEGIN CERTIFICATE-----\n" + der + "\n-----END CERTIFICATE-----\n")
        return tls_context(self.world.root_file, cert, os.path.join(self.state, "identity.pem"))


class World:
    """One installation. Members that matter: url, device_url, ca_url, http_url, issuing_ca, root_file, tenant."""

    ROLES = ("ca", "service", "connector")

    def __init__(self, folder, name="Contoso", lease=120, log="info", update_trust=False, host="localhost",
                 env=None, listen="127.0.0.1"):
        self.dir = os.path.abspath(folder)
        # Role (or "agent") -> what its processes get in their environment beside ours.
        self.env = env or {}
        self.name = name
        self.host = host
        self.update_trust = update_trust
        self.procs = {}
        self.agents = {}
        self.token = None
        self.token_until = 0.0
        os.makedirs(self.dir, exist_ok=True)
        self.ports = dict(zip(("ca", "http", "api", "device"), free_ports(4)))
        self.ca_url = f"https://{host}:{self.ports['ca']}"
        self.http_url = f"http://{host}:{self.ports['http']}"
        self.url = f"https://{host}:{self.ports['api']}"
        self.device_url = f"https://{host}:{self.ports['device']}"
        self.root_file = os.path.join(self.dir, "root.pem")
        self.conf("ca", f"""[ca]
listen={listen}:{self.ports['ca']}
url={self.ca_url}
listen_http=127.0.0.1:{self.ports['http']}
""", log)
        self.conf("service", f"""[api]
listen={listen}:{self.ports['api']}
url={self.url}
[device]
listen={listen}:{self.ports['device']}
url={self.device_url}
[service]
organization={name}
lease={lease}
""", log)
        self.conf("connector", "", log)

    def conf(self, role, text, log):
        with open(self.conf_file(role), "w", encoding="utf-8") as f:
            f.write(f"""[files]
run_dir={self.dir}/{role}/run
state_dir={self.dir}/{role}/state
[log]
level={log}
{text}""")

    def conf_file(self, role):
        return os.path.join(self.dir, f"{role}.conf")

    def log_file(self, role):
        return os.path.join(self.dir, f"{role}.log")

    def state_dir(self, role):
        return os.path.join(self.dir, role, "state")

    def socket_of(self, role):
        return os.path.join(self.dir, role, "run", "admin.sock")

    # Processes

    def start(self, role):
        with open(self.log_file(role), "a", encoding="utf-8") as log:
            self.procs[role] = subprocess.Popen(
                [program("chanceryd"), role, "--config", self.conf_file(role)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self.env.get(role, {})})

    def stop(self, role, sig=signal.SIGTERM):
        proc = self.procs.pop(role, None)
        if proc is None:
            return
        proc.send_signal(sig)
        try:
            proc.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            proc.kill()
            proc.wait()

    def pids(self, role):
        return children(self.procs[role].pid)

    def pid(self, role, name):
        if name == "parent":
            return self.procs[role].pid
        return wait_for(lambda: self.pids(role).get(name), why=f"{role}/{name}")

    def kill(self, role, name):
        """kill -9; the parent itself is started again here, as an init system would: when all of the unit is gone."""
        rest = list(self.pids(role).values()) if name == "parent" else []
        os.kill(self.pid(role, name), signal.SIGKILL)
        if name == "parent":
            self.procs.pop(role).wait()
            wait_for(lambda: not any(alive(pid) for pid in rest), why=f"the end of all processes of {role}")
            self.start(role)

    def close(self):
        for agent in self.agents.values():
            agent.stop()
        for role in reversed(self.ROLES):
            self.stop(role)

    # The administrator's sockets

    def admin(self, role, verb, args=None, timeout=PATIENCE):
        """One exchange with an administrator's socket, as `chancery` does it."""
        v, j = verb.encode(), json.dumps(args or {}).encode()
        body = struct.pack(">HHI", 1, 1, 7) + struct.pack(">I", len(v)) + v + struct.pack(">I", len(j)) + j
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(self.socket_of(role))
            s.sendall(struct.pack(">I", len(body)) + body)
            reply = self._frame(s)
        ok, payload = reply[8], reply[9:]
        n = struct.unpack(">I", payload[:4])[0]
        text, rest = payload[4:4 + n].decode(), payload[4 + n:]
        if ok:
            return json.loads(text)
        n = struct.unpack(">I", rest[:4])[0]
        raise AdminError(verb, text, rest[4:4 + n].decode(errors="replace"))

    @staticmethod
    def _frame(s):
        def take(n):
            data = b""
            while len(data) < n:
                part = s.recv(n - len(data))
                if not part:
                    raise ConnectionError("closed")
                data += part
            return data
        return take(struct.unpack(">I", take(4))[0])

    def cli(self, *args, check=True, env=None, timeout=60, text_input=None):
        """Runs `chancery`; its login lives in the world's folder."""
        environment = {**os.environ, "CHANCERY_HOME": os.path.join(self.dir, "home"), "NO_COLOR": "1",
                       **(env or {})}
        done = subprocess.run([program("chancery"), *args], check=False, env=environment, input=text_input,
                              stdin=None if text_input is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"chancery {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def cli_json(self, *args, **more):
        return json.loads(self.cli(*args, "--json", **more).stdout)

    # From nothing to a running installation

    def start_roles(self):
        for role in self.ROLES:
            self.start(role)
        for role in self.ROLES:
            wait_for(lambda r=role: os.path.exists(self.socket_of(r)), why=f"socket of {role}")

    def make_ca(self):
        wait_for(lambda: self.admin("ca", "ca.show") is not None)
        made = self.admin("ca", "ca.init", {"name": self.name, "host": self.host, "hosts": ["127.0.0.1"],
                                            "http_url": self.http_url})
        self.admin("ca", "template.duplicate", {
            "source": "User", "name": "ChanceryUser", "display_name": "Chancery User",
            "supply_in_request": True, "order_required": True})
        return made

    def join_service(self):
        csr = wait_for(lambda: self.admin("service", "service.csr", {"hosts": [self.host, "127.0.0.1"]}))
        admitted = self.admin("ca", "service.admit", {"name": "service", **csr})
        self.admin("service", "service.accept", {"ca_url": self.ca_url, **admitted})
        self.learn(admitted)
        wait_for(lambda: self.admin("service", "service.show")["joined"])

    def learn(self, admitted):
        self.root_pem = admitted["root_certificate"]
        self.issuing_pem = admitted["issuing_certificate"]
        self.identity_pem = admitted["identity_certificate"]
        self.issuing_ca = admitted["issuing_ca"]
        self.identity_ca = admitted["identity_ca"]
        for name in ("root", "issuing", "identity"):
            with open(os.path.join(self.dir, f"{name}.pem"), "w", encoding="ascii") as f:
                f.write(admitted[f"{name}_certificate"])

    def learn_from_ca(self):
        """What join_service() knows, from the CA itself: for worlds that were made by the command line."""
        cas = {c["role"]: c for c in self.admin("ca", "ca.show")["cas"]}
        self.learn({"issuing_ca": cas["issuing"]["name"], "identity_ca": cas["identity"]["name"],
                    **{f"{role}_certificate": cas[role]["certificate"] for role in cas}})

    def add_app(self, name="tests", permissions=None):
        return self.admin("service", "app.add", {"name": name, "permissions": permissions or PERMISSIONS})

    def login(self, app):
        self.app = app
        self.tenant = app["tenant"]
        self.context = tls_context(self.root_file)
        self.https = Https(self.host, self.ports["api"], self.context)
        self.token, self.token_until = None, 0.0

    def join_connector(self, name="connector"):
        csr = wait_for(lambda: self.admin("connector", "connector.csr"))
        made = self.admin("ca", "principal.add", {"name": name, "csr": csr["csr"]})
        self.grant(name)
        self.admin("connector", "connector.join", {
            "name": name, "service_url": self.device_url, "ca_url": self.ca_url, "cas": [self.issuing_ca],
            "service_trust": self.root_pem, "ca_trust": self.root_pem,
            "ca_certificate": made["certificate"],
            "identity_ca": self.identity_pem, "code": self.code(kind="connector")})

    def grant(self, principal, template="ChanceryUser"):
        self.admin("ca", "ca.grant", {"principal": principal, "rights": ["request", "officer"]})
        self.admin("ca", "template.grant",
                   {"template": template, "principal": principal, "rights": ["read", "enrol"]})

    def setup(self, connector=True):
        """Everything up to the point where an administrator would create users."""
        self.start_roles()
        self.make_ca()
        self.join_service()
        self.login(self.add_app())
        if connector:
            self.join_connector()
        return self

    # The API

    def fetch_token(self, app=None, scope=None):
        app = app or self.app
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "client_id": app["client_id"],
            "client_secret": app["client_secret"], "scope": scope or f"{self.url}/.default"})
        path = f"/{app['tenant']}/oauth2/v2.0/token"
        status, _, data = self.https.request("POST", path, form,
                                             {"Content-Type": "application/x-www-form-urlencoded"})
        body = json.loads(data)
        if status != 200:
            raise ApiError("POST", path, status, body)
        return body

    def bearer(self):
        if time.monotonic() >= self.token_until:
            got = self.fetch_token()
            self.token = got["access_token"]
            self.token_until = time.monotonic() + got["expires_in"] - 60
        return self.token

    def raw(self, method, path, body=None, token="own", headers=None):
        """(status, headers, bytes) of one request; body: bytes, or anything JSON."""
        h = dict(headers or {})
        if token == "own":
            token = self.bearer()
        if token is not None:
            h["Authorization"] = "Bearer " + token
        if body is not None:
            h.setdefault("Content-Type", "application/json")
            if not isinstance(body, (bytes, str)):
                body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        return self.https.request(method, urllib.parse.quote(path, safe="/?&=$%'(),:+"), body, h)

    def api(self, method, path, body=None, token="own"):
        status, _, data = self.raw(method, path, body, token)
        answer = json.loads(data) if data else None
        if status >= 400:
            raise ApiError(method, path, status, answer)
        return answer

    CONFIGURATIONS = "/beta/deviceManagement/deviceConfigurations"

    def add_user(self, upn, mail="", **more):
        body = {"accountEnabled": True, "displayName": upn.split("@", maxsplit=1)[0].title(),
                "mailNickname": "".join(c for c in upn.split("@", maxsplit=1)[0] if c.isalnum()) or "x",
                "userPrincipalName": upn, **more}
        if mail != "":
            body["mail"] = mail
        return self.api("POST", "/v1.0/users", body)

    def add_group(self, name, *members):
        group = self.api("POST", "/v1.0/groups", {"displayName": name, "mailEnabled": False,
                                                  "mailNickname": "g", "securityEnabled": True})
        for m in members:
            self.add_member(group, m)
        return group

    def add_member(self, group, member):
        self.api("POST", f"/v1.0/groups/{group['id']}/members/$ref",
                 {"@odata.id": f"{self.url}/v1.0/directoryObjects/{member['id']}"})

    def remove_member(self, group, member):
        self.api("DELETE", f"/v1.0/groups/{group['id']}/members/{member['id']}/$ref")

    def code(self, user=None, kind="device", minutes=10):
        body = {"kind": kind, "validMinutes": minutes}
        if user is not None:
            body["userId"] = user["id"]
        return self.api("POST", "/chancery/v1/enrolmentCodes", body)["code"]

    def add_root(self, name="Contoso Root", pem=None):
        return self.api("POST", self.CONFIGURATIONS, {
            "@odata.type": "#chancery.linuxTrustedRootCertificate", "displayName": name,
            "certFileName": "root.cer", "trustedRootCertificate": b64((pem or self.root_pem).encode())})

    def pkcs_body(self, root, name="Wi-Fi", subject=SUBJECT, **more):
        return {
            "@odata.type": "#chancery.linuxPkcsCertificateProfile", "displayName": name,
            "renewalThresholdPercentage": 20, "certificateValidityPeriodScale": "years",
            "certificateValidityPeriodValue": 1, "certificationAuthority": self.host,
            "certificationAuthorityName": self.issuing_ca, "certificateTemplateName": "ChanceryUser",
            "subjectNameFormat": "custom", "subjectNameFormatString": subject,
            "customSubjectAlternativeNames": [
                {"sanType": "userPrincipalName", "name": "{{UserPrincipalName}}"}],
            "rootCertificate@odata.bind": f"{self.url}{self.CONFIGURATIONS}('{root['id']}')", **more}

    def add_pkcs(self, root, **more):
        return self.api("POST", self.CONFIGURATIONS, self.pkcs_body(root, **more))

    def assign(self, profile, *groups, exclude=()):
        targets = [{"target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": g["id"]}}
                   for g in groups]
        targets += [{"target": {"@odata.type": "#microsoft.graph.exclusionGroupAssignmentTarget",
                                "groupId": g["id"]}} for g in exclude]
        return self.api("POST", f"{self.CONFIGURATIONS}/{profile['id']}/assign", {"assignments": targets})

    def slots(self, device=None, profile=None):
        terms = []
        if device is not None:
            terms.append(f"deviceId eq '{device}'")
        if profile is not None:
            terms.append(f"profileId eq '{profile}'")
        path = "/chancery/v1/slots" + ("?$filter=" + " and ".join(terms) if terms else "")
        found = []
        while path:
            page = self.api("GET", path)
            found += page["value"]
            path = page.get("@odata.nextLink", "")
            path = urllib.parse.unquote(path[path.index("/chancery"):]) if path else None
        return found

    def timeline(self, slot):
        return self.api("GET", f"/chancery/v1/slots/{slot['id']}/timeline")["value"]

    def slot(self, agent, profile):
        found = self.slots(device=agent.id, profile=profile["id"])
        return found[0] if found else None

    def wait_slot(self, agent, profile, state="installed", seconds=20):
        def reached():
            s = self.slot(agent, profile)
            return s if s is not None and s["state"] == state else None
        try:
            return wait_for(reached, seconds)
        except Timeout as e:
            s = self.slot(agent, profile)
            raise Timeout(f"{e}; the slot is {s}; {self.timeline(s) if s else ''}") from e

    def device(self, name, user=None, run=True, conf=""):
        """An enrolled Linux device of this user."""
        agent = self.agents[name] = Agent(self, name, conf)
        agent.enrol(self.code(user))
        if run:
            agent.start()
        return agent

    def two_laptops(self):
        """A user with two devices, which hold the root and the certificate that are assigned to her group."""
        g = types.SimpleNamespace()
        g.user = self.add_user("ada@contoso.example", "ada.lovelace@contoso.example")
        g.group = self.add_group("Wi-Fi", g.user)
        g.agents = [self.device(f"laptop-{i}", g.user) for i in (1, 2)]
        g.root = self.add_root()
        g.pkcs = self.add_pkcs(g.root)
        self.assign(g.root, g.group)
        self.assign(g.pkcs, g.group)
        for a in g.agents:
            self.wait_slot(a, g.root)
            self.wait_slot(a, g.pkcs)
        return g

    # The CA, as its administrator sees it

    def certificates(self, **filters):
        return self.admin("ca", "cert.list", {"limit": 999, **filters})["certificates"]

    def user_certificates(self, state=None):
        return [c for c in self.certificates() if c["template"] == "ChanceryUser" and
                (state is None or c["state"] == state)]

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)
