//! Lines typed at a terminal, with editing, history and completion.
//!
//! The editor waits in a thread of its own, so that a signal can end the program meanwhile through
//! its guards: the thread that has the session looks at signals, and restores the terminal.

use super::history;
use crate::interrupts::Interrupts;
use exuvia_inject::Completions;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Helper};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How often the wait for a line looks at signals.
const PATIENCE: Duration = Duration::from_millis(50);
/// Ends the mode in which a terminal marks what is pasted.
const NO_BRACKETED_PASTE: &[u8] = b"\x1b[?2004l";
/// Lines that the history keeps.
const HISTORY: usize = 10_000;

/// A terminal to type at.
#[derive(Debug)]
pub(crate) struct Editor {
    wanted: Sender<Wanted>,
    events: Receiver<Event>,
    /// The terminal as it was.
    modes: Option<Termios>,
}

/// A line that was typed, or what was typed instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A line; several when they were pasted.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D, or the terminal is gone.
    End,
    /// A signal asks for the end; it stays to be looked at.
    Signal,
}

/// A line that is wanted.
#[derive(Debug)]
struct Wanted {
    prompt: String,
    /// Whether it belongs to the history. What a program asks for may be a password.
    keep: bool,
}

#[derive(Debug)]
enum Event {
    Typed(Typed),
    /// What could follow this text?
    Complete(String, Sender<Completions>),
}

impl Editor {
    /// Takes the terminal.
    pub(crate) fn open() -> io::Result<Self> {
        let (wanted, wants) = channel();
        let (sender, events) = channel();
        let mut lines = Lines::open(sender.clone())?;
        thread::Builder::new()
            .name("editor".to_owned())
            .spawn(move || {
                for wanted in wants {
                    if sender.send(Event::Typed(lines.read(&wanted))).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self {
            wanted,
            events,
            modes: tcgetattr(rustix::stdio::stdin()).ok(),
        })
    }

    /// Waits for a line. `complete` says what could follow a text.
    pub(crate) fn read(
        &self,
        prompt: &str,
        keep: bool,
        interrupts: &Interrupts,
        complete: &mut dyn FnMut(&str) -> Completions,
    ) -> Typed {
        interrupts.forget_late();
        let prompt = prompt.to_owned();
        if self.wanted.send(Wanted { prompt, keep }).is_err() {
            return Typed::End;
        }
        loop {
            match self.events.recv_timeout(PATIENCE) {
                Ok(Event::Typed(typed)) => return typed,
                Ok(Event::Complete(text, answer)) => {
                    // The editor is gone when nobody takes it.
                    let _ = answer.send(complete(&text));
                }
                Err(RecvTimeoutError::Disconnected) => return Typed::End,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupts.received() {
                self.restore();
                return Typed::Signal;
            }
        }
    }

    /// Gives the terminal back as it was, in the middle of a line.
    fn restore(&self) {
        if let Some(modes) = &self.modes {
            // A terminal that is gone needs no restoring.
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, modes);
            let _ = io::stdout().write_all(NO_BRACKETED_PASTE);
        }
    }
}

/// The editor itself, in its thread.
struct Lines {
    editor: rustyline::Editor<Completing, FileHistory>,
    file: Option<PathBuf>,
}

impl Lines {
    fn open(events: Sender<Event>) -> io::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(io::Error::other)?
            .completion_type(rustyline::CompletionType::List)
            .bracketed_paste(true)
            .build();
        let mut editor = rustyline::Editor::with_config(config).map_err(io::Error::other)?;
        editor.set_helper(Some(Completing(events)));
        let file = match history::file() {
            Ok(file) => file,
            Err(error) => {
                tell!("note: what is typed is not kept: {error}");
                None
            }
        };
        let mut lines = Self { editor, file };
        if let Some(file) = &lines.file {
            // A file that can't be read is one that nothing can be called back from.
            let _ = lines.editor.load_history(file);
        }
        Ok(lines)
    }

    fn read(&mut self, wanted: &Wanted) -> Typed {
        match self.editor.readline(&wanted.prompt) {
            Ok(line) => {
                if wanted.keep && !line.trim().is_empty() {
                    self.keep(&line);
                }
                Typed::Line(line)
            }
            Err(ReadlineError::Interrupted) => Typed::Interrupt,
            Err(_) => Typed::End,
        }
    }

    fn keep(&mut self, line: &str) {
        // Both fail only with the file, of which something was said at the beginning.
        let _ = self.editor.add_history_entry(line);
        if let Some(file) = &self.file {
            let _ = self.editor.append_history(file);
        }
    }
}

/// Asks for completions where the session is.
struct Completing(Sender<Event>);

impl Completer for Completing {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let text = line.get(..position).unwrap_or(line);
        let before = text.rsplit('\n').next().unwrap_or(text);
        if before.trim().is_empty() {
            // At the beginning of a line the key indents.
            return Ok((position, vec!["    ".to_owned()]));
        }
        let (answer, answers) = channel();
        let asked = self.0.send(Event::Complete(text.to_owned(), answer));
        let found = match asked {
            Ok(()) => answers.recv().unwrap_or_default(),
            Err(_) => Completions::default(),
        };
        let replaced = text.chars().rev().take(found.replaced);
        let start = position - replaced.map(char::len_utf8).sum::<usize>();
        Ok((start, found.names))
    }
}

impl Hinter for Completing {
    type Hint = String;
}
impl Highlighter for Completing {}
impl Validator for Completing {}
impl Helper for Completing {}
