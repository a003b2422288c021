//! The processes that a process has started.

use crate::fingerprint::{children_of_task, process, status_field, tasks};
use anyhow::{Context, Result};

/// The children of a process, zombies included; none of one that is gone.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    // A process is the child of the thread that made it.
    let tasks = tasks(pid).unwrap_or_default();
    let children = tasks.iter().filter_map(|task| children_of_task(task).ok());
    children.flatten().collect()
}

/// A process that this is true of, or the first such descendant. Those that end meanwhile are
/// passed over.
pub(crate) fn find_below(ancestor: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
    let mut waiting = vec![ancestor];
    while let Some(pid) = waiting.pop() {
        if is_it(pid) {
            return Some(pid);
        }
        waiting.extend(children(pid));
    }
    None
}

/// The number of a process in its own namespace.
pub(crate) fn number_inside(pid: u32) -> Result<u32> {
    let numbers = status_field(&process(pid), "NSpid")?;
    let inside = numbers.split_ascii_whitespace().next_back();
    Ok(inside.context("an empty NSpid")?.parse()?)
}
