//! System calls that are made for what they leave in a process.

use std::io;
use std::os::unix::fs::FileExt;

use super::inject::{SystemCall, system_call};
use super::injection::{failure, open_memory};
use super::ptrace::{self, options};
use super::session::run_in_some_thread;
use super::threads::{Thread, Threads};
use crate::Pid;
use crate::arch::{RED_ZONE, Registers};
use crate::protocol::InjectionFailure;

/// Where system calls are made.
pub(super) struct Caller<'a> {
    pid: Pid,
    site: u64,
    threads: Whose<'a>,
}

enum Whose<'a> {
    /// Some thread of a stopped process makes them.
    Target(&'a mut Threads),
    /// The one thread of a clone.
    Clone(Box<Thread>),
}

impl<'a> Caller<'a> {
    pub(super) fn in_target(pid: Pid, threads: &'a mut Threads, site: u64) -> Self {
        let threads = Whose::Target(threads);
        Self { pid, site, threads }
    }

    /// In a clone, whose thread has these registers before and afterwards.
    pub(super) fn in_clone(clone: Pid, registers: Registers, site: u64) -> Self {
        let tid = clone.0;
        Self {
            pid: clone,
            site,
            threads: Whose::Clone(Box::new(Thread { tid, registers })),
        }
    }

    /// A pair of connected sockets.
    pub(super) fn socket_pair(&mut self) -> Result<(i32, i32), InjectionFailure> {
        let (_, pair) = self.with_stack(&[0; 8], |caller, pair| {
            let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
            let arguments = [libc::AF_UNIX as u64, kind as u64, 0, pair, 0];
            caller.call("socketpair", libc::SYS_socketpair, arguments)
        })?;
        let number = |half: &[u8]| {
            let bytes = half.try_into().unwrap_or_default();
            i32::from_le_bytes(bytes)
        };
        let (one, other) = pair.split_at(pair.len() / 2);
        Ok((number(one), number(other)))
    }

    /// A file that is nowhere in the file system, under this name with a null byte behind it.
    pub(super) fn file_without_name(&mut self, name: &[u8]) -> Result<i32, InjectionFailure> {
        let (number, _) = self.with_stack(name, |caller, name| {
            let arguments = [name, libc::MFD_CLOEXEC.into(), 0, 0, 0];
            caller.call("memfd_create", libc::SYS_memfd_create, arguments)
        })?;
        i32::try_from(number).map_err(|_| {
            let error = io::Error::from_raw_os_error(libc::EBADF);
            InjectionFailure::os("memfd_create", &error)
        })
    }

    pub(super) fn close(&mut self, number: i32) -> Result<(), InjectionFailure> {
        let arguments = [u64::from(number.unsigned_abs()), 0, 0, 0, 0];
        self.call("close", libc::SYS_close, arguments).map(drop)
    }

    /// Makes a call that reads or writes a few bytes, which lie below the stack of a thread: nobody
    /// uses the memory there, and it is put back. Returns what the bytes are then.
    fn with_stack<T>(
        &mut self,
        bytes: &[u8],
        work: impl FnOnce(&mut Self, u64) -> Result<T, InjectionFailure>,
    ) -> Result<(T, Vec<u8>), InjectionFailure> {
        let memory = open_memory(self.pid)?;
        let top = self.stack_pointer().ok_or(InjectionFailure::Ended)?;
        let room = top.wrapping_sub(RED_ZONE).wrapping_sub(bytes.len() as u64) & !15;
        let os = |error: io::Error| InjectionFailure::os("using the stack of the target", &error);
        let mut before = vec![0; bytes.len()];
        memory.read_exact_at(&mut before, room).map_err(os)?;
        memory.write_all_at(bytes, room).map_err(os)?;
        let done = work(self, room);
        let mut after = vec![0; bytes.len()];
        memory.read_exact_at(&mut after, room).map_err(os)?;
        memory.write_all_at(&before, room).map_err(os)?;
        Ok((done?, after))
    }

    fn stack_pointer(&self) -> Option<u64> {
        let thread = match &self.threads {
            Whose::Target(threads) => {
                let best = |thread: &&Thread| thread.registers.suitability();
                threads.stopped().iter().max_by_key(best)?
            }
            Whose::Clone(thread) => thread,
        };
        Some(thread.registers.stack_pointer())
    }

    fn call(
        &mut self,
        step: &str,
        number: i64,
        arguments: [u64; 5],
    ) -> Result<i64, InjectionFailure> {
        let mut call = SystemCall {
            number,
            arguments,
            trace_child: false,
            kept_options: 0,
        };
        let outcome = match &mut self.threads {
            Whose::Target(threads) => run_in_some_thread(threads, self.site, &call),
            Whose::Clone(thread) => {
                call.kept_options = options::KILL_WITH_TRACER;
                // A call that waits for somebody has no end in a clone, which nobody knows.
                let mut when_late = || {
                    let _ = ptrace::kill(thread.tid);
                };
                system_call(thread, self.site, &call, &mut when_late).map_err(Some)
            }
        };
        let outcome = outcome.map_err(|error| match error {
            Some(error) => failure(step, error),
            None => InjectionFailure::Interrupted,
        })?;
        match i32::try_from(-outcome.result) {
            Ok(errno) if errno > 0 => {
                let error = io::Error::from_raw_os_error(errno);
                Err(InjectionFailure::os(step, &error))
            }
            _ => Ok(outcome.result),
        }
    }
}
