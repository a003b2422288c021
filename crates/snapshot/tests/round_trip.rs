//! What was written is read back equal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use common::{names_in, sample, written};
use exuvia_snapshot::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::cell::RefCell;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_snapshot(snapshot in snapshots()) {
        prop_assert_eq!(check(&snapshot), Ok(()));
        let (_parent, path) = written(&snapshot);
        prop_assert!(is_snapshot(&path));
        prop_assert_eq!(open(&path).unwrap(), snapshot);
    }
}

#[test]
fn an_empty_snapshot_and_the_sample() {
    for snapshot in [Snapshot::default(), sample()] {
        let (_parent, path) = written(&snapshot);
        assert_eq!(open(&path).unwrap(), snapshot);
    }
}

#[test]
fn the_versions_before_can_still_be_read() {
    let mut expected = sample();
    // What came with version 3.
    expected.digests = Digests::default();
    expected.suspended = Vec::new();
    expected.mappings[0].resident = 0;
    expected.mappings[0].proportional = 0;
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    for version in ["version-1", "version-2"] {
        let path = std::path::Path::new(data).join(version);
        assert_eq!(open(&path).unwrap(), expected, "{version}");
    }
}

#[test]
fn a_table_of_several_row_groups() {
    let mut snapshot = sample();
    snapshot.references = References::default();
    for source in 0..snapshot.objects.len() as u32 {
        // Objects without references before, between and after.
        let count = if source % 7 == 3 { 250_000 } else { 0 };
        for index in 0..count {
            snapshot.references.push(Reference {
                target: ObjectId(index % 40),
                relation: Relation::Index(index),
                weak: index == 77,
            });
        }
        snapshot.references.finish_object().unwrap();
    }
    let (_parent, path) = written(&snapshot);
    assert!(open(&path).unwrap() == snapshot);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let (parent, path) = written(&sample());
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(names_in(parent.path()), ["heap.exuvia"]);
    let files = names_in(&path);
    assert_eq!(files.len(), common::TABLES.len() + 1);
    for file in files {
        assert_eq!(mode(&path.join(&file)), 0o600, "{file}");
    }
}

#[test]
fn the_size_and_the_progress_are_told() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("heap.exuvia");
    let shares = RefCell::new(Vec::new());
    let bytes = write(&sample(), &path, &|| false, &|share| {
        shares.borrow_mut().push(share);
    })
    .unwrap();
    let file = |name: &String| path.join(name).metadata().unwrap().len();
    assert_eq!(bytes, names_in(&path).iter().map(file).sum::<u64>());
    let shares = shares.into_inner();
    assert!(shares.is_sorted() && shares.len() > 10);
    assert_eq!(shares.last(), Some(&1.0));
}

fn snapshots() -> impl Strategy<Value = Snapshot> {
    (0..30u32, 1..6u32, 1..5u32, 1..5u32).prop_flat_map(|(objects, types, kinds, names)| {
        let heap = (columns(objects, kinds), references(objects, names));
        let tables = (
            types_table(types, objects),
            vec(kind(types), kinds as usize),
            vec(any::<String>(), names as usize),
        );
        let process = (
            rows(root(objects), objects),
            vec(thread(), 1..4),
            rows(frame(objects), objects),
            rows(suspended_frame(objects), objects),
            vec(mapping(), 0..4),
        );
        let contents = (values(objects), digests(objects));
        (metadata(), heap, tables, process, contents).prop_map(
            |(metadata, (objects, references), tables, process, (values, digests))| Snapshot {
                metadata,
                objects,
                references,
                types: tables.0,
                kinds: tables.1,
                names: tables.2,
                roots: process.0,
                threads: process.1,
                frames: process.2,
                suspended: in_order(process.3),
                mappings: process.4,
                values,
                digests,
            },
        )
    })
}

/// Rows that need at least one object.
fn rows<S: Strategy>(row: S, objects: u32) -> impl Strategy<Value = Vec<S::Value>> {
    vec(row, 0..if objects == 0 { 1 } else { 5 })
}

/// Rows of different objects, by object.
fn in_order(mut rows: Vec<SuspendedFrame>) -> Vec<SuspendedFrame> {
    rows.sort_by_key(|row| row.object);
    rows.dedup_by_key(|row| row.object);
    rows
}

fn suspended_frame(objects: u32) -> impl Strategy<Value = SuspendedFrame> {
    let texts = any::<[String; 2]>();
    (object(objects), no_object_or(objects), texts, any::<u32>()).prop_map(
        |(object, code, [function, file], line)| SuspendedFrame {
            object,
            code,
            function,
            file,
            line,
        },
    )
}

fn object(objects: u32) -> impl Strategy<Value = ObjectId> + Clone {
    (0..objects.max(1)).prop_map(ObjectId)
}

fn no_object_or(objects: u32) -> impl Strategy<Value = Option<ObjectId>> {
    option::of(object(objects)).prop_map(move |object| object.filter(|_| objects > 0))
}

fn columns(objects: u32, kinds: u32) -> impl Strategy<Value = Objects> {
    // One interpreter, or some, of which some rows belong to none.
    let interpreters = option::of(vec(option::of(0..3u32), objects as usize));
    (facts(objects, kinds), interpreters).prop_map(|(mut objects, interpreters)| {
        let several = interpreters.map(|rows| rows.into_iter().map(|row| row.unwrap_or(u32::MAX)));
        objects.interpreter = several.map_or_else(Vec::new, Iterator::collect);
        // What says no more than an empty column is read back as one.
        let said = objects.clone();
        objects.interpreter = Vec::new();
        if said
            .ids()
            .all(|id| said.interpreter_of(id) == objects.interpreter_of(id))
        {
            return objects;
        }
        said
    })
}

fn facts(objects: u32, kinds: u32) -> impl Strategy<Value = Objects> {
    let size = 0..1u64 << 48;
    let row = (
        1..1u64 << 58,
        0..kinds,
        size.clone(),
        size,
        any::<u32>(),
        any::<u8>(),
    );
    vec(row, objects as usize).prop_map(|rows| {
        let mut objects = Objects::default();
        let mut address = 0;
        for (step, kind, size, allocated, refcount, flags) in rows {
            address += step;
            objects.address.push(address);
            objects.kind.push(KindId(kind));
            objects.size.push(size);
            objects.allocated.push(allocated);
            objects.refcount.push(refcount);
            objects.flags.push(ObjectFlags(flags));
        }
        objects
    })
}

fn references(objects: u32, names: u32) -> impl Strategy<Value = References> {
    let operands = move |code| match code {
        1 | 7 => 0..names,
        2 | 5 | 10..=12 => 0..objects.max(1),
        3 => 0..1,
        _ => 0..u32::MAX,
    };
    let relation = (1..=15u8).prop_flat_map(move |code| (Just(code), operands(code)));
    let reference = (object(objects), relation, any::<bool>());
    vec(vec(reference, 0..6), objects as usize).prop_map(|rows| {
        let mut references = References::default();
        for row in rows {
            for (target, (code, operand), weak) in row {
                references.push(Reference {
                    target,
                    relation: Relation::decode(code, operand).unwrap(),
                    weak,
                });
            }
            references.finish_object().unwrap();
        }
        references
    })
}

fn types_table(types: u32, objects: u32) -> impl Strategy<Value = Vec<Type>> {
    let row = (
        any::<[u64; 3]>(),
        any::<[String; 3]>(),
        any::<u8>(),
        any::<u32>(),
    );
    vec((row, no_object_or(objects)), types as usize).prop_map(|rows| {
        let rows = rows.into_iter().zip(0..);
        rows.map(|(((numbers, names, flags, base), object), row): (_, u32)| {
            let [address, basicsize, itemsize] = numbers;
            let [module, name, tp_name] = names;
            Type {
                address,
                object,
                module,
                name,
                tp_name,
                basicsize,
                itemsize,
                flags: TypeFlags(flags),
                // Nothing inherits from itself.
                base: base.checked_rem(row).map(TypeId),
            }
        })
        .collect()
    })
}

fn kind(types: u32) -> impl Strategy<Value = Kind> {
    let shape = prop_oneof![
        Just(KindShape::Plain),
        (0..types).prop_map(|owner| KindShape::DictOf(TypeId(owner))),
        Just(KindShape::DictWithoutOwner),
    ];
    (any::<String>(), 0..types, shape).prop_map(|(name, type_id, shape)| Kind {
        name,
        type_id: TypeId(type_id),
        shape,
    })
}

fn root(objects: u32) -> impl Strategy<Value = Root> {
    let category = prop_oneof![
        Just(RootCategory::Interpreter),
        Just(RootCategory::Thread),
        Just(RootCategory::Static),
        Just(RootCategory::Variable),
    ];
    (any::<String>(), object(objects), category, any::<bool>()).prop_map(
        |(name, target, category, owned)| Root {
            name,
            target,
            category,
            owned,
        },
    )
}

fn thread() -> impl Strategy<Value = Thread> {
    let row = (
        any::<u32>(),
        any::<u64>(),
        option::of(any::<u64>()),
        any::<bool>(),
    );
    row.prop_map(|(interpreter, ident, native_id, holds_gil)| Thread {
        interpreter,
        ident,
        native_id,
        holds_gil,
    })
}

fn frame(objects: u32) -> impl Strategy<Value = Frame> {
    let numbers = (any::<u32>(), any::<u32>());
    let row = (
        numbers,
        object(objects),
        no_object_or(objects),
        any::<[String; 2]>(),
    );
    row.prop_map(|((depth, line), object, code, [function, file])| Frame {
        thread: 0,
        depth,
        object,
        code,
        function,
        file,
        line,
    })
}

fn mapping() -> impl Strategy<Value = Mapping> {
    let sizes = (any::<u32>(), any::<u32>(), any::<u64>(), any::<u32>());
    (sizes, any::<[String; 2]>()).prop_map(|((start, size, offset, resident), texts)| {
        let [permissions, path] = texts;
        Mapping {
            start: start.into(),
            end: u64::from(start) + u64::from(size),
            permissions,
            offset,
            path,
            resident: resident.into(),
            proportional: u64::from(resident) / 2,
            swapped: u64::from(size),
        }
    })
}

fn digests(objects: u32) -> impl Strategy<Value = Digests> {
    vec(option::of(any::<u64>()), objects as usize).prop_map(|rows| {
        let mut digests = Digests::default();
        for (row, digest) in (0..).zip(rows) {
            if let Some(digest) = digest {
                digests.push(ObjectId(row), digest);
            }
        }
        digests
    })
}

fn values(objects: u32) -> impl Strategy<Value = Values> {
    let value = option::of((1..=5u8, any::<String>(), any::<Vec<u8>>()));
    vec(value, objects as usize).prop_map(|rows| {
        let mut values = Values::default();
        for (row, value) in rows.into_iter().enumerate() {
            let Some((code, text, bytes)) = value else {
                continue;
            };
            let form = ValueForm::from_code(code).unwrap();
            let bytes = match form {
                ValueForm::Bytes | ValueForm::BytesStart => &bytes,
                _ => text.as_bytes(),
            };
            values.push(ObjectId(row as u32), form, bytes);
        }
        values
    })
}

/// Facts with this number in them; none for an even one.
fn memory(number: u64) -> Option<MemoryFacts> {
    (number % 2 == 1).then(|| MemoryFacts {
        stacks: number,
        stack_memory: Portion::default(),
        pymalloc: Some(Pymalloc {
            used: number,
            ..Pymalloc::default()
        }),
        mimalloc: None,
        c: CAllocator {
            name: "glibc".into(),
            asked: Some(MallocInfo::default()),
            not_asked: None,
            heaps: Some(GlibcHeaps {
                trimmable: number,
                ..GlibcHeaps::default()
            }),
        },
    })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let process = (
        any::<u32>(),
        vec(any::<String>(), 0..3),
        any::<[String; 3]>(),
        any::<u64>(),
    );
    let seconds = || 0.0..1e11;
    let mode = prop_oneof![Just(CaptureMode::Clone), Just(CaptureMode::Stop)];
    let kept = prop_oneof![
        Just(ValuesKept::None),
        Just(ValuesKept::Short),
        Just(ValuesKept::Full),
    ];
    let times = (seconds(), seconds(), seconds());
    let capture = (times, mode, kept, any::<[String; 2]>());
    let diagnostic = (
        any::<[String; 2]>(),
        any::<u64>(),
        vec(any::<String>(), 0..3),
    );
    (process, capture, any::<[u64; 3]>(), vec(diagnostic, 0..3)).prop_map(
        |(process, capture, counts, diagnostics)| {
            let (pid, command, [executable, python, flavor], resident) = process;
            let ((time, frozen, elapsed), mode, values, [tool, layout]) = capture;
            let [objects, references, bytes] = counts;
            let diagnostic = |([code, message], count, examples): ([_; 2], _, _)| Diagnostic {
                code,
                message,
                count,
                examples,
            };
            Metadata {
                process: Process {
                    pid,
                    command,
                    executable,
                    python,
                    flavor,
                    resident,
                    started: Some(u64::from(pid)),
                },
                capture: Capture {
                    time,
                    tool,
                    mode,
                    frozen,
                    elapsed,
                    values,
                    layout,
                },
                counts: Counts {
                    objects,
                    references,
                    bytes,
                },
                diagnostics: diagnostics.into_iter().map(diagnostic).collect(),
                memory: memory(objects),
            }
        },
    )
}
