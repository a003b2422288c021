use super::Difference;

/// A difference that is no mistake of the walker.
pub(super) struct Accepted {
    /// How the snapshot differs.
    difference: Difference,
    /// Of which objects.
    of: Of,
    /// The relation as groups print it; every one where there is none.
    detail: Option<&'static str>,
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
    pub(super) minor: u32,
}

const ALL: (u32, u32) = (0, u32::MAX);

/// All accepted differences. Each is certain from CPython's source, named in its reason.
const ACCEPTED: &[Accepted] = &[
    Accepted {
        difference: Difference::ExtraReference,
        of: Of::Classes,
        detail: Some(".__name__"),
        versions: ALL,
        reason: "type_traverse does not visit ht_name",
    },
    Accepted {
        difference: Difference::ExtraReference,
        of: Of::Classes,
        detail: Some(".__qualname__"),
        versions: ALL,
        reason: "type_traverse does not visit ht_qualname",
    },
    Accepted {
        difference: Difference::ExtraReference,
        of: Of::Classes,
        detail: Some("->ht_slots"),
        versions: ALL,
        reason: "type_traverse does not visit ht_slots",
    },
    Accepted {
        difference: Difference::ExtraReference,
        of: Of::Classes,
        detail: Some("->tp_subclasses"),
        versions: ALL,
        reason: "type_traverse does not visit tp_subclasses",
    },
    Accepted {
        difference: Difference::ExtraReference,
        of: Of::Untracked("builtins.frame"),
        detail: None,
        versions: ALL,
        reason: "frame_traverse does not visit the locals of a frame that still runs, because \
                 the thread's stack holds them",
    },
    Accepted {
        difference: Difference::ExtraReference,
        of: Of::Every,
        detail: Some(".__dict__"),
        versions: (13, 13),
        reason: "PyObject_VisitManagedDict visits valid inline values instead of the dictionary \
                 that shares them",
    },
];

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
            && match self.of {
                Of::Every => true,
                Of::Classes => found.is_class,
                Of::Untracked(name) => !found.tracked && found.type_name == name,
            }
    }
}
