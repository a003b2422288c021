//! The variables of a code object: which slots its frames have for them.

use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::Step;
use exuvia_cpython::PyCodeObject;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most local variables and stack entries that are believed of one frame.
pub(super) const MAX_SLOTS: i64 = 1 << 20;
/// `CO_FAST_CELL | CO_FAST_FREE` of `pycore_code.h`: the variable lives in a cell.
const IN_A_CELL: u8 = 0x40 | 0x80;

/// The names of a code object's variables, and how each is kept.
pub(super) struct Variables {
    pub(super) names: Vec<RemoteAddress>,
    kinds: Vec<u8>,
    /// The most entries that its evaluation stack has.
    pub(super) stacksize: usize,
}

impl Variables {
    /// Reads them; `None` when what runs is no code object, as in frames of the C stack.
    pub(super) fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        code: RemoteAddress,
    ) -> Result<Option<Self>, Fault> {
        if !matches!(reader.type_of(code), Some(info) if info.tp_name == "code") {
            return Ok(None);
        }
        let c = &reader.layout.structs.py_code_object;
        let stacksize = reader.cache.u32(code.offset(c.co_stacksize))?;
        let mut found = Self {
            names: Vec::new(),
            kinds: Vec::new(),
            stacksize: (stacksize as usize).min(MAX_SLOTS as usize),
        };
        if !found.read_together(reader, c, code)? {
            found.read_by_sort(reader, c, code)?;
        }
        Ok(Some(found))
    }

    /// The step to the variable in a slot of a frame.
    pub(super) fn step(&self, slot: usize, name: RemoteAddress) -> Step {
        let kind = self.kinds.get(slot);
        if kind.is_some_and(|kind| kind & IN_A_CELL != 0) {
            Step::Cell(name)
        } else {
            Step::Local(name)
        }
    }

    /// From 3.11 on: one tuple of names, and a byte for each that says of which sort it is.
    /// False where code objects have no such tuple.
    fn read_together<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        c: &PyCodeObject,
        code: RemoteAddress,
    ) -> Result<bool, Fault> {
        let structs = &reader.layout.structs;
        let (Some(count), Some(names), Some(kinds)) =
            (c.co_nlocalsplus, c.co_localsplusnames, c.co_localspluskinds)
        else {
            return Ok(false);
        };
        let count = i64::from(reader.cache.u32(code.offset(count))? as i32);
        if !(0..=MAX_SLOTS).contains(&count) {
            reader.diagnostics.count(Trouble::ImplausibleLength, code);
            return Ok(true);
        }
        let names = reader.cache.pointer(code.offset(names))?;
        let kinds = reader.cache.pointer(code.offset(kinds))?;
        let first = names.offset(structs.py_tuple_object.ob_item);
        reader.pointers(first, count as usize, |_, _, name| self.names.push(name))?;
        let kinds = kinds.offset(structs.py_bytes_object.ob_sval);
        reader.spend(kinds, (count as u64).div_ceil(8))?;
        self.kinds = reader.cache.bytes(kinds, count as usize)?;
        Ok(true)
    }

    /// Up to 3.10: a tuple of names for each sort. An argument that is a cell too has two
    /// slots.
    fn read_by_sort<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        c: &PyCodeObject,
        code: RemoteAddress,
    ) -> Result<(), Fault> {
        let t = &reader.layout.structs.py_tuple_object;
        let sorts = [
            (c.co_varnames, 0),
            (c.co_cellvars, IN_A_CELL),
            (c.co_freevars, IN_A_CELL),
        ];
        for (field, kind) in sorts {
            let Some(field) = field else { continue };
            let names = reader.cache.pointer(code.offset(field))?;
            let count = reader.cache.i64(names.offset(t.ob_size))?;
            if !(0..=MAX_SLOTS).contains(&count) {
                reader.diagnostics.count(Trouble::ImplausibleLength, code);
                return Ok(());
            }
            let first = names.offset(t.ob_item);
            reader.pointers(first, count as usize, |_, _, name| self.names.push(name))?;
            self.kinds.resize(self.names.len(), kind);
        }
        Ok(())
    }
}
