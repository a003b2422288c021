//! What developers run: `cargo xtask test`, `fuzz`, `tidy`, `pythons`, `oracle`,
//! `layouts`, `bench`, `dist`.

mod bench;
mod cargo;
mod dist;
mod fuzz;
mod layouts;
mod oracle;
mod pythons;
mod support;
mod test;
mod tidy;

use anyhow::Result;
use clap::Parser;

/// Tasks of the exuvia workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Runs every check and every test.
    Test(test::Args),
    /// Runs the fuzz targets.
    Fuzz(fuzz::Args),
    /// Checks the rules that no compiler knows: which crate may use which, and the like.
    Tidy,
    /// Gathers the interpreters that tests run in; makes those that no distribution has.
    Pythons,
    /// Compares snapshots with what each interpreter says of itself.
    Oracle(oracle::Args),
    /// Generates the layout tables.
    Layouts(layouts::Args),
    /// Measures exuvia against guppy3 and `os.fork()`, and prints a table.
    Bench(bench::Args),
    /// Builds the static binary for release, and says where it is.
    Dist,
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Test(args) => test::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Tidy => tidy::run(),
        Task::Pythons => pythons::run(),
        Task::Oracle(args) => oracle::run(&args),
        Task::Layouts(args) => layouts::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Dist => dist::run(),
    }
}
