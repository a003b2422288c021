# Frames on the descriptor: one byte of kind, four of length (little-endian), then the fields, each
# with four bytes of length before it. `protocol.rs` is the other end.
#
# An interrupt may come between any two instructions, also when half a frame is written. So what was
# written and read is always on record: `list.extend(map(...))` calls and stores without a gap in
# which Python looks for interrupts, and the states are replaced by single assignments.


def pack(kind, fields):
    body = b"".join([len(field).to_bytes(4, "little") + field for field in fields])
    return kind + len(body).to_bytes(4, "little") + body


def unpack(body):
    fields, at = [], 0
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "little")
        fields.append(body[at + 4 : at + 4 + size])
        at += 4 + size
    return fields


def forget_broken_pipe():
    """Takes the SIGPIPE that waits because this thread blocks it, or did when the other end closed: a
    thread that is called blocks all signals, and would have it when they are let in again."""
    while 13 in _signal.sigpending():
        _signal.sigtimedwait((13,), 0)


def set_mask(mask):
    """The signals that this thread blocks, without a SIGPIPE of ours when they are fewer."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, (13,))
    forget_broken_pipe()
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


class Channel:
    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.open = True
        # A frame, and the sizes of those of its parts that were written.
        self.outgoing = (b"", [])
        # What was read and is no frame yet, and the frame that nobody has taken yet.
        self.incoming = ([], None)
        # What came with descriptors, and what became of closing each.
        self.lent = []
        self.closed = []

    def send(self, kind, *fields):
        self.finish()
        self.outgoing = (pack(kind, fields), [])
        self.finish()

    def finish(self):
        data, sizes = self.outgoing
        while sum(sizes) < len(data):
            if not self.open:
                self.outgoing = (b"", [])
                raise BrokenPipeError(32, "the connection to exuvia was lost")
            self.write(data[sum(sizes) :], sizes)
        self.outgoing = (b"", [])

    def write(self, data, sizes):
        # Python ignores SIGPIPE, but a program that embeds it may not, and would end.
        block = _signal.pthread_sigmask
        before = block(_signal.SIG_BLOCK, (13,))
        try:
            sizes.extend(map(posix.write, (self.descriptor,), (data,)))
        except OSError:
            self.open = False
        finally:
            # Before anything that unblocks it. Where an interrupt skips this, `set_mask` does it.
            forget_broken_pipe()
            if 13 not in before:
                block(_signal.SIG_UNBLOCK, (13,))

    def receive(self):
        """The frame that waits: its kind and its fields. None at the end of the connection."""
        while True:
            parts, frame = self.incoming
            if frame is not None:
                return frame
            data = b"".join(parts)
            end = 5 + int.from_bytes(data[1:5], "little")
            if len(data) >= 5 and len(data) >= end:
                rest = data[end:]
                frame = (data[:1], unpack(data[5:end]))
                self.incoming = ([rest] if rest else [], frame)
            elif not self.read(parts, max(65536, end - len(data))):
                return None

    def read(self, parts, size):
        if not self.open:
            return False
        try:
            parts.extend(map(posix.read, (self.descriptor,), (min(size, 1048576),)))
        except OSError:
            self.open = False
        if parts and not parts[-1]:
            self.open = False
        return self.open

    def receive_descriptor(self):
        """The descriptor that comes with the next byte; closed at the end of the session."""
        known = "_socket" in sys.modules
        import _socket

        if not known:
            sys.modules.pop("_socket", None)
        socket = _socket.socket(fileno=self.descriptor)
        try:
            if _socket.getdefaulttimeout() is not None:
                posix.set_blocking(self.descriptor, True)
            self.lent.extend(map(socket.recvmsg, (1,), (_socket.CMSG_SPACE(4),), (_socket.MSG_CMSG_CLOEXEC,)))
        finally:
            socket.detach()
        return self.numbers()[-1]

    def numbers(self):
        return [int.from_bytes(data[:4], sys.byteorder) for message in self.lent for _, _, data in message[1]]

    def close_descriptors(self):
        for number in self.numbers()[len(self.closed) :]:
            try:
                self.closed.extend(map(posix.close, (number,)))
            except OSError:
                # The code that was typed has closed it.
                self.closed.append(None)

    def taken(self):
        """The frame that `receive` gave is done with."""
        self.incoming = (self.incoming[0], None)
