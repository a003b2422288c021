"""A frame of pandas, and the tables behind its index.

Takes the folder with the packages. The greeting has `version`, `markers` (the name of each
to the address of an object that only the frame holds), and `tables`: for each hash table its
address and what it says of its size.
"""

import sys
import types

import protocol

sys.path.insert(0, sys.argv[1])
import pandas  # noqa: E402
from pandas._libs import hashtable  # noqa: E402
import numpy  # noqa: E402


class Marker:
    """What is to be found."""


held = types.ModuleType("held")
sys.modules["held"] = held
markers = {}
tables = {}


def mark(name):
    marker = Marker()
    markers[name] = id(marker)
    return marker


def table(name, cls, keys):
    made = cls()
    made.map_locations(keys)
    setattr(held, name, made)
    tables[name] = {"address": id(made), "bytes": made.sizeof()}


held.frame = pandas.DataFrame(
    {
        "first": [mark("cell"), None],
        "second": pandas.Series([None, mark("other cell")], dtype=object),
        "number": [1.5, 2.5],
    }
)
held.series = pandas.Series([mark("item")], dtype=object)
held.index = pandas.Index([mark("label"), None], dtype=object)
# The table behind the index is made when it is first asked.
assert held.index.get_loc(held.index[0]) == 0

held.keys = numpy.array([Marker() for _ in range(1000)], dtype=object)
texts = numpy.array([f"text {i}" for i in range(1000)], dtype=object)
table("of_objects", hashtable.PyObjectHashTable, held.keys)
table("of_texts", hashtable.StringHashTable, texts)
table("of_integers", hashtable.Int64HashTable, numpy.arange(10_000))
# Older versions have fewer.
if hasattr(hashtable, "Complex128HashTable"):
    table("of_bytes", hashtable.Int8HashTable, numpy.arange(100, dtype="i1"))
    table("of_complex", hashtable.Complex128HashTable, numpy.arange(100, dtype="c16"))

protocol.serve({"version": pandas.__version__, "markers": markers, "tables": tables}, {})
