# What awaits runs on the event loop of another thread if one runs, else on a new one.


def running_loop(in_place):
    """The event loop of another thread, or None: of the oldest that has one, which is the main thread
    where that has one. Of a loop that has no frames it can't be told in which thread it runs, and in
    place, which all copies are, it may be this one, that waits for the code to end."""
    if "asyncio" not in sys.modules:
        return None
    own = get_ident()
    # The newest comes first; without this thread, whose frame would keep itself.
    frames = [frame for ident, frame in sys._current_frames().items() if ident != own][::-1]
    found = [loop_in_frames(frame) for frame in frames]
    seen = [loop for loop in found if loop is not None]
    if not in_place and (not found or found[0] is None):
        for loop in loops_without_frames():
            if loop not in seen and is_running_loop(loop):
                return loop
    return seen[0] if seen else None


def loop_in_frames(frame):
    depth = 0
    while frame is not None and depth < 1000:
        if frame.f_code.co_name in ("run_forever", "run_until_complete", "_run_once"):
            loop = frame.f_locals.get("self")
            if is_running_loop(loop):
                return loop
        frame, depth = frame.f_back, depth + 1
    return None


def is_running_loop(loop):
    try:
        return loop.is_running() and callable(loop.call_soon_threadsafe)
    except Exception:
        return False


def loops_without_frames():
    """Those of C, such as uvloop's: the collector knows them."""
    base = getattr(sys.modules.get("asyncio.events"), "AbstractEventLoop", None)
    loaded = "gc" in sys.modules
    import gc

    if not loaded:
        sys.modules.pop("gc", None)
    if base is None:
        return []
    return [one for one in gc.get_objects() if issubclass(type(one), base)]


def runs_here():
    """Whether the thread that runs this is in a loop, which waits for it."""
    current = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
    return current is not None and current() is not None


def wait_for(session, coroutine):
    if runs_here():
        coroutine.close()
        raise RuntimeError("the event loop of this thread waits until this code is done; use --thread new")
    # That of the last time, as long as it runs: to look for one can mean to look at all objects.
    if not is_running_loop(session.loop):
        session.loop = running_loop(session.in_place)
    import asyncio

    if session.loop is None:
        return asyncio.run(coroutine)
    session.awaits = True
    future = asyncio.run_coroutine_threadsafe(coroutine, session.loop)
    try:
        # Taken until there is an answer, or output of the coroutine. Nothing that interrupts this
        # thread wakes it from here, so it looks by itself from time to time.
        future.add_done_callback(lambda _: session.wake())
        while not future.done():
            session.bell.acquire(True, 0.05)
            session.emit_foreign()
        return future.result()
    except BaseException:
        future.cancel()
        raise
    finally:
        session.awaits = False
        session.emit_foreign()
