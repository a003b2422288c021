//! The system calls that a clone may make: a list of those that are allowed, since of all others
//! nobody knows what they reach.

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule,
};

/// Whether files are opened only after the guardian has looked at them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opens {
    /// The guardian is asked (`SECCOMP_RET_USER_NOTIF`).
    Asked,
    /// It can't be.
    Allowed,
}

/// The program of the filter, as `seccomp(2)` reads it, for a clone that sees itself under this
/// number.
pub(super) fn program(own_pid: i32, opens: Opens) -> Result<Vec<u8>, BackendError> {
    let missing = compile(
        missing(),
        SeccompAction::Errno(libc::ENOSYS as u32),
        LET_PASS,
    )?;
    let opening = compile(opening()?, ASK, LET_PASS)?;
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let allowed = compile(allowed(own_pid)?, SeccompAction::Allow, refused)?;
    let opening = match opens {
        Opens::Asked => replace_action(opening, &ASK, libc::SECCOMP_RET_USER_NOTIF),
        Opens::Allowed => replace_action(opening, &ASK, libc::SECCOMP_RET_ALLOW),
    };
    let program = [missing, opening, allowed].into_iter().rev();
    let program = program.reduce(|rest, first| then(first, rest));
    Ok(encode(&program.unwrap_or_default()))
}

/// How many bytes an instruction has.
pub(super) const INSTRUCTION: usize = 8;

/// Stands for the next program.
const LET_PASS: SeccompAction = SeccompAction::Log;
/// Stands for what becomes of opening a file, for which the crate has no name.
const ASK: SeccompAction = SeccompAction::Trace(1);

type Rules = Vec<(i64, Vec<SeccompRule>)>;
type Result_<T> = Result<T, BackendError>;

fn compile(rules: Rules, matched: SeccompAction, other: SeccompAction) -> Result_<BpfProgram> {
    let architecture = std::env::consts::ARCH.try_into()?;
    let rules = rules.into_iter().collect();
    SeccompFilter::new(rules, other, matched, architecture)?.try_into()
}

/// Runs the second program wherever the first lets a call pass.
fn then(first: BpfProgram, second: BpfProgram) -> BpfProgram {
    let length = first.len();
    let mut program = first;
    for (index, instruction) in program.iter_mut().enumerate() {
        if instruction.code == RETURN && instruction.k == u32::from(LET_PASS) {
            instruction.code = JUMP;
            instruction.k = (length - index - 1) as u32;
        }
    }
    program.extend(second);
    program
}

fn replace_action(mut program: BpfProgram, action: &SeccompAction, by: u32) -> BpfProgram {
    for instruction in &mut program {
        if instruction.code == RETURN && instruction.k == u32::from(action.clone()) {
            instruction.k = by;
        }
    }
    program
}

/// `BPF_RET | BPF_K` and `BPF_JMP | BPF_JA` of `include/uapi/linux/bpf_common.h`.
const RETURN: u16 = 0x06;
const JUMP: u16 = 0x05;

fn encode(program: &BpfProgram) -> Vec<u8> {
    let bytes = program.iter().map(|instruction| {
        let mut bytes = [0; INSTRUCTION];
        bytes[..2].copy_from_slice(&instruction.code.to_ne_bytes());
        bytes[2] = instruction.jt;
        bytes[3] = instruction.jf;
        bytes[4..].copy_from_slice(&instruction.k.to_ne_bytes());
        bytes
    });
    bytes.flatten().collect()
}

/// Calls that a C library makes in another way where the kernel does not have them, and whose
/// arguments lie in memory, where a filter can't see them.
fn missing() -> Rules {
    [libc::SYS_clone3, libc::SYS_openat2]
        .map(|number| (number, Vec::new()))
        .into()
}

/// Opening files for reading.
fn opening() -> Result_<Rules> {
    let mut rules = vec![(libc::SYS_openat, vec![rule([masked(2, WRITING, 0)])?])];
    #[cfg(target_arch = "x86_64")]
    rules.push((libc::SYS_open, vec![rule([masked(1, WRITING, 0)])?]));
    Ok(rules)
}

/// Flags of `open` that write, create, or have effects on others. `O_TMPFILE` is among them but
/// for its part that says that it is a directory.
const WRITING: u64 = (libc::O_ACCMODE
    | libc::O_CREAT
    | libc::O_TRUNC
    | libc::O_APPEND
    | libc::O_ASYNC
    | (libc::O_TMPFILE & !libc::O_DIRECTORY)) as u64;

fn allowed(own_pid: i32) -> Result_<Rules> {
    let mut rules: Rules = ALWAYS.iter().map(|&number| (number, Vec::new())).collect();
    rules.extend(some(own_pid)?);
    Ok(rules)
}

/// Calls that are allowed with some arguments.
fn some(own_pid: i32) -> Result_<Rules> {
    let own_pid = u64::from(own_pid.cast_unsigned());
    let rules = vec![
        // Threads, but no processes.
        (
            libc::SYS_clone,
            vec![rule([masked(0, !OF_THREADS, THREAD)])?],
        ),
        // Signals to itself: `abort` and `raise`.
        (libc::SYS_kill, vec![rule([equal(0, own_pid)])?]),
        (libc::SYS_tgkill, vec![rule([equal(0, own_pid)])?]),
        // Not those that work on the pages themselves, which the target has too.
        (
            libc::SYS_madvise,
            vec![
                rule([at_most(2, libc::MADV_DONTNEED)])?,
                rule([equal(2, libc::MADV_FREE as u64)])?,
                rule([
                    at_least(2, libc::MADV_HUGEPAGE),
                    at_most(2, libc::MADV_KEEPONFORK),
                ])?,
            ],
        ),
        // Not from the pool of huge pages, which the target may count on.
        (
            libc::SYS_mmap,
            vec![rule([masked(3, libc::MAP_HUGETLB as u64, 0)])?],
        ),
        (libc::SYS_fcntl, one_of(1, &CONTROLS)?),
        (libc::SYS_ioctl, one_of(1, &DEVICE_CONTROLS)?),
        (libc::SYS_prctl, one_of(0, &PROCESS_CONTROLS)?),
        // Reading limits, not setting them.
        (libc::SYS_prlimit64, vec![rule([null(2)])?]),
        (
            libc::SYS_socketpair,
            vec![rule([equal(0, libc::AF_UNIX as u64)])?],
        ),
        // To the other end, not to an address.
        (libc::SYS_sendto, vec![rule([null(4)])?]),
        (libc::SYS_wait4, Vec::new()),
    ];
    Ok(rules)
}

/// What every thread shares with the others.
const THREAD: u64 = (libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD) as u64;
/// What it may besides. The last one has no effect; musl sets it.
const OF_THREADS: u64 = (libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_SETTID
    | libc::CLONE_CHILD_CLEARTID
    | libc::CLONE_DETACHED) as u64;

const CONTROLS: [u64; 6] = [
    libc::F_DUPFD as u64,
    libc::F_DUPFD_CLOEXEC as u64,
    libc::F_GETFD as u64,
    libc::F_SETFD as u64,
    libc::F_GETFL as u64,
    libc::F_SETFL as u64,
];

const DEVICE_CONTROLS: [u64; 6] = [
    libc::TCGETS,
    libc::TIOCGWINSZ,
    libc::FIONREAD,
    libc::FIONBIO,
    libc::FIOCLEX,
    libc::FIONCLEX,
];

const PROCESS_CONTROLS: [u64; 5] = [
    libc::PR_GET_NAME as u64,
    libc::PR_SET_NAME as u64,
    libc::PR_GET_DUMPABLE as u64,
    libc::PR_CAPBSET_READ as u64,
    // Names of memory, which allocators give.
    libc::PR_SET_VMA as u64,
];

fn rule<const N: usize>(conditions: [Result_<SeccompCondition>; N]) -> Result_<SeccompRule> {
    let conditions: Result_<Vec<_>> = conditions.into_iter().collect();
    SeccompRule::new(conditions?)
}

fn one_of(argument: u8, values: &[u64]) -> Result_<Vec<SeccompRule>> {
    let rules = values.iter().map(|&value| rule([equal(argument, value)]));
    rules.collect()
}

/// The kernel takes an `int`, so the upper half of the register means nothing.
fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result_<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn equal(argument: u8, value: u64) -> Result_<SeccompCondition> {
    condition(argument, SeccompCmpOp::Eq, value)
}

fn at_most(argument: u8, value: i32) -> Result_<SeccompCondition> {
    condition(argument, SeccompCmpOp::Le, value as u64)
}

fn at_least(argument: u8, value: i32) -> Result_<SeccompCondition> {
    condition(argument, SeccompCmpOp::Ge, value as u64)
}

/// The bits of the mask have these values.
fn masked(argument: u8, mask: u64, value: u64) -> Result_<SeccompCondition> {
    let mask = mask & u64::from(u32::MAX);
    condition(argument, SeccompCmpOp::MaskedEq(mask), value)
}

fn null(argument: u8) -> Result_<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

/// Calls that reach nothing but the clone's own memory, threads and descriptors, or only look.
const ALWAYS: &[i64] = &[
    // Descriptors. None that is left leads to anything outside, but for the channel.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_fstatfs,
    libc::SYS_getdents64,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_signalfd4,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    libc::SYS_recvfrom,
    // Descriptors that come with it are those that the tool lends over the channel.
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    // Looking at files.
    libc::SYS_newfstatat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_statfs,
    libc::SYS_getcwd,
    libc::SYS_chdir,
    libc::SYS_fchdir,
    libc::SYS_umask,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_msync,
    libc::SYS_mincore,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
    libc::SYS_get_mempolicy,
    // Threads and what they wait for.
    libc::SYS_futex,
    libc::SYS_futex_waitv,
    libc::SYS_set_tid_address,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Time.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getitimer,
    libc::SYS_setitimer,
    libc::SYS_timer_create,
    libc::SYS_timer_settime,
    libc::SYS_timer_gettime,
    libc::SYS_timer_getoverrun,
    libc::SYS_timer_delete,
    libc::SYS_times,
    // Its own handling of signals.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sigaltstack,
    // Who it is.
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getpgid,
    libc::SYS_getsid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_getgroups,
    libc::SYS_capget,
    libc::SYS_getpriority,
    libc::SYS_getrlimit,
    libc::SYS_getrusage,
    libc::SYS_getcpu,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_getrandom,
    libc::SYS_waitid,
    // Older forms of some of these.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getdents,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pipe,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_create,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_eventfd,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_signalfd,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_alarm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pause,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getpgrp,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program returns, of all its returns.
    fn actions(opens: Opens) -> Vec<u32> {
        let program = program(7, opens).unwrap();
        let instructions = program.as_chunks::<INSTRUCTION>().0.iter();
        let returns = instructions.filter(|one| u16::from_ne_bytes([one[0], one[1]]) == RETURN);
        let mut actions: Vec<u32> = returns
            .map(|one| u32::from_ne_bytes([one[4], one[5], one[6], one[7]]))
            .collect();
        actions.sort_unstable();
        actions.dedup();
        actions
    }

    #[test]
    fn nothing_stands_for_something_else_any_more() {
        let refused = [libc::EPERM, libc::ENOSYS]
            .map(|errno| libc::SECCOMP_RET_ERRNO | errno.cast_unsigned());
        // A program of another architecture is killed.
        let mut allowed = vec![libc::SECCOMP_RET_KILL_PROCESS, libc::SECCOMP_RET_ALLOW];
        allowed.extend(refused);
        allowed.sort_unstable();
        assert_eq!(actions(Opens::Allowed), allowed);
        allowed.push(libc::SECCOMP_RET_USER_NOTIF);
        allowed.sort_unstable();
        assert_eq!(actions(Opens::Asked), allowed);
    }

    #[test]
    fn the_kernel_takes_a_program_of_this_length() {
        /// `BPF_MAXINSNS` of `include/uapi/linux/bpf_common.h`.
        const MOST: usize = 4096;
        let length = program(i32::MAX, Opens::Asked).unwrap().len() / INSTRUCTION;
        assert!((500..MOST).contains(&length), "{length}");
    }
}
