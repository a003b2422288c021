//! Leaks that `programs/leaky.py` can be told to have, and what `exuvia leaks` says of each.

/// A planted leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planted {
    /// The argument of the program.
    pub kind: &'static str,
    /// The reason that the first suspect has.
    pub reason: &'static str,
    /// What its summary says of the place.
    pub summary: &'static str,
    /// The end of the path to the object to look at, without numbers, and brackets behind it; none
    /// for garbage, to which there is no path.
    pub path: Option<&'static str>,
}

/// Every leak that the program knows.
pub const PLANTED: [Planted; 17] = [
    leak(
        "module_dict",
        "container",
        "the variable SESSIONS of module __main__",
        "['SESSIONS",
    ),
    leak(
        "module_list",
        "container",
        "the variable HISTORY of module __main__",
        "['HISTORY",
    ),
    leak(
        "class_set",
        "container",
        "the attribute seen of Registry in module __main__",
        "['seen",
    ),
    leak("deque", "container", "has 300000 entries", "lines"),
    leak(
        "accumulation",
        "accumulation",
        "keeps 16 other objects alive",
        "pages",
    ),
    leak(
        "linked",
        "class",
        "80000 objects of __main__.Node",
        "['FIRST",
    ),
    leak(
        "shared",
        "class",
        "40000 objects of __main__.Session",
        "][*][*]",
    ),
    leak("cache", "cache", "<function price at", "['price"),
    leak("traceback", "traceback", "24 exceptions", "['FAILURES'][*]"),
    leak("generator", "suspended", "wait in read (", "['READERS'][*]"),
    leak("coroutine", "suspended", "answer (", "['READERS'][*]"),
    leak(
        "bound_method",
        "bound-method",
        "1000 bound methods",
        "['LISTENERS'][*]",
    ),
    leak("at_exit", "atexit", "atexit", ""),
    leak(
        "thread",
        "ended-thread",
        "16 Thread objects",
        "['WORKERS'][*]",
    ),
    leak(
        "uncollectable",
        "uncollectable-garbage",
        "gc.garbage holds",
        "gc_garbage",
    ),
    Planted {
        kind: "garbage",
        reason: "cyclic-garbage",
        summary: "wait for the collector",
        path: None,
    },
    leak("native", "native", "of list that no root leads to", "]"),
];

const fn leak(
    kind: &'static str,
    reason: &'static str,
    summary: &'static str,
    path: &'static str,
) -> Planted {
    Planted {
        kind,
        reason,
        summary,
        path: Some(path),
    }
}
