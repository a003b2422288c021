//! A target is the same before and after a session.

use crate::harness::{
    Typist, attach, command, completed, exception, open, open_with, raised, typed, with_each,
};
use anyhow::{Context, Result, anyhow, ensure};
use exuvia_inject::{
    Begin, Console, Line, Namespace, Outcome, Place, Program, Session, Stream, Wish,
};
use exuvia_testkit::{ServingAtRest, Target};
use std::fs::File;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
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

/// How many sessions there are at a time.
const AT_A_TIME: usize = 3;

/// Each puts its streams where the one before has put its own; their code ends in any order, and so do
/// they, when another may have put its own there again.
#[test]
fn nothing_is_left_of_several_sessions_at_a_time() -> Result<()> {
    with_each(|target, _| {
        // A program that runs in the background may have no such stream.
        typed(&mut open(target)?, "import sys; sys.stderr = None")?;
        let before = ServingAtRest::of(target)?;
        for done in orders() {
            for ended in orders() {
                end_in_order(target, Waiting::typed, done, ended)
                    .and_then(|()| before.assert_again(target))
                    .with_context(|| format!("done {done:?}, ended {ended:?}"))?;
            }
        }
        Ok(())
    })
}

/// A script that has arguments finds them in `sys.argv`, and may put others there.
#[test]
fn nothing_is_left_of_several_scripts_at_a_time() -> Result<()> {
    with_each(|target, _| {
        let before = ServingAtRest::of(target)?;
        for done in orders() {
            end_in_order(target, Waiting::script, done, [0, 1, 2])
                .and_then(|()| before.assert_again(target))
                .with_context(|| format!("done {done:?}"))?;
        }
        Ok(())
    })
}

/// All of them begin and end at once.
#[test]
fn nothing_is_left_of_sessions_that_end_together() -> Result<()> {
    with_each(|target, _| {
        // Threads take turns after each few instructions, and not each five milliseconds.
        typed(
            &mut open(target)?,
            "import sys; sys.setswitchinterval(1e-6)",
        )?;
        let before = ServingAtRest::of(target)?;
        for _ in 0..20 {
            let sessions = [open(target)?, open(target)?, open(target)?];
            let typing = sessions
                .map(|mut session| thread::spawn(move || typed(&mut session, "'displayed'")));
            for thread in typing {
                assert_eq!(thread.join().expect("a thread")?, "'displayed'\n");
            }
            before.assert_again(target)?;
        }
        Ok(())
    })
}

/// A process that was forked has the mark of a session whose thread it does not have.
#[test]
fn nobody_waits_for_the_turn_of_a_session_that_is_gone() -> Result<()> {
    with_each(|target, _| {
        let before = ServingAtRest::of(target)?;
        let text = "__import__('sys')._exuvia_turn = object()";
        typed(&mut open(target)?, text)?;
        assert_eq!(typed(&mut open(target)?, "1 + 1")?, "2\n");
        before.assert_again(target)
    })
}

/// Sessions whose code begins one after the other; then it is done in one order, and in another they
/// end.
fn end_in_order(
    target: &mut Target,
    run: fn(&mut Waiting, &mut Session) -> Result<()>,
    done: [usize; AT_A_TIME],
    ended: [usize; AT_A_TIME],
) -> Result<()> {
    let mut sessions = Vec::new();
    for _ in 0..AT_A_TIME {
        sessions.push(open(target)?);
    }
    thread::scope(|scope| {
        let mut waiting = Vec::new();
        for session in sessions {
            let (said, told) = (mpsc::channel(), mpsc::channel());
            let mut person = Waiting {
                asked: said.0,
                go_on: told.1,
            };
            let ended = scope.spawn(move || person.use_up(session, run));
            said.1.recv()?;
            waiting.push((told.0, said.1, ended));
        }
        for number in done {
            let (go_on, answered, _) = &waiting[number];
            go_on.send(())?;
            answered.recv()?;
        }
        let mut waiting: Vec<_> = waiting.into_iter().map(Some).collect();
        for (left, number) in (0..AT_A_TIME).rev().zip(ended) {
            let (go_on, _, ended) = waiting[number].take().context("each ends once")?;
            go_on.send(())?;
            ended.join().map_err(|_| anyhow!("its thread failed"))??;
            ServingAtRest::wait_for_sessions(target, left)?;
        }
        Ok(())
    })
}

fn orders() -> [[usize; AT_A_TIME]; 6] {
    [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ]
}

/// Somebody who tells when code asks for a line and when it is done, and goes on when told to.
struct Waiting {
    asked: Sender<()>,
    go_on: Receiver<()>,
}

impl Waiting {
    fn use_up(
        &mut self,
        mut session: Session,
        run: fn(&mut Self, &mut Session) -> Result<()>,
    ) -> Result<()> {
        run(self, &mut session)?;
        self.asked.send(())?;
        self.go_on.recv()?;
        Ok(())
    }

    fn typed(&mut self, session: &mut Session) -> Result<()> {
        let outcome = session.statements(b"input(); 'displayed'; 1 / 0", self)?;
        ensure!(exception(outcome)?.kind == "ZeroDivisionError");
        Ok(())
    }

    fn script(&mut self, session: &mut Session) -> Result<()> {
        let program = Program {
            arguments: &["script.py".to_owned(), "--option".to_owned()],
            ..command(
                b"import sys; assert sys.argv == ['script.py', '--option']; sys.argv = sys.argv[1:]; input()",
            )
        };
        ensure!(session.exec(&program, self)? == Outcome::Done);
        Ok(())
    }
}

impl Console for Waiting {
    fn output(&mut self, _: Stream, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn line(&mut self) -> Line {
        // Whoever is not there any more has failed, and the code is to end.
        match self.asked.send(()).map(|()| self.go_on.recv()) {
            Ok(Ok(())) => Line::Text("x".to_owned()),
            _ => Line::End,
        }
    }

    fn wish(&mut self) -> Wish {
        Wish::GoOn
    }
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
        let mut other = open_with(target, Place::NewThread, &begin)?;
        assert_eq!(typed(&mut other, "len([floor(pi)])")?, "1\n");
        drop(session);
        ServingAtRest::wait_for_sessions(target, 1)?;
        assert_eq!(typed(&mut other, "(lambda: len(str(tau)))()")?, "17\n");
        drop(other);
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
