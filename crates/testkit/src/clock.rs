//! A clock inside of a target, which tells for how long all of its threads stood still.

use crate::Target;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Starts the clock of `programs/clock.c` in a target that runs `injected`. The target's command
/// `gap` is the longest time, in seconds, that it missed since it was last asked. Returns whether the
/// clock goes before every other thread of the machine; else what it misses includes the time for
/// which it waits for a processor.
pub fn start(target: &mut Target) -> Result<bool> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/clock.c");
    let mut command = Command::new("cc");
    command
        .args(["-O2", "-shared", "-fPIC", "-nostdlib", "-o"])
        .arg(target.folder().join("clock.so"))
        .arg(source);
    let output = command
        .output()
        .with_context(|| format!("running {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let file = target.folder_for_itself().join("clock.so");
    let answer = target.ask(&format!("clock {}", file.display()))?;
    answer.as_bool().context("no answer of the clock")
}
