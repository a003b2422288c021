use super::{
    DEFAULT_LIMIT, Format, FormatArguments, Limit, LimitArguments, SelectionArguments,
    TargetArguments, by, selection,
};
use clap::Args;
use exuvia_query::{By, Classifier, PartitionOptions, Selection};

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
    /// What makes a row: kind, type, size, module, unity, id, rcs, via, owner, generation,
    /// interpreter or thread, or two joined by a comma
    #[arg(
        long,
        value_name = "CLASSIFIER",
        value_parser = by::by,
        default_value_t = By::from(Classifier::Kind),
        long_help = by::help(),
    )]
    by: By,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl DominatedArguments {
    /// The objects that dominate.
    pub(crate) fn selection(&self) -> Selection {
        self.set.selection()
    }

    /// Whether contents of objects are needed for the answer.
    pub(crate) fn needs_values(&self) -> bool {
        self.by.shows_values() || self.set.needs_values()
    }

    /// How the table is divided.
    pub(crate) fn partition(&self) -> PartitionOptions {
        PartitionOptions {
            by: self.by,
            retained: false,
            rows: self.limit().rows(),
        }
    }

    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How many rows are printed. People get ten; programs get everything.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit().unwrap_or(match self.format() {
            Format::Text => Limit::Top(DEFAULT_LIMIT),
            Format::Json | Format::Csv => Limit::All,
        })
    }
}
