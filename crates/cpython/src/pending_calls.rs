//! The rings of pending calls: what an entry looks like.

use crate::structs::_pending_calls;

impl _pending_calls {
    /// Where the function is in an entry; it takes a pointer, and returns 0 when all is well.
    pub const FUNC: u64 = 0;
    /// Where its argument is.
    pub const ARG: u64 = 8;

    /// How long an entry is, in bytes: what is behind the argument are flags, of which 0 says
    /// that there is nothing to free. Up to 3.12 C gives entries no name, and the tables say
    /// nothing of them; but the end of the ring has always been where `first` is.
    pub fn entry_size(&self) -> u64 {
        let ring = self.first.saturating_sub(self.calls);
        ring.checked_div(self.calls_length).unwrap_or(0)
    }
}
