"""A process with three interpreters beside the main one, which report of themselves.

In each of them the module `__main__` has a class `Owned`, a subclass `Listed` of `list`, and 500
instances of both, and its interpreter waits in a thread. `report PATH` makes each interpreter write
the addresses of all objects that its collector tracks to PATH.NUMBER, as 64-bit words.

The greeting has the numbers of the interpreters, and which of them have a GIL of their own.
"""

import os
import sys
import threading

import protocol

# What runs in each interpreter: first this, then a report and a wait for each command.
SETUP = """
import gc
import os
import struct

class Owned:
    def __init__(self, number):
        self.number = number
        self.text = f"{number} of interpreter NUMBER"

class Listed(list):
    pass

gc.disable()
kept = [Owned(number) for number in range(500)] + [Listed([number]) for number in range(500)]
"""

# What is in a list lasts until the dump.
REPORT = """
tracked = gc.get_objects()
with open({path!r}, "wb") as file:
    for one in tracked:
        if gc.is_tracked(one):
            file.write(struct.pack("=Q", id(one)))
{end}
"""

# One collector for all of them would make everything belong to whoever has asked it.
OWN_COLLECTOR = sys.version_info >= (3, 9)

WAIT = """
os.write({ready}, b".")
os.read({wait}, 1)
"""


class Interpreter:
    """Another interpreter, by whatever module this version has for it."""

    def __init__(self, own_gil):
        if sys.version_info >= (3, 13):
            import _interpreters

            self.id = _interpreters.create("isolated" if own_gil else "legacy")
            self.run = lambda text: _interpreters.exec(self.id, text)
        else:
            import _xxsubinterpreters

            # Isolated ones, which came with 3.9, have a GIL of their own from 3.12 on.
            if sys.version_info >= (3, 9):
                self.id = _xxsubinterpreters.create(isolated=own_gil)
            else:
                self.id = _xxsubinterpreters.create()
            self.run = lambda text: _xxsubinterpreters.run_string(self.id, text)
        self.own_gil = own_gil and sys.version_info >= (3, 12)
        self.number = int(self.id)
        self.run(SETUP.replace("NUMBER", str(self.number)))

    def wait(self):
        """Lets a thread wait in the interpreter."""
        ready, said = os.pipe()
        waiting, self.wake = os.pipe()
        text = WAIT.format(ready=said, wait=waiting)
        threading.Thread(target=self.run, args=(text,), daemon=True).start()
        os.read(ready, 1)


interpreters = [Interpreter(True), Interpreter(False), Interpreter(True)]


def report(path):
    for one in interpreters:
        end = "" if OWN_COLLECTOR else "del tracked, one"
        one.run(REPORT.format(path=f"{path}.{one.number}", end=end))
    for one in interpreters:
        one.wait()
    return True


protocol.serve(
    {
        "numbers": [one.number for one in interpreters],
        "own_gil": [one.number for one in interpreters if one.own_gil],
    },
    {"report": report},
)
# The end of the main interpreter complains of the others.
os._exit(0)
