use super::conversation::Conversation;
use anyhow::{Context, Result};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

/// What the shell writes when it waits for input.
pub(super) const PROMPT: &str = ">>> ";

/// `exuvia shell` on a terminal of its own, and the other end of the terminal.
pub(super) fn on_terminal(exuvia: &Path, words: &[&str]) -> Result<(Conversation, File)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed())
        .open(OsStr::from_bytes(name.to_bytes()))?;
    let size = Winsize {
        ws_row: 40,
        ws_col: 120,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size)?;
    let child = Command::new(exuvia)
        .arg("shell")
        .args(words)
        .env("TERM", "xterm")
        .stdin(terminal.try_clone()?)
        .stdout(terminal.try_clone()?)
        .stderr(terminal)
        .spawn()
        .with_context(|| format!("starting {}", exuvia.display()))?;
    let master = File::from(master);
    let shell = Conversation::with(child, master.try_clone()?);
    Ok((shell, master))
}

/// One line for the shell, ended as by the key.
pub(super) fn type_line(keys: &mut File, line: &str) -> Result<()> {
    keys.write_all(format!("{line}\r").as_bytes())?;
    Ok(())
}
