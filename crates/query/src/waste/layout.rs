//! What the types that are looked at are like in this process, by what its snapshot says of them.

use crate::type_names::is_builtin;
use exuvia_snapshot::{Snapshot, Type, TypeFlags, TypeId};

/// What lies before an object that the collector tracks, where there is a lock.
const GC_HEAD: u64 = 16;

/// Types by name, and what lies before and in their objects.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) str: Option<TypeId>,
    pub(super) bytes: Option<TypeId>,
    pub(super) int: Option<TypeId>,
    pub(super) float: Option<TypeId>,
    pub(super) tuple: Option<TypeId>,
    pub(super) list: Option<TypeId>,
    pub(super) dict: Option<TypeId>,
    pub(super) set: Option<TypeId>,
    pub(super) frozenset: Option<TypeId>,
    pub(super) object: Option<TypeId>,
    /// `array.array`, if the process uses it.
    array: Option<TypeId>,
    /// Whether objects have no head of the collector.
    pub(super) is_free_threaded: bool,
}

impl Layout {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let find = |is_it: &dyn Fn(&Type) -> bool| {
            let place = snapshot.types.iter().position(is_it)?;
            Some(TypeId(place as u32))
        };
        let builtin = |name: &str| {
            find(&|one| one.name == name && is_builtin(one) && !one.flags.contains(TypeFlags::HEAP))
        };
        Self {
            str: builtin("str"),
            bytes: builtin("bytes"),
            int: builtin("int"),
            float: builtin("float"),
            tuple: builtin("tuple"),
            list: builtin("list"),
            dict: builtin("dict"),
            set: builtin("set"),
            frozenset: builtin("frozenset"),
            object: builtin("object"),
            array: find(&|one| one.module == "array" && one.name == "array"),
            is_free_threaded: snapshot.metadata.process.flavor == "free-threaded",
        }
    }

    /// What `sys.getsizeof` counts before an object that the collector tracks.
    pub(super) fn head(&self) -> u64 {
        if self.is_free_threaded { 0 } else { GC_HEAD }
    }

    /// What `sys.getsizeof` says of an object of a type that the collector tracks, less its items.
    pub(super) fn fixed(&self, snapshot: &Snapshot, type_id: TypeId) -> u64 {
        self.head() + basicsize(snapshot, type_id)
    }

    /// What it says of an `array.array` without items.
    pub(super) fn empty_array(&self, snapshot: &Snapshot) -> u64 {
        // Where no array is in sight, the size that it has in every version that is tracked.
        const ARRAY: u64 = 64;
        let Some(array) = self.array else {
            return self.head() + ARRAY;
        };
        let is_tracked = snapshot.types[array.index()]
            .flags
            .contains(TypeFlags::HAVE_GC);
        let head = if is_tracked { self.head() } else { 0 };
        head + basicsize(snapshot, array)
    }

    /// What the allocator takes for a small block.
    pub(super) fn block(&self, bytes: u64) -> u64 {
        match (self.is_free_threaded, bytes) {
            // mimalloc's classes (`mi_bin`): four between each power of two and the next.
            (true, 65..) => {
                let last_word = bytes.div_ceil(8) - 1;
                let step = last_word.ilog2() - 2;
                (((last_word >> step) + 1) << step) * 8
            }
            _ => bytes.next_multiple_of(16),
        }
    }
}

/// No instance is larger: what a snapshot says beyond it is nonsense, with which one can still
/// count.
const LARGEST: u64 = 1 << 40;

pub(super) fn basicsize(snapshot: &Snapshot, type_id: TypeId) -> u64 {
    snapshot.types[type_id.index()].basicsize.min(LARGEST)
}
