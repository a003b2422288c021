//! cffi: the types of C that it knows, and values of them. Fields that are no objects are left
//! unset in some of them, so that scanning would take for a reference what the memory had
//! before.
//!
//! Facts: `CTypeDescrObject` and `CDataObject` of `_cffi_backend.c`, 1.17 to 2.1.

use super::{CType, Decode, Taken};
use crate::reader::Reader;
use exuvia_memory::{Fault, Memory};

/// `CTypeDescrObject` behind the head: `ob_size`, `ct_itemdescr`, `ct_stuff`, `ct_extra`,
/// `ct_weakreflist`, `ct_unique_key`, `ct_size`, `ct_length` and flags, up to the name: in 1.x, and
/// in 2.x with more flags.
const CTYPE_SIZES: [u64; 2] = [72, 80];
const CT_ITEMDESCR: u64 = 8;
const CT_STUFF: u64 = 16;
const CT_UNIQUE_KEY: u64 = 40;
/// `CDataObject` behind the head: `c_type`, `c_data`, `c_weakreflist`.
const CDATA_SIZE: u64 = 24;
const C_TYPE: u64 = 0;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cffi;

impl Decode for Cffi {
    fn is_for(tp_name: &str) -> bool {
        matches!(
            tp_name,
            "_cffi_backend.CType" | "_cffi_backend._CDataBase" | "_cffi_backend.CData"
        )
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let size = tp.basicsize.wrapping_sub(tp.head);
        if tp.tp_name == "_cffi_backend.CType" {
            let fields = vec![
                tp.interior(CT_ITEMDESCR, "ct_itemdescr"),
                tp.interior(CT_STUFF, "ct_stuff"),
                tp.interior(CT_UNIQUE_KEY, "ct_unique_key"),
            ];
            return Ok(Taken::all(Self, fields).filter(|_| CTYPE_SIZES.contains(&size)));
        }
        // Types that derive from it have more, which their `tp_traverse` tells.
        let fields = vec![tp.interior(C_TYPE, "c_type")];
        Ok(Taken::more(Self, fields).filter(|_| size >= CDATA_SIZE))
    }
}
