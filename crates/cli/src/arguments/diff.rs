use super::{CoreArguments, Format, FormatArguments, Limit, LimitArguments, NativeArguments, by};
use clap::Args;
use exuvia_query::{By, Classifier};
use std::ffi::OsString;

/// What `diff` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia diff before.exuvia 4242          what grew since the snapshot?
  exuvia diff before.exuvia after.exuvia --new
                                          what is new, and what holds it?
  exuvia diff before.exuvia after.exuvia --retained
  exuvia diff first.exuvia second.exuvia third.exuvia
                                          what grew twice?")]
pub(crate) struct DiffArguments {
    /// A PID, a snapshot directory, or a core file: the older one, then the newer one, and one
    /// that is newer still
    #[arg(value_names = ["OLD", "NEW"], num_args = 2..=3, required = true)]
    pub(crate) targets: Vec<OsString>,
    #[command(flatten)]
    pub(crate) core: CoreArguments,
    #[command(flatten)]
    pub(crate) native: NativeArguments,
    /// What makes a row: kind, type, size, module, unity, rcs, via, owner, generation,
    /// interpreter or thread, or two joined by a comma
    #[arg(
        long,
        value_name = "CLASSIFIER",
        value_parser = by::by,
        default_value_t = By::from(Classifier::Kind),
        long_help = by::help(),
    )]
    pub(crate) by: By,
    /// Add how what each row retains changed, and sort by it
    #[arg(long)]
    pub(crate) retained: bool,
    /// Also show which objects are new, by kind, and where the paths to them run together
    #[arg(long)]
    pub(crate) new: bool,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl DiffArguments {
    /// How the answer is printed.
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
}
