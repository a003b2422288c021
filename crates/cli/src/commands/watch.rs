use super::dump;
use crate::arguments::{CoreArguments, WatchArguments};
use crate::capture::{CaptureError, CaptureOptions, Extras, Mode};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::target::{self, Source};
use crate::views::watch::{End, Look, Report};
use exuvia_query::{Classifier, Heap, History};
use exuvia_snapshot::{Snapshot, ValuesKept};
use exuvia_tracee::{Pid, Process};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// After so many looks in a row that failed there is nothing to watch.
const FAILURES: u32 = 3;

/// How long it takes at most until an end of the process, or a signal, is noticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// Looks at a process again and again, and tells what grows.
pub(super) fn run(arguments: &WatchArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    let pid = match Source::parse(&arguments.target, &CoreArguments::default())? {
        Source::Process(pid) => pid,
        Source::Core { path, .. } => {
            return Err(Failure::new(format_args!(
                "{} is a core file, in which nothing grows",
                path.display()
            ))
            .hint("`exuvia diff` compares two of them".to_owned()));
        }
    };
    let process =
        Process::open(Pid(pid)).map_err(|error| CaptureError::from(error).into_failure())?;
    if let Some(folder) = &arguments.output {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::new(format_args!("{}: {error}", folder.display())))?;
    }
    // A signal ends the watching, and the summary still comes.
    let deferred = interrupts.defer();
    let mut watch = Watch {
        arguments,
        interrupts,
        process,
        pid,
        history: History::default(),
        report: Report::new(arguments.format(), arguments.top),
        begun: Instant::now(),
        failures: 0,
    };
    let end = watch.look_until_the_end()?;
    let Watch {
        history,
        mut report,
        ..
    } = watch;
    let written = report.summary(&history, end);
    drop(deferred);
    written
}

struct Watch<'a> {
    arguments: &'a WatchArguments,
    interrupts: &'a Interrupts,
    process: Process,
    pid: i32,
    history: History,
    report: Report,
    begun: Instant,
    failures: u32,
}

impl Watch<'_> {
    fn look_until_the_end(&mut self) -> Result<End, Failure> {
        for tick in 0.. {
            if let Some(end) = self.wait_for(tick) {
                return Ok(end);
            }
            match self.look() {
                Ok(()) => self.failures = 0,
                Err(Failure::OutputClosed) => return Err(Failure::OutputClosed),
                Err(Failure::Interrupted(signal)) if self.history.ticks() == 0 => {
                    return Err(Failure::Interrupted(signal));
                }
                Err(Failure::Interrupted(_)) => return Ok(End::Interrupted),
                Err(failure) if self.history.ticks() == 0 => return Err(failure),
                Err(_) if self.has_ended() => return Ok(End::Ended),
                Err(failure) => {
                    self.failures += 1;
                    // The next look may succeed: a thread that could not be stopped, say.
                    failure.report();
                    if self.failures == FAILURES {
                        return Ok(End::Failed);
                    }
                }
            }
            if Some(self.history.ticks() as u64) == self.arguments.count {
                return Ok(End::Reached);
            }
        }
        Ok(End::Reached)
    }

    /// Waits for the moment of a look; the reason, if it does not come.
    fn wait_for(&self, tick: u32) -> Option<End> {
        let moment = self.arguments.every.checked_mul(tick)?;
        let last = self.arguments.duration.unwrap_or(Duration::MAX);
        // What comes too late because a look took longer than the interval is left out by
        // looking at once, and no more often than that.
        loop {
            if self.interrupts.flag().load(Ordering::Relaxed) && self.history.ticks() > 0 {
                return Some(End::Interrupted);
            }
            if tick > 0 && self.has_ended() {
                return Some(End::Ended);
            }
            let elapsed = self.begun.elapsed();
            if elapsed >= last && tick > 0 {
                return Some(End::Reached);
            }
            if elapsed >= moment {
                return None;
            }
            std::thread::sleep(PATIENCE.min(moment.min(last).saturating_sub(elapsed)));
        }
    }

    fn has_ended(&self) -> bool {
        !self.process.is_alive() || !self.process.is_same_program()
    }

    /// Looks at the process once. Of the heap only the table is kept.
    fn look(&mut self) -> Result<(), Failure> {
        let snapshot = self.capture()?;
        if self.history.ticks() == 0 {
            target::warn(&snapshot.metadata);
        }
        let kept = match &self.arguments.output {
            Some(folder) => self.keep(&snapshot, folder)?,
            None => None,
        };
        let heap = Heap::new(snapshot);
        let partition = heap.partition(Classifier::Kind);
        let metadata = &heap.snapshot().metadata;
        let changes = self.history.add(metadata.capture.time, &partition);
        let look = Look {
            tick: self.history.ticks() - 1,
            process: &metadata.process,
            capture: &metadata.capture,
            outside: partition.outside,
            snapshot: kept,
            changes,
        };
        self.report.look(&look, &self.history, self.arguments.every)
    }

    /// On a thread of its own, whose priority can be lowered and goes with it.
    fn capture(&self) -> Result<Snapshot, Failure> {
        let values = self.arguments.output.as_ref().map(|_| ValuesKept::Short);
        let options = CaptureOptions {
            extras: Extras::default(),
            mode: Mode::Clone,
            values,
            native: self.arguments.native.native(),
            in_background: true,
        };
        let capture = || target::capture(self.pid, &options, self.interrupts);
        std::thread::scope(|scope| {
            let captured = scope.spawn(capture).join();
            captured.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Keeps a snapshot; without one for the reason that is told, the table goes on.
    fn keep(&self, snapshot: &Snapshot, folder: &Path) -> Result<Option<PathBuf>, Failure> {
        let time = chrono::Utc::now().format("%Y%m%d-%H%M%S");
        let tick = self.history.ticks();
        let path = folder.join(format!("python-{}-{time}-{tick}.exuvia", self.pid));
        match dump::write(snapshot, &path, self.interrupts) {
            Ok(_) => Ok(Some(path)),
            Err(interrupted @ Failure::Interrupted(_)) => Err(interrupted),
            Err(failure) => {
                failure.report();
                Ok(None)
            }
        }
    }
}
