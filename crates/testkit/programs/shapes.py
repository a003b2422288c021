"""Processes of unusual shape; the argument says which one.

Each holds instances of `Marker`, whose number the greeting gives as `markers`.
"""

import collections
import gc
import hashlib
import resource
import sys
import threading

import protocol

# Bytes of stack for a deep recursion: less than the kernel leaves free below it.
STACK = 100 << 20


class Marker:
    """An object that is counted."""

    __slots__ = ("next",)


def threads():
    """64 threads, each blocked with a marker in its locals."""
    count = 64
    ready = threading.Barrier(count + 1)
    block = threading.Lock()
    block.acquire()

    def run():
        marker = Marker()
        ready.wait()
        block.acquire()
        return marker

    for index in range(count):
        threading.Thread(target=run, name=f"thread {index}", daemon=True).start()
    ready.wait()
    protocol.serve({"markers": count, "threads": count + 1}, {})


def recursion():
    """A deep stack, with a marker in each frame."""
    depth = 20_000
    sys.setrecursionlimit(depth + 1000)
    # Up to 3.10 each call takes some of the C stack as well, more than is usually there.
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (min(STACK, hard) if hard >= 0 else STACK, hard))

    def descend(left):
        marker = Marker()
        if left > 1:
            descend(left - 1)
        else:
            protocol.serve({"markers": depth, "threads": 1}, {})
        return marker

    descend(depth)


def churn():
    """Allocates, drops and collects cycles without a pause, beside markers that stay."""
    kept = [Marker() for _ in range(10_000)]
    gc.set_threshold(50, 2, 2)
    protocol.serve_beside({"markers": len(kept), "threads": 2})
    recent = collections.deque(maxlen=1000)
    while True:
        cycle = {"list": [object()]}
        cycle["self"] = cycle
        recent.append([cycle, str(id(cycle)), {index: [index] for index in range(5)}])


def native():
    """Spends its time in C, without the interpreter's lock."""
    kept = [Marker() for _ in range(10_000)]
    text = bytes(1 << 24)
    protocol.serve_beside({"markers": len(kept), "threads": 2})
    while True:
        hashlib.sha256(text)


def linked():
    """A linked list of 1,000,000 nodes."""
    length = 1_000_000
    first = None
    for _ in range(length):
        node = Marker()
        node.next = first
        first = node
    protocol.serve({"markers": length, "threads": 1}, {})


{"threads": threads, "recursion": recursion, "churn": churn, "native": native, "linked": linked}[
    sys.argv[1]
]()
