//! System calls in which a thread waits.

use syscalls::Sysno;

/// Calls that wait for something outside of the process, or for another thread. A thread that
/// sits in one of them is between two instructions of its C library at which it holds none of
/// its locks for memory. Those that change the process's memory are not here: `malloc` makes
/// them with its locks held.
const BLOCKING: &[Sysno] = &[
    Sysno::read,
    Sysno::readv,
    Sysno::pread64,
    Sysno::preadv,
    Sysno::preadv2,
    Sysno::write,
    Sysno::writev,
    Sysno::recvfrom,
    Sysno::recvmsg,
    Sysno::recvmmsg,
    Sysno::sendto,
    Sysno::sendmsg,
    Sysno::sendmmsg,
    Sysno::sendfile,
    Sysno::splice,
    Sysno::accept,
    Sysno::accept4,
    Sysno::connect,
    #[cfg(target_arch = "x86_64")]
    Sysno::poll,
    Sysno::ppoll,
    #[cfg(target_arch = "x86_64")]
    Sysno::select,
    Sysno::pselect6,
    #[cfg(target_arch = "x86_64")]
    Sysno::epoll_wait,
    Sysno::epoll_pwait,
    Sysno::epoll_pwait2,
    Sysno::io_getevents,
    Sysno::io_uring_enter,
    Sysno::nanosleep,
    Sysno::clock_nanosleep,
    Sysno::restart_syscall,
    #[cfg(target_arch = "x86_64")]
    Sysno::pause,
    Sysno::rt_sigsuspend,
    Sysno::rt_sigtimedwait,
    Sysno::wait4,
    Sysno::waitid,
    Sysno::flock,
    Sysno::fcntl,
    Sysno::semop,
    Sysno::semtimedop,
    Sysno::msgrcv,
    Sysno::msgsnd,
    Sysno::mq_timedreceive,
    Sysno::mq_timedsend,
];

/// `FUTEX_WAIT` and `FUTEX_WAIT_BITSET`, without the flags beside the operation.
const FUTEX_WAITS: [u64; 2] = [0, 9];
/// `FUTEX_PRIVATE_FLAG` and `FUTEX_CLOCK_REALTIME`.
const FUTEX_FLAGS: u64 = 128 | 256;

/// What a thread waits for in a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// For another thread, by a word at this address.
    Word(u64),
    /// For anything else.
    Other,
}

/// Whether a thread that is in this call waits, and for what.
pub(super) fn wait(number: i64, arguments: [u64; 6]) -> Option<Wait> {
    let call = Sysno::new(usize::try_from(number).ok()?)?;
    if call == Sysno::futex {
        let [word, operation, ..] = arguments;
        let waits = FUTEX_WAITS.contains(&(operation & !FUTEX_FLAGS));
        return waits.then_some(Wait::Word(word));
    }
    BLOCKING.contains(&call).then_some(Wait::Other)
}

/// The name of a call, or its number.
pub(super) fn name(number: i64) -> String {
    let call = usize::try_from(number).ok().and_then(Sysno::new);
    call.map_or_else(
        || format!("system call {number}"),
        |call| format!("{}()", call.name()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(call: Sysno) -> i64 {
        i64::from(call.id())
    }

    #[test]
    fn a_futex_waits_only_in_some_of_its_operations() {
        let futex = |operation| wait(number(Sysno::futex), [0x1000, operation, 0, 0, 0, 0]);
        assert_eq!(futex(0), Some(Wait::Word(0x1000)));
        // FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME.
        assert_eq!(futex(9 | 128 | 256), Some(Wait::Word(0x1000)));
        // FUTEX_WAKE | FUTEX_PRIVATE_FLAG.
        assert_eq!(futex(1 | 128), None);
    }

    #[test]
    fn what_malloc_calls_is_no_wait() {
        for call in [
            Sysno::brk,
            Sysno::mmap,
            Sysno::munmap,
            Sysno::mremap,
            Sysno::mprotect,
            Sysno::madvise,
        ] {
            assert_eq!(wait(number(call), [0; 6]), None, "{call}");
        }
        assert_eq!(wait(number(Sysno::accept4), [0; 6]), Some(Wait::Other));
        assert_eq!(wait(-1, [0; 6]), None);
    }

    #[test]
    fn calls_have_names() {
        assert_eq!(name(number(Sysno::epoll_wait)), "epoll_wait()");
        assert_eq!(name(100_000), "system call 100000");
    }
}
