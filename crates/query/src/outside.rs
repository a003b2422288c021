use crate::liveness::Liveness;
use exuvia_snapshot::{ObjectFlags, Snapshot};
use serde::Serialize;

/// A number of objects and the bytes that they take, as `sys.getsizeof` counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// How many objects.
    pub objects: u64,
    /// Their bytes in all.
    pub bytes: u64,
}

impl Extent {
    /// Adds one object.
    #[inline]
    pub(crate) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Adds all of another one.
    #[inline]
    pub(crate) fn join(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl std::ops::AddAssign for Extent {
    fn add_assign(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What a table does not show, or shows without saying why it is alive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outside {
    /// Objects that nothing keeps alive: the garbage collector has not come yet. They are
    /// not in the table.
    pub garbage: Extent,
    /// Objects that only native code keeps alive, directly or through other objects. They
    /// are in the table.
    pub native: Extent,
    /// Bytes that the allocators hold for all objects, garbage included: headers, native
    /// buffers and rounding as well.
    pub allocated: u64,
    /// Resident bytes of the process; 0 when the snapshot does not tell.
    pub resident: u64,
    /// Resident bytes that belong to no Python object: code, libraries, free blocks of the
    /// allocators, memory of native code.
    pub unaccounted: u64,
}

impl Outside {
    pub(crate) fn of(snapshot: &Snapshot, liveness: &Liveness) -> Self {
        let objects = &snapshot.objects;
        let mut outside = Self {
            resident: snapshot.metadata.process.resident,
            ..Self::default()
        };
        for id in objects.ids() {
            let index = id.index();
            if objects.flags[index].contains(ObjectFlags::SYNTHETIC) {
                continue;
            }
            outside.allocated = outside.allocated.saturating_add(objects.allocated[index]);
            if !liveness.rooted.contains(id) {
                let extent = if liveness.alive.contains(id) {
                    &mut outside.native
                } else {
                    &mut outside.garbage
                };
                extent.add(objects.size[index]);
            }
        }
        outside.unaccounted = outside.resident.saturating_sub(outside.allocated);
        outside
    }
}
