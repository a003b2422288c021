"""Takes the time of guppy3, in the process that it examines."""

import time

RESET_PEAK = "5"


def measure(rare, heartbeat):
    """Seconds, gaps and peak memory of `heap()`, of its table and of its paths.

    Peaks are bytes above what the process held before the first of them.
    """
    before = resident()
    results = {}

    def step(name, work):
        heartbeat.take()
        with open("/proc/self/clear_refs", "w") as file:
            file.write(RESET_PEAK)
        begun = time.perf_counter()
        result = work()
        wall = time.perf_counter() - begun
        peak = status("VmHWM") - before
        results[name] = {"wall": wall, "gaps": heartbeat.take(), "peak": peak}
        return result

    def heap():
        from guppy import hpy

        hp = hpy()
        return hp, hp.heap()

    hp, everything = step("heap", heap)
    table = step("table", lambda: str(everything))
    paths = step("paths", lambda: str((everything & hp.Type(rare)).shpaths))
    return {"steps": results, "table": table, "paths": paths}


def analyse(order, ticket):
    """Seconds for each question, asked of a heap that is there already."""
    from guppy import hpy

    hp = hpy()
    everything = hp.heap()
    results = {}

    def ask(name, work):
        begun = time.perf_counter()
        result = work()
        results[name] = time.perf_counter() - begun
        return result

    rows = ask("domisize", lambda: [everything[row].domisize for row in range(everything.partition.numrows)])
    results["rows"] = len(rows)
    ask("byrcs", lambda: str(everything.byrcs))
    ask("rp", lambda: str((everything & hp.Type(order)).rp))
    ask("shpaths", lambda: str((everything & hp.Type(ticket)).shpaths))
    return results


def resident():
    return status("VmRSS")


def status(field):
    """A field of `/proc/self/status`, in bytes."""
    with open("/proc/self/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024
    raise LookupError(field)
