"""Frames, generators, coroutines, exceptions, contexts and threads."""

import asyncio
import contextlib
import contextvars
import sys
import threading
import traceback
import types

from zoo_since import compiled, since


class Failure(Exception):
    pass


class Slotted(Exception):
    __slots__ = ("slot",)


def counting(items):
    local = [0]
    for item in items:
        local.append((yield [item, *local]))


def delegating(items):
    before = object()
    yield from counting(items)
    return before


def nested(x):
    cell = [x]

    def inner():
        yield (lambda: cell)
        yield cell

    held = inner()
    next(held)
    yield held


async def waiting(future, *more):
    local = [more]
    async with manager(local) as entered:
        return await future, entered


@contextlib.asynccontextmanager
async def manager(value):
    yield value


async def ticking(items):
    local = object()
    for item in items:
        yield [item, local]


@types.coroutine
def bare(value):
    got = yield value
    return got


async def awaiting(value):
    return await bare(value)


def make_generators():
    fresh = counting([1])
    suspended = counting([[index] for index in range(5)])
    next(suspended)
    suspended.send([3])
    deep = delegating([1, 2])
    next(deep)
    finished = counting([])
    list(finished)
    closed = counting([[1]])
    next(closed)
    closed.close()
    nest = nested(object())
    next(nest)
    expression = (item for item in [[1], [2]])
    next(expression)
    failed = failing()
    try:
        next(failed)
    except Failure:
        pass
    handling = excepting()
    next(handling)
    # A frame object of a suspended generator.
    framed = counting([[1]])
    next(framed)
    return [
        fresh, suspended, deep, finished, closed, nest, expression, failed, handling, framed,
        framed.gi_frame, Context(), contextlib.ExitStack(),
    ]  # fmt: skip


def failing():
    local = [1]
    yield Failure(local) and throw(local)


def excepting():
    """Suspended while it handles an exception."""
    try:
        throw([1])
    except Failure as error:
        yield error


class Context(contextlib.ContextDecorator):
    def __enter__(self):
        return self


def throw(value):
    raise Failure(value, "second")


def make_coroutines():
    fresh = awaiting([1])
    running = awaiting([2])
    running.send(None)
    wrapper = awaiting([3]).__await__()
    next(wrapper)
    ticker = ticking([[1], [2]])
    step = ticker.asend(None)
    try:
        step.send(None)
    except StopIteration:
        pass
    fresh_ticker = ticking([3])
    throwing = ticker.athrow(Failure([1]))
    pending = ticker.__anext__()
    default = since(3, 10, lambda: anext(ticker, [4]))
    # Never awaited, on purpose.
    return [fresh, running, wrapper, ticker, fresh_ticker, throwing, pending, default, bare([1])]


def make_tasks():
    """Tasks and futures of a loop that is not running any more."""
    loop = asyncio.new_event_loop()
    futures = [loop.create_future() for _ in range(5)]
    variable = contextvars.ContextVar("task variable", default=[0])

    async def main():
        variable.set(object())
        tasks = [
            loop.create_task(waiting(futures[0], [1]), name="suspended"),
            loop.create_task(waiting(futures[1]), name="done"),
            loop.create_task(waiting(futures[2]), name="failed"),
            loop.create_task(waiting(futures[3]), name="cancelled"),
            loop.create_task(asyncio.sleep(10_000, [5])),
        ]
        tasks[0].add_done_callback(print)
        tasks[0].add_done_callback(repr)
        await asyncio.sleep(0)
        futures[1].set_result([7])
        futures[2].set_exception(Failure([8]))
        tasks[3].cancel()
        await asyncio.wait(tasks[1:4])
        return tasks

    tasks = loop.run_until_complete(main())
    futures[4].add_done_callback(print)
    futures[4].add_done_callback(repr, context=contextvars.Context())
    queue = asyncio.Queue()
    queue.put_nowait([1])
    # Iterators over a future and over a task.
    steps = [iter(futures[0]), futures[4].__await__()]
    next(steps[0])
    futures[0]._asyncio_future_blocking = False
    return [
        loop, tasks, futures, steps, queue, asyncio.Lock(), asyncio.Event(), asyncio.Semaphore(),
        loop.call_later(10_000, print, [1]), FutureChild(loop=loop),
        tasks[0].get_coro(), variable,
    ]  # fmt: skip


class FutureChild(asyncio.Future):
    pass


def make_exceptions():
    caught = []
    made = [
        Failure([1]), Slotted("x"), ValueError(), StopIteration([1]), StopAsyncIteration(),
        SystemExit([2]), ImportError("no", name="name", path="/path"), OSError(2, "gone", "file"),
        FileNotFoundError(2, "a", "b", None, "c"), UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"),
        UnicodeEncodeError("ascii", "\xe9", 0, 1, "bad"),
        UnicodeTranslateError("x", 0, 1, "bad"), SyntaxError("bad", ("file", 1, 2, "text")),
        NameError("n"), AttributeError("a"), KeyError(("k",)), IndentationError("x"), Warning(),
        BlockingIOError(1, "x", 5), KeyboardInterrupt(), MemoryError(), RecursionError(),
        since(3, 10, lambda: NameError("n", name="n")),
        since(3, 10, lambda: AttributeError("a", name="a", obj=caught)),
        since(3, 11, lambda: make_groups(Failure)),
    ]  # fmt: skip
    attributes = Failure("with attributes")
    attributes.extra = object()
    since(3, 11, lambda: attributes.add_note("a note"))
    try:
        try:
            recurse(5)
        except Failure as first:
            caught.append(first)
            raise KeyError([2]) from first
    except KeyError as second:
        caught.append(second)
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            raise RuntimeError("while handling")
    except RuntimeError as third:
        caught.append(third)
    try:
        [].nothing
    except AttributeError as fourth:
        caught.append(fourth)
    try:
        compile("x = = 1", "<bad>", "exec")
    except SyntaxError as fifth:
        caught.append(fifth)
    try:
        import no_such_module
    except ImportError as sixth:
        caught.append(sixth)
    compiled(3, 11, SPLIT_GROUP, caught=caught)
    summary = traceback.TracebackException.from_exception(caught[1])
    return [made, attributes, caught, caught[0].__traceback__, summary, caught[0].__traceback__.tb_frame]


def make_groups(failure=ValueError):
    return since(3, 11, lambda: [
        ExceptionGroup("group", [failure([3]), ExceptionGroup("inner", [ValueError(object())])]),
        BaseExceptionGroup("base", [KeyboardInterrupt([1])]),
    ])  # fmt: skip


SPLIT_GROUP = """
try:
    raise ExceptionGroup("raised", [ValueError([1]), TypeError([2])])
except* ValueError as part:
    caught.append(part)
except* TypeError as part:
    caught.append(part)
"""


def recurse(depth):
    local = [depth]
    unused = object()
    if depth:
        return recurse(depth - 1), local, unused
    throw(local)


def make_frames():
    """Frame objects: finished ones, and of functions that run while they are taken."""
    taken = []

    def take(argument):
        local = [argument]
        taken.append(sys._getframe())
        return local

    take(object())
    taken[0].f_locals
    traced = take and sys._getframe()
    proxies = [frame.f_locals for frame in taken]
    return [taken, proxies, type(traced).__name__]


def make_contexts():
    variables = [contextvars.ContextVar(f"variable {index}") for index in range(300)]
    few = contextvars.copy_context()
    few.run(variables[0].set, [0])
    many = contextvars.Context()
    tokens = []

    def fill():
        for index, variable in enumerate(variables):
            tokens.append(variable.set([index]))
        for variable in variables[10:20]:
            variable.reset(tokens[variables.index(variable)])

    many.run(fill)
    sizes = []
    for count in (1, 3, 9, 18, 33, 60, 120):
        context = contextvars.Context()
        for variable in variables[:count]:
            context.run(variable.set, [count])
        sizes.append(context)
    collisions = make_collisions()
    iterators = [iter(many.keys()), iter(many.values()), iter(many.items()), iter(many)]
    for iterator in iterators:
        next(iterator)
    default = contextvars.ContextVar("default", default=[1])
    current = contextvars.ContextVar("current")
    token = current.set(object())
    used = [token.old_value, contextvars.Token.MISSING]
    return [
        variables, few, many, tokens, sizes, iterators, default, current, token, used, collisions,
        many.keys(), many.values(), many.items(), contextvars.Context(),
    ]  # fmt: skip


def make_collisions():
    """A HAMT with bitmap, array and collision nodes, as the C API's test module makes it."""
    try:
        from _testinternalcapi import hamt
    except ImportError:
        return None

    class Key:
        def __init__(self, number):
            self.number = number

        def __hash__(self):
            return self.number

        def __eq__(self, other):
            return self is other

    table = hamt()
    keys = [Key(number) for number in (1, 1, 1, 33, 1025, *range(100, 160))]
    for key in keys:
        table = table.set(key, [key.number])
    return table


def make_threads():
    ready = threading.Event()
    release = threading.Lock()
    release.acquire()
    local = threading.local()
    local.here = [1]

    def run(argument):
        local.there = [argument]
        inner = {"inner": [argument]}
        generator = counting([[1]])
        next(generator)
        try:
            throw([argument])
        except Failure:
            ready.set()
            release.acquire()
        return inner

    thread = threading.Thread(target=run, args=([1],), name="waiting", daemon=True)
    thread.start()
    ready.wait()
    ended = threading.Thread(target=list, daemon=True)
    ended.start()
    ended.join()
    handles = getattr(threading, "_shutdown_locks", None)
    return [
        ready, release, local, thread, ended, handles, threading.RLock(), threading.Condition(),
        threading.Semaphore(2), threading.Barrier(2), threading.Timer(100, print),
        threading.current_thread(),
    ]  # fmt: skip


class LeftBehind:
    def __init__(self, number):
        self.number = number
        self.items = [number, {"number": number}]


def make_left_behind():
    """What threads have made that are no more: free-threaded builds keep it in memory of its
    own, which is in the heap of no thread."""
    left = []

    def make():
        mine = [LeftBehind(number) for number in range(1000)]
        # Some blocks in between are free again.
        del mine[::3]
        left.append(mine)

    for _ in range(3):
        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return left
