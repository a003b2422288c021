"""Objects of an extension module whose `tp_traverse` functions are good and bad.

Takes the folder with `native_zoo`. The greeting has the addresses of `holder`, `slotted` and
`leaving`, those of all instances of each type in `bad`, how `many` holders there are beside,
and objects that were `leaked`; of each name in `shown` those of an object with getters and of
what is in its fields; and two modules called `_csv`: the `original` and its `namesake`. `heard` is
answered with what came out of the pipe that the type Speaking writes to; `touch` changes the
reference count of every object that the collector tracks.

With a number as second argument there are so many holders, and no bad objects.
"""

import _csv
import gc
import os
import sys

import protocol

sys.path.insert(0, sys.argv[1])
import native_zoo  # noqa: E402


# The collector of this process would call the bad ones too.
gc.disable()


class Marker:
    """What is to be found."""


class Leaked:
    """What nobody holds, but its reference count."""


class Slotted(native_zoo.Holder):
    """A class with what Python adds: slots and a dictionary."""

    __slots__ = ("slot", "__dict__")


class Derived(native_zoo.Shown):
    """A class of objects whose getters are those of its base."""


BAD = ("Crashing", "Hanging", "Nonsense", "Speaking")
LEAKS = 1000

reading, writing = os.pipe()
os.set_blocking(reading, False)
native_zoo.speak_to(writing)

holder = native_zoo.Holder(Marker(), Marker(), Marker())
holder.label = Marker()
slotted = Slotted(None, Marker())
slotted.slot = Marker()
slotted.other = Marker()
leaving = native_zoo.Leaving("a text that nobody else holds %d" % os.getpid())
text = "a text with a getter %d" % os.getpid()
twin = Marker()
fields = {
    "plain": (native_zoo.Shown, Marker(), Marker(), Marker(), text),
    "other": (native_zoo.Shown, Marker(), Marker(), Marker()),
    "of nothing": (native_zoo.Shown, None, None, None),
    "twice the same": (native_zoo.Shown, twin, twin, Marker()),
    "derived": (Derived, Marker(), Marker(), Marker()),
    "failing": (native_zoo.FailingToShow, Marker()),
    "hanging": (native_zoo.HangingToShow, Marker()),
    "changing": (native_zoo.Changing, Marker(), Marker(), Marker()),
}
if len(sys.argv) > 2:
    del fields["hanging"], fields["failing"]
shown = {name: make(*rest) for name, (make, *rest) in fields.items()}
fields = {name: list(map(id, rest)) for name, (make, *rest) in fields.items()}
del text, twin
count = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
namesake = native_zoo.namesake(Marker())
each = 0 if len(sys.argv) > 2 else 5
bad = {name: [getattr(native_zoo, name)(Marker()) for _ in range(each)] for name in BAD}
many = [native_zoo.Holder(None, Marker()) for _ in range(count)]
for _ in range(LEAKS):
    native_zoo.leak(Leaked())


def heard(_):
    try:
        return os.read(reading, 100).decode()
    except BlockingIOError:
        return ""


protocol.serve(
    {
        "holder": id(holder),
        "slotted": id(slotted),
        "leaving": id(leaving),
        "bad": {name: list(map(id, items)) for name, items in bad.items()},
        "many": len(many),
        "shown": {name: [id(one), *fields[name]] for name, one in shown.items()},
        "leaked": LEAKS,
        "original": id(_csv),
        "namesake": id(namesake),
    },
    {"heard": heard, "touch": lambda _: len(gc.get_objects())},
)
# Without the last collection.
os._exit(0)
