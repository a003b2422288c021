# What everybody shares, other sessions and the program: the names in `sys`.


def current(name):
    """What there is: a tuple of one, or an empty one."""
    names = vars(sys)
    return (names[name],) if name in names else ()


def put(name, found):
    """Puts there what `current` has found."""
    if found:
        setattr(sys, name, found[0])
    else:
        vars(sys).pop(name, None)


def is_same(one, other):
    return len(one) == len(other) and all([a is b for a, b in zip(one, other)])


class Turn:
    """`with` this, a session is the only one that changes what they share. Sessions know nothing of each
    other but what they find in `sys`: there is a mark, for as long as one of them has its turn.

    An interrupt may leave it there: this session goes on with it the next time, and `end` takes one."""

    NAME = "_exuvia_turn"
    # A turn takes far less than a millisecond. A mark that stays was left by a thread that a fork did
    # not take along, or its thread waits for this one.
    PAUSE, PAUSES = 0.001, 1000

    def __init__(self):
        self.mark = object()

    def __enter__(self):
        pause = allocate_lock()
        pause.acquire()
        for _ in range(self.PAUSES):
            # Looks and puts it there at once.
            if vars(sys).setdefault(self.NAME, self.mark) is self.mark:
                return
            pause.acquire(True, self.PAUSE)
        vars(sys)[self.NAME] = self.mark

    def __exit__(self, *error):
        if vars(sys).get(self.NAME) is self.mark:
            vars(sys).pop(self.NAME, None)
