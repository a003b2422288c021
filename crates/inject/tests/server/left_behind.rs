//! A target is the same before and after a session.

use crate::harness::{
    Typist, attach, command, completed, exception, open, open_with, raised, typed, with_each,
};
use anyhow::{Context, Result, ensure};
use exuvia_inject::{Begin, Namespace, Outcome, Place, Program};
use exuvia_testkit::{ServingAtRest, Target};
use std::fs::File;
use std::thread;

#[test]
fn nothing_is_left_of_a_session() -> Result<()> {
    with_each(|target, _| {
        for place in [Place::NewThread, Place::Here] {
            // What the first one loads, such as codecs, a program has loaded by then.
            use_everything(target, place)?;
            let before = ServingAtRest::of(target)?;
            use_everything(target, place)?;
            before.assert_again(target)?;
        }
        Ok(())
    })
}

#[test]
fn the_first_session_loads_nothing() -> Result<()> {
    with_each(|target, _| {
        let before = ServingAtRest::of(target)?;
        let mut session = open_with(target, Place::NewThread, &Begin::default())?;
        assert_eq!(typed(&mut session, "1 + 1; print('x')")?, "2\nx\n");
        completed(&mut session, "account.ow")?;
        session.is_complete("if x:", &mut Typist::default())?;
        let program = Program {
            fresh: true,
            ..command(b"print(1)")
        };
        session.exec(&program, &mut Typist::default())?;
        raised(&mut session, "1 / 0")?;
        drop(session);
        before.assert_again(target)
    })
}

#[test]
fn nothing_is_left_of_a_session_that_was_cut_off() -> Result<()> {
    with_each(|target, _| {
        use_everything(target, Place::NewThread)?;
        let before = ServingAtRest::of(target)?;
        // Before it has said a word, and after.
        drop(attach(target, Place::NewThread)?);
        let begin = Begin::default();
        drop(open_with(target, Place::NewThread, &begin)?);
        before.assert_again(target)
    })
}

/// Lets a `KeyboardInterrupt` come before one of the instructions that put everything back; tells
/// whether the last one came.
const ARM: &str = "
import sys
def arm(moment):
    came, instructions = arm.came, iter(range(moment))
    def trace(frame, event, _):
        frame.f_trace_opcodes = arm.ends = arm.ends or frame.f_code.co_name == 'end'
        if event == 'opcode' and next(instructions, None) is None:
            arm.came = True
            raise KeyboardInterrupt
        return trace
    arm.ends = arm.came = False
    sys.settrace(trace)
    return came
arm.came = True
";

#[test]
fn nothing_is_left_of_a_session_whose_end_is_interrupted() -> Result<()> {
    with_each(|target, _| {
        typed(&mut open(target)?, ARM)?;
        let before = ServingAtRest::of(target)?;
        // Not each: a session and a look at the whole program take some milliseconds.
        for moment in (0..).step_by(59) {
            let came = typed(&mut open(target)?, &format!("arm({moment})"))?;
            before
                .assert_again(target)
                .with_context(|| format!("moment {moment}"))?;
            if came == "False\n" {
                break;
            }
        }
        Ok(())
    })
}

/// The one that began later ends later, and must not put back what the other has put there.
#[test]
fn nothing_is_left_of_two_sessions_at_a_time() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let text = "
import sys, threading, time
began, go_on, is_over, ident = threading.Event(), threading.Event(), threading.Event(), None
";
        typed(&mut session, text)?;
        drop(session);
        let before = ServingAtRest::of(target)?;
        let [mut first, mut second, mut third] = [open(target)?, open(target)?, open(target)?];
        let first = thread::spawn(move || {
            let text = "ident = threading.get_ident(); began.set(); go_on.wait()";
            typed(&mut first, text)
        });
        let second = thread::spawn(move || {
            let text = "began.wait(); go_on.set(); is_over.wait(); 'displayed'";
            typed(&mut second, text)
        });
        assert_eq!(first.join().expect("a thread")?, "True\n");
        // Its server ends, since nobody is connected any more.
        let text = "while ident in sys._current_frames(): time.sleep(0.001)";
        typed(&mut third, text)?;
        typed(&mut third, "is_over.set()")?;
        let printed = second.join().expect("a thread")?;
        assert_eq!(printed, "True\nTrue\n'displayed'\n");
        drop(third);
        before.assert_again(target)
    })
}

#[test]
fn nothing_is_left_in_a_module_in_c() -> Result<()> {
    with_each(|target, _| {
        let begin = Begin {
            place: Namespace::Module("math".to_owned()),
            ..Begin::default()
        };
        let mut session = open_with(target, Place::NewThread, &begin)?;
        assert_eq!(typed(&mut session, "len([floor(pi)])")?, "1\n");
        assert_eq!(typed(&mut session, "(lambda: len(str(tau)))()")?, "17\n");
        drop(session);
        ServingAtRest::of(target)?;
        let mut session = open(target)?;
        let text = "import math, sys; '__builtins__' in vars(math), '__builtins__' in globals()";
        assert_eq!(typed(&mut session, text)?, "(False, True)\n");
        Ok(())
    })
}

/// The code that was typed has closed what was lent to the process, and its number is free.
#[test]
fn nothing_is_left_where_code_has_closed_what_was_lent() -> Result<()> {
    with_each(|target, interpreter| {
        if interpreter.root.is_some() {
            // It is reached through /proc, which these do not have.
            return Ok(());
        }
        let before = ServingAtRest::of(target)?;
        let begin = Begin {
            lent: vec![File::open("/")?.into()],
            ..Begin::default()
        };
        let mut session = open_with(target, Place::NewThread, &begin)?;
        let text = "__import__('os').close(int(__import__('sys').path[0].rpartition('/')[2]))";
        typed(&mut session, text)?;
        drop(session);
        before.assert_again(target)
    })
}

fn use_everything(target: &Target, place: Place) -> Result<()> {
    let begin = Begin {
        search: vec![target.folder_for_itself().to_string_lossy().into_owned()],
        ..Begin::default()
    };
    let mut session = open_with(target, place, &begin)?;
    typed(
        &mut session,
        "import sys, threading; threading.current_thread().name; print('x', file=sys.stderr)",
    )?;
    typed(
        &mut session,
        "del sys.__dict__['no_such'] if 'no_such' in vars(sys) else None",
    )
    .or_else(|_| typed(&mut session, "None"))?;
    raised(&mut session, "1 / 0")?;
    raised(&mut session, "x = (")?;
    let mut typist = Typist {
        interrupt_at: Some("running"),
        ..Typist::default()
    };
    let outcome = session.statements(b"print('running')\nwhile True: pass", &mut typist)?;
    ensure!(exception(outcome)?.kind == "KeyboardInterrupt");
    typed(&mut session, "await asyncio.sleep(0)")?;
    completed(&mut session, "account.ow")?;
    session.is_complete("if x:", &mut Typist::default())?;
    let arguments = ["a".to_owned()];
    let program = Program {
        source: b"def f(): return f\nf()\nprint(1)",
        name: "@payload",
        fresh: true,
        arguments: &arguments,
    };
    assert_eq!(
        session.exec(&program, &mut Typist::default())?,
        Outcome::Done
    );
    Ok(())
}
