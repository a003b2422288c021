"""Tables and buffers of pyarrow.

Takes the folder with the packages. The greeting has `version`, `pool` (the bytes that Arrow's
pools hold), `markers` (the name of each to the address of an object that only a buffer
holds), and `own` (for each type bytes of an object itself, with what lies before it).
"""

import gc
import sys
import types

import protocol

sys.path.insert(0, sys.argv[1])
import numpy  # noqa: E402
import pyarrow  # noqa: E402


held = types.ModuleType("held")
sys.modules["held"] = held
markers = {}
own = {}


class Marked(bytearray):
    """A buffer that can be told from others."""


def mark(name, size):
    marker = Marked(size)
    markers[name] = id(marker)
    return marker


def hold(name, item):
    setattr(held, name, item)
    before = sys.getsizeof(item) - item.__sizeof__()
    own[type(item).__name__] = before + object.__sizeof__(item)
    return item


def main():
    numbers = hold("numbers", pyarrow.array(range(100_000)))
    hold("slice", numbers[10:20])
    hold("slice_of_slice", numbers[10:2000][5:])
    held.buffers = numbers.buffers()
    hold("buffer_slice", numbers.buffers()[1].slice(100, 50))
    hold("texts", pyarrow.array(["text " * 20] * 5000))
    hold("nested", pyarrow.array([[{"a": i, "b": ["x"] * 3}] * 3 for i in range(1000)]))
    hold("dictionary", pyarrow.array(["a", "b"] * 1000).dictionary_encode())
    chunked = hold("chunked", pyarrow.chunked_array([numbers, pyarrow.array(range(7))]))
    table = hold("table", pyarrow.table({"n": chunked, "other": pyarrow.array([1.5] * 100_007)}))
    hold("batch", table.to_batches()[0])
    # Tables of which only pieces are left.
    hold("piece", pyarrow.table({"gone": [1] * 50_000}).slice(100, 10))
    hold("cast", pyarrow.array(numpy.arange(1000.0)).cast(pyarrow.float32()))
    hold("buffer", pyarrow.allocate_buffer(12_345))
    # Memory that is not Arrow's.
    hold("of_python", pyarrow.py_buffer(mark("python buffer", 100)))
    hold("in_python", pyarrow.py_buffer(mark("sliced python buffer", 100)).slice(10))
    memory = numpy.frombuffer(mark("array", 800), dtype="f8")
    hold("of_numpy", pyarrow.array(memory))
    foreign = mark("foreign buffer", 64)
    address = numpy.frombuffer(foreign, dtype="u1").ctypes.data
    hold("foreign", pyarrow.foreign_buffer(address, 64, foreign))
    del foreign, memory
    gc.collect()


main()
protocol.serve(
    {
        "version": pyarrow.__version__,
        "pool": pyarrow.total_allocated_bytes(),
        "markers": markers,
        "own": own,
    },
    {},
)
