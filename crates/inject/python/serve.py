# Where it begins and ends.

# As the main thread has it where nobody has chosen anything else.
STACK = 8 << 20


def serve(descriptor, in_place=False):
    """Answers requests on the descriptor until its other end is closed: on a thread of its own, or
    in place, which returns when all is done."""
    stash = vars(sys).pop("_exuvia_stash", None)
    if in_place:
        run(descriptor, True, stash)
    else:
        start_with_room(run, (descriptor, False, stash))


def start_with_room(function, arguments):
    """On a stack of the usual length, or the program's own where that is longer: it may have chosen a
    short one for its own threads (`threading.stack_size()`), and would die of code that needs more."""
    # The thread may have ended, and these names with it, before this one goes on.
    start, set_size = start_new_thread, stack_size
    before = set_size()
    if before < STACK:
        try:
            set_size(STACK)
            try:
                return start(function, arguments)
            finally:
                set_size(before)
        except (RuntimeError, ValueError):
            # There is no room for it.
            pass
    start(function, arguments)


def run(descriptor, in_place, stash):
    """Closing the descriptor comes last: while it is open, an interrupt of this thread is ours.

    An interrupt only makes the loops go round again: every step can be done twice, or is on record
    as done in the same instant."""
    names, close = globals(), posix.close
    begun, sessions, ends, leave, closed = [], [], [], [], []
    for _ in range(20):
        try:
            for _ in range(20):
                try:
                    if not begun:
                        begun.append(True)
                        sessions.append(Session(descriptor, in_place, run.__code__.co_filename, stash))
                    if sessions and not ends:
                        sessions[0].serve()
                    if sessions and len(ends) < 40:
                        # Whatever becomes of that, the connection is closed.
                        ends.append(True)
                        sessions[0].end()
                        sessions.clear()
                    if not leave:
                        leave.append(keep if sys.getrefcount(run) == IMMORTAL else forget)
                    leave[0](names)
                    if not closed:
                        closed.extend(map(close, (descriptor,)))
                    return
                except BaseException:
                    # Also what a signal handler of the program raises in the main thread. Nobody is
                    # there to be told.
                    pass
        except BaseException:
            pass


# `sys.getrefcount` of what is never freed, in CPython 3.13 without the GIL.
IMMORTAL = 0xFFFFFFFF


def keep(names):
    """CPython 3.13 without the GIL never frees functions, classes and code once there has been a
    second thread: they are kept for the next session, which would leave as many again."""
    sys._exuvia_kept = names["key"], names


def forget(names):
    """Breaks the cycles between functions, classes and their names, so that nothing of this waits
    for the collector but a few empty classes. Needs no name of these, as it may be done again."""
    for value in list(names.values()):
        if type(value) is type and value.__dict__.get("__slots__") is None and value.__name__ != "Routed":
            for name, part in list(vars(value).items()):
                if callable(part):
                    delattr(value, name)
    for name in list(names):
        # A thread of the program may be about to call a function of a proxy.
        if name != "__builtins__":
            names.pop(name, None)
