"""A small service: sessions in a cache, items with slots, closures, and templates of Django."""

import collections
import functools
import weakref

Point = collections.namedtuple("Point", "x y")


class Item:
    """What is sold: no `__dict__`."""

    __slots__ = ("name", "price")

    def __init__(self, name, price):
        self.name = name
        self.price = price


class Basket:
    """What a session has bought; knows its session, which makes a cycle."""

    def __init__(self, session):
        self.session = session
        self.items = []


class Session:
    """A visitor."""

    def __init__(self, number):
        self.user = "user-%d" % number
        self.data = [number + 1000, float(number), "visited %d" % number]
        self.extra = {"number": number, (number, "seen"): Point(number, -number)}
        self.basket = Basket(self)

    def expire(self):
        self.data.clear()


class Cache:
    """Keeps sessions and forgets none."""

    def __init__(self):
        self.store = {}
        self.recent = collections.deque()

    def add(self, session):
        self.store[session.user] = session
        self.recent.append(session.user)


class Plugin(type):
    """A metaclass, so that there are classes that are no plain types."""


class Checkout(metaclass=Plugin):
    """A class that holds an instance of its own."""

    checkout_steps = ["address of the buyer", "payment"]


@functools.lru_cache(maxsize=None)
def receipt(number):
    return Item("receipt-%d" % number, number * 1.5)


def counter(start):
    """A closure over a list."""
    seen = [start]

    def count(value, step=Point(0, 1)):
        seen.append(value)
        return len(seen)

    return count


def numbers():
    """A generator that stays suspended, with an object that only it holds."""
    kept = Item("kept by a generator", 7)
    yield 1
    yield kept


cache = Cache()
catalog = [Item("item-%d" % number, number * 0.25) for number in range(50)]
callbacks = []
counters = {}
lookup = weakref.WeakValueDictionary()
tags = set()
suspended = []


def fill():
    for number in range(40):
        session = Session(number)
        session.basket.items.extend(catalog[number : number + 3])
        cache.add(session)
        lookup[number] = session
        if number % 10 == 0:
            callbacks.append(session.expire)
    for number in range(12):
        counters[number] = counter(number)
        receipt(number)
        tags.add(("tag", number))
    generator = numbers()
    next(generator)
    suspended.append(generator)
    Checkout.first = Checkout()
    fill.calls = Item("on a function", 1)


def grow():
    """What a second look finds in addition."""
    for number in range(100, 125):
        cache.add(Session(number))
    catalog.extend([Item("late-%d" % number, 0.5) for number in range(30)])
    del counters[3]
