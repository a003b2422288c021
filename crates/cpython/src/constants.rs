//! Enumerators that the walker compares with, whose numbers change between versions.

use crate::spec::ConstantSpec;

macro_rules! constants {
    ($($name:ident: $c:ident),* $(,)?) => {
        /// Numbers of C's enumerators.
        #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
        pub struct Constants {
            $(
                #[doc = concat!("C's `", stringify!($c), "`, in builds that have it.")]
                pub $name: Option<i64>,
            )*
        }

        /// Every enumerator that the tables hold.
        pub const CONSTANTS: &[ConstantSpec] = &[
            $(ConstantSpec { name: stringify!($c) },)*
        ];
    };
}

constants! {
    frame_created: FRAME_CREATED,
    frame_suspended: FRAME_SUSPENDED,
    frame_executing: FRAME_EXECUTING,
    frame_completed: FRAME_COMPLETED,
    frame_cleared: FRAME_CLEARED,
    frame_owned_by_thread: FRAME_OWNED_BY_THREAD,
    frame_owned_by_generator: FRAME_OWNED_BY_GENERATOR,
    frame_owned_by_frame_object: FRAME_OWNED_BY_FRAME_OBJECT,
    dict_keys_general: DICT_KEYS_GENERAL,
    dict_keys_unicode: DICT_KEYS_UNICODE,
    dict_keys_split: DICT_KEYS_SPLIT,
    frame_suspended_yield_from: FRAME_SUSPENDED_YIELD_FROM,
    frame_owned_by_cstack: FRAME_OWNED_BY_CSTACK,
    frame_owned_by_interpreter: FRAME_OWNED_BY_INTERPRETER,
    // The heaps of a thread that hold the collector's objects, free-threaded: those without
    // anything before them, and those with managed fields before them.
    py_mimalloc_heap_gc: _Py_MIMALLOC_HEAP_GC,
    py_mimalloc_heap_gc_pre: _Py_MIMALLOC_HEAP_GC_PRE,
}
