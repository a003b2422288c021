use crate::builder::{Builder, address, paths_to, texts};
use exuvia_query::{Heap, PathOptions, Step, Term};
use exuvia_snapshot::{
    Kind, KindId, KindShape, ObjectFlags, ObjectId, Reference, References, Relation, Root,
    RootCategory, Snapshot, Type, TypeId,
};

#[test]
fn a_path_reads_like_heapys() {
    let mut b = Builder::default();
    let modules = b.object("dict");
    let main = b.object("module");
    let main_dict = b.dict_of("module");
    let cache = b.object("list");
    let entry = b.object("myapp.Entry");
    let payload = b.object("bytes");
    let [main_name, cache_name, payload_name] =
        ["__main__", "cache", "payload"].map(|name| b.string(name));
    b.root("i0_modules", modules);
    b.entry(modules, main_name, main);
    b.refer(main, main_dict, Relation::InstanceDict);
    b.entry(main_dict, cache_name, cache);
    b.refer(cache, entry, Relation::Index(3));
    b.refer(entry, payload, Relation::InlineAttribute(payload_name));
    let heap = b.finish();
    let text = "hp.Root.i0_modules['__main__'].__dict__['cache'][3].payload";
    assert_eq!(texts(&heap, payload), [text]);

    let paths = paths_to(&heap, payload);
    assert_eq!(paths.length(), Some(6));
    let path = paths.iter().next().unwrap();
    assert_eq!(path.target(), payload);
    let steps: Vec<Step> = path.steps().collect();
    let step_texts: Vec<&str> = steps.iter().map(|step| step.text.as_str()).collect();
    let expected = [
        ".i0_modules",
        "['__main__']",
        ".__dict__",
        "['cache']",
        "[3]",
        ".payload",
    ];
    assert_eq!(step_texts, expected);
    assert_eq!(
        (steps[5].address, steps[5].kind.as_str()),
        (address(payload), "bytes")
    );
    let json = serde_json::to_value(&path).unwrap();
    assert_eq!(
        (&json["text"], &json["steps"][2]["text"]),
        (&text.into(), &".__dict__".into())
    );
}

#[test]
fn sets_enclose_the_path_so_far() {
    let mut b = Builder::default();
    let outer = b.object("set");
    let inner = b.object("frozenset");
    let target = b.object("str");
    b.root("x", outer);
    b.refer(outer, inner, Relation::Member(4));
    b.refer(inner, target, Relation::Member(0));
    let heap = b.finish();
    assert_eq!(texts(&heap, target), ["list(list(hp.Root.x)[4])[0]"]);
    let paths = paths_to(&heap, target);
    let steps: Vec<String> = paths
        .iter()
        .next()
        .unwrap()
        .steps()
        .map(|s| s.text)
        .collect();
    assert_eq!(steps, [".x", "list(%s)[4]", "list(%s)[0]"]);
}

#[test]
fn steps_are_ordered_by_relation_then_value() {
    let mut b = Builder::default();
    // heapy compares keys of one type; the types follow each other by address.
    let _ = (b.object("int"), b.object("tuple"), b.object("str"));
    let holder = b.object("dict");
    let target = b.object("myapp.Session");
    b.root("x", holder);
    let (one, two) = (b.int("1"), b.int("2"));
    let tuples = [b.tuple(&[one, two]), b.tuple(&[one]), b.tuple(&[two])];
    let keys = [
        b.string("b"),
        b.int("10"),
        b.int("-10"),
        b.int("9"),
        b.string("a"),
        b.int("-9"),
        b.string(""),
    ];
    b.refer(holder, target, Relation::Member(0));
    b.refer(holder, target, Relation::Stack(0));
    b.refer(holder, target, Relation::Key(1));
    b.refer(holder, target, Relation::Key(0));
    for key in keys.into_iter().chain(tuples) {
        b.refer(holder, target, Relation::Value(key));
    }
    let interior = Relation::Interior(b.name("ma_values"));
    b.refer(holder, target, interior);
    let local = Relation::Local(keys[0]);
    b.refer(holder, target, local);
    let inline = Relation::InlineAttribute(b.string("zz"));
    b.refer(holder, target, inline);
    b.refer(holder, target, Relation::InstanceDict);
    let attribute = Relation::Attribute(b.name("aa"));
    b.refer(holder, target, attribute);
    let texts = texts(&b.finish(), target);
    let texts: Vec<&str> = texts
        .iter()
        .map(|text| text.trim_start_matches("hp.Root.x"))
        .collect();
    assert_eq!(
        texts,
        [
            ".__dict__",
            ".aa",
            ".zz",
            "[-10]",
            "[-9]",
            "[9]",
            "[10]",
            "[(1,)]",
            "[(1, 2)]",
            "[(2,)]",
            "['']",
            "['a']",
            "['b']",
            ".keys()[0]",
            ".keys()[1]",
            "->ma_values",
            ".f_locals['b']",
            "->f_valuestack[0]",
            "list(hp.Root.x)[0]",
        ]
    );
}

#[test]
fn many_keys_of_one_dictionary_are_in_order() {
    let mut b = Builder::default();
    let dict = b.object("dict");
    let target = b.object("a.T");
    b.root("x", dict);
    // 11 generates all numbers up to 1009 but 0, in no simple order.
    for number in (0..1008).scan(1, |number, _| {
        Some(std::mem::replace(number, *number * 11 % 1009))
    }) {
        let key = b.int(&number.to_string());
        b.refer(dict, target, Relation::Value(key));
    }
    let texts = texts(&b.finish(), target);
    let unique: std::collections::BTreeSet<&String> = texts.iter().collect();
    let numbers = texts.iter().map(|text| {
        text["hp.Root.x[".len()..text.len() - 1]
            .parse::<u32>()
            .unwrap()
    });
    assert!(numbers.is_sorted());
    assert_eq!((texts.len(), unique.len()), (1008, 1008));
}

#[test]
fn only_the_nearest_of_a_set_have_paths() {
    let mut b = Builder::default();
    let (near, far) = (b.object("a.T"), b.object("a.T"));
    let list = b.sequence("list", &[near, near]);
    let holder = b.sequence("list", &[far]);
    b.refer(list, holder, Relation::Index(2));
    b.root("x", list);
    let heap = b.finish();
    let set = heap.select(&Term::Kind("a.T".into()).into()).unwrap();
    let paths = heap.shortest_paths(&set, &PathOptions::default());
    let texts: Vec<String> = paths.iter().map(|path| path.to_string()).collect();
    assert_eq!(texts, ["hp.Root.x[0]", "hp.Root.x[1]"]);
    assert_eq!(paths.count().to_string(), "2");
}

#[test]
fn weak_references_count_when_asked_for() {
    let mut b = Builder::default();
    let target = b.object("a.T");
    let reference = b.object("weakref.ReferenceType");
    let list = b.sequence("list", &[reference]);
    let strong = b.sequence("list", &[list]);
    b.refer(list, reference, Relation::Index(1));
    b.root("x", strong);
    let referent = Relation::Interior(b.name("wr_object"));
    b.refer_weakly(reference, target, referent);
    let heap = b.finish();
    assert_eq!(paths_to(&heap, target).count().paths, 0);
    assert_eq!(paths_to(&heap, target).length(), None);
    let set = heap.select(&Term::At(address(target)).into()).unwrap();
    let paths = heap.shortest_paths(
        &set,
        &PathOptions {
            weak: true,
            ..PathOptions::default()
        },
    );
    let first = paths.iter().next().unwrap();
    assert_eq!(first.to_string(), "hp.Root.x[0][0]->wr_object");
    assert!(first.steps().last().unwrap().weak);
}

#[test]
fn static_roots_and_native_holders_are_the_last_resort() {
    let mut b = Builder::default();
    let rooted = b.object("a.Rooted");
    let list = b.sequence("list", &[rooted]);
    let only_static = b.object("a.Static");
    let frozen = b.object("a.Frozen");
    let native = b.object("ext.Handle");
    let held = b.object("a.Held");
    b.root("x", list);
    b.root_of("static_a", rooted, RootCategory::Static);
    b.root_of("static_b", only_static, RootCategory::Static);
    b.flags(frozen, ObjectFlags::IMMORTAL);
    b.refer(native, held, Relation::Index(0));
    b.refcount(native, 1);
    let heap = b.finish();
    assert_eq!(texts(&heap, rooted), ["hp.Root.x[0]"]);
    assert_eq!(texts(&heap, only_static), ["hp.Root.static_b"]);
    let holder = format!("hp.Root.native_Handle[{:#x}]", address(native));
    assert_eq!(texts(&heap, held), [format!("{holder}[0]")]);
    let holder = format!("hp.Root.native_Frozen[{:#x}]", address(frozen));
    assert_eq!(texts(&heap, frozen), [holder]);
}

#[test]
fn a_static_variable_names_what_is_held_and_makes_nothing_alive() {
    let mut b = Builder::default();
    let held = b.object("ext.Cache");
    let stale = b.object("ext.Stale");
    b.root_of("static['ext.so'+0x40]", held, RootCategory::Variable);
    b.root_of("static['ext.so'+0x48]", stale, RootCategory::Variable);
    b.refcount(held, 1);
    b.refcount(stale, 0);
    let heap = b.finish();
    assert_eq!(texts(&heap, held), ["hp.Root.static['ext.so'+0x40]"]);
    assert_eq!(paths_to(&heap, stale).count().paths, 0);
}

#[test]
fn garbage_has_no_paths() {
    let mut b = Builder::default();
    let lost = b.object("a.T");
    let heap = b.finish();
    let paths = paths_to(&heap, lost);
    assert_eq!((paths.count().paths, paths.length()), (0, None));
    assert_eq!(paths.iter().count(), 0);
}

/// One type, one root that holds the first object, and these references.
fn bulk(objects: usize, references: References) -> Heap {
    let mut snapshot = Snapshot {
        references,
        types: vec![Type {
            module: "builtins".into(),
            name: "list".into(),
            ..Type::default()
        }],
        kinds: vec![Kind {
            name: "list".into(),
            type_id: TypeId(0),
            shape: KindShape::Plain,
        }],
        roots: vec![Root {
            name: "x".into(),
            target: ObjectId(0),
            category: RootCategory::Interpreter,
            owned: true,
        }],
        ..Snapshot::default()
    };
    let columns = &mut snapshot.objects;
    columns.address = (0..objects as u32)
        .map(|id| address(ObjectId(id)))
        .collect();
    columns.kind = vec![KindId(0); objects];
    columns.size = vec![56; objects];
    columns.allocated = vec![64; objects];
    columns.refcount = vec![1; objects];
    columns.flags = vec![ObjectFlags::TRACKED; objects];
    Heap::new(snapshot)
}

/// References from each object to others, as a function of the object.
fn references<I: IntoIterator<Item = u32>>(objects: u32, of: impl Fn(u32) -> I) -> References {
    let mut references = References::default();
    for object in 0..objects {
        for (index, target) in (0..).zip(of(object)) {
            references.push(Reference {
                target: ObjectId(target),
                relation: Relation::Index(index),
                weak: false,
            });
        }
        references.finish_object().unwrap();
    }
    references
}

#[test]
fn a_million_paths_are_counted_and_come_in_order() {
    // A thousand lists, each of which holds the target a thousand times.
    let of = |object| match object {
        0 => (1..=1000).collect(),
        1..=1000 => vec![1001; 1000],
        _ => Vec::new(),
    };
    let heap = bulk(1002, references(1002, of));
    let paths = paths_to(&heap, ObjectId(1001));
    assert_eq!(paths.count().paths, 1_000_000);
    let first: Vec<String> = paths.iter().take(10).map(|path| path.to_string()).collect();
    assert_eq!(first[0], "hp.Root.x[0][0]");
    assert_eq!(first[9], "hp.Root.x[0][9]");
    assert_eq!(
        paths.iter().nth(123_456).unwrap().to_string(),
        "hp.Root.x[123][456]"
    );
}

#[test]
fn a_linked_list_of_a_million_nodes() {
    let nodes = 1_000_000;
    let heap = bulk(
        nodes,
        references(nodes as u32, |object| {
            (object + 1 < nodes as u32).then_some(object + 1)
        }),
    );
    let paths = paths_to(&heap, ObjectId(nodes as u32 - 1));
    assert_eq!((paths.length(), paths.count().paths), (Some(nodes), 1));
    let text = paths.iter().next().unwrap().to_string();
    assert_eq!(text.len(), "hp.Root.x".len() + 3 * (nodes - 1));
    assert_eq!(
        heap.partition(exuvia_query::Classifier::Kind).count,
        nodes as u64
    );
}

#[test]
fn a_key_that_contains_itself_is_cut() {
    let mut b = Builder::default();
    let dict = b.object("dict");
    let target = b.object("a.T");
    b.root("x", dict);
    let key = b.object("tuple");
    b.refer(key, key, Relation::Index(0));
    b.refer(dict, target, Relation::Value(key));
    b.refer(dict, target, Relation::Value(key));
    let texts = texts(&b.finish(), target);
    assert_eq!(texts, ["hp.Root.x[(((((((...),),),),),),)]"; 2]);
}
