//! Bits of `tp_flags`, which have kept their meaning in every supported version.

/// Its values lie inside the instance. From 3.13.
pub const INLINE_VALUES: u64 = 1 << 2;
/// The list of weak references lies before the instance. From 3.12.
pub const MANAGED_WEAKREF: u64 = 1 << 3;
/// The dictionary lies before the instance. From 3.11.
pub const MANAGED_DICT: u64 = 1 << 4;
/// A built-in or extension type that is not on the heap and can't be changed.
pub const IMMUTABLE: u64 = 1 << 8;
/// Allocated at run time: a `class` statement or `PyType_FromSpec`.
pub const HEAPTYPE: u64 = 1 << 9;
/// `PyType_Ready` has been through.
pub const READY: u64 = 1 << 12;
/// Its instances have the head of the collector, unless `tp_is_gc` says otherwise.
pub const HAVE_GC: u64 = 1 << 14;
/// Has its items at the end: `tp_itemsize` counts from the end of the struct. From 3.12.
pub const ITEMS_AT_END: u64 = 1 << 23;
/// `int` and its subclasses.
pub const LONG_SUBCLASS: u64 = 1 << 24;
/// `list` and its subclasses.
pub const LIST_SUBCLASS: u64 = 1 << 25;
/// `tuple` and its subclasses.
pub const TUPLE_SUBCLASS: u64 = 1 << 26;
/// `bytes` and its subclasses.
pub const BYTES_SUBCLASS: u64 = 1 << 27;
/// `str` and its subclasses.
pub const UNICODE_SUBCLASS: u64 = 1 << 28;
/// `dict` and its subclasses.
pub const DICT_SUBCLASS: u64 = 1 << 29;
/// `BaseException` and its subclasses.
pub const BASE_EXC_SUBCLASS: u64 = 1 << 30;
/// `type` and its subclasses.
pub const TYPE_SUBCLASS: u64 = 1 << 31;
