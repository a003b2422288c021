"""A process that replaces itself by itself, as often as its argument says, and answers then."""

import os
import sys

import protocol

left = int(sys.argv[1])
if left > 0:
    options = ["-E", "-s", "-S", "-u"]
    os.execv(sys.executable, [sys.executable, *options, __file__, str(left - 1)])
protocol.serve(os.getpid(), {})
