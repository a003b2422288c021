/// A selection that selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No kind has this name.
    #[error("no kind is called {name:?}")]
    UnknownKind {
        /// What was asked for.
        name: String,
        /// Names of kinds that look like it, the most similar first.
        closest: Vec<String>,
    },
    /// No type has this name.
    #[error("no type is called {name:?}")]
    UnknownType {
        /// What was asked for.
        name: String,
        /// Names of types that look like it, the most similar first.
        closest: Vec<String>,
    },
    /// No class is of a module of this name.
    #[error("no object is of a class of a module called {name:?}")]
    UnknownModule {
        /// What was asked for.
        name: String,
        /// Names of modules that look like it, the most similar first.
        closest: Vec<String>,
    },
    /// No live object is as an expression says.
    #[error("no live object is as this says: {description}")]
    NothingMatches {
        /// The expression.
        description: String,
        /// Each of its conditions, and how many live objects are as that one alone says.
        alone: Vec<(String, u64)>,
        /// Names that look like those in it that do not exist.
        closest: Vec<String>,
    },
    /// No live object has this name.
    #[error("no live object is of {name:?}; garbage are {garbage}")]
    NoneAlive {
        /// What was asked for.
        name: String,
        /// How many objects of the name wait for the garbage collector.
        garbage: u64,
    },
    /// Each condition has its objects, but none is in all of them.
    #[error("no object is all of this: {description}")]
    NothingInAll {
        /// The conditions.
        description: String,
        /// Each of them, and how many objects are as that one alone says.
        alone: Vec<(String, u64)>,
    },
    /// The table is shorter.
    #[error("the table has no row {row}: its {rows} rows are numbered from 0")]
    NoSuchRow {
        /// What was asked for.
        row: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// No object begins there.
    #[error("no object lies at {address:#x}")]
    NoObjectAt {
        /// What was asked for.
        address: u64,
        /// The object that begins before the address and reaches beyond it, if there is one.
        inside: Option<u64>,
    },
}
