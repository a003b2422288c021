"""A process with objects where nobody looks for them.

A float lies in shared memory, another in memory that is kept out of copies of the process. Both are
copies of real ones, byte by byte. The greeting gives the address of the first, and of the list that
holds the other.
"""

import ctypes
import mmap
import sys

import protocol

FLOAT = sys.getsizeof(1.5)
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def moved(value, memory):
    """A copy of a float in this memory, with a count that never gets to zero."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    ctypes.memmove(address, id(value), FLOAT)
    ctypes.c_ssize_t.from_address(address).value = 1000
    return ctypes.cast(address, ctypes.py_object).value


shared = mmap.mmap(-1, mmap.PAGESIZE)
kept = mmap.mmap(-1, mmap.PAGESIZE, flags=PRIVATE)
kept.madvise(mmap.MADV_DONTFORK)
in_shared = [moved(1234.5, shared)]
in_kept = [moved(5678.25, kept)]

protocol.serve({"shared": id(in_shared[0]), "kept": id(in_kept)}, {})
