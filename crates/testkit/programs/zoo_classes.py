"""Classes, their instances, descriptors and functions."""

import abc
import collections
import dataclasses
import enum
import threading
import types
import typing
import weakref

from zoo_since import since


class Plain:
    pass


class Slotted:
    __slots__ = ("a", "b", "__weakref__")


class SlottedChild(Slotted):
    __slots__ = ("c",)


class SlottedWithDict(Slotted):
    pass


class DictOnly:
    __slots__ = ("__dict__",)


class WeakOnly:
    __slots__ = ("__weakref__",)


class Empty:
    __slots__ = ()


class Left:
    pass


class Right:
    pass


class Diamond(Left, Right):
    pass


class Meta(type):
    def __new__(mcls, name, bases, space, **options):
        cls = super().__new__(mcls, name, bases, space)
        cls.options = options
        return cls


class WithMeta(metaclass=Meta, option=[1]):
    pass


class Abstract(abc.ABC):
    @abc.abstractmethod
    def work(self):
        pass


class Concrete(Abstract):
    def work(self):
        return super().work()


@Abstract.register
class Virtual:
    pass


@typing.runtime_checkable
class Protocol(typing.Protocol):
    def work(self): ...


class Hooked:
    def __init_subclass__(cls, **options):
        cls.hooked = options

    def __class_getitem__(cls, item):
        return since(3, 9, lambda: types.GenericAlias(cls, item))

    def __set_name__(self, owner, name):
        self.owner = owner


class HookedChild(Hooked, key=[2]):
    attribute = Hooked()


class Data(typing.NamedTuple):
    x: list
    y: int = 3


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Record:
    a: list = dataclasses.field(default_factory=list)
    b: object = None


@dataclasses.dataclass(frozen=True, order=True, **since(3, 10, lambda: {"slots": True}) or {})
class Compact:
    a: int = 1
    b: tuple = ()


class Colour(enum.Enum):
    RED = 1
    GREEN = [2]


class Bits(enum.Flag):
    ONE = 1
    TWO = 2


class Level(enum.IntEnum):
    LOW = 1


Name = since(3, 11, lambda: enum.StrEnum("Name", [("FIRST", "first")]))


class Local(threading.local):
    def __init__(self, value):
        self.value = value


class Descriptors:
    """Every descriptor that a class body can hold."""

    def __init__(self):
        self._value = [1]

    @property
    def value(self):
        """Documented."""
        return self._value

    @value.setter
    def value(self, value):
        self._value = value

    @staticmethod
    def static(x=[1]):
        return x

    @classmethod
    def made(cls, *, key={"k": 1}):
        return cls

    @types.DynamicClassAttribute
    def dynamic(self):
        return 1


def make_instances():
    inline = Plain()
    inline.a, inline.b = [1], object()
    materialised = Plain()
    materialised.a, materialised.b = [1], object()
    vars(materialised)["c"] = object()
    viewed = Plain()
    viewed.a = [1]
    view = vars(viewed)
    many = Plain()
    for index in range(60):
        setattr(many, f"attribute_{index}", [index])
    deleted = Plain()
    deleted.a, deleted.b, deleted.c = [1], [2], [3]
    del deleted.b
    emptied = Plain()
    emptied.a = object()
    del emptied.a
    replaced = Plain()
    replaced.a = object()
    replaced.__dict__ = {"other": object()}
    cleared = Plain()
    cleared.a = [1]
    cleared.__dict__.clear()
    cleared.z = [2]
    odd = Plain()
    vars(odd)[5] = object()
    slotted = Slotted()
    slotted.a = [1]
    child = SlottedChild()
    child.a, child.c = object(), [2]
    mixed = SlottedWithDict()
    mixed.a, mixed.free = [1], [2]
    referenced = WeakOnly()
    both = DictOnly()
    both.x = object()
    shared = {"shared": []}
    borg = [Left(), Left()]
    for one in borg:
        one.__dict__ = shared
    return [
        inline, materialised, viewed, view, many, deleted, emptied, replaced, cleared, odd,
        Plain(), slotted, Slotted(), child, mixed, referenced, weakref.ref(referenced), both,
        borg[0], Empty(), Diamond(), WithMeta(), Concrete(), Virtual(), Hooked(), HookedChild(),
        object(), types.SimpleNamespace(a=[1], b=object()), Local([3]), [Plain() for _ in "abc"],
    ]  # fmt: skip


def make_keys_shared():
    """Instances that share their keys, some of which went their own way."""
    made = []
    for index in range(50):
        one = Right()
        one.first = [index]
        one.second = index
        if index % 7 == 0:
            one.third = object()
        if index % 10 == 0:
            del one.first
        if index % 11 == 0:
            vars(one)
        made.append(one)
    return made


def make_records():
    record = Record([1])
    record.extra = object()
    return [
        Data([1]), Point(object(), [2]), record, Record(), Compact(), Compact(5, ([],)),
        list(Colour), Bits.ONE | Bits.TWO, Level.LOW, Name and Name.FIRST,
    ]  # fmt: skip


def make_classes():
    """Classes made at run time, also some whose base went away, and many of one base."""

    def local(name, *bases, **space):
        return type(name, bases, space)

    base = local("Base", key=[1])
    children = [local(f"Child{index}", base) for index in range(20)]
    del children[5]
    swapped = children[0]()
    swapped.x = object()
    swapped.__class__ = children[1]
    odd = local("Odd", base, __slots__=("__hidden", "other"), __doc__="text", __module__="odd")
    one = odd()
    one.other = [one]
    annotated = local("Annotated", __annotations__={"x": int})
    return [base, children, swapped, odd, one, annotated, local("", Exception), type("Ω", (), {})]


def make_functions():
    cell = [1]

    def closure(a, b=[2], *args, key={"k": 1}, **options) -> list:
        return cell, a

    closure.attribute = object()
    unset = unset_cell()
    built = types.FunctionType(closure.__code__, {"__builtins__": {}}, "built", None, closure.__closure__)
    return [
        closure, unset, built, lambda x=object(): x, types.CellType([3]), types.CellType(),
        closure.__code__, compile("x = [1, (2, 'three')]", "<made>", "exec"),
        closure.__code__.replace(co_name="renamed"), types.MethodType(closure, [1]),
        Descriptors().made, Descriptors.made, Descriptors.static, Descriptors().__init__,
    ]  # fmt: skip


def unset_cell():
    def inner():
        return later

    return inner
    later = 1


def make_descriptors():
    prop = Descriptors.__dict__["value"]
    return [
        Descriptors(), prop, property(), Property(len), dict(Descriptors.__dict__),
        staticmethod(object()), classmethod([1]), super(Concrete, Concrete()), super(Concrete),
        [].append, "".join, len, [].__len__, (1).__add__, list.__len__, list.append, dict.fromkeys,
        object.__init__, type.__call__, Slotted.a, types.FunctionType.__code__,
        types.FunctionType.__globals__, int.__add__.__get__(5), Plain.__dict__["__weakref__"],
        Plain.__init_subclass__, Plain.__subclasshook__, object.__new__, Plain().__init__,
    ]  # fmt: skip


class Property(property):
    pass


def make_references():
    target = Plain()
    other = Slotted()
    values = weakref.WeakValueDictionary(a=target)
    keys = weakref.WeakKeyDictionary({target: [1]})
    both = weakref.WeakSet([target, other])
    dead = weakref.ref(Plain())
    return [
        target, other, weakref.ref(target), weakref.ref(target, print), weakref.proxy(other),
        weakref.proxy(len), weakref.proxy(other, print), weakref.WeakMethod(Descriptors().made),
        weakref.finalize(target, print, [1]), values, keys, both, dead, Reference(target),
    ]  # fmt: skip


class Reference(weakref.ref):
    """A weak reference with attributes."""

    note = None


def make_modules():
    bare = types.ModuleType("bare")
    bare.content = object()
    cleared = types.ModuleType("cleared", "doc")
    cleared.__dict__.clear()
    return [bare, cleared, ModuleChild("child")]


class ModuleChild(types.ModuleType):
    pass
