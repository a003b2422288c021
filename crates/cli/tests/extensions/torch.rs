//! PyTorch, where an interpreter has it: `$EXUVIA_TORCH` names one that can import it.
