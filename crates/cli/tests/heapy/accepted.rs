//! What may differ, with the reasons: one table.

/// A difference that has a reason.
struct Accepted {
    /// Of which set; of any for none.
    set: Option<&'static str>,
    /// Of which views.
    views: &'static [&'static str],
    /// What the row or line has in it.
    contains: &'static str,
    /// Why it differs.
    reason: &'static str,
}

const ACCEPTED: &[Accepted] = &[
    Accepted {
        set: None,
        views: &["referrers", "imdom"],
        contains: "heapy 1 16 guppy.heapy.heapyc.RootStateType",
        reason: "heapy counts the roots as an object of 16 bytes; they are named below the table",
    },
    Accepted {
        set: None,
        views: &["rp", "rp of depth 3"],
        contains: "[R] 1 guppy.heapy.heapyc.RootStateType",
        reason: "heapy shows an address of the roots, exuvia which of them it is",
    },
    Accepted {
        set: Some("modules"),
        views: &["byrcs", "byvia", "the text of byrcs"],
        contains: "",
        reason: "the roots are no object here; and a copy of the dictionary of sys, which a module \
                 definition keeps, holds sys.modules as well",
    },
    Accepted {
        set: Some("items"),
        views: &["byvia"],
        contains: " 1 48 ",
        reason: "heapy has no name for what the frame of a suspended generator holds on 3.13",
    },
    Accepted {
        set: Some("plugins"),
        views: &["referents", "referents bytype"],
        contains: " type",
        reason: "heapy does not follow a class to its metaclass, which it owns",
    },
    Accepted {
        set: None,
        views: &["referents", "referents bytype", "dominos", "dominos bytype"],
        contains: " str",
        reason: "heapy does not see the keys of a dictionary whose keys are all str: CPython's \
                 traversal leaves them out, since they are in no cycle",
    },
    Accepted {
        set: Some("modules"),
        views: &["dominos", "dominos bytype", "rp", "rp of depth 3"],
        contains: "",
        reason: "module definitions keep copies of the dictionaries of their modules, which \
                 heapy does not see",
    },
    Accepted {
        set: Some("modules"),
        views: &["referrers"],
        contains: "exuvia 1 ",
        reason: "such a copy, of the dictionary of sys",
    },
    Accepted {
        set: Some("module"),
        views: &["rp", "rp of depth 3"],
        contains: "",
        reason: "sys.modules is held by such copies as well",
    },
];

/// The reason for a difference.
pub(crate) fn accepted(
    _version: (u32, u32, u32),
    set: &str,
    view: &str,
    what: &str,
) -> Option<&'static str> {
    let fits = |one: &&Accepted| {
        one.set.is_none_or(|wanted| wanted == set)
            && one.views.contains(&view)
            && what.contains(one.contains)
    };
    ACCEPTED.iter().find(fits).map(|one| one.reason)
}
