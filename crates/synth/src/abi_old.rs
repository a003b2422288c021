//! Offsets of 3.8, 3.9 and 3.10, counted from the structs in their headers; those in the state
//! of an interpreter as a debugger prints them.

use crate::abi::{
    Abi, FramesAbi, GC_UP_TO_3_13, HeapTypeAbi, InterpreterAbi, RuntimeAbi, TEXT_WITH_WSTR,
    ThreadAbi,
};

/// `PyFrameObject` and `PyGenObject`. `PyCodeObject` is the same in all three versions.
pub(crate) struct ObjectFramesAbi {
    pub(crate) stack_top: StackTop,
    pub(crate) f_gen: u64,
    pub(crate) f_lasti: u64,
    /// Bytes of code that `f_lasti` counts in.
    pub(crate) lasti_unit: u32,
    /// `f_executing`, or the `f_state` of 3.10.
    pub(crate) state: u64,
    pub(crate) f_localsplus: u64,
    pub(crate) gi_code: u64,
    pub(crate) gi_name: u64,
    pub(crate) gi_qualname: u64,
    /// `sizeof(PyGenObject)`
    pub(crate) generator: u64,
    /// `FRAME_SUSPENDED` and `FRAME_EXECUTING` of 3.10; not executing, and executing.
    pub(crate) suspended: i8,
    pub(crate) executing: i8,
}

/// How a frame says how deep its evaluation stack is.
pub(crate) enum StackTop {
    /// `f_stacktop`, an address.
    Address(u64),
    /// `f_stackdepth`, a number.
    Depth(u64),
}

pub(crate) const V3_8: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 32,
        gc: Some(344),
        size: 0x4000,
    },
    interpreter: InterpreterAbi {
        next: 0,
        id: 16,
        threads_head: 8,
        runtime: None,
        gc: None,
        sysdict: 72,
        builtins: 80,
        modules: 56,
        size: 2720,
        static_types: None,
    },
    thread: THREAD,
    gc: GC_UP_TO_3_13,
    tuple_items: 24,
    heap_type: HeapTypeAbi {
        // With `tp_print` at its end.
        type_size: 416,
        ht_name: 848,
        ht_slots: 856,
        ht_qualname: 864,
        ht_cached_keys: 872,
        size: 880,
    },
    text: TEXT_WITH_WSTR,
    frames: FramesAbi::Object(FRAMES_UP_TO_3_9),
};

pub(crate) const V3_9: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 32,
        gc: None,
        size: 0x4000,
    },
    interpreter: InterpreterAbi {
        size: 5656,
        ..INTERPRETER_FROM_3_9
    },
    thread: THREAD,
    gc: GC_UP_TO_3_13,
    tuple_items: 24,
    heap_type: HeapTypeAbi {
        type_size: 408,
        ht_name: 840,
        ht_slots: 848,
        ht_qualname: 856,
        ht_cached_keys: 864,
        size: 880,
    },
    text: TEXT_WITH_WSTR,
    frames: FramesAbi::Object(FRAMES_UP_TO_3_9),
};

pub(crate) const V3_10: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 32,
        gc: None,
        size: 0x4000,
    },
    interpreter: InterpreterAbi {
        size: 113_528,
        ..INTERPRETER_FROM_3_9
    },
    thread: ThreadAbi {
        size: 280,
        ..THREAD
    },
    gc: GC_UP_TO_3_13,
    tuple_items: 24,
    heap_type: HeapTypeAbi {
        type_size: 408,
        // `PyAsyncMethods` has a fourth function.
        ht_name: 848,
        ht_slots: 856,
        ht_qualname: 864,
        ht_cached_keys: 872,
        size: 888,
    },
    text: TEXT_WITH_WSTR,
    frames: FramesAbi::Object(ObjectFramesAbi {
        stack_top: StackTop::Depth(80),
        f_gen: 88,
        f_lasti: 96,
        lasti_unit: 2,
        state: 108,
        f_localsplus: 352,
        gi_code: 24,
        gi_name: 40,
        gi_qualname: 48,
        generator: 88,
        suspended: -1,
        executing: 0,
    }),
};

const INTERPRETER_FROM_3_9: InterpreterAbi = InterpreterAbi {
    next: 0,
    id: 24,
    threads_head: 8,
    runtime: Some(16),
    gc: Some(616),
    sysdict: 872,
    builtins: 880,
    modules: 856,
    size: 0,
    static_types: None,
};

const THREAD: ThreadAbi = ThreadAbi {
    next: 8,
    interp: 16,
    thread_id: 176,
    native_thread_id: None,
    size: 264,
    // `tstate->frame`
    current_frame: (24, None),
};

const FRAMES_UP_TO_3_9: ObjectFramesAbi = ObjectFramesAbi {
    stack_top: StackTop::Address(72),
    f_gen: 96,
    f_lasti: 104,
    lasti_unit: 1,
    state: 116,
    f_localsplus: 360,
    gi_code: 32,
    gi_name: 48,
    gi_qualname: 56,
    generator: 96,
    suspended: 0,
    executing: 1,
};
