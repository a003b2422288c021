//! Calling the `tp_traverse` and the getters of objects in a clone, from the tool's side.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use exuvia_memory::RemoteAddress;
use serde::{Deserialize, Serialize};

use crate::Pid;
use crate::capture::lock;
use crate::driver::{Header, Item};
use crate::guardian::Guardian;
use crate::protocol::{DriveLimits, DriverFailure, DriverStop, Reply, Request, Workplace};

/// How much calls may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallLimits {
    /// How much of a processor one call may take.
    pub call_time: Duration,
    /// How long all may take.
    pub total_time: Duration,
    /// How many objects one call may visit. More are noticed when the room for them is used up.
    pub call_visits: usize,
    /// How many objects all may visit.
    pub total_visits: usize,
}

/// An object, and what is to be called for it: functions of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// The object.
    pub object: RemoteAddress,
    /// What is called.
    pub function: Function,
}

/// Functions that a type has for its objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Function {
    /// `tp_traverse`, which visits any number of objects.
    Traverse {
        /// `int tp_traverse(object, visit, arg)`.
        traverse: RemoteAddress,
        /// `int tp_is_gc(object)`, or null. Where it returns 0, nothing is traversed.
        is_gc: RemoteAddress,
    },
    /// A getter of `tp_getset`: what it returns is the one object that it visits, null included.
    Get {
        /// `PyObject *get(object, closure)`.
        get: RemoteAddress,
        /// The pointer that the type has for this getter.
        closure: RemoteAddress,
    },
}

/// What calls visited: a row for each, in compressed form.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Visited {
    /// For each call, where its referents end.
    pub ends: Vec<usize>,
    /// What the calls visited, in their order.
    pub referents: Vec<RemoteAddress>,
}

/// Why a call did not come back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum CallFailure {
    /// It ended in this signal, such as `SIGSEGV`.
    Signal(i32),
    /// It wanted to make the system call of this number, which was refused.
    SystemCall(i64),
    /// It took longer than any traversal does.
    Hang,
    /// It visited more objects than there can be.
    Endless,
    /// It was begun, but all calls together took too long.
    OutOfTime,
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(libc::SIGSEGV) => write!(f, "SIGSEGV"),
            Self::Signal(libc::SIGBUS) => write!(f, "SIGBUS"),
            Self::Signal(libc::SIGILL) => write!(f, "SIGILL"),
            Self::Signal(libc::SIGFPE) => write!(f, "SIGFPE"),
            Self::Signal(libc::SIGTRAP) => write!(f, "SIGTRAP"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::SystemCall(number) => write!(f, "system call {number}"),
            Self::Hang => write!(f, "it did not return"),
            Self::Endless => write!(f, "it visited without end"),
            Self::OutOfTime => write!(f, "all calls together took too long"),
        }
    }
}

/// Why no function can be called in a clone.
#[derive(Debug, thiserror::Error)]
pub enum TraverserError {
    /// The target has a filter of system calls that can't be suspended.
    #[error("the target has a seccomp filter")]
    Filtered,
    /// Shared memory stays writable, and the target would see what is written there.
    #[error("shared memory of the target can't be protected from its code")]
    SharedMemory,
    /// The kernel can't keep code from making system calls.
    #[error("the kernel has no PTRACE_SYSEMU")]
    NoEmulation,
    /// The clone does not stop.
    #[error("the code does not stop")]
    DoesNotStop,
    /// The clone is gone.
    #[error("the clone has ended")]
    Ended,
    /// The tool was asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A call of ours failed.
    #[error("{step}: {source}")]
    Os {
        /// What was being done.
        step: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The code has overwritten what it works on.
    #[error("the code in the clone has destroyed its own work list")]
    Destroyed,
    /// The process that does the tracing is gone.
    #[error("the tracing process does not work: {0}")]
    Guardian(io::Error),
}

impl From<DriverFailure> for TraverserError {
    fn from(failure: DriverFailure) -> Self {
        match failure {
            DriverFailure::Filtered => Self::Filtered,
            DriverFailure::SharedMemory => Self::SharedMemory,
            DriverFailure::NoEmulation => Self::NoEmulation,
            DriverFailure::DoesNotStop => Self::DoesNotStop,
            DriverFailure::Cancelled => Self::Cancelled,
            DriverFailure::NoClone | DriverFailure::Ended => Self::Ended,
            DriverFailure::NoInstruction => Self::Os {
                step: "looking for an instruction that makes a system call".to_owned(),
                source: io::ErrorKind::NotFound.into(),
            },
            DriverFailure::Os { step, errno } => Self::Os {
                step,
                source: io::Error::from_raw_os_error(errno),
            },
        }
    }
}

/// A clone that calls functions of the target when it is told to.
///
/// The functions run in the clone only, and nothing that they do gets out of it: no system
/// call is made, shared memory can't be written, and crashes and endless loops are stopped.
#[derive(Debug)]
pub struct Traverser {
    guardian: Arc<Mutex<Guardian>>,
    mem: File,
    workplace: Workplace,
}

impl Traverser {
    pub(crate) fn new(guardian: &Arc<Mutex<Guardian>>, clone: Pid) -> Result<Self, TraverserError> {
        let mem = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{clone}/mem"))
            .map_err(|source| os("opening the clone's memory", source))?;
        let reply = lock(guardian).ask(&Request::PrepareDriver);
        match reply.map_err(TraverserError::Guardian)? {
            Reply::DriverPrepared(workplace) => Ok(Self {
                guardian: Arc::clone(guardian),
                mem,
                workplace: workplace?,
            }),
            _ => Err(TraverserError::Guardian(io::ErrorKind::InvalidData.into())),
        }
    }

    /// Makes calls in their order, and adds a row for each that came back. It ends after
    /// some of them: when there is no room for more, or at the first that does not come back,
    /// or that takes more than its limits allow; that one has no row, and its failure is
    /// returned. When `interrupt` is set, the clone is given up.
    pub fn run(
        &mut self,
        calls: &[Call],
        limits: &CallLimits,
        visited: &mut Visited,
        interrupt: &AtomicBool,
    ) -> Result<Option<CallFailure>, TraverserError> {
        let until = Instant::now() + limits.total_time;
        let room = usize::try_from(self.workplace.calls).unwrap_or(usize::MAX);
        let calls = &calls[..calls.len().min(room)];
        self.write_list(calls)?;
        let before = visited.referents.len();
        let mut last = Header::default();
        loop {
            let go_on = last.taken > 0;
            let total = until.saturating_duration_since(Instant::now());
            let call = limits.call_time;
            let stop = self.drive(go_on, DriveLimits { call, total }, interrupt)?;
            let header = self.header(calls.len(), last)?;
            self.take_referents(header.length, visited)?;
            let ends = self.ends(header, before)?;
            let failure = match stop {
                DriverStop::Finished => None,
                DriverStop::Failed(failure) => Some(failure),
                DriverStop::OutOfTime => Some(CallFailure::OutOfTime),
                DriverStop::Full if header.length != header.capacity => {
                    return Err(TraverserError::Destroyed);
                }
                DriverStop::Full => {
                    let all = visited.referents.len();
                    let of_call = all - ends.last().map_or(before, |&end| end).min(all);
                    if of_call <= limits.call_visits && all - before <= limits.total_visits {
                        last = self.make_room(header)?;
                        continue;
                    }
                    Some(CallFailure::Endless)
                }
            };
            return finish(visited, ends, before, failure);
        }
    }

    /// Calls `function()`, which returns a struct of so many bytes in memory, and returns its
    /// bytes. The convention of x86-64: the first argument is where the struct shall be, and is
    /// returned. Other processors have other conventions, and get an error. The failure of the call
    /// is the inner one.
    pub fn returned_struct(
        &mut self,
        function: RemoteAddress,
        bytes: usize,
        limits: &CallLimits,
        interrupt: &AtomicBool,
    ) -> Result<Result<Vec<u8>, CallFailure>, TraverserError> {
        if cfg!(not(target_arch = "x86_64")) {
            let source = io::ErrorKind::Unsupported.into();
            return Err(os("calling a function that returns a struct", source));
        }
        // The room for referents is much larger than the one that a getter returns.
        let at = RemoteAddress::new(self.workplace.referents + 4096);
        let call = Call {
            object: at,
            function: Function::Get {
                get: function,
                closure: RemoteAddress::NULL,
            },
        };
        let mut visited = Visited::default();
        if let Some(failure) = self.run(&[call], limits, &mut visited, interrupt)? {
            return Ok(Err(failure));
        }
        let mut result = vec![0; bytes];
        self.read(&mut result, at.get())?;
        Ok(Ok(result))
    }

    fn drive(
        &self,
        go_on: bool,
        limits: DriveLimits,
        interrupt: &AtomicBool,
    ) -> Result<DriverStop, TraverserError> {
        let request = Request::Drive { go_on, limits };
        let reply = lock(&self.guardian).ask_unless(&request, interrupt);
        match reply.map_err(TraverserError::Guardian)? {
            Some(Reply::Drove(stop)) => Ok(stop?),
            Some(_) => Err(TraverserError::Guardian(io::ErrorKind::InvalidData.into())),
            None => Err(TraverserError::Cancelled),
        }
    }

    fn write_list(&self, calls: &[Call]) -> Result<(), TraverserError> {
        let items: Vec<u8> = calls
            .iter()
            .flat_map(|call| item(call).to_bytes())
            .collect();
        self.write(&items, self.workplace.items)?;
        let header = Header {
            items: calls.len() as u64,
            capacity: self.workplace.capacity,
            items_at: self.workplace.items,
            ends_at: self.workplace.ends,
            referents_at: self.workplace.referents,
            ..Header::default()
        };
        self.write(&header.to_bytes(), self.workplace.header)
    }

    /// The header as the driver left it, after the one that it began with. It lies in memory
    /// that the called functions can reach.
    fn header(&self, calls: usize, last: Header) -> Result<Header, TraverserError> {
        let mut bytes = [0; Header::SIZE];
        self.read(&mut bytes, self.workplace.header)?;
        let header = Header::from_bytes(&bytes);
        let is_sound = header.items == calls as u64
            && (last.current..=header.items).contains(&header.current)
            && header.taken == last.taken
            && header.length <= self.workplace.capacity
            && header.capacity == self.workplace.capacity
            && header.referents_at == self.workplace.referents;
        is_sound.then_some(header).ok_or(TraverserError::Destroyed)
    }

    fn take_referents(&self, length: u64, visited: &mut Visited) -> Result<(), TraverserError> {
        let words = self.words(self.workplace.referents, length)?;
        visited
            .referents
            .extend(words.into_iter().map(RemoteAddress::new));
        Ok(())
    }

    /// Where the referents of each call that came back end, in all.
    fn ends(&self, header: Header, before: usize) -> Result<Vec<usize>, TraverserError> {
        let ends = self.words(self.workplace.ends, header.current)?;
        let total = header.taken.saturating_add(header.length);
        if !ends.is_sorted() || ends.last().is_some_and(|&end| end > total) {
            return Err(TraverserError::Destroyed);
        }
        let ends = ends.into_iter().map(|end| {
            let end = usize::try_from(end).ok();
            end.and_then(|end| before.checked_add(end))
        });
        ends.collect::<Option<_>>().ok_or(TraverserError::Destroyed)
    }

    fn make_room(&self, mut header: Header) -> Result<Header, TraverserError> {
        header.taken = header.taken.saturating_add(header.length);
        header.length = 0;
        self.write(&header.to_bytes(), self.workplace.header)?;
        Ok(header)
    }

    fn words(&self, at: u64, count: u64) -> Result<Vec<u64>, TraverserError> {
        let mut bytes = vec![0; count as usize * 8];
        self.read(&mut bytes, at)?;
        let words = bytes.as_chunks().0.iter();
        Ok(words.map(|&word| u64::from_le_bytes(word)).collect())
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), TraverserError> {
        self.mem
            .read_exact_at(bytes, at)
            .map_err(|source| os("reading from the clone", source))
    }

    fn write(&self, bytes: &[u8], at: u64) -> Result<(), TraverserError> {
        self.mem
            .write_all_at(bytes, at)
            .map_err(|source| os("writing to the clone", source))
    }
}

fn item(call: &Call) -> Item {
    let (kind, function, argument) = match call.function {
        Function::Traverse { traverse, is_gc } => (0, traverse, is_gc),
        Function::Get { get, closure } => (1, get, closure),
    };
    Item {
        object: call.object.get(),
        function: function.get(),
        argument: argument.get(),
        kind,
    }
}

/// Leaves the referents of the calls that came back.
fn finish(
    visited: &mut Visited,
    ends: Vec<usize>,
    before: usize,
    failure: Option<CallFailure>,
) -> Result<Option<CallFailure>, TraverserError> {
    let end = ends.last().map_or(before, |&end| end);
    if end > visited.referents.len() {
        return Err(TraverserError::Destroyed);
    }
    visited.referents.truncate(end);
    visited.ends.extend(ends);
    Ok(failure)
}

fn os(step: &str, source: io::Error) -> TraverserError {
    TraverserError::Os {
        step: step.to_owned(),
        source,
    }
}
