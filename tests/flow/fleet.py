# SPDX-License-Identifier: Apache-2.0
"""A fleet of simulated devices against an installation of world.py: bench/fleet, driven step by step."""

import json
import os
import subprocess

from world import BUILD, wait_for

USER_AT = "@contoso.example"


class Stopped(Exception):
    pass


class Fleet:
    """platforms: (name, how many) each. The devices are those of `users` people, all of them in one group."""

    def __init__(self, world, platforms, *options, group="Fleet", users=1000):
        self.world = world
        names = [name for name, n in platforms for _ in range(n)]
        upns = [f"{group.lower()}{i:05}{USER_AT}" for i in range(min(len(names), users))]
        self.users = [wait_for(lambda u=upn: world.add_user(u, u), 60, 1) for upn in upns]
        self.group = world.add_group(group)
        for user in self.users:
            wait_for(lambda u=user: world.add_member(self.group, u) is None, 60, 1)
        path = os.path.join(world.dir, f"{group}.devices")
        with open(path, "w", encoding="ascii") as f:
            for i, name in enumerate(names):
                user = self.users[i % len(upns)]
                # A thousand requests and more: the service may ask for patience.
                code = wait_for(lambda u=user: world.code(u, minutes=600), 60, 1)
                f.write(f"{name} {code} {user['userPrincipalName']}\n")
        self.proc = subprocess.Popen(
            [os.path.join(BUILD, "bench/chancery-fleet"), "--url", world.device_url, "--trust", world.root_file,
             "--devices", path, "--json", "--quiet", *options, "-"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def line(self):
        text = self.proc.stdout.readline()
        if not text:
            raise Stopped(f"chancery-fleet ended with {self.proc.wait()}")
        return json.loads(text)

    def begin(self, step):
        self.proc.stdin.write(step + "\n")
        self.proc.stdin.flush()

    def result(self):
        while True:
            found = self.line()
            if "step" in found:
                return found

    def do(self, step):
        self.begin(step)
        return self.result()

    def waiting(self):
        """After begin("live..."): until every device waits, or has come by for the first time."""
        while self.line().get("event") != "waiting":
            pass

    def close(self):
        self.proc.stdin.close()
        self.proc.stdout.close()
        return self.proc.wait()
