//! The thread of a process that serves, found once and known again.

use std::fs;

use exuvia_tracee::Pid;

use super::namespaces::number_inside;

/// A thread of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownThread {
    pub(super) process: Pid,
    /// Its number in the namespace of this tool.
    pub(super) tid: Pid,
    /// The number in its own.
    pub(super) native_id: u64,
    /// When it began, in clock ticks since the machine did: numbers are given to others when they
    /// are free again.
    began: u64,
}

impl KnownThread {
    /// Finds it by its number in its own namespace. That takes a file of each thread.
    pub(super) fn find(process: Pid, native_id: u64) -> Option<Self> {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
        let tids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
        let mut tids: Vec<i32> = tids.collect();
        // It is one of the last to have begun.
        tids.sort_unstable_by(|one, other| other.cmp(one));
        let mut found = tids.into_iter();
        let tid = found.find(|&tid| number_inside(process, Pid(tid)) == Some(native_id))?;
        let (_, began) = state(process, Pid(tid))?;
        Some(Self {
            process,
            tid: Pid(tid),
            native_id,
            began,
        })
    }

    /// Whether it is still there, and no zombie. That takes one file.
    pub(super) fn is_there(&self) -> bool {
        let state = state(self.process, self.tid);
        state.is_some_and(|(letter, began)| began == self.began && !['Z', 'X'].contains(&letter))
    }
}

/// The letter of its state, and when it began: the third column of `/proc/PID/task/TID/stat` and
/// the twenty-second.
fn state(process: Pid, tid: Pid) -> Option<(char, u64)> {
    let stat = fs::read_to_string(format!("/proc/{process}/task/{tid}/stat")).ok()?;
    // The name in parentheses can hold anything, parentheses too.
    let (_, columns) = stat.rsplit_once(") ")?;
    let mut columns = columns.split_ascii_whitespace();
    let letter = columns.next()?.chars().next()?;
    Some((letter, columns.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::thread::JoinHandle;

    use super::*;

    /// A thread of this process that waits until it is let go.
    fn thread() -> (JoinHandle<()>, Sender<()>, u64) {
        let (number, its_number) = channel();
        let (let_go, until) = channel();
        let thread = std::thread::spawn(move || {
            let path = fs::read_link("/proc/thread-self").unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            number.send(name.parse().unwrap()).unwrap();
            let _ = until.recv();
        });
        (thread, let_go, its_number.recv().unwrap())
    }

    #[test]
    fn a_thread_is_known_until_it_ends() {
        let own = Pid(std::process::id().cast_signed());
        let (first, let_first_go, number) = thread();
        let (second, let_second_go, other) = thread();
        // Both are in the namespace that the test is in.
        let known = KnownThread::find(own, number).unwrap();
        assert_eq!(u64::try_from(known.tid.0), Ok(number));
        assert_ne!(KnownThread::find(own, other), Some(known));
        assert!(known.is_there());
        let_first_go.send(()).unwrap();
        first.join().unwrap();
        // Whoever has joined a thread may find it in its last moment still.
        while KnownThread::find(own, number).is_some_and(|found| found.is_there()) {
            std::thread::yield_now();
        }
        assert!(!known.is_there());
        let_second_go.send(()).unwrap();
        second.join().unwrap();
    }

    #[test]
    fn another_thread_of_the_same_number_is_not_taken_for_it() {
        let own = Pid(std::process::id().cast_signed());
        let (thread, let_go, number) = thread();
        let known = KnownThread::find(own, number).unwrap();
        let before = KnownThread {
            began: known.began - 1,
            ..known
        };
        assert!(known.is_there() && !before.is_there());
        let_go.send(()).unwrap();
        thread.join().unwrap();
    }
}
