use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::Pid;
use crate::patch::{Edit, Patch};

/// The memory of a process, for reading and writing. What a patch changes stands still, as a rule
/// because the whole process does.
///
/// Where a thread was called to run code, or a clone has threads of its own, only the thread stands
/// still that is to be interrupted. Others may change a word meanwhile that is changed here: bits of
/// its `eval_breaker`, from 3.13 on, and before 3.12 the count of references to a class of the
/// interpreter itself. What they do to it between the read and the write is lost, which is accepted:
/// that is a few microseconds, the class has references to spare, and of all bits only that of a
/// signal is not set again soon; its handler runs when signals are looked for the next time. To stop
/// the others is worse: one that can't be stopped, as in a system call that waits for a disk, would
/// stay traced, and halt when it comes back, until the called code has ended.
pub(super) fn open_memory(pid: Pid) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .open(format!("/proc/{pid}/mem"))
}

/// Whether everything is as expected.
pub(super) fn is_as_expected(patch: &Patch, memory: &File) -> bool {
    patch.expected.iter().all(|(address, expected)| {
        let mut found = vec![0; expected.len()];
        // Memory that is not there any more is not as expected either.
        memory.read_exact_at(&mut found, *address).is_ok() && found == *expected
    })
}

/// Whether it was made before, and nobody has taken it back: all that is not as expected is what it
/// puts there.
pub(super) fn is_made(patch: &Patch, memory: &File) -> bool {
    let is_put = |address: u64, found: &[u8]| {
        patch.edits.iter().any(|edit| match edit {
            Edit::Set { address: at, bytes } => *at == address && bytes == found,
            Edit::Or { .. } | Edit::Add { .. } => false,
        })
    };
    let mut is_changed = false;
    for (address, expected) in &patch.expected {
        let mut found = vec![0; expected.len()];
        if memory.read_exact_at(&mut found, *address).is_err() {
            return false;
        }
        if found != *expected {
            if !is_put(*address, &found) {
                return false;
            }
            is_changed = true;
        }
    }
    is_changed
}

/// Makes the changes, unless something is not as expected: then false, and nothing is changed.
pub(super) fn apply(patch: &Patch, memory: &File) -> io::Result<bool> {
    if !is_as_expected(patch, memory) {
        return Ok(false);
    }
    // What can't be computed is found out before the first change.
    for edit in &patch.edits {
        compute(edit, memory)?;
    }
    for edit in &patch.edits {
        let (address, bytes) = compute(edit, memory)?;
        memory.write_all_at(&bytes, address)?;
    }
    Ok(true)
}

fn compute(edit: &Edit, memory: &File) -> io::Result<(u64, Vec<u8>)> {
    let word = |address: u64| {
        let mut word = [0; 8];
        memory.read_exact_at(&mut word, address)?;
        io::Result::Ok(u64::from_le_bytes(word))
    };
    Ok(match edit {
        Edit::Set { address, bytes } => (*address, bytes.clone()),
        Edit::Or { address, bits } => {
            let changed = word(*address)? | bits;
            (*address, changed.to_le_bytes().to_vec())
        }
        Edit::Add { address, number } => {
            let changed = word(*address)?.wrapping_add_signed(*number);
            (*address, changed.to_le_bytes().to_vec())
        }
    })
}
