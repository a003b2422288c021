use super::{CoreArguments, NativeArguments};
use clap::Args;
use std::ffi::OsString;

/// What a command looks at, and how it is read.
#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// A PID, a snapshot directory, or a core file
    pub(crate) target: OsString,
    #[command(flatten)]
    pub(crate) core: CoreArguments,
    #[command(flatten)]
    pub(crate) native: NativeArguments,
}
