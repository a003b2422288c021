"""Objects of each generation of the garbage collector.

The greeting has the addresses of some that stay where `gc.get_objects` lists them, by
generation, and of some that are frozen.
"""

import gc

import protocol


def some():
    return [[i] for i in range(100)]


gc.disable()
frozen = some()
gc.freeze()
old = some()
gc.collect()
middle = some()
gc.collect(0)
young = some()
ours = {id(one) for one in old + middle + young}
# Free-threaded builds have no generations, and list all objects in each.
listed = [[id(one) for one in gc.get_objects(i) if id(one) in ours] for i in range(3)]
protocol.serve({"listed": listed, "frozen": [id(one) for one in frozen]}, {})
