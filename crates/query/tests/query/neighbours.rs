//! Who refers to a set, to what it refers, and what dominates it.

use crate::builder::{Builder, address};
use exuvia_query::{Classifier, Heap, HoldingRoot, Neighbours, ObjectSet, Term};
use exuvia_snapshot::{ObjectFlags, ObjectId, Relation, RootCategory};

fn set(heap: &Heap, objects: &[ObjectId]) -> ObjectSet {
    let terms = objects.iter().map(|&id| Term::At(address(id)));
    heap.select(&Term::AnyOf(terms.collect()).into()).unwrap()
}

fn referrers(heap: &Heap, objects: &[ObjectId]) -> Neighbours {
    heap.referrers(&set(heap, objects), false)
}

fn root(name: &str, objects: u64) -> HoldingRoot {
    HoldingRoot {
        name: name.to_owned(),
        objects,
    }
}

fn relations(neighbours: &Neighbours) -> Vec<(u64, &str, &str)> {
    let rows = neighbours.relations.iter();
    rows.map(|row| (row.count, row.kind.as_str(), row.relation.as_str()))
        .collect()
}

#[test]
fn each_referrer_is_there_once_and_relations_are_counted() {
    let mut b = Builder::default();
    let cache = b.object("dict");
    let sessions = [(); 3].map(|()| b.object("myapp.Session"));
    let keys = ["a", "b", "c"].map(|key| b.string(key));
    for (key, session) in keys.into_iter().zip(sessions) {
        b.entry(cache, key, session);
    }
    let registry = b.object("list");
    b.refer(registry, sessions[0], Relation::Index(0));
    b.refer(registry, sessions[1], Relation::Index(1));
    let weak = b.object("weakref.ReferenceType");
    let referent = Relation::Interior(b.name("wr_object"));
    b.refer_weakly(weak, sessions[2], referent);
    let garbage = b.object("list");
    b.refer(garbage, sessions[2], Relation::Index(0));
    for (name, target) in [("cache", cache), ("registry", registry), ("weak", weak)] {
        b.root(name, target);
    }
    let heap = b.finish();

    let found = referrers(&heap, &sessions);
    assert_eq!(found.objects.ids(), [cache, registry]);
    assert_eq!(found.roots, []);
    let expected = [(3, "dict", "[key]"), (2, "list", "[i]")];
    assert_eq!(relations(&found), expected);
    let table = heap.partition_of(&found.objects, Classifier::Kind);
    assert_eq!((table.count, table.size, table.rows.len()), (2, 20, 2));

    let found = heap.referrers(&set(&heap, &sessions), true);
    assert_eq!(found.objects.ids(), [cache, registry, weak]);

    let found = heap.referents(&set(&heap, &[cache]), false);
    assert_eq!(found.objects.count(), 6);
    let expected = [(3, "dict", ".keys()[i]"), (3, "dict", "[key]")];
    assert_eq!(relations(&found), expected);
}

#[test]
fn attributes_keep_their_names() {
    let mut b = Builder::default();
    let attributes = b.dict_of("myapp.Session");
    let (data, name) = (b.object("list"), b.string("data"));
    b.entry(attributes, name, data);
    let slotted = b.object("myapp.Item");
    // The same name, as another object.
    let (again, once_more) = (b.string("owner"), b.string("owner"));
    b.refer(slotted, data, Relation::InlineAttribute(again));
    let other = b.object("myapp.Item");
    b.refer(other, data, Relation::InlineAttribute(once_more));
    for object in [attributes, slotted, other] {
        b.root("x", object);
    }
    let heap = b.finish();
    let found = referrers(&heap, &[data]);
    let expected = [
        (2, "myapp.Item", ".owner"),
        (1, "dict of myapp.Session", "['data']"),
    ];
    assert_eq!(relations(&found), expected);
}

#[test]
fn roots_and_frames_that_hold_are_named() {
    let mut b = Builder::default();
    let frame = b.object("frame");
    let (local, modules) = (b.object("list"), b.object("dict"));
    let name = b.string("rows");
    b.refer(frame, local, Relation::Local(name));
    b.flags(frame, ObjectFlags::SYNTHETIC);
    b.root_of("i0_t7_f0", frame, RootCategory::Thread);
    b.root("i0_modules", modules);
    b.root_of("cached", modules, RootCategory::Static);
    let heap = b.finish();
    let found = referrers(&heap, &[local, modules]);
    assert_eq!(found.objects.count(), 0);
    let expected = [
        root("hp.Root.i0_modules", 1),
        root("hp.Root.i0_t7_f0.f_locals['rows']", 1),
    ];
    assert_eq!(found.roots, expected);
}

/// root → a → b → t, and root → c → t: b and c are reached without passing through each other.
/// d refers to t as well, but is reached through b only.
#[test]
fn a_referrer_behind_another_is_no_immediate_dominator() {
    let mut b = Builder::default();
    let [a, between, c, d, target] = [(); 5].map(|()| b.object("list"));
    for (source, to) in [
        (a, between),
        (between, target),
        (between, d),
        (c, target),
        (d, target),
    ] {
        b.refer(source, to, Relation::Index(0));
    }
    b.root("a", a);
    b.root("c", c);
    let heap = b.finish();
    let found = referrers(&heap, &[target]);
    assert_eq!(found.objects.ids(), [between, c, d]);
    let found = heap.immediate_dominators(&set(&heap, &[target]));
    assert_eq!(found.objects.ids(), [between, c]);
    // What a root holds itself has no object above it.
    let found = heap.immediate_dominators(&set(&heap, &[a]));
    assert_eq!(found.objects.count(), 0);
    assert_eq!(found.roots, [root("hp.Root.a", 1)]);
}

#[test]
fn a_set_dominates_what_only_its_members_reach() {
    let mut b = Builder::default();
    let [first, second, shared, own, elsewhere, outside] = [(); 6].map(|()| b.object("list"));
    for (source, to) in [
        (first, shared),
        (second, shared),
        (first, own),
        (first, elsewhere),
        (outside, elsewhere),
        // A cycle back changes nothing.
        (own, first),
    ] {
        b.refer(source, to, Relation::Index(0));
    }
    for target in [first, second, outside] {
        b.root("x", target);
    }
    let heap = b.finish();
    let dominated = heap.dominated_by(&set(&heap, &[first, second]));
    assert_eq!(dominated.ids(), [first, second, shared, own]);
    assert_eq!(dominated.size(), 40);
    let dominated = heap.dominated_by(&set(&heap, &[first]));
    assert_eq!(dominated.ids(), [first, own]);
}
