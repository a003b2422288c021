//! From a PID to a snapshot: freeze, clone, let go, read the clone.

mod core;
mod error;
mod interpreter;
mod memory;
mod native;
mod regions;

pub(crate) use core::capture_core;
pub(crate) use error::CaptureError;

use crate::progress::Progress;
use exuvia_inject::attach::Entrance;
use exuvia_memory::Memory;
use exuvia_snapshot::{Capture, CaptureMode, Snapshot, ValuesKept};
use exuvia_tracee::{
    CloneError, FreezeError, Frozen, LiveMemory, MappingUsage, Mappings, Pid, Process,
    ProcessClone, ResidentPages, StuckThread,
};
use exuvia_walker::{NativeTraverse, Target, WalkOptions};
use interpreter::Interpreter;
use memory::{Ask, Before, Counted};
use native::ClonedCode;
use regions::Regions;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long all threads may take to stop.
const FREEZE_DEADLINE: Duration = Duration::from_secs(3);
/// How often more it is tried when threads had no time to stop.
const BUSY_TRIES: u32 = 3;
/// How often, and for how long in all, a moment without a running garbage collection is
/// looked for. Each try costs the target a fraction of a millisecond.
const SAFE_MOMENT_TRIES: u32 = 50;
const SAFE_MOMENT_DEADLINE: Duration = Duration::from_secs(5);
/// How much nicer than others the threads are that read a copy in the background.
const BACKGROUND: i32 = 10;
/// How long contents are digested.
const DIGEST_TIME: Duration = Duration::from_secs(20);
/// The pause between two tries grows up to this.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A clone of the process; where that is refused, the process itself.
    Clone,
    /// The process itself, while it stands still.
    Stop,
}

/// How to capture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CaptureOptions {
    /// What is read.
    pub(crate) mode: Mode,
    /// Which contents are kept; for none, not even names are read.
    pub(crate) values: Option<ValuesKept>,
    /// Whether types that no table describes are asked by their own code.
    pub(crate) native: bool,
    /// Whether the copy is read at a low priority, so that reading it again and again takes
    /// no processor from the target.
    pub(crate) in_background: bool,
    /// What else is found out.
    pub(crate) extras: Extras,
}

/// What only some questions need, because it takes time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extras {
    /// Where the memory of the process is.
    pub(crate) memory: bool,
    /// Which long contents are equal.
    pub(crate) digests: bool,
}

impl CaptureOptions {
    fn walk(&self) -> WalkOptions {
        walk_options(self.values, self.extras)
    }
}

fn walk_options(values: Option<ValuesKept>, extras: Extras) -> WalkOptions {
    // What is not kept at all is not told about either, and what is kept whole needs no digest.
    let is_cut = values == Some(ValuesKept::Short);
    WalkOptions {
        values,
        digests: (extras.digests && is_cut).then_some(DIGEST_TIME),
    }
}

/// The way into the interpreter of a process for code, which is looked for while it runs.
pub(crate) fn entrance(process: &Process) -> Result<Entrance, CaptureError> {
    let pid = process.pid().0;
    CaptureError::check_access(process)?;
    let interpreter = Interpreter::find(process).map_err(|error| error.in_process(pid))?;
    Ok(interpreter.entrance(process)?)
}

/// The same of a copy that was kept, which has a tracer of its own.
pub(crate) fn entrance_of_copy(copy: &Process) -> Result<Entrance, CaptureError> {
    let pid = copy.pid().0;
    let interpreter = Interpreter::find(copy).map_err(|error| error.in_process(pid))?;
    Ok(interpreter.entrance(copy)?)
}

/// Captures the heap of a process.
pub(crate) fn capture(
    pid: i32,
    options: &CaptureOptions,
    progress: &Progress,
) -> Result<Snapshot, CaptureError> {
    progress.phase("freezing");
    let process = Process::open(Pid(pid))?;
    CaptureError::check_access(&process)?;
    let mut interpreter = Interpreter::find(&process).map_err(|error| error.in_process(pid))?;
    let before = options
        .extras
        .memory
        .then(|| Before::ask(&process, &interpreter.mappings));
    let begun = Instant::now();
    let frozen = freeze_at_a_safe_moment(&process, &mut interpreter, progress)
        .map_err(|error| error.in_process(pid))?;
    let interpreter = interpreter;
    let reading = Reading {
        interpreter: &interpreter,
        before: before.as_ref(),
        options,
        progress,
    };
    let captured = match options.mode {
        Mode::Stop => stopped(frozen, &reading),
        Mode::Clone => cloned(frozen, &reading),
    };
    // The end of a process that is read itself takes its memory away; a clone stays whole.
    let is_whole = matches!(captured, Ok((_, CaptureMode::Clone, _)));
    if !is_whole && !process.is_alive() && !progress.cancelled() {
        return Err(CaptureError::Ended { pid });
    }
    let (mut snapshot, mode, stood_still) = captured.map_err(|error| error.in_process(pid))?;
    if !process.is_same_program() && process.is_alive() {
        return Err(CaptureError::AnotherProgram { pid });
    }
    snapshot
        .metadata
        .diagnostics
        .extend(interpreter.corrections());
    snapshot.metadata.process = exuvia_snapshot::Process {
        pid: pid.unsigned_abs(),
        command: process.arguments(),
        executable: interpreter.executable.clone(),
        python: interpreter.layout.version.to_string(),
        flavor: interpreter.layout.flavor.to_string(),
        resident: interpreter.resident,
        started: Some(process.started()),
    };
    snapshot.metadata.capture = Capture {
        time: now(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        mode,
        frozen: stood_still.as_secs_f64(),
        elapsed: begun.elapsed().as_secs_f64(),
        values: options.values.unwrap_or(ValuesKept::None),
        layout: interpreter.layout.source.clone(),
    };
    Ok(snapshot)
}

/// Freezes the process while no garbage collection runs; after too many tries, anyway.
fn freeze_at_a_safe_moment(
    process: &Process,
    interpreter: &mut Interpreter,
    progress: &Progress,
) -> Result<Frozen, CaptureError> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    let live = LiveMemory::open(process.pid(), &interpreter.mappings);
    let fits = interpreter.fit(&live).is_ok();
    for attempt in 1.. {
        // It remembers which pages exist, so each try needs a new one.
        let live = LiveMemory::open(process.pid(), &interpreter.mappings);
        let frozen = match Frozen::freeze_unless(process, FREEZE_DEADLINE, progress.flag()) {
            Err(FreezeError::Stuck { threads, .. })
                if attempt <= BUSY_TRIES && threads.iter().all(StuckThread::is_late) =>
            {
                continue;
            }
            frozen => frozen?,
        };
        if progress.cancelled() {
            return Err(CaptureError::Cancelled);
        }
        // Threads that come and go while the process runs can make it look wrong.
        if !fits {
            interpreter.fit(&live)?;
        }
        let is_last = attempt >= SAFE_MOMENT_TRIES || begun.elapsed() > SAFE_MOMENT_DEADLINE;
        if is_last || interpreter.is_at_a_safe_moment(&live) {
            return Ok(frozen);
        }
        frozen.release();
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Err(CaptureError::Cancelled)
}

type Captured = (Snapshot, CaptureMode, Duration);

/// What is read, and how.
#[derive(Clone, Copy)]
struct Reading<'a> {
    interpreter: &'a Interpreter,
    /// What the process said of its memory, if that is wanted.
    before: Option<&'a Before>,
    options: &'a CaptureOptions,
    progress: &'a Progress,
}

/// Reads a clone, while the process goes on.
fn cloned(frozen: Frozen, reading: &Reading<'_>) -> Result<Captured, CaptureError> {
    let pid = frozen.pid().0;
    let progress = reading.progress;
    let stack_pointers = stack_pointers(&frozen);
    let (clone, stood_still) = match frozen.fork_and_release() {
        Ok(forked) => forked,
        Err((_, CloneError::Ended)) => return Err(CaptureError::Ended { pid }),
        // It runs again, so that there is nothing to read.
        Err((_, reason @ CloneError::Blocked)) => {
            return Err(CaptureError::Blocked { pid, reason });
        }
        Err((frozen, refusal)) => {
            let reason = anyhow::Error::from(refusal);
            progress.note(&format!(
                "no clone ({reason:#}); reading while the process stands still"
            ));
            return stopped(frozen, reading);
        }
    };
    if reading.options.in_background {
        // From here on nothing stands still. Of this thread, and so of those that it starts;
        // the guardian, which was started before, stays as it is.
        let _ = rustix::process::nice(BACKGROUND);
    }
    let snapshot = read_clone(Pid(pid), &clone, &stack_pointers, reading)?;
    match clone.discard() {
        Ok(reaping) => Ok((snapshot, CaptureMode::Clone, stood_still + reaping)),
        Err(error) => {
            progress.note(&format!("{:#}", anyhow::Error::from(error)));
            Ok((snapshot, CaptureMode::Clone, stood_still))
        }
    }
}

fn read_clone(
    process: Pid,
    clone: &ProcessClone,
    stack_pointers: &[u64],
    reading: &Reading<'_>,
) -> Result<Snapshot, CaptureError> {
    let Reading {
        interpreter,
        before,
        options,
        progress,
    } = *reading;
    let mappings = Mappings::read(clone.pid())?;
    let memory = clone.memory()?;
    let mut regions = Regions::of(memory, &mappings);
    // A process that has ended can't say any more what it kept for itself.
    if let Ok(after) = Mappings::read(process) {
        regions.add_not_copied(&interpreter.mappings, &after, &mappings);
    }
    // Before code runs in the clone, which has memory of its own then.
    let usage = MappingUsage::read(clone.pid()).unwrap_or_default();
    let wiped = usage.iter().filter(|one| one.is_wiped_on_fork);
    regions.add_wiped(wiped.map(MappingUsage::range).collect());
    let mut code = ClonedCode::of(clone, progress.flag());
    let facts = before.map(|before| {
        progress.phase("counting memory");
        let resident = ResidentPages::open(clone.pid());
        let counted = Counted {
            memory,
            layout: &interpreter.layout,
            mappings: &mappings,
            stack_pointers,
            resident: &|range| resident.bytes(range),
            cancelled: &|| progress.cancelled(),
        };
        let ask = match options.native {
            true => Ask::Code(&mut code),
            false => Ask::Not("no code of the process is called with --no-native"),
        };
        counted.facts(before.allocator(), ask)
    });
    let native: Option<&mut dyn NativeTraverse> = match options.native {
        true => Some(&mut code),
        false => None,
    };
    let walked = exuvia_walker::walk_with_native(
        memory,
        &interpreter.target(&regions),
        &options.walk(),
        native,
        progress,
    )
    .map_err(CaptureError::from);
    // An interrupt takes the clone away.
    if walked.is_err() && !progress.cancelled() && !clone.is_alive() {
        return Err(CaptureError::CloneGone);
    }
    let mut snapshot = walked?;
    regions.tell_sizes(&mut snapshot.metadata.diagnostics);
    snapshot.mappings = match before {
        Some(before) => memory::rows_of_clone((&mappings, &usage), &interpreter.mappings, before),
        None => memory::bare_rows(&mappings),
    };
    snapshot.metadata.memory = facts;
    Ok(snapshot)
}

/// Reads the process itself while it stands still.
fn stopped(frozen: Frozen, reading: &Reading<'_>) -> Result<Captured, CaptureError> {
    let Reading {
        interpreter,
        before,
        options,
        progress,
    } = *reading;
    let mappings = Mappings::read(frozen.pid())?;
    let memory = LiveMemory::open(frozen.pid(), &mappings);
    let facts = before.map(|before| {
        progress.phase("counting memory");
        let resident = ResidentPages::open(frozen.pid());
        let counted = Counted {
            memory: &memory,
            layout: &interpreter.layout,
            mappings: &mappings,
            stack_pointers: &stack_pointers(&frozen),
            resident: &|range| resident.bytes(range),
            cancelled: &|| progress.cancelled(),
        };
        let ask = Ask::Not("the process itself was read, in which nothing is called");
        let usage = MappingUsage::read(frozen.pid()).unwrap_or_default();
        (counted.facts(before.allocator(), ask), usage)
    });
    let walked = walk(
        &memory,
        interpreter,
        &Regions::of(&memory, &mappings),
        options.walk(),
        progress,
    );
    let stood_still = frozen.release();
    let mut snapshot = walked?;
    match facts {
        Some((facts, usage)) => {
            snapshot.mappings = memory::rows(&mappings, &usage);
            snapshot.metadata.memory = Some(facts);
        }
        None => snapshot.mappings = memory::bare_rows(&mappings),
    }
    Ok((snapshot, CaptureMode::Stop, stood_still))
}

fn stack_pointers(frozen: &Frozen) -> Vec<u64> {
    let threads = frozen.threads().iter();
    threads.map(|thread| thread.stack_pointer).collect()
}

fn walk(
    memory: &impl Memory,
    interpreter: &Interpreter,
    regions: &Regions,
    options: WalkOptions,
    progress: &Progress,
) -> Result<Snapshot, CaptureError> {
    let target: Target<'_> = interpreter.target(regions);
    let mut snapshot = exuvia_walker::walk(memory, &target, &options, progress)?;
    regions.tell_sizes(&mut snapshot.metadata.diagnostics);
    Ok(snapshot)
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |elapsed| elapsed.as_secs_f64())
}
