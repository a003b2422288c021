"""Threads, tasks, coroutines and generators that wait, which say where.

The greeting has `suspended`: for each generator and coroutine that waits outside of a task its
address, kind, function, file and line; `tasks`: for each task its name, the lines of its stack and
the address of what it waits for; `threads`: for each thread its name, identifier, and the
functions and lines of its stack; `local`: the address of an object in the variable `marker` of the
innermost function of the thread `waiting`.
"""

import asyncio
import asyncio.tasks
import os
import sys
import threading
import traceback

import protocol


def numbers(count):
    total = 0
    for number in range(count):
        total += number
        yield total


def twice(inner):
    yield from inner


async def answer(future):
    await future


async def ask(future, name):
    question = [name]
    await answer(future)
    return question


async def produce():
    yield 1
    await asyncio.sleep(1000)
    yield 2


async def consume():
    async for number in produce():
        last = number
    return last


async def join(task):
    await task


async def never():
    pass


class Never:
    def __await__(self):
        yield self


async def forgotten():
    await Never()


class PythonTask(asyncio.tasks._PyTask):
    """A task whose class is written in Python, as in programs that need one of their own."""


def frame_of(suspended):
    for name in "gi", "cr", "ag":
        frame = getattr(suspended, name + "_frame", None)
        if frame is not None:
            return frame


def place_of(suspended):
    frame = frame_of(suspended)
    code = frame.f_code
    return {
        "address": id(suspended),
        "kind": type(suspended).__name__,
        "function": getattr(code, "co_qualname", code.co_name),
        "file": code.co_filename,
        "line": frame.f_lineno,
    }


def suspended():
    """Generators that have not begun, that wait, and that are done."""
    waiting = [numbers(5) for _ in range(3)]
    for generator in waiting[:2]:
        next(generator)
    delegating = twice(waiting[0])
    next(delegating)
    done = numbers(0)
    list(done)
    coroutine = forgotten()
    coroutine.send(None)
    KEPT.append(done)
    return waiting + [delegating, coroutine, never()]


KEPT = []


def wait(ready, pipe):
    """What the thread `waiting` runs. When it is ready it stays on one line, whatever it does."""
    marker = Marker()
    LOCAL.append(id(marker))
    ready.release(), os.read(pipe, 1)


LOCAL = []


class Marker:
    pass


def stack_of(thread):
    frame = sys._current_frames()[thread.ident]
    stack = []
    for frame, line in traceback.walk_stack(frame):
        stack.append([getattr(frame.f_code, "co_qualname", frame.f_code.co_name), line])
    return stack[::-1]


async def main():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    tasks = [loop.create_task(ask(future, number)) for number in range(3)]
    tasks.append(loop.create_task(consume()))
    tasks.append(loop.create_task(join(tasks[0])))
    tasks.append(PythonTask(ask(future, "python"), loop=loop))
    # Each has begun when this one goes on, but for what `sleep` adds to the loop.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    said = [
        {
            "name": task.get_name(),
            "address": id(task),
            "lines": lines_of(task._coro),
            "awaits": id(task._fut_waiter),
        }
        for task in tasks
    ]
    threads = [
        {"name": thread.name, "ident": thread.ident, "stack": stack_of(thread)}
        for thread in threading.enumerate()
        if thread.name == "waiting"
    ]
    greeting = {
        "pid": os.getpid(),
        "tasks": said,
        "suspended": [place_of(one) for one in KEPT_WAITING],
        "threads": threads,
        "local": LOCAL[0],
    }
    # This task runs while it answers, and ends with the process.
    protocol.serve(greeting, {})


def lines_of(coroutine):
    """The lines of a coroutine and of those that it waits in, as far as Python says."""
    lines = []
    while coroutine is not None:
        frame = frame_of(coroutine)
        if frame is None:
            break
        lines.append(frame.f_lineno)
        following = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)
        if type(following).__name__ == "async_generator_asend":
            # It does not say whose it is: there is one that waits here.
            following = frame.f_locals.get("produced") or PRODUCED[0]
        coroutine = following
    return lines


# The only asynchronous generator.
PRODUCED = []
_produce = produce


def produce():
    PRODUCED.append(_produce())
    return PRODUCED[-1]


KEPT_WAITING = suspended()
ready = threading.Lock()
ready.acquire()
pipe, _ = os.pipe()
threading.Thread(target=wait, args=(ready, pipe), name="waiting", daemon=True).start()
ready.acquire()
asyncio.run(main())
