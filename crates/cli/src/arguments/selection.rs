use super::show;
use clap::{ArgGroup, Args};
use exuvia_query::{Selection, Term};

/// Which objects a command is about.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct SelectionArguments {
    /// The objects of this kind, as `exuvia heap` names it
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    kind: Vec<String>,
    /// The objects of this type, as `exuvia heap --by type` names it
    #[arg(long = "type", value_name = "NAME", help_heading = HEADING)]
    type_name: Vec<String>,
    /// The objects of this row of `exuvia heap`
    #[arg(long, value_name = "N", help_heading = HEADING)]
    row: Vec<usize>,
    /// The object at this address
    #[arg(long, value_name = "0xADDRESS", value_parser = show::address, help_heading = HEADING)]
    at: Vec<u64>,
}

const HEADING: &str =
    "Selection (an option that is repeated: any of them; different options: all of them)";

/// What a command adds to its definition that can't do without a selection.
pub(crate) fn required() -> ArgGroup {
    ArgGroup::new("selection")
        .args(["kind", "type_name", "row", "at"])
        .multiple(true)
        .required(true)
}

impl SelectionArguments {
    /// What was asked for; all live objects, if nothing was.
    pub(crate) fn selection(&self) -> Selection {
        let any_of = [
            self.kind.iter().cloned().map(Term::Kind).collect(),
            self.type_name.iter().cloned().map(Term::Type).collect(),
            self.row.iter().copied().map(Term::Row).collect(),
            self.at.iter().copied().map(Term::At).collect(),
        ];
        let given = any_of
            .into_iter()
            .filter(|terms: &Vec<Term>| !terms.is_empty());
        Selection {
            all_of: given.map(Term::AnyOf).collect(),
        }
    }
}
