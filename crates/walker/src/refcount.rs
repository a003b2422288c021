//! Reference counts: one number, or one of the object's own thread and one of all others.

use crate::reader::Reader;
use exuvia_cpython::{Refcount, gc_bits};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// `_Py_REF_SHARED_SHIFT`: below it, the shared count has flags.
const SHARED_SHIFT: u32 = 2;
/// `_Py_IMMORTAL_REFCNT_LOCAL`
const IMMORTAL: u64 = u32::MAX as u64;
/// `_Py_REF_DEFERRED` from 3.14: `PY_SSIZE_T_MAX / 8`.
const DEFERRED: i64 = i64::MAX / 8;

/// The word that holds the reference count of the object at an address, to be asked by
/// [`Immortal`](exuvia_cpython::Immortal). Where there are two counts, it is made from both:
/// their sum, 0 if no object can have that many, or `u32::MAX` for an immortal object.
pub(crate) fn word<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<u64, Fault> {
    let o = &reader.layout.structs.py_object;
    let (ob_refcnt, local, shared, bits) =
        (o.ob_refcnt, o.ob_ref_local, o.ob_ref_shared, o.ob_gc_bits);
    match (reader.layout.shapes.refcount, local, shared, bits) {
        (Refcount::LocalAndShared, Some(local), Some(shared), Some(bits)) => {
            let local = reader.cache.u32(object.offset(local))?;
            let shared = reader.cache.i64(object.offset(shared))?;
            let bits = reader.cache.u8(object.offset(bits))?;
            Ok(sum(local, shared, bits))
        }
        _ => reader
            .cache
            .u64(object.offset(ob_refcnt.unwrap_or_default())),
    }
}

/// Whether the count of an object is deferred: without any counted reference it still lives,
/// until the collector has looked whether the stack of a thread refers to it.
pub(crate) fn is_deferred<M: Memory>(reader: &mut Reader<'_, M>, object: RemoteAddress) -> bool {
    let at = reader.layout.structs.py_object.ob_gc_bits;
    let bits = at.map(|at| reader.cache.u8(object.offset(at)));
    matches!(bits, Some(Ok(bits)) if bits & gc_bits::DEFERRED != 0)
}

/// The sum of the two counts of an object.
///
/// One whose count is deferred is referred to from the stacks of threads without being
/// counted, and is kept alive meanwhile by counts that stand for no reference: one in 3.13,
/// [`DEFERRED`] from 3.14. These are left out.
fn sum(local: u32, shared: i64, bits: u8) -> u64 {
    if u64::from(local) == IMMORTAL {
        return IMMORTAL;
    }
    let mut count = (shared >> SHARED_SHIFT) + i64::from(local);
    if bits & gc_bits::DEFERRED != 0 {
        // No object has half of the larger number of references.
        count -= if count > DEFERRED / 2 { DEFERRED } else { 1 };
    }
    match u64::try_from(count) {
        Ok(count) if count < IMMORTAL => count,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MERGED: i64 = 3;

    #[test]
    fn both_counts_are_added_without_flags() {
        assert_eq!(sum(2, 0, 0), 2);
        assert_eq!(sum(2, 5 << 2, 0), 7);
        assert_eq!(sum(0, 5 << 2 | MERGED, 0), 5);
        // Another thread has dropped a reference that the object's own thread took.
        assert_eq!(sum(3, -1 << 2, 0), 2);
    }

    #[test]
    fn counts_that_defer_are_no_references() {
        assert_eq!(sum(3, 2, gc_bits::DEFERRED), 2);
        let shared = (DEFERRED + 4) << SHARED_SHIFT | MERGED;
        assert_eq!(sum(0, shared, gc_bits::DEFERRED | gc_bits::TRACKED), 4);
    }

    #[test]
    fn impossible_counts_are_none() {
        assert_eq!(sum(0, -8, 0), 0);
        assert_eq!(sum(1, i64::MAX, 0), 0);
        assert_eq!(sum(u32::MAX, -8, 0), u64::from(u32::MAX));
    }
}
