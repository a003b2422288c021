use super::service::Service;
use anyhow::{Context, Result};
use exuvia_testkit::Fingerprint;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;

/// Resident memory that comes and goes while the service idles: stacks, buffers.
const NOISE: i64 = 256 * 1024;

/// What there is in the service, and what the kernel shows of it.
#[derive(Debug)]
pub(super) struct Census {
    inside: Inside,
    fingerprint: Fingerprint,
    resident: i64,
}

/// What the service counts by itself.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Inside {
    objects: i64,
    modules: i64,
}

/// What is more after than before; memory in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Growth {
    objects: i64,
    modules: i64,
    threads: i64,
    files: i64,
    /// Zombies included.
    children: i64,
    resident: i64,
    /// Whether files or code were mapped or unmapped, or a thread is stopped or traced.
    disturbed: bool,
}

impl Census {
    /// What there is now.
    pub(super) fn take(service: &mut Service) -> Result<Self> {
        // The second answer: the first one's list of all objects leaves memory behind.
        let _: Inside = service.ask("census")?;
        let inside = service.ask("census")?;
        Ok(Self {
            inside,
            fingerprint: Fingerprint::of(service.pid())?,
            resident: resident(service.pid())?,
        })
    }

    /// What is more in a later census.
    pub(super) fn growth(&self, later: &Self) -> Growth {
        let (before, after) = (&self.fingerprint, &later.fingerprint);
        let more = |after: usize, before: usize| after as i64 - before as i64;
        Growth {
            objects: later.inside.objects - self.inside.objects,
            modules: later.inside.modules - self.inside.modules,
            threads: more(after.threads.len(), before.threads.len()),
            files: more(after.files.len(), before.files.len()),
            children: more(after.children.len(), before.children.len()),
            resident: later.resident - self.resident,
            disturbed: before != after,
        }
    }
}

impl Growth {
    /// Whether nothing came that idling does not bring as well.
    pub(super) fn is_none(&self) -> bool {
        let counts = [
            self.objects,
            self.modules,
            self.threads,
            self.files,
            self.children,
        ];
        counts == [0; 5] && !self.disturbed && self.resident <= NOISE
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.write_str("none");
        }
        let counts = [
            (self.objects, "objects"),
            (self.modules, "modules"),
            (self.threads, "threads"),
            (self.files, "files"),
            (self.children, "children"),
        ];
        for (more, what) in counts {
            if more != 0 {
                write!(f, "{more:+} {what}, ")?;
            }
        }
        write!(f, "{:+.1} MB", self.resident as f64 / 1e6)
    }
}

/// Resident bytes, counted page by page: `VmRSS` may be off by some pages for each thread.
fn resident(pid: u32) -> Result<i64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let mut lines = rollup.lines();
    let line = lines.find_map(|line| line.strip_prefix("Rss:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: i64 = number.context("smaps_rollup has no Rss")?.parse()?;
    Ok(kilobytes * 1024)
}
