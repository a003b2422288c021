//! Free-threaded builds: objects found in mimalloc's segments, two reference counts, wider
//! objects. All but 3.13 are known from headers alone.

mod broken;

use exuvia_cpython::{Flavor, Layout, Version};
use exuvia_memory::{PageCache, RemoteAddress};
use exuvia_snapshot::{ObjectFlags, Reference, RootCategory, Snapshot, ValuesKept};
use exuvia_synth::{
    FreeFrame, FreeHeap, FreeList, FreeProcess, FreeThreaded, GC, GC_PRE, OBJECT, PageSpec,
};
use exuvia_walker::{NoProgress, Target, WalkError, WalkOptions, is_safe_moment, walk};

use crate::flips::Random;

const NULL: RemoteAddress = RemoteAddress::NULL;

fn layout(build: FreeThreaded) -> Layout {
    let (major, minor, micro) = build.version();
    Layout::for_version(Version::new(major, minor, micro), Flavor::FreeThreaded).unwrap()
}

fn try_walk(layout: &Layout, process: &FreeProcess) -> Result<Snapshot, WalkError> {
    let regions = process.image.regions();
    let target = Target {
        runtime: process.runtime,
        layout,
        regions: &regions,
        images: std::slice::from_ref(&process.program),
        data: &[],
        absent: &[],
    };
    let values = Some(ValuesKept::Short);
    let snapshot = walk(
        &process.image,
        &target,
        &WalkOptions {
            values,
            digests: None,
        },
        &NoProgress,
    )?;
    if let Err(wrong) = exuvia_snapshot::check(&snapshot) {
        panic!("the snapshot contradicts itself: {wrong}");
    }
    Ok(snapshot)
}

/// Walks a process in which nothing is wrong: the table fits, every object that the collector
/// would find is there, and no other is said to be tracked.
fn walk_sound(build: FreeThreaded, process: &FreeProcess) -> Snapshot {
    let mut layout = layout(build);
    let (runtime, interpreter) = (process.runtime, process.interpreter);
    let mut cache = PageCache::new(&process.image, 0);
    layout
        .validate_interpreter(&mut cache, runtime, interpreter)
        .unwrap();
    layout.validate_types(&mut cache, interpreter).unwrap();
    assert_eq!(
        layout.validate_gc(&mut cache, runtime, interpreter),
        Ok(None)
    );
    let snapshot = try_walk(&layout, process).unwrap();
    assert_eq!(snapshot.metadata.diagnostics, [], "{build:?}");
    let flags = snapshot.objects.flags.iter().zip(&snapshot.objects.address);
    let mut tracked: Vec<_> = flags
        .filter(|(flags, _)| flags.contains(ObjectFlags::TRACKED))
        .map(|(_, &address)| RemoteAddress::new(address))
        .collect();
    let mut expected = process.tracked.clone();
    tracked.sort_unstable();
    expected.sort_unstable();
    assert_eq!(tracked, expected, "{build:?}");
    snapshot
}

fn trouble(snapshot: &Snapshot, code: &str) -> u64 {
    let mut diagnostics = snapshot.metadata.diagnostics.iter();
    diagnostics
        .find(|diagnostic| diagnostic.code == code)
        .map_or(0, |diagnostic| diagnostic.count)
}

fn row(snapshot: &Snapshot, object: RemoteAddress) -> usize {
    match snapshot.objects.at(object.get()) {
        Some(id) => id.index(),
        None => panic!("no object was found at {object}"),
    }
}

fn is_there(snapshot: &Snapshot, object: RemoteAddress) -> bool {
    snapshot.objects.at(object.get()).is_some()
}

/// What an object refers to, and whether each reference keeps it alive.
fn references(snapshot: &Snapshot, object: RemoteAddress) -> Vec<(RemoteAddress, bool)> {
    let id = snapshot.objects.at(object.get()).unwrap();
    let of = snapshot.references.of(id);
    let address = |one: &Reference| snapshot.objects.address[one.target.index()];
    of.map(|one| (RemoteAddress::new(address(&one)), !one.weak))
        .collect()
}

#[test]
fn objects_of_every_sort() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let (a, b) = (heap.int(7), heap.text("name"));
        let list = heap.list(&[a, b]);
        let tuple = heap.tuple(&[list, a, b]);
        let dict = heap.dict(&[(b, tuple)]);
        let class = heap.class("Session", &["first", "second"]);
        let inside = heap.instance(class, &[list, tuple], NULL);
        let outside = heap.instance(class, &[], dict);
        // Only the collector knows them.
        let snapshot = walk_sound(build, &heap.finish());

        let size = |object| snapshot.objects.size[row(&snapshot, object)];
        let items = if build == FreeThreaded::V3_13 { 40 } else { 48 };
        assert_eq!(size(list), 56 + 2 * 8);
        assert_eq!(size(tuple), items + 3 * 8);
        // A head for the dictionary and weak references, and none for the collector.
        assert_eq!(size(inside), 16 + 32);
        assert_eq!(size(b), 56 + 4 + 1);
        let kind = |object| snapshot.kind(snapshot.objects.at(object).unwrap());
        assert_eq!(kind(inside.get()).name, "app.Session");
        assert_eq!(kind(dict.get()).name, "dict of app.Session");
        assert_eq!(references(&snapshot, list), [(a, true), (b, true)]);
        assert_eq!(
            references(&snapshot, inside),
            [(list, true), (tuple, true), (class, true)]
        );
        assert_eq!(
            references(&snapshot, outside),
            [(dict, true), (class, true)]
        );
        let value = |object: RemoteAddress| {
            let id = snapshot.objects.at(object.get()).unwrap();
            snapshot.values.get(id).unwrap().text().into_owned()
        };
        assert_eq!((value(a), value(b)), ("7".to_owned(), "name".to_owned()));
    }
}

#[test]
fn what_threads_leave_behind_is_found() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let mut left = Vec::new();
        for visited in [false, false, true] {
            let mut segment = heap.segment();
            for tag in [GC, GC_PRE] {
                let mut page = heap.page(
                    &mut segment,
                    &PageSpec {
                        tag,
                        block_size: 80,
                        heap: NULL,
                        slices: 1,
                    },
                );
                let before = if tag == GC_PRE { 16 } else { 0 };
                for _ in 0..100 {
                    let object = heap.block(&mut page).offset(before);
                    heap.list_at(object, &[]);
                    heap.track(object);
                    left.push(object);
                }
            }
            heap.abandon(&segment, heap.interpreter, visited);
        }
        let snapshot = walk_sound(build, &heap.finish());
        assert_eq!(left.len(), 600);
        assert!(left.iter().all(|&object| is_there(&snapshot, object)));
    }
}

#[test]
fn free_blocks_are_no_objects() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let gc = heap.heap_of(heap.thread, GC);
        let mut segment = heap.segment();
        let spec = PageSpec {
            tag: GC,
            block_size: 64,
            heap: gc,
            slices: 1,
        };
        let mut page = heap.page(&mut segment, &spec);
        let mut full = heap.page(&mut segment, &spec);
        let blocks: Vec<_> = (0..40).map(|_| heap.block(&mut page)).collect();
        let lists = [FreeList::Free, FreeList::Local, FreeList::Thread];
        let mut freed = Vec::new();
        for (n, &block) in blocks.iter().enumerate() {
            heap.list_at(block, &[]);
            if n % 4 == 3 {
                heap.track(block);
            } else {
                // What was an object looks like one, bit and all.
                heap.leave_tracked(block);
                heap.free(&mut page, block, lists[n % 4]);
                freed.push(block);
            }
        }
        for _ in 0..3 {
            let block = heap.block(&mut full);
            heap.list_at(block, &[]);
            heap.leave_tracked(block);
            heap.free_delayed(gc, block);
            freed.push(block);
        }
        let snapshot = walk_sound(build, &heap.finish());
        assert_eq!(freed.len(), 33);
        assert!(!freed.iter().any(|&block| is_there(&snapshot, block)));
    }
}

#[test]
fn other_memory_of_mimalloc_is_passed_over() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let mut segment = heap.segment();
        // A copy of mimalloc in an extension has heaps of its own.
        let foreign = heap.allocate(4096);
        let objects = heap.heap_of(heap.thread, OBJECT);
        let mut passed_over = Vec::new();
        for (tag, owner) in [(GC, foreign), (OBJECT, objects)] {
            let mut page = heap.page(
                &mut segment,
                &PageSpec {
                    tag,
                    block_size: 64,
                    heap: owner,
                    slices: 1,
                },
            );
            let object = heap.block(&mut page);
            heap.list_at(object, &[]);
            heap.leave_tracked(object);
            passed_over.push(object);
        }
        let snapshot = walk_sound(build, &heap.finish());
        assert!(!passed_over.iter().any(|&one| is_there(&snapshot, one)));
    }
}

#[test]
fn huge_blocks_have_segments_of_their_own() {
    for build in FreeThreaded::ALL {
        for size in [20 << 20, 3 << 30] {
            let mut heap = FreeHeap::new(build);
            let gc = heap.heap_of(heap.thread, GC);
            let mut segment = heap.segment();
            let mut page = heap.page(
                &mut segment,
                &PageSpec {
                    tag: GC,
                    block_size: size,
                    heap: gc,
                    slices: 1,
                },
            );
            heap.make_huge(&segment, &page, size / (64 << 10));
            let object = heap.block(&mut page);
            heap.list_at(object, &[]);
            heap.track(object);
            walk_sound(build, &heap.finish());
        }
    }
}

#[test]
fn objects_belong_to_their_interpreters() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let second = heap.another_interpreter();
        let thread = heap.another_thread(second);
        let owner = heap.heap_of(thread, GC);
        let mut segments = [heap.segment(), heap.segment()];
        let mut objects = Vec::new();
        for (segment, heap_of) in segments.iter_mut().zip([owner, NULL]) {
            let mut page = heap.page(
                segment,
                &PageSpec {
                    tag: GC,
                    block_size: 64,
                    heap: heap_of,
                    slices: 1,
                },
            );
            let object = heap.block(&mut page);
            heap.list_at(object, &[]);
            heap.track(object);
            objects.push(object);
        }
        heap.abandon(&segments[1], second, false);
        let mine = heap.list(&[]);
        let snapshot = walk_sound(build, &heap.finish());
        let owner = |object: RemoteAddress| {
            let id = snapshot.objects.at(object.get()).unwrap();
            snapshot.objects.interpreter_of(id)
        };
        assert_eq!(owner(mine), Some(0), "{build:?}");
        for object in objects {
            assert_eq!(owner(object), Some(1), "{build:?}");
        }
    }
}

#[test]
fn both_counts_make_one() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let objects: Vec<_> = (0..5).map(|_| heap.list(&[])).collect();
        let [own, both, merged, deferred, ended] = objects[..] else {
            panic!("five objects");
        };
        heap.put_counts(own, 3, 0);
        // Other threads have dropped a reference that the own one took.
        heap.put_counts(both, 3, -1 << 2);
        heap.put_counts(merged, 0, 5 << 2 | 3);
        heap.defer(deferred, 4);
        heap.defer(ended, 0);
        let immortal = heap.list(&[]);
        heap.make_immortal(immortal);
        let snapshot = walk_sound(build, &heap.finish());
        let count = |object| snapshot.objects.refcount[row(&snapshot, object)];
        assert_eq!((count(own), count(both), count(merged)), (3, 2, 5));
        assert_eq!((count(deferred), count(ended)), (4, 0));
        let flags = snapshot.objects.flags[row(&snapshot, immortal)];
        assert!(flags.contains(ObjectFlags::IMMORTAL));
    }
}

#[test]
fn what_is_immortal_is_found_without_a_reference() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let only_there = heap.int(1);
        let forgotten = heap.list(&[only_there]);
        heap.make_immortal(forgotten);
        // As much of an object as a block has that never was one.
        let block = heap.tracked(56, false);
        heap.put_counts(block, u32::MAX, 0);
        let snapshot = walk_sound(build, &heap.finish());
        let flags = snapshot.objects.flags[row(&snapshot, forgotten)];
        assert!(flags.contains(ObjectFlags::IMMORTAL));
        assert!(is_there(&snapshot, only_there));
        assert!(!is_there(&snapshot, block));
    }
}

#[test]
fn objects_that_wait_for_their_counts_are_roots() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let (first, second) = (heap.int(1), heap.int(2));
        heap.queue(&[first]);
        heap.queue(&[second]);
        let snapshot = walk_sound(build, &heap.finish());
        for object in [first, second] {
            let id = snapshot.objects.at(object.get()).unwrap();
            let mut roots = snapshot.roots.iter();
            let root = roots.find(|root| root.target == id).unwrap();
            assert!(root.name.contains("objects_to_merge["), "{}", root.name);
            assert!(root.owned && root.category == RootCategory::Thread);
        }
    }
}

#[test]
fn slots_of_frames_carry_tags_from_3_14_on() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        let (counted, deferred) = (heap.list(&[]), heap.list(&[]));
        heap.hold("deferred", deferred);
        let code = heap.code(&["a", "b", "c"]);
        let slots = if build == FreeThreaded::V3_13 {
            [counted.get(), deferred.get(), 0]
        } else {
            // The last is a number, not an object.
            [counted.get(), deferred.get() | 1, 42 << 2 | 3]
        };
        let frame = FreeFrame {
            names: &["a", "b", "c"],
            slots: &slots,
        };
        heap.innermost = heap.frame(code, &frame);
        let innermost = heap.innermost;
        let snapshot = walk_sound(build, &heap.finish());
        let found = references(&snapshot, innermost);
        assert!(found.contains(&(counted, true)), "{build:?}: {found:?}");
        let owned = build == FreeThreaded::V3_13;
        assert!(found.contains(&(deferred, owned)), "{build:?}: {found:?}");
    }
}

#[test]
fn debugged_allocators_put_words_before_objects() {
    for build in FreeThreaded::ALL {
        let mut heap = FreeHeap::new(build);
        heap.debug_allocators();
        let gc = heap.heap_of(heap.thread, GC);
        let mut segment = heap.segment();
        let mut page = heap.page(
            &mut segment,
            &PageSpec {
                tag: GC,
                block_size: 96,
                heap: gc,
                slices: 1,
            },
        );
        let object = heap.block(&mut page).offset(16);
        heap.list_at(object, &[]);
        heap.track(object);
        let process = heap.finish();
        let snapshot = try_walk(&layout(build), &process).unwrap();
        assert!(is_there(&snapshot, object));
    }
}

#[test]
fn pauses_of_all_threads_are_waited_out() {
    for build in FreeThreaded::ALL {
        let layout = layout(build);
        let pauses: [fn(&mut FreeHeap); 4] = [
            |_| {},
            FreeHeap::collect,
            FreeHeap::request_stop,
            FreeHeap::request_stop_of_all,
        ];
        for (n, pause) in pauses.into_iter().enumerate() {
            let mut heap = FreeHeap::new(build);
            pause(&mut heap);
            let process = heap.finish();
            let is_safe = is_safe_moment(&process.image, &layout, process.runtime);
            assert_eq!(is_safe, n == 0, "{build:?}, {n}");
        }
    }
}

#[test]
fn a_table_of_another_mimalloc_is_refused() {
    for (build, other) in [
        (FreeThreaded::V3_14, FreeThreaded::V3_14_10),
        (FreeThreaded::V3_15_2, FreeThreaded::V3_15),
    ] {
        let process = FreeHeap::new(build).finish();
        let mut cache = PageCache::new(&process.image, 0);
        let error = layout(other)
            .validate_mimalloc(&mut cache, process.interpreter)
            .unwrap_err();
        assert!(
            error.to_string().starts_with("tstate->mimalloc.heaps[i]"),
            "{error}"
        );
    }
}
