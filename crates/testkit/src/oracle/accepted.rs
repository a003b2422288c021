use super::Difference;
use super::rule::{Accepted, Of};

/// How the place of a reference is told that the dictionary of the object has.
pub(super) const IN_ITS_DICT: &str = "in its __dict__";

/// How the place of a reference is told that an entry of the object's cache has.
pub(super) const IN_AN_ENTRY: &str = "in an entry of its cache";

const TYPE: &str = "builtins.type";
const STR: &str = "builtins.str";
const BYTES: &str = "builtins.bytes";
const TUPLE: &str = "builtins.tuple";
const DICT: &str = "builtins.dict";
const CODE: &str = "builtins.code";
const LATER: u32 = u32::MAX;

/// All accepted differences. Each is certain from CPython's source, named in its reason.
/// Single fields that a `tp_traverse` leaves out are listed in `layouts/types.toml` instead.
pub(super) const ACCEPTED: &[Accepted] = &[
    extra(
        Of::Classes,
        "->ht_name",
        STR,
        "type_traverse does not visit ht_name",
    ),
    extra(
        Of::Classes,
        "->ht_qualname",
        STR,
        "type_traverse does not visit ht_qualname",
    ),
    extra(
        Of::Classes,
        "->ht_slots",
        TUPLE,
        "type_traverse does not visit ht_slots",
    ),
    extra(
        Of::Classes,
        "->ht_cached_keys",
        STR,
        "type_traverse does not visit the keys that instances share, which are all str",
    ),
    extra(
        Of::Classes,
        "->tp_subclasses",
        DICT,
        "type_traverse does not visit tp_subclasses",
    ),
    metaclass("_cython_*._common_types_metatype"),
    metaclass("google._upb._message.MessageMeta"),
    metaclass("pybind11_builtins.pybind11_type"),
    metaclass("torch.futures._PyFutureMeta"),
    extra(
        Of::Every,
        ".keys()[i]",
        STR,
        "dict_traverse does not visit the keys of a table whose keys are all str",
    ),
    running(".f_code", Some(CODE)),
    running("->f_func", Some("builtins.function")),
    running(".f_locals[name]", None),
    running(".f_locals[cell]", Some("builtins.cell")),
    Accepted {
        versions: (14, LATER),
        ..running("->f_valuestack[i]", None)
    },
    Accepted {
        versions: (11, LATER),
        ..extra(
            Of::Type("builtins.frame"),
            ".f_globals",
            DICT,
            "_PyFrame_Traverse does not visit f_globals, which the function of the frame owns",
        )
    },
    ended_code("builtins.generator"),
    ended_code("builtins.coroutine"),
    embedded(extra(Of::Every, ".__dict__", DICT, EMBEDDED)),
    embedded(Accepted {
        to: None,
        ..extra(Of::Type(DICT), "[key]", "", EMBEDDED)
    }),
    embedded(missing(Of::Every, IN_ITS_DICT, None, EMBEDDED)),
    missing(
        Of::Type("functools._lru_cache_wrapper"),
        IN_AN_ENTRY,
        None,
        "lru_cache_tp_traverse looks through the entries, which are objects of their own and own \
         key and result",
    ),
    extra(
        Of::Type("functools._lru_cache_wrapper"),
        "->root",
        "functools._lru_list_elem",
        "lru_cache_tp_traverse does not visit the entries of the list, but what they hold",
    ),
    pointed_to("_ctypes.PyCSimpleType"),
    pointed_to("_ctypes.PyCStructType"),
    Accepted {
        versions: (12, 12),
        objects: Some(1),
        ..missing(
            Of::Type("module _asyncio"),
            "outside the object",
            Some("_asyncio.FutureIter"),
            "module_traverse of _asyncio visits its list of freed iterators",
        )
    },
    Accepted {
        difference: Difference::MissingObject,
        versions: (12, 12),
        objects: Some(2),
        ..missing(
            Of::Type("_asyncio.FutureIter"),
            "untracked",
            None,
            "the freed iterators in the list of _asyncio are no objects any more",
        )
    },
    panel("at +8", (9, LATER)),
    // Of a core: in a clone of a process the module's own `m_traverse` is asked.
    Accepted {
        versions: (14, LATER),
        objects: Some(1),
        ..missing(
            Of::Type("module _hmac"),
            "at +8",
            Some(TYPE),
            "hmacmodule_traverse visits the type of its module, which is static, so that no module \
             owns it",
        )
    },
    Accepted {
        free_threaded: true,
        ..panel("at +24", (13, LATER))
    },
    Accepted {
        versions: (14, LATER),
        objects: Some(1),
        ..missing(
            Of::Type(DICT),
            "[key], borrowed",
            Some(STR),
            "the dictionary of interned strings does not hold them (_PyUnicode_InternMortal)",
        )
    },
    Accepted {
        versions: (13, LATER),
        objects: Some(2),
        ..missing(
            Of::Type("builtins.PyCapsule"),
            "outside the object",
            Some(TYPE),
            "a capsule may bring a traverse function of its own, such as _datetime's",
        )
    },
    header("greenlet.greenlet", 1),
    header("gevent._gevent_cgreenlet.Greenlet", 3),
    header("gevent.hub.Hub", 1),
    hash_table("pandas._libs.index.Int64Engine", 1),
    hash_table("pandas._libs.index.ObjectEngine", 5),
    nbytes("pyarrow.lib.ChunkedArray"),
    nbytes("pyarrow.lib.RecordBatch"),
    nbytes("pyarrow.lib.StringArray"),
    nbytes("pyarrow.lib.Table"),
    Accepted {
        objects: Some(1),
        ..hidden_dict("\"dict of _cffi_backend.Lib\" instead of \"dict (no owner)\"")
    },
    type_parameter("\"dict of typing.TypeVar\" instead of \"dict (no owner)\""),
    type_parameter("\"dict of typing.ParamSpec\" instead of \"dict (no owner)\""),
    type_parameter("\"dict of typing.TypeVarTuple\" instead of \"dict (no owner)\""),
    code("->co_localsplusnames", TUPLE),
    code("->co_localspluskinds", BYTES),
    code(".co_code", BYTES),
    code(".co_exceptiontable", BYTES),
    code(".co_filename", STR),
    code(".co_linetable", BYTES),
    code(".co_name", STR),
    code(".co_names", TUPLE),
    code(".co_qualname", STR),
    code(".co_varnames", TUPLE),
    no_type("encodings.shift_jis.IncrementalDecoder", (10, LATER)),
    no_type("encodings.shift_jis.IncrementalEncoder", (10, LATER)),
    no_type("encodings.shift_jis.StreamReader", (10, LATER)),
    no_type("encodings.shift_jis.StreamWriter", (10, LATER)),
    no_type("_typing._ConstEvaluator", (14, LATER)),
    no_type("typing.ParamSpecArgs", (12, 13)),
    no_type("typing.ParamSpecKwargs", (12, 13)),
    no_type_in_3_8("os.stat_result", 2),
    no_type_in_3_8("os.statvfs_result", 1),
    no_type_in_3_8("os.terminal_size", 1),
    no_type_in_3_8("posix.sched_param", 1),
    no_type_in_3_8("posix.times_result", 1),
    no_type_in_3_8("posix.uname_result", 1),
    no_type_in_3_8("pydantic_core._pydantic_core.SchemaSerializer", 8),
    no_type_in_3_8("pydantic_core._pydantic_core.SchemaValidator", 4),
    no_type_in_3_8("pydantic_core._pydantic_core.ValidationError", 1),
    tls_socket("->owner", "weakref.ReferenceType"),
    tls_socket(".context", "ssl.SSLContext"),
    tls_socket(".server_hostname", STR),
    Accepted {
        objects: Some(1),
        ..extra(
            Of::Type("zoo_library.PicklerChild"),
            "->output_buffer",
            BYTES,
            "Pickler_traverse does not visit the buffer, which is bytes",
        )
    },
    memo("_pickle.Pickler"),
    memo("_pickle.Unpickler"),
    Accepted {
        versions: (8, 8),
        objects: Some(2),
        ..extra(
            Of::Type("_json.Scanner"),
            "->memo",
            DICT,
            "in 3.8 scanner_traverse of _json does not visit the memo",
        )
    },
    Accepted {
        versions: (11, 11),
        last_micro: 2,
        objects: Some(2),
        ..extra(
            Of::Type("_sre.SRE_Scanner"),
            "->word[7]",
            STR,
            "the struct of 3.11.2 is in no table, so that it is scanned, and scanner_traverse does \
             not visit state.string",
        )
    },
    statement("outside the object"),
    statement("->last, borrowed"),
    zone("zoo_library.Stamp", "datetime.timezone"),
    zone("pandas.Timestamp", "zoneinfo.ZoneInfo"),
    zone(
        "pandas._libs.tslibs.timestamps.Timestamp",
        "pytz.tzfile.Europe/Berlin",
    ),
    transitions("datetime.timedelta"),
    transitions(STR),
];

const EMBEDDED: &str = "up to 3.13.2 (gh-130327), PyObject_VisitManagedDict visits the values that \
                        lie in an instance instead of the dictionary that shares them";

/// A strong reference that `tp_traverse` leaves out.
const fn extra(of: Of, detail: &'static str, to: &'static str, reason: &'static str) -> Accepted {
    Accepted {
        difference: Difference::ExtraReference,
        ..missing(of, detail, Some(to), reason)
    }
}

/// A reference that `tp_traverse` visits although another object owns it.
const fn missing(
    of: Of,
    detail: &'static str,
    to: Option<&'static str>,
    reason: &'static str,
) -> Accepted {
    Accepted {
        difference: Difference::MissingReference,
        of,
        detail: Some(detail),
        to,
        versions: (8, LATER),
        last_micro: u32::MAX,
        free_threaded: false,
        objects: None,
        reason,
    }
}

/// A metaclass that C code has made.
const fn metaclass(name: &'static str) -> Accepted {
    extra(
        Of::Type(name),
        "->ob_type",
        TYPE,
        "type_traverse does not visit the metaclass: only metaclasses that Python code made do, \
         by subtype_traverse",
    )
}

/// The frame of a call that has not ended.
const fn running(detail: &'static str, to: Option<&'static str>) -> Accepted {
    Accepted {
        to,
        versions: (11, LATER),
        objects: Some(8),
        ..extra(
            Of::Untracked("builtins.frame"),
            detail,
            "",
            "frame_traverse does not visit the locals of a frame that still runs, because the \
             thread's stack holds them",
        )
    }
}

/// A generator that has ended.
const fn ended_code(name: &'static str) -> Accepted {
    Accepted {
        versions: (12, 13),
        objects: Some(8),
        ..extra(
            Of::Type(name),
            ".gi_code",
            CODE,
            "gen_traverse visits nothing of a frame that has ended, though the generator owns its \
             code from 3.12 on",
        )
    }
}

/// What a later release of 3.13 does as the snapshot has it.
const fn embedded(accepted: Accepted) -> Accepted {
    Accepted {
        versions: (13, 13),
        last_micro: 2,
        ..accepted
    }
}

/// The class that a class of pointers of ctypes is for.
const fn pointed_to(metaclass: &'static str) -> Accepted {
    Accepted {
        versions: (8, 12),
        objects: Some(12),
        ..missing(
            Of::Type("_ctypes.PyCPointerType"),
            IN_ITS_DICT,
            Some(metaclass),
            "CDataType_traverse visits `proto` through the type's StgDict, which owns it",
        )
    }
}

/// The type of the module `_curses_panel`, where its address stands in the module.
const fn panel(detail: &'static str, versions: (u32, u32)) -> Accepted {
    Accepted {
        versions,
        objects: Some(1),
        ..missing(
            Of::Type("module _curses_panel"),
            detail,
            Some(TYPE),
            "_curses_panel_traverse visits the type of its module, which is static, so that no \
             module owns it",
        )
    }
}

/// A field of code objects, which have a `tp_traverse` in free-threaded builds only.
const fn code(detail: &'static str, to: &'static str) -> Accepted {
    Accepted {
        versions: (13, LATER),
        free_threaded: true,
        ..extra(
            Of::Type(CODE),
            detail,
            to,
            "code_traverse of free-threaded builds visits co_consts only",
        )
    }
}

/// A type with a `tp_is_gc`.
const fn header(name: &'static str, objects: usize) -> Accepted {
    Accepted {
        detail: Some("+16"),
        versions: (8, 10),
        ..size(
            name,
            objects,
            "up to 3.10 sys.getsizeof asks tp_is_gc for the header, which only its code can answer",
        )
    }
}

/// An engine of pandas, as Cython before 3.0 compiled it: `sys.getsizeof` of later ones is
/// Python code to the reporter.
const fn hash_table(name: &'static str, objects: usize) -> Accepted {
    Accepted {
        versions: (8, 11),
        ..size(
            name,
            objects,
            "its __sizeof__ counts the hash table of another object",
        )
    }
}

/// A type of pyarrow before 14: `sys.getsizeof` of later ones is Python code to the reporter.
const fn nbytes(name: &'static str) -> Accepted {
    Accepted {
        versions: (8, 8),
        ..size(
            name,
            1,
            "its __sizeof__ adds nbytes, which Arrow computes from the part of each buffer that \
             the object shows",
        )
    }
}

const fn size(name: &'static str, objects: usize, reason: &'static str) -> Accepted {
    Accepted {
        difference: Difference::Size,
        detail: None,
        objects: Some(objects),
        ..missing(Of::Type(name), "", None, reason)
    }
}

/// A type whose instances have a dictionary but no `__dict__`.
const fn hidden_dict(detail: &'static str) -> Accepted {
    Accepted {
        difference: Difference::Kind,
        ..missing(
            Of::Type(DICT),
            detail,
            None,
            "types in C with Py_TPFLAGS_MANAGED_DICT that have no `__dict__` attribute: heapy \
             does not find the owner",
        )
    }
}

const fn type_parameter(detail: &'static str) -> Accepted {
    Accepted {
        versions: (12, 13),
        ..hidden_dict(detail)
    }
}

/// A heap type in C whose `tp_traverse` leaves the type itself out.
const fn no_type(name: &'static str, versions: (u32, u32)) -> Accepted {
    Accepted {
        versions,
        objects: Some(1),
        ..extra(
            Of::Type(name),
            "->ob_type",
            TYPE,
            "its tp_traverse does not visit the type, though each instance owns a reference to it",
        )
    }
}

/// The same in 3.8.
const fn no_type_in_3_8(name: &'static str, objects: usize) -> Accepted {
    Accepted {
        versions: (8, 8),
        objects: Some(objects),
        ..extra(
            Of::Type(name),
            "->ob_type",
            TYPE,
            "up to 3.8 the tp_traverse of a heap type in C leaves the type out, though each \
             instance owns a reference to it",
        )
    }
}

const fn tls_socket(detail: &'static str, to: &'static str) -> Accepted {
    Accepted {
        versions: (10, LATER),
        objects: Some(1),
        ..extra(
            Of::Type("_ssl._SSLSocket"),
            detail,
            to,
            "PySSL_traverse visits nothing but the exception that a callback left",
        )
    }
}

/// The memo of a pickler or unpickler, with whatever it has met.
const fn memo(name: &'static str) -> Accepted {
    Accepted {
        to: None,
        versions: (8, 11),
        last_micro: 3,
        objects: Some(1),
        ..extra(
            Of::Type(name),
            "->memo",
            "",
            "Pickler_traverse and Unpickler_traverse do not visit the memo up to 3.11.3",
        )
    }
}

/// The cache of statements of a connection of sqlite3.
const fn statement(detail: &'static str) -> Accepted {
    Accepted {
        versions: (10, 10),
        objects: Some(1),
        ..missing(
            Of::Type("sqlite3.Cache"),
            detail,
            Some("sqlite3.Node"),
            "pysqlite_cache_traverse visits every node of its list, each of which is owned by the \
             one before it",
        )
    }
}

/// The time zone of an instance of a class that derives from `datetime` or `time`.
const fn zone(name: &'static str, to: &'static str) -> Accepted {
    Accepted {
        objects: Some(1),
        ..extra(
            Of::Type(name),
            ".tzinfo",
            to,
            "datetime and time have no tp_traverse, so that their subclasses do not visit tzinfo",
        )
    }
}

const fn transitions(to: &'static str) -> Accepted {
    Accepted {
        versions: (12, LATER),
        objects: Some(2),
        ..extra(
            Of::Type("zoneinfo.ZoneInfo"),
            "->_ttinfos",
            to,
            "zoneinfo_traverse does not visit what the transitions share",
        )
    }
}
