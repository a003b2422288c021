use super::environment::Environment;
use super::sizes::Size;
use super::tool::Tool;
use crate::cargo;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The running `service.py`. Dropping it kills it and reaps it.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What the heartbeat missed, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Gaps {
    /// The longest time between two beats.
    pub(super) longest: f64,
    /// All times of more than 5 ms between two beats.
    pub(super) still: f64,
}

/// How many objects the interpreter and each customer of the service come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mix {
    base: f64,
    per_customer: f64,
}

impl Service {
    /// Starts it with so many customers, and waits until its heap is filled.
    pub(super) fn start(environment: &Environment, customers: u64) -> Result<Self> {
        Self::with_tickets(environment, customers, 0)
    }

    /// The same, with so many tickets besides.
    pub(super) fn with_tickets(
        environment: &Environment,
        customers: u64,
        tickets: u64,
    ) -> Result<Self> {
        let program = cargo::root().join("xtask/bench/service.py");
        // A user's variables and site folder would make the heap differ from machine to
        // machine; the warnings are about forks of a process with threads.
        let mut child = Command::new(&environment.python)
            .args(["-E", "-s", "-B", "-W", "ignore"])
            .arg(program)
            .args([customers.to_string(), tickets.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the service")?;
        let stdin = child.stdin.take().context("no pipe for stdin")?;
        let stdout = child.stdout.take().context("no pipe for stdout")?;
        let mut service = Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        };
        let _ready: String = service.answer()?;
        Ok(service)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the heartbeat missed since this was last asked.
    pub(super) fn gaps(&mut self) -> Result<Gaps> {
        self.ask("gaps")
    }

    /// Sends a command and waits for the answer.
    pub(super) fn ask<T: DeserializeOwned>(&mut self, command: &str) -> Result<T> {
        writeln!(self.stdin, "{command}")?;
        self.stdin.flush()?;
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the service answered {line:?}"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill, only to reap.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mix {
    /// Has exuvia count two services that differ by their customers alone.
    pub(super) fn measure(environment: &Environment, tool: &Tool) -> Result<Self> {
        const CUSTOMERS: u64 = 10_000;
        let count = |customers| {
            let service = Service::start(environment, customers)?;
            anyhow::Ok(tool.count_objects(service.pid())? as f64)
        };
        let base = count(0)?;
        let filled = count(CUSTOMERS)?;
        Ok(Self {
            base,
            per_customer: (filled - base) / CUSTOMERS as f64,
        })
    }

    /// How many customers make a service of this size.
    pub(super) fn customers_for(self, size: Size) -> u64 {
        let customers = (size.objects() as f64 - self.base) / self.per_customer;
        customers.max(0.0).round() as u64
    }
}
