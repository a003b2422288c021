use super::{
    Format, FormatArguments, Limit, LimitArguments, SelectionArguments, TargetArguments, selection,
};
use clap::Args;
use exuvia_query::{PatternOptions, Selection};

/// What `pattern` was given.
#[derive(Debug, Args)]
#[command(group = selection::required(), after_help = "\
Each line is a set of objects of one kind that refer to those of the line above, one letter
shorter. [-]: their referrers follow; [+]: the depth ends here; [R]: only a root holds them;
[S]: modules, classes, code and frames, at which patterns stop; [^ 4]: the objects of line 4.

Examples:
  exuvia pattern 4242 --kind myapp.Session           which ways lead to the sessions?
  exuvia pattern 4242 --kind myapp.Session --depth 3
  exuvia pattern 4242 --kind list --all --width 120")]
pub(crate) struct PatternArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    set: SelectionArguments,
    /// How many steps referrers are followed
    #[arg(long, value_name = "N", default_value_t = PatternOptions::DEPTH)]
    depth: usize,
    /// How many characters a line has at most
    #[arg(long, value_name = "N", default_value_t = LINE, value_parser = width)]
    pub(crate) width: usize,
    /// Follow the immediate dominators of each set instead of all of its referrers
    #[arg(long)]
    imdom: bool,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

/// heapy's length of a line.
const LINE: usize = 80;

/// In less there is no room for what a line begins with.
const SHORTEST: usize = 40;

fn width(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(width @ SHORTEST..) => Ok(width),
        Ok(_) => Err(format!("a line has {SHORTEST} characters at least")),
        Err(_) => Err("not a number of characters".to_owned()),
    }
}

impl PatternArguments {
    /// The objects at which the pattern begins.
    pub(crate) fn selection(&self) -> Selection {
        self.set.selection()
    }

    /// How the pattern is formed.
    pub(crate) fn options(&self) -> PatternOptions {
        PatternOptions {
            depth: self.depth,
            dominators: self.imdom,
        }
    }

    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How many lines are printed. People get ten; programs get everything.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit_for(self.format())
    }
}
