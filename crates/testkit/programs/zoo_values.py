"""Numbers, text, containers and their iterators."""

import array
import collections
import functools
import itertools
import operator
import types
import typing

from zoo_since import compiled, since


def make_numbers():
    return [
        0, 1, -5, -6, 256, 257, 2**30 - 1, 2**30, -(2**30), 2**60, -(2**61), 2**1000, -(7**500),
        True, False, 0.0, -1.5, float("inf"), float("nan"), 1j, complex(2, -3),
        None, Ellipsis, NotImplemented,
    ]  # fmt: skip


def make_text():
    cached = "utf-8 cached \u00e9"
    hash(cached)
    # `PyUnicode_AsUTF8` keeps the encoded form in the object.
    try:
        __import__("datetime").datetime.fromisoformat(cached)
    except ValueError:
        pass
    wide = "\u20ac" * 40
    getattr(types, wide, None)
    return [
        "", "a", "plain ascii text", "latin1 \xe9\xff", "two bytes \u20ac\u4e2d", wide,
        "four bytes \U0001f40d", "\udc80 surrogate", cached, "x" * 100_000, "\xe9" * 1000,
        "".join(["joined ", "at ", "run ", "time"]), Text("subclass"), Text("\U0001f40d sub"),
        b"", b"b", b"bytes" * 500, Raw(b"subclass"), bytearray(), bytearray(b"grown"),
        grown_bytearray(), Number(5), Number(2**200), Real(1.5), Complexes(1 + 2j),
    ]  # fmt: skip


class Text(str):
    pass


class Raw(bytes):
    pass


class Number(int):
    pass


class Real(float):
    pass


class Complexes(complex):
    pass


def grown_bytearray():
    value = bytearray(b"0123456789")
    del value[:4]
    value += b"x" * 1000
    return value


def make_sequences():
    atomic = (1, 2, "atomic")
    nested = ([], (), (atomic, [atomic]))
    cyclic = []
    cyclic.append(cyclic)
    shrunk = list(range(1000))
    del shrunk[3:]
    holder = ListWithDict([1, object()])
    holder.note = ["in its __dict__"]
    tagged = TupleWithDict((object(), 2))
    tagged.note = ["in its __dict__"]
    return [
        (), atomic, nested, [], [None] * 1000, cyclic, shrunk, holder, tagged,
        ListWithSlots([object()]), range(10), range(2**70, 2**71, 3), slice(1, [], None),
        slice("a", object(), 3), array.array("d", [1.0] * 50), array.array("u", "text"),
        memoryview(b"memory"), memoryview(bytearray(b"x"))[::1], memoryview(array.array("i", [1])),
        collections.UserList([object()]), collections.UserString("user"),
    ]  # fmt: skip


class ListWithDict(list):
    pass


class ListWithSlots(list):
    __slots__ = ("slot",)


class TupleWithDict(tuple):
    pass


def make_dicts():
    general = {1: object(), "two": object(), (3,): object(), 4.0: [], None: []}
    holes = {index: [index] for index in range(100)}
    for index in range(0, 100, 3):
        del holes[index]
    text = {f"key {index}": [index] for index in range(300)}
    for index in range(0, 300, 2):
        del text[f"key {index}"]
    popped = dict.fromkeys("abcdefgh", [])
    popped.popitem()
    sub = DictWithDict(a=[1])
    sub.note = ["in its __dict__"]
    ordered = collections.OrderedDict((index, [index]) for index in range(50))
    ordered.move_to_end(3)
    del ordered[7]
    subordered = OrderedWithDict(a=object())
    subordered.note = object()
    return [
        {}, {"a": 1}, {1: 2}, general, holes, text, popped, sub, ordered, subordered,
        collections.OrderedDict(), DictWithSlots(x=object()), dict.fromkeys(range(5000)),
        collections.defaultdict(list, {"k": [1]}), collections.defaultdict(None, {1: object()}),
        collections.Counter("counted"), collections.ChainMap({"a": []}, {"b": {}}),
        collections.UserDict({"user": []}), types.MappingProxyType({"proxied": [1]}),
        {"big": {index: (index, [index]) for index in range(20_000)}},
    ]  # fmt: skip


class DictWithDict(dict):
    pass


class DictWithSlots(dict):
    __slots__ = ("slot", "other")


class OrderedWithDict(collections.OrderedDict):
    pass


def make_sets():
    dummies = set(range(1000, 1100)) | {("tuple", index) for index in range(10)}
    for index in range(1000, 1050):
        dummies.discard(index)
    small = {"few", ("t",)}
    small.discard("few")
    sub = SetWithDict([object()])
    sub.note = object()
    return [
        set(), {1}, {1, "two", (3, [4].__len__)}, dummies, small, frozenset(), frozenset("abc"),
        frozenset({frozenset({(1,)}), object()}), sub, FrozenWithSlots([object()]),
    ]  # fmt: skip


class SetWithDict(set):
    pass


class FrozenWithSlots(frozenset):
    __slots__ = ("slot",)


def make_deques():
    long = collections.deque(([index] for index in range(1000)), maxlen=900)
    long.rotate(17)
    short = collections.deque()
    short.appendleft([1])
    sub = DequeWithDict([object()])
    sub.note = object()
    iterators = [iter(long), reversed(long)]
    next(iterators[0])
    return [collections.deque(), long, short, sub, iterators]


class DequeWithDict(collections.deque):
    pass


def make_iterators():
    """Each iterator of a builtin, most of them begun."""
    numbers = [[index] for index in range(10)]
    table = {index: [index] for index in range(10)}
    ordered = collections.OrderedDict(table)
    begun = [
        iter(numbers), reversed(numbers), iter((numbers, 1)), iter(range(5)), iter(range(2**70)),
        reversed(range(2**70)), iter({numbers.__len__, 2}), iter("text"), iter("\u20acuro"),
        iter(b"bytes"), iter(bytearray(b"array")), iter(array.array("i", [1, 2])),
        iter(memoryview(b"view")), iter(table), iter(table.values()), iter(table.items()),
        reversed(table), reversed(table.values()), reversed(table.items()), iter(ordered),
        iter(ordered.values()), iter(ordered.items()), reversed(ordered),
        iter(Indexed()), reversed(Indexed()), iter(functools.partial(list, numbers), 0),
        enumerate(numbers), enumerate(numbers, 2**70),
        zip(numbers, [numbers], **since(3, 10, lambda: {"strict": True}) or {}),
        map(list, [numbers], [numbers][:0] or [()]), filter(None, numbers),
        types.SimpleNamespace(it=iter([1])),
    ]  # fmt: skip
    for iterator in begun[:-1]:
        try:
            next(iterator)
        except (StopIteration, TypeError):
            pass
    exhausted = iter([object()])
    list(exhausted)
    views = [
        table.keys(), table.values(), table.items(), ordered.keys(), ordered.values(),
        ordered.items(), types.MappingProxyType(table).items(),
    ]  # fmt: skip
    return [begun, exhausted, views]


class Indexed:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index > 2:
            raise IndexError
        return [index]


def make_itertools():
    data = [[index] for index in range(6)]
    made = [
        itertools.accumulate(data, initial=[]), since(3, 12, lambda: itertools.batched(data, 2)),
        itertools.chain(data, data), itertools.chain.from_iterable([data, data]),
        itertools.combinations(data, 2), itertools.combinations_with_replacement(data, 2),
        itertools.compress(data, [1] * 6), itertools.count(), itertools.count(2**70, 3),
        itertools.count(1.5), itertools.cycle(data), itertools.dropwhile(lambda x: False, data),
        itertools.filterfalse(lambda x: False, data), itertools.groupby(data, key=len),
        itertools.islice(data, 1, 5), since(3, 10, lambda: itertools.pairwise(data)),
        itertools.permutations(data, 2),
        itertools.product(data, data), itertools.repeat(data), itertools.repeat(data, 5),
        itertools.starmap(lambda *x: x, [data]), itertools.takewhile(lambda x: True, data),
        *itertools.tee(data, 3), itertools.zip_longest(data, [], fillvalue=data),
    ]  # fmt: skip
    untouched = [itertools.cycle(data), itertools.groupby(data), itertools.permutations(data)]
    groups = []
    for iterator in made:
        if iterator is not None:
            item = next(iterator)
            if type(item) is tuple and type(item[-1]).__name__ == "_grouper":
                groups.append(item)
    # A long tee keeps several blocks of values.
    behind, ahead = itertools.tee(iter([[index] for index in range(200)]))
    for _ in range(150):
        next(ahead)
    return [made, untouched, groups, behind, ahead]


def make_functools():
    @functools.lru_cache(maxsize=100)
    def bounded(x, *, y=None):
        return [x]

    @functools.lru_cache(maxsize=None)
    def unbounded(x):
        return [x]

    @functools.lru_cache(maxsize=0, typed=True)
    def uncached(x):
        return [x]

    for index in range(150):
        bounded(index, y=(index,))
        unbounded((index,))
        uncached(index)
    unbounded("text")

    @functools.singledispatch
    def single(x):
        return x

    single.register(int, lambda x: x)
    inner = functools.partial(print, [1], sep="x")
    inner.note = object()
    compare = functools.cmp_to_key(lambda a, b: 0)
    return [
        bounded, unbounded, uncached, single, inner, functools.partial(inner, object(), end=[]),
        functools.partial(list), compare, compare([1]),
        functools.partialmethod(print, [2]), functools.cached_property(lambda self: 1),
    ]  # fmt: skip


def make_operators():
    return [
        operator.itemgetter("one"), operator.itemgetter(("t",), 2), operator.attrgetter("a.b.c"),
        operator.attrgetter("a", "b"), operator.methodcaller("name", [1], key=[2]),
    ]  # fmt: skip


def make_annotations():
    T = typing.TypeVar("T", bound=int)
    P = since(3, 10, lambda: typing.ParamSpec("P"))
    return [
        T, P, P and P.args, P and P.kwargs, since(3, 11, lambda: typing.TypeVarTuple("Ts")),
        typing.Optional[int], typing.Callable[[int], str], typing.Generic[T],
        typing.Union[int, typing.List[T]], typing.Literal["a", 1], typing.Any,
        typing.ForwardRef("X"), typing.NewType("Id", int), typing.Final[int], typing.ClassVar[int],
        since(3, 9, lambda: [
            list[int], dict[str, list[int]], tuple[int, ...], type[T], list[T][int],
            typing.Annotated[int, [1]], collections.abc.Callable[[int], str],
        ]),
        since(3, 10, lambda: [int | str, int | None | list[T]]),
        since(3, 11, lambda: [iter(tuple[int]), *typing.Tuple[int]]),
    ]  # fmt: skip


def make_aliases():
    """Type aliases and parameters with lazy values."""
    return compiled(3, 12, ALIASES)


ALIASES = """
type Alias[T: int] = list[T]
type Plain = dict[str, int]
Plain.__value__
def generic[T, *Ts, **P](x: T) -> T: return x
class Generic[K, V: (int, str)]: pass
bound = Generic[int, str]
"""
