use super::Format;
use clap::Args;

/// How many rows or paths are shown when nothing else is said, as in heapy.
pub(crate) const DEFAULT_LIMIT: usize = 10;

/// How much of a long answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The first so many.
    Top(usize),
    /// Everything.
    All,
}

impl Limit {
    /// How many lines to show when there are so many. Where one would be left, it is shown
    /// as well, as in heapy: a line that says so would take the same place.
    pub(crate) fn of(self, available: u128) -> u128 {
        match self {
            Self::Top(top) if available.saturating_sub(top as u128) > 1 => top as u128,
            Self::Top(_) | Self::All => available,
        }
    }

    /// How many rows have to be made: one more, since one that is left over is shown as well.
    pub(crate) fn rows(self) -> Option<usize> {
        match self {
            Self::Top(top) => Some(top.saturating_add(1)),
            Self::All => None,
        }
    }

    /// The rows to show.
    pub(crate) fn first_of<T>(self, rows: &[T]) -> &[T] {
        let shown = usize::try_from(self.of(rows.len() as u128));
        shown
            .ok()
            .and_then(|shown| rows.get(..shown))
            .unwrap_or(rows)
    }
}

/// `--top` and `--all`.
#[derive(Debug, Args)]
pub(crate) struct LimitArguments {
    /// Show the first N
    #[arg(long, value_name = "N", conflicts_with = "all")]
    top: Option<usize>,
    /// Show all
    #[arg(long)]
    all: bool,
}

impl LimitArguments {
    /// How much is printed in a format. People get ten; programs get everything.
    pub(crate) fn limit_for(&self, format: Format) -> Limit {
        self.limit().unwrap_or(match format {
            Format::Text => Limit::Top(DEFAULT_LIMIT),
            Format::Json | Format::Csv => Limit::All,
        })
    }

    /// What was asked for, if anything was.
    pub(crate) fn limit(&self) -> Option<Limit> {
        match (self.top, self.all) {
            (Some(top), _) => Some(Limit::Top(top)),
            (None, true) => Some(Limit::All),
            (None, false) => None,
        }
    }
}
