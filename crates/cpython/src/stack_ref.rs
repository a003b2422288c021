use serde::{Deserialize, Serialize};

/// What a slot of a frame's variables and stack holds, and its fields `f_executable` and
/// `f_funcobj`: CPython's `_PyStackRef`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackRef {
    /// A plain pointer. Up to 3.13.
    Pointer,
    /// A pointer whose bit 0 is set when the reference is not counted.
    OneTagBit,
    /// A pointer with two tag bits: 1 when the reference is not counted, 3 when it is no
    /// pointer, but a number. From 3.14. (2 is a mark of errors without an address.)
    TwoTagBits,
}

/// `Py_TAG_REFCNT`, `Py_TAG_DEFERRED` in free-threaded builds.
const UNCOUNTED: u64 = 1;
/// `Py_INT_TAG`.
const INT: u64 = 3;

impl StackRef {
    /// The bits that are no part of the address.
    pub const fn tag_mask(self) -> u64 {
        match self {
            Self::Pointer => 0,
            Self::OneTagBit => 1,
            Self::TwoTagBits => 3,
        }
    }

    /// The address that a slot holds; 0 when it is empty or holds a number.
    pub const fn address(self, slot: u64) -> u64 {
        match self {
            Self::TwoTagBits if slot & self.tag_mask() == INT => 0,
            _ => slot & !self.tag_mask(),
        }
    }

    /// Whether the slot counts as a reference in the object's reference count. If not, the
    /// object is immortal, or something else keeps it alive as long as the frame.
    pub const fn is_counted(self, slot: u64) -> bool {
        slot & self.tag_mask() != UNCOUNTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_no_part_of_an_address() {
        for tag in 0..3 {
            assert_eq!(StackRef::TwoTagBits.address(0x7f00_1230 | tag), 0x7f00_1230);
        }
        assert_eq!(StackRef::OneTagBit.address(0x7f00_1231), 0x7f00_1230);
        assert_eq!(StackRef::Pointer.address(0x7f00_1231), 0x7f00_1231);
        // `PyStackRef_NULL` is an uncounted reference to nothing.
        assert_eq!(StackRef::TwoTagBits.address(1), 0);
    }

    #[test]
    fn a_number_is_no_address() {
        assert_eq!(StackRef::TwoTagBits.address(42 << 2 | 3), 0);
    }

    #[test]
    fn borrowed_and_deferred_references_are_not_counted() {
        assert!(!StackRef::TwoTagBits.is_counted(0x7f00_1231));
        assert!(StackRef::TwoTagBits.is_counted(0x7f00_1230));
        assert!(!StackRef::OneTagBit.is_counted(0x7f00_1231));
        assert!(StackRef::Pointer.is_counted(0x7f00_1230));
    }
}
