use std::fmt;
use std::io;
use std::time::Duration;

use exuvia_cpython::Invalid;
use exuvia_memory::Fault;
use exuvia_tracee::{FreezeError, InjectionError, MappingsError, Pid};

use crate::entry::{MissingSymbols, Refusal, ThreadSituation};

/// Why code did not get into a process. It runs on as before.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Its memory can't be opened.
    #[error("cannot open the memory of process {pid}")]
    Memory {
        /// The process.
        pid: Pid,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It has other memory than its interpreter says.
    #[error("cannot read what the interpreter says of itself")]
    Read(#[from] Fault),
    /// Its memory map can't be read.
    #[error(transparent)]
    Mappings(#[from] MappingsError),
    /// It does not look like its version.
    #[error("this Python does not look like any that is known: {0}")]
    Layout(#[from] Invalid),
    /// Its interpreter does not show what is needed.
    #[error(transparent)]
    Symbols(#[from] MissingSymbols),
    /// It could not be stopped.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// Something could not be done in it.
    #[error(transparent)]
    Injection(#[from] InjectionError),
    /// It was stopped by somebody else.
    #[error("process {0} is stopped (by SIGSTOP, or from its terminal), and runs no code")]
    Stopped(Pid),
    /// It does not run code for others.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The time went by.
    #[error("nobody got in within {waited:.1?}{}", list(threads))]
    NoWay {
        /// How long it was tried.
        waited: Duration,
        /// What each thread was doing at the end.
        threads: Vec<ThreadSituation>,
    },
    /// The code was taken, and has not begun to speak in all the time.
    #[error(
        "the process has taken the code, which has said nothing within {waited:.1?}{}",
        list(threads)
    )]
    Silent {
        /// How long it was waited for.
        waited: Duration,
        /// What each thread was doing before.
        threads: Vec<ThreadSituation>,
    },
    /// The code got in and failed at once.
    #[error("the code got in, and failed there: {0}")]
    Failed(String),
    /// The code was taken, and nothing came of it.
    #[error("the interpreter took the code, and did not run it: an audit hook may have refused it")]
    NotRun,
    /// The code was called, and failed before it could say why.
    #[error("the interpreter was made to call the code, and failed before it could say why")]
    NotCalled,
    /// The other end of the channel was closed.
    #[error("the process closed the connection before it said anything")]
    Closed,
    /// The text is longer than what a channel holds.
    #[error("the code to bring in has {0} bytes, more than a socket holds")]
    TooLong(usize),
    /// The channel does not work.
    #[error("the connection with the process does not work")]
    Channel(#[source] io::Error),
    /// The script could not be written.
    #[error("cannot write the script that the process is to run")]
    Script(#[source] io::Error),
    /// The user asked to give up.
    #[error("cancelled")]
    Cancelled,
}

impl AttachError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Freeze(error) => return error.hint(),
            Self::Injection(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint(),
            Self::Symbols(missing) => missing.hint(),
            Self::Layout(Invalid::NoInterpreter) => {
                "a program with an embedded Python starts and ends it as it likes: try again when \
                 it runs"
            }
            Self::Layout(_) | Self::Read(_) => "if it was just starting or ending, try again",
            Self::Stopped(_) => "`kill -CONT PID` lets it go on",
            Self::Memory { source, .. } | Self::Mappings(MappingsError { source, .. }) => {
                match source.kind() {
                    // It has ended.
                    io::ErrorKind::NotFound => "`exuvia ps` lists running Pythons",
                    _ => "run exuvia as root or with CAP_SYS_PTRACE",
                }
            }
            Self::NotCalled => {
                "it may have no memory left, or no room for more calls: if it stays so, --clone \
                 tries it in a copy"
            }
            Self::NoWay { .. } => {
                "a thread has to come back to Python code, or to wait without the interpreter lock; \
                 --wait sets for how long this is tried, and --clone needs the process for \
                 milliseconds only"
            }
            Self::Silent { .. } => {
                "it waits for the interpreter lock, or runs where something holds it up, such as an \
                 import; it ends by itself as soon as it can; a longer --wait gives it time"
            }
            Self::Failed(_) => {
                "the process goes on as before; where it has run out of threads, memory or stack, \
                 try again, or with --clone; an audit hook that refuses does so in a copy, too"
            }
            Self::NotRun => {
                "this holds for --clone as well; commands that only read, such as `exuvia heap`, work"
            }
            Self::Closed => "its own code may close all descriptors, or it was ending: try again",
            Self::TooLong(_) => {
                "net.core.wmem_default of the machine is below what a socket usually holds: raise it"
            }
            Self::Channel(_) => {
                "this tool may have run out of descriptors (`ulimit -n`); try again"
            }
            Self::Script(_) => {
                "it is a file in memory, which somebody has closed in the process: try again"
            }
            // Who asked for that knows.
            Self::Cancelled => return None,
        })
    }
}

struct Listed<'a>(&'a [ThreadSituation]);

fn list(threads: &[ThreadSituation]) -> Listed<'_> {
    Listed(threads)
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for thread in self.0 {
            write!(f, "\n  {thread}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use exuvia_memory::RemoteAddress;

    use super::*;

    fn all() -> Vec<AttachError> {
        let io = || io::Error::from(ErrorKind::Other);
        let pid = Pid(1);
        let (waited, threads) = (Duration::ZERO, Vec::new);
        vec![
            AttachError::Memory { pid, source: io() },
            AttachError::Mappings(MappingsError { pid, source: io() }),
            AttachError::Layout(Invalid::NoInterpreter),
            AttachError::Layout(Invalid::NoCookie {
                runtime: RemoteAddress::NULL,
            }),
            AttachError::Symbols(MissingSymbols { names: Vec::new() }),
            AttachError::Freeze(FreezeError::Ended(pid)),
            AttachError::Freeze(FreezeError::Replaced(pid)),
            AttachError::Freeze(FreezeError::Os {
                pid,
                step: String::new(),
                source: io(),
            }),
            AttachError::Freeze(FreezeError::Guardian(io())),
            AttachError::Injection(InjectionError::Ended),
            AttachError::Stopped(pid),
            AttachError::Refused(Refusal::Finalizing),
            AttachError::NoWay {
                waited,
                threads: threads(),
            },
            AttachError::Silent {
                waited,
                threads: threads(),
            },
            AttachError::Failed(String::new()),
            AttachError::NotRun,
            AttachError::Closed,
            AttachError::TooLong(0),
            AttachError::Channel(io()),
            AttachError::Script(io()),
        ]
    }

    #[test]
    fn every_error_says_what_to_do() {
        for error in all() {
            assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
        }
        // Who has cancelled it knows.
        assert_eq!(AttachError::Cancelled.hint(), None);
    }
}
