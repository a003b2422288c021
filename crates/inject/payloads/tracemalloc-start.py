# Lets tracemalloc note where memory is allocated from now on.
#
# The process is slower and larger while it does. The argument after `--` is the number of frames
# that it keeps of each place, 1 if there is none: `exuvia exec PID @tracemalloc-start -- 10`.
# `@tracemalloc-top` shows what it found, `@tracemalloc-stop` ends it.
import sys
import tracemalloc

if tracemalloc.is_tracing():
    print("tracemalloc traces already, %d frames of each place" % tracemalloc.get_traceback_limit())
else:
    tracemalloc.start(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print("tracemalloc traces from now on, %d frames of each place" % tracemalloc.get_traceback_limit())
