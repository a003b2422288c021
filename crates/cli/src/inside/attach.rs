//! From a process to a connection with code in it, or in a copy of it.

use super::Wanted;
use crate::capture::{self, CaptureError};
use crate::error::Failure;
use crate::progress::Progress;
use exuvia_inject::attach::{self, AttachError, Grip};
use exuvia_inject::copy::{self, CopyError, CopyHold, CopyWish};
use exuvia_inject::entry;
use exuvia_inject::{Attached, Interrupter, Place, ServingThread, program, stash};
use exuvia_memory::RemoteAddress;
use exuvia_tracee::{KeptError, Pid, Process, ProcessClone};
use std::error::Error;
use std::time::{Duration, Instant};

/// How long a copy or a thread that ends may take for it.
const ENDING: Duration = Duration::from_secs(1);
/// How often that is looked at.
const MOMENT: Duration = Duration::from_micros(200);

/// Lets code into the process, or into a copy of it.
pub(super) fn attach(wanted: &Wanted, progress: &Progress) -> Result<Attached, Failure> {
    let process =
        Process::open(Pid(wanted.pid)).map_err(|error| CaptureError::from(error).into_failure())?;
    match ProcessClone::find_kept(process.pid()) {
        Ok(clone) => return into_kept(&process, clone),
        Err(KeptError::NoneKept(_)) => {}
        Err(error) => return Err(not_kept(error)),
    }
    match wanted.options.clone {
        true => into_copy(&process, wanted, progress),
        false => into_process(&process, wanted, progress),
    }
}

fn into_process(
    process: &Process,
    wanted: &Wanted,
    progress: &Progress,
) -> Result<Attached, Failure> {
    let entrance = capture::entrance(process).map_err(CaptureError::into_failure)?;
    let wish = attach::Wish {
        wanted: match wanted.place {
            Place::Here => entry::Wanted::Main,
            Place::NewThread => entry::Wanted::Any,
        },
        code: &|descriptor| program(descriptor, wanted.place),
        wait: wanted.options.wait,
        interrupt: progress.flag(),
        notice: &|threads| {
            progress.note("nobody lets code in yet; waiting until a thread is between two calls");
            for thread in threads {
                progress.note(&format!("  {thread}"));
            }
        },
    };
    let live = attach::attach(process, entrance, &wish).map_err(not_attached)?;
    Ok(Attached {
        stream: live.stream,
        is_known: false,
        copy: None,
        way: live.way.to_string(),
        stopped: live.stood_still.total,
        interrupter: Box::new(Holding {
            grip: live.grip,
            has_thread: wanted.place == Place::NewThread,
        }),
    })
}

fn into_copy(process: &Process, wanted: &Wanted, progress: &Progress) -> Result<Attached, Failure> {
    let entrance = capture::entrance(process).map_err(CaptureError::into_failure)?;
    let wish = CopyWish {
        before: stash(),
        code: &|descriptor| program(descriptor, Place::Here),
        memory: wanted.options.memory(),
        time: wanted.options.time,
        wait: wanted.options.wait,
        interrupt: progress.flag(),
        notice: &|failure| progress.detail(&format!("a copy was thrown away: {failure}")),
    };
    let copy = copy::copy(process, entrance, &wish).map_err(not_copied)?;
    let clone = copy.hold.clone_of_process().pid();
    if !copy.confined.opens_are_checked {
        progress.note(
            "this kernel can't check which files code in the copy opens: opening a pipe or terminal \
             there by its path could take what the process waits for",
        );
    }
    if copy.confined.lost_memory > 0 {
        progress.note(&format!(
            "{} bytes of shared memory are not in the copy, and can't be read there",
            copy.confined.lost_memory
        ));
    }
    Ok(Attached {
        stream: copy.stream,
        is_known: false,
        copy: Some(clone.0),
        way: match copy.thrown_away {
            0 => format!("a copy, process {clone}"),
            1 => format!("a copy, process {clone}, after one that was thrown away"),
            many => format!("a copy, process {clone}, after {many} that were thrown away"),
        },
        stopped: copy.stood_still.total,
        interrupter: Box::new(HoldingCopy(copy.hold)),
    })
}

/// Back into a copy that was kept.
fn into_kept(process: &Process, clone: ProcessClone) -> Result<Attached, Failure> {
    let entrance = capture::entrance_of_copy(process).map_err(CaptureError::into_failure)?;
    let channel = clone
        .channel()
        .map_err(|error| Failure::hinted(error, |error| Some(error.hint())))?;
    let pid = clone.pid();
    let hold = CopyHold::of_kept(clone, entrance).map_err(not_copied)?;
    Ok(Attached {
        stream: channel.ours,
        is_known: true,
        copy: Some(pid.0),
        way: format!("a copy that was kept, process {pid}"),
        stopped: Duration::ZERO,
        interrupter: Box::new(HoldingCopy(hold)),
    })
}

fn not_kept(error: KeptError) -> Failure {
    Failure::hinted(error, |error| Some(error.hint()))
}

fn not_attached(error: AttachError) -> Failure {
    Failure::hinted(error, AttachError::hint)
}

fn not_copied(error: CopyError) -> Failure {
    Failure::hinted(error, CopyError::hint)
}

/// Of a live process.
#[derive(Debug)]
struct Holding {
    grip: Grip,
    /// Whether the server has a thread of its own.
    has_thread: bool,
}

impl Interrupter for Holding {
    fn begun(&self, thread: &ServingThread) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.grip.look_after(thread.ident, thread.native_id)?)
    }

    fn keep(&mut self, _: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("only a copy can be kept".into())
    }

    fn ended(&self) -> Option<String> {
        None
    }

    fn over(&self, thread: &ServingThread) {
        let until = Instant::now() + ENDING;
        while self.has_thread && self.may_serve(thread) && Instant::now() < until {
            std::thread::sleep(MOMENT);
        }
    }

    fn may_serve(&self, thread: &ServingThread) -> bool {
        self.grip.has_thread(thread.native_id)
    }

    fn left(&self) {
        self.grip.tracer().leave_alone();
    }

    fn interrupt(&self, thread: &ServingThread) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.grip.interrupt(thread.ident, thread.native_id)?;
        Ok(())
    }
}

/// Of a copy, which ends with this tool anyway.
#[derive(Debug)]
struct HoldingCopy(CopyHold);

impl Interrupter for HoldingCopy {
    fn begun(&self, thread: &ServingThread) -> Result<(), Box<dyn Error + Send + Sync>> {
        // That of a copy which has just ended fails, and what became of it is said at the next request.
        let _ = self.0.begun(RemoteAddress::new(thread.alarm));
        Ok(())
    }

    fn keep(&mut self, time: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.0.keep(time)?)
    }

    fn ended(&self) -> Option<String> {
        let until = Instant::now() + ENDING;
        loop {
            let status = self.0.status().ok()?;
            if status.has_ended() {
                return Some(status.to_string());
            }
            // It has closed the connection first, or has it closed and runs on.
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(MOMENT);
        }
    }

    fn over(&self, _: &ServingThread) {}

    fn left(&self) {}

    /// It makes no processes.
    fn may_serve(&self, _: &ServingThread) -> bool {
        true
    }

    fn interrupt(&self, _: &ServingThread) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.interrupt()?;
        Ok(())
    }
}
