//! The command line: what is typed, checked as far as that needs nothing but the text.

mod by;
mod check;
mod core;
mod diff;
mod dominated;
mod dump;
mod exec;
mod format;
mod heap;
mod inside;
mod leaks;
mod limit;
mod memory;
mod native;
mod neighbours;
mod paths;
mod pattern;
mod report;
mod selection;
mod shell;
mod show;
mod table;
mod target;
mod threads;
mod tree;
mod waste;
mod watch;

pub(crate) use check::CheckArguments;
pub(crate) use core::CoreArguments;
pub(crate) use diff::DiffArguments;
pub(crate) use dominated::DominatedArguments;
pub(crate) use dump::DumpArguments;
pub(crate) use exec::{ExecArguments, PlaceArgument, Source};
pub(crate) use format::{Format, FormatArguments};
pub(crate) use heap::HeapArguments;
pub(crate) use inside::InsideArguments;
pub(crate) use leaks::LeaksArguments;
pub(crate) use limit::{DEFAULT_LIMIT, Limit, LimitArguments};
pub(crate) use memory::MemoryArguments;
pub(crate) use native::NativeArguments;
pub(crate) use neighbours::NeighboursArguments;
pub(crate) use paths::PathsArguments;
pub(crate) use pattern::PatternArguments;
pub(crate) use report::ReportArguments;
pub(crate) use selection::SelectionArguments;
pub(crate) use shell::ShellArguments;
pub(crate) use show::ShowArguments;
pub(crate) use table::TableArguments;
pub(crate) use target::TargetArguments;
pub(crate) use threads::ThreadsArguments;
pub(crate) use tree::TreeArguments;
pub(crate) use waste::WasteArguments;
pub(crate) use watch::WatchArguments;

use clap::builder::Styles;
use clap::{Args, CommandFactory, Parser, Subcommand};

/// The arguments of this process. Wrong ones end it with code 2, `--help` with 0.
pub(crate) fn parse() -> Cli {
    Cli::parse()
}

/// The whole command line as clap sees it, for completions and the man page.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// See what fills a running Python process, and what holds it alive.
///
/// exuvia takes a copy of a process in milliseconds, lets the process go on, and examines
/// the copy. Nothing is installed in the process, and nothing in it is changed; only what you
/// run in it yourself, by `exec` and `shell`, can do that.
#[derive(Debug, Parser)]
#[command(
    name = "exuvia",
    version,
    max_term_width = 100,
    styles = Styles::styled(),
    disable_help_subcommand = true,
    after_help = EXAMPLES,
)]
pub(crate) struct Cli {
    /// Name each phase of the work on stderr as it begins
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
TARGET is a PID, a snapshot directory that `exuvia dump` wrote, or a core file. Processes of
CPython 3.8 to 3.15 can be examined, free-threaded ones from 3.13 on.

Examples:
  exuvia ps                               which Pythons run here?
  exuvia heap 4242                        what fills this one?
  exuvia paths 4242 --kind myapp.Session  what holds those objects alive?
  exuvia demo                             see all of it on a small leaky service";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List running Pythons, and whether each can be examined
    Ps(PsArguments),
    /// Show what fills a process: heapy's table of its objects
    Heap(HeapArguments),
    /// Show what holds objects alive: the shortest paths to them
    Paths(PathsArguments),
    /// Show who keeps the memory: the dominator tree, the largest first
    Tree(TreeArguments),
    /// Hold a process to limits, for CI: so many objects, so many bytes
    Check(CheckArguments),
    /// Show which objects refer to some objects
    #[command(after_help = neighbours::REFERRERS)]
    Referrers(NeighboursArguments),
    /// Show which objects some objects refer to
    #[command(after_help = neighbours::REFERENTS)]
    Referents(NeighboursArguments),
    /// Show what would go if some objects went, or what keeps these alive
    Dominated(DominatedArguments),
    /// Show who refers to some objects, who refers to those, and so on: heapy's reference
    /// pattern
    Pattern(PatternArguments),
    /// Write everything into one HTML file
    Report(ReportArguments),
    /// Show one object: its value, who refers to it, and what it refers to
    Show(ShowArguments),
    /// Show what is different between two or three snapshots: heapy's difference
    Diff(DiffArguments),
    /// Look at a process again and again, and tell what grows
    Watch(WatchArguments),
    /// Name what probably leaks, with the evidence
    Leaks(LeaksArguments),
    /// Show what a process does: stacks of threads, asyncio tasks, generators and greenlets
    Threads(ThreadsArguments),
    /// Show where the memory of a process is, in rows that add up to what is resident
    Memory(MemoryArguments),
    /// Show what of the memory could be saved: duplicates, empty room, __slots__, boxed numbers
    Waste(WasteArguments),
    /// Write a snapshot of a process or core, to be examined later or elsewhere
    ///
    /// The snapshot is a directory of Parquet tables; `exuvia heap`, `paths` and `show` take
    /// it instead of a PID.
    Dump(DumpArguments),
    /// Run Python code in a process, or in a copy of it
    Exec(ExecArguments),
    /// Open a Python prompt in a process, or in a copy of it
    Shell(ShellArguments),
    /// Watch exuvia find the leak of a small Python service that it starts
    Demo,
    /// Print the completions for a shell
    Completions(CompletionsArguments),
    /// Print the man page
    Man,
}

/// What `ps` was given.
#[derive(Debug, Args)]
pub(crate) struct PsArguments {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `completions` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia completions bash > ~/.local/share/bash-completion/completions/exuvia
  exuvia completions zsh > ~/.zfunc/_exuvia")]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_query::Term;

    fn parsed(line: &str) -> Result<Command, clap::error::ErrorKind> {
        Cli::try_parse_from(line.split(' '))
            .map(|cli| cli.command)
            .map_err(|error| error.kind())
    }

    fn paths(line: &str) -> PathsArguments {
        match parsed(line) {
            Ok(Command::Paths(arguments)) => arguments,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }

    #[test]
    fn paths_wants_a_selection() {
        use clap::error::ErrorKind::MissingRequiredArgument;
        assert_eq!(
            parsed("exuvia paths 1").unwrap_err(),
            MissingRequiredArgument
        );
        let any = |terms: &[Term]| Term::AnyOf(terms.to_vec());
        let selection = paths("exuvia paths 1 --row 10").selection();
        assert_eq!(selection.all_of, [any(&[Term::Row(10)])]);
        let selection = paths("exuvia paths 1 --kind a --row 2 --kind b").selection();
        let kinds = [Term::Kind("a".to_owned()), Term::Kind("b".to_owned())];
        assert_eq!(selection.all_of, [any(&kinds), any(&[Term::Row(2)])]);
    }

    #[test]
    fn addresses_are_hexadecimal_or_what_id_prints() {
        let at = |address| [Term::AnyOf(vec![Term::At(address)])];
        let selection = paths("exuvia paths 1 --at 0x7f00deadbeef").selection();
        assert_eq!(selection.all_of, at(0x7f00_dead_beef));
        let selection = paths("exuvia paths 1 --at 139640000000000").selection();
        assert_eq!(selection.all_of, at(139_640_000_000_000));
        assert!(parsed("exuvia show 1 0xhello").is_err());
        assert!(parsed("exuvia show 1 7f00deadbeef").is_err());
    }

    #[test]
    fn the_last_word_on_weak_references_counts() {
        assert!(!paths("exuvia paths 1 --row 0").weak());
        assert!(paths("exuvia paths 1 --row 0 --weak").weak());
        assert!(!paths("exuvia paths 1 --row 0 --weak --no-weak").weak());
    }

    #[test]
    fn limits_exclude_each_other() {
        use clap::error::ErrorKind::ArgumentConflict;
        assert_eq!(
            parsed("exuvia heap 1 --top 3 --all").unwrap_err(),
            ArgumentConflict
        );
        assert_eq!(
            parsed("exuvia heap 1 --json --csv").unwrap_err(),
            ArgumentConflict
        );
    }
}
