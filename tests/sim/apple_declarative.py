# SPDX-License-Identifier: Apache-2.0
"""Declarative management as an Apple device does it on one channel: it fetches declarations when their token is
another, puts them to work, and reports what it was asked to report: all of it at first, then what changed, and once in
a while all of it again.

Written from Apple's public schema (declarative/protocol, declarative/declarations, declarative/status).
"""

import base64
import json
import uuid

from broken import Broken

SUBSCRIPTIONS = "com.apple.configuration.management.status-subscriptions"
KINDS = {"Activations": "activation", "Configurations": "configuration", "Assets": "asset", "Management": "management"}


def strict(text, *keys):
    """A JSON object with these keys, of which none stands twice."""
    def pairs(found):
        if len({k for k, _ in found}) != len(found):
            raise Broken(f"a key stands twice: {found}")
        return dict(found)
    d = json.loads(text, object_pairs_hook=pairs)
    if not isinstance(d, dict) or set(keys) - set(d):
        raise Broken(f"{keys} are not all in {text[:300]!r}")
    return d


class Declarative:
    def __init__(self, device, channel):
        self.device, self.channel = device, channel
        self.token = None     # of the declarations that are here
        self.wanted = None    # that the server told last; "": ask
        self.held = {}        # (kind, identifier) -> declaration
        self.certificates = {}  # identifier -> DER, as reported
        self.values = {}      # other status items, as reported
        self.fresh = True     # nothing was reported yet
        self.asked = []       # endpoints, in order
        self.refuses = None   # code: why it does not take a subscription
        self.quiet = False    # it cannot report now
        self.leaves_out = set()  # SHA-256 of certificates that it does not speak of

    # The server's side of it

    def message(self, endpoint, data=None):
        self.asked.append(endpoint)
        message = {"MessageType": "DeclarativeManagement", "Endpoint": endpoint, **self.channel.ids}
        if data is not None:
            message["Data"] = data
        d = self.device
        status, headers, answer = d.put(d.mdm.get("CheckInURL", d.mdm["ServerURL"]),
                                        "application/x-apple-aspen-mdm-checkin", message)
        if status == 200 and answer and not headers.get("content-type", "").startswith("application/json"):
            raise Broken(f"{endpoint}: {headers.get('content-type')}")
        return status, answer

    def fetch(self, endpoint, *keys):
        status, answer = self.message(endpoint)
        if status != 200:
            raise Broken(f"{endpoint}: {status} {answer[:300]!r}")
        return strict(answer, *keys)

    @staticmethod
    def token_of(d):
        tokens = d["SyncTokens"]
        if not isinstance(tokens.get("Timestamp"), str) or not 0 < len(tokens.get("DeclarationsToken", "")) <= 256:
            raise Broken(f"tokens: {d}")
        return tokens["DeclarationsToken"]

    def told(self, data):
        """The command came; with tokens in it none have to be asked for."""
        self.wanted = self.token_of(strict(data, "SyncTokens")) if data else ""

    # The device's own work, after the command channel is done

    def run(self):
        if self.wanted is not None:
            token = self.wanted or self.token_of(self.fetch("tokens", "SyncTokens"))
            self.wanted = None
            if token != self.token:
                self.synchronize()
        if not self.quiet:
            self.report()

    def synchronize(self):
        manifest = self.fetch("declaration-items", "Declarations", "DeclarationsToken")
        if set(KINDS) - set(manifest["Declarations"]):
            raise Broken(f"each group is there, if it is empty: {manifest}")
        here = {}
        for group, kind in KINDS.items():
            for item in manifest["Declarations"][group]:
                key = (kind, item["Identifier"])
                if not 0 < len(item["ServerToken"]) <= 64 or not 0 < len(item["Identifier"]) <= 64:
                    raise Broken(f"sizes: {item}")
                had = self.held.get(key)
                here[key] = had if had and had["ServerToken"] == item["ServerToken"] else self.declaration(key, item)
        self.held = here
        self.token = manifest["DeclarationsToken"]
        self.values = {}

    def declaration(self, key, item):
        d = self.fetch("/".join(("declaration", *key)), "Type", "Identifier", "ServerToken", "Payload")
        if d["ServerToken"] != item["ServerToken"] or d["Identifier"] != item["Identifier"]:
            raise Broken(f"not what the manifest says: {d}")
        if not d["Type"].startswith(f"com.apple.{key[0]}."):
            raise Broken(f"type: {d}")
        return d

    def active(self):
        """Configurations that an activation names."""
        names = {n for (kind, _), d in self.held.items() if kind == "activation"
                 for n in d["Payload"]["StandardConfigurations"]}
        return {n: d for (kind, n), d in self.held.items() if kind == "configuration" and n in names}

    def subscribed(self):
        if self.refuses:
            return set()
        return {i["Name"] for d in self.active().values() if d["Type"] == SUBSCRIPTIONS
                for i in d["Payload"]["StatusItems"]}

    # Reports

    def listed(self):
        """The identifier of a certificate stays as long as the certificate."""
        known = {der: i for i, der in self.certificates.items()}
        out = {}
        for item in self.channel.items():
            der = item.listed()["Data"]
            if item.sha256 not in self.leaves_out:
                out[known.get(der, str(uuid.uuid4()))] = item
                known.setdefault(der, next(reversed(out)))
        return out

    def certificate_items(self, now, full):
        def told(ident, item):
            row = item.listed()
            return {"identifier": ident, "subject-summary": row["CommonName"], "is-identity": row["IsIdentity"],
                    "data": base64.b64encode(row["Data"]).decode()}
        new = [told(i, c) for i, c in now.items() if full or i not in self.certificates]
        gone = [] if full else [{"identifier": i, "_removed": True} for i in self.certificates if i not in now]
        return gone + new

    def configurations(self):
        return [{"identifier": n, "server-token": d["ServerToken"], "active": not self.refuses,
                 "valid": "invalid" if self.refuses else "valid",
                 **({"reasons": [{"code": self.refuses, "description": "told by the device"}]}
                    if self.refuses else {})} for n, d in self.active().items()]

    def report(self, full=False):
        """Sends what changed since the last one, if anything did."""
        full = full or self.fresh
        items, names = {}, self.subscribed()
        values = {"management.declarations": {"configurations": self.configurations(), "activations": [], "assets": [],
                                              "management": []}}
        if "device.operating-system.version" in names:
            values["device.operating-system.version"] = self.device.version
        for name, value in values.items():
            if full or self.values.get(name) != value:
                self.put(items, name, value)
        now = self.listed() if "security.certificate.list" in names else {}
        rows = self.certificate_items(now, full)
        if rows or (full and "security.certificate.list" in names):
            self.put(items, "security.certificate.list", rows)
        if not items:
            return
        report = {"StatusItems": items, "Errors": []}
        if full and not self.fresh:
            report["FullReport"] = True
        if self.send(report) == 200:
            self.fresh, self.values = False, values
            self.certificates = {i: c.listed()["Data"] for i, c in now.items()}

    @staticmethod
    def put(items, name, value):
        *path, last = name.split(".")
        for part in path:
            items = items.setdefault(part, {})
        items[last] = value

    def send(self, report):
        status, _ = self.message("status", report if isinstance(report, bytes) else json.dumps(report).encode())
        return status
