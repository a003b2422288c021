use super::{
    DEFAULT_LIMIT, Format, FormatArguments, Limit, LimitArguments, SelectionArguments,
    TargetArguments, by, selection,
};
use clap::Args;
use exuvia_query::{By, Classifier, PartitionOptions, Selection};

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
        self.edges || self.by.shows_values() || self.set.needs_values()
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
