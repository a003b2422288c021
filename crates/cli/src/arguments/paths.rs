use super::{CoreArguments, DEFAULT_LIMIT, Limit, LimitArguments, NativeArguments, show};
use clap::Args;
use exuvia_query::Selection;
use std::ffi::OsString;

/// What `paths` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia paths 4242 --kind myapp.Session  what holds the sessions?
  exuvia paths 4242 --kind 'dict of myapp.Session'
  exuvia paths 4242 --row 3               what holds row 3 of `exuvia heap 4242`?
  exuvia paths 4242 --at 0x7f3a5c0d1e40   what holds this object?")]
pub(crate) struct PathsArguments {
    /// A PID, a snapshot directory, or a core file
    pub(crate) target: OsString,
    #[command(flatten)]
    pub(crate) core: CoreArguments,
    #[command(flatten)]
    pub(crate) native: NativeArguments,
    #[command(flatten)]
    set: SetArguments,
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

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct SetArguments {
    /// The objects of this kind, as `exuvia heap` names it
    #[arg(long, value_name = "NAME")]
    kind: Option<String>,
    /// The objects of this type, as `exuvia heap --by type` names it
    #[arg(long = "type", value_name = "NAME")]
    type_name: Option<String>,
    /// The objects of this row of `exuvia heap`
    #[arg(long, value_name = "N")]
    row: Option<usize>,
    /// The object at this address
    #[arg(long, value_name = "0xADDRESS", value_parser = show::address)]
    at: Option<u64>,
}

impl PathsArguments {
    /// The objects that paths shall lead to.
    pub(crate) fn selection(&self) -> Selection {
        let set = &self.set;
        match (&set.kind, &set.type_name, set.row, set.at) {
            (Some(kind), ..) => Selection::Kind(kind.clone()),
            (_, Some(name), ..) => Selection::Type(name.clone()),
            (_, _, _, Some(address)) => Selection::At(address),
            // The group is required, so that one of the four is there.
            (_, _, row, None) => Selection::Row(row.unwrap_or(0)),
        }
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
