//! Releases of one series whose interpreter state is not the table's, because the
//! collector's state, which lies inside it, has another size.
//!
//! 3.14.0 to 3.14.4 have an incremental collector: a young list, two old ones and the
//! permanent one, at the places of the three generations and the permanent one of 3.14.5,
//! which brought the generations back and put `generation0` at the end of the struct. What
//! lies behind the collector's state in an interpreter's moved with that.

use crate::spec::FieldSpec;
use crate::validate::Invalid;
use crate::{Disagreement, GcLists, Layout, STRUCTS};

const INTERPRETER: &str = "PyInterpreterState";
const COLLECTOR: &str = "_gc_runtime_state";

impl Layout {
    /// Moves what lies behind the collector's state in that of the interpreter when the
    /// target says that the collector's has another size than in the table.
    ///
    /// `published` are the offsets that the target gave, with what the table had. An error
    /// if what it gave did not all move by the same distance: then nothing says where the
    /// other fields are. [`validate_types`](Self::validate_types) tries the move far behind.
    pub(crate) fn follow_collector(&mut self, published: &[Disagreement]) -> Result<(), Invalid> {
        let mut sizes = published.iter();
        let Some(size) = sizes.find(|one| one.name == COLLECTOR && one.field == "size") else {
            return Ok(());
        };
        let (table, target) = (size.table, size.target);
        let Some(collector) = self.structs.py_interpreter_state.gc else {
            return Ok(());
        };
        let end = collector.saturating_add(table);
        let moved = |at: u64| at.wrapping_add(target).wrapping_sub(table);
        let fields = published.iter().filter(|one| one.name == INTERPRETER);
        // Fields are added at the end, so that the size may have changed by more than that.
        for one in fields.filter(|one| one.field != "size") {
            if one.table < end || one.target != moved(one.table) {
                return Err(Invalid::OtherInterpreterState {
                    field: one.field.clone(),
                    table: one.table,
                    target: one.target,
                });
            }
        }
        for field in unpublished(published) {
            if let Some(at) = self.structs.get_mut(INTERPRETER, field.name)
                && *at >= end
            {
                *at = moved(*at);
            }
        }
        for (_, at) in &mut self.roots.interpreter {
            if *at >= end {
                *at = moved(*at);
            }
        }
        let gc = &self.structs.gc_runtime_state;
        let has_lists = self.shapes.gc_lists == GcLists::ThreeGenerations;
        let ends_before = |field: u64| target < field.saturating_add(8);
        if has_lists && gc.generation0.is_some_and(ends_before) {
            self.shapes.gc_lists = GcLists::Incremental;
        }
        Ok(())
    }
}

/// The fields of the interpreter's state that are offsets, and not given by the target.
fn unpublished(published: &[Disagreement]) -> impl Iterator<Item = &'static FieldSpec> {
    let spec = STRUCTS.iter().find(|spec| spec.name == INTERPRETER);
    let fields = spec.map_or(&[][..], |spec| spec.fields).iter();
    fields.filter(|field| {
        let is_offset = !field.paths.starts_with("length of ");
        let mut given = published.iter();
        is_offset && !given.any(|one| one.name == INTERPRETER && one.field == field.name)
    })
}
