use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use exuvia_memory::PAGE_SIZE;

use crate::Pid;

/// Which pages of a process are in RAM, from `/proc/PID/pagemap`. A page of zeros that is shared
/// with everybody counts, although `Rss` does not count it.
#[derive(Debug)]
pub struct ResidentPages {
    pagemap: Option<File>,
    /// The chunk that was asked for last.
    last: Mutex<Chunk>,
}

/// Whether each page of 2 MiB is in RAM.
#[derive(Debug)]
struct Chunk {
    /// The number of the first page.
    first: u64,
    is_resident: [bool; PAGES],
}

const PAGES: usize = 512;

impl ResidentPages {
    /// Of a process that stands still: a clone, or a frozen one.
    pub fn open(pid: Pid) -> Self {
        Self {
            pagemap: File::open(format!("/proc/{pid}/pagemap")).ok(),
            last: Mutex::new(Chunk {
                first: u64::MAX,
                is_resident: [false; PAGES],
            }),
        }
    }

    /// How many bytes of a range of addresses are in pages that are in RAM; all of them where
    /// the kernel does not tell.
    pub fn bytes(&self, range: &Range<u64>) -> u64 {
        let Some(pagemap) = &self.pagemap else {
            return range.end.saturating_sub(range.start);
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let page_size = PAGE_SIZE as u64;
        let mut bytes = 0;
        let mut at = range.start;
        while at < range.end {
            let page = at / page_size;
            let end = ((page + 1) * page_size).min(range.end);
            if last.is_resident(page, pagemap) {
                bytes += end - at;
            }
            at = end;
        }
        bytes
    }
}

impl Chunk {
    fn is_resident(&mut self, page: u64, pagemap: &File) -> bool {
        /// `PM_PRESENT` of the kernel's `fs/proc/task_mmu.c`.
        const PRESENT: u64 = 1 << 63;
        let first = page & !(PAGES as u64 - 1);
        if self.first != first {
            let mut entries = [0; PAGES * 8];
            let all = pagemap.read_exact_at(&mut entries, first * 8);
            for (entry, is_resident) in entries.as_chunks::<8>().0.iter().zip(&mut self.is_resident)
            {
                *is_resident = all.is_err() || u64::from_ne_bytes(*entry) & PRESENT != 0;
            }
            self.first = first;
        }
        self.is_resident[(page - first) as usize]
    }
}
