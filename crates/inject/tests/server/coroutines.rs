//! `await` at the top level.

use crate::harness::{Typist, exception, open, open_with, raised, typed, with_each};
use anyhow::{Result, ensure};
use exuvia_inject::{Begin, Place};

const AWAITS: &str = "
async def where():
    import threading
    print('printed by the coroutine')
    await asyncio.sleep(0)
    return threading.current_thread().name, asyncio.get_event_loop() is globals().get('loop')
";

#[test]
fn what_awaits_runs_on_the_loop_of_the_program() -> Result<()> {
    with_each(|target, _| {
        assert_eq!(target.ask("loop")?, "looping");
        let mut session = open(target)?;
        typed(&mut session, AWAITS)?;
        let said = typed(&mut session, "await where()")?;
        assert_eq!(said, "printed by the coroutine\n('loop', True)\n");
        assert_eq!(typed(&mut session, "_[0]")?, "'loop'\n");
        let error = raised(
            &mut session,
            "await asyncio.wait_for(asyncio.sleep(100), 0.01)",
        )?;
        ensure!(error.kind.ends_with("TimeoutError"), "{error:?}");
        assert_eq!(typed(&mut session, "1")?, "1\n");
        Ok(())
    })
}

#[test]
fn a_loop_that_no_frame_shows_is_found() -> Result<()> {
    with_each(|target, _| {
        assert_eq!(target.ask("frameless-loop")?, "looping");
        let mut session = open(target)?;
        typed(&mut session, AWAITS)?;
        let said = typed(&mut session, "await where()")?;
        assert_eq!(said, "printed by the coroutine\n('loop', True)\n");
        drop(session);
        // It may be that of the very thread that runs the code, and would wait for it.
        let mut session = open_with(target, Place::Here, &Begin::default())?;
        let said = typed(&mut session, "(await where())[1]")?;
        assert_eq!(said, "printed by the coroutine\nFalse\n");
        Ok(())
    })
}

/// As in a Jupyter kernel, whose other threads have loops of their own.
#[test]
fn of_many_loops_it_is_that_of_the_oldest_thread() -> Result<()> {
    with_each(|target, _| {
        target.ask("loop")?;
        target.ask("loop newer")?;
        let mut session = open(target)?;
        typed(&mut session, AWAITS)?;
        let said = typed(&mut session, "await where()")?;
        assert_eq!(said, "printed by the coroutine\n('loop', True)\n");
        Ok(())
    })
}

/// As a server on uvloop with a thread that has a loop of asyncio.
#[test]
fn a_loop_in_a_newer_thread_does_not_hide_one_without_frames() -> Result<()> {
    with_each(|target, _| {
        target.ask("frameless-loop")?;
        target.ask("loop newer")?;
        let mut session = open(target)?;
        typed(&mut session, AWAITS)?;
        for _ in 0..2 {
            let said = typed(&mut session, "await where()")?;
            assert_eq!(said, "printed by the coroutine\n('loop', True)\n");
        }
        Ok(())
    })
}

#[test]
fn what_a_task_prints_while_nothing_is_awaited() -> Result<()> {
    with_each(|target, _| {
        target.ask("loop")?;
        let mut session = open(target)?;
        let text = "
import sys, threading
async def begin():
    global go_on, task, said
    go_on, said = asyncio.Event(), threading.Event()
    async def later():
        await go_on.wait()
        print('later')
        said.set()
        go_on.clear()
        await go_on.wait()
        # As much as may wait, and a bit more, which goes where the program's own output goes.
        sys.stdout.write('m' * (4 << 20))
        sys.stdout.write('\"more\"\\n')
        sys.stdout.flush()
        said.set()
    task = asyncio.ensure_future(later())
";
        typed(&mut session, text)?;
        typed(&mut session, "await begin()")?;
        let text = "_ = loop.call_soon_threadsafe(go_on.set); said.wait()";
        assert_eq!(typed(&mut session, text)?, "True\nlater\n");
        let text = "said.clear(); _ = loop.call_soon_threadsafe(go_on.set); said.wait()";
        let printed = typed(&mut session, text)?;
        assert_eq!(printed.len(), (4 << 20) + "True\n".len());
        assert_eq!(target.answer()?, "more");
        Ok(())
    })
}

#[test]
fn without_a_loop_there_is_one_for_the_code() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        typed(&mut session, AWAITS)?;
        let said = typed(&mut session, "(await where())[1]")?;
        assert_eq!(said, "printed by the coroutine\nFalse\n");
        Ok(())
    })
}

#[test]
fn an_interrupt_cancels_what_is_awaited() -> Result<()> {
    with_each(|target, _| {
        target.ask("loop")?;
        let mut session = open(target)?;
        let text = "
cancelled = []
async def wait():
    try:
        print('waiting')
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        cancelled.append(1)
        raise
";
        typed(&mut session, text)?;
        let mut typist = Typist {
            interrupt_at: Some("waiting"),
            ..Typist::default()
        };
        let outcome = session.statements(b"await wait()", &mut typist)?;
        assert_eq!(exception(outcome)?.kind, "KeyboardInterrupt");
        assert_eq!(
            typed(&mut session, "await asyncio.sleep(0); cancelled")?,
            "[1]\n"
        );
        Ok(())
    })
}

#[test]
fn the_main_thread_serves_as_well() -> Result<()> {
    with_each(|target, _| {
        let mut session = open_with(target, Place::Here, &Begin::default())?;
        let text = "import threading; threading.current_thread() is threading.main_thread()";
        assert_eq!(typed(&mut session, text)?, "True\n");
        let text = "await asyncio.sleep(0, 'slept')";
        assert_eq!(typed(&mut session, text)?, "'slept'\n");
        Ok(())
    })
}
