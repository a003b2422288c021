use super::{CoreArguments, NativeArguments};
use crate::capture::Mode;
use clap::{Args, ValueEnum};
use exuvia_snapshot::ValuesKept;
use std::ffi::OsString;
use std::path::PathBuf;

/// What `dump` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia dump 4242
  exuvia dump 4242 -o /var/tmp/before.exuvia --values none
  exuvia dump core.4242.zst --sysroot /mnt/other")]
pub(crate) struct DumpArguments {
    /// A PID, or a core file
    pub(crate) target: OsString,
    #[command(flatten)]
    pub(crate) core: CoreArguments,
    #[command(flatten)]
    pub(crate) native: NativeArguments,
    /// The directory to write, which must not exist yet
    /// [default: python-PID-YYYYmmdd-HHMMSS.exuvia, or CORE-YYYYmmdd-HHMMSS.exuvia, in UTC]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Which contents of strings, bytes and numbers to keep: a heap holds secrets
    #[arg(long, value_enum, default_value_t = Contents::Short)]
    values: Contents,
    /// What to read of a process
    #[arg(long, value_enum, default_value_t = Source::Clone)]
    mode: Source,
}

/// Which contents are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Contents {
    /// Names only: of attributes, variables, modules and functions
    None,
    /// The first 100 characters as well
    Short,
    /// Everything
    Full,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    /// A copy-on-write clone: the process stands still for milliseconds. Where a clone is
    /// refused, the process itself
    Clone,
    /// The process itself, which stands still until everything is read
    Stop,
}

impl DumpArguments {
    /// Which contents are kept.
    pub(crate) fn values(&self) -> ValuesKept {
        match self.values {
            Contents::None => ValuesKept::None,
            Contents::Short => ValuesKept::Short,
            Contents::Full => ValuesKept::Full,
        }
    }

    /// What is read.
    pub(crate) fn mode(&self) -> Mode {
        match self.mode {
            Source::Clone => Mode::Clone,
            Source::Stop => Mode::Stop,
        }
    }
}
