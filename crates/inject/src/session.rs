//! The conversation with the server in the target.

use crate::answers::{Completions, Hello, Outcome};
use crate::attached::{Attached, Interrupter};
use crate::console::{Console, Line, Patient, Wish};
use crate::protocol::{Frame, ProtocolError, Stream, decode, encode, skip_to};
use crate::requests::{Begin, Namespace, Program};
use exuvia_tracee::send_descriptor;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How often a wait looks at what the user wants. A signal is looked at sooner, since it ends the
/// wait.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long the server may take to put everything back.
const FAREWELL: Duration = Duration::from_secs(2);

/// Code can be run in the target for as long as this lives.
#[derive(Debug)]
pub struct Session {
    stream: UnixStream,
    /// What came and is no frame yet.
    received: Vec<u8>,
    hello: Hello,
    /// Of the last request.
    number: u64,
    copy: Option<i32>,
    way: String,
    stopped: Duration,
    interrupter: Box<dyn Interrupter + Send>,
    /// Whether it goes on without this tool.
    is_kept: bool,
    /// Whether the server waits for a request, and so would notice the end at once.
    idle: bool,
}

/// Why a conversation ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The target, or the thread that serves, is gone.
    #[error("the connection to the process was lost")]
    Lost,
    /// The copy that the code ran in is gone; what became of it.
    #[error("the copy has ended: {0}")]
    Ended(String),
    /// The server did not begin.
    #[error("the code that got into the process does not answer")]
    Silent,
    /// The server could not begin, and says why.
    #[error("{0}")]
    Refused(String),
    /// What came is not what the server sends.
    #[error("the process sent {0}")]
    Protocol(#[from] ProtocolError),
    /// The socket failed.
    #[error("the connection to the process failed")]
    Connection(#[source] io::Error),
    /// The copy could not be kept.
    #[error("the copy can't be kept: {0}")]
    Keep(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The code could not be interrupted.
    #[error("the code can't be interrupted: {0}")]
    Interrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the code printed could not be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// [`Wish::Leave`]: the code may still run.
    #[error("left while the code ran")]
    Left,
    /// The copy does what it was told before, and does not answer.
    #[error("code of an earlier session still runs in the copy")]
    StillRuns,
}

impl Session {
    /// Waits until the server says hello, and begins. The console's wish to leave ends the wait.
    pub fn open(
        attached: Attached,
        begin: &Begin,
        console: &mut dyn Console,
    ) -> Result<Self, SessionError> {
        let Attached {
            stream,
            is_known,
            copy,
            way,
            stopped,
            interrupter,
        } = attached;
        let configured = stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        configured.map_err(SessionError::Connection)?;
        let mut session = Self {
            stream,
            received: Vec::new(),
            hello: Hello::default(),
            // Answers to another tool, which were left unread, have other numbers.
            number: u64::from(std::process::id()) << 32,
            is_kept: is_known,
            copy,
            way,
            stopped,
            interrupter,
            idle: true,
        };
        session.hello = match is_known {
            true => session.introduction(console)?,
            false => session.greeting(console)?,
        };
        session
            .interrupter
            .begun(&session.hello.thread)
            .map_err(SessionError::Interrupt)?;
        session.begin(begin, console)?;
        Ok(session)
    }

    /// Lets the copy that the server runs in outlive this session and this tool, for so long.
    pub fn keep(&mut self, time: Duration) -> Result<(), SessionError> {
        let kept = self.interrupter.keep(time);
        kept.map_err(SessionError::Keep)?;
        self.is_kept = true;
        Ok(())
    }

    /// What the server said of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The copy that the code runs in, by its number where the tool runs; none for the process
    /// itself.
    pub fn copy(&self) -> Option<i32> {
        self.copy
    }

    /// Whether that copy goes on without this tool.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// How it got in.
    pub fn way(&self) -> &str {
        &self.way
    }

    /// How long the live process stood still for it.
    pub fn stopped(&self) -> Duration {
        self.stopped
    }

    /// Runs a program.
    pub fn exec(
        &mut self,
        program: &Program,
        console: &mut dyn Console,
    ) -> Result<Outcome, SessionError> {
        let place: &[u8] = if program.fresh { b"fresh" } else { b"own" };
        let mut fields = vec![program.source, program.name.as_bytes(), place];
        fields.extend(program.arguments.iter().map(String::as_bytes));
        self.run(b'X', &fields, console)
    }

    /// Runs statements as typed at a prompt: values are displayed, and `_` is the last.
    pub fn statements(
        &mut self,
        text: &[u8],
        console: &mut dyn Console,
    ) -> Result<Outcome, SessionError> {
        self.run(b'S', &[text], console)
    }

    /// Whether a text is a whole statement, wrong ones included, and not the beginning of one.
    pub fn is_complete(
        &mut self,
        text: &str,
        console: &mut dyn Console,
    ) -> Result<bool, SessionError> {
        self.request(b'C', &[text.as_bytes()], console)?;
        let answer = self.answer(b'C', console)?;
        Ok(answer.field(1) == b"1")
    }

    /// What could follow. A target that is busy for longer than the caller has patience has no names.
    pub fn completions(
        &mut self,
        text: &str,
        patience: Duration,
    ) -> Result<Completions, SessionError> {
        let mut patient = Patient(Instant::now() + patience);
        self.request(b'T', &[text.as_bytes()], &mut patient)?;
        match self.answer(b'T', &mut patient) {
            Err(SessionError::Left) => Ok(Completions::default()),
            answer => Ok(Completions::of(&answer?)),
        }
    }

    fn greeting(&mut self, console: &mut dyn Console) -> Result<Hello, SessionError> {
        let frame = match self.next(console) {
            Err(SessionError::Left) => return Err(SessionError::Silent),
            frame => frame.map_err(|error| self.explained(error))?,
        };
        match frame.kind {
            b'H' => Ok(Hello::of(&frame, 0)),
            b'F' => Err(SessionError::Refused(frame.text(1))),
            kind => Err(ProtocolError::Unexpected(kind).into()),
        }
    }

    /// From a server that another tool has talked to. That may have gone in the middle of anything:
    /// what it left unread is skipped, part of a frame or not, and code of it may still run.
    fn introduction(&mut self, console: &mut dyn Console) -> Result<Hello, SessionError> {
        self.request(b'G', &[], console)?;
        let mut buffer = [0; 65536];
        loop {
            if skip_to(&mut self.received, b'H', &self.number.to_string())
                && let Some(frame) = decode(&mut self.received)?
            {
                self.idle = true;
                return Ok(Hello::of(&frame, 1));
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(self.explained(SessionError::Lost)),
                Ok(size) => self
                    .received
                    .extend_from_slice(buffer.get(..size).unwrap_or(&[])),
                Err(error) if is_patience(&error) => {}
                Err(error) => return Err(self.explained(lost(error))),
            }
            match self.obey(console) {
                Err(SessionError::Left) => return Err(SessionError::StillRuns),
                obeyed => obeyed?,
            }
        }
    }

    fn begin(&mut self, begin: &Begin, console: &mut dyn Console) -> Result<(), SessionError> {
        let (kind, name, number) = match &begin.place {
            Namespace::Module(name) => ("module", name, 0),
            Namespace::Frame { thread, number } => ("frame", thread, *number),
        };
        let number = number.to_string();
        let announcement = begin.announcement.as_deref().unwrap_or("");
        let mut fields = vec![kind, name, &number, announcement];
        let mut search = Vec::new();
        for folder in &begin.lent {
            search.push(self.lend(folder, console)?);
        }
        search.extend_from_slice(&begin.search);
        fields.extend(search.iter().map(String::as_str));
        let fields: Vec<&[u8]> = fields.into_iter().map(str::as_bytes).collect();
        self.request(b'B', &fields, console)?;
        match self.answer(b'D', console) {
            Err(SessionError::Left) => Err(SessionError::Silent),
            Ok(answer) => match Outcome::of(&answer) {
                Outcome::Raised(exception) => Err(SessionError::Refused(exception.traceback)),
                Outcome::Done | Outcome::Exit(_) => Ok(()),
            },
            Err(error) => Err(error),
        }
    }

    /// Gives the server a descriptor of a folder; returns a path to it.
    fn lend(
        &mut self,
        folder: &OwnedFd,
        console: &mut dyn Console,
    ) -> Result<String, SessionError> {
        self.request(b'P', &[], console)?;
        // It has to wait for it: whoever only reads the byte loses what comes with it.
        self.answer(b'P', console)?;
        send_descriptor(&self.stream, folder).map_err(SessionError::Connection)?;
        let answer = self.answer(b'P', console)?;
        match answer.text(1) {
            path if path.is_empty() => Err(SessionError::Refused(
                "the process does not take a folder of --with-path".to_owned(),
            )),
            path => Ok(path),
        }
    }

    fn run(
        &mut self,
        kind: u8,
        fields: &[&[u8]],
        console: &mut dyn Console,
    ) -> Result<Outcome, SessionError> {
        self.request(kind, fields, console)?;
        self.answer(b'D', console)
            .map(|answer| Outcome::of(&answer))
    }

    /// Sends a request, whose number is the next.
    fn request(
        &mut self,
        kind: u8,
        fields: &[&[u8]],
        console: &mut dyn Console,
    ) -> Result<(), SessionError> {
        self.number += 1;
        self.idle = false;
        let number = self.number.to_string();
        let mut all = vec![number.as_bytes()];
        all.extend_from_slice(fields);
        let sent = self.send(&encode(kind, &all), console);
        sent.map_err(|error| self.explained(error))
    }

    fn send(&mut self, mut bytes: &[u8], console: &mut dyn Console) -> Result<(), SessionError> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(SessionError::Lost),
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or(&[]),
                Err(error) if is_patience(&error) => self.obey(console)?,
                Err(error) => return Err(lost(error)),
            }
        }
        Ok(())
    }

    /// The answer to the last request, after everything that the code printed and asked.
    fn answer(&mut self, kind: u8, console: &mut dyn Console) -> Result<Frame, SessionError> {
        let answer = self.next_answer(kind, console);
        let answer = answer.map_err(|error| self.explained(error))?;
        self.idle = true;
        Ok(answer)
    }

    fn next_answer(&mut self, kind: u8, console: &mut dyn Console) -> Result<Frame, SessionError> {
        loop {
            let frame = self.next(console)?;
            match frame.kind {
                b'O' => self.output(Stream::Stdout, &frame, console)?,
                b'E' => self.output(Stream::Stderr, &frame, console)?,
                // An earlier request's, which an interrupt made go out twice, or nobody waited for.
                _ if frame.number(0) != Some(self.number) => {}
                b'R' => self.answer_line(console)?,
                b'F' => return Err(SessionError::Refused(frame.text(1))),
                // Something failed where an answer of another kind was asked for.
                b'D' if kind != b'D' => {
                    return Ok(Frame {
                        kind,
                        fields: Vec::new(),
                    });
                }
                found if found == kind => return Ok(frame),
                other => return Err(ProtocolError::Unexpected(other).into()),
            }
        }
    }

    fn output(
        &mut self,
        stream: Stream,
        frame: &Frame,
        console: &mut dyn Console,
    ) -> Result<(), SessionError> {
        let written = console.output(stream, frame.field(0));
        written.map_err(|error| {
            // Nobody reads it any more; there is no point in printing on. Code that can't be
            // interrupted notices when the connection is gone.
            let _ = self.interrupt();
            SessionError::Output(error)
        })
    }

    fn answer_line(&mut self, console: &mut dyn Console) -> Result<(), SessionError> {
        let number = self.number.to_string();
        let (kind, text) = match console.line() {
            Line::Text(text) => ("line", text + "\n"),
            Line::End => ("end", String::new()),
            Line::Interrupt => ("interrupt", String::new()),
        };
        let fields = [number.as_bytes(), kind.as_bytes(), text.as_bytes()];
        self.send(&encode(b'L', &fields), console)
    }

    /// The next frame, whatever it is. The user's wishes are fulfilled meanwhile.
    fn next(&mut self, console: &mut dyn Console) -> Result<Frame, SessionError> {
        let mut buffer = [0; 65536];
        let mut is_gone = false;
        loop {
            if let Some(frame) = decode(&mut self.received)? {
                return Ok(frame);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(SessionError::Lost),
                Ok(size) => self
                    .received
                    .extend_from_slice(buffer.get(..size).unwrap_or(&[])),
                Err(error) if is_patience(&error) => {
                    // What it said at last was read after it was found gone.
                    if is_gone {
                        return Err(SessionError::Lost);
                    }
                    is_gone = self.hello.thread.native_id != 0 && !self.may_serve();
                }
                Err(error) => return Err(lost(error)),
            }
            if !is_gone {
                self.obey(console)?;
            }
        }
    }

    fn may_serve(&self) -> bool {
        self.interrupter.may_serve(&self.hello.thread)
    }

    fn obey(&mut self, console: &mut dyn Console) -> Result<(), SessionError> {
        match console.wish() {
            Wish::GoOn => Ok(()),
            Wish::Interrupt => self.interrupt(),
            Wish::Leave => Err(SessionError::Left),
        }
    }

    /// A lost connection, with its reason where that is known.
    fn explained(&self, error: SessionError) -> SessionError {
        match error {
            SessionError::Lost => match self.interrupter.ended() {
                Some(end) => SessionError::Ended(end),
                None => SessionError::Lost,
            },
            error => error,
        }
    }

    fn interrupt(&mut self) -> Result<(), SessionError> {
        let interrupted = self.interrupter.interrupt(&self.hello.thread);
        interrupted.map_err(SessionError::Interrupt)
    }
}

impl Drop for Session {
    /// Waits until the server is gone, so that a look at the target afterwards finds nothing of it.
    /// Code that still runs is not waited for.
    fn drop(&mut self) {
        // Another tool goes on with it.
        if self.is_kept {
            return;
        }
        if !self.idle {
            self.interrupter.left();
        }
        if self.stream.shutdown(Shutdown::Write).is_err() || !self.idle {
            return;
        }
        let mut patient = Patient(Instant::now() + FAREWELL);
        loop {
            match self.next(&mut patient) {
                Ok(_) => {}
                Err(SessionError::Lost) => return self.interrupter.over(&self.hello.thread),
                Err(_) => return,
            }
        }
    }
}

fn is_patience(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn lost(error: io::Error) -> SessionError {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => SessionError::Lost,
        _ => SessionError::Connection(error),
    }
}
