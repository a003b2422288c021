use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Sends a signal to one process.
pub fn send_signal(pid: u32, signal: Signal) -> Result<()> {
    kill_process(as_pid(pid)?, signal).with_context(|| format!("no signal to {pid}"))
}

/// Waits until a child of this process has stopped, and leaves that to be seen again.
pub fn wait_until_stopped(pid: u32) -> Result<()> {
    wait(pid, WaitIdOptions::STOPPED)
}

/// Waits until a child of this process has ended, and leaves it a zombie.
pub fn wait_until_exited(pid: u32) -> Result<()> {
    wait(pid, WaitIdOptions::EXITED)
}

fn wait(pid: u32, event: WaitIdOptions) -> Result<()> {
    waitid(
        WaitId::Pid(as_pid(pid)?),
        event.union(WaitIdOptions::NOWAIT),
    )?;
    Ok(())
}

pub(crate) fn as_pid(pid: u32) -> Result<Pid> {
    Pid::from_raw(i32::try_from(pid)?).context("0 is no process")
}
