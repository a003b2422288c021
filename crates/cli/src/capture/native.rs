//! The walker's calls of extension types, made in a clone.

use exuvia_memory::RemoteAddress;
use exuvia_tracee::{
    Call, CallFailure, Function, ProcessClone, Traverser, TraverserError, Visited,
};
use exuvia_walker::{
    GetterCall, GetterOutcome, NativeCall, NativeOutcome, NativeTraverse, NativeUnavailable,
    NativeVisits,
};

/// A clone whose own code is called. It is prepared for that when the first call is to be made:
/// most processes have no such types.
pub(super) struct ClonedCode<'a> {
    clone: &'a ProcessClone,
    traverser: Option<Traverser>,
}

impl<'a> ClonedCode<'a> {
    pub(super) fn of(clone: &'a ProcessClone) -> Self {
        Self {
            clone,
            traverser: None,
        }
    }

    fn traverser(&mut self) -> Result<&mut Traverser, TraverserError> {
        match &mut self.traverser {
            Some(traverser) => Ok(traverser),
            none => Ok(none.insert(self.clone.traverser()?)),
        }
    }
}

impl NativeTraverse for ClonedCode<'_> {
    fn traverse(
        &mut self,
        calls: &[NativeCall],
        limit: usize,
        visits: &mut NativeVisits,
    ) -> Result<NativeOutcome, NativeUnavailable> {
        let calls: Vec<Call> = calls.iter().map(traversal).collect();
        let mut visited = Visited {
            ends: std::mem::take(&mut visits.ends),
            referents: std::mem::take(&mut visits.referents),
        };
        let failure = self
            .traverser()
            .and_then(|traverser| traverser.run(&calls, limit, &mut visited))
            .map_err(|error| NativeUnavailable(error.to_string()))?;
        visits.ends = visited.ends;
        visits.referents = visited.referents;
        Ok(match failure {
            None => NativeOutcome::Returned,
            Some(failure) => NativeOutcome::Failed(failure.to_string()),
        })
    }

    fn get(
        &mut self,
        calls: &[GetterCall],
        answers: &mut Vec<RemoteAddress>,
    ) -> Result<GetterOutcome, NativeUnavailable> {
        let calls: Vec<Call> = calls.iter().map(getter).collect();
        let mut visited = Visited::default();
        let failure = self
            .traverser()
            .and_then(|traverser| traverser.run(&calls, calls.len(), &mut visited))
            .map_err(|error| NativeUnavailable(error.to_string()))?;
        // Each visits the one object that it returns.
        answers.append(&mut visited.referents);
        Ok(match failure {
            None => GetterOutcome::Returned,
            Some(CallFailure::Hang) => GetterOutcome::Hung,
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
