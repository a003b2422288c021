"""A main thread that is at work, or waits for something in C, and a thread that answers.

The argument says what the main thread does. `go` lets one wait end, and answers with what the
call returned; of work, it answers with how much was done meanwhile. `look` says what the process
has: threads, descriptors, modules and more.
"""

import builtins
import gc
import itertools
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import protocol

mode = sys.argv[1]
results = []
done = threading.Semaphore(0)
rounds = 0


def waits(wait, end):
    """Waits for ever, and `end` ends one wait."""

    def work():
        while True:
            results.append(wait())
            done.release()

    def go(_):
        end()
        done.acquire()
        return results.pop()

    return work, go


def works(step):
    """Does the same for ever."""

    def work():
        global rounds
        while True:
            step()
            rounds += 1

    def go(_):
        before = rounds
        while rounds == before:
            time.sleep(0.001)
        return "worked"

    return work, go


def busy():
    return works(lambda: [str(number) for number in range(100)])


def native():
    """Holds the lock of the interpreter in C, again and again for a second or so."""
    return works(lambda: sum(range(30_000_000)))


def endless():
    """Holds the lock of the interpreter in C for longer than anybody waits, when told so.

    It says "begun" when it does; whether `go` still gets its answer is open.
    """

    def work():
        told.acquire()
        # From the write on, there is no Python code in between.
        begun = map(os.write, [1], [b'"begun"\n'])
        sum(itertools.chain(begun, range(10**12)))

    told = threading.Semaphore(0)
    return work, lambda _: told.release()


def held():
    """Waits, while another thread holds the lock of the interpreter in C, when told so.

    It says "begun" when it does, and lets go when the first byte of its file without a name is not 0.
    Whether `go` gets its answer before is open.
    """
    import mmap

    file = os.memfd_create("held")
    os.truncate(file, 16)
    flags = mmap.mmap(file, 16)

    def work():
        told.acquire()
        # From the write on, there is no Python code in between. It returns 8, where a 0 stays.
        begun = map(os.write, [1], [b'"begun"\n'])
        next(filter(None, map(flags.__getitem__, itertools.chain(begun, itertools.repeat(0)))))
        # It does not end, for which the C library may open a file.
        told.acquire()

    told = threading.Semaphore(0)
    threading.Thread(target=work, daemon=True).start()
    one = threading.Lock()
    one.acquire()
    return one.acquire, lambda _: told.release()


def brief():
    """Waits, while another thread works until code has run in it that says so, opens a file and ends.

    `go` answers with how often such code has run, and with the first character of that file.
    """
    opened = []

    def work():
        while not hasattr(builtins, "ran"):
            pass
        opened.append(os.open(__file__, os.O_RDONLY))

    one = threading.Lock()
    one.acquire()
    threading.Thread(target=work).start()
    return one.acquire, lambda _: [builtins.ran, os.read(opened[0], 1).decode()]


def deep():
    """Comes to the limit of recursion again and again, which is an error and nothing else."""

    def fall():
        fall()

    def step():
        try:
            fall()
        except RecursionError:
            pass

    return works(step)


def forking():
    """Waits in a handler of forks, as long as it is not told to go on."""
    told = threading.Semaphore(0)
    os.register_at_fork(before=lambda: told.acquire())

    def wait():
        child = os.fork()
        if child == 0:
            os._exit(7)
        return os.waitpid(child, 0)[1] >> 8

    return waits(wait, told.release)


def sleep():
    # Each wait ends by itself.
    return waits(lambda: time.sleep(0.2), lambda: None)


def lock():
    one = threading.Lock()
    one.acquire()
    return waits(one.acquire, one.release)


def timed_lock():
    one = threading.Lock()
    one.acquire()
    return waits(lambda: one.acquire(timeout=100), one.release)


def condition():
    event = threading.Event()

    def wait():
        event.wait()
        event.clear()

    return waits(wait, event.set)


def accept():
    server = socket.create_server(("127.0.0.1", 0))

    def wait():
        connection, _ = server.accept()
        with connection:
            return connection.recv(100).decode()

    def end():
        with socket.create_connection(server.getsockname()) as client:
            client.sendall(b"hello")

    return waits(wait, end)


def pipe():
    reading, writing = os.pipe()
    return waits(lambda: os.read(reading, 5).decode(), lambda: os.write(writing, b"hello"))


def selecting():
    reading, writing = os.pipe()

    def wait():
        ready, _, _ = select.select([reading], [], [])
        return os.read(ready[0], 5).decode()

    return waits(wait, lambda: os.write(writing, b"hello"))


def polling():
    reading, writing = os.pipe()
    poll = select.epoll()
    poll.register(reading, select.EPOLLIN)

    def wait():
        (ready, _), *_ = poll.poll()
        return os.read(ready, 5).decode()

    return waits(wait, lambda: os.write(writing, b"hello"))


def child():
    children = queue.Queue()

    def wait():
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as one:
            children.put(one)
            return one.wait()

    return waits(wait, lambda: children.get().stdin.close())


def signals():
    # No thread gets one but by waiting for it, however early it comes.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

    def end():
        os.kill(os.getpid(), signal.SIGUSR1)

    return waits(lambda: int(signal.sigwait({signal.SIGUSR1})), end)


def join():
    """Waits for one thread, while others work."""

    def work():
        while True:
            [str(number) for number in range(100)]

    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    stop = threading.Event()

    def stopping():
        stop.wait()
        stop.clear()

    def begin():
        thread = threading.Thread(target=stopping, name="joined")
        thread.start()
        return thread

    joined = [begin()]

    def wait():
        result = joined.pop().join()
        # The next one is there before anybody hears of the end: whoever looks finds one, always.
        joined.append(begin())
        return result

    return waits(wait, stop.set)


def many():
    """Many threads, most of which work now and then."""

    def work():
        while True:
            [str(number) for number in range(1000)]
            time.sleep(0.01)

    for _ in range(64):
        threading.Thread(target=work, daemon=True).start()
    return busy()


def look(_):
    gc.collect()
    return {
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "modules": sorted(sys.modules),
        "path": sys.path,
        "builtins": sorted(vars(builtins)),
        "main": sorted(vars(sys.modules["__main__"])),
        "stdout": repr(sys.stdout),
        "signals": [repr(signal.getsignal(number)) for number in (1, 2, 10, 13, 15, 17)],
        "gc": [gc.isenabled(), gc.get_threshold(), gc.get_debug()],
    }


def hook(event):
    """Refuses what is audited under this name."""

    def refuse(name, _):
        if name == event:
            raise RuntimeError("refused " + name)

    sys.addaudithook(refuse)


work, go = globals()[mode]()
protocol.serve_beside(os.getpid(), {"go": go, "look": look, "hook": hook})
work()
