"""Memory of every sort, and what the allocators themselves say of it.

Reads commands and answers by bare system calls: a buffered file would allocate between what
the allocators say and the moment at which the process is looked at.
"""
import json
import mmap
import os
import sys
import threading

try:
    import ctypes
except ImportError:
    ctypes = None

texts = [str(i) * 20 for i in range(60000)]
del texts[::2]
lists = [[i] for i in range(30000)]
table = {i: None for i in range(50000)}
# Zeros that nobody has written, and bytes that somebody has.
untouched = bytes(4000000)
touched = [b"x" * 200000 for _ in range(20)]
shared = mmap.mmap(-1, 1 << 20)
shared.write(b"s" * (1 << 19))

if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
    import numpy

    arrays = [numpy.ones(100000) for _ in range(10)] + [numpy.zeros(10000000)]

done = threading.Event()
for _ in range(4):
    threading.Thread(target=done.wait, daemon=True).start()


NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()


def mallinfo2():
    """What `mallinfo2` says when saying so changes nothing any more."""
    try:
        function = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return None

    class Info(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in NAMES]

    function.restype = Info
    before, text = None, None
    while True:
        info = [getattr(function(), name) for name in NAMES]
        if info == before:
            return text
        before, text = info, json.dumps(dict(zip(NAMES, info)))


def answer(text):
    os.write(1, text.encode() + b"\n")


def commands():
    command = b""
    while True:
        read = os.read(0, 64)
        if not read:
            return
        command += read
        if command.endswith(b"\n"):
            yield command.decode().strip()
            command = b""


answer('"ready"')
for command in commands():
    if command == "mallinfo2":
        answer(mallinfo2() or "null")
    elif command == "stats":
        # It writes to the stderr of C, which is unbuffered.
        sys._debugmallocstats()
        answer('"done"')
    else:
        answer('"pong"')
