"""What came with CPython 3.14 and 3.15. Newer syntax stands in texts, since older versions
read this file too; there each part says that it is missing."""

import functools
import gc
import os
import sys
import threading
import typing
import unicodedata


def since(minor):
    if sys.version_info < (3, minor):
        raise ImportError(f"not before 3.{minor}")


def run(source, **names):
    """The names after a source text has run."""
    exec(compile(source, "zoo_new.txt", "exec"), names)
    return names


class Point:
    def __init__(self, x):
        self.x = x


def make_templates():
    since(14)
    made = run(
        'plain = t"text"\n'
        'one = t"{point.x!r:>{width}} and {point}"\n'
        'joined = one + plain\n',
        point=Point(3.5),
        width=20,
    )
    template = made["one"]
    iterator = iter(template)
    next(iterator)
    return [made, iter(template), iterator, *template.interpolations]


def make_unions():
    since(14)
    unhashable = typing.Annotated[int, []] | None
    generic = list[typing.TypeVar("Item")] | None
    return [int | str, unhashable, generic, generic.__parameters__, typing.Union[int, Point]]


def make_partials():
    since(14)
    hole = functools.Placeholder
    with_holes = functools.partial(max, hole, 2, hole, 4)
    bound = functools.partial(functools.partial(with_holes, 1), 3)
    bound.note = "an attribute"
    return [with_holes, bound, functools.partialmethod(Point.__init__, hole, 5)]


def make_zstd():
    since(14)
    from compression import zstd

    samples = [b"line %d of the samples\n" % line * 9 for line in range(300)]
    trained = zstd.train_dict(samples, 4096)
    compressor = zstd.ZstdCompressor(zstd_dict=trained)
    compressor.compress(samples[0])
    after_end = zstd.ZstdDecompressor()
    after_end.decompress(zstd.compress(b"frame") + b"what follows the frame")
    inside = zstd.ZstdDecompressor(zstd_dict=trained)
    inside.decompress(zstd.compress(samples[1], zstd_dict=trained)[:20])
    return [trained, compressor, zstd.ZstdCompressor(level=1), after_end, inside]


def make_hmacs():
    since(14)
    import _hmac

    return [_hmac.new(b"key", b"message", "sha256"), _hmac.new(b"key", b"", "md5")]


ANNOTATED = """
class Node[T: (int, str) = int]:
    left: Node
    right: Unknown
    def first(self, other: Node[T], *, strict: bool = True) -> Missing: ...

class Evaluated:
    left: int
    right: list[str]

def plain(x: int, y: "Text") -> Undefined: ...

def evaluated(x: int) -> str: ...

def closes_over(kind):
    def inner(x: kind) -> kind: ...
    return inner

type Alias[T] = list[T] | None
"""


def make_annotations():
    since(14)
    import annotationlib

    made = run(ANNOTATED)
    node = made["Node"]
    parameter = node.__type_params__[0]
    forward = annotationlib.get_annotations(node, format=annotationlib.Format.FORWARDREF)
    return [
        made,
        forward,
        annotationlib.get_annotations(made["plain"], format=annotationlib.Format.STRING),
        made["Evaluated"].__annotations__,
        made["evaluated"].__annotations__,
        made["closes_over"](dict),
        parameter.evaluate_constraints,
        parameter.evaluate_default,
        made["Alias"].evaluate_value,
        typing.TypeVar("Bound", bound=int).evaluate_bound,
        annotationlib.ForwardRef("Later", owner=Point),
    ]


def make_queues():
    since(14)
    from concurrent import interpreters

    queue = interpreters.create_queue(3)
    queue.put(b"between interpreters")
    return [queue, interpreters.get_current(), interpreters.get_main()]


def takes(*values):
    return values


def stacked(first, items):
    """Suspends with variables, numbers and iterators on its stack."""
    for item in items:
        for number in range(3):
            takes(first, item, (yield number), [first, (yield item)])


def make_stacks():
    since(14)
    generators = [
        stacked(Point(1), ["an item", Point(2)]),
        stacked("first", ("in a tuple", 1 << 70)),
        stacked(None, {"key": "value"}),
        stacked(7, iter([Point(3)])),
    ]
    for steps, generator in enumerate(generators):
        for _ in range(steps + 1):
            next(generator)
    return generators


class Waiting:
    """A thread that waits in C code with borrowed variables on its stack."""

    def __init__(self):
        self.reached = threading.Event()
        self.over = threading.Lock()
        self.over.acquire()
        self.thread = threading.Thread(target=self.run, args=(Point(9),), daemon=True)
        self.thread.start()
        self.reached.wait()

    def run(self, point):
        self.held(point, "constant", [point])

    def held(self, point, text, items):
        self.reached.set()
        takes(point, text, self.over.acquire(), items)


def make_waiting_threads():
    since(14)
    return Waiting()


def make_monitored_code():
    since(14)
    tool = 4
    sys.monitoring.use_tool_id(tool, "zoo")
    events = sys.monitoring.events
    sys.monitoring.register_callback(tool, events.LINE, takes)
    sys.monitoring.set_local_events(tool, stacked.__code__, events.LINE | events.PY_YIELD)
    list(stacked(1, [2]))
    return takes


def make_eager_tasks():
    since(14)
    import asyncio

    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    made = []

    async def waits(future, name):
        kept = [name]
        await future
        return kept

    async def begin():
        future = loop.create_future()
        made.extend(loop.create_task(waits(future, name)) for name in ("one", "two"))
        made.append(asyncio.gather(*made))
        made.append(asyncio.capture_call_graph(made[0]))
        await asyncio.sleep(0)

    task = loop.create_task(begin())
    loop.run_until_complete(task)
    return [loop, task, made]


def make_frozen_dicts():
    since(15)
    frozen = run(
        "empty = frozendict()\n"
        "text = frozendict(a=1, b=[2])\n"
        "mixed = frozendict({1: point, None: (), 'c': text})\n"
        "class Child(frozendict): pass\n"
        "child = Child(x=point)\n"
        "child.note = 'an attribute'\n"
        "plain = frozendict(x=1, y='two')\n"
        "nested = frozendict({plain: mixed})\n"
        "views = [mixed.keys(), mixed.values(), mixed.items(), iter(mixed)]\n"
        "large = frozendict((str(i), i) for i in range(1000))\n"
        "merged = text | {'d': 4}\n",
        point=Point(4),
    )
    return frozen


def make_sentinels():
    since(15)
    return run("missing = sentinel('MISSING')\nother = sentinel('OTHER')\n")


def make_lazy_imports():
    since(15)
    return run(
        "lazy import xml.dom.pulldom\n"
        "lazy import wave as sound\n"
        "lazy from colorsys import hls_to_rgb, rgb_to_hls as converted\n"
        "used = converted(0.1, 0.2, 0.3)\n",
        __name__="zoo_lazy",
    )


def make_stat_results():
    since(15)
    return [os.statx("/", os.STATX_BASIC_STATS), os.statx("/tmp", os.STATX_TYPE)]


def make_graphemes():
    since(15)
    graphemes = unicodedata.iter_graphemes("e\u0301a\U0001f468\u200d\U0001f469")
    return [graphemes, next(graphemes)]


def make_byte_arrays():
    since(15)
    taken = bytearray(b"taken and what is left" * 20)
    shared = bytearray(b"shared")
    return [taken, taken.take_bytes(100), shared, memoryview(shared), bytearray(10), bytearray()]


def make_small_numbers():
    since(15)
    # Up to 1024 they are static.
    return [257, 1023, 1024, 1025, 2**10 + 1]


def make_frame_locals():
    since(14)
    frame = sys._getframe()
    proxy = frame.f_locals
    proxy["added"] = Point("extra local")
    return [proxy, iter(proxy), gc.callbacks]
