# SPDX-License-Identifier: Apache-2.0
"""Request sequences of real clients, as tests/data/graph_replay has them, against a running installation.

A file is a sequence: {"name", "steps": [{"say", "method", "path", "headers", "body", "status", "answer", "has",
"save"}]}. What is saved, and what the world gives ({user}, {group}, {device}, ...), is put in wherever its name stands
in braces. `answer` is the shape: members that are not named may be there; "<guid>", "<date>", "<text>", "<int>",
"<any>" stand for such a value, a list is compared item by item (["..."]: any number of items). `order` lists members in
the order in which they must come. `headers_back`: headers of the answer that must be there, with a part of their value.
"""

import base64
import copy
import datetime
import json
import os
import re
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from world import PERMISSIONS, ROOT

FOLDER = os.path.join(ROOT, "tests", "data", "graph_replay")
FILES = sorted(f for f in os.listdir(FOLDER) if f.endswith(".json"))
KINDS = {
    "<guid>": lambda v: isinstance(v, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", v),
    "<date>": lambda v: isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z", v),
    "<text>": lambda v: isinstance(v, str) and v != "",
    "<string>": lambda v: isinstance(v, str),
    "<int>": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "<bool>": lambda v: isinstance(v, bool),
    "<any>": lambda v: True,
}


def pkcs12_file():
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Replay")])
    now = datetime.datetime(2026, 1, 1)
    cert = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(700)).sign(
        key, hashes.SHA256())
    return pkcs12.serialize_key_and_certificates(b"x", key, cert, None, BestAvailableEncryption(b"secret"))


@pytest.fixture(scope="module")
def given(world):
    roles = world.add_app("roles", [*PERMISSIONS, "DeviceManagementRBAC.ReadWrite.All"])
    user = world.add_user("replay@contoso.example", "replay@contoso.example")
    device = world.device("replay-laptop", user, run=False)
    return {"user": user["id"], "upn": user["userPrincipalName"],
            "group": world.add_group("Replay")["id"], "other": world.add_group("Replay other")["id"],
            "device": device.id, "tenant": world.tenant, "root": world.url, "host": world.url.split("//")[1],
            "client": world.app["client_id"], "secret": world.app["client_secret"],
            "pem": base64.b64encode(world.root_pem.encode()).decode(),
            "pkcs12": base64.b64encode(pkcs12_file()).decode(), "wrapped": base64.b64encode(b"\x5a" * 256).decode(),
            "token": world.fetch_token(roles)["access_token"]}


def filled(value, names):
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda m: str(names.get(m[1], m[0])), value)
    if isinstance(value, dict):
        return {filled(k, names): filled(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, names) for v in value]
    return value


def matches(want, got, at="$"):
    """Why it is not so; None: it is."""
    if isinstance(want, str) and want in KINDS:
        return None if KINDS[want](got) else f"{at}: {got!r} is no {want}"
    if isinstance(want, str) and want.startswith("~"):
        return None if isinstance(got, str) and want[1:] in got else f"{at}: {got!r} has no {want[1:]!r}"
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return f"{at}: {got!r} is no object"
        for k, v in want.items():
            if v == "<absent>":
                if k in got:
                    return f"{at}.{k} is there"
                continue
            if k not in got:
                return f"{at}.{k} is not there; {sorted(got)} are"
            if (why := matches(v, got[k], f"{at}.{k}")) is not None:
                return why
        return None
    if isinstance(want, list):
        if want == ["..."]:
            return None if isinstance(got, list) else f"{at}: {got!r} is no list"
        if not isinstance(got, list) or len(got) != len(want):
            return f"{at}: {got!r} has not {len(want)} items"
        return next((why for i, v in enumerate(want) if (why := matches(v, got[i], f"{at}[{i}]"))), None)
    return None if want == got and isinstance(want, bool) == isinstance(got, bool) else f"{at}: {got!r} is not {want!r}"


def picked(answer, path):
    for part in path.split("."):
        answer = answer[int(part)] if part.isdigit() else answer[part]
    return answer


def send(world, step, names):
    headers = {**filled(step.get("headers", {}), names)}
    body = step.get("body")
    if body is not None and "form" not in step:
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(filled(body, names)).encode()
    if "form" in step:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urllib.parse.urlencode(filled(step["form"], names)).encode()
    if step.get("token", True):
        headers["Authorization"] = "Bearer " + names["token"]
    # Exactly as the file has it: encoding is part of what is replayed.
    return world.https.request(step["method"], filled(step["path"], names).replace(" ", "%20"), body, headers)


@pytest.mark.parametrize("name", FILES)
def test_each_request_is_answered_as_it_is_written_down(world, given, name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        sequence = json.load(f)
    names, wrong = copy.copy(given), []
    for i, step in enumerate(sequence["steps"]):
        where = f"step {i + 1}, {step['say']}: {step['method']} {filled(step['path'], names)}"
        status, headers, data = send(world, step, names)
        headers = {k.lower(): v for k, v in dict(headers).items()}
        want = step["status"] if isinstance(step["status"], list) else [step["status"]]
        if status not in want:
            wrong.append(f"{where}: status {status}: {data[:400]!r}")
            continue
        answer = json.loads(data) if data[:1] in (b"{", b"[") else data.decode(errors="replace")
        if "answer" in step and (why := matches(filled(step["answer"], names), answer)) is not None:
            wrong.append(f"{where}: {why}")
        for k, part in filled(step.get("headers_back", {}), names).items():
            if part not in headers.get(k.lower(), ""):
                wrong.append(f"{where}: header {k} is {headers.get(k.lower())!r}")
        if "order" in step:
            there = [k for k in answer if k in step["order"]]
            if there != step["order"]:
                wrong.append(f"{where}: the order is {there}")
        for k, path in step.get("save", {}).items():
            try:
                names[k] = headers[path[1:].lower()] if path.startswith("#") else picked(answer, path)
            except (KeyError, IndexError, TypeError) as e:
                wrong.append(f"{where}: no {path} to save ({e!r})")
    assert not wrong, "\n".join(wrong)
