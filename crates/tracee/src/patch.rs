//! Writing into a process that stands still, or of which the thread does that is meant.

use exuvia_memory::RemoteAddress;
use serde::{Deserialize, Serialize};

/// Small changes of a target's memory, made all together, or not at all when the memory is not
/// as it is expected to be.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Patch {
    pub(crate) expected: Vec<(u64, Vec<u8>)>,
    pub(crate) edits: Vec<Edit>,
}

/// One change. Words are of 8 bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Edit {
    /// Bytes are replaced.
    Set { address: u64, bytes: Vec<u8> },
    /// Bits of a word are set.
    Or { address: u64, bits: u64 },
    /// A number is added to a word, which wraps.
    Add { address: u64, number: i64 },
}

impl Patch {
    /// A patch that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing is changed unless these bytes lie at the address.
    #[must_use]
    pub fn expect(mut self, address: RemoteAddress, bytes: &[u8]) -> Self {
        self.expected.push((address.get(), bytes.to_vec()));
        self
    }

    /// Replaces bytes.
    #[must_use]
    pub fn set(mut self, address: RemoteAddress, bytes: &[u8]) -> Self {
        let (address, bytes) = (address.get(), bytes.to_vec());
        self.edits.push(Edit::Set { address, bytes });
        self
    }

    /// Sets bits of a word of 8 bytes.
    #[must_use]
    pub fn set_bits(mut self, address: RemoteAddress, bits: u64) -> Self {
        let address = address.get();
        self.edits.push(Edit::Or { address, bits });
        self
    }

    /// Adds to a word of 8 bytes.
    #[must_use]
    pub fn add(mut self, address: RemoteAddress, number: i64) -> Self {
        let address = address.get();
        self.edits.push(Edit::Add { address, number });
        self
    }
}
