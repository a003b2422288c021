//! Offsets, written from CPython's headers, that are the same in every version here.

/// `PyObject.ob_type`
pub const OB_TYPE: u64 = 8;
/// `PyVarObject.ob_size`
pub const OB_SIZE: u64 = 16;
/// `PyGC_Head._gc_prev`
pub const GC_PREV: u64 = 8;
/// `sizeof(PyGC_Head)`: the head lies so many bytes before its object.
pub const GC_HEAD: u64 = 16;

/// `PyTypeObject.tp_name`
pub const TP_NAME: u64 = 24;
/// `PyTypeObject.tp_basicsize`
pub const TP_BASICSIZE: u64 = 32;
/// `PyTypeObject.tp_itemsize`
pub const TP_ITEMSIZE: u64 = 40;
/// `PyTypeObject.tp_flags`
pub const TP_FLAGS: u64 = 168;
/// `PyTypeObject.tp_members`
pub const TP_MEMBERS: u64 = 240;
/// `PyTypeObject.tp_base`
pub const TP_BASE: u64 = 256;
/// `PyTypeObject.tp_dict`
pub const TP_DICT: u64 = 264;
/// `PyTypeObject.tp_dictoffset`
pub const TP_DICTOFFSET: u64 = 288;
/// `PyTypeObject.tp_bases`
pub const TP_BASES: u64 = 336;
/// `PyTypeObject.tp_mro`
pub const TP_MRO: u64 = 344;
/// `PyTypeObject.tp_subclasses`
pub const TP_SUBCLASSES: u64 = 360;

/// `PyMemberDef.type`
pub const MEMBER_TYPE: u64 = 8;
/// `PyMemberDef.offset`
pub const MEMBER_OFFSET: u64 = 16;
/// `sizeof(PyMemberDef)`
pub const MEMBER: u64 = 40;

/// `ob_digit` of an `int`.
pub const OB_DIGIT: u64 = 24;
/// `PyListObject.ob_item`
pub const LIST_ITEMS: u64 = 24;
/// `PyListObject.allocated`
pub const LIST_ALLOCATED: u64 = 32;
/// `PyBytesObject.ob_sval`
pub const BYTES_START: u64 = 32;
/// `PyFloatObject.ob_fval`
pub const FLOAT_VALUE: u64 = 16;

/// `PyDictObject.ma_used`
pub const DICT_USED: u64 = 16;
/// `PyDictObject.ma_keys`
pub const DICT_KEYS: u64 = 32;
/// `PyDictObject.ma_values`
pub const DICT_VALUES: u64 = 40;
/// `PyDictKeysObject.dk_size`, up to 3.10.
pub const KEYS_SIZE: u64 = 8;
/// `PyDictKeysObject.dk_usable` up to 3.10.
pub const OLD_KEYS_USABLE: u64 = 24;
/// `PyDictKeysObject.dk_nentries` up to 3.10.
pub const OLD_KEYS_NENTRIES: u64 = 32;
/// `PyDictKeysObject.dk_indices` up to 3.10.
pub const OLD_KEYS_INDICES: u64 = 40;
/// `PyDictKeysObject.dk_log2_size`
pub const KEYS_LOG2_SIZE: u64 = 8;
/// `PyDictKeysObject.dk_log2_index_bytes`
pub const KEYS_LOG2_INDEX_BYTES: u64 = 9;
/// `PyDictKeysObject.dk_kind`
pub const KEYS_KIND: u64 = 10;
/// `PyDictKeysObject.dk_usable`
pub const KEYS_USABLE: u64 = 16;
/// `PyDictKeysObject.dk_nentries`
pub const KEYS_NENTRIES: u64 = 24;
/// `PyDictKeysObject.dk_indices`
pub const KEYS_INDICES: u64 = 32;

/// `PySetObject.fill`
pub const SET_FILL: u64 = 16;
/// `PySetObject.used`
pub const SET_USED: u64 = 24;
/// `PySetObject.mask`
pub const SET_MASK: u64 = 32;
/// `PySetObject.table`
pub const SET_TABLE: u64 = 40;
/// `PySetObject.smalltable`, of eight entries.
pub const SET_SMALLTABLE: u64 = 64;

/// `dequeobject.leftblock`
pub const DEQUE_LEFTBLOCK: u64 = 24;
/// `dequeobject.rightblock`
pub const DEQUE_RIGHTBLOCK: u64 = 32;
/// `dequeobject.leftindex`
pub const DEQUE_LEFTINDEX: u64 = 40;
/// `dequeobject.rightindex`
pub const DEQUE_RIGHTINDEX: u64 = 48;
/// `BLOCK.data` of a deque: 64 pointers.
pub const BLOCK_DATA: u64 = 8;
/// `BLOCK.rightlink`
pub const BLOCK_RIGHTLINK: u64 = 520;

/// `PyODictObject.od_first`
pub const ODICT_FIRST: u64 = 48;
/// `_odictnode.next`
pub const NODE_NEXT: u64 = 16;

/// `PyCellObject.ob_ref`
pub const CELL_CONTENTS: u64 = 16;
/// `PyFrameObject.f_frame`
pub const FRAME_F_FRAME: u64 = 24;
/// `_PyInterpreterFrame.stacktop`, up to 3.13; `stackpointer` later.
pub const FRAME_STACKTOP: u64 = 64;
