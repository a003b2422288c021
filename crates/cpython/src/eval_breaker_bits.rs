//! Bits of `tstate->eval_breaker`, from 3.13. C's are macros, of which DWARF knows nothing.

/// Another thread wants the interpreter lock: `_PY_GIL_DROP_REQUEST_BIT`.
pub const GIL_DROP_REQUEST: u64 = 1 << 0;
/// Calls wait in a ring that this thread serves: `_PY_CALLS_TO_DO_BIT`.
pub const CALLS_TO_DO: u64 = 1 << 2;
/// `tstate->async_exc` is to be raised: `_PY_ASYNC_EXCEPTION_BIT`.
pub const ASYNC_EXCEPTION: u64 = 1 << 3;
/// Look at everything, the script of a remote debugger too: `_PY_EVAL_PLEASE_STOP_BIT`.
pub const PLEASE_STOP: u64 = 1 << 5;
