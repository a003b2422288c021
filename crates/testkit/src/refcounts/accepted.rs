use super::places::Places;
use super::{Differing, Side};

/// A difference between a count and what was found that is no mistake of the walker.
struct Accepted {
    side: Side,
    /// The type of the objects.
    type_name: &'static str,
    /// How the names of the objects begin, which are classes; any object where there is none.
    class: Option<&'static str>,
    /// The minor versions of Python 3, first and last.
    versions: (u32, u32),
    reason: &'static str,
}

const ALL: (u32, u32) = (0, u32::MAX);

/// What memory of C code holds that no table describes; each is certain from the source that
/// its reason names.
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
        "builtins.function",
        "SQLite keeps the functions and collations that were given to it in tables of its own",
    ),
    held(
        "builtins.module",
        "a callback_context that SQLite keeps owns the module _sqlite3",
    ),
    held(
        "builtins.builtin_function_or_method",
        "the state of a tokenizer owns the function that reads its lines (pegen's tok_state)",
    ),
    held(
        "_thread.lock",
        "a thread waits for it: lock.acquire holds its argument on the stack of that thread",
    ),
    held(
        "builtins.dict",
        "3.13 keeps a copy of the dictionary of a module that is initialized in one phase \
         (cached_m_dict of import.c)",
    ),
    Accepted {
        class: Some("object"),
        versions: (8, 10),
        ..held(
            "builtins.type",
            "PyType_Ready counts `object` as the base of each static type that names none, and \
             not the bases that static types name",
        )
    },
    Accepted {
        versions: (14, u32::MAX),
        ..held(
            "builtins.bytes",
            "a queue between interpreters keeps what was put into it (_interpqueuesmodule.c)",
        )
    },
    held("weakref.ReferenceType", REGISTRY),
    Accepted {
        class: Some("_xxsubinterpreters.ChannelID"),
        ..held("builtins.type", REGISTRY)
    },
    Accepted {
        class: Some("InterpreterID"),
        ..held("builtins.type", REGISTRY)
    },
    Accepted {
        versions: (11, 11),
        ..held("builtins.str", ZONES)
    },
    Accepted {
        versions: (11, 11),
        ..held("zoneinfo.ZoneInfo", ZONES)
    },
    Accepted {
        class: Some("_asyncio.FutureIter"),
        ..held(
            "builtins.type",
            "the freed iterators that _asyncio keeps for reuse still own their type",
        )
    },
    Accepted {
        class: Some("_testcapi"),
        ..held("builtins.type", TEST_MODULE)
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
        side: Side::Overclaimed,
        class: Some("RecursingInfinitelyError"),
        ..held("builtins.type", TEST_MODULE)
    },
    Accepted {
        side: Side::Overclaimed,
        class: Some("_testcapi"),
        ..held("builtins.type", TEST_MODULE)
    },
];

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
            && accepted
                .class
                .is_none_or(|class| one.class.starts_with(class))
            && (first..=last).contains(&minor)
    });
    accepted.map(|accepted| accepted.reason)
}

const fn held(type_name: &'static str, reason: &'static str) -> Accepted {
    Accepted {
        side: Side::Held,
        type_name,
        class: None,
        versions: ALL,
        reason,
    }
}
