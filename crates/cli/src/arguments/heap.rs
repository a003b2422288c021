use super::{Format, FormatArguments, Limit, LimitArguments, TargetArguments};
use clap::{Args, ValueEnum};
use exuvia_query::Classifier;

/// What `heap` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia heap 4242                 the ten kinds that take the most memory
  exuvia heap 4242 --by type       all dicts in one row
  exuvia heap 4242 --all           every kind
  exuvia heap before.exuvia --csv  a snapshot, for a spreadsheet
  exuvia heap core.4242            a core file")]
pub(crate) struct HeapArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// What makes a row: the kind tells the `__dict__`s of each class apart, the type does
    /// not
    #[arg(long, value_enum, default_value_t)]
    by: Classification,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

/// What makes a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Classification {
    /// The class, or `dict of` the class to whose instance a `__dict__` belongs
    #[default]
    Kind,
    /// The type alone
    Type,
}

impl HeapArguments {
    /// What makes a row.
    pub(crate) fn classifier(&self) -> Classifier {
        match self.by {
            Classification::Kind => Classifier::Kind,
            Classification::Type => Classifier::Type,
        }
    }

    /// How the table is printed.
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
