//! Names of fields and attributes, each stored once.

use exuvia_snapshot::NameId;
use rustc_hash::FxHashMap;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Default)]
struct Table {
    names: Vec<String>,
    index: FxHashMap<String, NameId>,
}

/// The table of names while it grows.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<Table>);

impl Names {
    /// The number of a name.
    pub(crate) fn intern(&self, name: &str) -> NameId {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = table.index.get(name) {
            return id;
        }
        let id = NameId(table.names.len() as u32);
        table.names.push(name.to_owned());
        table.index.insert(name.to_owned(), id);
        id
    }

    /// All names, by number.
    pub(crate) fn into_vec(self) -> Vec<String> {
        self.0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .names
    }
}

macro_rules! well_known {
    ($($field:ident = $text:literal,)*) => {
        /// Names that decoders use for what no table describes.
        #[derive(Debug, Clone)]
        pub(crate) struct WellKnown {
            $(pub(crate) $field: NameId,)*
        }

        impl WellKnown {
            pub(crate) fn new(names: &Names) -> Self {
                Self { $($field: names.intern($text),)* }
            }
        }
    };
}

well_known! {
    argtypes = "argtypes",
    attrib = "attrib",
    authorizer_ctx = "authorizer_ctx",
    base = "__base__",
    bases = "__bases__",
    checker = "checker",
    co_cellvars = "co_cellvars",
    co_code = "co_code",
    co_freevars = "co_freevars",
    co_varnames = "co_varnames",
    converters = "converters",
    f_builtins = "f_builtins",
    f_code = "f_code",
    f_func = "f_func",
    f_globals = "f_globals",
    f_locals = "f_locals",
    gi_code = "gi_code",
    gi_frame = "gi_frame",
    ht_cached_keys = "ht_cached_keys",
    ht_module = "ht_module",
    ht_name = "ht_name",
    ht_qualname = "ht_qualname",
    ht_slots = "ht_slots",
    identity = "identity",
    md_def = "md_def",
    memo = "memo",
    module = "module",
    mro = "__mro__",
    ob_type = "ob_type",
    od_key = "od_key",
    pointer_type = "pointer_type",
    progress_ctx = "progress_ctx",
    proto = "proto",
    restype = "restype",
    root = "root",
    shape = "shape",
    spec_cache = "_spec_cache.getitem",
    subarray_base = "subdtype[0]",
    tp_cache = "tp_cache",
    tp_subclasses = "tp_subclasses",
    trace_ctx = "trace_ctx",
    ttinfos = "_ttinfos",
}
