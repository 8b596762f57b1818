# SPDX-License-Identifier: Apache-2.0
"""kill -9 at the steps of every job of connectors, with two of them at work on the same queue.

A device gets a certificate made by a connector, one that was imported for its user, and one for a key of its own by
SCEP, whose messages a connector carries; when its user leaves the group, all of it is taken away and revoked. The
steps of both connectors are counted together, and whoever takes the step that was asked for is ended; the other one
is there for its work. What must be true is what kill_lab.py says; an imported certificate is held once, with its key,
and its record is still there in the end.

The short form ends each process at some steps, CHANCERY_LONG=1 at each (`make check-kill`).
"""

import os
import urllib.parse

import pytest

from connectors import Connector
from kill_lab import PATIENCE, Lab, name_of, steps_of, sweep_all, sweep_some
from test_pfx import PFX, Made, held, make_import_key, profile, thumbprint
from world import wait_for

SWEEPS = [("connector", "link", "messages", "self"), ("connector", "keys", "messages", "self"),
          ("service", "front", "files", "self"), ("service", "keys", "messages", "self")]
PLACES = {("connector", "link"): (0.25, 0.65), ("connector", "keys"): (0.4, 0.8)}
OTHER_PLACES = (0.45, 0.85)
PASSWORD = "secret-Pa55"


class Jobs(Lab):
    """Two connectors, and one of each kind of job for every newcomer."""

    def __init__(self, folder):
        super().__init__(folder)
        w = self.world
        self.second = Connector(w, "second", env=w.env["connector"]).start().join()
        self.imports = [make_import_key(w), self.import_key_of_second()]
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        self.pfx, _, cert = Made(elsewhere).pfx("somebody", PASSWORD)
        self.thumbprint = thumbprint(cert)
        self.password = str(folder / "password")
        with open(self.password, "w", encoding="ascii") as f:
            f.write(PASSWORD)
        self.mail = profile(w, "Mail", "smimeEncryption", self.group)
        self.scep = w.api("POST", w.CONFIGURATIONS, {
            "@odata.type": "#chancery.linuxScepCertificateProfile", "displayName": "Made here",
            "certificateValidityPeriodScale": "years", "certificateValidityPeriodValue": 1,
            "subjectNameFormat": "custom", "subjectNameFormatString": "CN={{UserName}},O=Own",
            "keyUsage": "digitalSignature,keyEncipherment", "keySize": "size2048", "hashAlgorithm": "sha2",
            "extendedKeyUsages": [{"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}],
            "scepServerUrls": [f"{w.device_url}/scep/{urllib.parse.quote(w.issuing_ca)}/ChanceryUser"],
            "rootCertificate@odata.bind": f"{w.url}{w.CONFIGURATIONS}('{self.root['id']}')"})
        w.assign(self.scep, self.group)
        self.profiles += [self.mail, self.scep]
        self.issued.append(self.scep)

    def import_key_of_second(self):
        out = os.path.join(self.second.dir, "import.pem")
        self.world.cli("pfx", "key", "create", "second", "--bits", "2048", "--socket", self.second.socket)
        self.world.cli("pfx", "key", "export-public", "second", "--out", out, "--socket", self.second.socket)
        return out

    def close(self):
        self.second.stop()
        super().close()

    def tend(self, agent):
        super().tend(agent)
        if self.second.proc.poll() is not None:
            self.second.start()

    def refresh(self, role):
        if role == "connector":
            self.second.stop()
            self.second.start()
        super().refresh(role)

    def newcomer(self):
        user, agent, code = super().newcomer()
        self.world.cli("pfx", "import", self.pfx, "--user", user["userPrincipalName"], "--purpose", "smimeEncryption",
                       "--password-file", self.password, "--key", self.imports[0], "--key", self.imports[1])
        return user, agent, code

    def records(self, user):
        return [r for r in self.world.api("GET", f"{PFX}?$top=999")["value"]
                if r["userPrincipalName"] == user["userPrincipalName"]]

    def check_arrived(self, newcomer):
        super().check_arrived(newcomer)
        user, agent, _ = newcomer
        mine = held(agent, self.mail["id"])
        assert set(mine) == {self.thumbprint}
        assert os.path.exists(os.path.join(mine[self.thumbprint], "key.pem"))
        assert len(self.world.slots(device=agent.id, profile=self.mail["id"])) == len(self.records(user)) == 1

    def check_left(self, newcomer):
        super().check_left(newcomer)
        user, agent, _ = newcomer
        wait_for(lambda: not held(agent, self.mail["id"]), PATIENCE, 0.1, "the imported certificate gone")
        assert len(self.records(user)) == 1


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = Jobs(tmp_path_factory.mktemp("jobs"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def steps(lab):
    return steps_of(lab)


@pytest.mark.seconds(300)
@pytest.mark.parametrize("sweep", SWEEPS, ids=name_of)
def test_whoever_is_killed_each_job_is_done_once(lab, steps, sweep):
    assert steps[("arrive",) + sweep[:3]] > 0
    sweep_some(lab, steps, "arrive", sweep, PLACES.get(sweep[:2], OTHER_PLACES))


@pytest.mark.seconds(300)
@pytest.mark.parametrize("sweep", SWEEPS[:1], ids=name_of)
def test_whoever_is_killed_everything_is_taken_away_and_revoked(lab, steps, sweep):
    assert steps[("leave",) + sweep[:3]] > 0
    sweep_some(lab, steps, "leave", sweep, (0.3, 0.7))


@pytest.mark.long
@pytest.mark.seconds(7200)
@pytest.mark.parametrize("job", ["arrive", "leave"])
@pytest.mark.parametrize("sweep", SWEEPS, ids=name_of)
def test_every_step_of_every_job_until_all_run_through(lab, job, sweep):
    sweep_all(lab, job, sweep)
