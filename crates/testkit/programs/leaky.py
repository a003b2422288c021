"""A service that leaks in one way, which is its first argument, so that `exuvia leaks` finds it.

Everything that a leak keeps is some megabytes, several times what the interpreter itself has. The
greeting has `pid`, and `kinds`: what the argument may be. With `healthy` nothing leaks, nor with
`library`, which imports all of the standard library.
"""

import atexit
import collections
import functools
import gc
import os
import sys
import threading

import protocol

# How many bytes a leak is, about: the heap of a bare interpreter is a fifth of it.
BYTES = 24 << 20


class Session:
    """What services have most of."""

    def __init__(self, number):
        self.number = number
        self.user = "user %d" % number
        self.basket = [number, str(number)]


def sessions(count=40_000):
    return [Session(number) for number in range(count)]


def module_dict():
    """A dictionary of a module, to which every request adds."""
    for session in sessions():
        SESSIONS["session %d" % session.number] = session


SESSIONS = {}


def module_list():
    """A list of a module."""
    HISTORY.extend(sessions())


HISTORY = []


def class_set():
    """A set that is an attribute of a class."""
    Registry.seen.update(("seen", number) for number in range(200_000))


class Registry:
    seen = set()


def deque():
    """A deque without a bound, of an instance."""
    global LOG
    LOG = Log()
    LOG.lines.extend("line %d of the log" % number for number in range(300_000))


class Log:
    def __init__(self):
        self.lines = collections.deque()


def accumulation():
    """A few large buffers in an object that knows them."""
    global STORE
    STORE = Store()


class Store:
    def __init__(self):
        self.pages = [bytes(BYTES // 16) for _ in range(16)]


def linked():
    """Many objects of one class, each of which holds the next."""
    global FIRST
    FIRST = None
    for number in range(80_000):
        node = Node()
        node.number = [number]
        node.next = FIRST
        FIRST = node


class Node:
    pass


def shared():
    """Objects of one class in two small tables by turns, so that neither keeps them alone."""
    for session in sessions():
        for table in (BY_NUMBER, BY_USER):
            table.setdefault(session.number % 200, []).append(session)


BY_NUMBER = {}
BY_USER = {}


def cache():
    """`functools.lru_cache` without a bound."""
    for number in range(60_000):
        price("article %d" % number)


@functools.lru_cache(maxsize=None)
def price(article):
    return [article, article * 3]


def traceback():
    """Exceptions that are kept, with their tracebacks."""
    for number in range(24):
        try:
            order(number)
        except ValueError as error:
            FAILURES.append(error)


FAILURES = []


def order(number):
    document = bytearray(BYTES // 24)
    if document is not None:
        raise ValueError("order %d" % number)


def generator():
    """Generators that nobody ends."""
    for _ in range(200):
        lines = read(BYTES // 200)
        next(lines)
        READERS.append(lines)


READERS = []


def read(length):
    text = "x" * length
    for place in range(length):
        yield text[place]


def coroutine():
    """Coroutines that wait for what never happens, outside of any task."""

    async def answer(length):
        body = bytearray(length)
        await Never()
        return body

    for _ in range(200):
        waiting = answer(BYTES // 200)
        waiting.send(None)
        READERS.append(waiting)


class Never:
    def __await__(self):
        yield self


def bound_method():
    """Listeners that are registered and never taken out."""
    for number in range(1000):
        LISTENERS.append(Listener(number).listen)


LISTENERS = []


class Listener:
    def __init__(self, number):
        self.number = number
        self.buffer = bytearray(BYTES // 1000)

    def listen(self):
        return self.number


def at_exit():
    """Arguments of a function that is registered for the end."""
    atexit.register(flush, [bytes(BYTES // 64) for _ in range(64)])


def flush(pages):
    del pages[:]


def thread():
    """`Thread` objects of threads that have ended, with their results."""
    for _ in range(16):
        worker = Worker()
        worker.start()
        worker.join()
        WORKERS.append(worker)


WORKERS = []


class Worker(threading.Thread):
    def run(self):
        self.result = bytes(BYTES // 16)


def uncollectable():
    """What the collector found and keeps in `gc.garbage`."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    for _ in range(20_000):
        cycle()
    gc.collect()
    gc.set_debug(0)


def cycle():
    first, second = Session(0), Session(1)
    first.other, second.other = second, first


def garbage():
    """Cycles, while the collector is switched off."""
    gc.collect()
    gc.disable()
    for _ in range(60_000):
        cycle()


def native():
    """A reference that C code took and forgot."""
    import ctypes

    forgotten = sessions()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(forgotten))
    del forgotten


KINDS = {
    kind.__name__: kind
    for kind in (
        module_dict,
        module_list,
        class_set,
        deque,
        accumulation,
        linked,
        shared,
        cache,
        traceback,
        generator,
        coroutine,
        bound_method,
        at_exit,
        thread,
        uncollectable,
        garbage,
        native,
    )
}

if sys.argv[1] == "library":
    # Much code, and all tables of the standard library.
    import zoo_modules

    zoo_modules.import_everything()
elif sys.argv[1] != "healthy":
    KINDS[sys.argv[1]]()
protocol.serve({"pid": os.getpid(), "kinds": list(KINDS)}, {})
