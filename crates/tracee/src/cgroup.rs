use std::path::{Path, PathBuf};

use crate::{Pid, Process};

/// Whether the memory that a clone takes at once fits under the limits of the process's
/// memory cgroup.
///
/// A clone shares every page with the original; what it needs are tables of pages, as large
/// as the original's, and the description of its mappings. Running into the limit would
/// wake the kernel's killer, so the answer errs on the careful side.
pub(crate) fn has_headroom(process: &Process) -> Result<(), NoHeadroom> {
    const MARGIN: u64 = 8 << 20;
    let tables = process
        .status()
        .and_then(|status| status.vmpte)
        .unwrap_or(0)
        * 1024;
    let needed = tables + MARGIN;
    match available(process.pid()) {
        Some(available) if available < needed => Err(NoHeadroom { available, needed }),
        _ => Ok(()),
    }
}

/// Both in bytes.
pub(crate) struct NoHeadroom {
    pub(crate) available: u64,
    pub(crate) needed: u64,
}

/// The least that is left in the cgroup and those around it, or `None` without any limit.
fn available(pid: Pid) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    text.lines().filter_map(available_in_hierarchy).min()
}

/// The names of a version of the cgroup file system.
struct Version {
    root: &'static str,
    limit: &'static str,
    usage: &'static str,
    /// In `memory.stat`: file contents, which the kernel drops when it needs the room.
    reclaimable: [&'static str; 2],
}

const SECOND: Version = Version {
    root: "/sys/fs/cgroup",
    limit: "memory.max",
    usage: "memory.current",
    reclaimable: ["inactive_file ", "active_file "],
};

const FIRST: Version = Version {
    root: "/sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    reclaimable: ["total_inactive_file ", "total_active_file "],
};

/// For a line of `/proc/PID/cgroup` such as `0::/system.slice/web.service`.
fn available_in_hierarchy(line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':');
    let (hierarchy, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let version = match hierarchy {
        "0" => SECOND,
        _ if controllers.split(',').any(|name| name == "memory") => FIRST,
        _ => return None,
    };
    let group = Path::new(version.root).join(path.trim_start_matches('/'));
    let groups = group
        .ancestors()
        .take_while(|group| group.starts_with(version.root));
    groups
        .filter_map(|group| available_in_group(&version, group.to_path_buf()))
        .min()
}

fn available_in_group(version: &Version, group: PathBuf) -> Option<u64> {
    let number = |file| {
        std::fs::read_to_string(group.join(file))
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    // "max" in the second version is no number.
    let limit = number(version.limit)?;
    let usage = number(version.usage)?;
    let statistics = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let reclaimable = statistics.lines().filter_map(|line| {
        let mut values = version
            .reclaimable
            .iter()
            .filter_map(|name| line.strip_prefix(name));
        values.next()?.parse::<u64>().ok()
    });
    Some(limit.saturating_sub(usage.saturating_sub(reclaimable.sum())))
}
