use super::show;
use clap::{ArgGroup, Args};
use exuvia_query::{Expression, Field, FieldForm, Selection, Term};

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
    /// The objects of classes of this module and its submodules, and their `__dict__`s
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    module: Vec<String>,
    /// The objects as EXPR says: "size > 1 MB and kind = 'str'"
    #[arg(
        long = "where",
        visible_alias = "of",
        value_name = "EXPR",
        help_heading = HEADING,
        long_help = language(),
    )]
    expression: Vec<Expression>,
}

const HEADING: &str =
    "Selection (an option that is repeated: any of them; different options: all of them)";

/// What a command adds to its definition that can't do without a selection.
pub(crate) fn required() -> ArgGroup {
    ArgGroup::new("selection")
        .args(["kind", "type_name", "row", "at", "module", "expression"])
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
            self.module.iter().cloned().map(Term::Module).collect(),
            self.expression.iter().cloned().map(Term::Where).collect(),
        ];
        let given = any_of
            .into_iter()
            .filter(|terms: &Vec<Term>| !terms.is_empty());
        Selection {
            all_of: given.map(Term::AnyOf).collect(),
        }
    }

    /// Whether contents of objects are needed to tell which objects these are.
    pub(crate) fn needs_values(&self) -> bool {
        let conditions = self.expression.iter().flat_map(Expression::conditions);
        conditions.into_iter().any(|one| one.field == Field::Value)
    }
}

/// The help of `--where`: the whole language. `docs/selection.md` tells more of it.
fn language() -> String {
    let mut text = "\
The objects as EXPR says: conditions on the fields below, joined by and, or, not and parentheses

  size > 1 MB and kind = 'str'
  kind in ('list', 'tuple') and not immortal
  module like 'shop*' or value contains 'secret'

Text stands in quotes, is compared by = and !=, and looked for by in (…), contains and like, in \
which * stands for anything and ? for one character. Numbers are compared by =, !=, <, <=, > and \
>=, or in (…); bytes may have a unit: kB, MB, GB, TB of 1000, KiB, MiB, GiB, TiB of 1024. An \
object of which a field is not known meets no condition on it

"
    .to_owned();
    for field in Field::ALL {
        let form = match field.form() {
            FieldForm::Text => "text",
            FieldForm::Number => "number",
            FieldForm::Bytes => "bytes",
            FieldForm::Value => "text, number",
            FieldForm::Flag => "true or false",
        };
        text.push_str(&format!(
            "  {:12} {} ({form})\n",
            field.name(),
            field.meaning()
        ));
    }
    text
}
