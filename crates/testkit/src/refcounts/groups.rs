use super::Differing;
use std::collections::BTreeMap;
use std::fmt;

/// Which number is the larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The count: something holds the object that the walk did not find.
    Held,
    /// The references found: one of them owns nothing.
    Overclaimed,
}

/// Objects of one type whose counts differ on the same side.
#[derive(Debug, Clone)]
pub struct Group {
    /// Which number is the larger one.
    pub side: Side,
    /// The type of the objects.
    pub type_name: String,
    /// How many there are.
    pub objects: usize,
    /// Some of them in words: where each is, its count, and what was found.
    pub examples: Vec<String>,
}

const EXAMPLES: usize = 5;

#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<(Side, String), Group>,
}

impl Groups {
    pub(super) fn add(&mut self, one: &Differing) {
        let key = (one.side(), one.type_name.clone());
        let group = self.groups.entry(key).or_insert_with(|| Group {
            side: one.side(),
            type_name: one.type_name.clone(),
            objects: 0,
            examples: Vec::new(),
        });
        group.objects += 1;
        if group.examples.len() < EXAMPLES {
            group.examples.push(one.to_string());
        }
    }

    pub(super) fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.objects));
        groups
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Held => "held",
            Self::Overclaimed => "overclaimed",
        })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8} {} {}:", self.objects, self.side, self.type_name)?;
        write!(f, " {}", self.examples.join("; "))
    }
}
