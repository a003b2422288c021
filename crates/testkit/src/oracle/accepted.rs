use super::Difference;

/// A difference that is no mistake of the walker.
pub(super) struct Accepted {
    /// How the snapshot differs.
    difference: Difference,
    /// Of which objects.
    of: Of,
    /// The relation as groups print it; every one where there is none.
    detail: Option<&'static str>,
    /// The type of the object referred to; any where there is none.
    to: Option<&'static str>,
    /// The minor versions of Python 3, first and last.
    versions: (u32, u32),
    /// The last bug-fix release of those, where a later one has changed it.
    last_micro: u32,
    /// Why.
    reason: &'static str,
}

/// Of which objects a difference is accepted.
enum Of {
    /// Of all.
    Every,
    /// Of classes, whatever their metaclass.
    Classes,
    /// Of instances of this type that the collector does not track.
    Untracked(&'static str),
    /// Of objects of this type.
    Type(&'static str),
}

/// A difference that was found.
pub(super) struct Found<'a> {
    pub(super) difference: Difference,
    pub(super) type_name: &'a str,
    pub(super) is_class: bool,
    pub(super) tracked: bool,
    pub(super) detail: &'a str,
    /// The type of the object referred to, where the difference is a reference.
    pub(super) to: Option<&'a str>,
    pub(super) minor: u32,
    pub(super) micro: u32,
}

const ALL: (u32, u32) = (0, u32::MAX);

/// All accepted differences. Each is certain from CPython's source, named in its reason.
/// Single fields that a `tp_traverse` leaves out are listed in `layouts/types.toml` instead.
const ACCEPTED: &[Accepted] = &[
    extra(
        Of::Classes,
        "->ht_name",
        "type_traverse does not visit ht_name",
    ),
    extra(
        Of::Classes,
        "->ht_qualname",
        "type_traverse does not visit ht_qualname",
    ),
    extra(
        Of::Classes,
        "->ht_slots",
        "type_traverse does not visit ht_slots",
    ),
    extra(
        Of::Classes,
        "->ht_cached_keys",
        "type_traverse does not visit the keys that instances share, which are all str",
    ),
    extra(
        Of::Classes,
        "->tp_subclasses",
        "type_traverse does not visit tp_subclasses",
    ),
    Accepted {
        to: Some("builtins.str"),
        ..extra(
            Of::Every,
            ".keys()[i]",
            "dict_traverse does not visit the keys of a table whose keys are all str",
        )
    },
    Accepted {
        detail: None,
        ..extra(
            Of::Untracked("builtins.frame"),
            "",
            "frame_traverse does not visit the locals of a frame that still runs, because the \
             thread's stack holds them",
        )
    },
    embedded(extra(Of::Every, ".__dict__", EMBEDDED)),
    embedded(extra(Of::Type("builtins.dict"), "[key]", EMBEDDED)),
    embedded(Accepted {
        detail: Some(IN_ITS_DICT),
        ..missing(Of::Every, EMBEDDED)
    }),
    missing(
        Of::Type("functools._lru_cache_wrapper"),
        "lru_cache_tp_traverse looks through the entries, which are objects of their own and own \
         key and result",
    ),
    extra(
        Of::Type("functools._lru_cache_wrapper"),
        "->root",
        "lru_cache_tp_traverse does not visit the entries of the list, but what they hold",
    ),
    missing(
        Of::Classes,
        "CDataType_traverse visits `proto` through the type's StgDict, which owns it",
    ),
    Accepted {
        to: Some("_asyncio.FutureIter"),
        ..missing(
            Of::Type("builtins.module"),
            "module_traverse of _asyncio visits its list of freed iterators",
        )
    },
    Accepted {
        detail: Some("at +8"),
        to: Some("builtins.type"),
        ..missing(
            Of::Type("builtins.module"),
            "_curses_panel_traverse visits the type of its module, which is static, so that no \
             module owns it",
        )
    },
    extra(
        Of::Type("builtins.module"),
        "->word[0]",
        "the state of a test module of CPython, which is in no table, is scanned",
    ),
    Accepted {
        difference: Difference::MissingObject,
        ..missing(
            Of::Type("_asyncio.FutureIter"),
            "the freed iterators in the list of _asyncio are no objects any more",
        )
    },
    Accepted {
        detail: Some("[key], borrowed"),
        to: Some("builtins.str"),
        versions: (14, u32::MAX),
        ..missing(
            Of::Type("builtins.dict"),
            "the dictionary of interned strings does not hold them (_PyUnicode_InternMortal)",
        )
    },
    missing(
        Of::Type("builtins.PyCapsule"),
        "a capsule may bring a traverse function of its own, such as _datetime's",
    ),
    ended_code("builtins.generator"),
    ended_code("builtins.coroutine"),
    ended_code("builtins.async_generator"),
    extra(
        Of::Type("builtins.frame"),
        ".f_globals",
        "_PyFrame_Traverse does not visit f_globals, which the function of the frame owns",
    ),
    extra(
        Of::Classes,
        "->ob_type",
        "type_traverse does not visit the metaclass: only metaclasses that Python code made do, \
         by subtype_traverse",
    ),
    header("greenlet.greenlet"),
    header("gevent._gevent_cgreenlet.Greenlet"),
    header("gevent.hub.Hub"),
    hash_table("pandas._libs.index.Int64Engine"),
    hash_table("pandas._libs.index.ObjectEngine"),
    nbytes("pyarrow.lib.ChunkedArray"),
    nbytes("pyarrow.lib.RecordBatch"),
    nbytes("pyarrow.lib.StringArray"),
    nbytes("pyarrow.lib.Table"),
    extra(
        Of::Type("builtins.PyCapsule"),
        "->pointer",
        "capsule_traverse does not visit the pointer, which may be to an object",
    ),
    hidden_dict("\"dict of _cffi_backend.Lib\" instead of \"dict (no owner)\""),
    Accepted {
        versions: (12, 13),
        to: Some("builtins.code"),
        ..extra(
            Of::Every,
            ".gi_code",
            "up to 3.13 gen_traverse does not visit the code of a generator that has ended",
        )
    },
    code("->co_localsplusnames"),
    code("->co_localspluskinds"),
    code(".co_code"),
    code(".co_cellvars"),
    code(".co_exceptiontable"),
    code(".co_filename"),
    code(".co_freevars"),
    code(".co_linetable"),
    code(".co_name"),
    code(".co_names"),
    code(".co_qualname"),
    code(".co_varnames"),
    Accepted {
        to: Some("builtins.type"),
        detail: Some("at +24"),
        ..missing(
            Of::Type("builtins.module"),
            "_curses_panel_traverse visits the type of the module, which is static",
        )
    },
    hidden_dict("\"dict of typing.TypeVar\" instead of \"dict (no owner)\""),
    hidden_dict("\"dict of typing.ParamSpec\" instead of \"dict (no owner)\""),
    hidden_dict("\"dict of typing.TypeVarTuple\" instead of \"dict (no owner)\""),
    no_type("encodings.shift_jis.IncrementalDecoder"),
    no_type("encodings.shift_jis.IncrementalEncoder"),
    no_type("encodings.shift_jis.StreamReader"),
    no_type("encodings.shift_jis.StreamWriter"),
    no_type("_typing._ConstEvaluator"),
    no_type("typing.ParamSpecArgs"),
    no_type("typing.ParamSpecKwargs"),
    extra(
        Of::Type("_ssl._SSLSocket"),
        "->owner",
        "PySSL_traverse visits nothing but the exception that a callback left",
    ),
    extra(
        Of::Type("_ssl._SSLSocket"),
        ".context",
        "PySSL_traverse visits nothing but the exception that a callback left",
    ),
    extra(
        Of::Type("_ssl._SSLSocket"),
        ".server_hostname",
        "PySSL_traverse visits nothing but the exception that a callback left",
    ),
    extra(
        Of::Every,
        "->output_buffer",
        "Pickler_traverse does not visit the buffer, which is bytes",
    ),
    Accepted {
        versions: (11, 11),
        last_micro: 2,
        ..extra(
            Of::Type("_sre.SRE_Scanner"),
            "->word[7]",
            "the struct of 3.11.2 is in no table, so that it is scanned, and scanner_traverse does \
             not visit state.string",
        )
    },
    Accepted {
        versions: (0, 11),
        ..extra(
            Of::Every,
            "->memo",
            "Pickler_traverse and Unpickler_traverse do not visit the memo up to 3.11.3",
        )
    },
    Accepted {
        versions: (0, 10),
        to: Some("sqlite3.Node"),
        ..missing(
            Of::Type("sqlite3.Cache"),
            "pysqlite_cache_traverse visits every node of its list, each of which is owned by the \
             one before it",
        )
    },
    Accepted {
        versions: (0, 8),
        ..extra(
            Of::Every,
            "->ob_type",
            "up to 3.8 the tp_traverse of a heap type in C leaves the type out, though each \
             instance owns a reference to it",
        )
    },
    extra(
        Of::Every,
        ".tzinfo",
        "datetime and time have no tp_traverse, so that their subclasses do not visit tzinfo",
    ),
    extra(
        Of::Type("zoneinfo.ZoneInfo"),
        "->_ttinfos",
        "zoneinfo_traverse does not visit what the transitions share",
    ),
];

const EMBEDDED: &str = "up to 3.13.2 (gh-130327), PyObject_VisitManagedDict visits the values that \
                        lie in an instance instead of the dictionary that shares them";

/// How the place of a reference is told that the dictionary of the object has.
pub(super) const IN_ITS_DICT: &str = "in its __dict__";

/// What a later release of 3.13 does as the snapshot has it.
const fn embedded(accepted: Accepted) -> Accepted {
    Accepted {
        versions: (13, 13),
        last_micro: 2,
        ..accepted
    }
}

/// A reference that `tp_traverse` visits although another object owns it.
const fn missing(of: Of, reason: &'static str) -> Accepted {
    Accepted {
        difference: Difference::MissingReference,
        of,
        detail: None,
        to: None,
        versions: ALL,
        last_micro: u32::MAX,
        reason,
    }
}

/// A field of code objects, which have a `tp_traverse` in free-threaded builds only.
const fn code(detail: &'static str) -> Accepted {
    extra(
        Of::Type("builtins.code"),
        detail,
        "code_traverse of free-threaded builds visits co_consts only",
    )
}

/// A type with a `tp_is_gc`.
const fn header(name: &'static str) -> Accepted {
    Accepted {
        detail: Some("+16"),
        versions: (0, 10),
        ..size(
            name,
            "up to 3.10 sys.getsizeof asks tp_is_gc for the header, which only its code can answer",
        )
    }
}

/// An engine of pandas, as Cython before 3.0 compiled it: `sys.getsizeof` of later ones is
/// Python code to the reporter.
const fn hash_table(name: &'static str) -> Accepted {
    size(
        name,
        "its __sizeof__ counts the hash table of another object",
    )
}

/// A type of pyarrow before 14: `sys.getsizeof` of later ones is Python code to the reporter.
const fn nbytes(name: &'static str) -> Accepted {
    size(
        name,
        "its __sizeof__ adds nbytes, which Arrow computes from the part of each buffer that the \
         object shows",
    )
}

const fn size(name: &'static str, reason: &'static str) -> Accepted {
    Accepted {
        difference: Difference::Size,
        ..missing(Of::Type(name), reason)
    }
}

/// A type whose instances have a dictionary but no `__dict__`.
const fn hidden_dict(detail: &'static str) -> Accepted {
    Accepted {
        difference: Difference::Kind,
        of: Of::Type("builtins.dict"),
        detail: Some(detail),
        to: None,
        versions: ALL,
        last_micro: u32::MAX,
        reason: "types in C with Py_TPFLAGS_MANAGED_DICT that have no `__dict__` attribute: heapy \
                 does not find the owner",
    }
}

/// A generator that has ended.
const fn ended_code(name: &'static str) -> Accepted {
    extra(
        Of::Type(name),
        ".gi_code",
        "gen_traverse visits nothing of a frame that has ended, though the generator owns its \
         code from 3.12 on",
    )
}

/// A heap type in C whose `tp_traverse` leaves the type itself out.
const fn no_type(name: &'static str) -> Accepted {
    extra(
        Of::Type(name),
        "->ob_type",
        "its tp_traverse does not visit the type, though each instance owns a reference to it",
    )
}

/// A strong reference that `tp_traverse` leaves out in every version.
const fn extra(of: Of, detail: &'static str, reason: &'static str) -> Accepted {
    Accepted {
        difference: Difference::ExtraReference,
        of,
        detail: Some(detail),
        to: None,
        versions: ALL,
        last_micro: u32::MAX,
        reason,
    }
}

/// Why a difference is accepted; none when it is a failure.
pub(super) fn reason(found: &Found<'_>) -> Option<&'static str> {
    let accepted = ACCEPTED.iter().find(|accepted| accepted.covers(found))?;
    Some(accepted.reason)
}

impl Accepted {
    fn covers(&self, found: &Found<'_>) -> bool {
        let (first, last) = self.versions;
        self.difference == found.difference
            && (first..=last).contains(&found.minor)
            && (found.minor < last || found.micro <= self.last_micro)
            && self.detail.is_none_or(|detail| detail == found.detail)
            && self.to.is_none_or(|to| Some(to) == found.to)
            && match self.of {
                Of::Every => true,
                Of::Classes => found.is_class,
                Of::Type(name) => found.type_name == name,
                Of::Untracked(name) => !found.tracked && found.type_name == name,
            }
    }
}
