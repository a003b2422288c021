# What `sys.stdout`, `sys.stderr` and `sys.stdin` are to the code that was typed.


class Unbuffered:
    """`sys.stdout.buffer`."""

    def __init__(self, writer):
        self.writer = writer
        self.closed = False
        self.mode = "wb"

    def write(self, data):
        self.writer.flush()
        data = bytes(data)
        for at in range(0, len(data), 65536):
            self.writer.session.emit(self.writer.kind, data[at : at + 65536])
        return len(data)

    def flush(self):
        self.writer.flush()

    def __getattr__(self, name):
        return getattr(self.writer, name)


class Stream:
    """What text streams have in common that are not files."""

    encoding = "utf-8"
    errors = "backslashreplace"
    newlines = None
    closed = False
    line_buffering = True
    write_through = False

    def fileno(self):
        # As io.StringIO does it.
        raise sys.modules["io"].UnsupportedOperation("fileno")

    def isatty(self):
        return False

    def seekable(self):
        return False

    def close(self):
        pass

    def reconfigure(self, **options):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Writer(Stream):
    """Lines go out at their end, or when the buffer is full or flushed."""

    mode = "w"

    def __init__(self, session, kind, name):
        self.session = session
        self.kind = kind
        self.name = name
        self.parts = []
        self.buffer = Unbuffered(self)

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        if not self.session.is_own_thread():
            self.session.emit(self.kind, text.encode("utf-8", "backslashreplace"))
            return len(text)
        for at in range(0, len(text), 65536):
            self.parts.append(text[at : at + 65536])
            if len(text) > 8192 or len(self.parts) > 64 or "\n" in self.parts[-1]:
                self.flush()
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        if not self.session.is_own_thread():
            return
        text, self.parts = "".join(self.parts), []
        if text:
            self.session.emit(self.kind, text.encode("utf-8", "backslashreplace"))

    def writable(self):
        return True

    def readable(self):
        return False


class Reader(Stream):
    """Each line is asked of the one who is connected."""

    mode = "r"
    name = "<stdin>"

    def __init__(self, session):
        self.session = session
        self.rest = ""

    def readline(self, size=-1):
        line, self.rest = self.rest or self.session.ask_for_line(), ""
        if size is not None and 0 <= size < len(line):
            line, self.rest = line[:size], line[size:]
        return line

    def read(self, size=-1):
        if size is not None and size >= 0:
            return self.readline(size)
        return "".join(self)

    def readlines(self, hint=-1):
        return list(self)

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def writable(self):
        return False

    def readable(self):
        return True
