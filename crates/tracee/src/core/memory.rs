use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use exuvia_memory::{Fault, Memory, PAGE_SIZE, RemoteAddress};

use super::headers::Segment;

/// The memory of a core: what the core has, and behind it the mapped files.
///
/// Read with `pread`, not mapped: a file that is cut while it is read is a fault then, not
/// the end of this tool, and reads come in blocks of 32 KiB anyway.
#[derive(Debug)]
pub struct CoreMemory {
    core: File,
    files: Vec<Arc<File>>,
    /// By address, without overlaps.
    pieces: Vec<Piece>,
}

/// A range of addresses whose bytes lie next to each other somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    range: Range<u64>,
    source: Source,
}

/// Where the bytes of a piece are, from an offset on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Core(u64),
    File(usize, u64),
    /// The rest of a page behind the end of a file.
    Zeros,
}

/// A part of a file, and where it is mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) range: Range<u64>,
    pub(super) offset: u64,
}

impl CoreMemory {
    /// What the core itself has. `loads` are by address; of parts that overlap, the first
    /// holds.
    pub(super) fn new<'a>(
        core: File,
        loads: impl Iterator<Item = &'a Segment>,
        file_length: u64,
    ) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        for load in loads {
            let end = load.address + load.present(file_length);
            let start = pieces
                .last()
                .map_or(0, |last| last.range.end)
                .max(load.address);
            if start < end {
                let source = Source::Core(load.offset + (start - load.address));
                pieces.push(Piece {
                    range: start..end,
                    source,
                });
            }
        }
        Self {
            core,
            files: Vec::new(),
            pieces,
        }
    }

    /// Puts files behind what the core does not have of their mappings, which do not overlap.
    pub(super) fn add_files<'a>(&mut self, areas: impl Iterator<Item = (&'a Arc<File>, &'a Area)>) {
        let mut found = Vec::new();
        for (file, area) in areas {
            self.find_behind(file, area, &mut found);
        }
        self.pieces.extend(found);
        self.pieces.sort_by_key(|piece| piece.range.start);
    }

    /// Finds what a file has behind what the core does not have of its mapping.
    fn find_behind(&mut self, file: &Arc<File>, area: &Area, all: &mut Vec<Piece>) {
        const PAGE: u64 = PAGE_SIZE as u64;
        let Ok(length) = file.metadata().map(|metadata| metadata.len()) else {
            return;
        };
        let in_file = length
            .saturating_sub(area.offset)
            .min(area.range.end - area.range.start);
        let data_end = area.range.start + in_file;
        let page_end = data_end
            .checked_next_multiple_of(PAGE)
            .map_or(area.range.end, |end| end.min(area.range.end));
        let taken: Vec<_> = self.overlapping(area.range.clone()).cloned().collect();
        let index = self.files.len();
        let gaps = |range| without(range, taken.iter().map(|piece| &piece.range));
        let mut found: Vec<Piece> = gaps(area.range.start..data_end)
            .into_iter()
            .map(|range| {
                let offset = area.offset + (range.start - area.range.start);
                let source = Source::File(index, offset);
                Piece { range, source }
            })
            .collect();
        let zeros = gaps(data_end..page_end).into_iter();
        found.extend(zeros.map(|range| Piece {
            range,
            source: Source::Zeros,
        }));
        if !found.is_empty() {
            self.files.push(Arc::clone(file));
            all.extend(found);
        }
    }

    /// Whether every byte of a range can be read.
    pub(super) fn has(&self, range: Range<u64>) -> bool {
        without(
            range.clone(),
            self.overlapping(range).map(|piece| &piece.range),
        )
        .is_empty()
    }

    /// The parts of a range that can be read: as much as the core and the files have, however
    /// large the range is.
    pub fn present(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        self.overlapping(range.clone())
            .map(move |piece| piece.range.start.max(range.start)..piece.range.end.min(range.end))
    }

    fn overlapping(&self, range: Range<u64>) -> impl Iterator<Item = &Piece> + use<'_> {
        let first = self
            .pieces
            .partition_point(|piece| piece.range.end <= range.start);
        let end = range.end;
        let rest = self.pieces.get(first..).unwrap_or_default();
        rest.iter().take_while(move |piece| piece.range.start < end)
    }

    fn read_from(&self, piece: &Piece, at: u64, buffer: &mut [u8]) -> bool {
        let within = at - piece.range.start;
        match piece.source {
            Source::Core(offset) => self.core.read_exact_at(buffer, offset + within).is_ok(),
            Source::File(file, offset) => self
                .files
                .get(file)
                .is_some_and(|file| file.read_exact_at(buffer, offset + within).is_ok()),
            Source::Zeros => {
                buffer.fill(0);
                true
            }
        }
    }
}

impl Memory for CoreMemory {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        let fault = Fault {
            address,
            length: buffer.len(),
        };
        let mut at = address.get();
        let end = at.checked_add(buffer.len() as u64).ok_or(fault)?;
        let mut rest = buffer;
        for piece in self.overlapping(at..end) {
            if piece.range.start > at {
                return Err(fault);
            }
            let length = (piece.range.end - at).min(rest.len() as u64) as usize;
            let (part, after) = rest.split_at_mut(length);
            if !self.read_from(piece, at, part) {
                return Err(fault);
            }
            rest = after;
            at += length as u64;
        }
        if rest.is_empty() { Ok(()) } else { Err(fault) }
    }
}

/// What is left of a range without others, which are by address.
pub(super) fn without<'a>(
    range: Range<u64>,
    others: impl Iterator<Item = &'a Range<u64>>,
) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut at = range.start;
    for other in others {
        if other.start >= range.end {
            break;
        }
        if at < other.start {
            left.push(at..other.start);
        }
        at = at.max(other.end);
    }
    if at < range.end {
        left.push(at..range.end);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn read(memory: &CoreMemory, address: u64, length: usize) -> Option<Vec<u8>> {
        let mut buffer = vec![0; length];
        memory
            .read_exact(RemoteAddress::new(address), &mut buffer)
            .ok()?;
        Some(buffer)
    }

    /// Four bytes of the core at 0x1000, and a file that is mapped from 0x0ffe on.
    #[test]
    fn the_core_holds_before_the_file() {
        let load = Segment::for_test(0x1000, 0, 4);
        let mut memory = CoreMemory::new(file(b"CORE"), [&load].into_iter(), 4);
        assert!(!memory.has(0x0ffe..0x1002));
        let area = Area {
            range: 0x0ffe..0x2000,
            offset: 1,
        };
        let behind = Arc::new(file(b"_abcdefgh"));
        memory.add_files([(&behind, &area)].into_iter());
        assert_eq!(read(&memory, 0x0ffe, 8).as_deref(), Some(&b"abCOREgh"[..]));
        // Behind the end of the file its last page is zeros, and the next one is not there.
        assert_eq!(read(&memory, 0x1006, 2).as_deref(), Some(&[0, 0][..]));
        assert_eq!(read(&memory, 0x1fff, 2), None);
        assert!(memory.has(0x0ffe..0x2000));
    }

    #[test]
    fn a_core_that_is_cut_off_lacks_its_end() {
        let load = Segment::for_test(0x1000, 2, 8);
        let memory = CoreMemory::new(file(b"..abc"), [&load].into_iter(), 5);
        assert_eq!(read(&memory, 0x1000, 3).as_deref(), Some(&b"abc"[..]));
        assert_eq!(read(&memory, 0x1000, 4), None);
        assert_eq!(read(&memory, u64::MAX, 4), None);
    }

    #[test]
    fn parts_that_overlap_are_cut() {
        let one = Segment::for_test(0x1000, 0, 4);
        let two = Segment::for_test(0x1002, 4, 4);
        let memory = CoreMemory::new(file(b"abcdefgh"), [&one, &two].into_iter(), 8);
        assert_eq!(read(&memory, 0x1000, 6).as_deref(), Some(&b"abcdgh"[..]));
    }
}
