# SPDX-License-Identifier: Apache-2.0
"""Every command that README.md, doc/ and man/ show runs.

A fenced block says what it is: `console` (run here), `text` (cannot run here: takes a second machine, a person, or
shows only output), or a data format (`json`, `ini`, `c`, ...). In a `console` block each line that begins with "$ " is
a command; lines after it that begin with "> ", and those after a line that ends with a backslash, belong to it. All
else is its output. Commands of one file run in order in one bash, in a folder of their own, and each must succeed; in a
block `console exact` the output must be the one that is shown. In a manual page the blocks are those between .Bd and
.Ed.

Each file has an installation of its own, made like the demonstration: users ada.lovelace@contoso.example and
grace.hopper@contoso.example in the group Wi-Fi, their devices laptop-ada and laptop-grace, profiles "Contoso Root" and
"Wi-Fi certificate" assigned and installed. `chancery` is signed in as an application with every permission. Set are:

  PATH                 with chancery, chanceryd and chancery-agent of this build
  CHANCERY_HOME        where `chancery` keeps its sign-in
  CA_SOCKET SERVICE_SOCKET CONNECTOR_SOCKET       administrators' sockets
  CA_CONF SERVICE_CONF CONNECTOR_CONF             configuration files
  CA_STATE SERVICE_STATE CONNECTOR_STATE          state folders
  API_URL DEVICE_URL CA_URL HTTP_URL              addresses
  ROOT_CA              file with the root certificate, PEM
  TENANT CLIENT_ID SECRET_FILE                    what `chancery login` takes
  ISSUING_CA CA_HOST TEMPLATE                     what a PKCS profile names
  ADA_DEVICE ADA_SLOT ADA_SERIAL                  ids of laptop-ada, of its certificate's slot, and the serial number
  AGENT_CONF           configuration of a device that is not enrolled yet
  ADA_CONF             configuration of laptop-ada's agent

`make` works in the source tree.
"""

import glob
import os
import re
import subprocess

import pytest

from conftest import opened
from world import ROOT, SUBJECT, Agent, program

SECONDS = 240
KNOWN = {"console", "console exact", "text", "json", "ini", "c", "sh", "sql", "http", "python", "xml", "yaml"}


class Command:
    def __init__(self, place, text, exact):
        self.place, self.text, self.exact = place, text, exact
        self.output = []


def commands_of(lines, place, exact):
    """lines: (number, text) of one block."""
    found, open_line = [], False
    for number, line in lines:
        if open_line:
            found[-1].text += "\n" + (line[2:] if line.startswith("> ") else line)
        elif line.startswith("$ "):
            found.append(Command(f"{place}:{number}", line[2:], exact))
        elif line.startswith("> ") and found and not found[-1].output:
            found[-1].text += "\n" + line[2:]
        elif found:
            found[-1].output.append(line)
            continue
        open_line = bool(found) and line.endswith("\\") and not found[-1].output
    return found


def blocks_of_markdown(path):
    """(kind, first line number, [(number, text)]) of each fenced block."""
    kind, block, fence = None, [], ""
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f.read().splitlines(), 1):
            mark = re.match(r"^\s*(```+)(.*)$", line)
            if mark and kind is None:
                kind, block, fence = mark.group(2).strip(), [], mark.group(1)
                begin = number
            elif mark and mark.group(1) == fence and not mark.group(2).strip():
                yield kind, begin, block
                kind = None
            elif kind is not None:
                block.append((number, line))
    assert kind is None, f"{path}: a block without an end"


def blocks_of_man(path):
    block = None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f.read().splitlines(), 1):
            if line.startswith(".Bd -literal"):
                block = []
            elif line.startswith(".Ed") and block is not None:
                yield ("console" if any(t.startswith("$ ") for _, t in block) else "text"), number, block
                block = None
            elif block is not None:
                text = re.sub(r"\\f[BIRP]", "", line).replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")
                block.append((number, text.replace("\\&", "")))


def blocks_of(path):
    return list(blocks_of_markdown(path) if path.endswith(".md") else blocks_of_man(path))


def commands_in(path):
    name = os.path.relpath(path, ROOT)
    return [c for kind, _, block in blocks_of(path) if kind.split()[:1] == ["console"]
            for c in commands_of(block, name, kind == "console exact")]


PAGES = sorted(glob.glob(f"{ROOT}/*.md") + glob.glob(f"{ROOT}/doc/**/*.md", recursive=True) +
               glob.glob(f"{ROOT}/man/*.[0-9]"))


def short(path):
    return os.path.relpath(path, ROOT)


RUNNING = [p for p in PAGES if commands_in(p)]


@pytest.mark.parametrize("path", PAGES, ids=short)
def test_every_block_says_what_it_is(path):
    for kind, begin, block in blocks_of(path):
        assert kind in KNOWN, f"{short(path)}:{begin}: '{kind}'"
        if kind.startswith("console"):
            assert block and block[0][1].startswith("$ "), f"{short(path)}:{begin}: begins with no command"
        elif kind == "sh":
            # Files of commands, not what somebody types.
            assert not any(t.startswith("$ ") for _, t in block), f"{short(path)}:{begin}: make it console or text"


def populated(folder):
    """An installation as the demonstration leaves it, and the environment for commands in it."""
    folder.mkdir(parents=True, exist_ok=True)
    w = opened(folder / "world")
    try:
        users = [w.add_user(f"{n}@contoso.example", f"{n}@contoso.example", displayName=n.replace(".", " ").title())
                 for n in ("ada.lovelace", "grace.hopper")]
        group = w.add_group("Wi-Fi", *users)
        root = w.add_root()
        pkcs = w.add_pkcs(root, name="Wi-Fi certificate", subject=SUBJECT)
        w.assign(root, group)
        w.assign(pkcs, group)
        agents = [w.device(f"laptop-{n}", u) for n, u in zip(("ada", "grace"), users)]
        for a in agents:
            w.wait_slot(a, root)
        slots = [w.wait_slot(a, pkcs) for a in agents]
        secret = folder / "secret"
        secret.write_text(w.app["client_secret"])
        w.cli("login", "--url", w.url, "--tenant", w.tenant, "--client-id", w.app["client_id"], "--secret-file",
              str(secret), "--ca", w.root_file)
        new = Agent(w, "laptop-new")
    except BaseException:
        w.close()
        raise
    env = {k: v for k, v in os.environ.items() if not k.startswith("CHANCERY_")}
    env.update({
        "PATH": ":".join([os.path.dirname(program(p)) for p in ("chancery", "chanceryd", "chancery-agent")] +
                         [os.environ["PATH"]]),
        "CHANCERY_HOME": os.path.join(w.dir, "home"), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1",
        "CHANCERY_SOURCE": ROOT, "API_URL": w.url, "DEVICE_URL": w.device_url, "CA_URL": w.ca_url,
        "HTTP_URL": w.http_url, "ROOT_CA": w.root_file, "TENANT": w.tenant, "CLIENT_ID": w.app["client_id"],
        "SECRET_FILE": str(secret), "ISSUING_CA": w.issuing_ca, "CA_HOST": w.host, "TEMPLATE": "ChanceryUser",
        "ADA_DEVICE": agents[0].id, "ADA_SLOT": slots[0]["id"], "ADA_SERIAL": slots[0]["serialNumber"],
        "AGENT_CONF": new.conf, "ADA_CONF": agents[0].conf,
    })
    for role in w.ROLES:
        env[f"{role.upper()}_SOCKET"] = w.socket_of(role)
        env[f"{role.upper()}_CONF"] = w.conf_file(role)
        env[f"{role.upper()}_STATE"] = w.state_dir(role)
    return w, env


def run_all(commands, folder, env):
    """All commands in one bash; (status, output) of each until the first that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    results = folder.parent / "results"
    results.mkdir(exist_ok=True)
    script = ['make() { command make -C "$CHANCERY_SOURCE" "$@"; }']
    for i, c in enumerate(commands):
        (results / f"{i}.cmd").write_text(c.text + "\n", encoding="utf-8")
        script.append(f". {results}/{i}.cmd >{results}/{i}.out 2>&1 </dev/null; echo $? >{results}/{i}.status; "
                      f"[ $(cat {results}/{i}.status) = 0 ] || exit 0")
    subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, env=env, check=False, timeout=SECONDS,
                   stdin=subprocess.DEVNULL)
    for i, c in enumerate(commands):
        status = results / f"{i}.status"
        output = results / f"{i}.out"
        yield c, int(status.read_text()) if status.exists() else -1, \
            output.read_text(errors="replace") if output.exists() else ""


@pytest.mark.seconds(SECONDS + 60)
@pytest.mark.parametrize("path", RUNNING, ids=[short(p) for p in RUNNING])
def test_every_command_runs(path, tmp_path):
    commands = commands_in(path)
    world, env = populated(tmp_path)
    try:
        for c, status, output in run_all(commands, tmp_path / "here", env):
            assert status == 0, f"{c.place}: $ {c.text}\n{output}"
            if c.exact:
                assert output.strip().splitlines() == "\n".join(c.output).strip().splitlines(), c.place
    finally:
        world.close()


def test_a_command_that_fails_is_seen_and_continuations_belong_to_their_command(tmp_path):
    lines = list(enumerate(["$ A=1", "$ echo \\", "  two", "two", "$ cat <<X", "> three $A", "> X", "three 1",
                            "$ false", "$ echo never"], 1))
    got = list(run_all(commands_of(lines, "x", True), tmp_path / "here", dict(os.environ)))
    assert [c.text for c, _, _ in got] == ["A=1", "echo \\\n  two", "cat <<X\nthree $A\nX", "false", "echo never"]
    assert [c.output for c, _, _ in got] == [[], ["two"], ["three 1"], [], []]
    assert [s for _, s, _ in got] == [0, 0, 0, 1, -1]
    assert [o for _, _, o in got] == ["", "two\n", "three 1\n", "", ""]
