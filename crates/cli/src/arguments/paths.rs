use super::{DEFAULT_LIMIT, Limit, LimitArguments, SelectionArguments, TargetArguments, selection};
use clap::Args;
use exuvia_query::Selection;

/// What `paths` was given.
#[derive(Debug, Args)]
#[command(group = selection::required(), after_help = "\
Examples:
  exuvia paths 4242 --kind myapp.Session  what holds the sessions?
  exuvia paths 4242 --kind 'dict of myapp.Session'
  exuvia paths 4242 --row 3               what holds row 3 of `exuvia heap 4242`?
  exuvia paths 4242 --at 0x7f3a5c0d1e40   what holds this object?")]
pub(crate) struct PathsArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    set: SelectionArguments,
    #[command(flatten)]
    limit: LimitArguments,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Go through weak references as well, which hold nothing alive
    #[arg(long, overrides_with = "no_weak")]
    weak: bool,
    /// Leave weak references out (the default)
    #[arg(long, overrides_with = "weak")]
    no_weak: bool,
}

impl PathsArguments {
    /// The objects that paths shall lead to.
    pub(crate) fn selection(&self) -> Selection {
        self.set.selection()
    }

    /// How many paths are printed.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit().unwrap_or(Limit::Top(DEFAULT_LIMIT))
    }

    /// Whether paths go through weak references.
    pub(crate) fn weak(&self) -> bool {
        self.weak && !self.no_weak
    }
}
