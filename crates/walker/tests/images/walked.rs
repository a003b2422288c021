//! Walking an image, and asking the snapshot by address.

use std::ops::Range;
use std::sync::LazyLock;

use exuvia_cpython::{Flavor, Layout, Version};
use exuvia_memory::{PageCache, RemoteAddress};
use exuvia_snapshot::{ObjectFlags, ObjectId, Relation, Snapshot, ValuesKept};
use exuvia_synth::{Heap, Process, Python};
use exuvia_walker::{
    NativeTraverse, NoProgress, StaticData, Target, WalkError, WalkOptions, walk_with_native,
};

/// The layouts, in the order of [`Python::ALL`].
static LAYOUTS: LazyLock<[Layout; Python::ALL.len()]> = LazyLock::new(|| {
    Python::ALL
        .map(|python| Layout::for_version(Version::new(3, python.minor(), 0), Flavor::Gil).unwrap())
});

fn layout(python: Python) -> &'static Layout {
    &LAYOUTS[Python::ALL.iter().position(|&one| one == python).unwrap()]
}

/// A snapshot of an image.
pub(crate) struct Walked {
    pub(crate) snapshot: Snapshot,
}

/// Walks an image, damaged or not, and checks that the snapshot is one.
pub(crate) fn try_walk(
    python: Python,
    process: &Process,
    values: ValuesKept,
) -> Result<Walked, WalkError> {
    try_walk_in(&process.image.regions(), python, process, values)
}

/// The same for regions of which not everything can be read.
pub(crate) fn try_walk_in(
    regions: &[Range<u64>],
    python: Python,
    process: &Process,
    values: ValuesKept,
) -> Result<Walked, WalkError> {
    walk_asking(regions, python, process, values, None)
}

/// Walks a heap whose extension types are asked.
pub(crate) fn walk_natively(
    process: &Process,
    python: Python,
    native: &mut dyn NativeTraverse,
) -> Walked {
    let regions = process.image.regions();
    walk_asking(&regions, python, process, ValuesKept::Short, Some(native)).unwrap()
}

fn walk_asking(
    regions: &[Range<u64>],
    python: Python,
    process: &Process,
    values: ValuesKept,
    native: Option<&mut dyn NativeTraverse>,
) -> Result<Walked, WalkError> {
    let data = StaticData {
        range: process.program.clone(),
        image: "program".to_owned(),
        base: process.program.start,
    };
    let target = Target {
        runtime: process.runtime,
        layout: layout(python),
        regions,
        images: std::slice::from_ref(&process.program),
        data: &[data],
        absent: &[],
    };
    let values = Some(values);
    let snapshot = walk_with_native(
        &process.image,
        &target,
        &WalkOptions {
            values,
            digests: None,
        },
        native,
        &NoProgress,
    )?;
    if let Err(wrong) = exuvia_snapshot::check(&snapshot) {
        panic!("the snapshot contradicts itself: {wrong}");
    }
    Ok(Walked { snapshot })
}

/// Walks a heap for which the table fits and in which nothing is wrong.
pub(crate) fn walk_sound(heap: Heap, python: Python) -> Walked {
    let process = heap.finish();
    let mut layout = layout(python).clone();
    let mut cache = PageCache::new(&process.image, 0);
    let interpreter = RemoteAddress::new(
        process.image.u64(
            process
                .runtime
                .offset(layout.structs.py_runtime_state.interpreters_head),
        ),
    );
    layout
        .validate_interpreter(&mut cache, process.runtime, interpreter)
        .unwrap();
    layout.validate_types(&mut cache, interpreter).unwrap();
    let moved = layout.validate_gc(&mut cache, process.runtime, interpreter);
    assert_eq!(moved, Ok(None));

    let walked = try_walk(python, &process, ValuesKept::Short).unwrap();
    assert_eq!(walked.snapshot.metadata.diagnostics, []);
    for &object in &process.tracked {
        assert!(walked.has(object, ObjectFlags::TRACKED), "{object}");
    }
    walked
}

/// Walks a heap in which something is wrong.
pub(crate) fn walk_broken(process: &Process, python: Python) -> Walked {
    try_walk(python, process, ValuesKept::Short).unwrap()
}

impl Walked {
    /// The row of the object at an address, if there is one.
    pub(crate) fn find(&self, object: RemoteAddress) -> Option<ObjectId> {
        self.snapshot.objects.at(object.get())
    }

    fn id(&self, object: RemoteAddress) -> ObjectId {
        match self.find(object) {
            Some(id) => id,
            None => panic!("no object was found at {object}"),
        }
    }

    pub(crate) fn address(&self, id: ObjectId) -> RemoteAddress {
        RemoteAddress::new(self.snapshot.objects.address[id.index()])
    }

    pub(crate) fn kind(&self, object: RemoteAddress) -> &str {
        &self.snapshot.kind(self.id(object)).name
    }

    pub(crate) fn size(&self, object: RemoteAddress) -> u64 {
        self.snapshot.objects.size[self.id(object).index()]
    }

    pub(crate) fn allocated(&self, object: RemoteAddress) -> u64 {
        self.snapshot.objects.allocated[self.id(object).index()]
    }

    pub(crate) fn has(&self, object: RemoteAddress, flag: ObjectFlags) -> bool {
        self.snapshot.objects.flags[self.id(object).index()].contains(flag)
    }

    /// The value that was kept of an object.
    pub(crate) fn value(&self, object: RemoteAddress) -> Option<String> {
        let value = self.snapshot.values.get(self.id(object))?;
        Some(value.text().into_owned())
    }

    /// What an object refers to and keeps alive, with the name of each step.
    pub(crate) fn owned(&self, object: RemoteAddress) -> Vec<(String, RemoteAddress)> {
        self.references(object, false)
    }

    /// What an object refers to without keeping it alive.
    pub(crate) fn borrowed(&self, object: RemoteAddress) -> Vec<(String, RemoteAddress)> {
        self.references(object, true)
    }

    fn references(&self, object: RemoteAddress, weak: bool) -> Vec<(String, RemoteAddress)> {
        let references = self.snapshot.references.of(self.id(object));
        references
            .filter(|reference| reference.weak == weak)
            .map(|reference| {
                let step = self.step(reference.relation);
                (step, self.address(reference.target))
            })
            .collect()
    }

    fn step(&self, relation: Relation) -> String {
        let text = |id| self.value(self.address(id)).unwrap_or_default();
        let name = |id: exuvia_snapshot::NameId| &self.snapshot.names[id.index()];
        match relation {
            Relation::Attribute(id) => format!(".{}", name(id)),
            Relation::InlineAttribute(id) => format!(".{}", text(id)),
            Relation::InstanceDict => ".__dict__".to_owned(),
            Relation::Index(i) => format!("[{i}]"),
            Relation::Value(key) => format!("[{}]", text(key)),
            Relation::Key(i) => format!(".keys()[{i}]"),
            Relation::Interior(id) => format!("->{}", name(id)),
            Relation::Numbered(i) => format!("->refs[{i}]"),
            Relation::Word(i) => format!("->word[{i}]"),
            Relation::Local(id) => format!("local {}", text(id)),
            Relation::Cell(id) => format!("cell {}", text(id)),
            Relation::SuspendedLocal(id) => format!("suspended {}", text(id)),
            Relation::Stack(i) => format!("stack {i}"),
            Relation::SuspendedStack(i) => format!("suspended stack {i}"),
            Relation::Member(i) => format!("member {i}"),
        }
    }

    /// How often a sort of trouble was counted.
    pub(crate) fn trouble(&self, code: &str) -> u64 {
        let diagnostics = &self.snapshot.metadata.diagnostics;
        diagnostics
            .iter()
            .find(|diagnostic| diagnostic.code == code)
            .map_or(0, |diagnostic| diagnostic.count)
    }
}

/// Steps with their targets, as [`Walked::owned`] returns them.
pub(crate) fn steps<const N: usize>(
    steps: [(&str, RemoteAddress); N],
) -> Vec<(String, RemoteAddress)> {
    steps
        .map(|(step, target)| (step.to_owned(), target))
        .to_vec()
}
