"""A Ray actor that works with pandas, numpy and pyarrow, and reports of itself.

Takes the folder with the packages, and one for Ray's files. Runs as the first process of namespaces of its own, so that all
that Ray starts ends with it, and Ray, which listens on every address, has only a loopback.
The greeting has `worker`, the number of the actor's process, and `versions`.

`report PATH` has the actor fork a child that reports, as in the program `oracle`; the answer is
what the child found. Until `release`, the actor's thread waits in one system call that keeps the
GIL: Ray's own threads run on, but nothing runs Python, so that the process is what the child has
seen. `release` answers how many orders the actor has taken.
"""

import fcntl
import json
import os
import socket
import struct
import sys

import protocol

PACKAGES, FOLDER = sys.argv[1:]
PROGRAMS = os.path.dirname(os.path.abspath(__file__))
BATCHES = 5
ORDERS = 2000

# For this process, and for those that Ray starts.
sys.path.insert(0, PACKAGES)
os.environ["PYTHONPATH"] = PACKAGES
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# Nobody else is in this network, and a token would be kept in the user's home.
os.environ["RAY_AUTH_MODE"] = "disabled"
import numpy  # noqa: E402
import pandas  # noqa: E402
import pyarrow  # noqa: E402
import ray  # noqa: E402


class Desk:
    """Takes orders and keeps what a service keeps: tables, indices, caches, statistics."""

    def __init__(self, programs):
        import collections
        import logging
        import threading

        self.programs = programs
        self.batches = []
        self.tables = []
        self.arrays = []
        self.recent = collections.deque(maxlen=100)
        self.by_customer = collections.defaultdict(list)
        self.failures = []
        self.log = logging.getLogger("desk")
        self.wake = threading.Event()
        self.taken = 0
        threading.Thread(target=self.wake.wait, name="sweeper", daemon=True).start()

    def pid(self):
        return os.getpid()

    def take(self, orders, weights):
        """One batch: a frame that was passed by value, an array out of Ray's shared memory."""
        import io
        from decimal import Decimal

        import numpy
        import pandas
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet

        orders["total"] = orders["price"] * orders["count"]
        orders["exact"] = [Decimal(str(price)) for price in orders["price"]]
        orders["city"] = orders["city"].astype("category")
        by_day = orders.set_index("day")["total"].resample("D").sum()
        by_city = orders.groupby("city", observed=True)["total"].agg(["sum", "mean"])
        lookup = orders.set_index("customer").sort_index()
        assert len(lookup.loc["customer 7"])
        wide = orders.pivot_table(index="day", columns="city", values="total", observed=True)
        multi = orders.groupby(["city", "customer"], observed=True)["count"].sum()
        self.batches.append((orders, by_day, by_city, lookup, wide, multi))

        table = pyarrow.Table.from_pandas(orders[["customer", "price", "note"]])
        encoded = table.column("customer").dictionary_encode()
        large = pyarrow.compute.filter(table, pyarrow.compute.greater(table["price"], 50))
        file = io.BytesIO()
        pyarrow.parquet.write_table(table, file)
        again = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(file.getvalue()))
        self.tables.append((table, encoded, large.to_batches(), again, again.schema_arrow))
        self.tables.append((pandas.ArrowDtype(pyarrow.string()), large.to_pandas()))

        self.arrays.append((weights, weights[::2], weights.reshape(-1, 10).T, memoryview(weights)))
        objects = numpy.array(orders["exact"], dtype=object)
        record = numpy.zeros(10, dtype=[("who", object), ("count", "i4")])
        record["who"] = objects[:10]
        self.arrays.append((objects, objects[5:], record, numpy.random.default_rng(self.taken)))

        for row in orders.itertuples():
            self.by_customer[row.customer].append(row)
            self.recent.append({"customer": row.customer, "total": row.total})
        try:
            lookup.loc["nobody"]
        except KeyError as error:
            self.failures.append(error)
        self.taken += len(orders)
        return self.taken

    def keep(self, references):
        """References to objects in Ray's store: one that is fetched, one that is not."""
        import ray

        self.references = references
        self.fetched = ray.get(references[0])
        self.stored = ray.put({"batch": self.taken, "weights": self.arrays[0][0]})

    def report(self, path, said, gate):
        import ctypes
        import gc
        import json
        import sys

        sys.path.append(self.programs)
        import oracle

        def say(answer):
            with open(said, "w") as file:
                json.dump(answer, file)

        flock = ctypes.PyDLL(None).flock
        arguments = (os.open(gate, os.O_RDWR), 2)
        gc.collect()
        gc.disable()
        if oracle.fork() == 0:
            oracle.report_and_exit(path, say)
        # Whoever holds the lock is the gate. The call makes no object: the tuple is there.
        flock(*arguments)
        gc.enable()
        return self.taken


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        set_flags, up = 0x8914, 1
        fcntl.ioctl(one, set_flags, struct.pack("16sH14x", b"lo", up))


def orders(batch):
    numbers = numpy.arange(ORDERS)
    return pandas.DataFrame(
        {
            "customer": [f"customer {number % 97}" for number in numbers],
            "city": numpy.array(["Lund", "Oulu", "Bergen"])[numbers % 3],
            "day": pandas.Timestamp("2024-01-01") + pandas.to_timedelta(numbers % 30, unit="D"),
            "price": (numbers * 7 % 1000) / 10,
            "count": numbers % 5,
            "note": [None if number % 3 else f"note {batch}/{number}" for number in numbers],
        }
    )


def main():
    loopback_up()
    ray.init(
        num_cpus=1,
        include_dashboard=False,
        object_store_memory=100 << 20,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        _temp_dir=FOLDER,
    )
    desk = ray.remote(Desk).remote(PROGRAMS)
    for batch in range(BATCHES):
        weights = ray.put(numpy.linspace(0, 1, 100_000))
        ray.get(desk.take.remote(orders(batch), weights))
    kept = [ray.put(list(range(100))), ray.put(numpy.zeros(1000))]
    ray.get(desk.keep.remote(kept))

    gate = os.open(os.path.join(FOLDER, "gate"), os.O_RDWR | os.O_CREAT)
    reporting = []

    def report(path):
        fcntl.flock(gate, fcntl.LOCK_EX)
        said = os.path.join(FOLDER, "said")
        os.mkfifo(said)
        reporting.append(desk.report.remote(path, said, os.path.join(FOLDER, "gate")))
        with open(said) as file:
            return json.load(file)

    def release(_):
        fcntl.flock(gate, fcntl.LOCK_UN)
        return ray.get(reporting.pop())

    versions = {one.__name__: one.__version__ for one in (ray, pandas, numpy, pyarrow)}
    greeting = {"worker": ray.get(desk.pid.remote()), "versions": versions}
    protocol.serve(greeting, {"report": report, "release": release})
    ray.shutdown()


main()
