//! Code that does not react to interrupts, and is not waited for any longer.

use exuvia_inject::{ServingThread, Session};

/// What becomes of it, in words for people.
pub(crate) fn what_is_left(session: &Session, process: i32) -> String {
    match session.copy() {
        Some(copy) if session.is_kept() => format!(
            "the code does not react to interrupts and still runs in the copy, process {copy}"
        ),
        Some(_) => {
            "the code does not react to interrupts; the copy that it runs in is given up".to_owned()
        }
        None if is_main(&session.hello().thread) => format!(
            "the code does not react to interrupts and still runs in the main thread of process \
             {process}, which does nothing else until it ends"
        ),
        None => format!(
            "the code does not react to interrupts and still runs in process {process}; \
             it ends when it prints something"
        ),
    }
}

/// Says so on stderr, and what can be done.
pub(crate) fn tell_what_is_left(session: &Session, process: i32) {
    tell!("error: {}", what_is_left(session, process));
    match session.copy() {
        Some(copy) if session.is_kept() => tell!("hint: `kill {copy}` ends the copy"),
        Some(_) => {}
        None if is_main(&session.hello().thread) => tell!(
            "hint: leave Exuvia-guardian alone while it is there: it puts the thread back when the \
             code ends"
        ),
        None => tell!("hint: `exuvia exec {process} @stacks` shows what it does"),
    }
}

/// Its number is that of the process.
fn is_main(thread: &ServingThread) -> bool {
    thread.native_id == thread.pid
}
