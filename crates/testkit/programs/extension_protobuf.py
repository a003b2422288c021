"""Messages of protobuf, and their arenas.

Takes the folder with the packages. The greeting has `version`, `messages` (addresses of
objects that lead to an arena), `sizes` (for each named message its address and how many bytes
more the C library had given out after it was made), and `parent`: the address of a message
that only a part of it holds.
"""

import ctypes
import sys
import types

import protocol

sys.path.insert(0, sys.argv[1])
import google.protobuf  # noqa: E402
from google.protobuf import descriptor_pb2, struct_pb2  # noqa: E402


class Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keep".split()
    ]


mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Mallinfo


def given_out():
    now = mallinfo()
    return now.uordblks + now.hblkhd


held = types.ModuleType("held")
sys.modules["held"] = held
sizes = {}
messages = {}


def measure(name, make):
    make()
    before = given_out()
    made = make()
    after = given_out()
    setattr(held, name, made)
    sizes[name] = {"address": id(made), "bytes": after - before}


def texts():
    message = struct_pb2.ListValue()
    for _ in range(1000):
        message.values.add().string_value = "x" * 10_000
    return message


def fused():
    """Messages that take over parts of each other, in arenas that live as one."""
    whole = struct_pb2.ListValue()
    for _ in range(10):
        part = struct_pb2.ListValue()
        for _ in range(100):
            part.values.add().string_value = "y" * 1000
        whole.MergeFrom(part)
    return whole


measure("texts", texts)
measure("fused", fused)
held.repeated = descriptor_pb2.FileDescriptorProto(dependency=["a", "b"]).dependency
held.composite = texts().values
held.map = struct_pb2.Struct(fields={"a": struct_pb2.Value(number_value=1)}).fields
messages = {name: id(getattr(held, name)) for name in ("repeated", "composite", "map", "texts")}
# A part that is not set keeps its message.
parent = descriptor_pb2.FileDescriptorProto()
held.part = parent.options
address = id(parent)
del parent

protocol.serve(
    {
        "version": google.protobuf.__version__,
        "messages": messages,
        "sizes": sizes,
        "parent": address,
    },
    {},
)
