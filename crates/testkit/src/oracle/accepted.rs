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
    Accepted {
        versions: (13, 13),
        ..extra(
            Of::Every,
            ".__dict__",
            "PyObject_VisitManagedDict visits valid inline values instead of the dictionary that \
             shares them",
        )
    },
];

/// A strong reference that `tp_traverse` leaves out in every version.
const fn extra(of: Of, detail: &'static str, reason: &'static str) -> Accepted {
    Accepted {
        difference: Difference::ExtraReference,
        of,
        detail: Some(detail),
        to: None,
        versions: ALL,
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
            && self.detail.is_none_or(|detail| detail == found.detail)
            && self.to.is_none_or(|to| Some(to) == found.to)
            && match self.of {
                Of::Every => true,
                Of::Classes => found.is_class,
                Of::Untracked(name) => !found.tracked && found.type_name == name,
            }
    }
}
