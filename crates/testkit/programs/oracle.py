"""A process with one of nearly everything, which reports of itself.

`report PATH` forks. The child is a copy with the same addresses; it writes what the
interpreter itself says of every object, and what it creates meanwhile never exists in the
parent, which waits in one system call and is the process to dump. The fork is libc's own,
without Python's hooks, because those throw away the states of other threads.

A folder as argument has packages: objects of their types are made as well.

PATH gets the objects as 64-bit words: for each its address, the address of its type,
`sys.getsizeof`, flags (1: tracked, 2: the referents are all there are, 4: a class), the index
of its kind, the number of its referents, and their addresses. PATH.json has the types and the
kinds.

Nothing that existed before the fork may change in the child: no cache that is kept in a default
argument, no new global.
"""

import array
import builtins
import ctypes
import datetime
import gc
import json
import os
import signal
import sys
import traceback
import types

import protocol

HAVE_GC = 1 << 14
HEAP_TYPE = 1 << 9
TRACKED = 1
EXACT = 2
CLASS = 4
UNKNOWN_SIZE = 2**64 - 1
REPORTING_SECONDS = 120

fork = ctypes.PyDLL(None).fork

# Of `PyTypeObject`, behind the head of an object that has a length.
TP_TRAVERSE = 160
TP_IS_GC = 304

# `inquiry`, `visitproc` and `traverseproc`.
Inquiry = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object)
Visit = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
Traverse = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, Visit, ctypes.c_void_p)

# What a `tp_traverse` has visited; empty but for the moment.
visited = []


@Visit
def visit(address, _):
    visited.append(address)
    return 0


# The interpreter's own view of a class, whatever the class or its metaclass overrides.
flags_of = type.__dict__["__flags__"].__get__
own_dict_of = type.__dict__["__dict__"].__get__
own_mro_of = type.__dict__["__mro__"].__get__
name_of = type.__dict__["__name__"].__get__
qualname_of = type.__dict__["__qualname__"].__get__
module_of = type.__dict__["__module__"].__get__


def dict_of(cls):
    # A static type that nobody asked for anything so far has none, up to 3.11.
    return own_dict_of(cls) or {}


def mro_of(cls):
    return own_mro_of(cls) or (cls, object)


# References of objects that the collector does not look into, as far as Python can read them.
READABLE = {
    types.CodeType: (
        "co_consts co_names co_filename co_name co_qualname co_linetable co_exceptiontable"
    ).split(),
    range: ["start", "stop", "step"],
    datetime.datetime: ["tzinfo"],
    datetime.time: ["tzinfo"],
}


def report(path):
    """Forks the reporter, then waits for one byte; meanwhile the process is dumped."""
    gc.collect()
    if fork() == 0:
        report_and_exit(path, protocol.say)
    os.read(0, 1)


def report_and_exit(path, say):
    """What the child does."""
    # Nobody else ends the child when the test is gone.
    signal.alarm(REPORTING_SECONDS)
    status = 1
    try:
        say(write_report(path))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def write_report(path):
    gc.unfreeze()
    objects = gc.get_objects()
    tracked = len(objects)
    seen = set(map(id, objects))
    links = []
    sizes = []
    sized = {}
    arrays = 0
    # The list grows while it is read: what the tracked objects refer to comes after them.
    for item in objects:
        # Before its referents are held here too: a `BytesIO` counts a buffer of its own only.
        sizes.append(size_of(item, sized))
        referents, exact = referents_of(item)
        if exact and is_denied(item):
            referents = traversed(item)
        items = items_of(item)
        arrays += items is not None
        referents += items or []
        links.append((list(map(id, referents)), exact))
        for referent in referents:
            if id(referent) not in seen:
                seen.add(id(referent))
                objects.append(referent)
    # From here on `__dict__` may create dictionaries: everything about the heap is written down.
    kinds, indices = kinds_of(objects)
    words = array.array("Q")
    for index, item in enumerate(objects):
        referents, exact = links[index]
        flags = (TRACKED if index < tracked else 0) | (EXACT if exact else 0)
        flags |= CLASS if issubclass(type(item), type) else 0
        words.extend((id(item), id(type(item)), sizes[index], flags, indices[index]))
        words.append(len(referents))
        words.extend(referents)
    with open(path, "wb") as file:
        words.tofile(file)
    found = {id(type(item)): type(item) for item in objects}
    tables = {"types": list(map(describe, found.values())), "kinds": kinds, "arrays": arrays}
    with open(path + ".json", "w") as file:
        json.dump(tables, file)
    return {"objects": len(objects), "tracked": tracked, "types": len(found)}


def referents_of(item):
    """What it refers to, and whether that is all that its `tp_traverse` visits."""
    cls = type(item)
    collectable = flags_of(cls) & HAVE_GC
    if issubclass(cls, type) and not flags_of(item) & HEAP_TYPE:
        collectable = False
    if collectable:
        return gc.get_referents(item), True
    # An older version lacks some of them.
    readable = (getattr(item, name, None) for name in READABLE.get(cls, ()))
    # A time without a zone has no field for one.
    return [found for found in readable if found is not None], False


def items_of(item):
    """The items of an array of objects that owns them, which no `tp_traverse` visits; `None` for
    all else."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not issubclass(type(item), numpy.ndarray):
        return None
    if item.dtype.kind != "O" or not item.flags.owndata:
        return None
    return list(numpy.ndarray.flatten(item))


def is_denied(item):
    """Whether its `tp_is_gc` denies it to the collector, although its type is collectable: that of
    a suspended greenlet does, and `gc.get_referents` gives nothing of it then."""
    cls = type(item)
    if issubclass(cls, type):
        return False
    function = slot(cls, TP_IS_GC)
    return function is not None and not Inquiry(function)(item)


def traversed(item):
    """What its `tp_traverse` visits, without the collector's leave."""
    Traverse(slot(type(item), TP_TRAVERSE))(item, visit, None)
    addresses = visited.copy()
    visited.clear()
    return [ctypes.cast(address, ctypes.py_object).value for address in addresses]


def slot(cls, offset):
    head = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)
    return ctypes.c_void_p.from_address(id(cls) + head + offset).value


def size_of(item, known):
    if not sized_in_c(type(item), known):
        # Python code, such as that of a mock, may change the heap that is being written down.
        return UNKNOWN_SIZE
    return sys.getsizeof(item)


def sized_in_c(cls, known):
    if cls not in known:
        found = (dict_of(base).get("__sizeof__") for base in mro_of(cls))
        found = next(one for one in found if one is not None)
        known[cls] = type(found) is types.MethodDescriptorType
    return known[cls]


def kinds_of(objects):
    """All kinds, and for each object the index of its own.

    A kind is a list of names, since a dictionary may be the `__dict__` of several objects.
    """
    owners = {}
    descriptors = {}
    # A static type that nothing refers to may own a dictionary that the collector tracks.
    for item in objects + subclasses(object):
        owned = own_dict(item, descriptors)
        if type(owned) is dict:
            owners.setdefault(id(owned), set()).add("dict of " + kind_name(type(item)))
    table = {}
    indices = []
    for item in objects:
        if type(item) is dict:
            names = tuple(sorted(owners.get(id(item), ["dict (no owner)"])))
        else:
            names = (kind_name(type(item)),)
        indices.append(table.setdefault(names, len(table)))
    return list(table), indices


def subclasses(base):
    found = {id(base): base}
    open_ends = [base]
    while open_ends:
        more = [one for one in type.__subclasses__(open_ends.pop()) if id(one) not in found]
        found.update((id(one), one) for one in more)
        open_ends.extend(more)
    return list(found.values())


DICT_DESCRIPTORS = (types.GetSetDescriptorType, types.MemberDescriptorType)


def own_dict(item, known):
    """The dictionary that holds its attributes; possibly one that was made just now."""
    if issubclass(type(item), type):
        # A static type that nobody used so far has none.
        return next(iter(gc.get_referents(own_dict_of(item))), None)
    descriptor = dict_descriptor(type(item), known)
    if descriptor is None:
        return None
    try:
        return descriptor.__get__(item)
    except Exception:
        return None


def dict_descriptor(cls, known):
    if cls not in known:
        found = (dict_of(base).get("__dict__") for base in mro_of(cls))
        known[cls] = next((one for one in found if type(one) in DICT_DESCRIPTORS), None)
    return known[cls]


def aliases():
    """Names that heapy prefers: those in `types`, the last one of several; then builtins."""
    names = {}
    for prefix, module in (("types.", types), ("", builtins)):
        for name, value in sorted(vars(module).items()):
            if isinstance(value, type):
                names[value] = prefix + name
    names[types.ModuleType] = "module"
    names[types.FunctionType] = "function"
    return names


ALIASES = aliases()


def kind_name(cls):
    return ALIASES.get(cls) or f"{module_name(cls)}.{name_of(cls)}"


def module_name(cls):
    """Its `__module__`; for a class that hides it behind a descriptor, what `tp_name` says."""
    module = module_of(cls)
    if isinstance(module, str):
        return module
    head = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)
    tp_name = ctypes.c_char_p.from_address(id(cls) + head).value.decode()
    return tp_name.rpartition(".")[0] or "builtins"


def describe(cls):
    return {
        "address": id(cls),
        "module": module_name(cls),
        "name": name_of(cls),
        "qualname": qualname_of(cls),
    }


def warm_up():
    """Up to 3.10 a function that was called a thousand times gets caches of its instructions,
    which its code's size counts: that must not happen in the child only."""
    for _ in range(1100):
        for item in (warm_up, None):
            size_of(item, {})
            referents_of(item)
            is_denied(item)
            items_of(item)
            traversed(item if item else visited)
            own_dict(item, {})
            kind_name(type(item))
            sum(one for one in ())


def main():
    import zoo

    missing = zoo.fill(sys.argv[1] if len(sys.argv) > 1 else None)
    warm_up()
    gc.collect()
    gc.disable()
    protocol.say({"types": len(set(map(type, gc.get_objects()))), "missing": missing})
    while True:
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(0, 1)
            if not byte:
                os._exit(0)
            line += byte
        word, _, rest = line.decode().strip().partition(" ")
        if word == "report":
            report(rest)
        else:
            protocol.say("pong")


# Other programs report by the same functions.
if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
    # Without the end of an interpreter, which complains of unfinished tasks.
    os._exit(1)
