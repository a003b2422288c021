"""A process whose interpreter is about to end, until its stdin is closed; then it does.

The argument says how far it gets:

* `early`: what `sys` keeps for a prompt goes, which is the first of all; everything else is there.
* `late`: the modules are being taken apart.
"""

import os
import sys

import protocol


class Last:
    """Lasts until nobody holds it any more."""

    def __init__(self):
        # Modules may be gone by then.
        self.read, self.write = os.read, os.write

    def __del__(self):
        self.write(1, b'"ending"\n')
        self.read(0, 1)
        self.write(1, b'"ended"\n')


if sys.argv[1] == "early":
    sys.ps1 = Last()
else:
    last = Last()
