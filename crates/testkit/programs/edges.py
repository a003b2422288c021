"""Objects that are each held in one way only: one for each kind of step in a path.

The greeting maps the name of each edge to the address of the object behind it, and `thread`
to the identity of a thread whose frames hold some of them. Everything else is held by the
module `held`, whose dictionary no frame has for its globals, so that the shortest path to
each object leads through `i0_modules['held']`.
"""

import _thread
import asyncio
import collections
import contextvars
import functools
import gc
import itertools
import sys
import threading
import types
import weakref

import protocol


class Marker:
    """What is to be found."""


class Inline:
    pass


class Slotted:
    __slots__ = ("x",)


class ListWithDict(list):
    pass


Pair = collections.namedtuple("Pair", "x y")

held = types.ModuleType("held")
sys.modules["held"] = held
addresses = {}


def mark(name):
    marker = Marker()
    addresses[name] = id(marker)
    return marker


def note(name, item):
    """The address of something that is found instead of a marker."""
    addresses[name] = id(item)
    return item


def containers():
    held.in_module = mark("module")
    held.by_text = {"k": mark("dict value")}
    held.by_number = {7: mark("dict value under a number")}
    held.by_tuple = {(1, "a"): mark("dict value under a tuple")}
    held.by_long = {"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL": mark("dict value under a long text")}
    held.keys = {"first": None, mark("dict key"): None}
    held.list = [None, None, mark("list")]
    held.tuple = (None, mark("tuple"))
    held.pair = Pair(None, mark("namedtuple"))
    held.set = {mark("set")}
    held.frozen = frozenset({mark("frozenset")})
    held.deque = collections.deque([None, mark("deque")])
    held.ordered = collections.OrderedDict(k=mark("ordered dict"))
    held.default = collections.defaultdict(None, k=mark("defaultdict"))
    held.proxy = types.MappingProxyType({"k": mark("mappingproxy")})
    held.slice = slice(None, mark("slice"))


def instances():
    inline = held.inline = Inline()
    inline.x = mark("inline attribute")
    replaced = held.replaced = Inline()
    replaced.__dict__ = {"x": mark("attribute in a dict")}
    slotted = held.slotted = Slotted()
    slotted.x = mark("slot")
    listed = held.listed = ListWithDict()
    listed.x = mark("attribute of a list subclass")
    held.space = types.SimpleNamespace(x=mark("namespace"))
    local = held.local = threading.local()
    local.x = mark("threading.local")
    held.Class = type("Class", (), {"x": mark("class attribute")})


def classes():
    held.instance = note("type", type("OnlyByInstance", (), {}))()
    held.Child = type("Child", (note("base", type("OnlyByChild", (), {})),), {})
    held.Single = type("Single", (), {})
    note("mro", held.Single.__mro__)
    note("bases", held.Single.__bases__)
    held.Parent = type("Parent", (), {})
    held.descendant = type("Descendant", (held.Parent,), {})
    for item in gc.get_objects():
        # `tp_subclasses` of a class is a dict of weak references under addresses.
        if type(item) is dict and weakref.ref(held.descendant) in item.values():
            note("subclasses", item)


def functions():
    def closure_over(x):
        return lambda: x

    def default(x=mark("default")):
        return x

    def keyword(*, kw=mark("keyword default")):
        return kw

    def attribute():
        pass

    attribute.x = mark("function attribute")
    held.closure = closure_over(mark("closure"))
    held.default_of = default
    held.keyword_of = keyword
    held.attribute_of = attribute
    held.function = types.FunctionType(
        note("code", attribute.__code__.replace(co_name="only by function")), {}
    )
    held.with_globals = types.FunctionType(
        attribute.__code__, note("globals", {"x": mark("global")})
    )
    held.code = attribute.__code__.replace(co_consts=(None, mark("constant")))
    held.cell = types.CellType(mark("cell"))
    held.method = types.MethodType(repr, mark("method"))
    held.builtin = bound_append("builtin method")
    held.partial = functools.partial(print, mark("partial argument"))
    held.partial_keyword = functools.partial(print, k=mark("partial keyword"))
    held.property = property(mark("property getter"))
    held.static = staticmethod(mark("staticmethod"))
    held.cached = functools.lru_cache(lambda x: x)
    held.cached(mark("lru_cache"))


def bound_append(name):
    return note(name, ListWithDict()).append


def iterators():
    held.list_iterator = iter([mark("list iterator")])
    held.chain = itertools.chain([mark("chain")])
    held.enumerate = enumerate([mark("enumerate")])
    held.map = map(mark("map function"), ())


def frames():
    def finished():
        v = mark("frame local")
        return sys._getframe(), v

    def inner():
        return sys._getframe()

    def outer():
        v = mark("frame back")
        return inner(), v

    held.frame = finished()[0]
    held.inner = outer()[0]
    # Without variables here: the frames that are held lead back to this one.
    held.global_frame = types.FunctionType(
        inner.__code__, {"sys": sys, "x": mark("frame global")}
    )()
    held.code_frame = types.FunctionType(
        note("frame code", inner.__code__.replace(co_name="only by frame")), {"sys": sys}
    )()
    try:
        fail(mark("exception argument"))
    except ValueError as error:
        held.error = error.with_traceback(None)
    try:
        held_by_traceback()
    except ValueError as error:
        held.raised = error
    chained = held.chained = ValueError()
    chained.__cause__ = note("cause", ValueError())
    noted = held.noted = ValueError()
    noted.x = mark("exception attribute")


def fail(value):
    raise ValueError(value)


def held_by_traceback():
    v = mark("traceback")
    raise ValueError(len("v")) from None


def generators():
    def generator():
        v = mark("generator local")
        yield
        return v

    def stacked():
        return (mark("generator stack"), (yield))

    async def coroutine():
        v = mark("coroutine local")
        await bare()
        return v

    @types.coroutine
    def bare():
        yield

    async def asynchronous():
        v = mark("async generator local")
        yield
        del v

    held.generator = generator()
    held.stacked = stacked()
    for one in (held.generator, held.stacked):
        next(one)
    held.coroutine = coroutine()
    held.coroutine.send(None)
    held.asynchronous = asynchronous()
    try:
        held.asynchronous.asend(None).send(None)
    except StopIteration:
        pass


def contexts():
    variable = held.variable = contextvars.ContextVar("variable", default=mark("context default"))
    context = held.context = contextvars.Context()
    held.token = context.run(variable.set, mark("context value"))
    loop = asyncio.new_event_loop()
    future = held.future = loop.create_future()
    future.set_result(mark("future result"))
    loop.close()


def run(ready, block):
    v = mark("local of a running frame")
    pair = (mark("stack of a running frame"), wait(ready, block))
    return v, pair


def wait(ready, block):
    cell = mark("cell of a running frame")
    ready.release()
    block.acquire()
    return lambda: cell


def threads():
    ready, block = _thread.allocate_lock(), _thread.allocate_lock()
    ready.acquire()
    block.acquire()
    addresses["thread"] = _thread.start_new_thread(run, (ready, block))
    ready.acquire()


def main():
    gc.disable()
    for make in (
        containers, instances, classes, functions, iterators, frames, generators, contexts, threads,
    ):  # fmt: skip
        make()
    protocol.serve(addresses, {})


main()
