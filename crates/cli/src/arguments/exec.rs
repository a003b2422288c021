use super::InsideArguments;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// What `exec` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
The code of -c, and that of `-`, runs in the namespace of the program's __main__; a FILE and a
@payload run in one of their own. FILE's folder is not in sys.path: what lies beside it can be
imported with --with-path. Output of the code comes here, that of other threads stays where it
belongs. The exit status is 0, or 1 if the code raises (the traceback is on stderr), or that of
SystemExit, or 124 if it took longer than --timeout.

Examples:
  exuvia exec 4242 -c 'import gc; print(len(gc.get_objects()))'
  exuvia exec 4242 repair.py -- --dry-run   a script, and its sys.argv
  exuvia exec 4242 @gc                      a ready payload; --list-payloads names all
  exuvia exec 4242 --clone -c 'cache.clear(); import gc; print(gc.collect())'
                                            try it in a copy first")]
pub(crate) struct ExecArguments {
    /// A PID
    #[arg(required_unless_present = "list_payloads")]
    pub(crate) target: Option<i32>,
    #[command(flatten)]
    source: SourceArguments,
    /// List the ready payloads
    #[arg(long)]
    pub(crate) list_payloads: bool,
    /// The thread that runs the code: a new one, or the main one between two of its instructions
    #[arg(long, value_name = "THREAD", value_enum, default_value_t = PlaceArgument::New)]
    pub(crate) thread: PlaceArgument,
    /// Interrupt the code after this time: 30s, 5m
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Print one JSON document, with the output in it
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) inside: InsideArguments,
    /// What the code finds in sys.argv after its own name
    #[arg(last = true, value_name = "ARGUMENT")]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct SourceArguments {
    /// Run this code
    #[arg(short = 'c', value_name = "CODE", allow_hyphen_values = true)]
    code: Option<String>,
    /// Run this file; `-` is stdin, and @NAME a ready payload
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// `--thread`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlaceArgument {
    /// The main thread, which does nothing else meanwhile.
    Main,
    /// One that is started for it.
    New,
}

/// Where code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// The command line.
    Text(&'a str),
    /// A file.
    File(&'a std::path::Path),
    /// Stdin.
    Stdin,
    /// A ready payload, by its name without the `@`.
    Payload(&'a str),
}

impl ExecArguments {
    /// Where the code comes from; none when nothing was said.
    pub(crate) fn source(&self) -> Option<Source<'_>> {
        if let Some(code) = &self.source.code {
            return Some(Source::Text(code));
        }
        let file = self.source.file.as_deref()?;
        Some(match file.to_str() {
            Some("-") => Source::Stdin,
            Some(text) => match text.strip_prefix('@') {
                Some(payload) => Source::Payload(payload),
                None => Source::File(file),
            },
            None => Source::File(file),
        })
    }
}
