//! Memory that is written down word by word.

use std::collections::BTreeMap;

use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Words by address; everything else reads as zero.
#[derive(Clone, Default)]
pub(crate) struct Image {
    pub(crate) words: BTreeMap<u64, u64>,
}

impl Memory for Image {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        for (i, byte) in buffer.iter_mut().enumerate() {
            let at = address.get() + i as u64;
            let word = self.words.get(&(at & !7)).copied().unwrap_or(0);
            *byte = word.to_le_bytes()[(at & 7) as usize];
        }
        Ok(())
    }
}
