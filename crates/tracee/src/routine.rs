//! Calls of the target's own functions, one after the other.

use exuvia_memory::RemoteAddress;
use serde::{Deserialize, Serialize};

/// C functions that one thread of a target, or a clone, is to call in turn, on its own stack.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Routine {
    /// Bytes that arguments point to. They lie on the stack, and are gone afterwards.
    pub(crate) data: Vec<u8>,
    pub(crate) steps: Vec<Step>,
    pub(crate) required: Option<StepId>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) function: u64,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) condition: Option<StepId>,
}

/// What is passed to a function: up to six of them, integers or pointers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Argument {
    /// A number, or an address in the target.
    Word(u64),
    /// What an earlier call returned; 0 where it was left out.
    Result(StepId),
    /// The address of bytes that [`Routine::text`] added.
    Data(DataId),
}

/// One call of a routine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StepId(pub(crate) usize);

/// Bytes of a routine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DataId(pub(crate) usize);

impl Routine {
    /// A routine that calls nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes with a null byte behind them.
    pub fn text(&mut self, text: &[u8]) -> DataId {
        let start = self.data.len();
        self.data.extend_from_slice(text);
        self.data.push(0);
        DataId(start)
    }

    /// Adds a call.
    pub fn call(&mut self, function: RemoteAddress, arguments: &[Argument]) -> StepId {
        self.push(function, arguments, None)
    }

    /// Adds a call that is left out when an earlier one was left out or returned 0.
    pub fn call_if(
        &mut self,
        condition: StepId,
        function: RemoteAddress,
        arguments: &[Argument],
    ) -> StepId {
        self.push(function, arguments, Some(condition))
    }

    /// The routine has failed when this call was left out or returned 0.
    pub fn require(&mut self, step: StepId) {
        self.required = Some(step);
    }

    /// Whether it has not failed, by what its calls returned.
    pub(crate) fn has_succeeded(&self, results: &[u64]) -> bool {
        let required = self.required.map(|id| results.get(id.0).copied());
        !matches!(required, Some(None | Some(0)))
    }

    fn push(
        &mut self,
        function: RemoteAddress,
        arguments: &[Argument],
        condition: Option<StepId>,
    ) -> StepId {
        self.steps.push(Step {
            function: function.get(),
            arguments: arguments.to_vec(),
            condition,
        });
        StepId(self.steps.len() - 1)
    }
}
