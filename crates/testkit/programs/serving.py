"""Runs what it is sent over a socket, as if exuvia had got in.

The socket's name is in the abstract namespace, `exuvia-serving-PID`. A connection begins with a
letter: `N` and `M` are followed by four bytes of length and the text to run, on a thread of its own
or on the main thread; `I` by the ident of a thread that gets a KeyboardInterrupt, and a line end.
"""

import asyncio
import builtins
import ctypes
import gc
import io
import linecache
import os
import queue
import signal
import socket
import sys
import threading
import types

import protocol

work = queue.Queue()
value = "of __main__"


class Account:
    """What a user may look at."""

    limit = 3

    def __init__(self):
        self.owner = "alice"

    @property
    def balance(self):
        raise RuntimeError("a property was asked")


account = Account()


class Lazy:
    """As Django's: who asks for its names makes it do what it has put off."""

    asked = []

    def __dir__(self):
        self.asked.append("names")
        return ["late"]


lazy = Lazy()
lazy.early = 1


def read(connection, size):
    data = b""
    while len(data) < size:
        data += connection.recv(size - len(data))
    return data


def interrupt(ident):
    ident = ctypes.c_ulong(ident)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(KeyboardInterrupt))


def run(text, descriptor):
    exec(compile(text, "<payload>", "exec"), {"descriptor": descriptor})


def accept(listener):
    while True:
        connection, _ = listener.accept()
        kind = read(connection, 1)
        if kind == b"I":
            with connection.makefile() as file:
                interrupt(int(file.readline()))
            # Whoever asked knows by the end that it is done.
            connection.close()
            continue
        text = read(connection, int.from_bytes(read(connection, 4), "little")).decode()
        descriptor = connection.detach()
        if kind == b"N":
            run(text, descriptor)
        else:
            work.put((text, descriptor))


def wait_for_work(depth):
    local = depth * 2
    if depth:
        return wait_for_work(depth - 1)
    while True:
        run(*work.get())


def work_in_main(_):
    """Lets the main thread do something for the program, which waits for it."""
    done = threading.Event()
    work.put(("descriptor.set()", done))
    done.wait()
    return "worked"


def fingerprint(_):
    """What a session might leave behind, as far as Python sees it."""
    gc.collect()
    handlers = {}
    for number in sorted(signal.valid_signals()):
        handlers[int(number)] = repr(signal.getsignal(number))
    last = ["last_type", "last_value", "last_traceback", "last_exc"]
    return {
        "frames": len(sys._current_frames()),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "modules": sorted(sys.modules),
        "path": sys.path,
        "argv": sys.argv,
        "importers": sorted(map(str, sys.path_importer_cache)),
        "builtins": sorted(vars(builtins)),
        # CPython 3.13 without the GIL never frees functions: the server is kept for the next session.
        "sys": sorted(set(vars(sys)) - {"_exuvia_kept"}),
        "main": sorted(globals()),
        "streams": [id(one) for one in (sys.stdin, sys.stdout, sys.stderr, sys.displayhook, sys.excepthook)],
        "handlers": handlers,
        "mask": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        "last": [name for name in last if hasattr(sys, name)],
        "sources": sorted(name for name in linecache.cache if name.startswith(("<", "@"))),
        "collector": [gc.isenabled(), list(gc.get_threshold()), len(gc.callbacks), len(gc.garbage)],
        "objects_of_ours": sum(type(one).__name__ == "Session" for one in gc.get_objects()),
    }


def chatter(count):
    """Prints so many lines from a thread of the program's own."""

    def chat():
        for number in range(int(count)):
            # In one call, as another thread says something meanwhile.
            sys.stdout.write('"chatter %d"\n' % number)

    threading.Thread(target=chat).start()
    return "chatting"


def scribble(_):
    """Lets a thread of the program's own use what is in `sys` without a pause."""
    global scribbler

    def use():
        while scribbler is threading.current_thread():
            try:
                sys.stdout.write("")
                sys.stdout.flush()
                isinstance(sys.stdout, io.TextIOBase)
                sys.displayhook(None)
            except Exception as error:
                complaints.append(repr(error))

    complaints.clear()
    scribbler = threading.Thread(target=use)
    scribbler.start()
    return "scribbling"


def stop_scribbling(_):
    """What went wrong meanwhile."""
    global scribbler
    thread, scribbler = scribbler, None
    thread.join()
    return complaints


complaints = []


def start_loop(name):
    """Lets an event loop run in a thread of this name."""
    name = name or "loop"
    ready = threading.Event()

    async def wait():
        globals()[name] = asyncio.get_running_loop()
        ready.set()
        await asyncio.sleep(1000000)

    threading.Thread(target=lambda: asyncio.run(wait()), daemon=True, name=name).start()
    ready.wait()
    return "looping"


def fork_worker():
    """Forks a child whose new threads print something, and once more when there is something to
    read from the pipe; gives its number and the pipe's other end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(read)
        return pid, write
    os.close(write)
    for text in ("at once", "later"):
        # So many at the same time have the places in memory of all threads that there were.
        printed = threading.Barrier(WORKERS)

        def say():
            try:
                sys.stdout.write('"%s"\n' % text)
                sys.stdout.flush()
            except OSError as error:
                os.write(1, b'"%s"\n' % repr(error).encode())
            printed.wait()

        threads = [threading.Thread(target=say) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os.write(1, b'"done"\n')
        os.read(read, 1)
    os._exit(0)


WORKERS = 20


listener = socket.socket(socket.AF_UNIX)
listener.bind("\0exuvia-serving-%d" % os.getpid())
listener.listen(10)
threading.Thread(target=accept, args=(listener,), daemon=True, name="accept").start()
# The C library maps a library of its own when the first thread ends.
threading.Thread(target=int).start()


def renamed(function):
    """The same function, by whose frames nobody knows it."""
    code = function.__code__.replace(co_name="pump")
    return types.FunctionType(code, function.__globals__, "pump", function.__defaults__)


class FramelessLoop(asyncio.SelectorEventLoop):
    """A loop that is not to be seen in the frames of its thread, as one in C is not."""

    run_forever = renamed(asyncio.BaseEventLoop.run_forever)
    _run_once = renamed(asyncio.BaseEventLoop._run_once)


def start_frameless_loop(_):
    """Lets such a loop run in a thread."""
    global loop
    loop = FramelessLoop()
    running = threading.Event()
    loop.call_soon(running.set)
    threading.Thread(target=loop.run_forever, daemon=True, name="loop").start()
    running.wait()
    return "looping"


commands = {
    "fingerprint": fingerprint,
    "work": work_in_main,
    "chatter": chatter,
    "scribble": scribble,
    "stop-scribbling": stop_scribbling,
    "loop": start_loop,
    "frameless-loop": start_frameless_loop,
}
protocol.serve_beside({"pid": os.getpid()}, commands)
wait_for_work(3)
