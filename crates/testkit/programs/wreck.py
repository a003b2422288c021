# What somebody might do in a copy of `injected.py server`, to be typed at a prompt: no function has
# an empty line. Each tries all that it can, says how often something was let through, and ends with
# "wrecked".
import ctypes, fcntl, gc, io, mmap, os, select, signal, socket, subprocess, sys, threading

def attempt(action, *arguments):
    try:
        action(*arguments)
        return 1
    except Exception:
        return 0

def of_kind(kind):
    return [one for one in gc.get_objects() if isinstance(one, kind)]

# Every socket and file that there is as an object. The session's own end is none. Readers of
# connections and of stdin are left out: threads that are not in the copy have locked them for good.
def objects():
    done = 0
    for one in of_kind(socket.socket):
        done += attempt(one.setblocking, False)
        done += attempt(one.send, b"HTTP/1.1 500 wrecked\r\n\r\n")
        done += attempt(one.sendmsg, [b"wrecked"])
        done += attempt(one.recv, 4096)
        done += attempt(one.setsockopt, socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        done += attempt(one.shutdown, socket.SHUT_RDWR)
        done += attempt(one.close)
    for one in of_kind(io.IOBase):
        if one.closed or one in (sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__):
            continue
        if isinstance(one, io.BufferedReader) and (isinstance(one.raw, socket.SocketIO) or one.raw.fileno() == 0):
            continue
        done += attempt(one.seek, 0)
        done += attempt(one.write, "wrecked" if isinstance(one, io.TextIOBase) else b"wrecked")
        done += attempt(one.truncate, 0)
        done += attempt(one.flush)
        done += attempt(one.close)
    print("let through:", done, "wrecked")

# The heap: everything that the program keeps.
def heap():
    done = 0
    for one in of_kind((list, dict, set)):
        if type(one) is list and one and type(one[0]).__name__ == "Node":
            done += attempt(one.clear)
    main = sys.modules["__main__"]
    for name in ("RECENT", "CONNECTIONS"):
        done += attempt(getattr(main, name).clear)
    main.answered = -1
    main.Handler.do_GET = main.Node.__init__ = None
    main.COMMANDS.clear()
    for name in ("Handler", "Server", "COUNTING", "protocol"):
        done += attempt(delattr, main, name)
    gc.set_threshold(1)
    gc.collect()
    gc.freeze()
    threading.Thread.join = threading.Lock = None
    print("let through:", done, "wrecked")

# Descriptors by their numbers, the session's own among them: it may end here.
def descriptors():
    for one in range(256):
        attempt(fcntl.flock, one, fcntl.LOCK_UN)
        attempt(fcntl.fcntl, one, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
        attempt(os.lseek, one, 0, 0)
        attempt(os.ftruncate, one, 0)
        attempt(os.fchmod, one, 0)
        attempt(os.write, one, b"wrecked")
        attempt(os.pwrite, one, b"wrecked", 0)
        attempt(os.copy_file_range if hasattr(os, "copy_file_range") else os.sendfile, one, one, 10)
    watched = select.poll()
    for one in range(256):
        watched.register(one, select.POLLIN)
    for one, event in watched.poll(0):
        if event & select.POLLIN:
            attempt(os.read, one, 4096)
    os.closerange(0, 256)
    print("wrecked")

# Other processes, the file system, and memory that is shared.
def others():
    done = 0
    for process in (os.getppid(), sys.modules["__main__"].belongings.child):
        done += attempt(os.kill, process, signal.SIGTERM)
    done += attempt(ctypes.CDLL(None).prctl, 1, 9)
    done += attempt(os.fork)
    done += attempt(subprocess.call, ["true"])
    for path in sys.modules["__main__"].belongings.paths:
        done += attempt(os.truncate, path, 0)
        done += attempt(os.rename, path, path + ".wrecked")
        done += attempt(os.unlink, path)
        done += attempt(open, path, "w")
    done += attempt(socket.create_connection, ("127.0.0.1", 9), 1)
    print("let through:", done, "wrecked", flush=True)
    # This ends the copy, where shared memory may not be written.
    sys.modules["__main__"].belongings.mapped[:4] = b"torn"
    sys.modules["__main__"].belongings.shared[:4] = b"torn"

