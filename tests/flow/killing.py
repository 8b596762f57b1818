# SPDX-License-Identifier: Apache-2.0
"""Ends processes at a chosen one of their steps: the library preloaded for it (kill/kill.c), and its control."""

import mmap
import os
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("files", "messages")


def library(folder):
    """Path of the library, made in that folder."""
    made = os.path.join(str(folder), "kill.so")
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu2x", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared",
                    os.path.join(HERE, "kill/kill.c"), "-o", made], check=True)
    return made


def environment(lib, control):
    """What a program is started with so that it counts its steps in the file `control`."""
    return {"LD_PRELOAD": lib, "CHANCERY_KILL": str(control)}


class Control:
    """The file that kill.c maps: struct control."""

    HEAD = struct.Struct("<II64s")
    PROCESS = struct.Struct("<16sIIII")

    def __init__(self, path, names):
        size = self.HEAD.size + 4 * self.PROCESS.size
        with open(path, "wb") as f:
            f.write(bytes(size))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), size)
        self.names = names
        self.clear()

    def _at(self, name):
        return self.HEAD.size + self.names.index(name) * self.PROCESS.size

    def clear(self):
        """Counts from nought, ends nobody; who was held goes on to its end."""
        for name in self.names:
            at = self._at(name)
            self.map[at:at + self.PROCESS.size] = self.PROCESS.pack(name.encode(), 0, 0, 0, 0)
        self.map[:self.HEAD.size] = bytes(self.HEAD.size)

    def aim(self, name, kind, step, hold=False):
        self.clear()
        self.map[:4] = struct.pack("<I", int(hold))
        at = self._at(name) + 16 + 8 + 4 * KINDS.index(kind)
        self.map[at:at + 4] = struct.pack("<I", step)

    def count(self, name, kind):
        at = self._at(name) + 16 + 4 * KINDS.index(kind)
        return struct.unpack("<I", self.map[at:at + 4])[0]

    @property
    def hit(self):
        return struct.unpack("<I", self.map[4:8])[0] != 0

    @property
    def what(self):
        return self.map[8:72].split(b"\0")[0].decode()
