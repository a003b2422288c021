use super::{modules, threads};
use crate::arguments::{ExecArguments, PlaceArgument, Source};
use crate::error::Failure;
use crate::inside::{self, End, Input, Wanted, Watch};
use crate::interrupts::Interrupts;
use crate::output;
use crate::views::exec::{Ended, ExecDocument, Recorded};
use exuvia_inject::{Console, Line, Namespace, Outcome, Place, Program};
use exuvia_inject::{PAYLOADS, Payload, SessionError, Stream, Wish};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// The status of code that took too long, as that of timeout(1).
const TIMED_OUT: u8 = 124;
/// The longest program.
const LONGEST: usize = 64 << 20;

/// Runs code in a process.
pub(super) fn run(arguments: &ExecArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    if arguments.list_payloads {
        return output::write(list_payloads);
    }
    let Some(pid) = arguments.target else {
        return Err(Failure::new("the PID is missing"));
    };
    match arguments.source() {
        Some(Source::Payload("help")) => return output::write(list_payloads),
        // What is answered without running code is answered so.
        Some(Source::Payload("stacks")) => {
            return threads::run_for(pid, arguments.json, interrupts);
        }
        Some(Source::Payload("modules")) => return modules::run(pid, arguments.json, interrupts),
        _ => {}
    }
    // Code that runs in the process is stopped before the tool ends.
    let _deferred = interrupts.defer();
    let code = Code::read(arguments, interrupts)?;
    let wanted = Wanted {
        pid,
        place: match arguments.thread {
            PlaceArgument::Main => Place::Here,
            PlaceArgument::New => Place::NewThread,
        },
        namespace: Namespace::default(),
        what: "exec",
        options: &arguments.inside,
    };
    let mut session = inside::open(&wanted, interrupts)?;
    let mut running = Running {
        watch: Watch::new(interrupts, arguments.timeout),
        input: if code.from_stdin {
            Input::ended()
        } else {
            Input::default()
        },
        recorded: arguments.json.then(Recorded::default),
    };
    let begun = Instant::now();
    let program = Program {
        source: &code.source,
        name: &code.name,
        fresh: code.fresh,
        arguments: &code.argv(arguments),
    };
    let outcome = session.exec(&program, &mut running);
    let elapsed = begun.elapsed();
    let ended = running.watch.ended();
    if let Err(SessionError::Output(error)) = outcome {
        return Err(unread(error, ended, pid));
    }
    let status = status(&outcome, ended);
    if let Some(recorded) = &running.recorded {
        let timed_out = matches!(ended, Some(End::Timeout(_)));
        let left = inside::what_is_left(&session, pid);
        let ended = Ended {
            outcome: outcome.as_ref(),
            timed_out,
            status,
            elapsed,
            left: &left,
        };
        output::write_json(&ExecDocument::new(&session, recorded, &ended))?;
    } else if let Ok(Outcome::Raised(exception)) = &outcome {
        complain(&exception.traceback);
    }
    match (outcome, ended) {
        (Ok(Outcome::Raised(_)), Some(End::Timeout(time))) => complain_of_time(time, pid),
        (Err(SessionError::Left), _) => inside::tell_what_is_left(&session, pid),
        (Err(error), _) => return Err(inside::failed(error)),
        _ => {}
    }
    match (status, ended) {
        (0, _) => Ok(()),
        (_, Some(End::Signal(signal))) => Err(Failure::Interrupted(signal)),
        _ => Err(Failure::Status(status)),
    }
}

/// Nobody reads what the code prints.
fn unread(error: io::Error, ended: Option<End>, process: i32) -> Failure {
    match ended {
        // It was interrupted while nobody did.
        Some(End::Signal(signal)) => Failure::Interrupted(signal),
        Some(End::Timeout(time)) => {
            complain_of_time(time, process);
            Failure::Status(TIMED_OUT)
        }
        None => Failure::output(error),
    }
}

/// What runs no code, and so is no file.
const WITHOUT_CODE: [(&str, &str); 2] = [
    (
        "modules",
        "What is loaded, and how much each module keeps; runs no code in the process.",
    ),
    (
        "stacks",
        "What all threads, tasks and generators do; runs no code in the process.",
    ),
];

fn list_payloads(out: &mut dyn Write) -> io::Result<()> {
    let programs = PAYLOADS.iter().map(|one| (one.name, one.summary()));
    let mut all: Vec<_> = programs.chain(WITHOUT_CODE).collect();
    all.sort_unstable();
    for (name, summary) in all {
        writeln!(out, "@{name:<18} {summary}")?;
    }
    Ok(())
}

fn no_payload(name: &str) -> Failure {
    Failure::new(format_args!("there is no payload @{name}"))
        .hint("`exuvia exec --list-payloads` names all".to_owned())
}

/// What the command exits with.
fn status(outcome: &Result<Outcome, SessionError>, ended: Option<End>) -> u8 {
    match (outcome, ended) {
        // It was done before the interrupt came.
        (Ok(Outcome::Done), _) => 0,
        (Ok(Outcome::Exit(status)), _) => *status,
        // With whatever ran the code.
        (Err(error), _) if !matches!(error, SessionError::Left) => 1,
        (_, Some(End::Timeout(_))) => TIMED_OUT,
        (_, Some(End::Signal(signal))) => 128 + u8::try_from(signal).unwrap_or(0),
        (_, None) => 1,
    }
}

fn complain_of_time(time: Duration, process: i32) {
    let time = humantime::format_duration(time);
    tell!("error: the code took longer than {time} and was interrupted; process {process} goes on");
}

/// A traceback, as it came: what it says is the program's own, and goes to a terminal like any
/// output of code that the user runs.
fn complain(traceback: &str) {
    let mut stderr = io::stderr().lock();
    // Nobody is left to be told of it.
    let _ = stderr.write_all(traceback.as_bytes());
}

/// What is to be run.
struct Code {
    source: Vec<u8>,
    name: String,
    fresh: bool,
    from_stdin: bool,
}

impl Code {
    fn read(arguments: &ExecArguments, interrupts: &Interrupts) -> Result<Self, Failure> {
        let code = match arguments.source() {
            None => {
                return Err(Failure::new("there is nothing to run")
                    .hint("give -c CODE, a FILE, - for stdin, or a @payload".to_owned()));
            }
            Some(Source::Text(code)) => Self::of(code.as_bytes().to_vec(), "<command>", false),
            Some(Source::Stdin) => {
                let all = Input::default().all(interrupts);
                let all =
                    all.map_err(|error| Failure::new(format_args!("cannot read stdin: {error}")))?;
                interrupts.check()?;
                Self {
                    from_stdin: true,
                    ..Self::of(all.unwrap_or_default(), "<stdin>", false)
                }
            }
            Some(Source::File(path)) => {
                let source = std::fs::read(path).map_err(|error| {
                    Failure::new(format_args!("cannot read {}: {error}", path.display()))
                })?;
                let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
                Self::of(source, &path.to_string_lossy(), true)
            }
            Some(Source::Payload(name)) => {
                let payload = Payload::named(name).ok_or_else(|| no_payload(name))?;
                Self::of(payload.source.into(), &format!("@{name}"), true)
            }
        };
        if code.source.len() > LONGEST {
            return Err(Failure::new("the program is longer than 64 MiB"));
        }
        Ok(code)
    }

    fn of(source: Vec<u8>, name: &str, fresh: bool) -> Self {
        Self {
            source,
            name: name.to_owned(),
            fresh,
            from_stdin: false,
        }
    }

    /// `sys.argv` while it runs: a script has one of its own, other code when arguments are given.
    fn argv(&self, arguments: &ExecArguments) -> Vec<String> {
        let mut argv = Vec::new();
        if self.fresh || !arguments.arguments.is_empty() {
            argv.push(self.name.clone());
            argv.extend(arguments.arguments.iter().cloned());
        }
        argv
    }
}

/// The code while it runs.
struct Running<'a> {
    watch: Watch<'a>,
    input: Input,
    /// For `--json`; else output is passed on at once.
    recorded: Option<Recorded>,
}

impl Console for Running<'_> {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match (&mut self.recorded, stream) {
            (Some(recorded), _) => {
                recorded.add(stream, bytes);
                Ok(())
            }
            (None, stream) => inside::pass_on_watched(stream, bytes, &mut self.watch),
        }
    }

    fn line(&mut self) -> Line {
        self.watch.reacted();
        match self.input.line(&|| self.watch.is_urgent()) {
            Line::Interrupt => self.watch.interrupts_line(),
            line => line,
        }
    }

    fn wish(&mut self) -> Wish {
        self.watch.wish()
    }
}
