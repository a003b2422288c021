//! Offsets, written from CPython's headers: of a static `offsetof` in each version.

use crate::abi_old::ObjectFramesAbi;
use crate::{abi_new, abi_old};

/// A version of CPython, with an interpreter lock, on a 64-bit platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Python {
    /// 3.8
    V3_8,
    /// 3.9
    V3_9,
    /// 3.10
    V3_10,
    /// 3.11
    V3_11,
    /// 3.12
    V3_12,
    /// 3.13
    V3_13,
    /// 3.14, with the collector of 3.14.5.
    V3_14,
    /// 3.15
    V3_15,
}

impl Python {
    /// Every version that can be faked.
    pub const ALL: [Self; 8] = [
        Self::V3_8,
        Self::V3_9,
        Self::V3_10,
        Self::V3_11,
        Self::V3_12,
        Self::V3_13,
        Self::V3_14,
        Self::V3_15,
    ];

    /// Those in which each frame is an object and each instance with attributes has a
    /// dictionary, and which do not publish their version.
    pub const UP_TO_3_10: [Self; 3] = [Self::V3_8, Self::V3_9, Self::V3_10];

    /// Those with `_PyInterpreterFrame`, and with instances that have no dictionary.
    pub const FROM_3_11: [Self; 5] = [
        Self::V3_11,
        Self::V3_12,
        Self::V3_13,
        Self::V3_14,
        Self::V3_15,
    ];

    /// Its number: 11 stands for 3.11.
    pub const fn minor(self) -> u8 {
        match self {
            Self::V3_8 => 8,
            Self::V3_9 => 9,
            Self::V3_10 => 10,
            Self::V3_11 => 11,
            Self::V3_12 => 12,
            Self::V3_13 => 13,
            Self::V3_14 => 14,
            Self::V3_15 => 15,
        }
    }

    /// `PY_VERSION_HEX` of its second release.
    pub const fn hexversion(self) -> u32 {
        0x0300_01f0 | (self.minor() as u32) << 16
    }

    pub(crate) const fn abi(self) -> &'static Abi {
        match self {
            Self::V3_8 => &abi_old::V3_8,
            Self::V3_9 => &abi_old::V3_9,
            Self::V3_10 => &abi_old::V3_10,
            Self::V3_11 => &V3_11,
            Self::V3_12 => &V3_12,
            Self::V3_13 => &V3_13,
            Self::V3_14 => &abi_new::V3_14,
            Self::V3_15 => &abi_new::V3_15,
        }
    }
}

/// Offsets that differ between versions.
pub(crate) struct Abi {
    pub(crate) runtime: RuntimeAbi,
    pub(crate) interpreter: InterpreterAbi,
    pub(crate) thread: ThreadAbi,
    pub(crate) gc: GcAbi,
    pub(crate) heap_type: HeapTypeAbi,
    pub(crate) text: TextAbi,
    /// `PyTupleObject.ob_item`
    pub(crate) tuple_items: u64,
    pub(crate) frames: FramesAbi,
}

/// What runs, and how a thread keeps it.
pub(crate) enum FramesAbi {
    /// Every frame is an object. Up to 3.10.
    Object(ObjectFramesAbi),
    /// Frames lie on a stack of the thread's own or in a generator.
    Interpreter(InterpreterFramesAbi),
}

pub(crate) struct InterpreterFramesAbi {
    pub(crate) code: CodeAbi,
    pub(crate) frame: FrameAbi,
    pub(crate) generator: GeneratorAbi,
}

pub(crate) struct RuntimeAbi {
    pub(crate) interpreters_head: u64,
    /// The collector's state, where all interpreters share it.
    pub(crate) gc: Option<u64>,
    pub(crate) size: u64,
}

pub(crate) struct InterpreterAbi {
    pub(crate) next: u64,
    pub(crate) id: u64,
    pub(crate) threads_head: u64,
    pub(crate) runtime: Option<u64>,
    pub(crate) gc: Option<u64>,
    pub(crate) sysdict: u64,
    pub(crate) builtins: u64,
    pub(crate) modules: u64,
    pub(crate) size: u64,
    /// `types.builtins`, with what each element holds.
    pub(crate) static_types: Option<StaticTypeAbi>,
}

pub(crate) struct StaticTypeAbi {
    pub(crate) array: u64,
    pub(crate) size: u64,
    pub(crate) tp_dict: u64,
    pub(crate) tp_subclasses: u64,
}

pub(crate) struct ThreadAbi {
    pub(crate) next: u64,
    pub(crate) interp: u64,
    pub(crate) thread_id: u64,
    pub(crate) native_thread_id: Option<u64>,
    pub(crate) size: u64,
    /// Where the innermost frame is: `current_frame` of the thread, or its `cframe`, and
    /// `current_frame` within that.
    pub(crate) current_frame: (u64, Option<u64>),
}

/// `_gc_runtime_state`, whose generations are 24 bytes long each.
pub(crate) struct GcAbi {
    pub(crate) generations: u64,
    pub(crate) generation0: u64,
    pub(crate) permanent: u64,
}

/// `PyHeapTypeObject`
pub(crate) struct HeapTypeAbi {
    pub(crate) type_size: u64,
    pub(crate) ht_name: u64,
    pub(crate) ht_slots: u64,
    pub(crate) ht_qualname: u64,
    pub(crate) ht_cached_keys: u64,
    pub(crate) size: u64,
}

/// `str`: sizes of its three heads, and what they hold.
pub(crate) struct TextAbi {
    pub(crate) ascii: u64,
    pub(crate) compact: u64,
    pub(crate) legacy: u64,
    pub(crate) utf8_length: u64,
    pub(crate) utf8: u64,
    pub(crate) data: u64,
    /// `wstr`, and the bit that says that it is ready.
    pub(crate) wstr: Option<(u64, u32)>,
}

pub(crate) struct CodeAbi {
    pub(crate) co_consts: u64,
    pub(crate) co_stacksize: u64,
    pub(crate) co_firstlineno: u64,
    pub(crate) co_nlocalsplus: u64,
    pub(crate) co_localsplusnames: u64,
    pub(crate) co_localspluskinds: u64,
    pub(crate) co_filename: u64,
    pub(crate) co_name: u64,
    pub(crate) co_qualname: u64,
    pub(crate) co_linetable: u64,
    pub(crate) co_code_adaptive: u64,
}

/// `_PyInterpreterFrame`, and the `frame` object.
pub(crate) struct FrameAbi {
    pub(crate) code: u64,
    pub(crate) function: u64,
    pub(crate) globals: u64,
    pub(crate) builtins: u64,
    pub(crate) locals: u64,
    pub(crate) previous: u64,
    pub(crate) frame_obj: u64,
    pub(crate) instruction: u64,
    pub(crate) owner: u64,
    /// `_f_frame_data` of the object.
    pub(crate) object_data: u64,
    pub(crate) localsplus: u64,
    /// Whether [`crate::offset::FRAME_STACKTOP`] is a pointer, and slots have two tag bits.
    pub(crate) tagged: bool,
}

pub(crate) struct GeneratorAbi {
    pub(crate) gi_name: u64,
    pub(crate) gi_qualname: u64,
    pub(crate) gi_frame_state: u64,
    pub(crate) gi_iframe: u64,
    /// `FRAME_SUSPENDED`
    pub(crate) suspended: i8,
    /// `FRAME_EXECUTING`
    pub(crate) executing: i8,
    /// `FRAME_CLEARED`
    pub(crate) cleared: i8,
    /// `gi_code`, which 3.12 dropped.
    pub(crate) gi_code: Option<u64>,
}

const V3_11: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 40,
        gc: None,
        size: 0x4000,
    },
    interpreter: InterpreterAbi {
        next: 0,
        id: 48,
        threads_head: 16,
        runtime: Some(40),
        gc: Some(648),
        sysdict: 904,
        builtins: 912,
        modules: 888,
        size: 107_752,
        static_types: None,
    },
    thread: ThreadAbi {
        next: 8,
        interp: 16,
        thread_id: 152,
        native_thread_id: Some(160),
        size: 360,
        current_frame: (56, Some(8)),
    },
    gc: GC_UP_TO_3_13,
    tuple_items: 24,
    heap_type: HeapTypeAbi {
        type_size: 408,
        ht_name: 848,
        ht_slots: 856,
        ht_qualname: 864,
        ht_cached_keys: 872,
        size: 904,
    },
    text: TEXT_WITH_WSTR,
    frames: FramesAbi::Interpreter(InterpreterFramesAbi {
        code: CodeAbi {
            co_consts: 24,
            co_stacksize: 68,
            co_firstlineno: 72,
            co_nlocalsplus: 76,
            co_localsplusnames: 96,
            co_localspluskinds: 104,
            co_filename: 112,
            co_name: 120,
            co_qualname: 128,
            co_linetable: 136,
            co_code_adaptive: 184,
        },
        frame: FrameAbi {
            code: 32,
            function: 0,
            globals: 8,
            builtins: 16,
            locals: 24,
            previous: 48,
            frame_obj: 40,
            instruction: 56,
            owner: 69,
            object_data: 48,
            localsplus: 72,
            tagged: false,
        },
        generator: GeneratorAbi {
            gi_name: 32,
            gi_qualname: 40,
            gi_frame_state: 75,
            gi_iframe: 80,
            suspended: -1,
            executing: 0,
            cleared: 4,
            gi_code: Some(16),
        },
    }),
};

const V3_12: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 40,
        gc: None,
        size: 0x4000,
    },
    interpreter: InterpreterAbi {
        next: 0,
        id: 8,
        threads_head: 72,
        runtime: Some(96),
        gc: Some(112),
        sysdict: 352,
        builtins: 360,
        modules: 944,
        size: 383_552,
        static_types: Some(StaticTypeAbi {
            array: 373_704,
            size: 40,
            tp_dict: 16,
            tp_subclasses: 24,
        }),
    },
    thread: ThreadAbi {
        next: 8,
        interp: 16,
        thread_id: 136,
        native_thread_id: Some(144),
        size: 288,
        current_frame: (56, Some(0)),
    },
    gc: GC_UP_TO_3_13,
    tuple_items: 24,
    heap_type: HeapTypeAbi {
        type_size: 416,
        ht_name: 856,
        ht_slots: 864,
        ht_qualname: 872,
        ht_cached_keys: 880,
        size: 920,
    },
    text: TEXT_WITHOUT_WSTR,
    frames: FramesAbi::Interpreter(InterpreterFramesAbi {
        code: CodeAbi {
            co_code_adaptive: 192,
            ..CODE_FROM_3_12
        },
        frame: FrameAbi {
            object_data: 48,
            ..FRAME_FROM_3_12
        },
        generator: GeneratorAbi {
            suspended: -1,
            ..GENERATOR_FROM_3_12
        },
    }),
};

const V3_13: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 632,
        gc: None,
        size: 0x4000,
    },
    interpreter: InterpreterAbi {
        next: 7264,
        id: 7272,
        threads_head: 7344,
        runtime: Some(7376),
        gc: Some(7400),
        sysdict: 7640,
        builtins: 7648,
        modules: 7656,
        size: 194_968,
        static_types: Some(StaticTypeAbi {
            array: 182_968,
            size: 48,
            tp_dict: 24,
            tp_subclasses: 32,
        }),
    },
    thread: ThreadAbi {
        next: 8,
        interp: 16,
        thread_id: 152,
        native_thread_id: Some(160),
        // `_PyThreadStateImpl`, whose head a `PyThreadState` is.
        size: 336,
        current_frame: (72, None),
    },
    gc: GC_UP_TO_3_13,
    tuple_items: 24,
    heap_type: HeapTypeAbi {
        type_size: 416,
        ht_name: 856,
        ht_slots: 864,
        ht_qualname: 872,
        ht_cached_keys: 880,
        size: 928,
    },
    text: TEXT_WITHOUT_WSTR,
    frames: FramesAbi::Interpreter(InterpreterFramesAbi {
        code: CodeAbi {
            co_code_adaptive: 200,
            ..CODE_FROM_3_12
        },
        frame: FrameAbi {
            object_data: 64,
            ..FRAME_FROM_3_12
        },
        generator: GeneratorAbi {
            suspended: -2,
            ..GENERATOR_FROM_3_12
        },
    }),
};

pub(crate) const GC_UP_TO_3_13: GcAbi = GcAbi {
    generations: 24,
    generation0: 96,
    permanent: 104,
};

pub(crate) const TEXT_WITH_WSTR: TextAbi = TextAbi {
    ascii: 48,
    compact: 72,
    legacy: 80,
    utf8_length: 48,
    utf8: 56,
    data: 72,
    wstr: Some((40, 7)),
};

pub(crate) const TEXT_WITHOUT_WSTR: TextAbi = TextAbi {
    ascii: 40,
    compact: 56,
    legacy: 64,
    utf8_length: 40,
    utf8: 48,
    data: 56,
    wstr: None,
};

pub(crate) const CODE_FROM_3_12: CodeAbi = CodeAbi {
    co_consts: 24,
    co_stacksize: 64,
    co_firstlineno: 68,
    co_nlocalsplus: 72,
    co_localsplusnames: 96,
    co_localspluskinds: 104,
    co_filename: 112,
    co_name: 120,
    co_qualname: 128,
    co_linetable: 136,
    co_code_adaptive: 192,
};

pub(crate) const FRAME_FROM_3_12: FrameAbi = FrameAbi {
    code: 0,
    function: 16,
    globals: 24,
    builtins: 32,
    locals: 40,
    previous: 8,
    frame_obj: 48,
    instruction: 56,
    owner: 70,
    object_data: 48,
    localsplus: 72,
    tagged: false,
};

pub(crate) const GENERATOR_FROM_3_12: GeneratorAbi = GeneratorAbi {
    gi_name: 24,
    gi_qualname: 32,
    gi_frame_state: 67,
    gi_iframe: 72,
    suspended: -1,
    executing: 0,
    cleared: 4,
    gi_code: None,
};
