//! Addresses of another process, and one trait through which its memory is read.
//!
//! A live process, its frozen clone, a core file and a synthetic image all implement
//! [`Memory`], so everything above this crate is the same for each of them. There are
//! no calls of the operating system here.
//!
//! Entry points: [`RemoteAddress`], [`Memory`], [`PageCache`].

mod address;
mod cache;

pub use address::RemoteAddress;
pub use cache::{BLOCK_SIZE, PageCache};

/// A read of the target's memory that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes at {address} of the target's memory are not readable")]
pub struct Fault {
    /// Where the read began.
    pub address: RemoteAddress,
    /// How many bytes were asked for.
    pub length: usize,
}

/// The memory of a target.
///
/// Reads come from several threads at once, hence `Sync`.
pub trait Memory: Sync {
    /// Fills `buffer` with the bytes at `address`, all of them or none.
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault>;

    /// Reads the [`BLOCK_SIZE`] bytes at the block-aligned `address`, as far as they exist.
    ///
    /// Returns one bit for each 4 KiB page of the block: set when the page was read.
    /// Implementations that know which pages exist leave the others unread; the bytes of
    /// a page whose bit is clear are unspecified.
    fn read_block(&self, address: RemoteAddress, block: &mut [u8; BLOCK_SIZE]) -> u8 {
        if self.read_exact(address, block).is_ok() {
            return u8::MAX;
        }
        let mut present = 0;
        for (page, bytes) in block.chunks_exact_mut(PAGE_SIZE).enumerate() {
            let Some(start) = address.checked_add((page * PAGE_SIZE) as u64) else {
                break;
            };
            if self.read_exact(start, bytes).is_ok() {
                present |= 1 << page;
            }
        }
        present
    }
}

/// Bytes in a page of memory, on every platform where a target is read.
pub const PAGE_SIZE: usize = 4096;

impl<M: Memory + ?Sized> Memory for &M {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        (**self).read_exact(address, buffer)
    }

    fn read_block(&self, address: RemoteAddress, block: &mut [u8; BLOCK_SIZE]) -> u8 {
        (**self).read_block(address, block)
    }
}
