use super::ptrace::Tid;

/// What a thread's seccomp filter means for a call that the thread does not make by itself.
///
/// A filter can kill the process for a call, and what it does can't be seen from outside. A
/// target must never die of this tool, so the filter is suspended for the call. That needs
/// `CAP_SYS_ADMIN`, and a tool without a filter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Filter {
    /// There is none.
    None,
    /// It has to be suspended, or no call is made.
    Suspend,
    /// The tool has a filter as well, so both are in one container, and its filter has
    /// just let the guardian be forked.
    Shared,
    /// Nothing but read, write and exit.
    Strict,
}

impl Filter {
    pub(crate) fn of(tid: Tid) -> Self {
        /// `SECCOMP_MODE_STRICT` and `SECCOMP_MODE_FILTER`.
        const STRICT: u32 = 1;
        const FILTER: u32 = 2;
        match mode(&tid.to_string()) {
            Some(STRICT) => Self::Strict,
            Some(FILTER) if mode("self") == Some(FILTER) => Self::Shared,
            Some(FILTER) => Self::Suspend,
            _ => Self::None,
        }
    }
}

/// `None` for a kernel without seccomp.
fn mode(task: &str) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{task}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Seccomp:"))?;
    line.trim().parse().ok()
}
