//! Where names are looked up.

use crate::harness::{completed, open_with, raised, typed, with_each};
use anyhow::{Result, bail};
use exuvia_inject::{Begin, Namespace, Place, Session, SessionError};
use exuvia_testkit::Target;

fn open(target: &Target, place: Namespace) -> Result<Session> {
    let begin = Begin {
        place,
        ..Begin::default()
    };
    open_with(target, Place::NewThread, &begin)
}

fn frame(thread: &str, number: u32) -> Namespace {
    Namespace::Frame {
        thread: thread.to_owned(),
        number,
    }
}

#[test]
fn names_are_those_of_a_module() -> Result<()> {
    with_each(|target, _| {
        let module = |name: &str| Namespace::Module(name.to_owned());
        let mut session = open(target, module("protocol"))?;
        assert_eq!(typed(&mut session, "__name__")?, "'protocol'\n");
        typed(&mut session, "set_here = 1")?;
        drop(session);
        let mut session = open(target, Namespace::default())?;
        assert_eq!(typed(&mut session, "protocol.set_here")?, "1\n");
        drop(session);
        refused(
            target,
            module("no.such"),
            "the module 'no.such' is not loaded",
        )
    })
}

#[test]
fn names_are_those_of_a_frame() -> Result<()> {
    with_each(|target, interpreter| {
        // The innermost frames wait for work; the one that has none left is the first of ours.
        let mut number = 0;
        let mut session = loop {
            let mut session = open(target, frame("MainThread", number))?;
            if typed(&mut session, "'depth' in locals()")? == "True\n" {
                break session;
            }
            number += 1;
        };
        assert_eq!(
            typed(&mut session, "(depth, local, value)")?,
            "(0, 0, 'of __main__')\n"
        );
        let nested = "[local + n for n in (1, 2)], (lambda: depth)()";
        assert_eq!(typed(&mut session, nested)?, "([1, 2], 0)\n");
        typed(&mut session, "local = 'changed'; added = 1")?;
        assert_eq!(typed(&mut session, "local, added")?, "('changed', 1)\n");
        drop(session);
        let mut outer = open(target, frame("MainThread", number + 1))?;
        assert_eq!(typed(&mut outer, "(depth, local)")?, "(1, 2)\n");
        drop(outer);
        // From 3.13 on, variables can be assigned to (PEP 667).
        let mut again = open(target, frame("MainThread", number))?;
        let wanted = if interpreter.version >= (3, 13, 0) {
            "'changed'\n"
        } else {
            "0\n"
        };
        assert_eq!(typed(&mut again, "local")?, wanted);
        if interpreter.version >= (3, 13, 0) {
            typed(&mut again, "local = 0")?;
        }
        assert_eq!(raised(&mut again, "no_such_name")?.kind, "NameError");
        let found = completed(&mut again, "dep")?;
        assert_eq!(found.names, ["depth"]);
        drop(again);
        refused(
            target,
            frame("MainThread", 500),
            "frames, and no number 500",
        )?;
        refused(
            target,
            frame("nobody", 0),
            "no thread has the name or number 'nobody'",
        )
    })
}

#[test]
fn threads_are_found_by_their_numbers() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target, Namespace::default())?;
        let main = "import threading; t = threading.main_thread(); ";
        let ident = typed(&mut session, &format!("{main}t.ident"))?;
        let native = typed(&mut session, &format!("{main}t.native_id"))?;
        drop(session);
        for number in [ident.trim(), native.trim()] {
            let mut session = open(target, frame(number, 0))?;
            assert_ne!(typed(&mut session, "__name__")?, "");
        }
        Ok(())
    })
}

fn refused(target: &Target, place: Namespace, why: &str) -> Result<()> {
    match open(target, place) {
        Ok(_) => bail!("it was let in"),
        Err(error) => match error.downcast_ref() {
            Some(SessionError::Refused(said)) if said.contains(why) => Ok(()),
            _ => bail!("{error:?} instead of {why}"),
        },
    }
}
