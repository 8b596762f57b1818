# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every process at its steps, while a device gets its certificate and while it loses it.

A step is a write to a file, a sync, a rename, a link, an unlink, or a message that is sent (kill/kill.c counts them
and ends the process at the one that is asked for). Children are started again by their parent; parents and agents are
started again here, as an init system would. Whatever was ended where: the device holds exactly one certificate that
is valid at the CA, key and certificate are a pair, everything else that was signed for it is revoked, and no half-
written file stays.

The short form ends each process at some steps, spread over the job. CHANCERY_LONG=1 ends each at its first, second,
third ... step until the job runs through (`make check-kill`).
"""

import pytest

from kill_lab import Lab, name_of, steps_of, sweep_all, sweep_some

# Role, whose steps are counted, kind of step, who is ended. A kind that is absent here is one that the process has none
# of: ca/front, both key holders and the link write no file while they work.
SWEEPS = [
    ("service", "front", "files", "self"), ("ca", "issuer", "files", "self"),
    ("agent", "chancery-agent", "files", "self"), ("agent", "chancery-agent", "messages", "self"),
    ("service", "front", "messages", "self"), ("service", "keys", "messages", "self"),
    ("ca", "front", "messages", "self"), ("ca", "issuer", "messages", "self"),
    ("connector", "link", "messages", "self"), ("connector", "keys", "messages", "self"),
    ("service", "front", "files", "parent"), ("ca", "issuer", "files", "parent"),
    ("connector", "link", "messages", "parent"),
]
# Places in the short form, as parts of the job. Different ones for each sweep, so that they are not all the same
# moment.
PLACES = {"files": (0.07, 0.3, 0.52, 0.74, 0.95), "messages": (0.2, 0.55, 0.9)}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = Lab(tmp_path_factory.mktemp("kill"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def steps(lab):
    return steps_of(lab)


@pytest.mark.seconds(300)
@pytest.mark.parametrize("sweep", SWEEPS, ids=name_of)
def test_whoever_is_killed_while_a_device_gets_its_certificate_it_ends_with_exactly_one(lab, steps, sweep):
    role, name, kind, whom = sweep
    places = PLACES[kind] if whom == "self" else PLACES[kind][::2]
    assert steps[("arrive", role, name, kind)] > 0
    sweep_some(lab, steps, "arrive", sweep, places)


@pytest.mark.seconds(300)
@pytest.mark.parametrize("sweep", [s for s in SWEEPS if s[3] == "self" and s[2] == "files"], ids=name_of)
def test_whoever_is_killed_while_a_device_loses_its_certificate_it_ends_with_none(lab, steps, sweep):
    assert steps[("leave",) + sweep[:3]] > 0
    sweep_some(lab, steps, "leave", sweep, (0.35, 0.8))


@pytest.mark.long
@pytest.mark.seconds(7200)
@pytest.mark.parametrize("job", ["arrive", "leave"])
@pytest.mark.parametrize("sweep", SWEEPS, ids=name_of)
def test_every_step_from_the_first_until_the_job_runs_through(lab, job, sweep):
    sweep_all(lab, job, sweep)
