//! One file for each command: from checked arguments to an answer on stdout.

mod check;
mod completions;
mod demo;
mod diff;
mod dominated;
mod dump;
mod exec;
mod heap;
mod leaks;
mod man;
mod memory;
mod modules;
mod neighbours;
mod paths;
mod pattern;
mod ps;
mod report;
mod shell;
mod show;
mod threads;
mod tree;
mod waste;
mod watch;

use crate::arguments::Command;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::progress;
use crate::views::neighbours::Side;

/// Runs a command; a verbose one names its phases.
pub(crate) fn run(command: Command, verbose: bool) -> Result<(), Failure> {
    progress::name_phases(verbose);
    let interrupts = Interrupts::install()?;
    match command {
        Command::Ps(arguments) => ps::run(&arguments),
        Command::Heap(arguments) => heap::run(&arguments, &interrupts),
        Command::Paths(arguments) => paths::run(&arguments, &interrupts),
        Command::Referrers(arguments) => neighbours::run(&arguments, Side::Referrers, &interrupts),
        Command::Referents(arguments) => neighbours::run(&arguments, Side::Referents, &interrupts),
        Command::Dominated(arguments) => dominated::run(&arguments, &interrupts),
        Command::Pattern(arguments) => pattern::run(&arguments, &interrupts),
        Command::Show(arguments) => show::run(&arguments, &interrupts),
        Command::Tree(arguments) => tree::run(&arguments, &interrupts),
        Command::Check(arguments) => check::run(&arguments, &interrupts),
        Command::Report(arguments) => report::run(&arguments, &interrupts),
        Command::Diff(arguments) => diff::run(&arguments, &interrupts),
        Command::Watch(arguments) => watch::run(&arguments, &interrupts),
        Command::Leaks(arguments) => leaks::run(&arguments, &interrupts),
        Command::Threads(arguments) => threads::run(&arguments, &interrupts),
        Command::Memory(arguments) => memory::run(&arguments, &interrupts),
        Command::Waste(arguments) => waste::run(&arguments, &interrupts),
        Command::Dump(arguments) => dump::run(&arguments, &interrupts),
        Command::Exec(arguments) => exec::run(&arguments, &interrupts),
        Command::Shell(arguments) => shell::run(&arguments, &interrupts),
        Command::Demo => demo::run(&interrupts),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man => man::run(),
    }
}
