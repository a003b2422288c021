use std::collections::BTreeMap;
use std::fmt;

/// How a snapshot differs from an interpreter's own report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// The snapshot lacks an object that the interpreter has.
    MissingObject,
    /// The snapshot has a tracked object that the interpreter does not have.
    ExtraObject,
    /// The snapshot has it, but not as tracked.
    NotTracked,
    /// It is tracked in the snapshot only.
    WronglyTracked,
    /// Another type.
    Type,
    /// Another `sys.getsizeof`.
    Size,
    /// Another kind.
    Kind,
    /// The snapshot lacks a reference that `gc.get_referents` gives.
    MissingReference,
    /// The snapshot has a strong reference that `gc.get_referents` does not give.
    ExtraReference,
}

/// Differences that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How they differ.
    pub difference: Difference,
    /// The type of the objects.
    pub type_name: String,
    /// Which reference, or which values.
    pub detail: String,
    /// How often.
    pub count: usize,
    /// One case in full.
    pub example: String,
}

/// Collects differences into groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<(Difference, String, String), (usize, String)>,
}

impl Groups {
    /// Counts one more case; the first of a group is its example.
    pub(super) fn add(
        &mut self,
        difference: Difference,
        type_name: &str,
        detail: &str,
        example: impl FnOnce() -> String,
    ) {
        let key = (difference, type_name.to_owned(), detail.to_owned());
        let (count, _) = self.groups.entry(key).or_insert_with(|| (0, example()));
        *count += 1;
    }

    /// All groups, the largest first.
    pub(super) fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self
            .groups
            .into_iter()
            .map(
                |((difference, type_name, detail), (count, example))| Group {
                    difference,
                    type_name,
                    detail,
                    count,
                    example,
                },
            )
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MissingObject => "object missing",
            Self::ExtraObject => "object extra",
            Self::NotTracked => "not tracked",
            Self::WronglyTracked => "wrongly tracked",
            Self::Type => "type",
            Self::Size => "size",
            Self::Kind => "kind",
            Self::MissingReference => "reference missing",
            Self::ExtraReference => "reference extra",
        })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8} {:<17} {} {}  e.g. {}",
            self.count, self.difference, self.type_name, self.detail, self.example
        )
    }
}
