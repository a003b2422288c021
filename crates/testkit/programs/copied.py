"""A process that copies of are made: everything that is typed in a copy may be destructive.

The argument says what it has besides:

* `shop`: a flock of sheep, and a thread with variables of its own. `belong PATH` opens a file, sockets
  and a child process; `state` says what others would notice if somebody had used any of it. `moment`
  counts something up, which tells one moment from another. Before a fork, that thread is waited for.
* `locked`: a thread that holds a lock until `release`, which a handler of `os.register_at_fork` wants
  in the child.
"""

import gc
import os
import socket
import sys
import threading

import protocol

SHEEP = 20_000


class Sheep:
    __slots__ = ("number", "neighbour")

    def __init__(self, number):
        self.number = number
        self.neighbour = None


flock = []
moments = 0


def herd(dog):
    """Waits for ever, with variables that somebody may look at."""
    secret = "of the " + dog
    counted = len(flock)
    threading.Event().wait()
    return secret, counted


def moment(_):
    global moments
    moments += 1
    return moments


def fork():
    """A child process that ends with this one."""
    reading, child_ends_with = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(child_ends_with)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    return child


class Belongings:
    """What this process shares with whoever has its descriptors."""

    def __init__(self, path):
        self.path = path
        with open(path, "w") as file:
            file.write("kept")
        self.file = open(path, "r+")
        self.near, self.far = socket.socketpair()
        self.near.sendall(b"waits")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.child = child

    def connected(self):
        try:
            return self.listener.accept() is not None
        except BlockingIOError:
            return False

    def state(self):
        with open(self.path) as file:
            text = file.read()
        return {
            "file": [text, self.file.tell(), self.file.closed],
            "received": self.far.recv(100, socket.MSG_PEEK).decode(),
            "connected": self.connected(),
            "child": os.waitpid(self.child, os.WNOHANG) == (0, 0),
        }


def belong(path):
    global belongings
    belongings = Belongings(path)
    return {"port": belongings.port, "child": belongings.child}


def state(_):
    gc.collect()
    found = {
        "flock": [len(flock), flock[0].number],
        "classes": sorted(vars(Sheep)),
        "len": repr(len),
        "names": sorted(globals()),
        "collector": [gc.isenabled(), list(gc.get_threshold())],
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "modules": sorted(sys.modules),
        "path": sys.path,
    }
    found.update(belongings.state())
    return found


def shop():
    global child
    child = fork()
    flock.extend(map(Sheep, range(SHEEP)))
    shepherd = threading.Thread(target=herd, args=("dog",), name="shepherd", daemon=True)
    shepherd.start()
    # As IPython does with the thread that writes its history.
    os.register_at_fork(before=shepherd.join)
    protocol.serve({"sheep": SHEEP}, {"belong": belong, "state": state, "moment": moment})


def locked():
    """A thread that holds a lock until it is told to let it go."""
    lock = threading.Lock()
    told, held, free = threading.Event(), threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            told.wait()
        free.set()

    def after_fork():
        # As a library does that wants its connections to be in order.
        with lock:
            pass

    def release(_):
        told.set()
        return free.wait()

    os.register_at_fork(after_in_child=after_fork)
    threading.Thread(target=hold, name="holder", daemon=True).start()
    held.wait()
    protocol.serve({}, {"release": release})


{"shop": shop, "locked": locked}[sys.argv[1]]()
