//! What differs between processors: registers, the convention of system calls, the
//! instruction that makes one, and how the kernel restarts one that was interrupted.
//!
//! One file each with the same items, so that nothing else in this crate knows a register.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::{
    EXTENDED_STATE, INSTRUCTION_ALIGNMENT, RED_ZONE, Registers, SYSCALL_INSTRUCTION,
};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{
    EXTENDED_STATE, INSTRUCTION_ALIGNMENT, RED_ZONE, Registers, SYSCALL_INSTRUCTION,
};

/// How well a stopped thread suits for running an injected system call; more is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Suitability {
    /// Its interrupted call would start anew, with its full timeout.
    #[cfg(target_arch = "aarch64")]
    LosesTimeout,
    /// In its own code, possibly within a restartable sequence (`rseq(2)`).
    Running,
    /// In a system call that continues as if nothing had happened.
    InSystemCall,
}

/// `-ERESTARTNOINTR` of the kernel's `include/linux/errno.h`: the result, seen only by a
/// tracer, of a call that was interrupted before it had an effect and is to be made again.
pub(crate) const INTERRUPTED: i64 = -513;
