"""A process with objects where nobody looks for them.

A float lies in shared memory, another in memory that is kept out of copies of the process, and
another in memory that is wiped in copies. All are copies of real ones, byte by byte. The greeting
gives the address of the first, and of the lists that hold the others.
"""

import ctypes
import mmap
import sys

import protocol

FLOAT = sys.getsizeof(1.5)
# <linux/mman.h>; the module has no name for it.
MADV_WIPEONFORK = 18
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
wiped = mmap.mmap(-1, 2 * mmap.PAGESIZE, flags=PRIVATE)
wiped.madvise(MADV_WIPEONFORK)
in_shared = [moved(1234.5, shared)]
in_kept = [moved(5678.25, kept)]
in_wiped = [moved(9012.75, wiped)]

protocol.serve({"shared": id(in_shared[0]), "kept": id(in_kept), "wiped": id(in_wiped)}, {})
