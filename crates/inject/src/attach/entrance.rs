use std::fs;
use std::thread;
use std::time::Duration;

use exuvia_cpython::{Invalid, Layout};
use exuvia_memory::{Fault, Memory, PageCache, RemoteAddress};
use exuvia_tracee::{Mappings, Pid, Process};

use super::errors::AttachError;
use super::memory::ProcessMemory;
use super::namespaces::numbers;
use crate::entry::{RuntimeState, Symbols};

/// How often a running process is looked at again: what is read may just be changing.
const TRIES: usize = 100;
/// How long after.
const PAUSE: Duration = Duration::from_millis(1);
/// The stack of a first thread whose limit is not known: the usual one.
const USUAL_STACK: u64 = 8 << 20;

/// A process with an interpreter, and everything about it that can be found out while it runs,
/// so that it stands still for no more than it has to.
#[derive(Debug)]
pub struct Entrance {
    pub(crate) layout: Layout,
    pub(crate) runtime: RemoteAddress,
    pub(crate) symbols: Symbols,
    /// The class `KeyboardInterrupt`.
    pub(crate) keyboard_interrupt: RemoteAddress,
    pub(crate) memory: ProcessMemory,
    pub(crate) stack_limit: u64,
    pub(crate) reads_scripts: bool,
}

impl Entrance {
    /// Looks at a running process, whose interpreter has its `_PyRuntime` at this address, and
    /// looks like this table says.
    pub fn new(
        process: &Process,
        mappings: &Mappings,
        mut layout: Layout,
        runtime: RemoteAddress,
    ) -> Result<Self, AttachError> {
        let pid = process.pid();
        let memory =
            ProcessMemory::open(pid).map_err(|source| AttachError::Memory { pid, source })?;
        fit(&mut layout, &memory, runtime)?;
        let symbols = Symbols::find(process, mappings)?;
        let mut word = [0; 8];
        memory.read_exact(symbols.keyboard_interrupt, &mut word)?;
        Ok(Self {
            layout,
            runtime,
            symbols,
            keyboard_interrupt: u64::from_le_bytes(word).into(),
            memory,
            stack_limit: stack_limit(pid).unwrap_or(USUAL_STACK),
            reads_scripts: sees_its_descriptors(pid),
        })
    }

    /// The same of a copy of the process.
    pub(crate) fn in_copy(mut self, clone: Pid) -> Result<Self, AttachError> {
        let memory = ProcessMemory::open(clone);
        self.memory = memory.map_err(|source| AttachError::Memory { pid: clone, source })?;
        Ok(self)
    }

    /// What the interpreter says of itself. It may be torn where the process runs.
    pub fn state(&self) -> Result<RuntimeState, Fault> {
        RuntimeState::read(&self.memory, &self.layout, self.runtime)
    }

    /// The same of a process that runs: where that is just changing it, it is read again.
    pub fn state_while_it_runs(&self) -> Result<RuntimeState, Fault> {
        let mut read = self.state();
        for _ in 0..TRIES {
            if read.is_ok() {
                break;
            }
            thread::sleep(PAUSE);
            read = self.state();
        }
        read
    }

    /// The table, fitted to the process.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The interpreter's functions.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// How large the stack of its first thread may become, in bytes.
    pub fn stack_limit(&self) -> u64 {
        self.stack_limit
    }
}

fn fit(layout: &mut Layout, memory: &ProcessMemory, runtime: RemoteAddress) -> Result<(), Invalid> {
    let mut last = Invalid::NoInterpreter;
    for _ in 0..TRIES {
        let mut fitted = layout.clone();
        match fitted.fit(&mut PageCache::new(memory, 0), runtime) {
            Ok(_) => {
                *layout = fitted;
                return Ok(());
            }
            Err(Invalid::NoInterpreter) => return Err(Invalid::NoInterpreter),
            Err(invalid) => last = invalid,
        }
    }
    Err(last)
}

/// Whether a process has a `/proc` in which it finds itself. That may be the one of its own namespace
/// of processes, or of one around it, so each of its numbers is tried; `self` would be this tool.
fn sees_its_descriptors(pid: Pid) -> bool {
    let mut numbers = numbers(pid, pid).into_iter();
    numbers.any(|number| fs::exists(format!("/proc/{pid}/root/proc/{number}/fd")).unwrap_or(false))
}

/// The limit of the stack, of `/proc/PID/limits`; none when it is unlimited or not known.
fn stack_limit(pid: Pid) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max stack size"))?;
    line.split_whitespace().next()?.parse().ok()
}
