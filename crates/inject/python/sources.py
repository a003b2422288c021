# From text to code.

# PyCF_DONT_IMPLY_DEDENT, PyCF_ONLY_AST, PyCF_ALLOW_TOP_LEVEL_AWAIT, PyCF_ALLOW_INCOMPLETE_INPUT
# (3.11), and the bits that `from __future__ import` sets, all in Include/cpython/compile.h.
NO_DEDENT, ONLY_TREE, TOP_LEVEL_AWAIT, INCOMPLETE = 0x200, 0x400, 0x2000, 0x4000
FUTURES = 0x1FE0000
# How the names of files begin that stand for what was typed.
NAME_OF_TYPED = "<exuvia-"


class Sources:
    """What was typed, for as long as tracebacks and the debugger may want to show it."""

    KEPT = 200

    def __init__(self):
        # `from __future__ import` holds for everything that is typed after it.
        self.flags = TOP_LEVEL_AWAIT
        self.texts = {}
        # In `linecache.cache`: name -> the entry before, and ours.
        self.hidden = {}
        self.count = 0

    def name(self):
        self.count += 1
        return "%s%d>" % (NAME_OF_TYPED, self.count)

    def keep(self, name, text):
        self.texts[name] = text
        while len(self.texts) > self.KEPT:
            self.drop(next(iter(self.texts)))
        self.publish()

    def publish(self):
        """Lets the modules that show source lines know of them."""
        cache = getattr(sys.modules.get("linecache"), "cache", None)
        if type(cache) is not dict:
            return
        for name, text in self.texts.items():
            if name not in self.hidden:
                before = cache.get(name, MISSING)
                if type(before) is tuple and len(before) == 4 and before[1] is None:
                    # Of no file: what another session has typed, which may end before this one.
                    before = MISSING
                entry = (len(text), None, text.splitlines(True), name)
                self.hidden[name] = (before, entry)
                cache[name] = entry

    def drop(self, name):
        """Can be done again: what is to be put back is forgotten last."""
        cache = getattr(sys.modules.get("linecache"), "cache", None)
        before, entry = self.hidden.get(name, (None, None))
        if entry is not None and type(cache) is dict and cache.get(name) is entry:
            if before is MISSING:
                cache.pop(name, None)
            else:
                cache[name] = before
        self.hidden.pop(name, None)
        self.texts.pop(name, None)

    def end(self):
        for name in list(self.texts):
            self.drop(name)

    def script(self, source, name):
        """The code of a whole program; its bytes are decoded as Python does it."""
        self.keep(name, source.decode("utf-8", "replace"))
        return self.remember(compile(source, name, "exec", self.flags, True))

    def statements(self, text, name):
        """The code of each statement, as typed at a prompt: values are displayed."""
        self.keep(name, text)
        text += "\n"
        loaded = "_ast" in sys.modules
        module = compile(text, name, "exec", self.flags | ONLY_TREE, True)
        statement = compile("0", name, "single", ONLY_TREE, True)
        if not loaded:
            sys.modules.pop("_ast", None)
        for node in module.body:
            statement.body = [node]
            yield self.remember(compile(statement, name, "single", self.flags, True))

    def remember(self, code):
        self.flags |= code.co_flags & FUTURES
        return code

    def is_complete(self, text):
        """Whether a prompt should run the text, which also shows what is wrong with it; else it
        should ask for more. The rules are those of the standard library's `codeop`."""
        if not any(line.strip() and line.strip()[0] != "#" for line in text.split("\n")):
            return True
        flags = self.flags | NO_DEDENT
        newer = sys.version_info >= (3, 11)
        if newer:
            flags |= INCOMPLETE
        if self.error(text, flags) is None:
            return True
        if newer:
            error = self.error(text + "\n", flags)
            return error is not None and "incomplete input" not in str(error)
        # More lines would change nothing about a real mistake.
        one, two = self.error(text + "\n", flags), self.error(text + "\n\n", flags)
        return repr(one) == repr(two) and one is not None

    def error(self, text, flags):
        try:
            compile(text, "<input>", "single", flags, True)
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            return error.with_traceback(None)
