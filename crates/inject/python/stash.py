# What `--frame` wants to know of threads that a fork does not take along. Frame objects themselves
# would not do: their variables lie in memory that goes with the thread.
import sys

try:
    stash = {"frames": {}, "threads": {}}
    for ident, frame in sys._current_frames().items():
        stack = stash["frames"][ident] = []
        while frame is not None and len(stack) < 1000:
            local = frame.f_locals
            if local is not frame.f_globals:
                local = dict(local)
            stack.append((frame.f_code, frame.f_lineno, frame.f_globals, local))
            frame = frame.f_back
    active = getattr(sys.modules.get("threading"), "_active", {})
    for ident, thread in list(active.items()):
        stash["threads"][ident] = (thread.name, getattr(thread, "native_id", None))
    sys._exuvia_stash = stash
except Exception:
    # Without it, `--frame` says that there is no such thread.
    pass

try:
    # A handler of `os.register_at_fork` may wait for a thread before the fork, as IPython does for the
    # one that writes its history. In a copy nobody is there any more: it is told so before.
    threading = sys.modules["threading"]
    for ident, thread in list(threading._active.items()):
        # That of 3.13, and its name since 3.14. Older ones have locks, which the next line takes care of.
        handle = getattr(thread, "_handle", None) or getattr(thread, "_os_thread_handle", None)
        if ident != threading.get_ident() and handle is not None:
            handle._set_done()
    threading._after_fork()
except Exception:
    # Such a handler may wait for ever then, and the copy is given up.
    pass
