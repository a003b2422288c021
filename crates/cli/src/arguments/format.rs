use clap::Args;

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One document.
    Json,
    /// One line for each row, after one with the names of the columns.
    Csv,
}

/// `--json` and `--csv`.
#[derive(Debug, Args)]
pub(crate) struct FormatArguments {
    /// Print JSON: everything, unless --top is given
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV: all rows, unless --top is given
    #[arg(long)]
    csv: bool,
}

impl FormatArguments {
    /// What was asked for.
    pub(crate) fn format(&self) -> Format {
        match (self.json, self.csv) {
            (true, _) => Format::Json,
            (_, true) => Format::Csv,
            _ => Format::Text,
        }
    }
}
