# What the other files use. Only modules that every interpreter has loaded before it runs anything.

import builtins
import posix
import sys
import _signal
import _thread


class Missing:
    """There was nothing, not even None."""

    __slots__ = ("place",)


MISSING = Missing()


class Alarm:
    """Asked from outside whether it is true, where a thread looks for calls to make while it waits for a
    lock: there it would not see that it is interrupted."""

    def __bool__(self):
        raise KeyboardInterrupt


ALARM = Alarm()


def original_of(module, name):
    """A function of `_thread`, also where gevent or eventlet have put theirs in its place: a thread
    that they start is none."""
    saved = getattr(sys.modules.get("gevent.monkey"), "saved", {})
    found = saved.get(module.__name__, {}).get(name)
    if found is None:
        eventlet = sys.modules.get("__original_module_" + module.__name__)
        found = getattr(eventlet, name, None)
    return found or getattr(module, name)


get_ident = original_of(_thread, "get_ident")
allocate_lock = original_of(_thread, "allocate_lock")
start_new_thread = original_of(_thread, "start_new_thread")
stack_size = original_of(_thread, "stack_size")
get_native_id = _thread.get_native_id
