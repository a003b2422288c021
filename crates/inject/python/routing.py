# While code runs that was typed, `sys.stdout` and the like are these. They tell by the thread, and
# by a context variable that a coroutine takes along to the thread of its loop, whose output it is.
# Everything that is not ours goes to the original.


class Kept:
    """A method of a stream, for who keeps it: it chooses when it is called. IPython replaces `write`
    of `sys.stdout` for each cell by a function that calls what it has kept, and puts that back
    afterwards: so it must never lead to what has replaced it."""

    __slots__ = ("routed", "name", "stream", "method")

    def __init__(self, routed, name):
        self.routed = routed
        self.name = name
        self.stream = routed._chosen()
        self.method = getattr(self.stream, name)

    def of(self, stream):
        return self.method if stream is self.stream else getattr(stream, self.name)

    def __call__(self, *arguments):
        return self.of(self.routed._chosen())(*arguments)


class Routed:
    """Stays right for whoever keeps it: without a router it is the original."""

    def __init__(self, original, ours, router):
        vars(self).update(_original=original, _ours=ours, _router=router)

    def _chosen(self):
        router = vars(self)["_router"]
        if router is not None and router.is_ours():
            return vars(self)["_ours"]
        return vars(self)["_original"]

    # isinstance() asks this, too.
    __class__ = property(lambda self: type(self._chosen()))

    # Whoever keeps these keeps the choice. (The names of this file are gone when it has ended.)
    write = property(lambda self, kept=Kept: kept(self, "write"))
    flush = property(lambda self, kept=Kept: kept(self, "flush"))

    def __getattr__(self, name):
        return getattr(self._chosen(), name)

    def __setattr__(self, name, value, kept=Kept):
        stream = self._chosen()
        if type(value) is kept and value.routed is self:
            value = value.of(stream)
        setattr(stream, name, value)

    def __delattr__(self, name):
        delattr(self._chosen(), name)

    def __iter__(self):
        return iter(self._chosen())

    def __next__(self):
        return next(self._chosen())

    def __enter__(self):
        return self._chosen().__enter__()

    def __exit__(self, *error):
        return self._chosen().__exit__(*error)

    def __repr__(self):
        return repr(self._chosen())

    def __dir__(self):
        return dir(self._chosen())


class Hook:
    """`sys.displayhook`."""

    __slots__ = ("_original", "_ours", "_router")

    def __init__(self, original, ours, router):
        self._original = None if original is MISSING else original
        self._ours = ours
        self._router = router

    def __call__(self, value):
        if self._router is not None and self._router.is_ours():
            self._ours(value)
        elif self._original is not None:
            self._original(value)


def is_over(found):
    """Whether it is the proxy of a session that has ended, which has classes of its own."""
    is_proxy = type(found).__name__ in ("Routed", "Hook") and getattr(found, "_original", None) is not None
    return is_proxy and getattr(found, "_router", found) is None


class Router:
    def __init__(self, session):
        self.session = session
        self.running = False
        # Of `sys`: name -> what is there now, what was there before.
        self.installed = {}
        # Proxies by the names in `sys`, made once for the same original.
        self.proxies = []
        self.variable = None
        self.token = None
        self.nothing = type(sys.implementation)(write=len, flush=int, readline=str)

    def is_ours(self):
        if not self.running:
            return False
        if self.session.is_own_thread():
            return True
        is_foreign = self.variable is not None and self.variable.get(None) is self
        return is_foreign and self.session.takes_foreign()

    def install(self, names):
        contexts = sys.modules.get("_contextvars")
        if contexts is not None and self.variable is None:
            self.variable = contexts.ContextVar("exuvia")
            self.token = self.variable.set(self)
        ours = self.session.ours
        for name in names:
            original = self.original(getattr(sys, name, MISSING))
            proxy = self.proxy(name, original, ours[name])
            self.installed[name] = (proxy, original)
            setattr(sys, name, proxy)
        self.running = True

    def original(self, found):
        """What a proxy of ours stands for that somebody has put back after its time, and that of
        another session: both ran code, and the other has ended first."""
        for _, original, proxy in self.proxies:
            if proxy is found:
                return original
        while is_over(found):
            found = found._original
        return found

    def proxy(self, name, original, ours):
        for known, before, proxy in self.proxies:
            if known == name and before is original:
                return proxy
        if name == "displayhook":
            proxy = Hook(original, ours, self)
        else:
            missing = original is None or original is MISSING
            proxy = Routed(self.nothing if missing else original, ours, self)
        self.proxies.append((name, original, proxy))
        return proxy

    def restore(self):
        """Puts back what was there, where ours still is. Can be done again."""
        self.running = False
        for name in ("stdout", "stderr", "stdin", "displayhook"):
            found = getattr(sys, name, MISSING)
            original = self.original(found)
            if original is not found:
                if original is MISSING:
                    delattr(sys, name)
                else:
                    setattr(sys, name, original)
        self.installed = {}

    def end(self):
        self.restore()
        for _, _, proxy in self.proxies:
            if type(proxy) is Routed:
                vars(proxy)["_router"] = vars(proxy)["_ours"] = None
            else:
                proxy._router = proxy._ours = None
        self.proxies = []
        if self.token is not None:
            try:
                self.variable.reset(self.token)
            except RuntimeError:
                # It was, and an interrupt came before that was on record.
                pass
        self.token = None
        self.variable = None
