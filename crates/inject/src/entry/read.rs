//! Words of a target's memory.

use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Reads small things from a memory, each by itself: what is read of an interpreter's state
/// lies far apart, and whole blocks around it would take longer than the target may stand
/// still.
#[derive(Debug)]
pub(super) struct Reader<'m, M>(pub(super) &'m M);

impl<M: Memory> Reader<'_, M> {
    fn array<const N: usize>(&self, address: RemoteAddress) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.0.read_exact(address, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u8(&self, address: RemoteAddress) -> Result<u8, Fault> {
        self.array::<1>(address).map(|[byte]| byte)
    }

    pub(super) fn u32(&self, address: RemoteAddress) -> Result<u32, Fault> {
        self.array(address).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&self, address: RemoteAddress) -> Result<u64, Fault> {
        self.array(address).map(u64::from_le_bytes)
    }

    pub(super) fn pointer(&self, address: RemoteAddress) -> Result<RemoteAddress, Fault> {
        self.u64(address).map(RemoteAddress::new)
    }
}
