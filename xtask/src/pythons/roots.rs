//! Debian systems below a folder.

use super::cache::Staging;
use super::commands::{apt_in, output, succeed, tool, tool_in};
use super::requirements::require;
use anyhow::{Result, ensure};
use std::env;
use std::fs;
use std::path::Path;

/// Where to load packages from; debootstrap knows the usual place.
const MIRROR: &str = "EXUVIA_DEBIAN_MIRROR";

/// One Debian system.
pub(super) struct Root {
    /// The name of its folder.
    pub(super) name: &'static str,
    suite: &'static str,
    /// Its interpreters. What the suite does not have (any more) is left out.
    packages: &'static [&'static str],
}

/// Static, stripped and not position-independent, as Debian builds them. The unstable suite
/// also has debug builds, and the debug information and headers that layouts are made from. It
/// moves on, so that nothing here may rely on a micro version.
pub(super) const ALL: &[Root] = &[
    Root {
        name: "debian-bullseye",
        suite: "bullseye",
        packages: &["python3.9"],
    },
    Root {
        name: "debian-trixie",
        suite: "trixie",
        packages: &["python3.13"],
    },
    Root {
        name: "debian-sid",
        suite: "sid",
        packages: &[
            "python3.13",
            "python3.13-dbg",
            "python3.14",
            "python3.14-dbg",
            "python3.14-dev",
            "python3.15",
            "python3.15-dbg",
            "python3.15-dev",
        ],
    },
];

impl Root {
    pub(super) fn make(&self, staging: &Staging) -> Result<()> {
        ensure!(
            exuvia_testkit::is_root(),
            "only root can make and use a root"
        );
        require(&["debootstrap"], &staging.log)?;
        // In a mount namespace of its own, so that nothing stays mounted when it is interrupted.
        let mut command = if succeed(tool("unshare").args(["--mount", "true"])).is_ok() {
            let mut command = tool("unshare");
            command.args(["--mount", "debootstrap"]);
            command
        } else {
            tool("debootstrap")
        };
        command
            .args(["--variant=minbase", self.suite])
            .arg(&staging.tree);
        command.args(env::var_os(MIRROR));
        staging.log.run(&mut command)?;
        self.install(staging)
    }

    fn install(&self, staging: &Staging) -> Result<()> {
        let root = &staging.tree;
        staging.log.run(apt_in(root).arg("update"))?;
        let known = output(tool_in(root, "apt-cache").args(["pkgnames", "python3."]))?;
        let is_known = |package: &&&str| known.lines().any(|name| name == **package);
        let packages: Vec<_> = self.packages.iter().filter(is_known).collect();
        ensure!(!packages.is_empty(), "{} has no Python", self.suite);
        let mut install = apt_in(root);
        install.args(["install", "--yes", "--no-install-recommends"]);
        staging.log.run(install.args(packages))?;
        clean(root, staging)
    }
}

/// Without the packages and their lists a root is half as large.
pub(super) fn clean(root: &Path, staging: &Staging) -> Result<()> {
    staging.log.run(apt_in(root).arg("clean"))?;
    let lists = root.join("var/lib/apt/lists");
    fs::remove_dir_all(&lists)?;
    Ok(fs::create_dir(lists)?)
}
