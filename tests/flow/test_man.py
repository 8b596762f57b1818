# SPDX-License-Identifier: Apache-2.0
"""The manual pages say what the programs say: every command, option and setting of one is in the other."""

import os
import re
import subprocess

import pytest

from world import ROOT, program

MAN = os.path.join(ROOT, "man")
PAGES = ["chancery.1", "chanceryd.8", "chancery-agent.8"]


def printed(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def page(name):
    with open(os.path.join(MAN, name), encoding="utf-8") as f:
        return f.read()


def settings_printed(text):
    """{(section, name): default or None} of a sample configuration."""
    found, section = {}, ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif m := re.match(r"#(\w+) =(.*)", line):
            found[section, m.group(1)] = m.group(2).strip()
    return found


def settings_described(text):
    """The same of a manual page: .It Bq section Ic name, with a line "Default: ..." below."""
    found = {}
    for item in re.split(r"^\.It ", text, flags=re.M)[1:]:
        m = re.match(r"Bq (\w+) Ic (\w+)\n", item)
        if m:
            default = re.search(r"^Default: (.*)$", item, re.M)
            found[m.groups()] = default.group(1) if default else ""
    return found


def nouns():
    """{noun: verbs} as the help of `chancery` has them; verbs are empty for a noun that is the command itself."""
    listed = re.findall(r"^  (\w[\w-]*)  ", printed(program("chancery"), "--help"), re.M)
    found = {}
    for noun in listed:
        text = printed(program("chancery"), noun, "--help")
        found[noun] = set(re.findall(r"^  (\w[\w-]*)  ", text, re.M)) if " VERB " in text.splitlines()[0] else set()
    return found


def commands_described(text):
    """The same of the manual page: .It Ic noun verb | verb , noun verb ..."""
    found = {}
    for line in re.findall(r"^\.It Ic (.*)$", text, re.M):
        for part in line.split(" , "):
            words = re.sub(r"^Ic ", "", re.split(r" (?:Fl|Oo) ", part)[0]).split()
            found.setdefault(words[0], set()).update(w for w in words[1:] if w != "|")
    return found


def test_every_command_is_in_the_manual_and_no_other():
    assert commands_described(page("chancery.1")) == nouns()


def test_every_option_that_the_manual_names_exists():
    known = set()
    for noun, verbs in nouns().items():
        for verb in verbs or {""}:
            known |= set(re.findall(
                r"^  --([\w-]+)", printed(program("chancery"), noun, *filter(None, [verb]), "--help"), re.M))
    known |= {"version", "help", "option", "socket"}
    text = page("chancery.1")
    named = set(re.findall(r"(?:Fl|,) -([\w-]+)", text)) | set(re.findall(r"--([\w-]+)", text))
    assert named <= known


@pytest.mark.parametrize("role", ["ca", "service", "connector"])
def test_every_setting_of_a_role_is_in_the_manual_with_its_default(role):
    text = page("chanceryd.8")
    part = {m.group(1): m.group(2) for m in re.finditer(r"^\.Ss (.*?)\n(.*?)(?=^\.S[sh] |\Z)", text, re.M | re.S)}
    described = {**settings_described(part["Every role"]), **settings_described(part[f"Role {role}"])}
    assert described == settings_printed(printed(program("chanceryd"), role, "--sample"))


def test_every_setting_of_the_agent_is_in_the_manual_with_its_default():
    assert settings_described(page("chancery-agent.8")) == settings_printed(
        printed(program("chancery-agent"), "sample"))


def test_every_command_of_the_agent_is_in_the_manual():
    listed = re.findall(r"^  (\w+)  ", printed(program("chancery-agent"), "--help"), re.M)
    described = re.findall(r"^\.It Cm (\w+)", page("chancery-agent.8"), re.M)
    assert sorted(set(listed)) == sorted(described)


@pytest.mark.parametrize("name,command", [("chanceryd.8", ["chanceryd", "--help"]),
                                          ("chancery-agent.8", ["chancery-agent", "--help"])])
def test_every_option_of_a_program_is_in_the_manual(name, command):
    told = set(re.findall(r"--([\w-]+)", printed(program(command[0]), *command[1:])))
    assert told | {"help"} == set(re.findall(r"Fl -([\w-]+)", page(name)))


def test_every_role_is_in_the_manual():
    told = re.findall(r"^  (\w+)  ", printed(program("chanceryd"), "--help").split("roles:")[1], re.M)
    assert set(told) == set(re.findall(r"^\.It Cm (\w+)", page("chanceryd.8"), re.M))


def test_exit_statuses_are_those_that_the_program_tells():
    told = re.search(r"Exit status: (.*)\.", printed(program("chancery"), "--help")).group(1)
    text = page("chancery.1").split(".Sh EXIT STATUS")[1].split(".Sh ")[0]
    assert re.findall(r"(\d) ", told) == re.findall(r"^\.It (\d)$", text, re.M)


@pytest.mark.parametrize("name", PAGES)
def test_pages_render_without_a_warning(name):
    path = os.path.join(MAN, name)
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], check=False, capture_output=True, text=True)
    assert done.stdout + done.stderr == ""
    assert len(printed("mandoc", "-T", "utf8", path).splitlines()) > 40
