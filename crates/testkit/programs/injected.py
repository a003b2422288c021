"""Processes that code is run in from outside, again and again. The argument says which one:

* `busy`: the main thread works all the time.
* `alone`: the same with no other thread, and it answers nobody.
* `blocked`: every thread waits in C.
* `gripped`: the only thread waits in C and holds the interpreter's lock, until the first command.
* `holder`: a thread holds the interpreter's lock in C, for the seconds of the second argument, lets
  it go for a moment, and holds it again.
* `server THREADS`: an HTTP server that makes much and throws it away, with so many threads beside
  it. The greeting has its port.

Commands: `census` counts what a leak would add to, `traced` counts its bytes; `clock FILE` starts the clock of `clock.c`, and
`gap` is the longest time that it has missed since this was last asked; `fork` is the time of
`os.fork()`. The server also has `drain`, which waits for the end of its connections, `belongings
FOLDER`, which opens files and sockets and starts a child process, and `state`: what others would
notice if somebody had used these.
"""

import collections
import ctypes
import fcntl
import gc
import hashlib
import http.server
import itertools
import mmap
import os
import socket
import struct
import sys
import termios
import threading
import time
import tracemalloc
import types
import warnings

import protocol

# About forks of a process with threads.
warnings.simplefilter("ignore")


KEEPS_CONSTANTS = sys.version_info[:2] == (3, 13) and not getattr(sys, "_is_gil_enabled", lambda: True)()


def is_kept(one):
    """Whether it is a tuple of constants with code among them, or an empty namespace of functions:
    CPython 3.13 without the GIL never frees those of any text that is run."""
    if not KEEPS_CONSTANTS:
        return False
    if type(one) is dict:
        return list(one) == ["__builtins__"]
    return type(one) is tuple and types.CodeType in map(type, one)


def census(_):
    gc.collect()
    kinds = collections.Counter(type(one).__qualname__ for one in gc.get_objects() if not is_kept(one))
    return {
        "objects": kinds,
        "modules": len(sys.modules),
        "threads": threading.active_count(),
        "path": len(sys.path),
        "main": len(vars(sys.modules["__main__"])),
        "builtins": len(vars(sys.modules["builtins"])),
        "collector": [gc.isenabled(), list(gc.get_threshold())],
    }


def traced(_):
    """How many bytes were allocated since this was first asked, and are still in use."""
    tracemalloc.start()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def start_clock(file):
    global CLOCK
    CLOCK = ctypes.CDLL(file)
    CLOCK.clock_take.restype = ctypes.c_double
    return CLOCK.clock_start() == 1


def time_of_fork(_):
    """How long the parent is in `os.fork()`; the child ends at once."""
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(0)
    seconds = time.perf_counter() - begun
    os.waitpid(child, 0)
    return seconds


COMMANDS = {"census": census, "traced": traced, "clock": start_clock, "gap": lambda _: CLOCK.clock_take(), "fork": time_of_fork}


def busy():
    protocol.serve_beside({}, COMMANDS)
    while True:
        sum(number * number for number in range(1000))


def alone():
    global rounds
    rounds = 0
    protocol.say({})
    while True:
        sum(number * number for number in range(1000))
        rounds += 1


def gripped():
    waiting = ctypes.create_string_buffer(1)
    protocol.say({})
    ctypes.PyDLL(None).read(0, waiting, 1)
    # The rest of that command.
    sys.stdin.readline()
    protocol.say("let go")
    protocol.serve({}, COMMANDS)


def blocked():
    protocol.serve({}, COMMANDS)


def holder():
    seconds = float(sys.argv[2])
    # What this takes for a round is found out first, since it can't look at a clock.
    rounds = 1000000
    begun = time.perf_counter()
    collections.deque(itertools.repeat(None, rounds), maxlen=0)
    rounds = int(rounds * seconds / (time.perf_counter() - begun))

    def hold():
        while True:
            collections.deque(itertools.repeat(None, rounds), maxlen=0)
            time.sleep(0.001)

    threading.Thread(target=hold, name="holder", daemon=True).start()
    protocol.serve({}, COMMANDS)


class Node:
    def __init__(self, number):
        self.itself = self
        self.number = number


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        """`/SEED/LENGTH`: so many bytes, each of which the client can compute."""
        global answered
        seed, length = (int(word) for word in self.path[1:].split("/"))
        nodes = [Node(number) for number in range(200)]
        body = bytes((seed * 31 + at * 7) & 255 for at in range(length))
        RECENT.append((nodes, [str(node.number) for node in nodes], {node.number: node for node in nodes}))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        with COUNTING:
            answered += 1

    def log_message(self, format, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def process_request_thread(self, request, address):
        CONNECTIONS.add(threading.current_thread())
        super().process_request_thread(request, address)


RECENT = collections.deque(maxlen=20)
COUNTING = threading.Lock()
CONNECTIONS = set()
answered = 0


class Belongings:
    """What this process shares with whoever has its descriptors."""

    CONTENT = bytes(range(256)) * 64

    def __init__(self, folder):
        os.mkdir(folder)
        self.paths = [os.path.join(folder, name) for name in ("data", "log", "mapped")]
        data, log, mapped = self.paths
        for path in (data, mapped):
            with open(path, "wb") as file:
                file.write(self.CONTENT)
        self.data = open(data, "r+b", buffering=0)
        self.data.seek(100)
        fcntl.flock(self.data, fcntl.LOCK_EX)
        # What it holds back is lost with a process that ends as it is, and must be written once.
        self.log = open(log, "w")
        self.log.write("held back")
        with open(mapped, "r+b") as file:
            self.mapped = mmap.mmap(file.fileno(), 0)
        self.shared = mmap.mmap(-1, len(self.CONTENT))
        self.shared.write(self.CONTENT)
        self.pipe = os.pipe()
        os.write(self.pipe[1], b"waiting")
        self.pair = socket.socketpair()
        self.pair[1].sendall(b"waiting")
        self.pair[1].setblocking(True)

    def state(self):
        with open(self.paths[0], "rb") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                locked = False
            except OSError:
                locked = True
        return {
            "files": [digest(path) for path in self.paths],
            "mapped": hashlib.sha256(self.mapped[:]).hexdigest(),
            "shared": hashlib.sha256(self.shared[:]).hexdigest(),
            "offset": os.lseek(self.data.fileno(), 0, os.SEEK_CUR),
            "locked": locked,
            "pipe": [waiting(self.pipe[0]), fcntl.fcntl(self.pipe[0], fcntl.F_GETFL)],
            "pair": [waiting(self.pair[0].fileno()), fcntl.fcntl(self.pair[1], fcntl.F_GETFL)],
            "names": sorted(os.listdir(os.path.dirname(self.paths[0]))),
            "child": self.child_runs(),
        }

    def child_runs(self):
        return os.waitpid(self.child, os.WNOHANG) == (0, 0)

    def start_child(self):
        """A process that others could send signals to. It ends with this one, as its pipe does."""
        reading, self.child_ends_with = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(self.child_ends_with)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def waiting(descriptor):
    return struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]


def drain(_):
    while CONNECTIONS:
        connection = CONNECTIONS.pop()
        connection.join()
        wait_until_gone(connection.native_id)
    RECENT.clear()
    return answered


def wait_until_gone(thread):
    """Waits for the end of a thread that the kernel may still know when it has been joined. On 3.8 and
    3.9.2, the first one that ends loads a library just then."""
    while True:
        try:
            os.kill(thread, 0)
        except ProcessLookupError:
            return
        time.sleep(0.001)


def belong(folder):
    global belongings
    belongings = Belongings(folder)
    belongings.start_child()
    return belongings.child


def work_a_little(number):
    """Half of these threads wait all the time, the others compute now and then, with nothing that
    would come and go in a census."""
    if number % 2:
        threading.Event().wait()
    while True:
        for power in range(1000):
            number = number * power % 1000003
        time.sleep(0.02)


def server():
    gc.set_threshold(200, 5, 5)
    for number in range(int(sys.argv[2])):
        threading.Thread(target=work_a_little, args=(number,), daemon=True).start()
    web = Server(("127.0.0.1", 0), Handler)
    # It shall wake up for connections only: what it makes then would come and go in a census.
    threading.Thread(target=web.serve_forever, args=(3600,), name="server", daemon=True).start()
    commands = {"drain": drain, "belongings": belong, "state": lambda _: belongings.state()}
    commands.update(COMMANDS)
    protocol.serve({"port": web.server_port}, commands)


MODES = (busy, alone, blocked, gripped, holder, server)
{mode.__name__: mode for mode in MODES}[sys.argv[1]]()
