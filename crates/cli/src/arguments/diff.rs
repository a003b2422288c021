use super::{CoreArguments, NativeArguments, TableArguments};
use clap::Args;
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
    /// Add how what each row retains changed, and sort by it
    #[arg(long)]
    pub(crate) retained: bool,
    /// Also show which objects are new, by kind, and where the paths to them run together
    #[arg(long)]
    pub(crate) new: bool,
    #[command(flatten)]
    pub(crate) table: TableArguments,
}
