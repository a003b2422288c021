//! Rows of tables by each classifier, as heapy names and sorts them.

use crate::builder::Builder;
use exuvia_query::{By, Classifier, Heap, Partition, PartitionOptions, Term};
use exuvia_snapshot::{ObjectFlags, ObjectId, Relation, RootCategory};

/// A module that holds a dictionary of two sessions, of which one holds the other one's name;
/// a thread that holds a list, and native code that holds another one.
fn heap() -> Heap {
    let mut b = Builder::default();
    let modules = b.object("dict");
    b.root("i0_modules", modules);
    let module = b.object("module");
    let shop = b.string("shop");
    let md_name = b.name("md_name");
    b.refer(module, shop, Relation::Interior(md_name));
    b.entry(modules, shop, module);
    let own = b.dict_of("module");
    b.refer(module, own, Relation::InstanceDict);
    b.size(own, 100);
    let (first, second) = (b.object("shop.Session"), b.object("shop.Session"));
    let (key_a, key_b) = (b.string("a"), b.string("it's"));
    b.entry(own, key_a, first);
    b.entry(own, key_b, second);
    let name = b.string("Ann");
    b.refer(first, name, Relation::InlineAttribute(key_a));
    b.refer(second, name, Relation::InlineAttribute(key_a));
    let frame = b.object("frame");
    b.flags(frame, ObjectFlags::SYNTHETIC);
    b.root_of("i0_t7_f0", frame, RootCategory::Thread);
    let local = b.object("list");
    b.refer(frame, local, Relation::Index(0));
    b.refer(frame, first, Relation::Index(1));
    let native = b.object("list");
    b.refcount(native, 1);
    b.flags(native, ObjectFlags::TRACKED.in_generation(3));
    b.flags(local, ObjectFlags::TRACKED.in_generation(0));
    b.finish()
}

fn rows(table: &Partition) -> Vec<(&str, u64, u64)> {
    let rows = table.rows.iter();
    rows.map(|row| (row.name.as_str(), row.count, row.size))
        .collect()
}

fn by(by: Classifier) -> Partition {
    heap().partition(by)
}

#[test]
fn sizes_are_aligned_and_the_row_with_most_bytes_is_first() {
    let table = by(Classifier::Size);
    assert_eq!(table.header, "Individual Size");
    assert_eq!(
        rows(&table),
        [("       10", 10, 100), ("      100", 1, 100)]
    );
}

#[test]
fn only_modules_are_told_apart_by_module() {
    let table = by(Classifier::Module);
    assert_eq!(table.header, "Module");
    assert_eq!(rows(&table), [("~module", 10, 190), ("shop", 1, 10)]);
}

#[test]
fn unity_is_one_row() {
    let table = by(Classifier::Unity);
    assert_eq!(table.header, "<unclassified>");
    assert_eq!(rows(&table), [("<Anything>", 11, 200)]);
}

#[test]
fn referrers_are_sets_of_kinds() {
    let table = by(Classifier::Rcs);
    assert_eq!(table.header, "Referrers by Kind (class / dict of class)");
    let expected = [
        ("module", 1, 100),
        ("dict of module", 3, 30),
        ("<Nothing>", 2, 20),
        ("dict", 1, 10),
        ("dict of module, frame", 1, 10),
        ("dict, module", 1, 10),
        ("frame", 1, 10),
        ("shop.Session", 1, 10),
    ];
    assert_eq!(rows(&table), expected);
}

#[test]
fn relations_are_sets_of_texts_as_python_prints_them() {
    let table = by(Classifier::Via);
    assert_eq!(table.header, "Referred Via:");
    let expected = [
        ("'.__dict__'", 1, 100),
        ("", 2, 20),
        ("\"['a']\", '[1]'", 1, 10),
        ("\"['shop']\"", 1, 10),
        ("'->md_name', '.keys()[0]'", 1, 10),
        ("'.a'", 1, 10),
        ("'.keys()[0]'", 1, 10),
        ("'.keys()[1]'", 1, 10),
        ("'[\"it\\'s\"]'", 1, 10),
        ("'[0]'", 1, 10),
    ];
    assert_eq!(rows(&table), expected);
}

#[test]
fn owners_generations_and_interpreters() {
    let table = by(Classifier::Owner);
    assert_eq!(
        rows(&table),
        [("<no owner>", 10, 100), ("module: shop", 1, 100)]
    );
    let table = by(Classifier::Generation);
    assert_eq!(
        rows(&table),
        [("<none>", 9, 180), ("0", 1, 10), ("permanent", 1, 10)]
    );
    assert_eq!(rows(&by(Classifier::Interpreter)), [("0", 11, 200)]);
}

/// The session that the frame holds as well would stay without it.
#[test]
fn what_only_a_thread_reaches_is_its_own() {
    let expected = [
        ("<not by threads alone>", 9, 180),
        ("<by native code>", 1, 10),
        ("i0_t7", 1, 10),
    ];
    assert_eq!(rows(&by(Classifier::Thread)), expected);
}

#[test]
fn two_classifiers_divide_each_other() {
    let both = |first, second| {
        let second = Some(second);
        PartitionOptions::from(By { first, second })
    };
    let table = heap().divided(None, both(Classifier::Type, Classifier::Size));
    assert_eq!(table.header, "Type & Individual Size");
    assert_eq!(table.by.to_string(), "type,size");
    assert_eq!(
        rows(&table)[..2],
        [("dict & 100", 1, 100), ("str & 10", 4, 40)]
    );
    let table = heap().divided(None, both(Classifier::Rcs, Classifier::Via));
    assert_eq!(
        table.header,
        "{Referrers by Kind (class / dict of class)} & {Referred Via}"
    );
    assert_eq!(rows(&table)[1], ("{} & {}", 2, 20));
    assert_eq!(rows(&table)[0].0, "{module} & {'.__dict__'}");
}

fn of(heap: &Heap, kind: &str, options: impl Into<PartitionOptions>) -> Partition {
    let set = heap.select(&Term::Kind(kind.to_owned()).into()).unwrap();
    heap.divided(Some(&set), options.into())
}

#[test]
fn single_objects_are_shown_by_value_or_address() {
    let heap = heap();
    let strings = of(&heap, "str", Classifier::Id);
    assert_eq!(strings.label.as_deref(), Some("<str>"));
    assert_eq!(strings.header, "Representation (limited)");
    let names: Vec<_> = rows(&strings).into_iter().map(|row| row.0).collect();
    assert_eq!(names, ["'Ann'", "'a'", "\"it's\"", "'shop'"]);

    let dicts = of(&heap, "dict of module", Classifier::Id);
    assert_eq!(
        (dicts.header.as_str(), rows(&dicts)[0].0),
        ("Owner Name", "shop")
    );

    let mixed = heap.partition(Classifier::Id);
    assert_eq!(mixed.label.as_deref(), Some("<mixed>"));
    assert_eq!(mixed.header, "Brief");
    assert_eq!(rows(&mixed)[0].0, "dict of module: shop");
    assert_eq!(
        (mixed.total_rows, mixed.rows.len(), mixed.count),
        (11, 11, 11)
    );
}

#[test]
fn of_many_single_objects_only_the_wanted_are_made() {
    let heap = heap();
    let options = |rows| PartitionOptions {
        by: Classifier::Id.into(),
        retained: false,
        rows: Some(rows),
    };
    let few = of(&heap, "str", options(2));
    assert_eq!(
        (few.rows.len(), few.total_rows, few.count, few.size),
        (2, 4, 4, 40)
    );
    assert_eq!(few.rows, of(&heap, "str", Classifier::Id).rows[..2]);
}

/// What a row retains is what would go with all of it, whatever the table is divided by.
#[test]
fn retained_sizes_are_those_of_the_objects_of_a_row_together() {
    let heap = heap();
    for by in Classifier::ALL {
        let options = PartitionOptions {
            by: by.into(),
            retained: true,
            rows: None,
        };
        let table = heap.divided(None, options);
        assert_eq!(table.alive, Some(200));
        assert!(
            table
                .rows
                .is_sorted_by_key(|row| std::cmp::Reverse(row.retained))
        );
    }
    let options = PartitionOptions {
        by: Classifier::Type.into(),
        retained: true,
        rows: None,
    };
    let table = heap.divided(None, options);
    let retained = |name: &str| {
        let row = table.rows.iter().find(|row| row.name == name);
        row.and_then(|row| row.retained)
    };
    let type_of = |name: &str| {
        let set = heap.select(&Term::Type(name.to_owned()).into()).unwrap();
        heap.retained_by(set.ids()).extent.bytes
    };
    for name in ["dict", "str", "list", "module", "shop.Session"] {
        assert_eq!(retained(name), Some(type_of(name)), "{name}");
    }
    let sessions: Vec<ObjectId> = heap
        .select(&Term::Kind("shop.Session".into()).into())
        .unwrap()
        .ids()
        .to_vec();
    assert_eq!(heap.retained_by(&sessions).extent.objects, 3);
    assert_eq!(retained("shop.Session"), Some(30));
}
