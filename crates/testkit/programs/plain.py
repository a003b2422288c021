"""A process with as many objects as it is told, which ends or becomes another on command.

Works on every Python from 3.6, so that it also serves as a target that exuvia refuses.
"""

import os
import sys

import protocol


class Node:
    __slots__ = ("value", "next")


def chain(length):
    """A linked list of this length."""
    first = None
    for value in range(length):
        node = Node()
        node.value = [value]
        node.next = first
        first = node
    return first


def replace(_):
    """Becomes another program, which answers no command but `ping`."""
    os.execv("/bin/sh", ["sh", "-c", "echo '\"replaced\"'; while read -r line; do echo '\"pong\"'; done"])


def leave(_):
    os._exit(0)


FIRST = chain(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
protocol.serve({"pid": os.getpid()}, {"exec": replace, "exit": leave})
