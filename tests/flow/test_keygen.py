# SPDX-License-Identifier: Apache-2.0
"""Whose generator makes keys, and FIPS mode: what the settings do before anything runs."""

import subprocess

import pytest

from world import program


@pytest.fixture
def place(tmp_path):
    for name in ["run", "state"]:
        (tmp_path / name).mkdir(mode=0o700)
    return tmp_path


def start(place, role, text, *options):
    conf = place / f"{role}.conf"
    conf.write_text(f"[files]\nrun_dir={place}/run\nstate_dir={place}/state\n{text}")
    return subprocess.run([program("chanceryd"), role, "--config", str(conf), *options], capture_output=True, text=True,
                          timeout=60, check=False)


def has_fips():
    return subprocess.run(["openssl", "list", "-provider", "fips", "-providers"], capture_output=True,
                          check=False).returncode == 0


@pytest.mark.parametrize("name", ["chancery", "portable", "libcrypto"])
def test_each_generator_can_be_chosen(place, name):
    done = start(place, "connector", f"[keys]\ngenerator={name}\n", "--check")
    assert done.returncode == 0, done.stderr


def test_another_generator_is_refused(place):
    done = start(place, "connector", "[keys]\ngenerator=openssl\n", "--check")
    assert done.returncode != 0
    assert "[keys] generator: chancery, portable or libcrypto, not openssl" in done.stderr


@pytest.mark.parametrize("options", [[], ["--check"]], ids=["start", "check"])
def test_fips_mode_without_a_provider_is_refused_with_a_way_out(place, options):
    if has_fips():
        pytest.skip("this OpenSSL has a FIPS provider")
    done = start(place, "connector", "[process]\nfips=yes\n", *options)
    assert done.returncode != 0
    assert "there is no FIPS provider" in done.stderr
    assert "[process] fips = yes" in done.stderr
    assert "openssl fipsinstall" in done.stderr
    assert not list((place / "run").iterdir())


def test_fips_mode_is_off_unless_said(place):
    assert start(place, "connector", "[process]\nfips=no\n", "--check").returncode == 0
