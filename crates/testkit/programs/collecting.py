"""A process whose collector is at work when it is told to be.

`often` collects again and again on a thread, with a short rest after each time. `stay` begins a
collection that does not end until `end`.
"""

import gc
import os
import sys
import threading
import time

import protocol


class Node:
    pass


gc.disable()
nodes = [Node() for _ in range(int(sys.argv[1]))]
ready, begun = os.pipe()
waiting, going_on = os.pipe()


def stand_still(phase, _):
    """Called by the collector, which counts as running meanwhile."""
    if phase == "start":
        os.write(begun, b".")
        os.read(waiting, 1)


def collect_often():
    while True:
        gc.collect()
        time.sleep(0.01)


def often(_):
    threading.Thread(target=collect_often, daemon=True).start()
    return len(gc.get_objects())


def stay(_):
    gc.callbacks.append(stand_still)
    threading.Thread(target=gc.collect, daemon=True).start()
    os.read(ready, 1)


def end(_):
    gc.callbacks.clear()
    os.write(going_on, b".")


protocol.serve({"nodes": len(nodes)}, {"often": often, "stay": stay, "end": end})
