use clap::Args;

/// `--no-native`.
#[derive(Debug, Args)]
pub(crate) struct NativeArguments {
    /// Don't call the code of extension types, in the clone of a process, to find out what
    /// their objects refer to. Their memory is scanned instead, which may find too many
    /// references or too few
    #[arg(long)]
    no_native: bool,
}

impl NativeArguments {
    /// Whether code of extension types may be called.
    pub(crate) fn native(&self) -> bool {
        !self.no_native
    }
}
