# SPDX-License-Identifier: Apache-2.0
"""doc/graph.md is what the schema and the tests say."""

import os
import subprocess

from world import ROOT

PAGE = os.path.join(ROOT, "doc", "graph.md")
MARK = "<!-- Made from $metadata and the tests: tools/graph-reference writes it. -->"


def test_every_property_has_a_test_and_the_page_is_current(world):
    status, _, schema = world.raw("GET", "/beta/$metadata", token=None)
    assert status == 200
    done = subprocess.run([os.path.join(ROOT, "tools", "graph-reference")], input=schema, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr.decode()
    if os.environ.get("CHANCERY_WRITE"):
        subprocess.run([os.path.join(ROOT, "tools", "graph-reference"), "--write"], input=schema, check=True)
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    assert page[page.index(MARK):] == done.stdout.decode(), \
        "write it anew: CHANCERY_WRITE=1 python3 -m pytest tests/flow/test_graph_doc.py"
