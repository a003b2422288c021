//! The packages of this machine that making an interpreter needs.

use super::commands::{Log, output, tool};
use anyhow::{Result, ensure};

/// Sees to it that packages are installed: installs them when this is root, else an error
/// says which are missing.
pub(super) fn require(packages: &[&str], log: &Log) -> Result<()> {
    let missing: Vec<_> = packages
        .iter()
        .copied()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    ensure!(
        exuvia_testkit::is_root(),
        "packages are missing: `apt-get install {list}`, or run this as root"
    );
    eprintln!("installing {list}");
    let install = || {
        let mut command = tool("apt-get");
        command.args(["install", "--yes", "--no-install-recommends"]);
        log.run(command.args(&missing))
    };
    // The lists of packages of a new machine are empty or old.
    install().or_else(|_| {
        log.run(tool("apt-get").arg("update"))?;
        install()
    })
}

fn is_installed(package: &str) -> bool {
    let mut command = tool("dpkg-query");
    let status = output(command.args(["--show", "--showformat=${db:Status-Abbrev}", package]));
    status.is_ok_and(|status| status.starts_with("ii"))
}
