use super::{
    Format, FormatArguments, Limit, LimitArguments, SelectionArguments, TargetArguments, by,
};
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
    /// What makes a row: kind, type, size, module, unity, id, rcs, via, owner, generation,
    /// interpreter or thread, or two joined by a comma
    #[arg(
        long,
        value_name = "CLASSIFIER",
        value_parser = by::by,
        default_value_t = By::from(Classifier::Kind),
        long_help = by::help(),
    )]
    pub(crate) by: By,
    /// Show what would be freed if all objects of a row went, and sort by it
    #[arg(long)]
    pub(crate) retained: bool,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl HeapArguments {
    /// How the table is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How many rows are printed. People get ten; programs get everything.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit().unwrap_or(match self.format() {
            Format::Text => Limit::Top(super::DEFAULT_LIMIT),
            Format::Json | Format::Csv => Limit::All,
        })
    }

    /// Whether this is the table that is kept beside a snapshot: all objects by kind, with
    /// retained sizes.
    pub(crate) fn is_the_kept_table(&self) -> bool {
        self.retained
            && self.by == By::from(Classifier::Kind)
            && self.set.selection().all_of.is_empty()
    }

    /// Whether contents of objects are needed for the answer.
    pub(crate) fn needs_values(&self) -> bool {
        self.by.shows_values() || self.set.needs_values()
    }
}
