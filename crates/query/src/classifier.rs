use serde::{Serialize, Serializer};
use std::fmt;

/// By what a table divides the objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Classifier {
    /// heapy's kinds: the class, or `dict of <class>` for the dictionaries of instances.
    #[default]
    Kind,
    /// The type alone.
    Type,
    /// The size of each object.
    Size,
    /// heapy's modules: a row for each module object, and one for all that is no module.
    Module,
    /// All objects in one row.
    Unity,
    /// Each object in a row of its own.
    Id,
    /// The set of the kinds of live objects that refer to it: heapy's referrer
    /// classification set.
    Rcs,
    /// The set of relations by which live objects refer to it.
    Via,
    /// The object whose `__dict__` it is.
    Owner,
    /// The generation of the garbage collector in whose list it is.
    Generation,
    /// The interpreter that it belongs to.
    Interpreter,
    /// The threads without which it would not be reached.
    Thread,
}

impl Classifier {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Kind,
        Self::Type,
        Self::Size,
        Self::Module,
        Self::Unity,
        Self::Id,
        Self::Rcs,
        Self::Via,
        Self::Owner,
        Self::Generation,
        Self::Interpreter,
        Self::Thread,
    ];

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Type => "type",
            Self::Size => "size",
            Self::Module => "module",
            Self::Unity => "unity",
            Self::Id => "id",
            Self::Rcs => "rcs",
            Self::Via => "via",
            Self::Owner => "owner",
            Self::Generation => "generation",
            Self::Interpreter => "interpreter",
            Self::Thread => "thread",
        }
    }

    /// What makes a row, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Kind => "class, or `dict of` the class whose instance a __dict__ belongs to",
            Self::Type => "class alone",
            Self::Size => "size of the single object",
            Self::Module => "each module object; `~module` is all that is no module",
            Self::Unity => "all objects in one row",
            Self::Id => "each object",
            Self::Rcs => "kinds of the objects that refer to it",
            Self::Via => "relations by which objects refer to it",
            Self::Owner => "object whose __dict__ it is",
            Self::Generation => "generation of the garbage collector",
            Self::Interpreter => "interpreter that it belongs to",
            Self::Thread => "threads whose frames alone reach it",
        }
    }

    /// heapy's title of the column with the names.
    pub fn header(self) -> &'static str {
        match self {
            Self::Kind => "Kind (class / dict of class)",
            Self::Type => "Type",
            Self::Size => "Individual Size",
            Self::Module => "Module",
            Self::Unity => "<unclassified>",
            Self::Id => "Object Identity",
            Self::Rcs => "Referrers by Kind (class / dict of class)",
            Self::Via => "Referred Via:",
            Self::Owner => "Owner",
            Self::Generation => "Generation",
            Self::Interpreter => "Interpreter",
            Self::Thread => "Threads",
        }
    }

    /// The title where it is one of two.
    fn joined_header(self) -> String {
        match self {
            Self::Rcs => format!("{{{}}}", self.header()),
            Self::Via => "{Referred Via}".to_owned(),
            _ => self.header().to_owned(),
        }
    }

    /// Whether rows are sets, whose names stand in braces where two are joined.
    pub(crate) fn makes_sets(self) -> bool {
        matches!(self, Self::Rcs | Self::Via)
    }
}

/// One classifier, or two whose rows are divided by each other: heapy's `Type & Size`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct By {
    /// The only one, or the first.
    pub first: Classifier,
    /// The second one.
    pub second: Option<Classifier>,
}

impl From<Classifier> for By {
    fn from(first: Classifier) -> Self {
        Self {
            first,
            second: None,
        }
    }
}

impl By {
    /// The classifiers.
    pub fn classifiers(self) -> impl Iterator<Item = Classifier> {
        std::iter::once(self.first).chain(self.second)
    }

    /// Whether one of them is this one.
    pub fn includes(self, classifier: Classifier) -> bool {
        self.classifiers().any(|one| one == classifier)
    }

    /// Whether the names of rows show contents of objects, or names that the target keeps as
    /// contents.
    pub fn shows_values(self) -> bool {
        use Classifier::{Id, Module, Owner, Via};
        [Id, Module, Owner, Via]
            .into_iter()
            .any(|one| self.includes(one))
    }

    /// heapy's title of the column with the names.
    pub fn header(self) -> String {
        match self.second {
            None => self.first.header().to_owned(),
            Some(second) => format!(
                "{} & {}",
                self.first.joined_header(),
                second.joined_header()
            ),
        }
    }
}

impl fmt::Display for By {
    /// As it is typed: `type,size`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.first.name())?;
        match self.second {
            Some(second) => write!(f, ",{}", second.name()),
            None => Ok(()),
        }
    }
}

impl Serialize for By {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
