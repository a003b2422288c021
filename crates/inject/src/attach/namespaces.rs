//! The numbers that a thread has in the namespaces of processes that it is in.

use std::fs;

use exuvia_tracee::Pid;

/// Its numbers from the namespace of this tool's `/proc` to its own, the innermost last: the line
/// `NSpid` of its status. None when it is gone.
pub(super) fn numbers(process: Pid, tid: Pid) -> Vec<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/task/{tid}/status"));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let numbers = line.unwrap_or_default().split_ascii_whitespace();
    numbers.map_while(|number| number.parse().ok()).collect()
}

/// The number that it knows itself by.
pub(super) fn number_inside(process: Pid, tid: Pid) -> Option<u64> {
    numbers(process, tid).pop()
}
