# What could follow the text before the cursor. Nothing is evaluated that could be a method of the
# program: attributes are looked up without calling properties and `__getattr__`.

MOST_NAMES = 1000
KEYWORDS = (
    "False None True and as assert async await break class continue def del elif else except finally for from"
    " global if import in is lambda nonlocal not or pass raise return try while with yield"
).split()


def complete(text, scope):
    """How many characters of the text the names replace, and the names."""
    line = text.rpartition("\n")[2]
    words = line.split()
    dotted = trailing_name(line)
    if words and words[0] in ("import", "from") and ";" not in line:
        names = importable(line, words, dotted)
        if names is not None:
            return len(dotted.rpartition(".")[2]), chosen(names, dotted.rpartition(".")[2])
    owner, dot, prefix = dotted.rpartition(".")
    if not dot:
        if not prefix or not prefix.isidentifier():
            return 0, []
        known = set(KEYWORDS).union(scope.locals, scope.globals, vars(builtins))
        return len(prefix), chosen(known, prefix)
    value = resolve(owner, scope)
    return (0, []) if value is MISSING else (len(prefix), chosen(attributes(value), prefix))


def trailing_name(line):
    """The identifiers and dots at the end of a line; nothing after `)` or `]`, where only running
    it could tell what it is."""
    at = len(line)
    while at > 0 and (line[at - 1] in "._" or line[at - 1].isalnum()):
        at -= 1
    name = line[at:]
    if at > 0 and line[at - 1] in ")]}\"'" or name[:1].isdigit() or name.startswith("."):
        return ""
    return name


def chosen(names, prefix):
    names = [name for name in names if isinstance(name, str) and name.startswith(prefix) and name.isidentifier()]
    if not prefix:
        names = [name for name in names if not name.startswith("_")]
    elif not prefix.startswith("__"):
        names = [name for name in names if not name.startswith("__")]
    return sorted(set(names))[:MOST_NAMES]


def resolve(dotted, scope):
    first, *rest = dotted.split(".")
    value = scope.lookup(first)
    for name in rest:
        if value is MISSING:
            break
        value = static_attribute(value, name)
    return value


def static_attribute(value, name):
    """An attribute, if it is found without running code of the program."""
    kind = type(value)
    on_type = in_classes(kind, name)
    if on_type is not MISSING and hasattr(type(on_type), "__set__") and not is_c_slot(on_type):
        return MISSING
    if issubclass(kind, type):
        found = in_classes(value, name)
        if found is not MISSING:
            return unwrapped(found, value)
    names = own_names(value)
    if name in names:
        return names[name]
    if on_type is MISSING:
        return MISSING
    if is_c_slot(on_type):
        try:
            return on_type.__get__(value, kind)
        except Exception:
            return MISSING
    return unwrapped(on_type, value)


def in_classes(kind, name):
    for one in type.__dict__["__mro__"].__get__(kind):
        names = type.__dict__["__dict__"].__get__(one)
        if name in names:
            return names[name]
    return MISSING


def own_names(value):
    slot = in_classes(type(value), "__dict__")
    if not is_c_slot(slot):
        return {}
    try:
        names = slot.__get__(value)
    except Exception:
        return {}
    return names if isinstance(names, dict) else {}


def is_c_slot(value):
    # `__slots__`, fields of C structs, and getters in C.
    return type(value) in (type(vars(type(len))["__self__"]), type(vars(Missing)["place"]))


def unwrapped(value, owner):
    if isinstance(value, (staticmethod, classmethod)):
        return value.__func__
    if hasattr(type(value), "__get__") and not callable(value):
        return MISSING
    return value


def attributes(value):
    """As `dir` without the program's `__dir__` and `__class__`: those of Django's lazy objects do
    what they have put off, such as to ask the database."""
    kind = type(value)
    names = set(own_names(value))
    for one in type.__dict__["__mro__"].__get__(value if issubclass(kind, type) else kind):
        names.update(type.__dict__["__dict__"].__get__(one))
    return names


def importable(line, words, dotted):
    """Names of modules, or what can be imported from one; None when the line is past that."""
    if words[0] == "import" or "import" not in words[1:]:
        if len(words) > 2 and words[0] == "from":
            return ["import"]
        if words[-1] in ("as", "import") and len(words) > 1:
            return None
        return modules_in(dotted.rpartition(".")[0])
    owner = words[1]
    module = sys.modules.get(owner)
    names = [] if module is None else attributes(module)
    return list(names) + modules_in(owner)


def modules_in(package):
    start = package + "." if package else ""
    found = {name[len(start) :].partition(".")[0] for name in list(sys.modules) if name.startswith(start)}
    places = sys.path
    if package:
        places = getattr(sys.modules.get(package), "__path__", ())
    else:
        found.update(sys.builtin_module_names)
    try:
        places = list(places)[:100]
    except Exception:
        places = []
    for place in places:
        found.update(modules_of_folder(place))
    return list(found)


def modules_of_folder(folder):
    try:
        entries = posix.listdir(folder or ".")
    except (OSError, TypeError, ValueError):
        return []
    names = []
    for entry in entries[:20000]:
        name, _, suffix = entry.partition(".")
        if not suffix or suffix == "py" or suffix.endswith("so"):
            names.append(name)
    return names
