//! The walker's calls of extension types, made in a clone.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::MallocInfo;
use exuvia_tracee::{
    Call, CallFailure, CallLimits, Function, ProcessClone, Traverser, TraverserError, Visited,
};
use exuvia_walker::{
    GetterCall, GetterOutcome, NativeCall, NativeLimits, NativeOutcome, NativeTraverse,
    NativeUnavailable, NativeVisits,
};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How much of a processor one traversal may take, and one getter: what that computes for a
/// while, it does not have.
const TRAVERSAL: Duration = Duration::from_millis(500);
const GETTER: Duration = Duration::from_millis(50);

/// A clone whose own code is called. It is prepared for that when the first call is to be made:
/// most processes have no such types.
pub(super) struct ClonedCode<'a> {
    clone: &'a ProcessClone,
    traverser: Option<Traverser>,
    interrupt: &'a AtomicBool,
}

impl<'a> ClonedCode<'a> {
    /// Calls are given up when `interrupt` is set, and the clone with them.
    pub(super) fn of(clone: &'a ProcessClone, interrupt: &'a AtomicBool) -> Self {
        Self {
            clone,
            traverser: None,
            interrupt,
        }
    }

    /// What `mallinfo2` of glibc says, or why it does not.
    pub(super) fn mallinfo2(&mut self, function: RemoteAddress) -> Result<MallocInfo, String> {
        let limits = CallLimits {
            call_time: TRAVERSAL,
            total_time: TRAVERSAL,
            call_visits: 1,
            total_visits: 1,
        };
        let interrupt = self.interrupt;
        let traverser = self.prepared().map_err(|error| error.to_string())?;
        let returned = traverser.returned_struct(function, 10 * 8, &limits, interrupt);
        let bytes = returned.map_err(|error| error.to_string())?;
        let bytes = bytes.map_err(|failure| format!("mallinfo2 did not return: {failure}"))?;
        let mut words = bytes.as_chunks().0.iter().copied().map(u64::from_le_bytes);
        let mut next = || words.next().unwrap_or_default();
        Ok(MallocInfo {
            arena: next(),
            ordblks: next(),
            smblks: next(),
            hblks: next(),
            hblkhd: next(),
            usmblks: next(),
            fsmblks: next(),
            uordblks: next(),
            fordblks: next(),
            keepcost: next(),
        })
    }

    fn prepared(&mut self) -> Result<&mut Traverser, TraverserError> {
        match &mut self.traverser {
            Some(traverser) => Ok(traverser),
            none => self.clone.traverser().map(|new| none.insert(new)),
        }
    }

    fn run(
        &mut self,
        calls: &[Call],
        limits: &CallLimits,
        visited: &mut Visited,
    ) -> Result<Option<CallFailure>, NativeUnavailable> {
        let interrupt = self.interrupt;
        let run = |traverser: &mut Traverser| traverser.run(calls, limits, visited, interrupt);
        let failure = self.prepared().and_then(run);
        failure.map_err(|error: TraverserError| NativeUnavailable(error.to_string()))
    }
}

impl NativeTraverse for ClonedCode<'_> {
    fn traverse(
        &mut self,
        calls: &[NativeCall],
        limits: &NativeLimits,
        visits: &mut NativeVisits,
    ) -> Result<NativeOutcome, NativeUnavailable> {
        let calls: Vec<Call> = calls.iter().map(traversal).collect();
        let mut visited = Visited {
            ends: std::mem::take(&mut visits.ends),
            referents: std::mem::take(&mut visits.referents),
        };
        let limits = CallLimits {
            call_time: TRAVERSAL,
            total_time: limits.time,
            call_visits: limits.call_visits,
            total_visits: limits.total_visits,
        };
        let failure = self.run(&calls, &limits, &mut visited)?;
        visits.ends = visited.ends;
        visits.referents = visited.referents;
        Ok(match failure {
            None => NativeOutcome::Returned,
            Some(CallFailure::OutOfTime) => NativeOutcome::OutOfTime,
            Some(failure) => NativeOutcome::Failed(failure.to_string()),
        })
    }

    fn get(
        &mut self,
        calls: &[GetterCall],
        time: Duration,
        answers: &mut Vec<RemoteAddress>,
    ) -> Result<GetterOutcome, NativeUnavailable> {
        let calls: Vec<Call> = calls.iter().map(getter).collect();
        let mut visited = Visited::default();
        let limits = CallLimits {
            call_time: GETTER,
            total_time: time,
            call_visits: 1,
            total_visits: calls.len(),
        };
        let failure = self.run(&calls, &limits, &mut visited)?;
        // Each visits the one object that it returns.
        answers.append(&mut visited.referents);
        Ok(match failure {
            None => GetterOutcome::Returned,
            Some(CallFailure::Hang) => GetterOutcome::Hung,
            Some(CallFailure::OutOfTime) => GetterOutcome::OutOfTime,
            Some(_) => GetterOutcome::Failed,
        })
    }
}

fn traversal(call: &NativeCall) -> Call {
    Call {
        object: call.object,
        function: Function::Traverse {
            traverse: call.traverse,
            is_gc: call.is_gc,
        },
    }
}

fn getter(call: &GetterCall) -> Call {
    Call {
        object: call.object,
        function: Function::Get {
            get: call.get,
            closure: call.closure,
        },
    }
}
