//! A program with the server in it, and somebody who types.

use anyhow::{Context, Result, ensure};
use exuvia_inject::{
    Attached, Begin, Completions, Console, Delivery, Exception, Interrupter, Line, Outcome, Place,
    Program, ServingThread, Session, Stream, Wish, program,
};
use exuvia_testkit::{Interpreter, Target, supported};
use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

/// Runs a test with a program of each interpreter.
pub(crate) fn with_each(test: fn(&mut Target, &Interpreter) -> Result<()>) -> Result<()> {
    for interpreter in supported()? {
        let mut target = Target::start(&interpreter, "serving")?;
        test(&mut target, &interpreter).with_context(|| interpreter.to_string())?;
        target.assert_alive()?;
        println!("tested: {interpreter}");
    }
    Ok(())
}

/// A session in a program of `serving.py`.
pub(crate) fn open(target: &Target) -> Result<Session> {
    open_with(target, Place::NewThread, &Begin::default())
}

pub(crate) fn open_with(target: &Target, place: Place, begin: &Begin) -> Result<Session> {
    Ok(Session::open(
        attach(target, place)?,
        begin,
        &mut Typist::default(),
    )?)
}

pub(crate) fn attach(target: &Target, place: Place) -> Result<Attached> {
    let name = format!("exuvia-serving-{}", target.pid());
    let address = SocketAddr::from_abstract_name(name)?;
    let mut stream = UnixStream::connect_addr(&address)?;
    // The number is known only there.
    let Delivery { text, data } = program(i32::MAX, place);
    let text = text.replace(&i32::MAX.to_string(), "descriptor");
    stream.write_all(match place {
        Place::NewThread => b"N",
        Place::Here => b"M",
    })?;
    stream.write_all(&u32::try_from(text.len())?.to_le_bytes())?;
    stream.write_all((text + &data).as_bytes())?;
    Ok(Attached {
        stream,
        is_known: false,
        copy: None,
        way: "the program's own socket".to_owned(),
        stopped: Duration::ZERO,
        interrupter: Box::new(Asking(address)),
    })
}

/// Lets the program interrupt one of its threads.
#[derive(Debug)]
struct Asking(SocketAddr);

impl Interrupter for Asking {
    fn begun(&self, _: &ServingThread) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn keep(&mut self, _: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("there is no copy".into())
    }

    fn ended(&self) -> Option<String> {
        None
    }

    fn over(&self, _: &ServingThread) {}

    fn left(&self) {}

    fn may_serve(&self, _: &ServingThread) -> bool {
        true
    }

    fn interrupt(&self, thread: &ServingThread) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut stream = UnixStream::connect_addr(&self.0)?;
        writeln!(stream, "I{}", thread.ident)?;
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

/// Somebody who types what was decided before, and keeps what was printed.
#[derive(Debug, Default)]
pub(crate) struct Typist {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Lines for code that asks; then the input is at its end.
    pub(crate) lines: VecDeque<Line>,
    /// Interrupts once this is in what was printed.
    pub(crate) interrupt_at: Option<&'static str>,
}

impl Console for Typist {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        match stream {
            Stream::Stdout => self.stdout.push_str(&text),
            Stream::Stderr => self.stderr.push_str(&text),
        }
        Ok(())
    }

    fn line(&mut self) -> Line {
        self.lines.pop_front().unwrap_or(Line::End)
    }

    fn wish(&mut self) -> Wish {
        match self
            .interrupt_at
            .take_if(|text| self.stdout.contains(*text))
        {
            Some(_) => Wish::Interrupt,
            None => Wish::GoOn,
        }
    }
}

/// What could follow a text, however busy the machine is.
pub(crate) fn completed(session: &mut Session, text: &str) -> Result<Completions> {
    Ok(session.completions(text, Duration::from_secs(60))?)
}

/// What a statement prints, which ends without an exception.
pub(crate) fn typed(session: &mut Session, text: &str) -> Result<String> {
    typed_with(session, text, &[])
}

/// The same with lines for code that asks for them.
pub(crate) fn typed_with(session: &mut Session, text: &str, lines: &[&str]) -> Result<String> {
    let lines = lines.iter().map(|line| Line::Text((*line).to_owned()));
    let mut typist = Typist {
        lines: lines.collect(),
        ..Typist::default()
    };
    let outcome = session.statements(text.as_bytes(), &mut typist)?;
    ensure!(outcome == Outcome::Done, "{text}: {outcome:?}");
    Ok(typist.stdout)
}

/// What a statement raises.
pub(crate) fn raised(session: &mut Session, text: &str) -> Result<Exception> {
    let outcome = session.statements(text.as_bytes(), &mut Typist::default())?;
    exception(outcome).with_context(|| text.to_owned())
}

pub(crate) fn exception(outcome: Outcome) -> Result<Exception> {
    match outcome {
        Outcome::Raised(exception) => Ok(exception),
        outcome => anyhow::bail!("it raised nothing: {outcome:?}"),
    }
}

/// A program without arguments that runs in the namespace of the session.
pub(crate) fn command(source: &[u8]) -> Program<'_> {
    Program {
        source,
        name: "<command>",
        fresh: false,
        arguments: &[],
    }
}
