# While code runs that was typed, `sys.stdout` and the like are these. They tell by the thread, and
# by a context variable that a coroutine takes along to the thread of its loop, whose output it is.
# Everything that is not ours goes to the original.


def is_ours(ours, router):
    """What a thread of the program asks may end at any moment, and all its names with it. (This function
    is kept by who asks.)"""
    try:
        return ours is not None and router is not None and router.is_ours()
    except (AttributeError, NameError, TypeError):
        return False


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

    def __init__(self, before, original, ours, router):
        vars(self).update(_before=before, _original=original, _ours=ours, _router=router)

    def _chosen(self, is_ours=is_ours):
        ours, router = vars(self)["_ours"], vars(self)["_router"]
        return ours if is_ours(ours, router) else vars(self)["_original"]

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

    __slots__ = ("_before", "_ours", "_router")

    def __init__(self, before, ours, router):
        self._before = before
        self._ours = ours
        self._router = router

    def __call__(self, value, is_ours=is_ours):
        ours, router = self._ours, self._router
        if is_ours(ours, router):
            ours(value)
        else:
            for hook in self._before:
                hook(value)


def is_over(found):
    """Whether it is the proxy of a session that has ended, which has classes of its own."""
    is_proxy = type(found).__name__ in ("Routed", "Hook") and type(getattr(found, "_before", None)) is tuple
    return is_proxy and getattr(found, "_router", found) is None


class Router:
    def __init__(self, session):
        self.session = session
        self.running = False
        # By the names in `sys`, made once for the same original.
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
        for name in names:
            setattr(sys, name, self.proxy(name, self.standing_for(current(name))))
        self.running = True

    def standing_for(self, found):
        """What proxies stand for of this session and of those that have ended, as `_before` has it: what
        there was, or nothing."""
        while found and (self.is_mine(found[0]) or is_over(found[0])):
            found = found[0]._before
        return found

    def is_mine(self, found):
        return any([proxy is found for _, proxy in self.proxies])

    def proxy(self, name, before):
        for known, proxy in self.proxies:
            if known == name and is_same(proxy._before, before):
                return proxy
        ours = self.session.ours[name]
        if name == "displayhook":
            proxy = Hook(before, ours, self)
        else:
            missing = not before or before[0] is None
            proxy = Routed(before, self.nothing if missing else before[0], ours, self)
        self.proxies.append((name, proxy))
        return proxy

    def restore(self):
        """Puts back what was there, where ours still is. Can be done again."""
        self.running = False
        for name in ("stdout", "stderr", "stdin", "displayhook"):
            found = current(name)
            before = self.standing_for(found)
            if not is_same(found, before):
                put(name, before)

    def end(self):
        """Where another session has put its own over ours, it finds out that this one is over."""
        self.running = False
        for _, proxy in self.proxies:
            if type(proxy) is Routed:
                vars(proxy)["_router"] = vars(proxy)["_ours"] = None
            else:
                proxy._router = proxy._ours = None
        self.restore()
        self.proxies = []
        if self.token is not None:
            try:
                self.variable.reset(self.token)
            except RuntimeError:
                # It was, and an interrupt came before that was on record.
                pass
        self.token = None
        self.variable = None
