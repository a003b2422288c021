use super::{SelectionArguments, TableArguments, TargetArguments, selection};
use clap::Args;
use exuvia_query::{PartitionOptions, Selection};

/// What `dominated` was given.
#[derive(Debug, Args)]
#[command(group = selection::required(), after_help = "\
Examples:
  exuvia dominated 4242 --kind myapp.Session          what would go with the sessions?
  exuvia dominated 4242 --kind myapp.Session --imdom  which objects keep them?
  exuvia dominated 4242 --at 0x7f3a5c0d1e40           what does this object keep alive?")]
pub(crate) struct DominatedArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    set: SelectionArguments,
    /// Show the immediate dominators of the objects instead: those referrers that the roots
    /// reach without passing through another referrer
    #[arg(long)]
    pub(crate) imdom: bool,
    #[command(flatten)]
    pub(crate) table: TableArguments,
}

impl DominatedArguments {
    /// The objects that dominate.
    pub(crate) fn selection(&self) -> Selection {
        self.set.selection()
    }

    /// Whether contents of objects are needed for the answer.
    pub(crate) fn needs_values(&self) -> bool {
        self.table.by.shows_values() || self.set.needs_values()
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
