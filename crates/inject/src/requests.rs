//! What the server is asked for.

use std::os::fd::OwnedFd;

/// What a session begins with.
#[derive(Debug, Default)]
pub struct Begin {
    /// Where names are looked up.
    pub place: Namespace,
    /// Folders to be in front of `sys.path` until the session ends.
    pub search: Vec<String>,
    /// Folders of this tool that the target has no path to, to be there as well, before those.
    pub lent: Vec<OwnedFd>,
    /// A line for the target's own stderr.
    pub announcement: Option<String>,
}

/// Where names are looked up and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespace {
    /// A module's, by its name in `sys.modules`.
    Module(String),
    /// A frame's.
    Frame {
        /// Of the thread with this name, `ident` or native id.
        thread: String,
        /// How many calls outside of the innermost.
        number: u32,
    },
}

/// A program to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program<'a> {
    /// Its text, in any encoding that it declares.
    pub source: &'a [u8],
    /// What tracebacks call it, and `__file__` where it has a namespace of its own.
    pub name: &'a str,
    /// Whether it runs in a namespace of its own, as a script does, not in that of the session.
    pub fresh: bool,
    /// `sys.argv` while it runs; the target's own when empty.
    pub arguments: &'a [String],
}

impl Default for Namespace {
    fn default() -> Self {
        Self::Module("__main__".to_owned())
    }
}
