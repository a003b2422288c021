use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};

use exuvia_tracee::{Frozen, Pid};

use super::errors::AttachError;

/// A file without a name that a process has been given, to run it.
#[derive(Debug)]
pub(super) struct ScriptFile {
    pid: Pid,
    number: i32,
    /// The file itself: when the process has closed it, the number may be that of another.
    file: File,
}

impl ScriptFile {
    /// Gives an empty one to a process that stands still.
    pub(super) fn open(frozen: &mut Frozen) -> Result<Self, AttachError> {
        let number = frozen.open_file(b"")?;
        let pid = frozen.pid();
        let file = File::options().write(true).open(path(pid, number));
        let file = file.map_err(AttachError::Script)?;
        Ok(Self { pid, number, file })
    }

    /// The number of its descriptor in the process.
    pub(super) fn number(&self) -> i32 {
        self.number
    }

    /// Its path in the process.
    pub(super) fn path_inside(&self) -> String {
        format!("/proc/self/fd/{}", self.number)
    }

    /// Replaces what is in it.
    pub(super) fn write(&self, text: &str) -> Result<(), AttachError> {
        let emptied = self.file.set_len(0);
        let written = emptied.and_then(|()| self.file.write_all_at(text.as_bytes(), 0));
        written.map_err(AttachError::Script)
    }

    /// Whether the process still has it.
    pub(super) fn is_open(&self) -> bool {
        let found = fs::metadata(path(self.pid, self.number)).and_then(|found| {
            let file = self.file.metadata()?;
            // The path that `/proc/PID/fd` shows is the same of all files without a name.
            Ok((found.dev(), found.ino()) == (file.dev(), file.ino()))
        });
        found.unwrap_or(false)
    }
}

fn path(pid: Pid, number: i32) -> String {
    format!("/proc/{pid}/fd/{number}")
}
