use super::{SelectionArguments, TableArguments, TargetArguments};
use clap::Args;
use exuvia_query::{By, Classifier};

/// What `heap` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia heap 4242                 the ten kinds that take the most memory
  exuvia heap 4242 --by type       all dicts in one row
  exuvia heap 4242 --all           every kind
  exuvia heap 4242 --retained      what would be freed if all objects of a kind went
  exuvia heap 4242 --kind str --by rcs
                                   which kinds refer to the strings?
  exuvia heap 4242 --of \"size > 1 MB\" --by id
                                   each large object in a row
  exuvia heap before.exuvia --csv  a snapshot, for a spreadsheet
  exuvia heap core.4242            a core file")]
pub(crate) struct HeapArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) set: SelectionArguments,
    /// Show what would be freed if all objects of a row went, and sort by it
    #[arg(long)]
    pub(crate) retained: bool,
    #[command(flatten)]
    pub(crate) table: TableArguments,
}

impl HeapArguments {
    /// Whether this is the table that is kept beside a snapshot: all objects by kind, with
    /// retained sizes.
    pub(crate) fn is_the_kept_table(&self) -> bool {
        self.retained
            && self.table.by == By::from(Classifier::Kind)
            && self.set.selection().all_of.is_empty()
    }

    /// Whether contents of objects are needed for the answer.
    pub(crate) fn needs_values(&self) -> bool {
        self.table.by.shows_values() || self.set.needs_values()
    }
}
