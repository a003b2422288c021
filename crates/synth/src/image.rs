use std::collections::BTreeMap;
use std::ops::Range;

use exuvia_memory::{Fault, Memory, PAGE_SIZE, RemoteAddress};

const PAGE: u64 = PAGE_SIZE as u64;

/// The memory of a process that never ran: pages by address.
#[derive(Debug, Clone, Default)]
pub struct Image {
    pages: BTreeMap<u64, Box<[u8; PAGE_SIZE]>>,
    written: Vec<Range<u64>>,
}

impl Image {
    /// Adds the pages of a range, filled with zeros, unless they are there.
    pub fn map(&mut self, range: Range<u64>) {
        for page in range.start / PAGE..range.end.div_ceil(PAGE) {
            self.pages
                .entry(page)
                .or_insert_with(|| Box::new([0; PAGE_SIZE]));
        }
    }

    /// Takes every page away that lies in a range, if only in part.
    pub fn unmap(&mut self, range: Range<u64>) {
        let gone = range.start / PAGE..range.end.div_ceil(PAGE);
        self.pages.retain(|page, _| !gone.contains(page));
    }

    /// Writes bytes, and maps their pages.
    pub fn put(&mut self, address: RemoteAddress, bytes: &[u8]) {
        let range = address.get()..address.get() + bytes.len() as u64;
        let mut done = 0;
        while done < bytes.len() {
            let at = range.start + done as u64;
            let start = (at % PAGE) as usize;
            let now = (bytes.len() - done).min(PAGE_SIZE - start);
            let page = self.pages.entry(at / PAGE);
            let page = page.or_insert_with(|| Box::new([0; PAGE_SIZE]));
            page[start..start + now].copy_from_slice(&bytes[done..done + now]);
            done += now;
        }
        match self.written.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.written.push(range),
        }
    }

    /// Writes a 64-bit number.
    pub fn put_u64(&mut self, address: RemoteAddress, value: u64) {
        self.put(address, &value.to_le_bytes());
    }

    /// Writes a 32-bit number.
    pub fn put_u32(&mut self, address: RemoteAddress, value: u32) {
        self.put(address, &value.to_le_bytes());
    }

    /// Writes a pointer.
    pub fn put_pointer(&mut self, address: RemoteAddress, target: RemoteAddress) {
        self.put_u64(address, target.get());
    }

    /// The 64-bit number at an address; 0 where nothing is mapped.
    pub fn u64(&self, address: RemoteAddress) -> u64 {
        let mut bytes = [0; 8];
        match self.read_exact(address, &mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => 0,
        }
    }

    /// The pointer at an address; null where nothing is mapped.
    pub fn pointer(&self, address: RemoteAddress) -> RemoteAddress {
        RemoteAddress::new(self.u64(address))
    }

    /// Inverts the bits of `mask` in the byte at an address. Twice is as if never.
    pub fn flip(&mut self, address: u64, mask: u8) {
        let page = self.pages.get_mut(&(address / PAGE));
        if let Some(byte) = page.and_then(|page| page.get_mut((address % PAGE) as usize)) {
            *byte ^= mask;
        }
    }

    /// Replaces a 64-bit number where memory is mapped, without taking it for written.
    pub fn overwrite_u64(&mut self, address: RemoteAddress, value: u64) {
        for (at, byte) in (address.get()..).zip(value.to_le_bytes()) {
            let page = self.pages.get_mut(&(at / PAGE));
            if let Some(old) = page.and_then(|page| page.get_mut((at % PAGE) as usize)) {
                *old = byte;
            }
        }
    }

    /// What is mapped, in ranges as long as they can be.
    pub fn regions(&self) -> Vec<Range<u64>> {
        let mut regions: Vec<Range<u64>> = Vec::new();
        for page in self.pages.keys() {
            let (start, end) = (page * PAGE, (page + 1) * PAGE);
            match regions.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => regions.push(start..end),
            }
        }
        regions
    }

    /// The ranges that were written to, in the order of writing: where damage matters.
    pub fn written(&self) -> &[Range<u64>] {
        &self.written
    }
}

impl Memory for Image {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        let length = buffer.len();
        let fault = Fault { address, length };
        let mut done = 0;
        while done < length {
            let at = address.checked_add(done as u64).ok_or(fault)?.get();
            let page = self.pages.get(&(at / PAGE)).ok_or(fault)?;
            let start = (at % PAGE) as usize;
            let now = (length - done).min(PAGE_SIZE - start);
            buffer[done..done + now].copy_from_slice(&page[start..start + now]);
            done += now;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mapped_reads_and_what_is_not_does_not() {
        let mut image = Image::default();
        let address = RemoteAddress::new(2 * PAGE - 4);
        image.put_u64(address, 0x0102_0304_0506_0708);
        assert_eq!(image.u64(address), 0x0102_0304_0506_0708);
        assert_eq!(image.regions(), vec![PAGE..3 * PAGE]);
        image.unmap(2 * PAGE..2 * PAGE + 1);
        assert_eq!(image.regions(), vec![PAGE..2 * PAGE]);
        assert!(image.read_exact(address, &mut [0; 8]).is_err());
        assert!(image.read_exact(address, &mut [0; 4]).is_ok());
    }

    #[test]
    fn flipping_twice_changes_nothing() {
        let mut image = Image::default();
        let address = RemoteAddress::new(PAGE);
        image.put_u64(address, 7);
        image.flip(PAGE, 0x81);
        assert_eq!(image.u64(address), 0x86);
        image.flip(PAGE, 0x81);
        assert_eq!(image.u64(address), 7);
    }
}
