use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use exuvia_memory::{Fault, Memory, RemoteAddress};
use exuvia_tracee::Pid;

/// The memory of a process that runs, or stands still for a moment: read as it is, without
/// asking what of it exists.
#[derive(Debug)]
pub(crate) struct ProcessMemory(File);

impl ProcessMemory {
    pub(crate) fn open(pid: Pid) -> io::Result<Self> {
        File::open(format!("/proc/{pid}/mem")).map(Self)
    }
}

impl Memory for ProcessMemory {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        self.0
            .read_exact_at(buffer, address.get())
            .map_err(|_| Fault {
                address,
                length: buffer.len(),
            })
    }
}
