use super::places::Places;
use super::{Differing, Side};

/// A difference between a count and what was found that is no mistake of the walker.
struct Accepted {
    side: Side,
    /// The type of the objects.
    type_name: &'static str,
    /// How the names of the objects begin; any object where there is none.
    name: Option<&'static str>,
    /// The minor versions of Python 3, first and last.
    versions: (u32, u32),
    reason: &'static str,
}

const ALL: (u32, u32) = (0, u32::MAX);
const LATER: u32 = u32::MAX;

/// What memory of C code holds that no table describes; each is certain from the source that
/// its reason names. Static objects count from the version on in which a difference begins to
/// show, up to the one from which they are immortal, 3.12.
const ACCEPTED: &[Accepted] = &[
    held(
        "builtins.list",
        "pyrun_file keeps the arena of the parser, with the objects made while parsing, until \
         the program ends",
    ),
    held(
        "builtins.method",
        "the bootstate of a running thread (_threadmodule.c) owns its function, which only the \
         stack of that thread leads to",
    ),
    held(
        "_thread.lock",
        "a thread waits for it: lock.acquire holds its argument on the stack of that thread",
    ),
    held("builtins.function", SQLITE),
    Accepted {
        name: Some("list"),
        versions: (8, 11),
        ..held("builtins.type", SQLITE)
    },
    Accepted {
        name: Some("_sqlite3"),
        versions: (11, LATER),
        ..held(
            "builtins.module",
            "a callback_context that SQLite keeps owns the module _sqlite3",
        )
    },
    Accepted {
        versions: (12, LATER),
        ..held(
            "builtins.builtin_function_or_method",
            "the state of a tokenizer owns the function that reads its lines (pegen's tok_state)",
        )
    },
    Accepted {
        versions: (13, LATER),
        ..held(
            "builtins.dict",
            "from 3.13 on the interpreter keeps a copy of the dictionary of a module that is \
             initialized in one phase (cached_m_dict of import.c)",
        )
    },
    Accepted {
        name: Some("()"),
        versions: (8, 10),
        ..held(
            "builtins.tuple",
            "the empty tuple: the bootstate of a running thread owns its arguments, and calls in \
             C code hold theirs on the stacks of their threads",
        )
    },
    Accepted {
        name: Some("object"),
        versions: (8, 10),
        ..held(
            "builtins.type",
            "PyType_Ready counts `object` as the base of each static type that names none, and \
             not the bases that static types name",
        )
    },
    Accepted {
        name: Some("sys"),
        versions: (8, 8),
        ..held("builtins.module", FIRST)
    },
    Accepted {
        name: Some("builtins"),
        versions: (8, 8),
        ..held("builtins.module", FIRST)
    },
    Accepted {
        name: Some("_warnings"),
        versions: (8, 8),
        ..held("builtins.module", FIRST)
    },
    Accepted {
        name: Some("_thread.lock"),
        versions: (8, 9),
        ..held(
            "builtins.type",
            "PyInit__thread counts the type once more than the dictionary that it puts it into",
        )
    },
    Accepted {
        name: Some("select.poll"),
        versions: (9, 9),
        ..held(
            "builtins.type",
            "_select_exec counts the type once more than the state that it puts it into",
        )
    },
    Accepted {
        name: Some("datetime.IsoCalendarDate"),
        versions: (9, 9),
        ..held(
            "builtins.type",
            "PyInit__datetime counts the type once, and puts it nowhere",
        )
    },
    Accepted {
        name: Some("2147483647"),
        versions: (8, 9),
        ..held(
            "builtins.int",
            "PyInit__multiprocessing does not give up SEM_VALUE_MAX, which it puts into the \
             dictionary of SemLock",
        )
    },
    Accepted {
        name: Some("__main__"),
        versions: (8, 8),
        ..held(
            "builtins.str",
            "create_filter (_warnings.c) does not give up the name that it puts into a filter",
        )
    },
    Accepted {
        name: Some("importlib"),
        versions: (8, 10),
        ..held("builtins.str", WARNINGS)
    },
    Accepted {
        name: Some("_bootstrap"),
        versions: (8, 10),
        ..held("builtins.str", WARNINGS)
    },
    Accepted {
        versions: (10, LATER),
        name: Some("_socket.socket"),
        ..held("builtins.type", EXPORTS)
    },
    Accepted {
        versions: (10, 11),
        name: Some("OSError"),
        ..held("builtins.type", EXPORTS)
    },
    Accepted {
        versions: (10, 11),
        name: Some("TimeoutError"),
        ..held("builtins.type", EXPORTS)
    },
    Accepted {
        versions: (10, LATER),
        name: Some("_curses.window"),
        ..held("builtins.type", EXPORTS)
    },
    Accepted {
        versions: (14, LATER),
        name: Some("md5"),
        ..held("builtins.str", HMAC)
    },
    Accepted {
        versions: (14, LATER),
        name: Some("sha256"),
        ..held("builtins.str", HMAC)
    },
    Accepted {
        versions: (14, LATER),
        ..held(
            "builtins.bytes",
            "a queue between interpreters keeps what was put into it (_interpqueuesmodule.c)",
        )
    },
    Accepted {
        versions: (12, LATER),
        ..held("weakref.ReferenceType", REGISTRY)
    },
    Accepted {
        name: Some("_xxsubinterpreters.ChannelID"),
        versions: (8, 11),
        ..held("builtins.type", REGISTRY)
    },
    Accepted {
        name: Some("InterpreterID"),
        versions: (8, 11),
        ..held("builtins.type", REGISTRY)
    },
    Accepted {
        name: Some("NoneType"),
        versions: (8, 11),
        ..held("builtins.type", REGISTRY)
    },
    Accepted {
        name: Some("Europe/Berlin"),
        versions: (9, 11),
        ..held("builtins.str", ZONES)
    },
    Accepted {
        versions: (9, 11),
        ..held("zoneinfo.ZoneInfo", ZONES)
    },
    Accepted {
        name: Some("_asyncio.FutureIter"),
        versions: (12, LATER),
        ..held(
            "builtins.type",
            "the freed iterators that _asyncio keeps for reuse still own their type",
        )
    },
    Accepted {
        versions: (11, 11),
        ..held(
            "decimal.Context",
            "in 3.11.7 decimal.ExtendedContext counts one more than DefaultContext from the \
             import of _decimal on, which keeps all three alike",
        )
    },
    Accepted {
        name: Some("_testcapi"),
        ..held("builtins.type", TEST_MODULE)
    },
    Accepted {
        side: Side::Overclaimed,
        name: Some("RecursingInfinitelyError"),
        ..held("builtins.type", TEST_MODULE)
    },
    Accepted {
        side: Side::Overclaimed,
        name: Some("_testcapi"),
        ..held("builtins.type", TEST_MODULE)
    },
];

const SQLITE: &str = "SQLite keeps the functions, collations and classes that were given to it in \
                      tables of its own";
const FIRST: &str = "pylifecycle.c does not give up the modules that it makes before it can import \
                     any";
const EXPORTS: &str = "what the module exports for other C code, in a capsule, owns the class \
                       (PySocketModule_APIObject, PyCurses_API)";
const WARNINGS: &str = "is_internal_frame (_warnings.c) counts its text twice, and keeps it in one \
                        static variable";
const HMAC: &str = "the table of hash functions of _hmac owns their names (py_hmac_hinfo)";
const REGISTRY: &str = "the registry of types that may cross interpreters (xidregistry of \
                        pystate.c) holds the type, from 3.12 on by a weak reference";
const ZONES: &str = "the cache that _zoneinfo keeps in a static list up to 3.11 owns zones and \
                     their keys";
const TEST_MODULE: &str = "a class of CPython's test module _testcapi, which counts some wrongly \
                           and whose state no table describes";

/// Why a count differs; none when that is a failure.
pub(super) fn reason(one: &Differing, places: &Places, minor: u32) -> Option<&'static str> {
    let side = one.side();
    if side == Side::Held
        && let Some(place) = places.at(one.address)
    {
        let missing = one.count - one.found;
        if place.stack >= missing {
            return Some("C code on the stack of the main thread holds it");
        }
    }
    let accepted = ACCEPTED.iter().find(|accepted| {
        let (first, last) = accepted.versions;
        accepted.side == side
            && accepted.type_name == one.type_name
            && accepted.name.is_none_or(|name| one.name.starts_with(name))
            && (first..=last).contains(&minor)
    });
    accepted.map(|accepted| accepted.reason)
}

const fn held(type_name: &'static str, reason: &'static str) -> Accepted {
    Accepted {
        side: Side::Held,
        type_name,
        name: None,
        versions: ALL,
        reason,
    }
}
