"""Objects of the types of extension libraries."""

import datetime
import decimal


class Node:
    """What the objects refer to."""


def make_numpy():
    import numpy

    class Labelled(numpy.ndarray):
        pass

    numbers = numpy.arange(60).reshape(3, 4, 5)
    records = numpy.zeros(3, dtype=[("when", "M8[s]"), ("who", "U10"), ("what", object)])
    records["what"] = [Node(), [1], {"a": 1}]
    holder = numbers[:1].view(Labelled)
    holder.label = Node()
    nodes = numpy.array([[Node(), None], ["a", Node()]], dtype=object)
    labelled_nodes = Labelled((2, 3), dtype=object)
    labelled_nodes[:] = Node()
    return (
        numbers,
        numbers.T,
        numbers[1:, ::2],
        records,
        records[0],
        records.dtype,
        numpy.array([Node(), None, [Node()]], dtype=object),
        nodes,
        nodes[:, 1],
        labelled_nodes,
        holder,
        numpy.float64(1.5),
        numpy.nditer(numbers),
        numbers.flat,
        numpy.ma.masked_array([1, 2, 3], mask=[0, 1, 0]),
        numpy.random.default_rng(1),
        numpy.random.RandomState(1),
        numpy.vectorize(lambda x: x),
        numpy.frompyfunc(lambda x: x, 1, 1),
        numpy.broadcast(numbers, numbers),
        numpy.poly1d([1, 2]),
        numpy.matrix([[1, 2], [3, 4]]),
        numpy.memmap,
        numpy.add,
    )


def make_pandas():
    import pandas

    frame = pandas.DataFrame(
        {
            "a": range(50),
            "b": [f"text {i}" for i in range(50)],
            "c": [Node() for _ in range(50)],
            "d": pandas.date_range("2020-01-01", periods=50, tz="UTC"),
            "e": pandas.Categorical(["x", "y"] * 25),
        },
        index=[f"row {i}" for i in range(50)],
    )
    groups = frame.groupby("e", observed=True)
    sums = groups["a"].sum()
    # Their hash tables come to be with the first look-up.
    frame.loc["row 7"], frame.index.get_loc("row 3"), frame["d"].max()
    return (
        frame,
        groups,
        sums,
        frame.rolling(3),
        pandas.Interval(1, 2),
        pandas.interval_range(0, 10),
        pandas.period_range("2020-01", periods=5, freq="M"),
        pandas.Timestamp("2020-01-01 12:00", tz="Europe/Berlin"),
        pandas.Timedelta("1 day"),
        pandas.Period("2020-01", freq="M"),
        pandas.offsets.BusinessDay(3),
        pandas.MultiIndex.from_product([["a", "b"], [1, 2, 3]]),
        frame._mgr.blocks,
    )


def make_pyarrow():
    import pyarrow
    import pyarrow.compute

    table = pyarrow.table({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [[1], [2, 3], []]})
    sink = pyarrow.BufferOutputStream()
    writer = pyarrow.ipc.new_stream(sink, table.schema)
    return (
        table,
        table.schema,
        table.column("a"),
        table.column("b").chunk(0),
        table["c"][1],
        table.to_batches(),
        pyarrow.py_buffer(b"a buffer of bytes"),
        pyarrow.field("f", pyarrow.struct([("x", pyarrow.int64())])),
        pyarrow.compute.field("a") > 1,
        sink,
        writer,
        pyarrow.default_memory_pool(),
    )


def make_protobuf():
    from google.protobuf import descriptor_pb2, struct_pb2, timestamp_pb2

    file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="zoo")
    message = file.message_type.add(name="Thing")
    message.field.add(name="x", number=1)
    thing = struct_pb2.Struct()
    thing.update({"a": 1, "b": [1, "two", {"c": None}]})
    return (
        file,
        message,
        file.message_type,
        message.field[0],
        thing,
        thing.fields,
        thing.fields["b"].list_value,
        timestamp_pb2.Timestamp(seconds=5),
        descriptor_pb2.DESCRIPTOR,
        descriptor_pb2.FileDescriptorProto.DESCRIPTOR,
        descriptor_pb2.FileDescriptorProto.DESCRIPTOR.fields_by_name,
    )


def make_lxml():
    from lxml import etree, objectify

    class Special(etree.ElementBase):
        pass

    root = etree.fromstring("<a b='1'><c>text<d/>tail</c><!-- no --><?go on?></a>")
    lookup = etree.ElementDefaultClassLookup(element=Special)
    parser = etree.XMLParser(target=etree.TreeBuilder())
    other = etree.XMLParser()
    other.set_element_class_lookup(lookup)
    walk = etree.iterwalk(root)
    next(walk)
    schema = etree.XMLSchema(
        etree.fromstring(
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
            '<xs:element name="a"/></xs:schema>'
        )
    )
    style = etree.XSLT(
        etree.fromstring(
            '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
            '<xsl:template match="/"><r/></xsl:template></xsl:stylesheet>'
        )
    )
    return (
        root,
        root.getroottree(),
        root[0],
        root[0][0],
        root.attrib,
        iter(root),
        root.iter("d"),
        parser,
        etree.fromstring("<special/>", other),
        other,
        walk,
        schema,
        style,
        style(root),
        etree.XPath("//d"),
        etree.XPathEvaluator(root),
        etree.QName("{urn:x}y"),
        objectify.fromstring("<a><b>1</b><b>2</b></a>").b,
        schema.error_log,
        etree.FunctionNamespace("urn:z"),
    )


def make_cryptography():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "zoo")])
    day = datetime.datetime(2030, 1, 1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(day)
        .not_valid_after(day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    )
    certificate = builder.sign(key, hashes.SHA256())
    certificate.extensions, certificate.subject
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"something")
    cipher = Cipher(algorithms.AES(bytes(16)), modes.CBC(bytes(16)))
    return (
        key,
        key.public_key(),
        ed25519.Ed25519PrivateKey.generate(),
        certificate,
        builder,
        certificate.extensions,
        digest,
        cipher,
        cipher.encryptor(),
        serialization.Encoding.PEM,
    )


def make_orjson():
    import orjson

    return (
        orjson.loads('{"a": [1, 2.5, null, true, "text"], "b": {}}'),
        orjson.dumps([1]),
        orjson.Fragment(b"{}"),
    )


def make_pydantic():
    import typing

    import pydantic

    class Part(pydantic.BaseModel):
        name: str
        sizes: typing.List[int] = [1, 2]

    class Whole(pydantic.BaseModel):
        model_config = {"extra": "allow"}
        parts: typing.Dict[str, Part]
        price: decimal.Decimal = decimal.Decimal("1.5")
        either: typing.Union[int, str, None] = None

        @pydantic.field_validator("either")
        def check(cls, value):
            return value

    whole = Whole(parts={"a": Part(name="a")}, more=Node())
    try:
        Whole(parts=7)
    except pydantic.ValidationError as error:
        wrong = error.errors(), error
    return (
        Part,
        Whole,
        whole,
        wrong,
        pydantic.TypeAdapter(typing.List[Part]),
        Whole.__pydantic_validator__,
        Whole.__pydantic_serializer__,
        pydantic.HttpUrl("http://localhost/x"),
    )


def make_sqlalchemy():
    import sqlalchemy
    from sqlalchemy import orm

    class Base(orm.DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        name: orm.Mapped[str]

    engine = sqlalchemy.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    session = orm.Session(engine)
    session.add_all([User(name=f"user {i}") for i in range(30)])
    session.commit()
    users = session.scalars(sqlalchemy.select(User).where(User.id > 3)).all()
    rows = session.execute(sqlalchemy.select(User.id, User.name)).all()
    return engine, session, users, rows, User, Base.metadata


def make_gevent():
    import gevent
    import gevent.event
    import gevent.pool
    import gevent.queue
    import greenlet

    switched = greenlet.greenlet(lambda: switched.parent.switch(Node()))
    switched.switch()
    event = gevent.event.Event()
    waiting = [gevent.spawn(event.wait) for _ in range(3)]
    gevent.sleep(0)
    return switched, event, waiting, gevent.queue.Queue(), gevent.pool.Pool(2), gevent.get_hub()


def make_zope_interface():
    import zope.interface
    from zope.interface import adapter

    class Thing(zope.interface.Interface):
        """Anything."""

    @zope.interface.implementer(Thing)
    class Implementation:
        pass

    registry = adapter.AdapterRegistry()
    registry.register([Thing], Thing, "", Implementation)
    one = Implementation()
    registry.lookup1(zope.interface.providedBy(one), Thing)
    return Thing, Implementation, one, registry


def make_cffi():
    import cffi

    ffi = cffi.FFI()
    ffi.cdef("typedef struct { int x; char *text; } thing; int puts(const char *);")
    thing = ffi.new("thing *", {"x": 7})
    return (
        ffi,
        thing,
        ffi.new("int[10]"),
        ffi.typeof("thing"),
        ffi.callback("int(int)", lambda x: x),
        ffi.new_handle(Node()),
        ffi.from_buffer(bytearray(8)),
        ffi.gc(thing, lambda _: None),
        ffi.buffer(thing),
        ffi.dlopen(None),
    )


def make_torch():
    import torch

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            context.save_for_backward(x)
            context.about = Node()
            return x * x

        @staticmethod
        def backward(context, gradient):
            (x,) = context.saved_tensors
            return 2 * x * gradient

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x):
            return self.layers(x) + self.seen

    net = Net()
    hooked = net.register_forward_hook(lambda module, given, out: None)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    # What leads back to it: a graph that waits for `backward`, and hooks of Python in it.
    weight = torch.ones(3, requires_grad=True)
    squared = Square.apply(weight)
    loss = (squared * 2).sum()
    loss.register_hook(lambda gradient: None)
    weight.register_hook(lambda gradient: None)
    labelled = torch.zeros(2)
    labelled.label = Node()
    storage = getattr(labelled, "untyped_storage", labelled.storage)()
    return (
        net,
        hooked,
        optimizer,
        weight,
        squared,
        loss,
        loss.grad_fn,
        loss.grad_fn.next_functions,
        squared.grad_fn,
        net.layers[0].weight,
        net.layers[0].weight.grad,
        labelled,
        storage,
        labelled[:1],
        torch.zeros(2, dtype=torch.int64).numpy(),
        torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0]),
        torch.device("cpu"),
        torch.float32,
        torch.Size([1, 2]),
        torch.Generator(),
        torch.jit.script(torch.nn.Linear(1, 1)),
        torch.fx.symbolic_trace(net),
    )
