# SPDX-License-Identifier: Apache-2.0
"""The clock of a simulated device, which may be wrong: what the device takes of a server's certificate goes by it, and
so does what it signs. Where it lives beside programs that live at another time, the same serves."""

import http.client
import os
import ssl
from datetime import datetime, timedelta

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: OpenSSL would go by the clock of this machine


class Clock:
    def __init__(self, days=0):
        self.days = days

    def now(self):
        return datetime.utcnow() + timedelta(days=self.days)

    def environment(self):
        """For programs that a device runs."""
        if self.days == 0:
            return {}
        return {"LD_PRELOAD": FAKETIME, "FAKETIME": f"{self.days:+}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def child(self):
        return {**os.environ, **self.environment()}

    def context(self, context):
        if self.days != 0:
            context.verify_flags = int(context.verify_flags) | NO_CHECK_TIME
        return context

    def check(self, sock):
        if self.days == 0:
            return
        cert = sock.getpeercert()
        begin, end = (datetime.utcfromtimestamp(ssl.cert_time_to_seconds(cert[k])) for k in ("notBefore", "notAfter"))
        if not begin <= self.now() <= end:
            raise ssl.SSLCertVerificationError(f"not valid at {self.now()}: from {begin} to {end}")

    def connection(self, host, port, context, timeout):
        clock = self

        class Connection(http.client.HTTPSConnection):
            def connect(self):
                super().connect()
                clock.check(self.sock)
        return Connection(host, port, context=self.context(context), timeout=timeout)
