use clap::Args;
use std::time::Duration;

/// How code gets into a process.
#[derive(Debug, Args)]
pub(crate) struct InsideArguments {
    /// Run it in a copy of the process, which is thrown away: the process itself is not touched
    #[arg(long)]
    pub(crate) clone: bool,
    /// Keep that copy, so that the next one sees the same moment
    #[arg(long, requires = "clone")]
    pub(crate) keep: bool,
    /// How much memory the copy may take besides what it has, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, requires = "clone")]
    memory: u64,
    /// For how long the copy may exist
    #[arg(long, value_name = "TIME", default_value = "1h", requires = "clone", value_parser = humantime::parse_duration)]
    pub(crate) time: Duration,
    /// Wait so long for a moment in which the process lets code in
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) wait: Duration,
    /// Put this folder in front of sys.path meanwhile; can be repeated
    #[arg(long, value_name = "DIR")]
    pub(crate) with_path: Vec<std::path::PathBuf>,
    /// Let the process log one line about it on its stderr
    #[arg(long)]
    pub(crate) announce: bool,
}

impl InsideArguments {
    /// How many bytes a copy may ask for.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.saturating_mul(1 << 20)
    }
}
