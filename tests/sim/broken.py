# SPDX-License-Identifier: Apache-2.0
"""What a simulated device says of a server that does what a server may not do."""


class Broken(AssertionError):
    pass
