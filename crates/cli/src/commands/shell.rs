use crate::arguments::ShellArguments;
use crate::error::Failure;
use crate::inside::{self, Editor, End, Input, Typed, Wanted, Watch};
use crate::interrupts::Interrupts;
use exuvia_inject::{Completions, Console, Line, Outcome, Place, Session};
use exuvia_inject::{SessionError, Stream, Wish};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// The longest text that is remembered of a line without an end, which may be a prompt.
const LONGEST_PROMPT: usize = 4096;

/// How long names are waited for that could complete a word, as no key ends that wait: far longer
/// than they take on a machine that has other work.
const COMPLETION: Duration = Duration::from_secs(5);

/// Opens a prompt in a process; without a terminal, runs what stdin has.
pub(super) fn run(arguments: &ShellArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Code that runs in the process is stopped before the tool ends.
    let _deferred = interrupts.defer();
    let wanted = Wanted {
        pid: arguments.target,
        place: Place::NewThread,
        namespace: arguments.namespace(),
        what: "shell",
        options: &arguments.inside,
    };
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        if io::stdin().is_terminal() {
            tell!(
                "note: stdout is no terminal, so there is no prompt: what is typed is run after Ctrl-D"
            );
        }
        return run_stream(&wanted, interrupts);
    }
    let editor = Editor::open()
        .map_err(|error| Failure::new(format_args!("cannot use the terminal: {error}")))?;
    let mut session = inside::open(&wanted, interrupts)?;
    say(&banner(&session, &wanted))?;
    let mut prompt = Prompt {
        terminal: Terminal {
            editor: &editor,
            interrupts,
            watch: Watch::new(interrupts, None),
            line: Vec::new(),
        },
        process: wanted.pid,
        mark: if session.copy().is_some() {
            "clone"
        } else {
            ""
        },
    };
    prompt.serve(&mut session)
}

/// Statements without a prompt, as a script that displays its values.
fn run_stream(wanted: &Wanted, interrupts: &Interrupts) -> Result<(), Failure> {
    let text = Input::default().all(interrupts);
    let text = text.map_err(|error| Failure::new(format_args!("cannot read stdin: {error}")))?;
    interrupts.check()?;
    let mut session = inside::open(wanted, interrupts)?;
    let mut stream = Plain(Watch::new(interrupts, None));
    let outcome = session.statements(&text.unwrap_or_default(), &mut stream);
    if let Err(SessionError::Left) = outcome {
        inside::tell_what_is_left(&session, wanted.pid);
    }
    if let Some(End::Signal(signal)) = stream.0.ended() {
        return Err(Failure::Interrupted(signal));
    }
    match outcome.map_err(inside::failed)? {
        Outcome::Done | Outcome::Exit(0) => Ok(()),
        Outcome::Exit(status) => Err(Failure::Status(status)),
        Outcome::Raised(exception) => {
            inside::pass_on(&mut io::stderr().lock(), exception.traceback.as_bytes())
                .map_err(Failure::output)?;
            Err(Failure::Status(1))
        }
    }
}

fn banner(session: &Session, wanted: &Wanted) -> String {
    let version = &session.hello().version;
    let pid = wanted.pid;
    let what = match session.copy() {
        // Its own number was asked for: it is one that was kept.
        Some(copy) if copy == pid => {
            format!("Python {version}, a copy that was kept: what you do here stays here.")
        }
        Some(_) => {
            format!(
                "Python {version}, a copy of process {pid}: what you do here does not reach it."
            )
        }
        None => {
            format!("Python {version} in process {pid}, live: what you change here changes it.")
        }
    };
    format!("{what}\nCtrl-C interrupts what runs, Ctrl-D detaches.\n")
}

/// Writes to the terminal. One that is gone ends the shell.
fn say(text: &str) -> Result<(), Failure> {
    inside::pass_on(&mut io::stdout().lock(), text.as_bytes()).map_err(Failure::output)
}

/// Output only; stdin is the program.
struct Plain<'a>(Watch<'a>);

impl Console for Plain<'_> {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        inside::pass_on_watched(stream, bytes, &mut self.0)
    }

    fn line(&mut self) -> Line {
        Line::End
    }

    fn wish(&mut self) -> Wish {
        self.0.wish()
    }
}

/// A question about a line, which takes no time unless the process does not answer. A Ctrl-C that
/// comes meanwhile is meant for the code that is about to run.
struct Asking<'a>(&'a Interrupts, Instant);

impl Console for Asking<'_> {
    fn output(&mut self, _: Stream, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn line(&mut self) -> Line {
        Line::End
    }

    fn wish(&mut self) -> Wish {
        if self.0.received() && self.1.elapsed() > Duration::from_secs(1) {
            return Wish::Leave;
        }
        Wish::GoOn
    }
}

/// The loop of a prompt.
struct Prompt<'a> {
    terminal: Terminal<'a>,
    /// The process, as it was named.
    process: i32,
    /// Before each prompt.
    mark: &'static str,
}

/// What is typed, as a whole.
enum Statement {
    Text(String),
    End,
    Signal(i32),
}

impl Prompt<'_> {
    fn serve(&mut self, session: &mut Session) -> Result<(), Failure> {
        loop {
            match self.statement(session)? {
                Statement::Text(text) => {
                    if let Some(status) = self.run(session, &text)? {
                        return leave(status);
                    }
                }
                Statement::End => return say("\n"),
                Statement::Signal(signal) => {
                    // Whether there still is a terminal does not matter then.
                    let _ = say("\n");
                    return Err(Failure::Interrupted(signal));
                }
            }
        }
    }

    /// A statement, of as many lines as it takes.
    fn statement(&mut self, session: &mut Session) -> Result<Statement, Failure> {
        let mut text = String::new();
        loop {
            let end = if text.is_empty() { ">>> " } else { "... " };
            let prompt = format!("{}{end}", self.mark);
            let mut failure = None;
            let before = text.clone();
            let typed = self.terminal.read(&prompt, true, &mut |line| {
                complete(session, &format!("{before}{line}"), &mut failure)
            });
            if let Some(error) = failure {
                return Err(inside::failed(error));
            }
            match typed {
                Typed::Line(line) => text.push_str(&line),
                Typed::Interrupt => {
                    text.clear();
                    continue;
                }
                // As in Python: the end of the input ends a statement first.
                Typed::End if !text.is_empty() => return Ok(Statement::Text(text)),
                Typed::End => return Ok(Statement::End),
                Typed::Signal => match self.terminal.interrupts.take() {
                    Some(signal) => return Ok(Statement::Signal(signal)),
                    None => continue,
                },
            }
            if text.trim().is_empty() {
                text.clear();
                continue;
            }
            let mut asking = Asking(self.terminal.interrupts, Instant::now());
            let complete = session.is_complete(&text, &mut asking);
            if complete.map_err(inside::failed)? {
                return Ok(Statement::Text(text));
            }
            text.push('\n');
        }
    }

    /// Runs it; a status when that ends the shell.
    fn run(&mut self, session: &mut Session, text: &str) -> Result<Option<u8>, Failure> {
        self.terminal.watch = Watch::new(self.terminal.interrupts, None);
        let outcome = session.statements(text.as_bytes(), &mut self.terminal);
        self.terminal.end_line()?;
        let ended = self.terminal.watch.ended();
        let outcome = match outcome {
            Err(SessionError::Left) => {
                inside::tell_what_is_left(session, self.process);
                return Err(left(ended));
            }
            outcome => outcome.map_err(inside::failed)?,
        };
        match (ended, outcome) {
            // Ctrl-C ends the statement; all other signals end the shell.
            (Some(End::Signal(signal)), _) if signal != signal_hook::consts::SIGINT => {
                Err(Failure::Interrupted(signal))
            }
            (_, Outcome::Done) => Ok(None),
            (_, Outcome::Exit(status)) => Ok(Some(status)),
            (_, Outcome::Raised(exception)) => {
                inside::pass_on(&mut io::stderr().lock(), exception.traceback.as_bytes())
                    .map_err(Failure::output)?;
                Ok(None)
            }
        }
    }
}

/// The end of a shell whose code did not end.
fn left(ended: Option<End>) -> Failure {
    match ended {
        Some(End::Signal(signal)) => Failure::Interrupted(signal),
        _ => Failure::Status(1),
    }
}

fn leave(status: u8) -> Result<(), Failure> {
    match status {
        0 => Ok(()),
        status => Err(Failure::Status(status)),
    }
}

/// The names that could follow. A connection that fails is told of after the line.
fn complete(session: &mut Session, text: &str, failure: &mut Option<SessionError>) -> Completions {
    match session.completions(text, COMPLETION) {
        Ok(found) => found,
        Err(error) => {
            failure.get_or_insert(error);
            Completions::default()
        }
    }
}

/// The user at the terminal, also while code runs.
struct Terminal<'a> {
    editor: &'a Editor,
    interrupts: &'a Interrupts,
    watch: Watch<'a>,
    /// What was printed since the last line end: where the cursor is, and what is before it when
    /// the code asks for a line.
    line: Vec<u8>,
}

impl Terminal<'_> {
    fn read(
        &mut self,
        prompt: &str,
        keep: bool,
        complete: &mut dyn FnMut(&str) -> Completions,
    ) -> Typed {
        self.line.clear();
        self.editor.read(prompt, keep, self.interrupts, complete)
    }

    /// The prompt stands at the beginning of a line.
    fn end_line(&mut self) -> Result<(), Failure> {
        match std::mem::take(&mut self.line).is_empty() {
            true => Ok(()),
            false => say("\n"),
        }
    }
}

impl Console for Terminal<'_> {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(at) => self.line = bytes.get(at + 1..).unwrap_or(&[]).to_vec(),
            None => self.line.extend_from_slice(bytes),
        }
        self.line.truncate(LONGEST_PROMPT);
        match stream {
            Stream::Stdout => inside::pass_on(&mut io::stdout().lock(), bytes),
            Stream::Stderr => inside::pass_on(&mut io::stderr().lock(), bytes),
        }
    }

    fn line(&mut self) -> Line {
        self.watch.reacted();
        if self.watch.is_to_end() {
            return self.watch.interrupts_line();
        }
        // The editor draws the prompt itself, over what is there.
        let prompt = String::from_utf8_lossy(&self.line).into_owned();
        // If the terminal is gone, the editor notices.
        let _ = say("\r");
        match self.read(&prompt, false, &mut |_| Completions::default()) {
            Typed::Line(line) => Line::Text(line),
            Typed::End => Line::End,
            Typed::Interrupt => Line::Interrupt,
            Typed::Signal => self.watch.interrupts_line(),
        }
    }

    fn wish(&mut self) -> Wish {
        self.watch.wish()
    }
}
