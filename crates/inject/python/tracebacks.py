# What is shown of an exception. Where the `traceback` module is loaded, it does that; a program
# that has never loaded it, nor what it needs, is not made to.

LONGEST = 262144
# What `traceback` imports at its first use (3.13, 3.15). It keeps them by itself.
LOADED_LATE = ("_colorize", "_suggestions")


def format_exception(error, own_file, sources):
    """The text, without frames of ours."""
    try:
        lines = lines_of(error, own_file, sources)
        text = "".join(lines)
    except Exception as second:
        text = "%s (it can't be shown: %s)\n" % (type_name(error), type_name(second))
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + "\n[...]\n" + text[-LONGEST // 2 :]
    return text


def lines_of(error, own_file, sources):
    without_own_frames(error, own_file)
    module = sys.modules.get("traceback")
    if hasattr(module, "TracebackException"):
        sources.publish()
        loaded = [name for name in LOADED_LATE if name in sys.modules]
        try:
            return list(module.format_exception(type(error), error, error.__traceback__))
        except Exception:
            # An exception whose class is wrong can break it; what follows asks for less.
            pass
        finally:
            for name in LOADED_LATE:
                if name not in loaded:
                    sys.modules.pop(name, None)
    return plain_lines(error, sources, [])


def without_own_frames(error, own_file):
    entry = error.__traceback__ = past_own_frames(error.__traceback__, own_file)
    while entry is not None:
        # Between what was typed and what it calls there are the streams and the display of values.
        following = past_own_frames(entry.tb_next, own_file)
        if following is not entry.tb_next:
            entry.tb_next = following
        entry = following


def past_own_frames(entry, own_file):
    while entry is not None and entry.tb_frame.f_code.co_filename == own_file:
        entry = entry.tb_next
    return entry


def joined(lines, join):
    """With what comes before the next one, unless there is nothing: causes may go round."""
    return lines + [join] if lines else lines


def plain_lines(error, sources, seen):
    lines = []
    if id(error) in seen or len(seen) > 100:
        return lines
    seen.append(id(error))
    cause, context = error.__cause__, error.__context__
    if cause is not None:
        join = "\nThe above exception was the direct cause of the following exception:\n\n"
        lines += joined(plain_lines(cause, sources, seen), join)
    elif context is not None and not error.__suppress_context__:
        join = "\nDuring handling of the above exception, another exception occurred:\n\n"
        lines += joined(plain_lines(context, sources, seen), join)
    if error.__traceback__ is not None:
        lines.append("Traceback (most recent call last):\n")
        lines += plain_stack(error.__traceback__, sources)
    if isinstance(error, SyntaxError):
        lines += syntax_error_lines(error, sources)
    else:
        message = message_of(error)
        lines.append(type_name(error) + (": " + message if message else "") + "\n")
    for note in getattr(error, "__notes__", None) or ():
        lines.append(str(note) + "\n")
    for number, one in enumerate(getattr(error, "exceptions", ())):
        if isinstance(one, BaseException):
            lines.append("--- %d of the group ---\n" % (number + 1))
            lines += plain_lines(one, sources, seen)
    return lines


def plain_stack(entry, sources):
    lines, last, repeated = [], None, 0
    while entry is not None:
        code = entry.tb_frame.f_code
        place = (code.co_filename, entry.tb_lineno, code.co_name)
        repeated = repeated + 1 if place == last else 1
        last = place
        if repeated <= 3:
            if len(lines) < 2000:
                lines.append('  File "%s", line %s, in %s\n' % place)
                source = source_line(place[0], place[1], sources).strip()
                if source:
                    lines.append("    %s\n" % source)
        entry = entry.tb_next
        following = entry and (entry.tb_frame.f_code.co_filename, entry.tb_lineno, entry.tb_frame.f_code.co_name)
        if repeated > 3 and following != place:
            lines.append("  [Previous line repeated %d more times]\n" % (repeated - 3))
    return lines


def source_line(name, number, sources):
    text = sources.texts.get(name)
    if text is None:
        text = read_text(name)
    lines = text.splitlines()
    return lines[number - 1] if number and 0 < number <= len(lines) else ""


def read_text(name):
    try:
        file = posix.open(name, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    except (OSError, ValueError):
        return ""
    try:
        parts = []
        while sum(map(len, parts)) < 4194304:
            parts.append(posix.read(file, 262144))
            if not parts[-1]:
                break
        return b"".join(parts).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        posix.close(file)


def syntax_error_lines(error, sources):
    lines = []
    if error.lineno is not None:
        lines.append('  File "%s", line %s\n' % (error.filename or "<string>", error.lineno))
        text = error.text or source_line(error.filename or "", error.lineno, sources)
        if text:
            shown = text.rstrip("\n").lstrip(" \t\f")
            lines.append("    %s\n" % shown)
            if error.offset is not None:
                at = max(0, error.offset - 1 - (len(text.rstrip("\n")) - len(shown)))
                lines.append("    %s^\n" % "".join(c if c.isspace() else " " for c in shown[:at].ljust(at)))
    lines.append("%s: %s\n" % (type_name(error), error.msg or "<no detail available>"))
    return lines


def type_name(error):
    kind = type(error)
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else "%s.%s" % (module, kind.__qualname__)


def message_of(error):
    try:
        return str(error)[:LONGEST]
    except BaseException as second:
        return "<its __str__ raised %s>" % type_name(second)
