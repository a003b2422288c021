use crate::{Extent, Heap, Outside};
use exuvia_snapshot::{KindId, ObjectFlags, TypeId};
use serde::Serialize;

/// By what a table divides the objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Classifier {
    /// heapy's kinds: the class, or `dict of <class>` for the dictionaries of instances.
    #[default]
    Kind,
    /// The type alone.
    Type,
}

impl Classifier {
    /// heapy's title of the column with the names.
    pub fn header(self) -> &'static str {
        match self {
            Self::Kind => "Kind (class / dict of class)",
            Self::Type => "Type",
        }
    }
}

/// The live objects, divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// By what they are divided.
    pub by: Classifier,
    /// The title of the column with the names.
    pub header: &'static str,
    /// How many objects there are in all rows.
    pub count: u64,
    /// Their bytes, as `sys.getsizeof` counts them.
    pub size: u64,
    /// One row for each class of objects: the largest size first, then by name.
    pub rows: Vec<PartitionRow>,
    /// What the rows leave out.
    pub outside: Outside,
}

/// A row of a [`Partition`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionRow {
    /// heapy's name of the class of objects.
    pub name: String,
    /// How many objects.
    pub count: u64,
    /// Their bytes in all.
    pub size: u64,
}

impl Partition {
    pub(crate) fn of(heap: &Heap, by: Classifier) -> Self {
        let rows: Vec<PartitionRow> = match by {
            Classifier::Kind => rows_by_kind(heap).into_iter().map(|(_, row)| row).collect(),
            Classifier::Type => rows_by_type(heap),
        };
        Self {
            by,
            header: by.header(),
            count: rows.iter().map(|row| row.count).sum(),
            size: rows.iter().map(|row| row.size).fold(0, u64::saturating_add),
            rows,
            outside: Outside::of(heap.snapshot(), heap.liveness()),
        }
    }
}

/// The rows of the table by kind, each with its kind.
///
/// Two classes of the same name have a row each, as they have in heapy.
pub(crate) fn rows_by_kind(heap: &Heap) -> Vec<(KindId, PartitionRow)> {
    let kinds = &heap.snapshot().kinds;
    let mut rows: Vec<_> = (0u32..)
        .zip(extents_by_kind(heap))
        .filter(|(_, extent)| extent.objects > 0)
        .map(|(kind, extent)| {
            (
                KindId(kind),
                PartitionRow::new(&kinds[kind as usize].name, extent),
            )
        })
        .collect();
    rows.sort_by(|(a_kind, a), (b_kind, b)| a.order(b).then(a_kind.cmp(b_kind)));
    rows
}

fn rows_by_type(heap: &Heap) -> Vec<PartitionRow> {
    let snapshot = heap.snapshot();
    let mut extents = vec![Extent::default(); snapshot.types.len()];
    for (kind, extent) in snapshot.kinds.iter().zip(extents_by_kind(heap)) {
        if let Some(sum) = extents.get_mut(kind.type_id.index()) {
            sum.objects += extent.objects;
            sum.bytes = sum.bytes.saturating_add(extent.bytes);
        }
    }
    let mut rows: Vec<_> = (0u32..)
        .zip(extents)
        .filter(|(_, extent)| extent.objects > 0)
        .map(|(id, extent)| PartitionRow::new(heap.type_names().shown(TypeId(id)), extent))
        .collect();
    rows.sort_by(PartitionRow::order);
    rows
}

/// The live objects of each kind.
pub(crate) fn extents_by_kind(heap: &Heap) -> Vec<Extent> {
    let snapshot = heap.snapshot();
    let objects = &snapshot.objects;
    let alive = &heap.liveness().alive;
    let mut extents = vec![Extent::default(); snapshot.kinds.len()];
    for id in objects.ids().filter(|&id| alive.contains(id)) {
        if !objects.flags[id.index()].contains(ObjectFlags::SYNTHETIC)
            && let Some(extent) = extents.get_mut(objects.kind[id.index()].index())
        {
            extent.add(objects.size[id.index()]);
        }
    }
    extents
}

impl PartitionRow {
    fn new(name: &str, extent: Extent) -> Self {
        Self {
            name: name.to_owned(),
            count: extent.objects,
            size: extent.bytes,
        }
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other
            .size
            .cmp(&self.size)
            .then_with(|| self.name.cmp(&other.name))
    }
}
