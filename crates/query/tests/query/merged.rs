use crate::builder::{Builder, address, texts};
use exuvia_query::{
    AvoidError, AvoidedEdge, Heap, MergeLimits, MergedPaths, MergedStep, ObjectSet, PathOptions,
    Selection, Term,
};
use exuvia_snapshot::{ObjectId, Relation, RootCategory};

/// A module with a dictionary of a hundred sessions, a list of twenty pairs, and a frame that
/// has one session and the module's list.
struct Shop {
    heap: Heap,
    sessions: ObjectId,
    pairs: ObjectId,
}

fn shop() -> Shop {
    let mut b = Builder::default();
    let modules = b.object("dict");
    let module = b.object("module");
    let names = b.dict_of("module");
    let [shop, all, list] = ["shop", "SESSIONS", "PAIRS"].map(|name| b.string(name));
    b.root("i0_modules", modules);
    b.entry(modules, shop, module);
    b.refer(module, names, Relation::InstanceDict);
    let sessions = b.object("dict");
    let pairs = b.object("list");
    b.entry(names, all, sessions);
    b.entry(names, list, pairs);
    for number in 0..100 {
        let (key, session) = (b.string(&format!("u{number}")), b.object("shop.Session"));
        b.entry(sessions, key, session);
    }
    for number in 0..20 {
        let session = b.object("shop.Session");
        let (one, pair) = (b.int("1"), b.object("tuple"));
        b.refer(pair, one, Relation::Index(0));
        b.refer(pair, session, Relation::Index(1));
        b.refer(pairs, pair, Relation::Index(number));
    }
    let frame = b.object("frame");
    let session = b.object("shop.Session");
    let [own, also] = ["own", "pairs"].map(|name| b.string(name));
    b.root_of("i0_t1_f0", frame, RootCategory::Thread);
    b.refer(frame, session, Relation::Local(own));
    b.refer(frame, pairs, Relation::Local(also));
    Shop {
        heap: b.finish(),
        sessions,
        pairs,
    }
}

fn select(heap: &Heap) -> ObjectSet {
    heap.select(&Term::Kind("shop.Session".into()).into())
        .unwrap()
}

fn merged(heap: &Heap, options: &PathOptions) -> MergedPaths {
    heap.merged_paths(
        &select(heap),
        options,
        MergeLimits {
            share: 0.0,
            ..MergeLimits::default()
        },
    )
}

/// Text, objects at or behind it, and what follows.
fn lines(steps: &[MergedStep], indent: usize) -> Vec<String> {
    let lines = steps.iter().flat_map(|step| {
        let text = format!("{:indent$}{} {}", "", step.text, step.extent.objects);
        std::iter::once(text).chain(lines(&step.steps, indent + 1))
    });
    lines.collect()
}

#[test]
fn the_holder_that_all_share_is_where_paths_split() {
    let Shop { heap, sessions, .. } = shop();
    let merged = merged(&heap, &PathOptions::default());
    assert_eq!(
        lines(&merged.steps, 0),
        [
            "hp.Root.i0_modules['shop'].__dict__ 120",
            " ['SESSIONS']['*'] 100",
            // Through the module, though the frame has them with fewer steps of its own.
            " ['PAIRS'][*][1] 20",
            "hp.Root.i0_t1_f0.f_locals['own'] 1",
        ]
    );
    let all = &merged.steps[0].steps[0];
    assert_eq!(
        (all.ends, all.here.objects, all.extent.bytes),
        (100, 100, 1000)
    );
    assert_eq!(all.kind.as_deref(), Some("shop.Session"));
    assert_eq!(all.holder.as_ref().unwrap().address, address(sessions));
    assert_eq!((merged.reached.objects, merged.unreached.objects), (121, 0));
}

#[test]
fn small_steps_are_folded_and_counted() {
    let Shop { heap, .. } = shop();
    let limits = MergeLimits {
        share: 0.5,
        ..MergeLimits::default()
    };
    let merged = heap.merged_paths(&select(&heap), &PathOptions::default(), limits);
    // A single one is shown, since to say that it is left out would take the same place.
    assert_eq!(merged.steps.len(), 2);
    let limits = MergeLimits { depth: 1, ..limits };
    let merged = heap.merged_paths(&select(&heap), &PathOptions::default(), limits);
    let folded = merged.steps[0].folded;
    assert_eq!((folded.steps, folded.extent.objects), (2, 120));
}

#[test]
fn large_items_keep_their_names() {
    let mut b = Builder::default();
    let holder = b.object("dict");
    b.root("x", holder);
    for (name, count) in [("big", 50), ("large", 40), ("a", 1), ("b", 1), ("c", 1)] {
        let (key, list) = (b.string(name), b.object("list"));
        let outer = b.object("list");
        b.entry(outer, key, list);
        b.refer(holder, outer, Relation::Index(0));
        for index in 0..count {
            let session = b.object("shop.Session");
            b.refer(list, session, Relation::Index(index));
        }
    }
    let heap = b.finish();
    let merged = merged(&heap, &PathOptions::default());
    assert_eq!(
        lines(&merged.steps, 0),
        [
            "hp.Root.x[0] 93",
            " ['big'][*] 50",
            " ['large'][*] 40",
            " ['*'][0] 3",
        ]
    );
}

#[test]
fn a_linked_list_of_wanted_objects_is_one_line() {
    let mut b = Builder::default();
    let nodes: Vec<ObjectId> = (0..1000).map(|_| b.object("shop.Session")).collect();
    let next = b.string("next");
    for pair in nodes.windows(2) {
        b.refer(pair[0], pair[1], Relation::InlineAttribute(next));
    }
    b.root("x", nodes[0]);
    let merged = merged(&b.finish(), &PathOptions::default());
    let rest = &merged.steps[0].steps[0];
    assert_eq!(
        (rest.length, rest.here.objects, rest.steps.len()),
        (999, 999, 0)
    );
    assert!(rest.text.starts_with(".next.next"), "{}", rest.text);
    assert!(rest.text.contains(" … 975 steps … "), "{}", rest.text);
}

#[test]
fn members_of_sets_enclose_the_path() {
    let mut b = Builder::default();
    let holder = b.object("list");
    b.root("x", holder);
    let sessions: Vec<ObjectId> = (0..20).map(|_| b.object("shop.Session")).collect();
    let (first, second) = sessions.split_at(15);
    for (index, members) in (0..).zip([first, second]) {
        let set = b.set("set", members);
        b.refer(holder, set, Relation::Index(index));
    }
    let heap = b.finish();
    let all = merged(&heap, &PathOptions::default());
    assert_eq!(
        lines(&all.steps, 0),
        ["hp.Root.x 20", " list(%s[0])[*] 15", " list(%s[1])[*] 5"]
    );
}

#[test]
fn paths_go_around_what_is_avoided() {
    let Shop {
        heap,
        sessions,
        pairs,
    } = shop();
    let without = |avoid: Vec<ObjectId>, edges: &[&str]| {
        let avoid_edges = edges
            .iter()
            .map(|edge| AvoidedEdge::named(&heap, edge).unwrap());
        let options = PathOptions {
            avoid,
            avoid_edges: avoid_edges.collect(),
            ..PathOptions::default()
        };
        let lines = lines(&merged(&heap, &options).steps, 0);
        lines
            .into_iter()
            .find(|line| line.ends_with("[1] 20"))
            .unwrap()
    };
    let by_module = "hp.Root.i0_modules['shop'].__dict__['PAIRS'][*][1] 20";
    let by_frame = " .f_locals['pairs'][*][1] 20";
    assert_eq!(without(vec![sessions], &[]), by_module);
    for edge in [
        "hp.Root.i0_modules['shop'].__dict__['SESSIONS']",
        "dict of module['SESSIONS']",
        &format!("{:#x}[*]", address(sessions)),
    ] {
        assert_eq!(without(Vec::new(), &[edge]), by_module, "{edge}");
    }
    let both = format!("{:#x}->{:#x}", address(ObjectId(2)), address(pairs));
    for edge in ["hp.Root.i0_modules", "dict[*]", "dict['shop']", &both] {
        assert_eq!(without(vec![sessions], &[edge]), by_frame, "{edge}");
    }
}

#[test]
fn an_edge_that_is_not_there_is_explained() {
    let Shop { heap, sessions, .. } = shop();
    let error = |text: &str| AvoidedEdge::named(&heap, text).unwrap_err();
    assert!(matches!(
        error("no such thing"),
        AvoidError::NotAnEdge { .. }
    ));
    assert!(matches!(
        error("hp.Root.nothing"),
        AvoidError::NotAnEdge { .. }
    ));
    assert!(matches!(error("0x10['a']"), AvoidError::Source { .. }));
    let text = format!("{:#x}['nobody']", address(sessions));
    match error(&text) {
        AvoidError::NoSuchStep { step, steps, .. } => {
            assert_eq!(step, "['nobody']");
            assert_eq!(steps[..2], [".keys()[0]", "['u0']"]);
        }
        other => panic!("{other:?}"),
    }
    match error("hp.Root.i0_modules['shop'].__dict__['SESSION']") {
        AvoidError::NoSuchStep { step, .. } => assert_eq!(step, "['SESSION']"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn paths_begin_where_they_shall() {
    let Shop {
        heap,
        sessions,
        pairs,
    } = shop();
    let at = |id| Term::At(address(id));
    let from = |selection: Selection| PathOptions {
        from: Some(heap.select(&selection).unwrap()),
        ..PathOptions::default()
    };
    let texts = |options: &PathOptions| -> Vec<String> {
        let set = select(&heap);
        let paths = heap.shortest_paths(&set, options);
        paths.iter().map(|path| path.to_string()).take(2).collect()
    };
    // As heapy's `get_shpaths(src)`: one source is `Src`, several are told by what they are.
    assert_eq!(
        texts(&from(at(sessions).into())),
        ["Src['u0']", "Src['u1']"]
    );
    let both = Term::AnyOf(vec![at(sessions), at(pairs)]);
    let source = format!("<1 dict: {:#x}>", address(sessions));
    assert_eq!(texts(&from(both.into()))[0], format!("{source}['u0']"));
    let merged = merged(&heap, &from(at(pairs).into()));
    assert_eq!(lines(&merged.steps, 0), ["Src[*][1] 20"]);
    assert_eq!(merged.unreached.objects, 101);
}

#[test]
fn avoiding_changes_which_path_is_the_shortest() {
    let Shop { heap, pairs, .. } = shop();
    let path = "hp.Root.i0_modules['shop'].__dict__['PAIRS']";
    assert_eq!(texts(&heap, pairs), [path]);
    let options = PathOptions {
        avoid_edges: vec![AvoidedEdge::named(&heap, path).unwrap()],
        ..PathOptions::default()
    };
    let set = heap.select(&Term::At(address(pairs)).into()).unwrap();
    let paths = heap.shortest_paths(&set, &options);
    let paths: Vec<String> = paths.iter().map(|path| path.to_string()).collect();
    assert_eq!(paths, ["hp.Root.i0_t1_f0.f_locals['pairs']"]);
}
