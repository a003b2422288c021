//! Offsets of 3.14 and 3.15, written down from running interpreters' own `_Py_DebugOffsets`,
//! and for what these do not tell from `offsetof` as a debugger prints it.

use crate::abi::{
    Abi, CODE_FROM_3_12, CodeAbi, FRAME_FROM_3_12, FrameAbi, FramesAbi, GENERATOR_FROM_3_12, GcAbi,
    GeneratorAbi, HeapTypeAbi, InterpreterAbi, InterpreterFramesAbi, RuntimeAbi, StaticTypeAbi,
    TEXT_WITHOUT_WSTR, ThreadAbi,
};

pub(crate) const V3_14: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 808,
        gc: None,
        size: 0x4000,
    },
    interpreter: InterpreterAbi {
        next: 7272,
        id: 7280,
        threads_head: 7344,
        runtime: Some(7384),
        gc: Some(7408),
        sysdict: 7672,
        builtins: 7680,
        modules: 7688,
        size: 225_864,
        static_types: Some(StaticTypeAbi {
            array: 180_240,
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
        size: 936,
        current_frame: (72, None),
    },
    gc: GcAbi {
        generations: 24,
        generation0: 256,
        permanent: 96,
    },
    tuple_items: 32,
    heap_type: HeapTypeAbi {
        type_size: 416,
        ht_name: 856,
        ht_slots: 864,
        ht_qualname: 872,
        ht_cached_keys: 880,
        size: 936,
    },
    text: TEXT_WITHOUT_WSTR,
    frames: FramesAbi::Interpreter(InterpreterFramesAbi {
        code: CODE_FROM_3_14,
        frame: FRAME_FROM_3_14,
        generator: GeneratorAbi {
            suspended: -2,
            ..GENERATOR_FROM_3_12
        },
    }),
};

pub(crate) const V3_15: Abi = Abi {
    runtime: RuntimeAbi {
        interpreters_head: 936,
        gc: None,
        size: 0x4000,
    },
    interpreter: InterpreterAbi {
        next: 7264,
        id: 7272,
        threads_head: 7336,
        runtime: Some(7376),
        gc: Some(7400),
        sysdict: 7576,
        builtins: 7584,
        modules: 7592,
        size: 226_240,
        static_types: Some(StaticTypeAbi {
            array: 180_264,
            size: 48,
            tp_dict: 24,
            tp_subclasses: 32,
        }),
    },
    thread: ThreadAbi {
        next: 8,
        interp: 16,
        thread_id: 176,
        native_thread_id: Some(184),
        size: 1104,
        current_frame: (72, None),
    },
    gc: GcAbi {
        generations: 8,
        generation0: 168,
        permanent: 80,
    },
    tuple_items: 32,
    heap_type: HeapTypeAbi {
        type_size: 424,
        ht_name: 864,
        ht_slots: 872,
        ht_qualname: 880,
        ht_cached_keys: 888,
        size: 944,
    },
    text: TEXT_WITHOUT_WSTR,
    frames: FramesAbi::Interpreter(InterpreterFramesAbi {
        code: CODE_FROM_3_14,
        frame: FRAME_FROM_3_14,
        generator: GeneratorAbi {
            suspended: 1,
            executing: 4,
            cleared: 5,
            ..GENERATOR_FROM_3_12
        },
    }),
};

const CODE_FROM_3_14: CodeAbi = CodeAbi {
    co_code_adaptive: 208,
    ..CODE_FROM_3_12
};

const FRAME_FROM_3_14: FrameAbi = FrameAbi {
    owner: 74,
    object_data: 72,
    localsplus: 80,
    tagged: true,
    ..FRAME_FROM_3_12
};
