//! `KeyboardInterrupt` from outside, also at moments when nothing runs.

use crate::harness::{Typist, attach, exception, open, open_with, typed, with_each};
use anyhow::Result;
use exuvia_inject::{Begin, Console, Line, Outcome, Place, Session, Stream, Wish};
use std::io;

#[test]
fn what_runs_is_interrupted_and_the_session_goes_on() -> Result<()> {
    with_each(|target, _| {
        for place in [Place::NewThread, Place::Here] {
            let mut session = open_with(target, place, &Begin::default())?;
            let mut typist = Typist {
                interrupt_at: Some("running"),
                ..Typist::default()
            };
            let text = b"print('running')\nwhile True: pass";
            let outcome = session.statements(text, &mut typist)?;
            let shown = exception(outcome)?;
            assert_eq!(shown.kind, "KeyboardInterrupt");
            assert_eq!(typed(&mut session, "1 + 1")?, "2\n");
        }
        Ok(())
    })
}

/// Interrupts whenever it is asked, so that most come when the code has just ended.
#[derive(Default)]
struct Hasty {
    printed: Vec<u8>,
    wishes: usize,
}

impl Console for Hasty {
    fn output(&mut self, _: Stream, bytes: &[u8]) -> io::Result<()> {
        self.printed.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self) -> Line {
        Line::End
    }

    fn wish(&mut self) -> Wish {
        self.wishes += 1;
        Wish::Interrupt
    }
}

#[test]
fn interrupts_at_any_moment_leave_no_answer_out() -> Result<()> {
    with_each(|target, _| {
        for place in [Place::NewThread, Place::Here] {
            let mut session = open_with(target, place, &Begin::default())?;
            for number in 0..100 {
                let mut hasty = Hasty::default();
                let text = format!("for n in range(50): print({number}, 'x' * 3000)");
                match session.statements(text.as_bytes(), &mut hasty)? {
                    Outcome::Done => {}
                    outcome => assert_eq!(exception(outcome)?.kind, "KeyboardInterrupt"),
                }
                // What was printed is a beginning of it, and nothing is out of place.
                let line = format!("{number} {}\n", "x".repeat(3000)).repeat(50);
                let printed = String::from_utf8_lossy(&hasty.printed);
                assert!(line.starts_with(&*printed), "{number}: {}", printed.len());
            }
            assert_eq!(typed(&mut session, "1 + 1")?, "2\n");
        }
        Ok(())
    })
}

/// Lets a `KeyboardInterrupt` come before an instruction of the server, counted from here, and another
/// one before one of those that follow the end of the first.
const ARM: &str = "
import sys
class FirstKeyboardInterrupt(KeyboardInterrupt):
    def __init__(self, following):
        self.following = following
    def __del__(self):
        arm(*self.following)
def arm(moment, *following):
    instructions = iter(range(moment))
    def trace(frame, event, _):
        if frame.f_code.co_filename == arm.__code__.co_filename:
            return None
        frame.f_trace_opcodes = True
        if event == 'opcode' and next(instructions, None) is None:
            raise FirstKeyboardInterrupt(following) if following else KeyboardInterrupt
        return trace
    frame = sys._getframe()
    while frame is not None:
        frame.f_trace, frame.f_trace_opcodes = trace, True
        frame = frame.f_back
    sys.settrace(trace)
";
/// Of how many moments one is tried with a second interrupt, and how soon that may come.
const STEP: usize = 23;
const SOON: usize = 12;

#[test]
fn interrupts_at_any_instruction_leave_no_answer_out() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        typed(&mut session, ARM)?;
        for moment in 0.. {
            for soon in 0..SOON {
                if moment % STEP == 0 {
                    let text = format!("arm({moment}, {soon}); print('twice')");
                    printed_once(&mut session, &text, "twice\n")?;
                    printed_once(&mut session, "sys.settrace(None)", "")?;
                }
            }
            let text = format!("arm({moment}); print('once')");
            let interrupted = printed_once(&mut session, &text, "once\n")?;
            if !printed_once(&mut session, "print('later')", "later\n")? && !interrupted {
                // It was to come after that.
                break;
            }
        }
        Ok(())
    })
}

/// Whether it was interrupted. What it prints is printed then or not, but not twice.
fn printed_once(session: &mut Session, text: &str, expected: &str) -> Result<bool> {
    let mut typist = Typist::default();
    let outcome = session.statements(text.as_bytes(), &mut typist)?;
    let interrupted = outcome != Outcome::Done;
    if interrupted {
        let kind = exception(outcome)?.kind;
        assert!(kind.ends_with("KeyboardInterrupt"), "{text}: {kind}");
    }
    let printed = &typist.stdout;
    let right = match interrupted {
        true => expected.starts_with(printed.as_str()),
        false => expected == printed,
    };
    assert!(right, "{text}: {printed:?}");
    Ok(interrupted)
}

#[test]
fn a_line_that_is_waited_for_can_be_interrupted() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let mut typist = Typist {
            lines: [Line::Interrupt].into(),
            ..Typist::default()
        };
        let outcome = session.statements(b"input('? ')", &mut typist)?;
        assert_eq!(exception(outcome)?.kind, "KeyboardInterrupt");
        Ok(())
    })
}

/// Leaves as soon as something is printed.
struct Leaving(bool);

impl Console for Leaving {
    fn output(&mut self, _: Stream, _: &[u8]) -> io::Result<()> {
        self.0 = true;
        Ok(())
    }

    fn line(&mut self) -> Line {
        Line::End
    }

    fn wish(&mut self) -> Wish {
        if self.0 { Wish::Leave } else { Wish::GoOn }
    }
}

#[test]
fn a_lost_connection_ends_what_prints() -> Result<()> {
    with_each(|target, _| {
        let attached = attach(target, Place::NewThread)?;
        let mut lost = Session::open(attached, &Begin::default(), &mut Typist::default())?;
        let text = "
ended = threading.Event()
try:
    while True: print('on and on')
finally:
    ended.set()
";
        let left = lost.statements(text.as_bytes(), &mut Leaving(false));
        assert!(
            matches!(left, Err(exuvia_inject::SessionError::Left)),
            "{left:?}"
        );
        drop(lost);
        let mut session = open(target)?;
        assert_eq!(typed(&mut session, "ended.wait(60)")?, "True\n");
        Ok(())
    })
}
