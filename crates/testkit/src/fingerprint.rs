use crate::eventually::eventually;
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What the kernel shows of a process. Two that were taken at rest, before and after exuvia
/// looked at the process, are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its threads, and whether each is stopped or traced.
    pub threads: BTreeMap<u32, Halt>,
    /// Its children, zombies included.
    pub children: BTreeSet<u32>,
    /// Its open files: descriptor and what it leads to.
    pub files: BTreeMap<String, PathBuf>,
    /// The mappings of executable memory and of files.
    pub images: BTreeSet<String>,
}

/// Whether a thread stands still for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halt {
    /// It is stopped, by a signal or by a tracer.
    pub stopped: bool,
    /// The process that traces it; 0 for none.
    pub tracer: u32,
}

impl Fingerprint {
    /// What the kernel shows of a process now.
    pub fn of(pid: u32) -> Result<Self> {
        let mut threads = BTreeMap::new();
        let mut children = BTreeSet::new();
        for task in tasks(pid)? {
            threads.insert(number_of(&task)?, halt(&task)?);
            children.extend(children_of_task(&task)?);
        }
        Ok(Self {
            threads,
            children,
            files: files(pid)?,
            images: images(pid)?,
        })
    }

    /// Asserts that a process is now as it was then, and that nobody traces it.
    pub fn assert_unchanged(&self, pid: u32) -> Result<()> {
        self.assert_same(&Self::of(pid)?)
            .with_context(|| format!("process {pid}"))
    }

    /// Waits until a process is as it was then: a thread or a child that has ended for itself takes a
    /// moment longer for the kernel.
    pub fn wait_until_unchanged(&self, pid: u32) -> Result<()> {
        eventually(|| self.assert_unchanged(pid))
    }

    /// The same for what was found now.
    pub(crate) fn assert_same(&self, now: &Self) -> Result<()> {
        ensure!(
            now == self,
            "not as it was\nbefore: {self:#?}\nafter: {now:#?}"
        );
        for (thread, halt) in &now.threads {
            ensure!(halt.tracer == 0, "thread {thread} is traced");
        }
        Ok(())
    }
}

/// The letter of a process's state in `/proc/PID/status`: `R`, `S`, `T`, `t`, `D`, `Z`.
pub fn state_of(pid: u32) -> Result<char> {
    let line = status_field(&process(pid), "State")?;
    line.chars().next().context("an empty state")
}

/// The process that traces a process; 0 for none.
pub fn tracer_of(pid: u32) -> Result<u32> {
    Ok(status_field(&process(pid), "TracerPid")?.parse()?)
}

/// The children of a process that ended and were not waited for.
pub fn zombies_of(pid: u32) -> Result<Vec<u32>> {
    let mut zombies = Vec::new();
    for task in tasks(pid)? {
        for child in children_of_task(&task)? {
            // A child that is gone by now was reaped, so it is no zombie.
            if state_of(child).is_ok_and(|state| state == 'Z') {
                zombies.push(child);
            }
        }
    }
    Ok(zombies)
}

fn halt(task: &Path) -> Result<Halt> {
    let state = status_field(task, "State")?;
    Ok(Halt {
        stopped: state.starts_with(['T', 't']),
        tracer: status_field(task, "TracerPid")?.parse()?,
    })
}

/// The processes that a thread has started, zombies included.
pub(crate) fn children_of_task(task: &Path) -> Result<Vec<u32>> {
    let children = fs::read_to_string(task.join("children"))?;
    children
        .split_whitespace()
        .map(|child| Ok(child.parse()?))
        .collect()
}

fn files(pid: u32) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(process(pid).join("fd"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read_link(entry.path())?);
    }
    Ok(files)
}

/// Anonymous memory comes and goes with the target's own work; files and code don't.
fn images(pid: u32) -> Result<BTreeSet<String>> {
    let maps = fs::read_to_string(process(pid).join("maps"))?;
    let is_image = |line: &&str| {
        let mut fields = line.split_whitespace();
        let permissions = fields.nth(1).unwrap_or_default();
        permissions.contains('x') || line.contains('/')
    };
    Ok(maps.lines().filter(is_image).map(str::to_owned).collect())
}

/// The folders of a process's threads.
pub(crate) fn tasks(pid: u32) -> Result<Vec<PathBuf>> {
    let folder = process(pid).join("task");
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn number_of(task: &Path) -> Result<u32> {
    let name = task.file_name().context("a path without a name")?;
    Ok(name.to_string_lossy().parse()?)
}

/// A line of `status` in the folder of a process or of a thread.
pub(crate) fn status_field(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join("status");
    let status = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    for line in status.lines() {
        if let Some((field, value)) = line.split_once(':')
            && field == name
        {
            return Ok(value.trim().to_owned());
        }
    }
    bail!("{} has no {name}", path.display())
}

pub(crate) fn process(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}
