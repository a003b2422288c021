//! What a thread is doing, in words.

use std::fmt;

use exuvia_tracee::Pid;

/// What a thread was doing when nobody could get in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadSituation {
    /// The thread, in the namespace of this tool.
    pub tid: Pid,
    /// Whether the main interpreter knows it.
    pub is_python: bool,
    /// Whether it is the main thread.
    pub is_main: bool,
    /// Whether it holds the interpreter lock.
    pub holds_gil: bool,
    /// What it does.
    pub activity: Activity,
}

/// What a thread does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activity {
    /// It runs, or would if it was its turn.
    Runs,
    /// It waits for the interpreter lock.
    WantsLock,
    /// It is in a system call, of this name.
    Calls(String),
}

impl ThreadSituation {
    /// The name that the thread gave itself, for `ps` and others, while it is there.
    pub fn name(&self) -> Option<String> {
        let path = format!("/proc/{}/comm", self.tid);
        let name = std::fs::read(path).ok()?;
        let name = String::from_utf8_lossy(&name);
        Some(name.trim_end().escape_debug().to_string())
    }
}

impl fmt::Display for ThreadSituation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {}", self.tid)?;
        if let Some(name) = self.name() {
            write!(f, " '{name}'")?;
        }
        match (self.is_python, self.is_main) {
            (false, _) => f.write_str(" (of no Python code)")?,
            (true, true) => f.write_str(" (the main one)")?,
            (true, false) => {}
        }
        match &self.activity {
            Activity::Runs => f.write_str(" runs")?,
            Activity::WantsLock => f.write_str(" waits for the interpreter lock")?,
            Activity::Calls(call) => write!(f, " is in {call}")?,
        }
        if self.holds_gil {
            f.write_str(", and holds the interpreter lock")?;
        }
        Ok(())
    }
}
