use crate::{
    By, Classifier, Extent, Heap, ObjectSet, Outside, classes::Classes, identity::Identity,
};
use exuvia_graph::{BitSet, RankedBitSet};
use exuvia_snapshot::{KindId, ObjectFlags, Overview, TypeId};
use serde::Serialize;
use std::cmp::Reverse;

/// How objects are divided into rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionOptions {
    /// By what.
    pub by: By,
    /// Whether to say what would be freed if a row went, and to sort by it.
    pub retained: bool,
    /// How many rows are wanted at least; none for all. Objects one by one are many rows.
    pub rows: Option<usize>,
}

impl From<By> for PartitionOptions {
    fn from(by: By) -> Self {
        Self {
            by,
            ..Self::default()
        }
    }
}

impl From<Classifier> for PartitionOptions {
    fn from(by: Classifier) -> Self {
        By::from(by).into()
    }
}

/// Objects, divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// By what they are divided.
    pub by: By,
    /// The title of the column with the names.
    pub header: String,
    /// Where each object is a row, what kind of objects they are: `<str>`, `<mixed>`.
    pub label: Option<String>,
    /// How many objects there are in all rows.
    pub count: u64,
    /// Their bytes, as `sys.getsizeof` counts them.
    pub size: u64,
    /// How many rows there are.
    pub total_rows: usize,
    /// One row for each class of objects: the largest size first, then by name; the largest
    /// retained size first where that is given. Those that were not wanted may be missing.
    pub rows: Vec<PartitionRow>,
    /// The bytes of all live objects, where rows have retained sizes.
    pub alive: Option<u64>,
    /// Whether these are some of the live objects, which were selected.
    pub selected: bool,
    /// What a table of all live objects leaves out.
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
    /// The bytes that would be freed if they all went, where that was asked for.
    pub retained: Option<u64>,
}

impl Partition {
    /// Divides all live objects.
    pub(crate) fn of(heap: &Heap, options: PartitionOptions) -> Self {
        // These two need no list of all objects.
        let rows = match (options.by.first, options.by.second) {
            (Classifier::Kind, None) => Some(rows_by_kind(heap, options.retained)),
            (Classifier::Type, None) if !options.retained => Some(rows_by_type(heap)),
            _ => None,
        };
        let partition = match rows {
            Some(rows) => Self::new(heap, options, rows),
            None => Self::of_set(heap, &ObjectSet::alive(heap), options),
        };
        Self {
            selected: false,
            ..partition
        }
    }

    /// The table by kind with retained sizes that was kept beside a snapshot: what
    /// [`Heap::divided`] would make of it, from a few kilobytes.
    pub fn of_overview(overview: &Overview) -> Self {
        let Overview {
            metadata,
            kinds,
            summary,
        } = overview;
        let extent = |(objects, bytes): (u64, u64)| Extent { objects, bytes };
        let mut rows: Vec<(usize, PartitionRow)> = kinds
            .iter()
            .zip(&summary.kinds)
            .map(|(name, kind)| PartitionRow {
                retained: Some(kind.retained),
                ..PartitionRow::new(name, extent((kind.objects, kind.bytes)))
            })
            .enumerate()
            .filter(|(_, row)| row.count > 0)
            .collect();
        rows.sort_by(|(a_kind, a), (b_kind, b)| a.order(b).then(a_kind.cmp(b_kind)));
        let rows: Vec<PartitionRow> = rows.into_iter().map(|(_, row)| row).collect();
        let options = PartitionOptions {
            retained: true,
            ..PartitionOptions::default()
        };
        let alive = rows.iter().map(|row| row.size).fold(0, u64::saturating_add);
        let outside = Outside {
            garbage: extent(summary.garbage),
            native: extent(summary.native),
            allocated: summary.allocated,
            resident: metadata.process.resident,
            unaccounted: metadata.process.resident.saturating_sub(summary.allocated),
        };
        Self {
            alive: Some(alive),
            selected: false,
            ..Self::of_rows(options, rows, outside)
        }
    }

    /// Divides a set.
    pub(crate) fn of_set(heap: &Heap, set: &ObjectSet, options: PartitionOptions) -> Self {
        if options.by == By::from(Classifier::Id) {
            return Self::of_single_objects(heap, set, options);
        }
        let classes = Classes::of(heap, options.by, set.ids());
        let mut extents = vec![Extent::default(); classes.names.len()];
        let sizes = &heap.snapshot().objects.size;
        for (id, &class) in set.ids().iter().zip(&classes.of) {
            if let Some(extent) = extents.get_mut(class as usize) {
                extent.add(sizes[id.index()]);
            }
        }
        let retained = options.retained.then(|| {
            let mut members = BitSet::new(heap.snapshot().objects.len());
            members.extend(set.ids().iter().copied());
            let ranked = RankedBitSet::new(members);
            heap.retained_by_class(classes.names.len(), |object| {
                classes
                    .of
                    .get(ranked.rank(object)?)
                    .map(|&class| class as usize)
            })
        });
        let rows = classes.names.iter().zip(extents).enumerate();
        let mut rows: Vec<_> = rows
            .map(|(class, (name, extent))| PartitionRow {
                retained: retained.as_ref().map(|retained| retained[class]),
                ..PartitionRow::new(name, extent)
            })
            .collect();
        rows.sort_by(PartitionRow::order);
        Self::new(heap, options, rows)
    }

    fn of_single_objects(heap: &Heap, set: &ObjectSet, options: PartitionOptions) -> Self {
        let identity = Identity::of(heap, set.ids());
        let wanted = options.rows.unwrap_or(usize::MAX);
        let rows = if options.retained {
            let mut ids = set.ids().to_vec();
            let dominators = heap.dominators();
            ids.sort_by_key(|&id| Reverse(dominators.retained(id)));
            ids.truncate(wanted);
            let rows = ids.into_iter().map(|id| PartitionRow {
                name: identity.text(id),
                count: 1,
                size: heap.snapshot().objects.size[id.index()],
                retained: Some(dominators.retained(id)),
            });
            rows.collect()
        } else {
            identity.rows(set.ids(), wanted)
        };
        Self {
            header: identity.header(),
            label: Some(identity.label()),
            count: set.count(),
            size: set.size(),
            total_rows: set.ids().len(),
            ..Self::new(heap, options, rows)
        }
    }

    fn new(heap: &Heap, options: PartitionOptions, rows: Vec<PartitionRow>) -> Self {
        Self {
            alive: options.retained.then(|| heap.dominators().total().bytes),
            ..Self::of_rows(options, rows, heap.outside())
        }
    }

    fn of_rows(options: PartitionOptions, rows: Vec<PartitionRow>, outside: Outside) -> Self {
        Self {
            by: options.by,
            header: options.by.header(),
            label: None,
            count: rows
                .iter()
                .map(|row| row.count)
                .fold(0, u64::saturating_add),
            size: rows.iter().map(|row| row.size).fold(0, u64::saturating_add),
            total_rows: rows.len(),
            rows,
            alive: None,
            selected: true,
            outside,
        }
    }
}

/// The rows of the table by kind.
fn rows_by_kind(heap: &Heap, retained: bool) -> Vec<PartitionRow> {
    let mut rows = numbered_rows_by_kind(heap);
    if retained {
        let sizes = heap.retained_by_kind();
        for (kind, row) in &mut rows {
            row.retained = sizes.get(kind.index()).copied();
        }
        rows.sort_by(|(_, a), (_, b)| a.order(b));
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The rows of the table by kind, each with its kind, without retained sizes.
///
/// Two classes of the same name have a row each, as they have in heapy.
pub(crate) fn numbered_rows_by_kind(heap: &Heap) -> Vec<(KindId, PartitionRow)> {
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
            retained: None,
        }
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let key = |row: &Self| Reverse((row.retained, row.size));
        key(self)
            .cmp(&key(other))
            .then_with(|| self.name.cmp(&other.name))
    }
}
