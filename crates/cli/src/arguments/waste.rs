use super::{Format, FormatArguments, Limit, LimitArguments, TargetArguments};
use clap::Args;

/// What `waste` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia waste 4242                what could be saved
  exuvia waste 4242 --top 30       with thirty rows of each sort
  exuvia waste before.exuvia --csv a snapshot, for a spreadsheet")]
pub(crate) struct WasteArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl WasteArguments {
    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How many rows of each sort are printed. People get ten; programs get everything.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit_for(self.format())
    }
}
