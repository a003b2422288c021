use super::{SelectionArguments, TableArguments, TargetArguments, selection};
use clap::Args;
use exuvia_query::{PartitionOptions, Selection};

/// What `referrers` or `referents` was given.
#[derive(Debug, Args)]
#[command(group = selection::required())]
pub(crate) struct NeighboursArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    set: SelectionArguments,
    /// Show as well through what the references go: `['cache']`, `.__closure__`, `[i]`
    #[arg(long)]
    pub(crate) edges: bool,
    /// Take weak references as well, which hold nothing alive
    #[arg(long)]
    pub(crate) weak: bool,
    #[command(flatten)]
    pub(crate) table: TableArguments,
}

/// Examples of `referrers`.
pub(super) const REFERRERS: &str = "\
Examples:
  exuvia referrers 4242 --kind myapp.Session          what holds the sessions?
  exuvia referrers 4242 --kind myapp.Session --edges  and by which names?
  exuvia referrers 4242 --at 0x7f3a5c0d1e40           what holds this object?";

/// Examples of `referents`.
pub(super) const REFERENTS: &str = "\
Examples:
  exuvia referents 4242 --kind myapp.Session          what do the sessions hold?
  exuvia referents 4242 --kind myapp.Session --edges  and by which names?";

impl NeighboursArguments {
    /// The objects on this side of the references.
    pub(crate) fn selection(&self) -> Selection {
        self.set.selection()
    }

    /// Whether contents of objects are needed for the answer.
    pub(crate) fn needs_values(&self) -> bool {
        // The names of references are contents.
        self.edges || self.table.by.shows_values() || self.set.needs_values()
    }

    /// How the table is divided.
    pub(crate) fn partition(&self) -> PartitionOptions {
        PartitionOptions {
            by: self.table.by,
            retained: false,
            rows: self.table.limit().rows(),
        }
    }
}
