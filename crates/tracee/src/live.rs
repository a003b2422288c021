#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use exuvia_memory::{BLOCK_SIZE, Fault, Memory, PAGE_SIZE, RemoteAddress};

use crate::pagemap::ExistingPages;
use crate::{Mappings, Pid};

/// The memory of a process that stands still: a clone, or a frozen process.
///
/// Reads only what the process had brought into existence itself. Shared mappings are
/// never read, however large; of private memory without a file, the pages that exist are
/// read, and the others are zeros without asking for them.
#[derive(Debug)]
pub struct LiveMemory {
    pid: libc::pid_t,
    /// By address.
    areas: Vec<Area>,
    pagemap: Option<File>,
    /// `/proc/PID/mem`, where it can be opened; `process_vm_readv` otherwise. That one pins the
    /// pages that it reads, and the kernel copies a page that is shared since a fork before it
    /// pins it: reading a clone in this way would double the memory of the target.
    mem: Option<File>,
}

/// A mapping that may be read.
#[derive(Debug)]
struct Area {
    start: u64,
    end: u64,
    /// For private memory without a file.
    existing: Option<ExistingPages>,
}

/// What to do with the pages of a block, a bit each. The others can't be read.
#[derive(Clone, Copy)]
struct Plan {
    read: u8,
    zero: u8,
}

impl LiveMemory {
    /// The memory of `pid`, whose mappings are these.
    pub fn open(pid: Pid, mappings: &Mappings) -> Self {
        let pagemap = File::open(format!("/proc/{pid}/pagemap")).ok();
        let readable = |m: &&crate::Mapping| m.permissions.readable && !m.permissions.shared;
        let areas = mappings.iter().filter(readable).map(|mapping| {
            let (start, end) = (mapping.start.get(), mapping.end.get());
            let known = pagemap.is_some() && mapping.is_private_anonymous();
            let existing = known.then(|| ExistingPages::new(start, end)).flatten();
            Area {
                start,
                end,
                existing,
            }
        });
        Self {
            pid: pid.0,
            areas: areas.collect(),
            pagemap,
            mem: File::open(format!("/proc/{pid}/mem")).ok(),
        }
    }

    fn plan(&self, block: u64) -> Plan {
        let mut index = self.areas.partition_point(|area| area.end <= block);
        let mut plan = Plan { read: 0, zero: 0 };
        let block_end = block.saturating_add(BLOCK_SIZE as u64);
        while let Some(area) = self.areas.get(index)
            && area.start < block_end
        {
            let pages = pages_of_block(block, area);
            match (&area.existing, &self.pagemap) {
                (Some(existing), Some(pagemap)) => {
                    let exist = existing.of_block(block, pagemap);
                    plan.read |= pages & exist;
                    plan.zero |= pages & !exist;
                }
                _ => plan.read |= pages,
            }
            index += 1;
        }
        plan
    }

    /// Reads into a list of buffers, each from an address of its own. False when not every
    /// byte was read.
    fn read(&self, pieces: &Pieces) -> bool {
        match &self.mem {
            Some(mem) => pieces.read_from(mem),
            None => self.read_with_process_vm(pieces).unwrap_or(false),
        }
    }

    fn read_with_process_vm(&self, pieces: &Pieces) -> io::Result<bool> {
        let count = pieces.count as libc::c_ulong;
        // SAFETY: the local vectors describe disjoint parts of one buffer that is mutably
        // borrowed for as long as `pieces` lives, and the kernel checks the remote ones.
        let read = unsafe {
            libc::process_vm_readv(
                self.pid,
                pieces.local.as_ptr(),
                count,
                pieces.remote.as_ptr(),
                count,
                0,
            )
        };
        match usize::try_from(read) {
            Ok(read) => Ok(read == pieces.bytes),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// The pages of `wanted` one by one: the bits of those that could be read.
    fn read_single_pages(&self, address: u64, block: &mut [u8], wanted: u8) -> u8 {
        let mut present = 0;
        for (page, bytes) in block.chunks_exact_mut(PAGE_SIZE).enumerate() {
            let mut pieces = Pieces::new(bytes);
            if wanted & 1 << page != 0 {
                pieces.push(address + (page * PAGE_SIZE) as u64, 0, PAGE_SIZE);
                present |= u8::from(self.read(&pieces)) << page;
            }
        }
        present
    }

    /// Reads a part of a block, all or nothing.
    fn read_part(&self, block: u64, buffer: &mut [u8], from: usize) -> bool {
        let plan = self.plan(block);
        let pages = page_bits(from / PAGE_SIZE, (from + buffer.len() - 1) / PAGE_SIZE);
        if (plan.read | plan.zero) & pages != pages {
            return false;
        }
        let length = buffer.len();
        let mut pieces = Pieces::new(buffer);
        for (page, exists) in (0..8).map(|page| (page, plan.read >> page & 1 != 0)) {
            let start = (page * PAGE_SIZE).max(from);
            let end = ((page + 1) * PAGE_SIZE).min(from + length);
            if start >= end {
                continue;
            }
            if exists {
                pieces.push(block + start as u64, start - from, end - start);
            } else {
                pieces.fill_with_zeros(start - from, end - start);
            }
        }
        pieces.count == 0 || self.read(&pieces)
    }
}

impl Memory for LiveMemory {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        let fault = Fault {
            address,
            length: buffer.len(),
        };
        let start = address.get();
        let end = start.checked_add(buffer.len() as u64).ok_or(fault)?;
        let mut at = start;
        let mut rest = buffer;
        while at < end {
            let block = at & !(BLOCK_SIZE as u64 - 1);
            let from = (at - block) as usize;
            let length = (BLOCK_SIZE - from).min(rest.len());
            let (part, after) = rest.split_at_mut(length);
            if !self.read_part(block, part, from) {
                return Err(fault);
            }
            rest = after;
            at += length as u64;
        }
        Ok(())
    }

    fn read_block(&self, address: RemoteAddress, block: &mut [u8; BLOCK_SIZE]) -> u8 {
        let address = address.get();
        let plan = self.plan(address);
        let mut pieces = Pieces::new(block.as_mut_slice());
        for page in 0..8 {
            if plan.read >> page & 1 != 0 {
                pieces.push(
                    address + (page * PAGE_SIZE) as u64,
                    page * PAGE_SIZE,
                    PAGE_SIZE,
                );
            } else if plan.zero >> page & 1 != 0 {
                pieces.fill_with_zeros(page * PAGE_SIZE, PAGE_SIZE);
            }
        }
        if pieces.count == 0 || self.read(&pieces) {
            return plan.read | plan.zero;
        }
        // Some page can't be read after all: past the end of its file, or memory of a device.
        self.read_single_pages(address, block, plan.read) | plan.zero
    }
}

/// Up to eight places of the target, and where in a buffer their bytes go.
struct Pieces<'a> {
    local: [libc::iovec; 8],
    remote: [libc::iovec; 8],
    count: usize,
    bytes: usize,
    buffer: &'a mut [u8],
}

impl<'a> Pieces<'a> {
    fn new(buffer: &'a mut [u8]) -> Self {
        const EMPTY: libc::iovec = libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 0,
        };
        Self {
            local: [EMPTY; 8],
            remote: [EMPTY; 8],
            count: 0,
            bytes: 0,
            buffer,
        }
    }

    /// Adds `length` bytes at `address`, for `buffer[at..]`. Neighbours become one piece.
    fn push(&mut self, address: u64, at: usize, length: usize) {
        let Some(bytes) = self.buffer.get_mut(at..at + length) else {
            return;
        };
        let local = bytes.as_mut_ptr();
        self.bytes += length;
        if let Some(last) = self.count.checked_sub(1)
            && self.remote[last].iov_base as u64 + self.remote[last].iov_len as u64 == address
        {
            self.local[last].iov_len += length;
            self.remote[last].iov_len += length;
            return;
        }
        self.local[self.count] = libc::iovec {
            iov_base: local.cast(),
            iov_len: length,
        };
        self.remote[self.count] = libc::iovec {
            iov_base: address as *mut libc::c_void,
            iov_len: length,
        };
        self.count += 1;
    }

    fn fill_with_zeros(&mut self, at: usize, length: usize) {
        if let Some(bytes) = self.buffer.get_mut(at..at + length) {
            bytes.fill(0);
        }
    }

    fn read_from(&self, mem: &File) -> bool {
        self.local
            .iter()
            .zip(&self.remote)
            .take(self.count)
            .all(|(local, remote)| {
                // SAFETY: a part of the buffer that is mutably borrowed by this, see `push`.
                let bytes = unsafe {
                    std::slice::from_raw_parts_mut(local.iov_base.cast::<u8>(), local.iov_len)
                };
                mem.read_exact_at(bytes, remote.iov_base as u64).is_ok()
            })
    }
}

/// The pages of a block that lie in an area.
fn pages_of_block(block: u64, area: &Area) -> u8 {
    let page = |address: u64| (address.saturating_sub(block) as usize / PAGE_SIZE).min(8);
    let (first, after) = (page(area.start), page(area.end));
    if first < after {
        page_bits(first, after - 1)
    } else {
        0
    }
}

/// The bits `first..=last`.
fn page_bits(first: usize, last: usize) -> u8 {
    ((2u32 << last.min(7)) - (1 << first.min(7))) as u8
}
