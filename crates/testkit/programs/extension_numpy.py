"""Arrays of numpy, and what they alone hold.

Takes the folder with the packages. The greeting has `version`, `markers` (the name of each
to the address of an object that only an array holds), and `sizes`: for each named object its
address, `sys.getsizeof`, `basic` (the bytes of its struct), and the bytes of the buffers that it owns.
"""

import sys
import types

import protocol

sys.path.insert(0, sys.argv[1])
import numpy  # noqa: E402


class Marker:
    """What is to be found."""


held = types.ModuleType("held")
sys.modules["held"] = held
markers = {}
sizes = {}


def mark(name):
    marker = Marker()
    markers[name] = id(marker)
    return marker


def hold(name, item, owned=0):
    setattr(held, name, item)
    sizes[name] = {
        "address": id(item),
        "size": sys.getsizeof(item),
        "basic": type(item).__basicsize__,
        "owned": owned,
    }
    return item


def objects():
    row = hold("row", numpy.array([None, 1, 2, mark("row")], dtype=object), 32)
    hold("row_view", row[1:])
    table = numpy.empty((2, 3), dtype=object)
    table[1, 0] = mark("table")
    hold("table", table, 48)
    columns = numpy.empty((2, 3), dtype=object, order="F")
    columns[0, 1] = mark("columns")
    hold("columns", columns, 48)
    scalar = numpy.empty((), dtype=object)
    scalar[()] = mark("scalar array")
    hold("scalar_array", scalar, 8)
    hold("matrix", numpy.array([[mark("matrix")]], dtype=object).view(numpy.matrix))
    structure = numpy.dtype([("n", "i4"), ("o", "O"), ("pair", "O", (2,))])
    structured = numpy.zeros(3, dtype=structure)
    structured[2]["o"] = mark("field")
    structured[1]["pair"][1] = mark("field of two")
    hold("structured", structured, structured.nbytes)
    hold("record", structured[2])
    lone = numpy.array((7, mark("lone record"), (None, None)), dtype=structure)
    hold("lone_record", lone[()])
    hold("dtype", structure)
    hold("metadata", numpy.dtype("i8", metadata={"about": mark("metadata")}))
    # Far more than any block that is read at once.
    many = numpy.empty(100_000, dtype=object)
    many[99_999] = mark("last of many")
    hold("many", many, many.nbytes)


def numbers():
    big = hold("big", numpy.zeros(1_000_003, dtype="u1"), 1_000_003)
    hold("big_view", big[10:20])
    hold("big_shaped", big[:1_000_000].reshape(1000, 1000))
    hold("frombuffer", numpy.frombuffer(b"0123456789abcdef", dtype="i8"))
    hold("zero", numpy.zeros((0, 7)), 0)
    hold("many_axes", numpy.zeros((1,) * 32), 8)
    for name in "bool_ int8 int64 uint32 float16 float32 float64 longdouble complex128".split():
        hold(f"scalar_{name}", getattr(numpy, name)(1))
    hold("scalar_time", numpy.datetime64("2020-01-01"))
    hold("scalar_text", numpy.str_("text"))
    hold("scalar_bytes", numpy.bytes_(b"bytes"))
    hold("scalar_void", numpy.void(b"12345"), 5)


def others():
    array = numpy.array([mark("behind an iterator")], dtype=object)
    hold("flat", array.flat)
    del array
    hold("broadcast", numpy.broadcast(numpy.array([mark("broadcast")], dtype=object), [1]))
    hold("function", numpy.frompyfunc(Function(), 1, 1))
    if hasattr(getattr(numpy, "dtypes", None), "StringDType"):
        strings(numpy.dtypes.StringDType)


class Function:
    __slots__ = ("marker",)

    def __init__(self):
        self.marker = mark("function")

    def __call__(self, x):
        return x


def strings(StringDType):
    texts = numpy.array(["x" * 100] * 1000 + ["short"], dtype=StringDType())
    # A text that replaces a shorter one gets a block of its own.
    texts[1000] = "y" * 5000
    hold("texts", texts, texts.nbytes + 5000)
    hold("texts_dtype", texts.dtype, arena_of(100, 1000))
    na = mark("na_object")
    hold("texts_with_na", numpy.array(["a"], dtype=StringDType(na_object=na)), 16)


def arena_of(length, count):
    """What numpy's arena has grown to: by a quarter whenever it is full."""
    size = 0
    for used in range(0, count * (length + 1), length + 1):
        need = used + length + 1
        if need > size:
            size = need + need // 4
    return size


objects()
numbers()
others()
protocol.serve({"version": numpy.__version__, "markers": markers, "sizes": sizes}, {})
