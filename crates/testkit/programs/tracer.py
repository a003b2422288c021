"""Traces another process, as gdb and strace do, until it is ended.

The argument is the process. PTRACE_SEIZE neither stops nor changes it.
"""

import ctypes
import sys

import protocol

PTRACE_SEIZE = 0x4206

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
if libc.ptrace(PTRACE_SEIZE, int(sys.argv[1]), None, None) != 0:
    sys.exit("not traced: error %d" % ctypes.get_errno())
protocol.serve({}, {})
