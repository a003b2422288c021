"""Objects of the standard library's C types, and of the classes around them."""

import datetime
import io
import pickle
import sys
import types

from zoo_since import since


class Stamp(datetime.datetime):
    pass


class Zone(datetime.tzinfo):
    pass


class PicklerChild(pickle.Pickler):
    def persistent_id(self, item):
        return None


def optional(make):
    """What needs a library that a distribution may leave out, or a file system that a root
    may lack: semaphores are files in /dev/shm."""
    try:
        return make()
    except (ImportError, OSError):
        return None


def make_time():
    import time

    zone = datetime.timezone(datetime.timedelta(hours=2), "made")
    berlin = since(3, 9, city) or zone
    when = datetime.datetime(2024, 5, 6, tzinfo=berlin)
    when.utcoffset()
    return [
        datetime.date(2024, 1, 2), datetime.time(1, 2), datetime.time(1, tzinfo=zone), when,
        datetime.datetime(2024, 1, 2), datetime.timedelta(1), zone, datetime.timezone.utc,
        Stamp(2024, 1, 2, tzinfo=zone), Zone(), time.localtime(), time.get_clock_info("time"),
        when.isocalendar(), berlin,
    ]  # fmt: skip


def city():
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        return None


def make_numbers():
    import decimal
    import fractions
    import random

    context = decimal.Context(prec=50)
    local = decimal.localcontext(context)
    return [
        decimal.Decimal("1.5"), decimal.Decimal(10) ** 400, context, context.flags, context.traps,
        decimal.getcontext(), local, fractions.Fraction(1, 3), random.Random(1),
        random.SystemRandom(),
    ]  # fmt: skip


def make_patterns():
    import re

    pattern = re.compile(r"(?P<name>\w+)-(\d+)")
    match = pattern.match("word-12")
    scanner = pattern.scanner("a-1 b-2")
    scanner.search()
    template = re.compile("b").sub(r"\g<0>", "abc")
    return [
        pattern, match, scanner, pattern.finditer("a-1"), re.compile(b"bytes"), template,
        re.Scanner([("a", None)]), re.compile(b"x").search(bytearray(b"x")),
    ]  # fmt: skip


def make_io():
    import os
    import tempfile

    raw = tempfile.TemporaryFile("w+b", buffering=0)
    raw.note = object()
    buffered = open(os.devnull, "rb")
    writer = open(os.devnull, "wb")
    text = open(os.devnull, "w+", encoding="utf-8", newline="")
    text.write("pending")
    lines = io.TextIOWrapper(io.BytesIO(b"one\ntwo\n"), encoding="latin-1")
    next(lines)
    reading, writing = os.pipe()
    pair = io.BufferedRWPair(open(reading, "rb", buffering=0), open(writing, "wb", buffering=0))
    memory = io.BytesIO(b"x" * 1000)
    string = io.StringIO("text\n" * 100)
    string.readline()
    written = io.StringIO()
    written.write("begun")
    exported = io.BytesIO(b"exported")
    folder = os.scandir("/")
    return [
        raw, buffered, writer, text, lines, pair, memory, string, written, exported,
        exported.getbuffer(), BytesChild(b"x"), folder, next(folder), os.stat("/"),
        os.times(), os.uname(), os.environ,
        io.IncrementalNewlineDecoder(None, True), io.BufferedRandom(io.BytesIO()), Raw(),
        os.sched_param(1), os.statvfs("/"), open(os.devnull).buffer,
    ]  # fmt: skip


class BytesChild(io.BytesIO):
    pass


class Raw(io.RawIOBase):
    pass


def make_codecs():
    import codecs

    multibyte = codecs.lookup("shift_jis")
    stream = multibyte.streamreader(io.BytesIO(b"x"))
    writer = multibyte.streamwriter(io.BytesIO())
    return [
        codecs.lookup("utf-8"), multibyte, stream, writer, multibyte.incrementalencoder(),
        multibyte.incrementaldecoder(), codecs.getincrementaldecoder("utf-8")(),
        codecs.getreader("utf-8")(io.BytesIO()), codecs.charmap_build("abc" * 90),
    ]  # fmt: skip


def make_network():
    import select
    import selectors
    import socket

    left, right = socket.socketpair()
    selector = selectors.DefaultSelector()
    selector.register(left, selectors.EVENT_READ, data=[1])
    poll = select.poll()
    poll.register(right)
    return [left, right, selector, poll, select.epoll(), left.makefile("rwb"), socket.AddressFamily]


def make_secure():
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.sni_callback = print
    server.set_alpn_protocols(["h2"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(b"x" * 100)
    wrapped = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="host")
    return [context, server, incoming, outgoing, wrapped, wrapped._sslobj, ssl.get_default_verify_paths()]


def make_hashes():
    import hashlib
    import hmac
    import zlib

    packing = zlib.compressobj()
    packing.compress(b"x" * 1000)
    unpacking = zlib.decompressobj(zdict=b"dictionary")
    hashes = [hashlib.new(name) for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "shake_128")]
    builtin = []
    for module, name in (
        ("_md5", "md5"), ("_sha1", "sha1"), ("_sha2", "sha256"), ("_sha2", "sha512"),
        ("_sha256", "sha256"), ("_sha512", "sha512"), ("_sha3", "sha3_256"), ("_blake2", "blake2b"),
        ("_blake2", "blake2s"),
    ):  # fmt: skip
        builtin.append(optional(lambda: getattr(__import__(module), name)()))
    return [
        hashes, builtin, hmac.new(b"key", digestmod="sha256"), hashlib.blake2b(b"x"), packing,
        unpacking, optional(lambda: __import__("bz2").BZ2Compressor()),
        optional(lambda: __import__("bz2").BZ2Decompressor()),
        optional(lambda: __import__("lzma").LZMACompressor()),
        optional(lambda: __import__("lzma").LZMADecompressor()),
    ]  # fmt: skip


def make_data():
    import csv
    import json
    import struct
    import uuid

    target = io.BytesIO()
    pickler = pickle.Pickler(target)
    for index in range(50):
        pickler.dump([index, (index, str(index))])
    unpickler = pickle.Unpickler(io.BytesIO(target.getvalue()))
    unpickler.load()
    reader = csv.reader(io.StringIO('a,"b\n'), delimiter=",")
    try:
        next(reader)
    except (csv.Error, StopIteration):
        pass
    decoder = json.JSONDecoder(object_hook=dict)
    encoder = json.JSONEncoder(indent=None)
    buffers = pickle.PickleBuffer(bytearray(b"x"))
    scanner = decoder.scan_once
    return [
        pickler, pickler.memo, unpickler, unpickler.memo, reader, csv.writer(target),
        csv.get_dialect("excel"), reader.dialect, decoder, scanner, encoder,
        json.encoder.c_make_encoder(None, repr, repr, None, ":", ",", False, False, True),
        buffers, struct.Struct("<qd"), struct.iter_unpack("<h", b"1234"), uuid.uuid4(),
        PicklerChild(target), csv.DictReader(io.StringIO("a,b")),
    ]  # fmt: skip


def make_database():
    import sqlite3

    connection = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES)
    connection.row_factory = sqlite3.Row
    connection.create_function("made", 1, lambda x: x)
    connection.create_aggregate("total", 1, list)
    connection.create_collation("order", lambda a, b: 0)
    connection.set_progress_handler(lambda: 0, 1000)
    connection.executescript("create table t(a, b); insert into t values (1, 'x'), (2, 'y');")
    cursor = connection.execute("select a, b from t")
    row = cursor.fetchone()
    blob = None
    connection.execute("create table data(x blob)")
    connection.execute("insert into data values (zeroblob(10))")
    if hasattr(connection, "blobopen"):
        blob = connection.blobopen("data", "x", 1)
    return [connection, cursor, row, blob, connection.cursor(), sqlite3.PrepareProtocol()]


def make_xml():
    import xml.etree.ElementTree as tree
    import xml.parsers.expat

    root = tree.fromstring("<a x='1'>text<b/>tail<c y='2'>deep<d/></c></a>")
    for index in range(10):
        child = tree.SubElement(root, f"child{index}", number=str(index))
        child.text = f"text {index}"
    walk = root.iter()
    next(walk)
    texts = root.itertext()
    next(texts)
    parser = tree.XMLParser()
    parser.feed("<open><inner>")
    builder = tree.TreeBuilder()
    builder.start("begun", {"k": "v"})
    builder.data("text")
    expat = xml.parsers.expat.ParserCreate()
    expat.StartElementHandler = lambda *arguments: None
    expat.Parse("<a>")
    return [
        root, walk, texts, root.find("c"), parser, builder, expat, tree.ElementTree(root),
        root.attrib, tree.Comment("x"), tree.Element("alone"), tree.XMLPullParser(),
    ]  # fmt: skip


def make_foreign():
    import ctypes
    import ctypes.util

    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int), ("name", ctypes.c_char_p), ("any", ctypes.py_object)]

    class Either(ctypes.Union):
        _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]

    class Linked(ctypes.Structure):
        pass

    Linked._fields_ = [("next", ctypes.POINTER(Linked)), ("value", ctypes.c_long)]
    point = Point(1, b"name", [1])
    links = [Linked(), Linked()]
    links[0].next = ctypes.pointer(links[1])
    signature = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
    callback = signature(lambda x: x)
    library = ctypes.CDLL(None)
    function = library.getpid
    function.restype = ctypes.c_int
    function.argtypes = [ctypes.c_int]
    function.errcheck = print
    names = (ctypes.c_char_p * 3)(b"one", b"two", b"three")
    return [
        point, Either(), links, callback, library, function, names, (Point * 3)(point),
        ctypes.pointer(point), ctypes.POINTER(ctypes.c_int)(), ctypes.byref(point),
        ctypes.cast(names, ctypes.c_void_p), ctypes.c_int(5), ctypes.c_wchar_p("wide"),
        ctypes.create_string_buffer(100), ctypes.py_object([1]), ctypes.c_double(1.0),
        ctypes.c_longdouble(1.0), Point.x, signature, ctypes.pythonapi.Py_IncRef,
        ctypes.CDLL(None)["getppid"],
    ]  # fmt: skip


def make_structures():
    import grp
    import os
    import pwd
    import resource
    import termios
    import time

    return [
        sys.flags, sys.float_info, sys.hash_info, sys.int_info, sys.thread_info, sys.version_info,
        sys.implementation, sys.getsizeof, pwd.getpwuid(0), grp.getgrgid(0), time.gmtime(0),
        resource.getrusage(resource.RUSAGE_SELF), os.stat("/"),
        sys.get_asyncgen_hooks(), os.terminal_size((80, 24)), termios.error,
        sys.unraisablehook, time.struct_time(range(9)), sys.monitoring
        if hasattr(sys, "monitoring") else None,
    ]  # fmt: skip


def make_syntax():
    import ast
    import symtable
    import tokenize

    tree = ast.parse("def f(x: int = 1, *args): return [y for y in x if y]\nclass A(B): z = 1")
    tree.note = object()
    table = symtable.symtable("def f(x):\n def g(): return x\n", "<made>", "exec")
    tokens = tokenize.generate_tokens(io.StringIO("x = [1, 2]\n").readline)
    next(tokens)
    return [tree, table, table.get_children(), tokens, compile("f'{x!r:>{y}}'", "<s>", "eval")]


def make_more():
    import argparse
    import concurrent.futures
    import email.message
    import inspect
    import ipaddress
    import logging
    import mmap
    import pathlib
    import queue
    import string
    import tempfile
    import traceback
    import tracemalloc
    import unicodedata
    import unittest.mock
    import zipimport

    simple = queue.SimpleQueue()
    simple.put([1])
    simple.put(object())
    message = email.message.EmailMessage()
    message["Subject"] = "text"
    parser = argparse.ArgumentParser()
    parser.add_argument("--option", type=int, default=[1])
    future = concurrent.futures.Future()
    future.set_result([1])
    mapping = mmap.mmap(-1, 4096)
    logger = logging.getLogger("made.child")
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    return [
        simple, queue.Queue(), message, parser, future, mapping, logger,
        optional(lambda: __import__("graphlib").TopologicalSorter({"a": ["b"]})), inspect.signature(optional),
        ipaddress.ip_network("10.0.0.0/8"), pathlib.PurePosixPath("/a/b").parent,
        pathlib.Path("/a").parents, string.Template("$x"), tempfile.SpooledTemporaryFile(),
        traceback.extract_stack(), tracemalloc.Filter(True, "x"), unicodedata.ucd_3_2_0,
        unittest.mock.MagicMock(name="mock"), zipimport.__name__, sys.stdin, sys.stdout,
        types.SimpleNamespace(), sys.modules["__main__"].__spec__, io.__spec__, sys.__loader__,
        optional(lambda: __import__("_testcapi").instancemethod(print)),
        optional(lambda: __import__("_datetime").datetime_CAPI),
        optional(lambda: __import__("_curses")._C_API),
        optional(lambda: __import__("_lsprof").Profiler()),
        optional(lambda: __import__("multiprocessing").Lock()),
        optional(lambda: __import__("_queue").SimpleQueue()),
    ]  # fmt: skip
