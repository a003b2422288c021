use std::fmt;

/// An address in the target's memory, never in ours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RemoteAddress(u64);

impl RemoteAddress {
    /// The null pointer of the target.
    pub const NULL: Self = Self(0);

    /// An address from its number.
    pub const fn new(address: u64) -> Self {
        Self(address)
    }

    /// The number of the address.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether this is the null pointer.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The address `offset` bytes above, or `None` past the end of the address space.
    pub fn checked_add(self, offset: u64) -> Option<Self> {
        self.0.checked_add(offset).map(Self)
    }

    /// The address `offset` bytes above; wraps, since the result is only ever read, and a
    /// read of a wrong address is a [`Fault`](crate::Fault).
    #[must_use]
    pub const fn offset(self, offset: u64) -> Self {
        Self(self.0.wrapping_add(offset))
    }

    /// The address `offset` bytes below; wraps like [`offset`](Self::offset).
    #[must_use]
    pub const fn before(self, offset: u64) -> Self {
        Self(self.0.wrapping_sub(offset))
    }

    /// Whether the address is a multiple of `alignment`, a power of two.
    pub const fn is_aligned(self, alignment: u64) -> bool {
        self.0 & (alignment - 1) == 0
    }

    /// The address with the bits of `mask` cleared: pointers that carry tags.
    #[must_use]
    pub const fn without_bits(self, mask: u64) -> Self {
        Self(self.0 & !mask)
    }
}

impl From<u64> for RemoteAddress {
    fn from(address: u64) -> Self {
        Self(address)
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::LowerHex for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}
