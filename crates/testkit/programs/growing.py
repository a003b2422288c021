"""A service whose sessions come, stay or go on command, each with values of its own."""

import os
import sys

import protocol


class Session:
    def __init__(self, number):
        # Numbers that no other object shares, nor any constant.
        self.number = 1000000 + number
        self.payload = bytearray(40)


class Store:
    def __init__(self):
        self.by_name = {}
        self.pairs = []


STORE = Store()
COUNTER = [0]


def add(count):
    for _ in range(count):
        COUNTER[0] += 1
        STORE.by_name["session %d" % COUNTER[0]] = Session(COUNTER[0])
    return count


def grow(rest):
    return add(int(rest))


def turn_over(rest):
    """Lets the oldest sessions go, and makes as many new ones, mostly at their addresses."""
    for name in list(STORE.by_name)[: int(rest)]:
        del STORE.by_name[name]
    return add(int(rest))


def address(_):
    return id(STORE.by_name)


def leave(_):
    os._exit(0)


add(int(sys.argv[1]))
for number in range(20):
    STORE.pairs.append((number, Session(-number)))
protocol.serve(
    {"pid": os.getpid()},
    {"grow": grow, "turn_over": turn_over, "address": address, "exit": leave},
)
