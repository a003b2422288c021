# What a session changes around the code that it runs, and puts back.


class Arguments:
    """`sys.argv`, for as long as a script runs. Those of several sessions may run at a time and end in any
    order: meanwhile there is a list of them in `sys`, the newest last."""

    NAME = "_exuvia_arguments"

    def __init__(self, values):
        self.values = values
        # What there was, as `current` has it. An entry of the list.
        self.before = [()]

    def install(self):
        self.before[0] = current("argv")
        vars(sys).setdefault(self.NAME, []).append(self.before)
        sys.argv = self.values

    def restore(self):
        """Also where the script has replaced it. Can be done again."""
        running = vars(sys).get(self.NAME, [])
        for at, entry in enumerate(running):
            if entry is self.before:
                if entry is running[-1]:
                    put("argv", entry[0])
                else:
                    running[at + 1][0] = entry[0]
                del running[at]
                break
        if not running:
            vars(sys).pop(self.NAME, None)


class SearchPath:
    """Folders in front of `sys.path`, for as long as the session lasts."""

    def __init__(self):
        self.added = []
        self.known = set()

    def add(self, folders):
        self.known = set(sys.path_importer_cache)
        self.added = list(folders)
        sys.path[:0] = self.added

    def end(self):
        for folder in self.added:
            # The very same string, as the program may have added the folder, too.
            same = [at for at, one in enumerate(sys.path) if one is folder]
            for at in same[:1]:
                del sys.path[at]
            for name in list(sys.path_importer_cache):
                below = isinstance(name, str) and (name == folder or name.startswith(folder + "/"))
                if below and name not in self.known and name not in sys.path:
                    sys.path_importer_cache.pop(name, None)
        self.added = []


class LastError:
    """`sys.last_value` and the like, which `pdb.pm()` wants."""

    NAMES = ("last_type", "last_value", "last_traceback", "last_exc")

    def __init__(self):
        self.before = None
        self.own = {}

    def set(self, error):
        if self.before is None:
            # That of another session, which may end before this one, is not to be put back.
            hides = not was_typed(getattr(sys, "last_value", None))
            self.before = {name: getattr(sys, name, MISSING) if hides else MISSING for name in self.NAMES}
        values = (type(error), error, error.__traceback__, error)
        names = self.NAMES if sys.version_info >= (3, 12) else self.NAMES[:3]
        self.own = dict(zip(names, values))
        for name, value in self.own.items():
            setattr(sys, name, value)

    def end(self):
        for name, value in self.own.items():
            if getattr(sys, name, None) is not value:
                continue
            if self.before[name] is MISSING:
                delattr(sys, name)
            else:
                setattr(sys, name, self.before[name])
        self.before, self.own = None, {}


def was_typed(error):
    """Whether an exception comes from code that a session has run at its prompt."""
    if not isinstance(error, BaseException):
        return False
    entry = error.__traceback__
    file = getattr(error, "filename", None) if entry is None else entry.tb_frame.f_code.co_filename
    return isinstance(file, str) and file.startswith(NAME_OF_TYPED)


def forget_dummy_thread(ident, known_before):
    """`threading` makes up a thread for one that it has not started, when somebody asks for the
    current thread, and keeps it."""
    threading = sys.modules.get("threading")
    active = getattr(threading, "_active", {})
    if not known_before and type(active.get(ident)).__name__ == "_DummyThread":
        active.pop(ident, None)


def is_known_thread(ident):
    return ident in getattr(sys.modules.get("threading"), "_active", {})
