# The threads that the threading module knows, and where each of them is.
#
# Prints, of each thread, its name, ident, native id, class, whether it is a daemon, and its
# innermost frame; then the threads that run Python without the module's knowledge. `@stacks` shows
# whole stacks, and runs no code for that.
import posix
import sys


def place(frame):
    if frame is None:
        # Of gevent and eventlet, threads are greenlets, which only @stacks can tell of.
        return "runs no Python, or is no thread of the system"
    code = frame.f_code
    if code is show.__code__:
        return "runs this"
    return "%s, line %s, in %s" % (code.co_filename, frame.f_lineno, code.co_name)


def native_id(thread, main):
    """Its number; that of the main thread after a fork is still its parent's, for the module."""
    return posix.getpid() if thread is main else getattr(thread, "native_id", None)


def show():
    frames = sys._current_frames()
    # The one that runs this: not get_ident(), which gevent and eventlet replace.
    here = sys._getframe()
    own = [ident for ident, frame in frames.items() if frame is here]
    # As it is in a copy; else it is no thread of the program.
    alone = len(frames) == 1
    threading = sys.modules.get("threading")
    known = [] if threading is None else threading.enumerate()
    main = None if threading is None else threading.main_thread()
    for thread in known:
        if thread.ident in own and thread is not main:
            continue
        print("%s: ident %s, native id %s, %s%s" % (
            thread.name, thread.ident, native_id(thread, main), type(thread).__qualname__,
            ", daemon" if thread.daemon else ""))
        print("  " + place(frames.pop(thread.ident, None)))
    for ident, frame in frames.items():
        if ident not in own or alone:
            print("ident %s, unknown to threading" % ident)
            print("  " + place(frame))


show()
