use crate::{Fingerprint, Interpreter, Launch, Load, Target};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// How many clients ask a server at the same time.
const CLIENTS: usize = 4;

/// The program `injected server`, with files, sockets, shared memory and a child that somebody with
/// its descriptors could do harm to.
#[derive(Debug)]
pub struct LoadedServer {
    target: Target,
    port: u16,
}

/// What there is in a server without connections, from inside and from outside.
#[derive(Debug, Clone)]
pub struct AtRest {
    inside: Value,
    state: Value,
    fingerprint: Fingerprint,
    /// Resident bytes.
    pub resident: i64,
}

impl LoadedServer {
    /// Starts it with so many threads beside those of the server.
    pub fn start(interpreter: &Interpreter, threads: usize) -> Result<Self> {
        let launch = Launch::new(interpreter, "injected")?.arg("server");
        let mut target = launch.arg(threads.to_string()).start()?;
        let port = target.greeting()["port"].as_u64().context("no port")?;
        let folder = target.folder_for_itself().join("belongings");
        target.ask(&format!("belongings {}", folder.display()))?;
        Ok(Self {
            target,
            port: u16::try_from(port)?,
        })
    }

    /// The process.
    pub fn target(&mut self) -> &mut Target {
        &mut self.target
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.target.pid()
    }

    /// Lets clients ask it until the load is stopped.
    pub fn load(&self) -> Load {
        Load::start(self.port, CLIENTS)
    }

    /// How many bytes Python has allocated since this was first asked, and still uses; without
    /// connections.
    pub fn traced(&mut self) -> Result<i64> {
        self.target.ask("drain")?;
        let traced = self.target.ask("traced")?;
        traced.as_i64().context("no number of bytes")
    }

    /// What there is when the connections of a load, which has been stopped, have ended.
    pub fn at_rest(&mut self) -> Result<AtRest> {
        self.target.ask("drain")?;
        // The second answer: the first one's list of all objects leaves memory behind.
        self.target.ask("census")?;
        Ok(AtRest {
            inside: self.target.ask("census")?,
            state: self.target.ask("state")?,
            fingerprint: Fingerprint::of(self.pid())?,
            resident: resident(self.pid())?,
        })
    }
}

impl AtRest {
    /// What is not as it was, but for memory, where caches of the interpreter fill and are emptied; one
    /// text for each.
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let mut found = Vec::new();
        compare("", &self.inside, &later.inside, &mut found);
        compare("", &self.state, &later.state, &mut found);
        if self.fingerprint != later.fingerprint {
            let (before, after) = (&self.fingerprint, &later.fingerprint);
            found.push(format!(
                "the kernel shows {before:?} before, {after:?} after"
            ));
        }
        found
    }
}

/// Adds what differs, named by the keys that lead to it.
fn compare(name: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        if before != after {
            found.push(format!("{name}: {before} before, {after} after"));
        }
        return;
    };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        compare(&format!("{name} {key}"), &before[key], &after[key], found);
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
