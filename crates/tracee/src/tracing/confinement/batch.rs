use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::super::inject::wait_until;
use super::super::jail::Caller;
use super::super::ptrace::{self, Event, Tid};
use crate::arch::Registers;
use crate::batch::{self, Call};
use crate::protocol::ConfineFailure;

/// Makes system calls in a stopped clone, many at a time.
pub(super) struct Batch {
    pid: Tid,
    mem: File,
    registers: Registers,
    code: u64,
    list: u64,
    /// For what the calls read and write: [`DATA`] bytes.
    pub(super) data: u64,
}

/// How many calls the list has room for.
const ROOM: usize = 1000;
const LIST: u64 = 64 << 10;
/// How many bytes of data there are.
pub(super) const DATA: u64 = 64 << 10;
/// How long calls may take: opening a file may take a disk, and a machine can be busy.
const PATIENCE: Duration = Duration::from_secs(30);

impl Batch {
    pub(super) fn new(caller: &Caller, mem: File) -> Result<Self, ConfineFailure> {
        let code = caller.map_code(&mem, batch::code())?;
        let list = caller.map(LIST + DATA)?;
        Ok(Self {
            pid: caller.thread.tid,
            mem,
            registers: caller.thread.registers.clone(),
            code,
            list,
            data: list + LIST,
        })
    }

    /// Makes the calls in their order, and returns what the kernel returned of each.
    pub(super) fn run(&self, calls: &[Call]) -> Result<Vec<i64>, ConfineFailure> {
        let mut results = Vec::with_capacity(calls.len());
        for part in calls.chunks(ROOM) {
            self.run_part(part, &mut results)?;
        }
        Ok(results)
    }

    /// Makes one call. A failure of it is the inner one.
    pub(super) fn call<const N: usize>(
        &self,
        number: i64,
        arguments: [u64; N],
    ) -> Result<io::Result<u64>, ConfineFailure> {
        let results = self.run(&[Call::new(number, arguments)])?;
        Ok(outcome(results.first().copied().unwrap_or_default()))
    }

    /// Puts bytes where calls find them, `offset` bytes behind [`data`](Self::data).
    pub(super) fn put(&self, offset: usize, bytes: &[u8]) -> Result<(), ConfineFailure> {
        self.write(self.data + offset as u64, bytes)
    }

    /// Reads what a call has written, `offset` bytes behind [`data`](Self::data).
    pub(super) fn get(&self, offset: usize, bytes: &mut [u8]) -> Result<(), ConfineFailure> {
        self.read(self.data + offset as u64, bytes)
    }

    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> Result<(), ConfineFailure> {
        self.mem
            .write_all_at(bytes, address)
            .map_err(|error| ConfineFailure::os("writing to the clone", &error))
    }

    pub(super) fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), ConfineFailure> {
        self.mem
            .read_exact_at(bytes, address)
            .map_err(|error| ConfineFailure::os("reading from the clone", &error))
    }

    /// Reads as much as can be read, and returns how much that is.
    pub(super) fn read_some(&self, address: u64, bytes: &mut [u8]) -> usize {
        let mut read = 0;
        while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.mem.read_at(rest, address + read as u64) {
                Ok(more) if more > 0 => read += more,
                _ => break,
            }
        }
        read
    }

    fn run_part(&self, calls: &[Call], results: &mut Vec<i64>) -> Result<(), ConfineFailure> {
        let mut list = (calls.len() as u64).to_le_bytes().to_vec();
        list.extend(calls.iter().flat_map(|call| call.to_bytes()));
        self.write(self.list, &list)?;
        self.registers
            .entering(self.code, self.list, 0)
            .apply(self.pid)
            .map_err(|error| ConfineFailure::os("setting the clone's registers", &error))?;
        self.wait_for_the_end()?;
        self.read(self.list, &mut list)?;
        let calls = list.get(8..).unwrap_or_default().as_chunks().0;
        results.extend(calls.iter().map(|call: &[u8; Call::SIZE]| {
            let result = call[Call::RESULT..].as_chunks().0.first();
            i64::from_le_bytes(result.copied().unwrap_or_default())
        }));
        Ok(())
    }

    fn wait_for_the_end(&self) -> Result<(), ConfineFailure> {
        let failed = |error: io::Error| match error.raw_os_error() {
            Some(libc::ESRCH | libc::ECHILD) => ConfineFailure::Ended,
            _ => ConfineFailure::os("making calls in the clone", &error),
        };
        let until = Instant::now() + PATIENCE;
        loop {
            ptrace::resume(self.pid, 0).map_err(failed)?;
            match wait_until(self.pid, until).map_err(failed)? {
                Some(Event::Signal(libc::SIGTRAP)) => {
                    let at = Registers::of(self.pid).map_err(failed)?.trap();
                    if at.wrapping_sub(self.code) == batch::done() {
                        return Ok(());
                    }
                }
                Some(Event::Ended | Event::Exec) => return Err(ConfineFailure::Ended),
                // Somebody stops it or sends it a signal, of which it takes no notice.
                Some(Event::Signal(_) | Event::Stop | Event::SystemCall | Event::Child) => {}
                None => {
                    let _ = ptrace::kill(self.pid);
                    return Err(ConfineFailure::DoesNotStop);
                }
            }
        }
    }
}

/// What a result of the kernel says.
pub(super) fn outcome(result: i64) -> io::Result<u64> {
    u64::try_from(result).map_err(|_| {
        let errno = i32::try_from(-result).unwrap_or(libc::EIO);
        io::Error::from_raw_os_error(errno)
    })
}
