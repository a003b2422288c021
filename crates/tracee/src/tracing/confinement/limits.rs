//! The limits of a clone, so that it can't use up what it shares with everybody: memory.

use procfs::process::{LimitValue, Process as ProcDirectory};

use super::batch::Batch;
use crate::Pid;
use crate::batch::Call;
use crate::protocol::ConfineFailure;

/// What keeps the kernel from dumping core to a program as well, such as `systemd-coredump`: 0 is a
/// limit for files only (`core(5)`, `do_coredump` of `fs/coredump.c`).
const NO_CORE: u64 = 1;

/// Bounds the memory of the clone to what it has and so many bytes more, and lets it write no
/// files, no core and no messages.
pub(super) fn set(clone: Pid, batch: &Batch, more: u64) -> Result<(), ConfineFailure> {
    // Where the hard limit is 0 already, a core that a program gets has none of the memory.
    let _ = std::fs::write(format!("/proc/{clone}/coredump_filter"), "0");
    let unknown = |_| ConfineFailure::Ended;
    let process = ProcDirectory::new(clone.0).map_err(unknown)?;
    let status = process.status().map_err(unknown)?;
    let now = process.limits().map_err(unknown)?;
    let with_more = |kilobytes: Option<u64>| {
        let bytes = kilobytes.unwrap_or_default().saturating_mul(1024);
        bytes.saturating_add(more)
    };
    let wanted = [
        (
            libc::RLIMIT_AS,
            now.max_address_space.hard_limit,
            with_more(status.vmsize),
        ),
        (
            libc::RLIMIT_DATA,
            now.max_data_size.hard_limit,
            with_more(status.vmdata),
        ),
        (libc::RLIMIT_FSIZE, LimitValue::Unlimited, 0),
        (
            libc::RLIMIT_CORE,
            now.max_core_file_size.hard_limit,
            NO_CORE,
        ),
        (libc::RLIMIT_MSGQUEUE, LimitValue::Unlimited, 0),
    ];
    let mut list = Vec::new();
    for (index, (resource, hard, wanted)) in wanted.into_iter().enumerate() {
        // A hard limit may be lowered by everybody.
        let limit = match hard {
            LimitValue::Value(hard) => hard.min(wanted),
            LimitValue::Unlimited => wanted,
        };
        let at = index * 16;
        batch.put(at, &[limit.to_ne_bytes(), limit.to_ne_bytes()].concat())?;
        let arguments = [0, u64::from(resource), batch.data + at as u64];
        list.push(Call::new(libc::SYS_prlimit64, arguments));
    }
    match batch.run(&list)?.into_iter().find(|&result| result < 0) {
        None => Ok(()),
        Some(errno) => Err(ConfineFailure::Os {
            step: "setrlimit in the clone".to_owned(),
            errno: i32::try_from(-errno).unwrap_or(libc::EIO),
        }),
    }
}
