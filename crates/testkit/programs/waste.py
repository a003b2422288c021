"""Waste of every kind, and how much of it there is by what the program itself can tell."""
import array
import json
import sys

size = sys.getsizeof


class Wide:
    def __init__(self, number):
        self.first = number
        self.second = number
        self.third = None


class Narrow:
    __slots__ = ("first", "second", "third")


def text(*parts):
    # Joined at run time, so that each is an object of its own.
    return "".join(parts)


short = [text("planted-", "string") for _ in range(100)]
# Equal in their first hundred characters; every second one differs after them.
long = [text("long" * 100, "ab"[i % 2]) for i in range(40)]
wide = [text("\u20ac" * 50, "\u4e2d" * 100) for _ in range(10)]
piece = bytearray(b"planted bytes")
raw = [bytes(piece * 20) for _ in range(30)]
inner = [tuple([i % 2, short[i]]) for i in range(20)]
# Equal by the contents of their items, which are objects of their own.
tuples = [tuple([inner[i], 7]) for i in range(20)]
# Not equal: a list is only itself.
unequal = [tuple([[], 8]) for _ in range(10)]

instances = [Wide(i + 1000000) for i in range(2000)]
twin = Narrow()
twin.first = twin.second = twin.third = None

nearly_empty = {i: None for i in range(100000)}
for i in range(99997):
    del nearly_empty[i]
nearly_empty_set = set(range(100000))
for i in range(99997):
    nearly_empty_set.remove(i)
appended = []
for i in range(200001):
    appended.append(None)

ints = [1000000 + i for i in range(5000)]
floats = [i + 0.5 for i in range(4000)]
# Others hold these numbers too: an array would not free them.
same_floats = floats[:100]


def group(objects):
    return {
        "addresses": [id(one) for one in objects],
        "count": len(objects),
        "wasted": sum(map(size, objects)) - max(map(size, objects)),
    }


def boxed(numbers, code, others):
    own = [size(number) for i, number in enumerate(numbers) if i >= others]
    return {
        "address": id(numbers),
        "items": len(numbers),
        "wasted": size(numbers) + sum(own) - size(array.array(code, numbers)),
    }


print(
    json.dumps(
        {
            "strings": [group(short), group(long[::2]), group(long[1::2]), group(wide)],
            "bytes": [group(raw)],
            "tuples": [group(tuples[::2]), group(tuples[1::2])],
            "unequal": [id(one) for one in unequal],
            "dict": {
                "address": id(nearly_empty),
                "items": 3,
                "wasted": size(nearly_empty) - size({i: None for i in nearly_empty}),
            },
            "set": {
                "address": id(nearly_empty_set),
                "items": 3,
                "wasted": size(nearly_empty_set) - size(set(nearly_empty_set)),
            },
            "list": {
                "address": id(appended),
                "items": 200001,
                "wasted": size(appended) - size(appended[:]),
            },
            "ints": boxed(ints, "q", 0),
            "floats": boxed(floats, "d", 100),
            "twin": id(twin),
            "instance": id(instances[5]),
            "instances": len(instances),
        }
    ),
    flush=True,
)
for line in sys.stdin:
    print(json.dumps("pong"), flush=True)
