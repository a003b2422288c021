use super::{Format, FormatArguments, Limit, LimitArguments, by};
use clap::Args;
use exuvia_query::{By, Classifier};

/// How a table of objects is divided and printed.
#[derive(Debug, Args)]
pub(crate) struct TableArguments {
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
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl TableArguments {
    /// How it is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How many rows are printed.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit_for(self.format())
    }
}
