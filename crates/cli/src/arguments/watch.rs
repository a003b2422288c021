use super::{Format, FormatArguments, NativeArguments};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// What `watch` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia watch 4242                       every minute, until Ctrl-C
  exuvia watch 4242 --every 10s --for 1h
  exuvia watch 4242 --every 5m --count 12 -o /var/tmp/growth
                                          keeps the snapshots, for `exuvia diff`
  exuvia watch 4242 --json                one line of JSON for each look")]
pub(crate) struct WatchArguments {
    /// A PID
    pub(crate) target: std::ffi::OsString,
    /// The time from one look to the next: 10s, 5m, 1h
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = interval)]
    pub(crate) every: Duration,
    /// End after so many looks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// End after this time: 90s, 1h, 1h 30m
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// Keep a snapshot of each look in this directory, which is made if it is missing
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Show the N kinds that grew most
    #[arg(long, value_name = "N", default_value_t = super::DEFAULT_LIMIT)]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) native: NativeArguments,
    #[command(flatten)]
    format: FormatArguments,
}

/// Each look costs the process a fork: more often than this is no watching.
const SHORTEST: Duration = Duration::from_millis(100);

impl WatchArguments {
    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match interval < SHORTEST {
        true => Err("each look costs the process a fork; 100ms at least".to_owned()),
        false => Ok(interval),
    }
}
