//! aarch64: the number of a call in `x8`, arguments in `x0` to `x4`, the result in `x0`.
//!
//! Unlike x86-64, the kernel prepares the restart of an interrupted call *before* a tracer
//! sees the stop: the program counter is back at the `svc` instruction and `x0` is the first
//! argument again (`do_signal` in `arch/arm64/kernel/signal.c`). So the registers as they
//! are read restart the call. What is lost when the thread runs something else in between
//! is the restart block: a sleep would start anew with its whole timeout, hence
//! [`Registers::suitability`].

use std::io;

use super::Suitability;
use crate::tracing::ptrace::{
    Tid, get_registers, get_system_call_number, peek, set_registers, set_system_call_number,
};

/// `svc #0`, little-endian.
pub(crate) const SYSCALL_INSTRUCTION: &[u8] = &[0x01, 0x00, 0x00, 0xd4];

/// Instructions are four bytes, aligned.
pub(crate) const INSTRUCTION_ALIGNMENT: usize = 4;

/// The registers of a stopped thread, with the number of the call that it is in
/// (`NT_ARM_SYSTEM_CALL`), -1 outside of calls.
#[derive(Clone)]
pub(crate) struct Registers {
    general: libc::user_regs_struct,
    system_call: i32,
    at_svc: bool,
}

impl Registers {
    pub(crate) fn of(tid: Tid) -> io::Result<Self> {
        let general = get_registers(tid)?;
        let word = peek(tid, general.pc).map(u64::to_le_bytes);
        let at_svc = word.is_ok_and(|word| word.starts_with(SYSCALL_INSTRUCTION));
        Ok(Self {
            general,
            system_call: get_system_call_number(tid)?,
            at_svc,
        })
    }

    pub(crate) fn apply(&self, tid: Tid) -> io::Result<()> {
        set_registers(tid, &self.general)?;
        set_system_call_number(tid, self.system_call)
    }

    pub(crate) fn instruction_pointer(&self) -> u64 {
        self.general.pc
    }

    pub(crate) fn stack_pointer(&self) -> u64 {
        self.general.sp
    }

    /// What the system call returned.
    pub(crate) fn result(&self) -> i64 {
        self.general.regs[0].cast_signed()
    }

    /// The number of the call that the thread is in, or is about to make again.
    pub(crate) fn system_call(&self) -> Option<i64> {
        if self.system_call >= 0 {
            return Some(i64::from(self.system_call));
        }
        self.at_svc.then(|| self.general.regs[8].cast_signed())
    }

    pub(crate) fn suitability(&self) -> Suitability {
        match self.system_call() {
            // These keep the rest of their timeout in the restart block.
            Some(libc::SYS_nanosleep | libc::SYS_clock_nanosleep | libc::SYS_futex) => {
                Suitability::LosesTimeout
            }
            Some(_) if self.at_svc => Suitability::InSystemCall,
            _ => Suitability::Running,
        }
    }

    /// Whether the thread is about to make a system call, for the first time or again since it was
    /// interrupted before it had an effect. One that has failed with `EINTR` can't be told from
    /// others that have ended.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.at_svc
    }

    /// Makes an interrupted call start again where it would have failed with `EINTR`, only
    /// because of our stop: back to the instruction. The first argument is gone, though, `x0`
    /// being the result, so this is left to the program, as after any stop signal.
    pub(crate) fn restart_instead_of_eintr(&mut self) -> bool {
        false
    }

    /// A call that keeps the rest of its timeout can't be told here: it fails with `EINTR`.
    pub(crate) fn restart_from_the_start(&mut self) {}

    /// Registers that make a system call by the instruction at `site`. All others are zero,
    /// the stack pointer too: whoever went on to run after the call would fault at once.
    pub(crate) fn calling(&self, site: u64, number: i64, arguments: [u64; 5]) -> Self {
        let mut general = self.general;
        general.regs = [0; 31];
        general.regs[..5].copy_from_slice(&arguments);
        general.regs[8] = number.cast_unsigned();
        general.sp = 0;
        general.pc = site;
        Self {
            general,
            system_call: -1,
            at_svc: true,
        }
    }

    /// Registers with which a function of one argument begins, on a stack that ends at an
    /// address that is a multiple of 16. All others are zero; the one that leads to the
    /// thread's own data is none of them.
    pub(crate) fn entering(&self, function: u64, argument: u64, stack: u64) -> Self {
        let mut registers = self.calling(function, 0, [argument, 0, 0, 0, 0]);
        registers.general.sp = stack;
        registers.at_svc = false;
        registers
    }

    /// Not among the general registers: no thread is recognised by it.
    pub(crate) fn thread_pointer(&self) -> u64 {
        0
    }

    /// The arguments of the system call that the thread is in, or is about to make again.
    pub(crate) fn arguments(&self) -> [u64; 6] {
        std::array::from_fn(|index| self.general.regs[index])
    }

    /// Registers with which a C function begins that the thread calls on a stack that ends at an
    /// address that is a multiple of 16. The one to return to is in the link register.
    pub(crate) fn function(&self, function: u64, arguments: [u64; 6], stack: u64) -> Self {
        let mut registers = self.entering(function, 0, stack);
        registers.general.regs[..6].copy_from_slice(&arguments);
        registers
    }

    /// Sets the address to return to; nothing goes onto the stack.
    pub(crate) fn return_address(&mut self, site: u64) -> Option<(u64, [u8; 8])> {
        self.general.regs[30] = site;
        None
    }

    /// What the function returned, when the thread is about to make a system call because it
    /// has returned to the instruction at `site`, with its stack as it was.
    pub(crate) fn returned(&self, site: u64, stack: u64) -> Option<u64> {
        let at_site = self.general.pc == site + SYSCALL_INSTRUCTION.len() as u64;
        (at_site && self.general.sp == stack).then_some(self.general.regs[0])
    }

    /// The first argument of a function whose first instruction is the one at `site`, when the
    /// thread is about to make a system call because it was called.
    pub(crate) fn called(&self, site: u64) -> Option<u64> {
        let at_site = self.general.pc == site + SYSCALL_INSTRUCTION.len() as u64;
        at_site.then_some(self.general.regs[0])
    }

    /// Makes no system call instead of the one that the thread is about to make.
    pub(crate) fn without_system_call(mut self) -> Self {
        self.system_call = -1;
        self
    }

    /// Makes the interrupted call return this instead of being made again.
    pub(crate) fn returning(mut self, result: i64) -> Self {
        if self.at_svc {
            self.general.pc += SYSCALL_INSTRUCTION.len() as u64;
        }
        self.general.regs[0] = result.cast_unsigned();
        self.system_call = -1;
        self.at_svc = false;
        self
    }

    /// Where the instruction lies that trapped, when a trap stopped the thread.
    pub(crate) fn trap(&self) -> u64 {
        self.general.pc
    }

    /// The registers with which the thread goes on behind the trap.
    pub(crate) fn behind_trap(mut self) -> Self {
        self.general.pc += 4;
        self
    }
}

/// The system has none.
pub(crate) const RED_ZONE: u64 = 0;

/// The register set with the floating-point and vector registers.
pub(crate) const EXTENDED_STATE: i32 = libc::NT_PRFPREG;
