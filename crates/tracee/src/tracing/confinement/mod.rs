//! Confining a clone, so that it can run freely and reach nothing outside of itself.
//!
//! A clone begins as the live process in all but its number: with its descriptors, its shared
//! memory, its rights. In this order it loses them:
//!
//! 1. [`descriptors`]: every one but a channel is replaced, before anything else, because peers of
//!    the live process wait for the end of sockets that it closes;
//! 2. [`shared_memory`] becomes private;
//! 3. it gets a session of its own, out of reach of the terminal and of the process group;
//! 4. [`limits`];
//! 5. [`filter`]: of system calls, those are left that reach nothing. Files are opened only for
//!    reading, and only after the guardian has looked at what they are: [`opens`].
//!
//! Then it stands where the cloned thread stood, with that thread's registers and signal mask.

mod batch;
mod descriptors;
mod filter;
mod limits;
mod opens;
mod running;
mod shared_memory;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::Instant;

use self::batch::Batch;
use self::filter::Opens;
pub(crate) use self::running::FreeClone;
use super::filter::Filter;
use super::jail::Caller;
use super::ptrace::{self, options};
use super::session::Original;
use super::threads::Thread;
use crate::arch::Registers;
use crate::batch::Call;
use crate::descriptors::{Borrowing, take_from};
use crate::protocol::{Child, ConfineFailure};
use crate::{Confined, Confinement, Pid};

/// A tenth of the live process's share of a busy processor (`sched(7)`).
const NICE: u64 = 10;

/// Confines a clone that stands still, and has an instruction for system calls at `site`.
pub(super) fn confine(
    child: Child,
    site: u64,
    original: &Original,
    bounds: &Confinement,
) -> Result<(FreeClone, Confined), ConfineFailure> {
    let until = Instant::now() + bounds.time;
    let clone = child.pid;
    let mem = File::options()
        .read(true)
        .write(true)
        .open(format!("/proc/{clone}/mem"))
        .map_err(|error| ConfineFailure::os("opening the clone's memory", &error))?;
    let batch = Batch::new(&caller(child, site)?, mem)?;
    let suspend = match Filter::of(clone.0) {
        Filter::None | Filter::Shared => 0,
        Filter::Suspend => options::SUSPEND_SECCOMP,
        Filter::Strict => return Err(ConfineFailure::Filtered),
    };
    // Nothing shall come in between but the trap at the end of the calls.
    ptrace::set_signal_mask(clone.0, !(1 << (libc::SIGTRAP - 1)))
        .map_err(|error| ConfineFailure::os("PTRACE_SETSIGMASK", &error))?;
    ptrace::set_options(clone.0, options::KILL_WITH_TRACER | suspend)
        .map_err(|_| ConfineFailure::Filtered)?;
    let replaced = descriptors::replace_all(clone, &batch, bounds.channel)?;
    let memory = shared_memory::replace_all(clone, &batch)?;
    batch
        .call(libc::SYS_setsid, [])?
        .map_err(|error| ConfineFailure::os("setsid in the clone", &error))?;
    // It shares the processors that the live process may use.
    batch.run(&[Call::new(libc::SYS_setpriority, [0, 0, NICE])])?;
    limits::set(clone, &batch, bounds.memory)?;
    let listener = install_filter(child, &batch)?;
    ptrace::set_options(clone.0, options::KILL_WITH_TRACER)
        .map_err(|error| ConfineFailure::os("PTRACE_SETOPTIONS", &error))?;
    let opens_are_checked = listener.is_some();
    if let Some(listener) = listener {
        opens::serve(listener, child)
            .map_err(|error| ConfineFailure::os("starting a thread", &error))?;
    }
    put_back(child, original)?;
    let confined = Confined {
        replaced_descriptors: replaced,
        copied_memory: memory.copied,
        mapped_memory: memory.mapped,
        lost_memory: memory.lost,
        opens_are_checked,
    };
    Ok((FreeClone::new(child, bounds.memory, until), confined))
}

fn caller(child: Child, site: u64) -> Result<Caller, ConfineFailure> {
    let registers = Registers::of(child.pid.0)
        .map_err(|error| ConfineFailure::os("reading the clone's registers", &error))?;
    Ok(Caller {
        thread: Thread {
            tid: child.pid.0,
            registers,
        },
        site,
    })
}

/// Takes a descriptor out of the clone.
fn take(clone: Pid, batch: &Batch, number: i32) -> Result<OwnedFd, ConfineFailure> {
    let taken = Borrowing::from(clone).and_then(|borrowing| take_from(&borrowing, number));
    let taken = taken.map_err(|error| ConfineFailure::os("pidfd_getfd", &error))?;
    batch
        .call(libc::SYS_close, [number as u64])?
        .map_err(|error| ConfineFailure::os("closing a descriptor of the clone", &error))?;
    Ok(taken)
}

/// Installs the filter. Returns what tells of files that are to be opened, where there is such
/// a thing.
fn install_filter(child: Child, batch: &Batch) -> Result<Option<OwnedFd>, ConfineFailure> {
    batch
        .call(libc::SYS_prctl, [libc::PR_SET_NO_NEW_PRIVS as u64, 1])?
        .map_err(|error| ConfineFailure::os("PR_SET_NO_NEW_PRIVS in the clone", &error))?;
    if opens::can_be_checked() {
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        if let Ok(number) = install(child, batch, Opens::Asked, flags)? {
            return take(child.pid, batch, number as i32).map(Some);
        }
        // The target has a filter that somebody listens to already, and there is one at most.
    }
    match install(child, batch, Opens::Allowed, 0)? {
        Ok(_) => Ok(None),
        Err(error) => Err(ConfineFailure::NoFilter(crate::protocol::errno(&error))),
    }
}

fn install(
    child: Child,
    batch: &Batch,
    opens: Opens,
    flags: u64,
) -> Result<std::io::Result<u64>, ConfineFailure> {
    /// Behind the header of a filter: `struct sock_fprog`.
    const PROGRAM: usize = 16;
    let program = filter::program(child.pid_in_target, opens).map_err(|error| {
        let error = std::io::Error::other(error.to_string());
        ConfineFailure::os("making a filter of system calls", &error)
    })?;
    let length = (program.len() / filter::INSTRUCTION) as u64;
    let at = batch.data + PROGRAM as u64;
    batch.put(0, &[length.to_ne_bytes(), at.to_ne_bytes()].concat())?;
    batch.put(PROGRAM, &program)?;
    let arguments = [u64::from(libc::SECCOMP_SET_MODE_FILTER), flags, batch.data];
    batch.call(libc::SYS_seccomp, arguments)
}

/// Makes the clone what the cloned thread was. A call that the thread was in is made again.
fn put_back(child: Child, original: &Original) -> Result<(), ConfineFailure> {
    let failed = |error| ConfineFailure::os("setting the clone's registers", &error);
    let mut registers = original.registers.clone();
    registers.restart_from_the_start();
    registers.apply(child.pid.0).map_err(failed)?;
    ptrace::set_signal_mask(child.pid.0, original.mask).map_err(failed)
}
