# SPDX-License-Identifier: Apache-2.0
"""Fixtures: installations that tests share, and time limits."""

import faulthandler
import os
import signal
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from world import World  # noqa: E402  pylint: disable=wrong-import-position

TEST_SECONDS = 300


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """No test runs on for ever."""
    def late(_sig, _frame):
        raise TimeoutError(f"{item.name} took longer than {limit} s")
    marker = item.get_closest_marker("seconds")
    limit = max(TEST_SECONDS, marker.args[0] if marker else 0)
    # Where several processes share the tests, one may run them beside its main thread: an alarm cannot end them there.
    if threading.current_thread() is not threading.main_thread():
        faulthandler.dump_traceback_later(limit, exit=True)
        yield
        faulthandler.cancel_dump_traceback_later()
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): time limit of this test, if it is a longer one than that of all")
    config.addinivalue_line("markers", "long: part of the whole sweep only (CHANCERY_LONG=1)")


def pytest_collection_modifyitems(items):
    if os.environ.get("CHANCERY_LONG"):
        return
    skip = pytest.mark.skip(reason="long: set CHANCERY_LONG=1")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


def opened(folder, **options):
    connector = options.pop("connector", True)
    w = World(folder, **options)
    try:
        w.setup(connector=connector)
    except BaseException:
        w.close()
        for role in w.ROLES:
            with open(w.log_file(role), encoding="utf-8") as f:
                print(f"== {role}\n{f.read()[-3000:]}")
        raise
    return w


@pytest.fixture(scope="module")
def world(request, tmp_path_factory):
    """An installation that the tests of one file share. A file may set WORLD = {options of World}."""
    w = opened(tmp_path_factory.mktemp("world"), **getattr(request.module, "WORLD", {}))
    yield w
    w.close()


@pytest.fixture
def fresh(tmp_path):
    """Makes an installation for one test: fresh(**options)."""
    made = []

    def make(**options):
        made.append(opened(tmp_path / f"world{len(made)}", **options))
        return made[-1]
    yield make
    for w in made:
        w.close()
