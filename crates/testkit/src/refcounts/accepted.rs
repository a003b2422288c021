use super::found::INTERNED;
use super::places::Places;
use super::{Differing, Side};

/// A difference between a count and what was found that is no mistake of the walker.
struct Accepted {
    side: Side,
    /// The type of the objects.
    type_name: &'static str,
    /// The name of the object; empty where it has none.
    name: &'static str,
    /// The minor versions of Python 3, first and last.
    versions: (u32, u32),
    /// How many objects there are at most in a process.
    objects: usize,
    /// How far count and references found are apart at most, of each of them.
    references: u32,
    /// Whether the address must stand in memory that belongs to no object: the reason says that
    /// C code keeps it there.
    in_memory: bool,
    reason: &'static str,
}

const LATER: u32 = u32::MAX;

/// What memory of C code holds that no table describes; each is certain from the source that
/// its reason names. Static objects count from the version on in which a difference begins to
/// show, up to the one from which they are immortal, 3.12.
const ACCEPTED: &[Accepted] = &[
    kept(
        "builtins.list",
        "",
        (8, LATER),
        "pyrun_file keeps the arena of the parser, with the objects made while parsing, until \
         the program ends",
    ),
    Accepted {
        objects: 2,
        ..kept(
            "builtins.method",
            "Thread._bootstrap",
            (8, LATER),
            "the bootstate of a running thread (_threadmodule.c) owns its function, which only the \
             stack of that thread leads to",
        )
    },
    Accepted {
        objects: 2,
        ..kept(
            "builtins.function",
            "make_database.<locals>.<lambda>",
            (8, LATER),
            SQLITE,
        )
    },
    kept("builtins.type", "list", (8, 11), SQLITE),
    Accepted {
        references: 3,
        ..kept(
            "builtins.module",
            "_sqlite3",
            (11, LATER),
            "a callback_context that SQLite keeps owns the module _sqlite3",
        )
    },
    kept(
        "builtins.builtin_function_or_method",
        "",
        (12, LATER),
        "the state of a tokenizer owns the function that reads its lines (pegen's tok_state)",
    ),
    module_copy("_curses"),
    module_copy("_testbuffer"),
    module_copy("_testexternalinspection"),
    module_copy("_testsinglephase"),
    module_copy("_tkinter"),
    kept(
        "builtins.dict",
        INTERNED,
        (14, LATER),
        "the interpreter owns the dictionary of interned strings, which is tracked from 3.14 on \
         and no root",
    ),
    Accepted {
        references: 8,
        ..miscounted(
            "builtins.tuple",
            "()",
            (8, 10),
            "the empty tuple: the bootstate of a running thread owns its arguments, and calls in \
             C code hold theirs on the stacks of their threads",
        )
    },
    Accepted {
        references: 250,
        ..miscounted(
            "builtins.type",
            "object",
            (8, 9),
            "PyType_Ready counts `object` as the base of each static type that names none, and \
             not the bases that static types name",
        )
    },
    miscounted("builtins.module", "sys", (8, 8), FIRST),
    miscounted("builtins.module", "builtins", (8, 8), FIRST),
    miscounted("builtins.module", "_warnings", (8, 8), FIRST),
    miscounted(
        "builtins.type",
        "_thread.lock",
        (8, 9),
        "PyInit__thread counts the type once more than the dictionary that it puts it into",
    ),
    miscounted(
        "builtins.type",
        "select.poll",
        (9, 9),
        "_select_exec counts the type once more than the state that it puts it into",
    ),
    miscounted(
        "builtins.type",
        "datetime.IsoCalendarDate",
        (9, 9),
        "PyInit__datetime counts the type once, and puts it nowhere",
    ),
    miscounted(
        "builtins.int",
        "2147483647",
        (8, 9),
        "PyInit__multiprocessing does not give up SEM_VALUE_MAX, which it puts into the \
         dictionary of SemLock",
    ),
    miscounted(
        "builtins.str",
        "__main__",
        (8, 8),
        "create_filter (_warnings.c) does not give up the name that it puts into a filter",
    ),
    internal_frame("importlib"),
    internal_frame("_bootstrap"),
    kept("builtins.type", "_socket.socket", (10, LATER), EXPORTS),
    Accepted {
        references: 4,
        ..kept("builtins.type", "OSError", (10, 10), EXPORTS)
    },
    Accepted {
        references: 2,
        ..kept("builtins.type", "TimeoutError", (10, 10), EXPORTS)
    },
    kept("builtins.type", "_curses.window", (10, 11), EXPORTS),
    kept("builtins.type", "_curses.window", (14, LATER), EXPORTS),
    kept("builtins.str", "md5", (14, LATER), HMAC),
    kept("builtins.str", "sha256", (14, LATER), HMAC),
    kept(
        "builtins.bytes",
        "between interpreters",
        (14, LATER),
        "a queue between interpreters keeps what was put into it (_interpqueuesmodule.c)",
    ),
    kept(
        "weakref.ReferenceType",
        "_xxinterpchannels.ChannelID",
        (12, 12),
        REGISTRY,
    ),
    kept(
        "weakref.ReferenceType",
        "_interpchannels.ChannelID",
        (13, LATER),
        REGISTRY,
    ),
    kept(
        "weakref.ReferenceType",
        "concurrent.interpreters._queues.Queue",
        (14, LATER),
        REGISTRY,
    ),
    Accepted {
        references: 2,
        ..kept(
            "builtins.type",
            "_xxsubinterpreters.ChannelID",
            (8, 11),
            REGISTRY,
        )
    },
    kept("builtins.type", "InterpreterID", (8, 11), REGISTRY),
    kept("builtins.type", "NoneType", (8, 11), REGISTRY),
    kept("builtins.str", "Europe/Berlin", (9, 11), ZONES),
    kept("zoneinfo.ZoneInfo", "", (9, 11), ZONES),
    Accepted {
        references: 2,
        ..kept(
            "builtins.type",
            "_asyncio.FutureIter",
            (12, 13),
            "the freed iterators that _asyncio keeps for reuse still own their type",
        )
    },
    Accepted {
        references: 2,
        ..miscounted(
            "decimal.Context",
            "",
            (11, 11),
            "in 3.11.7 decimal.ExtendedContext counts one more than DefaultContext from the \
             import of _decimal on, which keeps all three alike",
        )
    },
    miscounted("builtins.type", "_testcapi.HeapCType", (8, 12), TEST_MODULE),
    miscounted(
        "builtins.type",
        "_testcapi.LimitedVectorCallClass",
        (12, 12),
        TEST_MODULE,
    ),
    Accepted {
        side: Side::Overclaimed,
        ..miscounted(
            "builtins.type",
            "RecursingInfinitelyError",
            (12, 12),
            TEST_MODULE,
        )
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

/// Explains counts of one process that differ from what was found.
pub(super) struct Explaining<'a> {
    places: &'a Places,
    /// The minor version of Python 3.
    minor: u32,
    /// For each rule the objects that it explains.
    objects: Vec<usize>,
}

impl<'a> Explaining<'a> {
    pub(super) fn new(places: &'a Places, minor: u32) -> Self {
        Self {
            places,
            minor,
            objects: vec![0; ACCEPTED.len()],
        }
    }

    /// Why a count differs; none when that is a failure, as it is where a rule has explained
    /// all objects that it can be true of.
    pub(super) fn reason(&mut self, one: &Differing) -> Option<&'static str> {
        if one.side() == Side::Held
            && let Some(place) = self.places.at(one.address)
            && place.stack >= one.difference()
        {
            return Some("C code on the stack of the main thread holds it");
        }
        let mut rules = ACCEPTED.iter().zip(&mut self.objects);
        let minor = self.minor;
        let (rule, objects) =
            rules.find(|(rule, objects)| rule.covers(one, minor) && **objects < rule.objects)?;
        *objects += 1;
        Some(rule.reason)
    }
}

impl Accepted {
    fn covers(&self, one: &Differing, minor: u32) -> bool {
        let (first, last) = self.versions;
        self.side == one.side()
            && self.type_name == one.type_name
            && self.name == one.name
            && (first..=last).contains(&minor)
            && one.difference() <= self.references
            && (!self.in_memory || !one.places.is_empty())
    }
}

/// Memory of C code holds one reference to one object.
const fn kept(
    type_name: &'static str,
    name: &'static str,
    versions: (u32, u32),
    reason: &'static str,
) -> Accepted {
    Accepted {
        side: Side::Held,
        type_name,
        name,
        versions,
        objects: 1,
        references: 1,
        in_memory: true,
        reason,
    }
}

/// C code has counted one object once more than it holds it.
const fn miscounted(
    type_name: &'static str,
    name: &'static str,
    versions: (u32, u32),
    reason: &'static str,
) -> Accepted {
    Accepted {
        in_memory: false,
        ..kept(type_name, name, versions, reason)
    }
}

/// The dictionary that a module had when it was imported.
const fn module_copy(name: &'static str) -> Accepted {
    kept(
        "builtins.dict",
        name,
        (13, LATER),
        "from 3.13 on the interpreter keeps a copy of the dictionary of a module that is \
         initialized in one phase (cached_m_dict of import.c)",
    )
}

/// A text that `_warnings.c` compares with.
const fn internal_frame(name: &'static str) -> Accepted {
    Accepted {
        references: 2,
        ..kept("builtins.str", name, (8, 10), WARNINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::{Differing, Explaining, Places};

    fn list(address: u64, count: u32, places: &[&str]) -> Differing {
        Differing {
            address,
            type_name: "builtins.list".to_owned(),
            name: String::new(),
            count,
            found: 0,
            places: places.iter().map(|&place| place.to_owned()).collect(),
        }
    }

    #[test]
    fn a_rule_explains_only_what_it_is_for() {
        let places = Places::default();
        let mut explaining = Explaining::new(&places, 12);
        // Nowhere, or more than the arena can hold.
        assert_eq!(explaining.reason(&list(1, 1, &[])), None);
        assert_eq!(explaining.reason(&list(1, 2, &["[heap]+0x10"])), None);
        assert!(explaining.reason(&list(1, 1, &["[heap]+0x10"])).is_some());
        // There is one arena only.
        assert_eq!(explaining.reason(&list(2, 1, &["[heap]+0x20"])), None);
    }
}
