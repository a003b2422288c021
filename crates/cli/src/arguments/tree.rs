use super::{Format, FormatArguments, SelectionArguments, TargetArguments};
use crate::views::units;
use clap::Args;
use exuvia_query::{Selection, TreeOptions};

/// What `tree` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia tree 4242                       who keeps most of the memory?
  exuvia tree 4242 --depth 10 --min-size 1MB
  exuvia tree 4242 --kind myapp.Session  what does each session keep alive?")]
pub(crate) struct TreeArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    set: SelectionArguments,
    /// How many levels to show
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    depth: u32,
    /// Fold what keeps less than this alive: bytes, or with a unit (200kB, 1MB)
    /// [default: 1 % of all; nothing, where objects are selected]
    #[arg(long, value_name = "SIZE", value_parser = units::parse_bytes)]
    min_size: Option<u64>,
    /// How many branches to show below one object
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    branches: u32,
    #[command(flatten)]
    format: FormatArguments,
}

impl TreeArguments {
    /// The objects with which the tree shall begin; everything, if none are named.
    pub(crate) fn selection(&self) -> Option<Selection> {
        Some(self.set.selection()).filter(|selection| !selection.all_of.is_empty())
    }

    /// How much of the tree is shown, of so many bytes in all. What was asked for by name is
    /// shown even where it is small.
    pub(crate) fn options(&self, selected: bool, total: u64) -> TreeOptions {
        let small = if selected { 0 } else { total / 100 };
        TreeOptions {
            depth: self.depth - 1,
            min_size: self.min_size.unwrap_or(small),
            branches: self.branches as usize,
        }
    }

    /// How the tree is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }
}
