# What the garbage collector is set to, and what it has done.
#
# Collects nothing. Prints whether it is enabled, its thresholds and counts, the collections of each
# generation so far, how many objects it tracks and how many are frozen, its callbacks, and what is
# in gc.garbage.
import gc

print("enabled:", gc.isenabled())
print("thresholds:", *gc.get_threshold())
print("counts:", *gc.get_count())
print("debug flags:", gc.get_debug())
for number, one in enumerate(gc.get_stats()):
    print("generation %d: %d collections, %d collected, %d uncollectable" % (
        number, one["collections"], one["collected"], one["uncollectable"]))
print("tracked objects:", len(gc.get_objects()))
print("frozen objects:", gc.get_freeze_count())
print("callbacks:", len(gc.callbacks))
for callback in gc.callbacks:
    print("  %s.%s" % (getattr(callback, "__module__", "?"), getattr(callback, "__qualname__", repr(callback))))
print("garbage:", len(gc.garbage))
for one in gc.garbage[:20]:
    print("  a %s at %#x" % (type(one).__qualname__, id(one)))
