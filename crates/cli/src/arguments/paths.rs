use super::{
    DEFAULT_LIMIT, Format, FormatArguments, Limit, LimitArguments, SelectionArguments,
    TargetArguments, selection, show,
};
use clap::Args;
use exuvia_query::{Expression, MergeLimits, Selection, Term};

/// What `paths` was given.
#[derive(Debug, Args)]
#[command(group = selection::required(), after_help = "\
Examples:
  exuvia paths 4242 --kind myapp.Session  what holds the sessions?
  exuvia paths 4242 --kind 'dict of myapp.Session'
  exuvia paths 4242 --row 3               what holds row 3 of `exuvia heap 4242`?
  exuvia paths 4242 --at 0x7f3a5c0d1e40   what holds this object?
  exuvia paths 4242 --kind myapp.Session --merged
                                          the one holder that all of them share
  exuvia paths 4242 --kind myapp.Session --avoid 0x7f3a5c0d1e40
                                          and without this one, what else?
An EDGE is a path or the beginning of one, as it is printed: its last step is left out. Or
`0xSOURCE['key']`, `0xSOURCE->0xTARGET`, or the step of all objects of a kind:
`myapp.Session.user`, `list[*]`.")]
pub(crate) struct PathsArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    set: SelectionArguments,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
    /// Go through weak references as well, which hold nothing alive
    #[arg(long, overrides_with = "no_weak")]
    weak: bool,
    /// Leave weak references out (the default)
    #[arg(long, overrides_with = "weak")]
    no_weak: bool,
    /// Show where the paths to all of the objects run together, with how many lie behind each
    /// step
    #[arg(long)]
    pub(crate) merged: bool,
    /// With --merged: leave out steps with less than this part of the bytes, in percent [default: 1]
    #[arg(long, value_name = "PERCENT", requires = "merged", value_parser = percent)]
    min: Option<f64>,
    /// With --merged: how often a path may split [default: 12]
    #[arg(long, value_name = "N", requires = "merged")]
    depth: Option<usize>,
    /// Not through, nor to, the object at this address
    #[arg(long, value_name = "0xADDRESS", value_parser = show::address, help_heading = WAYS)]
    avoid: Vec<u64>,
    /// Not through, nor to, objects of this kind
    #[arg(long, value_name = "NAME", help_heading = WAYS)]
    avoid_kind: Vec<String>,
    /// Not along this step
    #[arg(long, value_name = "EDGE", help_heading = WAYS)]
    pub(crate) avoid_edge: Vec<String>,
    /// From the objects as EXPR says, as in --where, instead of from the roots
    #[arg(long, value_name = "EXPR", help_heading = WAYS)]
    from: Vec<Expression>,
    /// From the object at this address, instead of from the roots
    #[arg(long, value_name = "0xADDRESS", value_parser = show::address, help_heading = WAYS)]
    from_at: Vec<u64>,
    /// From the objects of this kind, instead of from the roots
    #[arg(long, value_name = "NAME", help_heading = WAYS)]
    from_kind: Vec<String>,
}

const WAYS: &str = "Ways (each may be repeated)";

impl PathsArguments {
    /// The objects that paths shall lead to.
    pub(crate) fn selection(&self) -> Selection {
        self.set.selection()
    }

    /// The objects at which paths begin; none for the roots.
    pub(crate) fn from(&self) -> Option<Selection> {
        let from = self.from.iter().cloned().map(Term::Where);
        any_of(&self.from_at, &self.from_kind, from)
    }

    /// The objects that paths leave out.
    pub(crate) fn avoid(&self) -> Option<Selection> {
        any_of(&self.avoid, &self.avoid_kind, std::iter::empty())
    }

    /// How many paths are printed.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit().unwrap_or(Limit::Top(DEFAULT_LIMIT))
    }

    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How much of the merged paths is printed.
    pub(crate) fn merge_limits(&self) -> MergeLimits {
        let default = MergeLimits::default();
        let all = self.limit.limit() == Some(Limit::All);
        MergeLimits {
            share: self
                .min
                .map_or(if all { 0.0 } else { default.share }, |min| min / 100.0),
            branches: match self.limit() {
                Limit::Top(top) => top,
                Limit::All => usize::MAX,
            },
            depth: self.depth.unwrap_or(default.depth),
            ..default
        }
    }

    /// Whether paths go through weak references.
    pub(crate) fn weak(&self) -> bool {
        self.weak && !self.no_weak
    }
}

fn any_of(at: &[u64], kinds: &[String], others: impl Iterator<Item = Term>) -> Option<Selection> {
    let at = at.iter().copied().map(Term::At);
    let kinds = kinds.iter().cloned().map(Term::Kind);
    let terms: Vec<Term> = at.chain(kinds).chain(others).collect();
    (!terms.is_empty()).then(|| Term::AnyOf(terms).into())
}

/// A part of a hundred: `1`, `0.5`, `2%`.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse();
    match number {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("a percentage is a number from 0 to 100".to_owned()),
    }
}
