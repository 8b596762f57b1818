# SPDX-License-Identifier: Apache-2.0
"""Who may do what: TLS on the device port, tokens and permissions on the API port."""

import datetime
import http.client
import json
import os
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clients import Device, key_pem
from world import ApiError, Https, tls_context, wait_for

CHECKIN = ("POST", "/agent/v1/checkin", b'{"protocol":1,"wait":0}', {"Content-Type": "application/json"})
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def device(world):
    return Device(world, world.code(), name="right")


def write_pem(world, name, cert, key):
    path = os.path.join(world.dir, name)
    with open(path, "wb") as f:
        f.write(cert.public_bytes(serialization.Encoding.PEM) + key_pem(key))
    return path


def made_here(subject, issuer_name, issuer_key, days=1):
    """A client certificate by whoever we say we are."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer_name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2)).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
            .sign(issuer_key or key, hashes.SHA256()))
    return cert, key


def ask(world, context):
    """(status, fault id) of a check-in; status 0: refused by TLS."""
    https = Https(world.host, world.ports["device"], context)
    try:
        status, _, data = https.request(*CHECKIN)
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        https.close()
    body = json.loads(data)
    return status, body.get("error", {}).get("id", "")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_right_certificate_is_let_in(world, device, version):
    path = os.path.join(world.dir, "simulated", device.id + ".pem")
    assert ask(world, tls_context(world.root_file, path, version=version)) == (200, "")


@pytest.mark.parametrize("version", VERSIONS)
def test_no_certificate_is_refused(world, device, version):
    assert ask(world, tls_context(world.root_file, version=version)) == (403, "device-unknown")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_of_another_ca_with_the_same_names_is_refused(world, device, version):
    real = x509.load_der_x509_certificate(device.cert)
    cert, key = made_here(real.subject, real.issuer, ec.generate_private_key(ec.SECP256R1()))
    path = write_pem(world, "other-ca.pem", cert, key)
    status, fault = ask(world, tls_context(world.root_file, path, version=version))
    assert status == 0 or (status, fault) == (403, "device-unknown")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_self_signed_certificate_is_refused(world, device, version):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device.id)])
    path = write_pem(world, "self.pem", *made_here(name, name, None))
    status, fault = ask(world, tls_context(world.root_file, path, version=version))
    assert status == 0 or (status, fault) == (403, "device-unknown")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_user_certificate_of_the_corporate_ca_is_no_device_identity(world, device, version):
    user = world.add_user("corp@contoso.example", "corp@contoso.example") if version == VERSIONS[0] else None
    if user is not None:
        root = world.add_root()
        group = world.add_group("Corporate", user)
        pkcs = world.add_pkcs(root)
        world.assign(root, group)
        world.assign(pkcs, group)
        agent = world.device("corporate", user)
        world.wait_slot(agent, pkcs)
        device.corporate = (agent, pkcs["id"])
    agent, pkcs_id = device.corporate
    context = tls_context(world.root_file, os.path.join(agent.cert_dir(pkcs_id), "cert.pem"),
                          agent.key_file(pkcs_id), version=version)
    status, fault = ask(world, context)
    assert status == 0 or (status, fault) == (403, "device-unknown")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_connector_certificate_is_no_device_identity_and_the_other_way_round(world, device, version):
    state = os.path.join(world.state_dir("connector"), "link")
    with open(os.path.join(state, "join.json"), encoding="utf-8") as f:
        pem = json.load(f)["service_certificate"]
    cert = os.path.join(world.dir, "connector-cert.pem")
    with open(cert, "w", encoding="ascii") as f:
        f.write(pem)
    context = tls_context(world.root_file, cert, os.path.join(state, "service.pem"), version=version)
    assert ask(world, context) == (403, "device-unknown")

    path = os.path.join(world.dir, "simulated", device.id + ".pem")
    https = Https(world.host, world.ports["device"], tls_context(world.root_file, path, version=version))
    status, _, data = https.request("POST", "/connector/v1/poll", b'{"machine":"x","version":"1"}',
                                    {"Content-Type": "application/json"})
    assert status == 401, data
    assert b"connector" in data


@pytest.mark.parametrize("version", VERSIONS)
def test_a_retired_device_is_refused(world, version):
    gone = Device(world, world.code(), name="gone")
    world.api("POST", f"/beta/deviceManagement/managedDevices/{gone.id}/retire")
    path = os.path.join(world.dir, "simulated", gone.id + ".pem")
    assert ask(world, tls_context(world.root_file, path, version=version)) == (403, "device-retired")


@pytest.mark.parametrize("port", ["api", "device", "ca"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_of_tls_are_refused(world, port, version):
    context = tls_context(None)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises(OSError):
        with socket.create_connection(("127.0.0.1", world.ports[port]), 5) as s:
            context.wrap_socket(s, server_hostname=world.host)


def test_the_server_certificates_chain_to_the_root_and_name_the_host(world):
    for port in ("api", "device"):
        with socket.create_connection(("127.0.0.1", world.ports[port]), 5) as s:
            with tls_context(world.root_file).wrap_socket(s, server_hostname=world.host) as t:
                assert t.version() == "TLSv1.3"


# What each permission opens, as a second reading of the table in the program.
ROUTES = [
    ("GET", "/v1.0/users", {"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}),
    ("POST", "/v1.0/users", {"User.ReadWrite.All", "Directory.ReadWrite.All"}),
    ("GET", "/v1.0/groups", {"Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All",
                             "Directory.ReadWrite.All"}),
    ("POST", "/v1.0/groups", {"Group.ReadWrite.All", "Directory.ReadWrite.All"}),
    ("GET", "/beta/deviceManagement/deviceConfigurations", {"DeviceManagementConfiguration.Read.All",
                                                            "DeviceManagementConfiguration.ReadWrite.All"}),
    ("POST", "/beta/deviceManagement/deviceConfigurations", {"DeviceManagementConfiguration.ReadWrite.All"}),
    ("GET", "/v1.0/deviceManagement/managedDevices", {"DeviceManagementManagedDevices.Read.All",
                                                      "DeviceManagementManagedDevices.ReadWrite.All"}),
    ("POST", "/v1.0/deviceManagement/managedDevices/00000000-0000-4000-8000-000000000000/retire",
     {"DeviceManagementManagedDevices.PrivilegedOperations.All"}),
    ("GET", "/chancery/v1/slots", {"DeviceManagementConfiguration.Read.All",
                                   "DeviceManagementConfiguration.ReadWrite.All"}),
    ("GET", "/chancery/v1/enrolmentCodes", {"DeviceManagementServiceConfig.Read.All",
                                            "DeviceManagementServiceConfig.ReadWrite.All"}),
    ("POST", "/chancery/v1/enrolmentCodes", {"DeviceManagementServiceConfig.ReadWrite.All"}),
    ("GET", "/chancery/v1/audit", {"DeviceManagementConfiguration.Read.All",
                                   "DeviceManagementConfiguration.ReadWrite.All",
                                   "DeviceManagementApps.Read.All"}),
    ("GET", "/metrics", {"Chancery.Metrics.Read"}),
]
PERMISSIONS = sorted(set().union(*(allowed for _, _, allowed in ROUTES)))


@pytest.fixture(scope="module")
def tokens(world):
    return {p: world.fetch_token(world.add_app(p, [p]))["access_token"] for p in PERMISSIONS}


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_permission_opens_what_it_says_and_nothing_else(world, tokens, permission):
    for method, path, allowed in ROUTES:
        status, _, data = world.raw(method, path, {} if method == "POST" else None, tokens[permission])
        if permission in allowed:
            assert status not in (401, 403), (method, path, data)
        else:
            assert status == 403, (method, path, status, data)
            assert json.loads(data)["error"]["code"] == "Forbidden"


@pytest.mark.parametrize("method,path", [(m, p) for m, p, _ in ROUTES])
def test_without_a_token_every_route_is_closed(world, method, path):
    status, headers, data = world.raw(method, path, {} if method == "POST" else None, token=None)
    assert status == 401
    assert "bearer" in headers.get("www-authenticate", "").lower()
    assert json.loads(data)["error"]["code"] == "InvalidAuthenticationToken"


def _b64url(data):
    import base64
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_token_that_was_changed_or_made_elsewhere_is_refused(world):
    good = world.bearer()
    head, claims, signature = good.split(".")
    none = _b64url(b'{"alg":"none","typ":"JWT"}')
    hs = _b64url(b'{"alg":"HS256","typ":"JWT"}')
    flipped = signature[:-8] + ("AAAAAAAA" if not signature.endswith("AAAAAAAA") else "BBBBBBBB")
    for bad in (f"{head}.{claims}.{flipped}", f"{none}.{claims}.", f"{hs}.{claims}.{signature}",
                f"{head}.{claims}", "", "x", good + "x", f"{head}.{_b64url(b'{}')}.{signature}"):
        status, _, _ = world.raw("GET", "/v1.0/users", token=bad)
        assert status == 401, bad


def test_a_wrong_secret_gets_no_token(world):
    with pytest.raises(ApiError) as caught:
        world.fetch_token({**world.app, "client_secret": "wrong"})
    assert caught.value.status == 401
    with pytest.raises(ApiError):
        world.fetch_token({**world.app, "client_id": "00000000-0000-4000-8000-000000000000"})
    with pytest.raises(ApiError):
        world.fetch_token({**world.app, "tenant": "00000000-0000-4000-8000-000000000000"})


def test_a_person_signs_in_with_a_device_code(world):
    import urllib.parse
    app = world.admin("service", "app.add", {"name": "cli", "permissions": ["User.Read.All"], "public": True})
    world.admin("service", "admin.add", {"name": "root@contoso.example", "password": "correct horse battery",
                                         "permissions": ["User.Read.All", "Group.Read.All"]})
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def post(path, **fields):
        status, _, data = world.https.request("POST", path, urllib.parse.urlencode(fields), form)
        return status, data
    status, data = post(f"/{world.tenant}/oauth2/v2.0/devicecode", client_id=app["client_id"],
                        scope=f"{world.url}/.default")
    assert status == 200, data
    began = json.loads(data)
    poll = dict(grant_type="urn:ietf:params:oauth:grant-type:device_code", client_id=app["client_id"],
                device_code=began["device_code"])
    status, data = post(f"/{world.tenant}/oauth2/v2.0/token", **poll)
    assert json.loads(data)["error"] == "authorization_pending"
    status, data = post("/device", user_code=began["user_code"], username="root@contoso.example",
                        name="root@contoso.example", password="wrong")
    assert status in (200, 400, 401, 403)

    status, data = post("/device", user_code=began["user_code"], username="root@contoso.example",
                        name="root@contoso.example", password="correct horse battery")
    assert status in (200, 302, 303), data

    def token():
        _, body = post(f"/{world.tenant}/oauth2/v2.0/token", **poll)
        return json.loads(body).get("access_token")
    got = wait_for(token, 20, step=1)
    assert world.raw("GET", "/v1.0/users", token=got)[0] == 200
    # What the application was not given, the person cannot use through it.
    assert world.raw("GET", "/v1.0/groups", token=got)[0] == 403


def test_a_removed_application_is_refused_at_once_and_the_audit_says_who_went(world):
    app = world.cli_json("app", "add", "--name", "leaves", "--permission", "User.Read.All", "--socket",
                         world.socket_of("service"))
    token = world.fetch_token(app)["access_token"]
    assert world.api("GET", "/v1.0/users", token=token)["value"] is not None
    listed = world.cli_json("app", "list", "--socket", world.socket_of("service"))["apps"]
    assert [(a["name"], a["permissions"], a["public"]) for a in listed if a["client_id"] == app["client_id"]] == \
        [("leaves", "User.Read.All", False)]
    world.cli("app", "remove", app["client_id"], "--socket", world.socket_of("service"))
    with pytest.raises(ApiError) as refused:
        world.api("GET", "/v1.0/users", token=token)
    assert refused.value.status == 401 and "removed" in refused.value.text
    with pytest.raises(ApiError) as refused:
        world.fetch_token(app)
    assert refused.value.status in (400, 401)
    table = world.cli("app", "list", "--socket", world.socket_of("service")).stdout
    assert app["client_id"] not in table and world.app["client_id"] in table
    assert ("app.remove", "leaves") in audited(world)
    again = world.cli("app", "remove", app["client_id"], "--socket", world.socket_of("service"), check=False)
    assert again.returncode != 0 and app["client_id"] in again.stderr


def test_a_removed_administrator_is_gone_and_the_name_is_free(world, tmp_path):
    password = tmp_path / "password"
    password.write_text("long enough a password\n", encoding="ascii")
    where = ["--socket", world.socket_of("service")]
    add = ["admin", "add", "--name", "leaver", "--permission", "User.Read.All",
           "--password-file", str(password), *where]
    world.cli(*add)
    assert "leaver" in [a["name"] for a in world.cli_json("admin", "list", *where)["admins"]]
    assert world.cli(*add, check=False).returncode != 0
    world.cli("admin", "remove", "leaver", *where)
    assert "leaver" not in world.cli("admin", "list", *where).stdout
    assert ("admin.remove", "leaver") in audited(world)
    world.cli(*add)
    world.cli("admin", "remove", "leaver", *where)


def audited(world):
    return [(line["action"], line["target"]) for line in world.api("GET", "/chancery/v1/audit?$top=999")["value"]]


def test_who_was_not_let_in_above_stands_in_the_audit_and_in_the_metrics(world, device):
    """Of each kind a line, whoever asked and however often; no password and no name that nobody has."""
    assert ask(world, tls_context(world.root_file)) == (403, "device-unknown")
    kinds = {("login.refused", "oauth-secret"), ("login.refused", "oauth-client"), ("login.refused", "credentials"),
             ("connector.refused", "connector-refused"), ("device.refused", "device-unknown"),
             ("device.refused", "device-retired")}
    wait_for(lambda: kinds <= set(audited(world)), 20)
    found = audited(world)
    assert all(found.count(kind) == 1 for kind in kinds), [f for f in found if f in kinds]
    rows = {line["target"]: line["after"] for line in world.api("GET", "/chancery/v1/audit?$top=999")["value"]
            if line["action"].endswith(".refused")}
    assert rows["credentials"]["last"] == "admin root@contoso.example"
    assert world.app["client_id"] in rows["oauth-secret"]["last"]
    for row in rows.values():
        assert row["count"] >= 1 and row["addresses"] in (["127.0.0.1"], ["::1"]) and not row["moreAddresses"]
    counts = dict(line.rsplit(" ", 1) for line in world.raw("GET", "/metrics")[2].decode().splitlines()
                  if line.startswith(("chancery_sign_ins", "chancery_passwords")))

    def count(name, **labels):
        return int(counts[name + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}"])
    assert count("chancery_sign_ins_total", grant="client_credentials", outcome="refused") >= 2
    assert count("chancery_sign_ins_total", grant="client_credentials", outcome="granted") >= 2
    assert count("chancery_sign_ins_total", grant="device_code", outcome="granted") == 1
    assert count("chancery_sign_ins_total", grant="device_code", outcome="refused") == 0, "waiting is no refusal"
    assert count("chancery_passwords_total", outcome="right") == count("chancery_passwords_total", outcome="wrong") == 1
