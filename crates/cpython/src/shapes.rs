//! What differs between builds and is not an offset: closed enums, one per question.

use serde::{Deserialize, Serialize};

use crate::{StackRef, type_flags};

/// How this build answers each of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shapes {
    /// Where an `int` keeps its sign and how many digits it has.
    pub int_repr: IntRepr,
    /// Where an instance keeps its attributes when its type has a managed dictionary.
    pub instance_dict: InstanceDict,
    /// How a table of keys says how large it is.
    pub dict_keys: DictKeys,
    /// What stands around the values of a split dictionary.
    pub dict_values: DictValues,
    /// What a frame begins with.
    pub frame: Frame,
    /// What a frame's variables and stack hold beside addresses.
    pub stack_ref: StackRef,
    /// Where a thread's innermost frame is found.
    pub current_frame: CurrentFrame,
    /// How a code object keeps the lines of its instructions.
    pub line_table: LineTable,
    /// How an object counts the references to it; in one word where a table says nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub refcount: Refcount,
    /// How an object says that it is never freed.
    pub immortal: Immortal,
    /// Where a static type keeps its dictionary and subclasses.
    pub static_types: StaticTypes,
    /// Where a thread keeps the exception that is being raised.
    pub exception_state: ExceptionState,
    /// Who owns the interpreter lock.
    pub gil: Gil,
    /// Which threads make the calls that somebody has asked for.
    pub pending_calls: PendingCalls,
    /// What makes a thread look whether it is to do something else.
    pub eval_breaker: EvalBreaker,
    /// How the collector keeps its objects.
    pub gc_lists: GcLists,
}

/// Where an `int` keeps its sign and how many digits it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntRepr {
    /// `ob_size`, negative for a negative number. Up to 3.11.
    SignedSize,
    /// `lv_tag`: the count above bit 3, the sign in the lowest two bits. From 3.12.
    LvTag,
}

/// Where an instance keeps its attributes when its type has a managed dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceDict {
    /// Only where `tp_dictoffset` says. Up to 3.10.
    DictOffset,
    /// The dictionary at object − 24, the values at object − 32. 3.11.
    DictPointerAndValuesBefore,
    /// One word at object − 24: a dictionary, or, when bit 0 is set, values at word + 1. 3.12.
    TaggedDictOrValues,
    /// The dictionary at object − 24; when it is null, the values lie inside the object,
    /// at `tp_basicsize`, if the type has [`type_flags::INLINE_VALUES`] and they are
    /// `valid`. From 3.13.
    InlineValues,
    /// As `InlineValues`, but the dictionary lies at object − 8, where other builds have
    /// the collector's head. Free-threaded, from 3.13.
    InlineValuesHeadless,
}

impl InstanceDict {
    /// How many bytes before the object the pointer to its dictionary lies, when its type
    /// has [`type_flags::MANAGED_DICT`].
    pub const fn dict_before(self) -> Option<u64> {
        match self {
            Self::DictOffset => None,
            Self::DictPointerAndValuesBefore | Self::TaggedDictOrValues | Self::InlineValues => {
                Some(24)
            }
            Self::InlineValuesHeadless => Some(8),
        }
    }

    /// How many bytes before the object its values lie, where these have a pointer of
    /// their own.
    pub const fn values_before(self) -> Option<u64> {
        match self {
            Self::DictPointerAndValuesBefore => Some(32),
            Self::DictOffset
            | Self::TaggedDictOrValues
            | Self::InlineValues
            | Self::InlineValuesHeadless => None,
        }
    }

    /// How many bytes before the object the list of its weak references lies, when its
    /// type has [`type_flags::MANAGED_WEAKREF`].
    pub const fn weakrefs_before(self) -> Option<u64> {
        match self {
            Self::DictOffset | Self::DictPointerAndValuesBefore => None,
            Self::TaggedDictOrValues | Self::InlineValues => Some(32),
            Self::InlineValuesHeadless => Some(16),
        }
    }

    /// Whether values lie inside the object, at `tp_basicsize`, if its type has
    /// [`type_flags::INLINE_VALUES`].
    pub const fn are_values_inside(self) -> bool {
        match self {
            Self::DictOffset | Self::DictPointerAndValuesBefore | Self::TaggedDictOrValues => false,
            Self::InlineValues | Self::InlineValuesHeadless => true,
        }
    }

    /// The bytes that lie before an object of a type with these flags, for the collector
    /// and for managed fields: what `sys.getsizeof` adds to `__sizeof__`.
    pub const fn pre_header(self, tp_flags: u64, is_gc: bool) -> u64 {
        let managed = match self {
            Self::DictOffset => 0,
            Self::DictPointerAndValuesBefore => type_flags::MANAGED_DICT,
            Self::TaggedDictOrValues | Self::InlineValues | Self::InlineValuesHeadless => {
                type_flags::MANAGED_DICT | type_flags::MANAGED_WEAKREF
            }
        };
        let has_head = is_gc && !matches!(self, Self::InlineValuesHeadless);
        let gc_head = if has_head { 16 } else { 0 };
        let managed_fields = if tp_flags & managed != 0 { 16 } else { 0 };
        gc_head + managed_fields
    }
}

/// How a table of keys says how large it is, and of which sort its entries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DictKeys {
    /// `dk_size`, which also decides how wide an index is; all entries have a hash. Up to 3.10.
    Size,
    /// `dk_log2_size` and `dk_log2_index_bytes`; `dk_kind` says whether entries have a hash.
    /// From 3.11.
    Log2Size,
}

impl DictKeys {
    /// How wide an index into the entries is where the number of slots decides it, in bytes:
    /// `DK_IXSIZE`.
    pub const fn index_bytes(slots: u64) -> u64 {
        match slots {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        }
    }
}

/// What stands around the values of a split dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DictValues {
    /// Nothing: an array. Up to 3.10.
    Bare,
    /// An array with prefix bytes: the prefix's own length at −1, the number of values at
    /// −2. Up to 3.12.
    PrefixBytes,
    /// A header of four bytes: capacity, size, embedded, valid. From 3.13.
    Header,
}

/// What a frame begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// As an object: every frame is one. Up to 3.10.
    Object,
    /// The function; the code object stands further behind. 3.11.
    FuncFirst,
    /// The code object, or another thing that runs. From 3.12.
    ExecutableFirst,
}

/// Where a thread's innermost frame is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurrentFrame {
    /// `tstate->frame`, a `frame` object. Up to 3.10.
    Object,
    /// `tstate->cframe->current_frame`. Up to 3.12.
    Cframe,
    /// `tstate->current_frame`. From 3.13.
    ThreadState,
}

/// How a code object keeps the lines of its instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineTable {
    /// `co_lnotab`: pairs of a step in bytes and a signed step in lines. Up to 3.9.
    Lnotab,
    /// `co_linetable`: pairs of a length in bytes and a signed step in lines that is taken
    /// before, of which −128 says that there is no line. 3.10.
    Ranges,
    /// `co_linetable` with columns, in entries of varying length. From 3.11.
    Locations,
}

/// How an object counts the references to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refcount {
    /// In one number, `ob_refcnt`.
    #[default]
    OneNumber,
    /// In two: `ob_ref_local` counts those of the thread that made the object,
    /// `ob_ref_shared`, above two bits of flags, those of all others, and may be negative.
    /// Free-threaded.
    LocalAndShared,
}

fn is_default<T: Default + PartialEq>(shape: &T) -> bool {
    *shape == T::default()
}

/// How an object says that it is never freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Immortal {
    /// It can't: every reference is counted, those to static objects too. Up to 3.10.
    Never,
    /// It can't, but static objects begin with 999,999,999 references, which nothing else
    /// comes near (`_PyObject_IMMORTAL_REFCNT`). 3.11.
    StaticRefcnt,
    /// The low 32 bits of its reference count are negative as a signed number. 3.12, 3.13.
    Refcnt32,
    /// As before, and the count is only these 32 bits: above them lie 16 bits for what
    /// overflows, and 16 bits of flags. From 3.14.
    Refcnt32AndFlags,
    /// All bits of the count of its own thread, `ob_ref_local`, are set. Free-threaded.
    RefLocal,
}

/// Counts from here on are pointers.
const FIRST_POINTER: u64 = 1 << 36;
/// More than any of the flags in `ob_flags`: `_Py_STATICALLY_ALLOCATED_FLAG` and others.
const KNOWN_FLAGS: u16 = 0xff;

/// `_PyObject_IMMORTAL_REFCNT` of 3.11.
const STATIC_REFCNT: u64 = 999_999_999;

impl Immortal {
    /// Whether an object with this word as its reference count is immortal; of two counts,
    /// the word is that of the object's own thread.
    pub const fn is_immortal(self, ob_refcnt: u64) -> bool {
        match self {
            Self::Never => false,
            Self::StaticRefcnt => ob_refcnt > STATIC_REFCNT / 2,
            Self::Refcnt32 | Self::Refcnt32AndFlags => (ob_refcnt as u32 as i32) < 0,
            Self::RefLocal => ob_refcnt == u32::MAX as u64,
        }
    }

    /// The reference count in this word; `u32::MAX` when it is larger than that.
    pub const fn refcount(self, ob_refcnt: u64) -> u32 {
        match self {
            Self::Refcnt32AndFlags | Self::RefLocal => ob_refcnt as u32,
            Self::Never | Self::StaticRefcnt | Self::Refcnt32 if ob_refcnt > u32::MAX as u64 => {
                u32::MAX
            }
            Self::Never | Self::StaticRefcnt | Self::Refcnt32 => ob_refcnt as u32,
        }
    }

    /// Whether this word can be the reference count of an object that is in use, and not
    /// the pointer to the next free block with which free blocks begin.
    pub const fn is_plausible(self, ob_refcnt: u64) -> bool {
        match self {
            Self::Never | Self::StaticRefcnt | Self::Refcnt32 | Self::RefLocal => {
                ob_refcnt != 0 && ob_refcnt < FIRST_POINTER
            }
            Self::Refcnt32AndFlags => {
                let overflow = (ob_refcnt >> 32) as u16;
                let flags = (ob_refcnt >> 48) as u16;
                ob_refcnt as u32 != 0 && overflow <= 1 && flags <= KNOWN_FLAGS
            }
        }
    }
}

/// Where a static type keeps its dictionary and subclasses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaticTypes {
    /// In itself. Up to 3.11.
    InType,
    /// Built-in ones in an array of the interpreter, found by `(size_t)tp_subclasses - 1`.
    /// From 3.12.
    InterpreterState,
}

/// Where a thread keeps the exception that is being raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionState {
    /// `curexc_type`, `curexc_value` and `curexc_traceback`. Up to 3.11.
    ThreeFields,
    /// `current_exception`. From 3.12.
    CurrentException,
}

/// Who owns the interpreter lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gil {
    /// One inside `_PyRuntime` for all interpreters. Up to 3.11.
    Runtime,
    /// Each interpreter points to the one that it uses. From 3.12.
    Interpreter,
}

/// Which threads make the calls that somebody has asked for with `Py_AddPendingCall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingCalls {
    /// Only the main thread, from the one ring that there is. Up to 3.11.
    MainThread,
    /// Any thread of the interpreter, from its ring; and the main thread, of the main
    /// interpreter, from another one as well. From 3.12.
    AnyThread,
}

/// What makes a thread look whether it is to do something else before it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvalBreaker {
    /// A number of 4 bytes, 0 or 1, for all threads. Up to 3.8.
    FlagOfRuntime,
    /// The same for the threads of an interpreter. Up to 3.12.
    FlagOfInterpreter,
    /// Bits of a word of each thread ([`eval_breaker_bits`](crate::eval_breaker_bits)).
    /// From 3.13.
    BitsOfThread,
}

/// How the collector keeps its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GcLists {
    /// Three generations and a permanent one, doubly linked.
    ThreeGenerations,
    /// A young list, two old ones and a permanent one, at the same places, but nothing that
    /// points to the first. 3.14.0 to 3.14.4; no table has it, see `moved.rs`.
    Incremental,
    /// In no list: they are the blocks with the bit "tracked" in those pages of mimalloc
    /// that hold nothing but objects of the collector. Free-threaded.
    MimallocSegments,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_managed_weakref_counts_from_3_12() {
        let gc_and_weakref = type_flags::MANAGED_WEAKREF;
        let shape = InstanceDict::DictPointerAndValuesBefore;
        assert_eq!(shape.pre_header(gc_and_weakref, true), 16);
        let shape = InstanceDict::TaggedDictOrValues;
        assert_eq!(shape.pre_header(gc_and_weakref, true), 32);
        assert_eq!(shape.pre_header(0, false), 0);
        let shape = InstanceDict::InlineValuesHeadless;
        assert_eq!(shape.pre_header(gc_and_weakref, true), 16);
        assert_eq!(shape.pre_header(0, true), 0);
    }

    #[test]
    fn immortality_is_in_the_low_half() {
        assert!(Immortal::Refcnt32.is_immortal(0xffff_ffff));
        assert!(Immortal::Refcnt32.is_immortal(0x8000_0000));
        assert!(!Immortal::Refcnt32.is_immortal(0x7fff_ffff));
        assert!(Immortal::StaticRefcnt.is_immortal(999_999_990));
        assert!(!Immortal::StaticRefcnt.is_immortal(1_000_000));
        assert!(Immortal::RefLocal.is_immortal(0xffff_ffff));
        assert!(!Immortal::RefLocal.is_immortal(0x8000_0000));
        assert!(Immortal::Refcnt32AndFlags.is_immortal(0x0005_0000_c000_0000));
        assert!(!Immortal::Refcnt32AndFlags.is_immortal(0x0004_0000_0000_0001));
    }

    #[test]
    fn flags_are_no_part_of_a_count() {
        let word = 0x0004_0000_0000_0003;
        assert_eq!(Immortal::Refcnt32AndFlags.refcount(word), 3);
        assert_eq!(Immortal::Refcnt32.refcount(3), 3);
        assert_eq!(Immortal::Refcnt32.refcount(1 << 40), u32::MAX);
    }

    #[test]
    fn a_pointer_is_no_count() {
        for shape in [Immortal::Refcnt32, Immortal::Refcnt32AndFlags] {
            assert!(shape.is_plausible(1));
            assert!(!shape.is_plausible(0));
            assert!(!shape.is_plausible(0x7f12_3456_7890));
        }
    }
}
