//! The URLs of pydantic-core. They are a Rust struct without any object in it, parts of which stay
//! unset, so that scanning would take for a reference what the memory had before.
//!
//! Facts: `PyUrl` and `PyMultiHostUrl` of pydantic-core's `src/url.rs`, 2.0 to 2.50.

use super::{CType, Decode, Taken};
use crate::reader::Reader;
use exuvia_memory::{Fault, Memory};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Url;

impl Decode for Url {
    fn is_for(tp_name: &str) -> bool {
        matches!(
            tp_name,
            "pydantic_core._pydantic_core.Url" | "pydantic_core._pydantic_core.MultiHostUrl"
        )
    }

    fn take<M: Memory>(_: &mut Reader<'_, M>, _: &CType<'_>) -> Result<Option<Taken<Self>>, Fault> {
        Ok(Taken::all(Self, Vec::new()))
    }
}
