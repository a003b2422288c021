use crate::builder::Builder;
use exuvia_query::{Classifier, Extent, Heap, Partition};
use exuvia_snapshot::{
    KindSummary, Metadata, NameId, ObjectFlags, ObjectId, Overview, Relation, RootCategory, Summary,
};

/// What is reached by a root, by native code, and by nobody.
fn heap() -> Heap {
    let mut b = Builder::default();
    let item = |index| Relation::Index(index);
    let modules = b.object("dict");
    b.root("i0_modules", modules);
    let module_dict = b.dict_of("module");
    b.size(module_dict, 100);
    b.refer(modules, module_dict, item(0));
    for index in 0..3 {
        let number = b.object("int");
        b.refer(modules, number, item(1 + index));
    }
    let frame = b.object("frame");
    b.flags(frame, ObjectFlags::SYNTHETIC);
    b.root_of("i0_t1_f0", frame, RootCategory::Thread);
    let local = b.object("list");
    b.refer(frame, local, item(0));
    let weakly = b.object("set");
    b.refer_weakly(local, weakly, item(0));

    // Native code holds one of a cycle of two.
    let held = b.object("myapp.Held");
    let partner = b.object("myapp.Held");
    b.refer(held, partner, item(0));
    b.refer(partner, held, item(0));
    b.refcount(held, 2);
    // A cycle that nobody holds, and an untracked object that only it holds.
    let lost = b.object("myapp.Lost");
    let text = b.object("str");
    b.refer(lost, lost, item(0));
    b.refer(lost, text, item(1));
    b.resident(1000);
    b.finish()
}

#[test]
fn the_table_shows_what_is_alive_by_size_then_name() {
    let table = heap().partition(Classifier::Kind);
    let rows: Vec<_> = table
        .rows
        .iter()
        .map(|r| (r.name.as_str(), r.count, r.size))
        .collect();
    assert_eq!(
        rows,
        [
            ("dict of module", 1, 100),
            ("int", 3, 30),
            ("myapp.Held", 2, 20),
            ("dict", 1, 10),
            ("list", 1, 10),
        ]
    );
    assert_eq!((table.count, table.size), (8, 170));
    assert_eq!(table.header, "Kind (class / dict of class)");
}

#[test]
fn a_type_has_one_row_for_all_its_kinds() {
    let table = heap().partition(Classifier::Type);
    assert_eq!(table.header, "Type");
    assert_eq!(
        (table.rows[0].name.as_str(), table.rows[0].count),
        ("dict", 2)
    );
    assert_eq!((table.count, table.size), (8, 170));
}

#[test]
fn what_the_table_leaves_out_is_told() {
    let outside = heap().partition(Classifier::Kind).outside;
    let extent = |objects| Extent {
        objects,
        bytes: 10 * objects,
    };
    assert_eq!(outside.native, extent(2));
    assert_eq!(outside.garbage, extent(3));
    assert_eq!(outside.allocated, 11 * 16);
    assert_eq!(outside.unaccounted, 1000 - 11 * 16);
}

#[test]
fn an_immortal_object_is_not_garbage() {
    let mut b = Builder::default();
    let text = b.object("str");
    b.flags(text, ObjectFlags::IMMORTAL);
    let outside = b.finish().partition(Classifier::Kind).outside;
    assert_eq!((outside.native.objects, outside.garbage.objects), (1, 0));
}

#[test]
fn an_empty_heap_has_an_empty_table() {
    let table = Builder::default().finish().partition(Classifier::Kind);
    assert_eq!((table.count, table.rows.len()), (0, 0));
}

#[test]
fn tables_serialise() {
    let table = serde_json::to_value(heap().partition(Classifier::Kind)).unwrap();
    assert_eq!(table["by"], "kind");
    assert_eq!(table["rows"][0]["name"], "dict of module");
    assert_eq!(table["outside"]["garbage"]["objects"], 3);
}

#[test]
fn chains_of_native_objects_are_alive_to_their_end() {
    let mut b = Builder::default();
    let objects: Vec<ObjectId> = (0..5).map(|_| b.object("list")).collect();
    for pair in objects.windows(2) {
        b.refer(pair[0], pair[1], Relation::Interior(NameId(0)));
    }
    b.refcount(objects[0], 1);
    let outside = b.finish().partition(Classifier::Kind).outside;
    assert_eq!((outside.native.objects, outside.garbage.objects), (5, 0));
}

#[test]
fn a_table_that_was_kept_may_say_anything() {
    let kind = KindSummary {
        objects: u64::MAX,
        bytes: u64::MAX,
        retained: u64::MAX,
    };
    let table = Partition::of_overview(&Overview {
        metadata: Metadata::default(),
        kinds: ["str", "list"].map(str::to_owned).into(),
        summary: Summary {
            kinds: vec![kind; 2],
            ..Summary::default()
        },
    });
    assert_eq!((table.count, table.size), (u64::MAX, u64::MAX));
}
