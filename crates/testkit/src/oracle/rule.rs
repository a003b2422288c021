use super::Difference;
use super::accepted::ACCEPTED;
use super::extension::matches;
use std::collections::HashSet;
use std::fmt;

/// A difference that is no mistake of the walker.
pub(super) struct Accepted {
    /// How the snapshot differs.
    pub(super) difference: Difference,
    /// Of which objects.
    pub(super) of: Of,
    /// The relation as groups print it; any where there is none, which is for sizes only.
    pub(super) detail: Option<&'static str>,
    /// The type of the object referred to; any where there is none.
    pub(super) to: Option<&'static str>,
    /// The minor versions of Python 3, first and last.
    pub(super) versions: (u32, u32),
    /// The last bug-fix release of the last of those, where a later one has changed it.
    pub(super) last_micro: u32,
    /// Only without a GIL.
    pub(super) free_threaded: bool,
    /// Of how many objects at most, where it is a handful in any process; as many as there are
    /// where there is none.
    pub(super) objects: Option<usize>,
    /// Why.
    pub(super) reason: &'static str,
}

/// Of which objects a difference is accepted.
pub(super) enum Of {
    /// Of all.
    Every,
    /// Of classes, whatever their metaclass.
    Classes,
    /// Of the instances of a type that the collector does not track.
    Untracked(&'static str),
    /// Of objects of a type. A `*` stands for any text; a module is written as `module NAME`.
    Type(&'static str),
}

/// A difference that was found.
pub(super) struct Found<'a> {
    pub(super) difference: Difference,
    /// The object's.
    pub(super) address: u64,
    pub(super) type_name: &'a str,
    pub(super) is_class: bool,
    pub(super) tracked: bool,
    pub(super) detail: &'a str,
    /// The type of the object referred to, where the difference is a reference.
    pub(super) to: Option<&'a str>,
}

/// Explains differences in one interpreter, and notes which rules it needs.
pub(super) struct Explaining {
    version: (u32, u32, u32),
    free_threaded: bool,
    /// For each rule the objects whose differences it explains.
    used: Vec<HashSet<u64>>,
}

/// A rule that explains differences of more objects than it can be true of.
pub(super) struct Overused {
    pub(super) rule: &'static Accepted,
    /// Of how many.
    pub(super) objects: usize,
}

impl Explaining {
    pub(super) fn new(version: (u32, u32, u32), free_threaded: bool) -> Self {
        Self {
            version,
            free_threaded,
            used: ACCEPTED.iter().map(|_| HashSet::new()).collect(),
        }
    }

    /// Why a difference is accepted; none when it is a failure.
    pub(super) fn reason(&mut self, found: &Found<'_>) -> Option<&'static str> {
        let mut rules = ACCEPTED.iter().zip(&mut self.used);
        let (version, free_threaded) = (self.version, self.free_threaded);
        let (rule, used) =
            rules.find(|(rule, _)| rule.is_in(version, free_threaded) && rule.covers(found))?;
        used.insert(found.address);
        Some(rule.reason)
    }

    /// Rules that explain too much: what they stand for must have come to mean something else.
    pub(super) fn overused(&self) -> impl Iterator<Item = Overused> {
        let rules = ACCEPTED.iter().zip(&self.used);
        rules.filter_map(|(rule, used)| {
            let objects = used.len();
            let is_overused = rule.objects.is_some_and(|most| objects > most);
            is_overused.then_some(Overused { rule, objects })
        })
    }

    /// The rules that explain anything, in words.
    pub(super) fn used(&self) -> impl Iterator<Item = String> {
        let rules = ACCEPTED.iter().zip(&self.used);
        let used = rules.filter(|(_, used)| !used.is_empty());
        used.map(|(rule, _)| rule.to_string())
    }
}

impl Accepted {
    fn is_in(&self, (_, minor, micro): (u32, u32, u32), free_threaded: bool) -> bool {
        let (first, last) = self.versions;
        (first..=last).contains(&minor)
            && (minor < last || micro <= self.last_micro)
            && (free_threaded || !self.free_threaded)
    }

    fn covers(&self, found: &Found<'_>) -> bool {
        self.difference == found.difference
            && self.detail.is_none_or(|detail| detail == found.detail)
            && self.to.is_none_or(|to| Some(to) == found.to)
            && match self.of {
                Of::Every => true,
                Of::Classes => found.is_class,
                Of::Type(name) => matches(name, found.type_name),
                Of::Untracked(name) => !found.tracked && found.type_name == name,
            }
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("any object"),
            Self::Classes => f.write_str("classes"),
            Self::Untracked(name) => write!(f, "untracked {name}"),
            Self::Type(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.versions;
        write!(f, "{} of {}", self.difference, self.of)?;
        if let Some(detail) = self.detail {
            write!(f, ", {detail}")?;
        }
        if let Some(to) = self.to {
            write!(f, " to {to}")?;
        }
        match last {
            u32::MAX => write!(f, ", from 3.{first} on"),
            last => write!(f, ", 3.{first} to 3.{last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ACCEPTED, Difference, Explaining, Found, Of};
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_says_which_differences_it_is_for() {
        let mut names = BTreeSet::new();
        for rule in ACCEPTED {
            assert!(names.insert(rule.to_string()), "twice: {rule}");
            let is_of_place = rule.detail.is_some();
            assert!(is_of_place || rule.difference == Difference::Size, "{rule}");
            let is_bounded = rule.to.is_some() || !matches!(rule.of, Of::Every | Of::Classes);
            assert!(is_bounded || rule.last_micro < u32::MAX, "{rule}");
            if let Of::Type(name) = rule.of {
                assert!(name.matches('*').count() <= 1, "{rule}");
            }
        }
    }

    #[test]
    fn a_rule_for_a_handful_does_not_explain_more() {
        let mut explaining = Explaining::new((3, 12, 1), false);
        let found = |address, to| Found {
            difference: Difference::MissingReference,
            address,
            type_name: "module _curses_panel",
            is_class: false,
            tracked: true,
            detail: "at +8",
            to,
        };
        assert!(explaining.reason(&found(1, Some("builtins.str"))).is_none());
        assert!(
            explaining
                .reason(&found(1, Some("builtins.type")))
                .is_some()
        );
        assert!(
            explaining
                .reason(&found(1, Some("builtins.type")))
                .is_some()
        );
        assert_eq!(explaining.overused().count(), 0);
        assert!(
            explaining
                .reason(&found(2, Some("builtins.type")))
                .is_some()
        );
        let overused: Vec<_> = explaining.overused().collect();
        assert_eq!(overused.len(), 1);
        assert_eq!(overused[0].objects, 2);
    }
}
