use clap::Args;
use exuvia_tracee::Places;
use std::path::PathBuf;

/// `--exe` and `--sysroot`.
#[derive(Debug, Default, Args)]
pub(crate) struct CoreArguments {
    /// For a core file: the program that it is of, where that is not found by itself
    #[arg(long, value_name = "PATH", help_heading = HEADING)]
    exe: Option<PathBuf>,
    /// For a core file from elsewhere: the root of the files of that machine or container, or
    /// a folder with its program and libraries
    #[arg(long, value_name = "DIR", help_heading = HEADING)]
    sysroot: Option<PathBuf>,
}

const HEADING: &str = "Core files";

impl CoreArguments {
    /// Where to look for the files of a core.
    pub(crate) fn places(&self) -> Places {
        Places {
            program: self.exe.clone(),
            sysroot: self.sysroot.clone(),
        }
    }
}
