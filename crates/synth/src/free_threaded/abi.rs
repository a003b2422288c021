//! Offsets of free-threaded builds, as a C compiler gives them for the headers of 3.13.5,
//! 3.14.10 and 3.15.2, and of these two with the mimalloc of 3.13.5.

/// A free-threaded build on a 64-bit platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FreeThreaded {
    /// 3.13, the only one of these that runs on the machines of the tests.
    V3_13,
    /// 3.14 up to 3.14.9, with mimalloc 2.1.2.
    V3_14,
    /// 3.14 from 3.14.10 on, with mimalloc 2.5.2.
    V3_14_10,
    /// 3.15 up to 3.15.1, with mimalloc 2.1.2.
    V3_15,
    /// 3.15 from 3.15.2 on, with mimalloc 2.5.2.
    V3_15_2,
}

impl FreeThreaded {
    /// Every build that can be faked.
    pub const ALL: [Self; 5] = [
        Self::V3_13,
        Self::V3_14,
        Self::V3_14_10,
        Self::V3_15,
        Self::V3_15_2,
    ];

    /// Its version: major, minor, micro.
    pub const fn version(self) -> (u8, u8, u8) {
        match self {
            Self::V3_13 => (3, 13, 5),
            Self::V3_14 => (3, 14, 9),
            Self::V3_14_10 => (3, 14, 10),
            Self::V3_15 => (3, 15, 1),
            Self::V3_15_2 => (3, 15, 2),
        }
    }

    /// Whether the number of references that are not counted is large: from 3.14.
    pub const fn defers_by_a_large_count(self) -> bool {
        !matches!(self, Self::V3_13)
    }

    pub(super) const fn abi(self) -> &'static Abi {
        match self {
            Self::V3_13 => &V3_13,
            Self::V3_14 => &V3_14,
            Self::V3_14_10 => &V3_14_10,
            Self::V3_15 => &V3_15,
            Self::V3_15_2 => &V3_15_2,
        }
    }
}

/// Offsets that differ between these builds.
pub(super) struct Abi {
    pub(super) runtime: RuntimeAbi,
    pub(super) interpreter: InterpreterAbi,
    pub(super) thread: ThreadAbi,
    pub(super) type_size: u64,
    pub(super) ht_name: u64,
    pub(super) ht_cached_keys: u64,
    pub(super) heap_type_size: u64,
    pub(super) tuple_items: u64,
    /// `str`: where the kind stands in `state`, in bits.
    pub(super) kind_bit: u32,
    pub(super) frame: FrameAbi,
    pub(super) code_size: u64,
    pub(super) mimalloc: &'static MimallocAbi,
}

pub(super) struct RuntimeAbi {
    pub(super) interpreters_head: u64,
    pub(super) is_debug_enabled: u64,
    pub(super) stop_requested: u64,
}

pub(super) struct InterpreterAbi {
    pub(super) next: u64,
    pub(super) id: u64,
    pub(super) threads_head: u64,
    pub(super) runtime: u64,
    pub(super) collecting: u64,
    pub(super) sysdict: u64,
    pub(super) builtins: u64,
    pub(super) modules: u64,
    pub(super) stop_requested: u64,
    pub(super) static_types: u64,
    /// The list of abandoned segments, and that of those visited before; or, in mimalloc
    /// 2.5.2, twice the pointer to the subprocess.
    pub(super) abandoned: (u64, u64),
    pub(super) size: u64,
}

pub(super) struct ThreadAbi {
    pub(super) thread_id: u64,
    pub(super) native_thread_id: u64,
    pub(super) heaps: u64,
    pub(super) tld: u64,
    pub(super) objects_to_merge: u64,
    pub(super) size: u64,
}

pub(super) struct FrameAbi {
    pub(super) owner: u64,
    pub(super) localsplus: u64,
    /// Whether it has a pointer to the end of its stack at 64; a number there before.
    pub(super) has_stackpointer: bool,
}

/// mimalloc's structs.
pub(super) struct MimallocAbi {
    pub(super) heap_size: u64,
    pub(super) thread_delayed_free: u64,
    pub(super) segment: SegmentAbi,
    pub(super) page: PageAbi,
}

pub(super) struct SegmentAbi {
    pub(super) used: u64,
    pub(super) segment_slices: u64,
    pub(super) segment_info_slices: u64,
    pub(super) slice_entries: u64,
    pub(super) slices: u64,
    /// `abandoned_next`, or `subproc`.
    pub(super) abandoned: u64,
}

pub(super) struct PageAbi {
    pub(super) size: u64,
    pub(super) free: u64,
    pub(super) used: u64,
    pub(super) local_free: u64,
    pub(super) xthread_free: u64,
    pub(super) xheap: u64,
    pub(super) block_size: u64,
    /// `heap_tag` and `page_start`, which mimalloc 2.1.2 lacks.
    pub(super) tag_and_start: Option<(u64, u64)>,
}

impl MimallocAbi {
    pub(super) fn is_new(&self) -> bool {
        self.page.tag_and_start.is_some()
    }
}

const MIMALLOC_2_1_2: MimallocAbi = MimallocAbi {
    heap_size: 3064,
    thread_delayed_free: 2840,
    segment: SegmentAbi {
        used: 208,
        segment_slices: 224,
        segment_info_slices: 232,
        slice_entries: 248,
        slices: 264,
        abandoned: 176,
    },
    page: PageAbi {
        size: 96,
        free: 16,
        used: 24,
        local_free: 32,
        xthread_free: 40,
        xheap: 48,
        block_size: 28,
        tag_and_start: None,
    },
};

const MIMALLOC_2_5_2: MimallocAbi = MimallocAbi {
    heap_size: 3088,
    thread_delayed_free: 8,
    segment: SegmentAbi {
        used: 216,
        segment_slices: 248,
        segment_info_slices: 256,
        slice_entries: 272,
        slices: 288,
        abandoned: 40,
    },
    page: PageAbi {
        size: 112,
        free: 16,
        used: 32,
        local_free: 24,
        xthread_free: 56,
        xheap: 64,
        block_size: 40,
        tag_and_start: Some((35, 48)),
    },
};

const V3_13: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 632,
        is_debug_enabled: 968,
        stop_requested: 10_337,
    },
    interpreter: InterpreterAbi {
        next: 7264,
        id: 7272,
        threads_head: 7344,
        runtime: 7376,
        collecting: 7400 + 200,
        sysdict: 7648,
        builtins: 7656,
        modules: 7664,
        stop_requested: 10_745,
        static_types: 186_056,
        abandoned: (10_880, 10_816),
        size: 215_616,
    },
    thread: ThreadAbi {
        thread_id: 152,
        native_thread_id: 160,
        heaps: 352,
        tld: 12_608,
        objects_to_merge: 17_800,
        size: 17_816,
    },
    type_size: 432,
    ht_name: 872,
    ht_cached_keys: 896,
    heap_type_size: 944,
    tuple_items: 40,
    kind_bit: 2,
    frame: FrameAbi {
        owner: 70,
        localsplus: 72,
        has_stackpointer: false,
    },
    code_size: 216,
    mimalloc: &MIMALLOC_2_1_2,
};

const RUNTIME_3_14: RuntimeAbi = RuntimeAbi {
    interpreters_head: 808,
    is_debug_enabled: 1144,
    stop_requested: 10_553,
};

const FRAME_FROM_3_14: FrameAbi = FrameAbi {
    owner: 78,
    localsplus: 80,
    has_stackpointer: true,
};

const V3_14: Abi = Abi {
    runtime: RUNTIME_3_14,
    interpreter: InterpreterAbi {
        next: 7272,
        id: 7280,
        threads_head: 7344,
        runtime: 7384,
        collecting: 7408 + 192,
        sysdict: 7696,
        builtins: 7704,
        modules: 7712,
        stop_requested: 10_849,
        static_types: 186_360,
        abandoned: (11_008, 10_944),
        size: 246_720,
    },
    thread: ThreadAbi {
        thread_id: 152,
        native_thread_id: 160,
        heaps: 944,
        tld: 13_200,
        objects_to_merge: 15_480,
        size: 15_608,
    },
    type_size: 432,
    ht_name: 872,
    ht_cached_keys: 896,
    heap_type_size: 960,
    tuple_items: 48,
    kind_bit: 8,
    frame: FRAME_FROM_3_14,
    code_size: 232,
    mimalloc: &MIMALLOC_2_1_2,
};

const V3_14_10: Abi = Abi {
    interpreter: InterpreterAbi {
        static_types: 186_032,
        abandoned: (10_928, 10_928),
        size: 249_976,
        ..V3_14.interpreter
    },
    thread: ThreadAbi {
        tld: 13_296,
        objects_to_merge: 19_088,
        size: 19_216,
        ..V3_14.thread
    },
    mimalloc: &MIMALLOC_2_5_2,
    ..V3_14
};

const V3_15: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 936,
        is_debug_enabled: 1272,
        stop_requested: 10_673,
    },
    interpreter: InterpreterAbi {
        next: 7264,
        id: 7272,
        threads_head: 7336,
        runtime: 7376,
        collecting: 7400 + 112,
        sysdict: 7576,
        builtins: 7584,
        modules: 7592,
        stop_requested: 10_801,
        static_types: 186_312,
        abandoned: (10_944, 10_880),
        size: 247_040,
    },
    thread: ThreadAbi {
        thread_id: 176,
        native_thread_id: 184,
        heaps: 1112,
        tld: 13_368,
        objects_to_merge: 15_680,
        size: 15_800,
    },
    type_size: 440,
    ht_name: 880,
    ht_cached_keys: 904,
    heap_type_size: 968,
    tuple_items: 48,
    kind_bit: 8,
    frame: FRAME_FROM_3_14,
    code_size: 232,
    mimalloc: &MIMALLOC_2_1_2,
};

const V3_15_2: Abi = Abi {
    interpreter: InterpreterAbi {
        static_types: 186_000,
        abandoned: (10_880, 10_880),
        size: 250_328,
        ..V3_15.interpreter
    },
    thread: ThreadAbi {
        tld: 13_464,
        objects_to_merge: 19_288,
        size: 19_408,
        ..V3_15.thread
    },
    mimalloc: &MIMALLOC_2_5_2,
    ..V3_15
};
