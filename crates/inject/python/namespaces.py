# Where names are looked up and kept: `__main__`'s, another module's, or a frame's.


class NoSuchPlace(Exception):
    """There is no such module, thread or frame; what the user reads."""


class Scope:
    """The `globals` and `locals` of what is typed."""

    def __init__(self, namespace, local=None):
        self.globals = namespace
        self.locals = namespace if local is None else local
        # What `_` is: the last value that was displayed. No name of the target.
        self.last = MISSING
        # Into modules in C, which have none: what runs code puts them there.
        self.put_builtins = False

    def end(self):
        if self.put_builtins:
            self.globals.pop("__builtins__", None)

    def lookup(self, name):
        for names in (self.locals, self.globals, vars(builtins)):
            try:
                return names[name]
            except KeyError:
                pass
        return self.last if name == "_" else MISSING

    def run(self, code):
        """Runs a code object, and gives what it returns: a coroutine when it awaits."""
        namespace, local = self.globals, self.locals
        # The program's own, and not those of the server. Another session may have taken them away.
        if "__builtins__" not in namespace:
            self.put_builtins = True
            namespace["__builtins__"] = builtins
        inner = names_of_functions(code)
        if "_" in inner or "_" in code.co_names:
            if self.last is not MISSING and "_" not in namespace:
                local = WithLast(local, self)
        if local is not namespace:
            # A comprehension or lambda sees globals only, as everywhere in Python. Those that a
            # prompt in a frame would seem to have are copied for this once.
            hidden = [name for name in inner if name not in namespace]
            found = {name: self.lookup(name) for name in hidden if name not in vars(builtins) or name == "_"}
            found = {name: value for name, value in found.items() if value is not MISSING}
            shadowed = {name: self.locals[name] for name in inner if name in self.locals}
            if local is not self.locals and self.locals is namespace:
                shadowed = {}
            if found or shadowed:
                namespace = dict(namespace, **found)
                namespace.update(shadowed)
        return eval(code, namespace, local)


class WithLast:
    """A namespace in which `_` is the last value until it is assigned to."""

    def __init__(self, names, scope):
        self.names = names
        self.scope = scope

    def __getitem__(self, name):
        try:
            return self.names[name]
        except KeyError:
            if name == "_":
                return self.scope.last
            raise

    def __setitem__(self, name, value):
        self.names[name] = value

    def __delitem__(self, name):
        del self.names[name]

    def __contains__(self, name):
        return name in self.names

    def __iter__(self):
        return iter(self.names)

    def __len__(self):
        return len(self.names)

    def get(self, name, default=None):
        return self.names.get(name, default)

    def keys(self):
        return self.names.keys()

    def values(self):
        return self.names.values()

    def items(self):
        return self.names.items()


def names_of_functions(code):
    """The names that functions, lambdas and comprehensions in the code may look up."""
    names, nested = set(), [code]
    while nested:
        for constant in nested.pop().co_consts:
            if isinstance(constant, type(code)):
                names.update(constant.co_names)
                nested.append(constant)
    return names


def scope_of(kind, name, number, stash):
    if kind == "module":
        return scope_of_module(name)
    return scope_of_frame(name, number, stash)


def scope_of_module(name):
    module = sys.modules.get(name)
    if module is None:
        raise NoSuchPlace("the module %r is not loaded in the process" % name)
    return Scope(vars(module))


def scope_of_frame(thread, number, stash):
    idents = idents_of(thread, stash)
    if not idents:
        raise NoSuchPlace("no thread has the name or number %r; there are %s" % (thread, known_threads(stash)))
    if len(idents) > 1:
        raise NoSuchPlace("several threads are called %r; their idents are %s" % (thread, idents))
    ident = idents[0]
    stack = stash["frames"][ident] if stash else stack_of(sys._current_frames().get(ident))
    if number >= len(stack):
        raise NoSuchPlace("the thread %r has %d frames, and no number %d" % (thread, len(stack), number))
    _, _, namespace, local = stack[number]
    return Scope(namespace, local)


def stack_of(frame):
    """Code, line, globals and locals of each frame, the innermost first."""
    stack = []
    while frame is not None and len(stack) < 10000:
        stack.append((frame.f_code, frame.f_lineno, frame.f_globals, locals_of(frame)))
        frame = frame.f_back
    return stack


def locals_of(frame):
    found = frame.f_locals
    if found is frame.f_globals or type(found) is not dict:
        # A module's, or what writes through to the variables (PEP 667).
        return found
    # Up to 3.12 it is a copy that the frame makes anew when anybody asks for it.
    return dict(found)


def idents_of(wanted, stash):
    threads = known(stash)
    if wanted.isdigit():
        number = int(wanted)
        found = [ident for ident, (_, native) in threads.items() if number in (ident, native)]
    else:
        found = [ident for ident, (name, _) in threads.items() if name == wanted]
    return found


def known(stash):
    """ident -> name and native id of each thread that has a frame."""
    if stash:
        return {ident: stash["threads"].get(ident, (None, None)) for ident in stash["frames"]}
    return {ident: known_to_threading().get(ident, (None, None)) for ident in sys._current_frames()}


def known_to_threading():
    active = getattr(sys.modules.get("threading"), "_active", {})
    return {ident: (thread.name, getattr(thread, "native_id", None)) for ident, thread in list(active.items())}


def known_threads(stash):
    return ", ".join([repr(name or ident) for ident, (name, _) in known(stash).items()][:100])
