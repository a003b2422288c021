# The conversation: requests are read, and each is answered once.
#
# Ctrl-C raises KeyboardInterrupt in this thread from outside, at any moment, also when the code has
# just ended. Every request has a number that its answer repeats, so that an answer which is sent
# again after such an interrupt is known for the same.

class Session:
    def __init__(self, descriptor, in_place, own_file, stash):
        self.channel = Channel(descriptor)
        self.in_place = in_place
        self.own_file = own_file
        self.stash = stash
        self.ident = get_ident()
        self.pid = posix.getpid()
        self.known_before = is_known_thread(self.ident)
        # A signal of the program's should meet a thread of the program's: this one takes none while
        # it waits. What is typed runs with what there was, which its child processes inherit.
        self.mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
        if not in_place and self.mask >= _signal.valid_signals() - UNBLOCKABLE:
            # As all are for as long as the call lasts that got in: this thread was started by it.
            self.mask = set()
        self.mask &= _signal.valid_signals()
        self.quiet = self.mask if in_place else _signal.valid_signals()
        self.turn = Turn()
        self.sources = Sources()
        self.path = SearchPath()
        self.last_error = LastError()
        self.arguments = Arguments([])
        self.scope = scope_of_module("__main__") if "__main__" in sys.modules else Scope({})
        self.router = Router(self)
        self.muted = False
        self.ours = {
            "stdout": Writer(self, b"O", "<stdout>"),
            "stderr": Writer(self, b"E", "<stderr>"),
            "stdin": Reader(self),
            "displayhook": self.display,
        }
        # What coroutines print on the threads of their loops, until this thread sends it.
        self.foreign = []
        self.bell = allocate_lock()
        self.bell.acquire()
        self.awaits = False
        # On which it awaits.
        self.loop = None
        self.greeted = False
        self.over = False
        # Of the request that is being answered.
        self.number = b""
        self.request = None
        self.begun = False
        self.answer = None

    def is_own_thread(self):
        """In a child process that another thread has forked, the ident may be that of a new thread."""
        return get_ident() == self.ident and (posix.getpid() == self.pid or is_conversation())

    def takes_foreign(self):
        """Whether somebody is there to send what other threads print: nobody is in a child process,
        and no thread of the program shall wait until something is awaited again."""
        return posix.getpid() == self.pid and (self.awaits or self.size_of_foreign() < MAX_FOREIGN)

    def size_of_foreign(self):
        return sum([len(waiting) for _, waiting in self.foreign])

    # What streams do.

    def emit(self, kind, data):
        if self.muted or not data:
            return
        if self.is_own_thread():
            for at in range(0, len(data), MAX_PART):
                self.channel.send(kind, data[at : at + MAX_PART])
            return
        pause = allocate_lock()
        pause.acquire()
        while self.awaits and self.size_of_foreign() > MAX_FOREIGN and self.channel.open:
            self.wake()
            pause.acquire(True, 0.001)
        for at in range(0, len(data), MAX_PART):
            self.foreign.append((kind, data[at : at + MAX_PART]))
        self.wake()

    def wake(self):
        if self.bell.locked():
            try:
                self.bell.release()
            except RuntimeError:
                # Somebody else was faster.
                pass

    def emit_foreign(self):
        while self.foreign:
            self.channel.send(*self.foreign.pop(0))

    def display(self, value):
        if value is None:
            return
        text = repr(value)
        self.ours["stdout"].write(text + "\n")
        self.scope.last = value

    def ask_for_line(self):
        """A line with its end; nothing at the end of the input."""
        if not self.is_own_thread():
            return ""
        self.ours["stdout"].flush()
        self.ours["stderr"].flush()
        number = self.number
        self.channel.taken()
        self.channel.send(b"R", number)
        while True:
            frame = self.channel.receive()
            if frame is None or frame[0] != b"L":
                # Nobody is there, or somebody else, who knows nothing of the question.
                return ""
            self.channel.taken()
            fields = frame[1]
            if fields[0] == number:
                if fields[1] == b"interrupt":
                    raise KeyboardInterrupt
                return fields[2].decode("utf-8", "surrogateescape") if fields[1] == b"line" else ""

    # Requests.

    def introduction(self):
        version = "%d.%d.%d" % sys.version_info[:3]
        numbers = [self.ident, get_native_id(), posix.getpid(), id(ALARM)]
        return [version.encode()] + [str(number).encode() for number in numbers]

    def greet(self, _):
        """For somebody who finds a server that has said hello to another."""
        return b"H", self.introduction()

    def serve(self):
        """Until the conversation is over. Python looks for interrupts also where a loop goes round: the
        inner loop does so inside `try`. One that comes just after another ends this even so, and `run`
        calls it again: what is to be done is told by the state, and not by where the interrupt was."""
        while not self.over:
            try:
                if not self.greeted:
                    self.channel.send(b"H", *self.introduction())
                    self.greeted = True
                if self.begun and self.answer is None:
                    self.answer = INTERRUPTED
                while not self.over:
                    self.serve_one()
            except KeyboardInterrupt:
                pass
            except BaseException:
                # The connection is lost, or a signal handler of the program has raised something.
                self.over = True

    def serve_one(self):
        if not self.begun:
            set_mask(self.quiet)
            frame = self.channel.receive()
            if frame is None or frame[0] == b"Q":
                self.over = True
                return
            if frame[0] == b"L":
                # For a question that was interrupted.
                self.channel.taken()
                return
            self.number = frame[1][0]
            self.request = frame
            self.begun = True
        if self.answer is None:
            self.answer = self.perform(self.request[0], self.request[1][1:])
        if posix.getpid() != self.pid:
            # A child process, made by the code that it has come to the end of. The conversation is
            # its parent's, and nothing of the program is for it to go on with.
            for name in ("stdout", "stderr"):
                self.ours[name].flush()
            posix._exit(0)
        self.muted = False
        with self.turn:
            self.router.restore()
            self.arguments.restore()
        self.awaits = False
        self.emit_foreign()
        for name in ("stdout", "stderr"):
            self.ours[name].flush()
        kind, fields = self.answer
        self.channel.send(kind, self.number, *fields)
        if self.channel.incoming[1] is self.request:
            self.channel.taken()
        # An interrupt between these makes the same answer go out once more, and no other.
        self.request = None
        self.answer = None
        self.begun = False

    def perform(self, kind, fields):
        try:
            perform = PERFORM[kind]
            return perform(self, fields)
        except NoSuchPlace as error:
            return b"F", [shortened(str(error))]
        except BaseException as error:
            if self.channel.open:
                return self.describe(error)
            return b"D", [b"raised", b"1", b"", b"", b""]

    def begin(self, fields):
        """Of all requests the first: where names are looked up, what goes before `sys.path`, and a
        line for the program's own stderr."""
        kind, name, number, announcement, *folders = [text(field) for field in fields]
        self.scope = scope_of(kind, name, int(number), self.stash)
        self.path.add(folders)
        if announcement:
            try:
                sys.stderr.write(announcement + "\n")
                sys.stderr.flush()
            except Exception:
                # It was closed; who wanted to know looks elsewhere.
                pass
        return OK

    def borrow(self, _):
        """A folder that the program has no path to: it comes as a descriptor, once asked for."""
        self.channel.taken()
        self.channel.send(b"P", self.number)
        path = "/proc/self/fd/%d" % self.channel.receive_descriptor()
        try:
            posix.stat(path)
        except OSError:
            raise NoSuchPlace("the process has no /proc, through which it could reach a folder of --with-path")
        return b"P", [path.encode()]

    def run_script(self, fields):
        """A whole program, in the namespace of the session or in one of its own."""
        source, name, place, arguments = fields[0], text(fields[1]), fields[2], fields[3:]
        scope = self.scope
        if place == b"fresh":
            scope = Scope(fresh_namespace(name))
        self.arguments = Arguments([text(one) for one in arguments])
        with self.turn:
            if arguments:
                self.arguments.install()
            self.router.install(("stdout", "stderr", "stdin"))
        self.execute(self.sources.script(source, name), scope)
        return OK

    def run_statements(self, fields):
        """What was typed at a prompt; values are displayed."""
        with self.turn:
            self.router.install(("stdout", "stderr", "stdin", "displayhook"))
        self.sources.publish()
        try:
            # Python's message about bytes that are no text is better than that about surrogates.
            for code in self.sources.statements(fields[0].decode(), self.sources.name()):
                self.execute(code, self.scope)
        except (SystemExit, BrokenPipeError):
            raise
        except BaseException as error:
            without_own_frames(error, self.own_file)
            with self.turn:
                self.last_error.set(error)
            raise
        return OK

    def execute(self, code, scope):
        set_mask(self.mask)
        result = scope.run(code)
        if code.co_flags & CO_COROUTINE:
            wait_for(self, result)

    def ask_is_complete(self, fields):
        # A warning is shown when the text is run, and only then.
        self.muted = True
        with self.turn:
            self.router.install(("stderr",))
        return b"C", [b"1" if self.sources.is_complete(text(fields[0])) else b"0"]

    def ask_completions(self, fields):
        self.muted = True
        with self.turn:
            self.router.install(("stdout", "stderr", "stdin"))
        size, names = complete(text(fields[0]), self.scope)
        encoded = [name.encode("utf-8", "replace") for name in names]
        return b"T", [str(size).encode()] + [name for name in encoded if len(name) < 512]

    def describe(self, error):
        """How code ended that did not just end."""
        if isinstance(error, SystemExit):
            return b"D", [b"exit", str(self.exit_status(error.code)).encode(), b"", b"", b""]
        shown = format_exception(error, self.own_file, self.sources)
        return b"D", [b"raised", b"1"] + [shortened(part) for part in (type_name(error), message_of(error), shown)]

    def exit_status(self, code):
        if code is None:
            return 0
        if isinstance(code, int):
            return code & 0xFF
        try:
            self.ours["stderr"].write(str(code) + "\n")
        except Exception:
            # As Python does it: an exit is an exit, whatever its value is.
            pass
        return 1

    def end(self):
        """Puts everything back. Each step can be done again."""
        if not vars(self):
            return
        with self.turn:
            self.router.end()
            self.scope.end()
            self.arguments.restore()
            self.sources.end()
            self.last_error.end()
            self.path.end()
        self.channel.close_descriptors()
        forget_dummy_thread(self.ident, self.known_before)
        set_mask(self.mask)
        # Breaks the cycles with what it has.
        vars(self).clear()


# SIGKILL and SIGSTOP.
UNBLOCKABLE = {9, 19}
# How long one field may be, in bytes: the other end takes no frame of more than a megabyte.
MAX_PART = 262144
# How much of what other threads print may wait, in bytes.
MAX_FOREIGN = 4194304
OK = (b"D", [b"ok", b"0", b"", b"", b""])
INTERRUPTED = (b"D", [b"raised", b"1", b"KeyboardInterrupt", b"", b"KeyboardInterrupt\n"])
CO_COROUTINE = 0x80
PERFORM = {
    b"G": Session.greet,
    b"B": Session.begin,
    b"P": Session.borrow,
    b"X": Session.run_script,
    b"S": Session.run_statements,
    b"C": Session.ask_is_complete,
    b"T": Session.ask_completions,
}


def is_conversation():
    """Whether this thread, or the one that it was forked from, is in a conversation."""
    frame = sys._getframe()
    while frame is not None and frame.f_code is not Session.serve.__code__:
        frame = frame.f_back
    return frame is not None


def shortened(message):
    data = message.encode("utf-8", "backslashreplace")
    if len(data) <= MAX_PART:
        return data
    return data[: MAX_PART // 2] + b"\n[...]\n" + data[-MAX_PART // 2 :]


def text(field):
    return field.decode("utf-8", "surrogateescape")


def fresh_namespace(name):
    return {
        "__name__": "__main__",
        "__file__": name,
        "__builtins__": builtins,
        "__doc__": None,
        "__package__": None,
        "__spec__": None,
        "__loader__": None,
    }
