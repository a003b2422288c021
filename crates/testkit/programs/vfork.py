"""Stands in vfork while somebody keeps a pipe closed.

`spawn FIFO` starts a program whose first act is to open that FIFO for reading. The child
waits there for a writer, and until it has become the program, its parent is not scheduled.
"""

import os

import protocol


def spawn(fifo):
    actions = [(os.POSIX_SPAWN_OPEN, 9, fifo, os.O_RDONLY, 0)]
    child = os.posix_spawn("/bin/true", ["true"], {}, file_actions=actions)
    os.waitpid(child, 0)
    return "spawned"


protocol.serve({}, {"spawn": spawn})
