"""A service that asks heapy about itself, so that both can be compared.

Takes the folder with guppy3 and Django. The greeting has `version` (of guppy3 and Django)
and `sets`: names of sets to the addresses of their objects. `grow` makes more objects, and
answers with the new `sets`.
`ask` takes a JSON object of names and Python expressions over `hp` (guppy3), `heap`
(`hp.heap()`), `shop` and `named` (what makes a set of one's name), and answers with what each gives: for a set the rows
`[count, size, name]` of its table, for a number that, for anything else its whole text.

The expressions run in a fork of the process: every object lies there at the same address, and
what guppy3 keeps while it works is not in the heap that is looked at from outside.
"""

import gc
import json
import os
import sys

import protocol

sys.path.insert(0, sys.argv[1])
from guppy import hpy  # noqa: E402

# `Py_TPFLAGS_INLINE_VALUES`
INLINE_VALUES = 1 << 2 if sys.version_info >= (3, 13) else 0

hp = hpy()
# What guppy3 loads when it is first used is loaded before anything is compared.
warm = hp.iso(hp)
for each in (warm.byclodo, warm.byrcs, warm.byvia, warm.bymodule, warm.byid, warm.bysize):
    str(each)
str(warm.rp), str(warm.shpaths), warm.domisize, warm.imdom, str(warm.stat)
str(hp.iso({}).byid)
str(hp.heap())
del warm, each

import django  # noqa: E402
from django.conf import settings  # noqa: E402

settings.configure(
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
)
django.setup()
from django.template import Context, Template  # noqa: E402

import heapy_shop as shop  # noqa: E402

shop.fill()
shop.templates = {}
for number in range(20):
    text = "<p>{{ user|upper }} %d{%% if items %%}{{ items|length }}{%% endif %%}</p>"
    shop.templates[number] = Template(text % number)
    shop.templates[number].render(Context({"user": "x", "items": [number]}))
del number, text


# Sets that are no class's: each by a function, so that nothing holds the objects meanwhile.
SETS = {
    "modules": lambda: [sys.modules],
    "closures": lambda: [each.__closure__[0].cell_contents for each in shop.counters.values()],
    "mixed": lambda: [shop.catalog, shop.cache.recent, shop.receipt],
    "numbers": lambda: [each.basket.session.data[1] for each in shop.cache.store.values()],
    "functions": lambda: [shop.fill, shop.grow, shop.counter],
    "code": lambda: [shop.fill.__code__, shop.grow.__code__],
    "module": lambda: [shop],
}


def addresses():
    return {name: [id(one) for one in members()] for name, members in SETS.items()}


def named(name):
    return hp.iso(*SETS[name]())


def answer(value):
    if isinstance(value, (int, list, dict, str)):
        return value
    if hasattr(value, "nodes"):
        return [[row.count, row.size, row.name] for row in value.partition.get_rows()]
    return str(getattr(value, "all", value))


def dump(stat):
    """What `stat` says of each row, to be compared with another moment in another fork."""
    return [[row.count, row.size, row.name] for row in stat.get_rows()]


# Set in a fork only, so that no dictionary grows there that both look at.
heap = None


def questions(text):
    global heap
    heap = hp.heap()
    answers = {}
    for name, expression in json.loads(text).items():
        try:
            answers[name] = answer(eval(expression, globals()))
        except Exception as error:
            answers[name] = "%s: %s" % (type(error).__name__, error)
    return answers


def ask(text):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as pipe:
                json.dump(questions(text), pipe)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answers = json.load(pipe)
    os.waitpid(child, 0)
    return answers


def settle():
    """Leaves neither garbage nor attributes without a dictionary.

    From 3.11 on, an instance has a dictionary only after it was asked for. heapy asks every
    instance that it meets; what looks from outside changes nothing. So they are made before.
    From 3.13 on, such a dictionary shares the values of the instance, and heapy finds them in
    both. So each gets a dictionary with values of its own.
    """
    gc.collect()
    for each in gc.get_objects():
        try:
            attributes = object.__getattribute__(each, "__dict__")
            if INLINE_VALUES and type(each).__flags__ & INLINE_VALUES:
                object.__setattr__(each, "__dict__", dict(attributes))
        except (AttributeError, TypeError):
            pass
    gc.collect()


def grow(_):
    shop.grow()
    settle()
    return addresses()


import guppy  # noqa: E402

settle()
protocol.serve(
    {
        "version": "guppy3 %s, Django %s" % (guppy.__version__, django.__version__),
        "sets": addresses(),
    },
    {"ask": ask, "grow": grow},
)
