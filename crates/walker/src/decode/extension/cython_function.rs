//! Functions that Cython 0.29 made. It never sets one field of them that is no object, so that
//! scanning would take for a reference what the memory had before.
//!
//! Facts: `__pyx_CyFunctionObject` of `CythonFunction.c`, 0.29. Later versions set the field, and
//! their types have the version in their names.

use super::{CType, Decode, Taken};
use crate::reader::Reader;
use exuvia_memory::{Fault, Memory};

/// `PyCFunctionObject` behind the head, with which the struct begins: `m_ml`, `m_self`,
/// `m_module`, `m_weakreflist`, `vectorcall`.
const VECTORCALL: u64 = 32;
const C_FUNCTION_SIZE: u64 = 40;

#[derive(Debug, Clone, Copy)]
pub(crate) struct CythonFunction;

impl Decode for CythonFunction {
    fn is_for(tp_name: &str) -> bool {
        tp_name == "cython_function_or_method"
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let taken = Taken::opaque(Self, vec![tp.head + VECTORCALL]);
        Ok(taken.filter(|_| tp.basicsize >= tp.head + C_FUNCTION_SIZE))
    }
}
