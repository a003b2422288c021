//! The calls of `ptrace(2)` and `waitpid(2)` that a tracer needs, as safe functions.
//!
//! A tracer is a thread, not a process: every call about a tracee comes from the thread
//! that seized it.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint, c_void};
use std::io;
use std::ptr;

use crate::arch::EXTENDED_STATE;

/// The number of a thread in the namespace of this tool.
pub(crate) type Tid = libc::pid_t;

/// What a tracee reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// It stopped on our request, or with all of its process (`PTRACE_EVENT_STOP`).
    Stop,
    /// It is about to receive a signal.
    Signal(c_int),
    /// It enters or leaves a system call (`PTRACE_O_TRACESYSGOOD`).
    SystemCall,
    /// It has made a child, which is our tracee as well.
    Child,
    /// It has replaced its program.
    Exec,
    /// It has ended.
    Ended,
}

/// Options of `PTRACE_SETOPTIONS`, as bits.
pub(crate) mod options {
    use std::ffi::c_int;

    pub(crate) const TELL_EXEC: c_int = libc::PTRACE_O_TRACEEXEC;
    pub(crate) const TELL_SYSTEM_CALLS: c_int = libc::PTRACE_O_TRACESYSGOOD;
    pub(crate) const TRACE_CHILDREN: c_int = libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEFORK;
    pub(crate) const KILL_WITH_TRACER: c_int = libc::PTRACE_O_EXITKILL;
    /// Filters are not asked while it is set; needs `CAP_SYS_ADMIN`.
    pub(crate) const SUSPEND_SECCOMP: c_int = libc::PTRACE_O_SUSPEND_SECCOMP;
}

/// Attaches to a thread without stopping it.
pub(crate) fn seize(tid: Tid, options: c_int) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, tid, 0, options as usize).map(drop)
}

/// Asks a thread to stop; [`Event::Stop`] follows.
pub(crate) fn interrupt(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_INTERRUPT, tid, 0, 0).map(drop)
}

/// Lets a stopped thread go on, with a signal or 0.
pub(crate) fn resume(tid: Tid, signal: c_int) -> io::Result<()> {
    request(libc::PTRACE_CONT, tid, 0, signal as usize).map(drop)
}

/// Lets a stopped thread go on until it enters or leaves a system call.
pub(crate) fn resume_to_system_call(tid: Tid) -> io::Result<()> {
    resume_to_system_call_with(tid, 0)
}

/// The same, with a signal or 0.
pub(crate) fn resume_to_system_call_with(tid: Tid, signal: c_int) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, tid, 0, signal as usize).map(drop)
}

/// Lets a stopped thread go on until it is about to enter a system call, which is not made.
pub(crate) fn resume_without_system_calls(tid: Tid) -> io::Result<()> {
    request(PTRACE_SYSEMU, tid, 0, 0).map(drop)
}

/// Leaves a thread stopped that stopped with all of its process, until that goes on:
/// [`Event::Stop`] follows then, and when it is asked for.
pub(crate) fn listen(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_LISTEN, tid, 0, 0).map(drop)
}

/// Whether a thread at [`Event::Stop`] stopped with all of its process, as by `SIGSTOP`.
pub(crate) fn stopped_with_its_process(tid: Tid) -> io::Result<bool> {
    // The stop signal, below the event; a trap when it was asked for (`ptrace(2)`).
    Ok(signal_info(tid)?.code & 0xff != libc::SIGTRAP)
}

/// Ends the tracing of a stopped thread, which goes on as it was.
pub(crate) fn detach(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_DETACH, tid, 0, 0).map(drop)
}

/// Replaces the options of a stopped thread.
pub(crate) fn set_options(tid: Tid, options: c_int) -> io::Result<()> {
    request(libc::PTRACE_SETOPTIONS, tid, 0, options as usize).map(drop)
}

/// The number of the child that [`Event::Child`] announced.
pub(crate) fn new_child(tid: Tid) -> io::Result<Tid> {
    let mut number: libc::c_ulong = 0;
    let data = ptr::from_mut(&mut number) as usize;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, data)?;
    Tid::try_from(number).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Where a signal comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SignalInfo {
    /// `si_code`: positive when the kernel sent it.
    pub(crate) code: c_int,
    /// The process that sent it, if one did.
    pub(crate) sender: libc::pid_t,
}

/// About the signal that a thread is about to receive.
pub(crate) fn signal_info(tid: Tid) -> io::Result<SignalInfo> {
    // SAFETY: a struct of integers and pointers, for which all zeros is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let data = ptr::from_mut(&mut info) as usize;
    request(libc::PTRACE_GETSIGINFO, tid, 0, data)?;
    Ok(SignalInfo {
        code: info.si_code,
        // SAFETY: all bytes of the struct are initialised, and this field is an integer. For
        // signals that no process sent, it is a part of something else.
        sender: unsafe { info.si_pid() },
    })
}

/// The blocked signals of a stopped thread, a bit each.
pub(crate) fn signal_mask(tid: Tid) -> io::Result<u64> {
    let mut mask: u64 = 0;
    let data = ptr::from_mut(&mut mask) as usize;
    request(libc::PTRACE_GETSIGMASK, tid, size_of::<u64>(), data)?;
    Ok(mask)
}

/// Replaces the blocked signals of a stopped thread.
pub(crate) fn set_signal_mask(tid: Tid, mask: u64) -> io::Result<()> {
    let data = ptr::from_ref(&mask) as usize;
    request(libc::PTRACE_SETSIGMASK, tid, size_of::<u64>(), data).map(drop)
}

/// The general registers of a stopped thread.
pub(crate) fn get_registers(tid: Tid) -> io::Result<libc::user_regs_struct> {
    // SAFETY: a struct of integers, for which all zeros is a value.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    register_set(
        libc::PTRACE_GETREGSET,
        tid,
        libc::NT_PRSTATUS,
        &mut registers,
    )?;
    Ok(registers)
}

/// Replaces the general registers of a stopped thread.
pub(crate) fn set_registers(tid: Tid, registers: &libc::user_regs_struct) -> io::Result<()> {
    let mut registers = *registers;
    register_set(
        libc::PTRACE_SETREGSET,
        tid,
        libc::NT_PRSTATUS,
        &mut registers,
    )
}

/// All registers of a stopped thread that are no general ones, as the kernel packs them.
pub(crate) fn get_extended_state(tid: Tid) -> io::Result<Vec<u8>> {
    // Linux tells how much it wrote; the largest of today's sets has 11 kB.
    let mut state = vec![0; 64 << 10];
    let length = bytes_of_register_set(libc::PTRACE_GETREGSET, tid, &mut state)?;
    state.truncate(length);
    Ok(state)
}

/// Replaces them.
pub(crate) fn set_extended_state(tid: Tid, state: &[u8]) -> io::Result<()> {
    let mut state = state.to_vec();
    bytes_of_register_set(libc::PTRACE_SETREGSET, tid, &mut state).map(drop)
}

/// The number of the system call that a stopped thread is in, or -1.
#[cfg(target_arch = "aarch64")]
pub(crate) fn get_system_call_number(tid: Tid) -> io::Result<c_int> {
    let mut number: c_int = 0;
    register_set(libc::PTRACE_GETREGSET, tid, NT_ARM_SYSTEM_CALL, &mut number)?;
    Ok(number)
}

/// Replaces the number of the system call that a stopped thread is in.
#[cfg(target_arch = "aarch64")]
pub(crate) fn set_system_call_number(tid: Tid, mut number: c_int) -> io::Result<()> {
    register_set(libc::PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &mut number)
}

/// Eight bytes of the memory of a stopped thread.
#[cfg(target_arch = "aarch64")]
pub(crate) fn peek(tid: Tid, address: u64) -> io::Result<u64> {
    // The C library's ptrace returns the word, the system call stores it where `data` says.
    let mut word: u64 = 0;
    // SAFETY: PTRACE_PEEKDATA writes one word to `data`, which points to a word of ours.
    let result = unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            libc::PTRACE_PEEKDATA,
            tid,
            address,
            ptr::from_mut(&mut word),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(word)
}

/// `include/uapi/linux/elf.h`.
#[cfg(target_arch = "aarch64")]
const NT_ARM_SYSTEM_CALL: c_int = 0x404;

/// What a tracee reported since the last time, if anything. Fails with `ECHILD` when it is
/// not, or no longer, our tracee.
pub(crate) fn try_wait(tid: Tid) -> io::Result<Option<Event>> {
    wait_with(tid, libc::WNOHANG)
}

/// Like [`try_wait`], but returns the status as `waitpid(2)` does: see [`decode`].
pub(crate) fn try_wait_raw(tid: Tid) -> io::Result<Option<c_int>> {
    wait_raw(tid, libc::WNOHANG)
}

/// Waits until a tracee reports something.
pub(crate) fn wait(tid: Tid) -> io::Result<Event> {
    loop {
        if let Some(event) = wait_with(tid, 0)? {
            return Ok(event);
        }
    }
}

/// Ends a tracee at once. Its tracer may do that even where users may not: with
/// CAP_SYS_PTRACE but without CAP_KILL.
pub(crate) fn kill(pid: Tid) -> io::Result<()> {
    // SAFETY: a call without pointers.
    if unsafe { libc::kill(pid, libc::SIGKILL) } == 0 {
        return Ok(());
    }
    // SAFETY: the request takes no pointers; the others are ignored.
    match unsafe { libc::ptrace(libc::PTRACE_KILL, pid, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Waits for this one tracee only, never for whatever other children this process has.
fn wait_with(tid: Tid, flags: c_int) -> io::Result<Option<Event>> {
    Ok(wait_raw(tid, flags)?.map(decode))
}

fn wait_raw(tid: Tid, flags: c_int) -> io::Result<Option<c_int>> {
    let mut status = 0;
    loop {
        // SAFETY: `status` outlives the call.
        match unsafe { libc::waitpid(tid, &mut status, libc::__WALL | flags) } {
            0 => return Ok(None),
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            _ => return Ok(Some(status)),
        }
    }
}

/// What a status says.
pub(crate) fn decode(status: c_int) -> Event {
    if !libc::WIFSTOPPED(status) {
        return Event::Ended;
    }
    match (status >> 16, libc::WSTOPSIG(status)) {
        (EVENT_STOP, _) => Event::Stop,
        (libc::PTRACE_EVENT_EXEC, _) => Event::Exec,
        (libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK, _) => {
            Event::Child
        }
        (_, signal) if signal == libc::SIGTRAP | 0x80 => Event::SystemCall,
        (_, signal) => Event::Signal(signal),
    }
}

fn bytes_of_register_set(request_number: c_uint, tid: Tid, bytes: &mut [u8]) -> io::Result<usize> {
    let mut vector = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast::<c_void>(),
        iov_len: bytes.len(),
    };
    let data = ptr::from_mut(&mut vector) as usize;
    request(request_number, tid, EXTENDED_STATE as usize, data)?;
    Ok(vector.iov_len)
}

fn register_set<T>(request_number: c_uint, tid: Tid, set: c_int, value: &mut T) -> io::Result<()> {
    let mut vector = libc::iovec {
        iov_base: ptr::from_mut(value).cast::<c_void>(),
        iov_len: size_of::<T>(),
    };
    let data = ptr::from_mut(&mut vector) as usize;
    request(request_number, tid, set as usize, data).map(drop)
}

/// Every request here either ignores `data`, takes a number, or takes a pointer to a value
/// that the caller in this file owns for the time of the call.
fn request(request: c_uint, tid: Tid, address: usize, data: usize) -> io::Result<libc::c_long> {
    // SAFETY: see above; no request of this file writes more than the value behind `data`.
    let result = unsafe { libc::ptrace(request, tid, address as *mut c_void, data as *mut c_void) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// `PTRACE_EVENT_STOP` of `include/uapi/linux/ptrace.h`, which the `libc` crate lacks for glibc.
const EVENT_STOP: c_int = 128;

/// The same on x86-64 and, from Linux 5.3 on, aarch64 (`asm/ptrace.h`); the `libc` crate has
/// it for some C libraries only.
const PTRACE_SYSEMU: c_uint = 31;
