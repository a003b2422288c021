//! x86-64: the number of a call in `rax`, arguments in `rdi`, `rsi`, `rdx`, `r10`, `r8`,
//! the result in `rax`.
//!
//! `orig_rax` is the number of the call that a thread is in, and -1 elsewhere. When a thread
//! resumes from a stop with `orig_rax` set and `rax` one of the `ERESTART…` numbers, the
//! kernel makes the call again (`arch_do_signal_or_restart` in `arch/x86/kernel/signal.c`).
//! So it is enough to put both back.

use std::io;

use super::Suitability;
use crate::tracing::ptrace::{Tid, get_registers, set_registers};

/// `syscall`.
pub(crate) const SYSCALL_INSTRUCTION: &[u8] = &[0x0f, 0x05];

/// An instruction can begin at any address.
pub(crate) const INSTRUCTION_ALIGNMENT: usize = 1;

/// The registers of a stopped thread.
#[derive(Clone)]
pub(crate) struct Registers(libc::user_regs_struct);

impl Registers {
    pub(crate) fn of(tid: Tid) -> io::Result<Self> {
        get_registers(tid).map(Self)
    }

    pub(crate) fn apply(&self, tid: Tid) -> io::Result<()> {
        set_registers(tid, &self.0)
    }

    pub(crate) fn instruction_pointer(&self) -> u64 {
        self.0.rip
    }

    pub(crate) fn stack_pointer(&self) -> u64 {
        self.0.rsp
    }

    /// What the system call returned.
    pub(crate) fn result(&self) -> i64 {
        self.0.rax.cast_signed()
    }

    /// The number of the call that the thread is in.
    pub(crate) fn system_call(&self) -> Option<i64> {
        let number = self.0.orig_rax.cast_signed();
        (number >= 0).then_some(number)
    }

    pub(crate) fn suitability(&self) -> Suitability {
        let restarts = [
            ERESTARTSYS,
            ERESTARTNOINTR,
            ERESTARTNOHAND,
            ERESTART_RESTARTBLOCK,
        ];
        match self.system_call() {
            Some(_) if restarts.contains(&-self.result()) => Suitability::InSystemCall,
            _ => Suitability::Running,
        }
    }

    /// Makes an interrupted call start again where it would have failed with `EINTR`, only
    /// because of our stop. If a signal is handled after all, it still fails so.
    pub(crate) fn restart_instead_of_eintr(&mut self) -> bool {
        let interrupted = self.result() == -i64::from(libc::EINTR);
        let restart = interrupted && self.system_call().is_some_and(returns_eintr_after_a_stop);
        if restart {
            self.0.rax = (-ERESTARTNOHAND).cast_unsigned();
        }
        restart
    }

    /// Registers that make a system call by the instruction at `site`. All others are zero,
    /// the stack pointer too: whoever went on to run after the call would fault at once.
    pub(crate) fn calling(&self, site: u64, number: i64, arguments: [u64; 5]) -> Self {
        let [rdi, rsi, rdx, r10, r8] = arguments;
        Self(libc::user_regs_struct {
            rax: number.cast_unsigned(),
            // Not in a call: otherwise the kernel could take the number for a result.
            orig_rax: u64::MAX,
            rdi,
            rsi,
            rdx,
            r10,
            r8,
            rip: site,
            rsp: 0,
            rbp: 0,
            rbx: 0,
            rcx: 0,
            r9: 0,
            r11: 0,
            r12: 0,
            r13: 0,
            r14: 0,
            r15: 0,
            ..self.0
        })
    }

    /// Registers with which a function of one argument begins, on a stack that ends at an
    /// address that is a multiple of 16. All others are zero, but for those that lead to the
    /// thread's own data.
    pub(crate) fn entering(&self, function: u64, argument: u64, stack: u64) -> Self {
        let mut registers = self.calling(function, 0, [argument, 0, 0, 0, 0]);
        registers.0.rsp = stack;
        registers.0.eflags &= !(DIRECTION | TRAP | ALIGNMENT);
        registers
    }

    /// Where the instruction lies that trapped, when a trap stopped the thread.
    pub(crate) fn trap(&self) -> u64 {
        self.0.rip.wrapping_sub(1)
    }

    /// The registers with which the thread goes on behind the trap.
    pub(crate) fn behind_trap(self) -> Self {
        self
    }
}

/// Bits of the flags: strings are walked backwards, each instruction traps, and so does
/// each access that is not aligned.
const DIRECTION: u64 = 1 << 10;
const TRAP: u64 = 1 << 8;
const ALIGNMENT: u64 = 1 << 18;

/// Calls that return `EINTR` after a stop although no signal was handled ("Interruption of
/// system calls and library functions by stop signals" in `signal(7)`). For all of them
/// `EINTR` says that nothing was transferred, so that making them again is right.
fn returns_eintr_after_a_stop(number: i64) -> bool {
    [
        libc::SYS_epoll_wait,
        libc::SYS_epoll_pwait,
        libc::SYS_epoll_pwait2,
        libc::SYS_semop,
        libc::SYS_semtimedop,
        libc::SYS_rt_sigtimedwait,
        libc::SYS_io_getevents,
        // On sockets with a timeout (`SO_RCVTIMEO`, `SO_SNDTIMEO`).
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_connect,
    ]
    .contains(&number)
}

// The kernel's own error numbers, `include/linux/errno.h`: a tracer sees them in the result
// of an interrupted call, programs never do.
const ERESTARTSYS: i64 = 512;
const ERESTARTNOINTR: i64 = 513;
const ERESTARTNOHAND: i64 = 514;
const ERESTART_RESTARTBLOCK: i64 = 516;
