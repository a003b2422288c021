use super::environment::Environment;
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt;
use std::fs;
use std::thread::available_parallelism;

/// What the figures were taken on.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    processor: String,
    cores: usize,
    /// Bytes.
    memory: u64,
    kernel: String,
    python: String,
    guppy: String,
}

impl Machine {
    /// This machine.
    pub(super) fn describe(environment: &Environment) -> Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let memory = fs::read_to_string("/proc/meminfo")?;
        let total = field(&memory, "MemTotal").context("/proc/meminfo has no MemTotal")?;
        let kilobytes: u64 = total.trim_end_matches("kB").trim().parse()?;
        let (major, minor, micro) = environment.interpreter.version;
        let linked = match environment.interpreter.shared {
            true => "shared",
            false => "static",
        };
        Ok(Self {
            processor: field(&processors, "model name")
                .unwrap_or("unknown processor")
                .to_owned(),
            cores: available_parallelism()?.get(),
            memory: kilobytes * 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            python: format!("{major}.{minor}.{micro} ({linked})"),
            guppy: environment.guppy.clone(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} cores, {:.0} GB, Linux {}, Python {}, guppy3 {}",
            self.processor,
            self.cores,
            self.memory as f64 / 1e9,
            self.kernel,
            self.python,
            self.guppy
        )
    }
}

/// The value behind `name:` in a text of such lines.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(field, _)| field.trim() == name)?;
    Some(value.trim())
}
