use super::ptrace::Tid;
use crate::arch::Registers;

/// Lets a stopped thread return early from the system call that it waits in, if it does, so that
/// the code around it sees that it is interrupted. If that fails, it waits on.
pub(super) fn nudge(tid: Tid, registers: &Registers, channel: Option<i32>) {
    if let Some(result) = early_result(registers, channel) {
        let _ = registers.clone().returning(result).apply(tid);
    }
}

/// What a blocking system call may return at once; nothing for calls that must be made again, and
/// for those that have ended just before the stop: their result is the only trace of what they did.
///
/// A wait ends as if its time had come, and a transfer fails with `ECANCELED`, which has
/// transferred nothing. Not `EINTR`, since Python makes such a call again (PEP 475), and not
/// `futex`, whose callers in the C library abort at results that they do not know: they know
/// `EINTR`, after which Python looks for [pending calls](waits_for_lock), but in no other thread
/// than the main one.
fn early_result(registers: &Registers, channel: Option<i32>) -> Option<i64> {
    if !registers.is_interrupted() {
        return None;
    }
    let number = registers.system_call()?;
    if WAITS.contains(&number) {
        return Some(0);
    }
    let is_on_channel = channel.is_some_and(|channel| {
        let first = registers.arguments()[0];
        u64::try_from(channel) == Ok(first)
    });
    let is_transfer = TRANSFERS.contains(&number) && !is_on_channel;
    is_transfer.then_some(-i64::from(libc::ECANCELED))
}

/// Whether the thread waits in a `futex` call, which may then fail with `EINTR`: as when a signal is
/// handled, after which whoever wants the lock looks for it, and waits again.
pub(super) fn waits_for_lock(registers: &Registers) -> bool {
    const PLAIN: u64 = libc::FUTEX_WAIT as u64;
    const WITH_BITS: u64 = libc::FUTEX_WAIT_BITSET as u64;
    const FLAGS: u64 = (libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME) as u64;
    let operation = registers.arguments()[1] & !FLAGS;
    registers.system_call() == Some(libc::SYS_futex)
        && registers.is_interrupted()
        && [PLAIN, WITH_BITS].contains(&operation)
}

const WAITS: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
];

const TRANSFERS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_connect,
    libc::SYS_wait4,
    libc::SYS_waitid,
];

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    const CHANNEL: Option<i32> = Some(7);
    const ERESTARTSYS: i64 = 512;
    const ERESTART_RESTARTBLOCK: i64 = 516;

    fn early(number: i64, descriptor: u64, result: i64) -> Option<i64> {
        early_result(&Registers::in_call(number, descriptor, result), CHANNEL)
    }

    #[test]
    fn calls_that_wait_return_early() {
        let canceled = Some(-i64::from(libc::ECANCELED));
        assert_eq!(early(libc::SYS_read, 0, -ERESTARTSYS), canceled);
        assert_eq!(early(libc::SYS_accept4, 3, -ERESTARTSYS), canceled);
        assert_eq!(early(libc::SYS_wait4, 0, -ERESTARTSYS), canceled);
        // A socket with a timeout.
        assert_eq!(
            early(libc::SYS_recvfrom, 3, -i64::from(libc::EINTR)),
            canceled
        );
        assert_eq!(early(libc::SYS_poll, 0, -ERESTART_RESTARTBLOCK), Some(0));
        assert_eq!(
            early(libc::SYS_epoll_wait, 3, -i64::from(libc::EINTR)),
            Some(0)
        );
        assert_eq!(early(libc::SYS_read, 7, -ERESTARTSYS), None);
        assert_eq!(early(libc::SYS_futex, 0, -ERESTARTSYS), None);
        assert_eq!(early(-1, 0, -ERESTARTSYS), None);
    }

    #[test]
    fn calls_that_have_ended_keep_their_result() {
        for (number, result) in [
            (libc::SYS_read, 65536),
            (libc::SYS_read, 0),
            (libc::SYS_read, -i64::from(libc::EIO)),
            (libc::SYS_accept4, 4),
            (libc::SYS_wait4, 1234),
            (libc::SYS_epoll_wait, 1),
            (libc::SYS_poll, 1),
        ] {
            assert_eq!(early(number, 3, result), None, "{number}: {result}");
        }
    }
}
