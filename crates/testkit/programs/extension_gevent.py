"""A thousand sleeping greenlets of gevent, and some of greenlet's own.

Takes the folder with the packages. The greeting has `version`, `sleeping` (for each greenlet
its address, and that of an object in a local variable of its innermost function but one),
`markers` (the name of each to the address of an object that only a greenlet's frame holds),
and `greenlets` (the address of each greenlet that the markers belong to).
"""

import gc
import sys
import types

import protocol

sys.path.insert(0, sys.argv[1])
import gevent  # noqa: E402
import greenlet  # noqa: E402


class Marker:
    """What is to be found."""


held = types.ModuleType("held")
sys.modules["held"] = held
markers = {}
greenlets = {}
sleeping = []


def mark(name):
    marker = Marker()
    markers[name] = id(marker)
    return marker


def outer(number, argument=None):
    del argument
    marker = Marker()
    sleeping.append([id(gevent.getcurrent()), id(marker)])
    inner(number)
    return marker


def inner(number):
    text = f"number {number} sleeps"
    gevent.sleep(100_000)
    return text


def suspend(name, run):
    """Starts a greenlet of its own, which goes back to the main one."""
    one = greenlet.greenlet(run)
    setattr(held, name, one)
    greenlets[name] = id(one)
    one.switch()


def leave():
    greenlet.getcurrent().parent.switch()


def shallow():
    marker = mark("local")
    leave()
    return marker


def deep():
    def descend(depth):
        if depth:
            return descend(depth - 1)
        marker = mark("deep local")
        leave()
        return marker

    bottom = mark("local below many")
    descend(100)
    return bottom


def through_c():
    """Frames with C code between them: where they join lies on the C stack."""
    below = mark("local below C")

    def key(item):
        above = mark("local above C")
        leave()
        return above

    sorted([1], key=key)
    return below


def generator():
    def produce():
        marker = mark("local of a generator")
        leave()
        yield marker

    return list(produce())


def inspected():
    marker = mark("local of an inspected frame")
    leave()
    return marker


def handling():
    try:
        raise ValueError(mark("exception being handled"))
    except ValueError:
        leave()


class NotStarted:
    __slots__ = ("marker",)

    def __init__(self):
        self.marker = mark("function of a new greenlet")

    def __call__(self):
        pass


def main():
    for name, run in {
        "shallow": shallow,
        "deep": deep,
        "through_c": through_c,
        "generator": generator,
        "handling": handling,
    }.items():
        suspend(name, run)
    suspend("inspected", inspected)
    # Python code that looks at a suspended greenlet makes objects of its frames.
    assert held.inspected.gr_frame.f_code.co_name == "leave"
    held.new = greenlet.greenlet(NotStarted())
    held.dead = greenlet.greenlet(int)
    held.dead.switch()
    # Nothing but its own frame refers to this one: the collector does not find it.
    def alone():
        me = greenlet.getcurrent()
        marker = mark("local of a greenlet that is alone")
        leave()
        return me, marker

    greenlet.greenlet(alone).switch()
    jobs = [gevent.spawn(outer, number) for number in range(1000)]
    jobs.append(gevent.spawn(outer, 1000, mark("argument")))
    gevent.sleep(0)
    assert len(sleeping) == len(jobs)
    gc.collect()
    protocol.serve(
        {
            "version": [gevent.__version__, greenlet.__version__],
            "markers": markers,
            "greenlets": greenlets,
            "sleeping": sleeping,
        },
        {},
    )


main()
