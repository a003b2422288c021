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
        match self.is_made_again() {
            true => Suitability::InSystemCall,
            false => Suitability::Running,
        }
    }

    /// Whether the thread is in a system call that was interrupted before it had an effect, rather
    /// than on the way out of one that has ended.
    pub(crate) fn is_interrupted(&self) -> bool {
        let is_eintr = self.result() == -i64::from(libc::EINTR);
        self.is_made_again() || is_eintr && self.system_call().is_some()
    }

    fn is_made_again(&self) -> bool {
        let restarts = [
            ERESTARTSYS,
            ERESTARTNOINTR,
            ERESTARTNOHAND,
            ERESTART_RESTARTBLOCK,
        ];
        self.system_call().is_some() && restarts.contains(&-self.result())
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

    /// Makes an interrupted call that keeps the rest of its timeout start from its beginning: a
    /// process that is made meanwhile has no part in what is kept.
    pub(crate) fn restart_from_the_start(&mut self) {
        if self.result() == -ERESTART_RESTARTBLOCK && self.system_call().is_some() {
            self.0.rax = (-ERESTARTNOHAND).cast_unsigned();
        }
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

    /// The thread's own pointer to its data, which is also the number that the C library's
    /// `pthread_self` returns.
    pub(crate) fn thread_pointer(&self) -> u64 {
        self.0.fs_base
    }

    /// The arguments of the system call that the thread is in.
    pub(crate) fn arguments(&self) -> [u64; 6] {
        let registers = &self.0;
        [
            registers.rdi,
            registers.rsi,
            registers.rdx,
            registers.r10,
            registers.r8,
            registers.r9,
        ]
    }

    /// Registers with which a C function begins that the thread calls on a stack that ends at an
    /// address that is a multiple of 16, where the word is the one to return to.
    pub(crate) fn function(&self, function: u64, arguments: [u64; 6], stack: u64) -> Self {
        let [rdi, rsi, rdx, rcx, r8, r9] = arguments;
        let mut registers = self.entering(function, rdi, stack - RETURN_ADDRESS);
        registers.0.rsi = rsi;
        registers.0.rdx = rdx;
        registers.0.rcx = rcx;
        registers.0.r8 = r8;
        registers.0.r9 = r9;
        // How many vector registers have arguments, of functions that take any number of them.
        registers.0.rax = 0;
        registers
    }

    /// What goes onto that stack: the address to return to, below its end.
    pub(crate) fn return_address(&mut self, site: u64) -> Option<(u64, [u8; 8])> {
        Some((self.0.rsp, site.to_le_bytes()))
    }

    /// What the function returned, when the thread is about to make a system call because it
    /// has returned to the instruction at `site`, with its stack as it was.
    pub(crate) fn returned(&self, site: u64, stack: u64) -> Option<u64> {
        let at_site = self.0.rip == site + SYSCALL_INSTRUCTION.len() as u64;
        (at_site && self.0.rsp == stack).then_some(self.0.orig_rax)
    }

    /// The first argument of a function whose first instruction is the one at `site`, when the
    /// thread is about to make a system call because it was called.
    pub(crate) fn called(&self, site: u64) -> Option<u64> {
        let at_site = self.0.rip == site + SYSCALL_INSTRUCTION.len() as u64;
        at_site.then_some(self.0.rdi)
    }

    /// Makes no system call instead of the one that the thread is about to make.
    pub(crate) fn without_system_call(mut self) -> Self {
        self.0.orig_rax = u64::MAX;
        self
    }

    /// Makes the interrupted call return this instead of being made again.
    pub(crate) fn returning(mut self, result: i64) -> Self {
        self.0.rax = result.cast_unsigned();
        self.0.orig_rax = u64::MAX;
        self
    }

    /// Those of a thread in a system call with this first argument, or on the way out of it.
    #[cfg(test)]
    #[allow(unsafe_code)]
    pub(crate) fn in_call(number: i64, first: u64, result: i64) -> Self {
        // SAFETY: numbers only, of which any is valid.
        let zeros: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        Self(libc::user_regs_struct {
            orig_rax: number.cast_unsigned(),
            rdi: first,
            rax: result.cast_unsigned(),
            ..zeros
        })
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

/// Bytes of it on the stack.
const RETURN_ADDRESS: u64 = 8;

/// Below the stack pointer, functions that call no other may keep this many bytes.
pub(crate) const RED_ZONE: u64 = 128;

/// The register set with everything that is no general register: `NT_X86_XSTATE` of
/// `include/uapi/linux/elf.h`, which the `libc` crate lacks.
pub(crate) const EXTENDED_STATE: i32 = 0x202;

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
