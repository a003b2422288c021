"""A service with a heap of a known mix, which the benchmark examines.

Started with the number of customers to hold, and of tickets that nobody else refers to. Writes one line of JSON when it is ready, then
answers each line that it reads with one line of JSON, and ends when stdin is closed:

* `gaps`: the heartbeat's longest gap since this was last asked, and how long it stood still
  in all, in seconds.
* `census`: how many objects the collector tracks, and how many modules are loaded.
* `fork`: the seconds that `os.fork()` took.
* `heapy`: what guppy3 takes for its table and its paths, in this process.
* `work`: a small request: some customers are looked up, and some objects made.
* `analysis`: what guppy3 takes for its other answers.
"""

import gc
import json
import os
import sys
import threading
import time
from dataclasses import dataclass


class Customer:
    """Has a `__dict__`."""

    def __init__(self, number):
        self.name = f"customer {number}"
        self.balance = number * 1.25


class Ticket:
    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


class Position:
    """Has slots."""

    __slots__ = ("sku", "amount", "price")

    def __init__(self, sku, amount, price):
        self.sku = sku
        self.amount = amount
        self.price = price


@dataclass
class Order:
    number: int
    customer: Customer
    positions: list
    tags: set
    notes: dict
    period: tuple
    receipt: bytes


class Beacon:
    """The rare object: there is one, behind a few references."""


class Route:
    def __init__(self, beacon):
        self.stops = ["start", {"signals": (None, beacon)}]


class Heartbeat:
    """Beats every millisecond, and remembers when it did not."""

    STILL = 0.005

    def __init__(self):
        self.longest = 0.0
        self.still = 0.0
        self.beats = 0
        threading.Thread(target=self.beat, name="heartbeat", daemon=True).start()

    def beat(self):
        last = time.perf_counter()
        while True:
            time.sleep(0.001)
            now = time.perf_counter()
            gap = now - last
            last = now
            if gap > self.longest:
                self.longest = gap
            if gap > self.STILL:
                self.still += gap
            self.beats += 1

    def take(self):
        """The longest gap since the last call, and the sum of all long ones."""
        # A gap is known when it is over: the heart must have beaten once more.
        seen = self.beats
        while self.beats < seen + 2:
            time.sleep(0.001)
        gaps = {"longest": self.longest, "still": self.still}
        self.longest = self.still = 0.0
        return gaps


CUSTOMERS = {}
ORDERS = []
TICKETS = []
ROUTES = {"coast": Route(Beacon())}


def fill(customers):
    for n in range(customers):
        customer = Customer(n)
        CUSTOMERS[customer.name] = customer
        number = 1_000_000 + n
        positions = [
            Position("hull", number, n * 0.5),
            Position("mast", number, n * 0.75),
        ]
        ORDERS.append(
            Order(
                number=number,
                customer=customer,
                positions=positions,
                tags={f"tag {n}", "paid"},
                notes={"channel": f"channel {n}"},
                period=(n + 0.25, n + 0.5),
                receipt=b"receipt %d" % n,
            )
        )


def census():
    return {"objects": len(gc.get_objects()), "modules": len(sys.modules)}


def time_of_fork():
    """How long the parent is in `os.fork()`; the child ends at once."""
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(0)
    seconds = time.perf_counter() - begun
    os.waitpid(child, 0)
    return seconds


def heapy(heartbeat):
    # guppy3 and all that it imports shall come in when it is asked for, not earlier.
    import heapy

    return heapy.measure(Beacon, heartbeat)


def work():
    orders = ORDERS[:200]
    answer = [{"number": order.number, "name": order.customer.name} for order in orders]
    return len(json.dumps(answer))


def analysis():
    import heapy

    return heapy.analyse(Order, Ticket)


def say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def serve(heartbeat):
    say("ready")
    for line in sys.stdin:
        word = line.strip()
        if word == "gaps":
            say(heartbeat.take())
        elif word == "census":
            say(census())
        elif word == "fork":
            say(time_of_fork())
        elif word == "heapy":
            say(heapy(heartbeat))
        elif word == "work":
            say(work())
        elif word == "analysis":
            say(analysis())
        else:
            say({"error": f"no such command: {word}"})


if __name__ == "__main__":
    # Collections while the heap grows would only make the start slow.
    gc.disable()
    fill(int(sys.argv[1]))
    TICKETS.extend(Ticket(n % 100) for n in range(int(sys.argv[2])))
    gc.enable()
    gc.collect()
    serve(Heartbeat())
