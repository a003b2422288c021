use super::TargetArguments;
use clap::Args;
use std::path::PathBuf;

/// What `report` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia report 4242 -o report.html
  exuvia report before.exuvia -o before.html")]
pub(crate) struct ReportArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// The HTML file to write; one of that name is replaced
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}
