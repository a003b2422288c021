# The lines that allocated most of the memory that is still in use.
#
# Needs `@tracemalloc-start` some time before, or PYTHONTRACEMALLOC. The argument after `--` is the
# number of lines to show, 20 if there is none: `exuvia exec PID @tracemalloc-top -- 50`.
import sys
import tracemalloc


def show(most):
    if not tracemalloc.is_tracing():
        raise SystemExit("tracemalloc does not trace: run @tracemalloc-start first, and wait a while")
    snapshot = tracemalloc.take_snapshot()
    # Not what looks.
    ours = [tracemalloc.Filter(False, name) for name in ("<exuvia>", "@tracemalloc-top", tracemalloc.__file__)]
    lines = snapshot.filter_traces(ours).statistics("lineno")
    for one in lines[:most]:
        frame = one.traceback[0]
        print("%12d bytes in %8d blocks  %s:%d" % (one.size, one.count, frame.filename, frame.lineno))
    rest = lines[most:]
    if rest:
        print("%12d bytes in %8d blocks  in %d more lines" % (
            sum([one.size for one in rest]), sum([one.count for one in rest]), len(rest)))
    now, peak = tracemalloc.get_traced_memory()
    print("%12d bytes traced, %d at the peak, %d for tracing" % (now, peak, tracemalloc.get_tracemalloc_memory()))


show(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
