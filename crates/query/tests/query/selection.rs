use crate::builder::{Builder, address};
use exuvia_query::{Expression, Heap, Limitation, Measure, Selection, SelectionError, Term};
use exuvia_snapshot::{ObjectFlags, Relation, ValueForm, ValuesKept};

fn heap() -> Heap {
    let mut b = Builder::default();
    let modules = b.object("dict");
    b.root("i0_modules", modules);
    let own = b.dict_of("myapp.Session");
    let session = b.object("myapp.Session");
    let frame = b.object("frame");
    b.flags(frame, ObjectFlags::SYNTHETIC);
    for (index, target) in [(0, own), (1, session), (2, frame)] {
        b.refer(modules, target, Relation::Index(index));
    }
    b.object("myapp.Lost");
    b.finish()
}

fn ids(term: Term) -> Vec<u32> {
    let set = heap().select(&term.into()).unwrap();
    assert_eq!(set.count(), set.ids().len() as u64);
    set.ids().iter().map(|id| id.0).collect()
}

fn error(term: Term) -> SelectionError {
    heap().select(&term.into()).unwrap_err()
}

#[test]
fn a_kind_is_what_the_table_calls_it() {
    assert_eq!(ids(Term::Kind("myapp.Session".into())), [2]);
    assert_eq!(ids(Term::Kind("dict of myapp.Session".into())), [1]);
    assert_eq!(ids(Term::Kind("dict".into())), [0]);
}

#[test]
fn a_type_takes_all_its_kinds() {
    assert_eq!(ids(Term::Type("dict".into())), [0, 1]);
    assert_eq!(ids(Term::Type("builtins.dict".into())), [0, 1]);
    assert_eq!(ids(Term::Type("myapp.Session".into())), [2]);
}

#[test]
fn rows_are_those_of_the_table() {
    // Equal sizes, so by name: dict, dict of myapp.Session, myapp.Session.
    assert_eq!(ids(Term::Row(1)), [1]);
    assert_eq!(
        error(Term::Row(3)),
        SelectionError::NoSuchRow { row: 3, rows: 3 }
    );
}

#[test]
fn an_address_is_that_of_an_object() {
    let session = address(exuvia_snapshot::ObjectId(2));
    assert_eq!(ids(Term::At(session)), [2]);
    let inside = SelectionError::NoObjectAt {
        address: session + 8,
        inside: Some(session),
    };
    assert_eq!(error(Term::At(session + 8)), inside);
    for nowhere in [0, session + 32, u64::MAX] {
        let expected = SelectionError::NoObjectAt {
            address: nowhere,
            inside: None,
        };
        assert_eq!(error(Term::At(nowhere)), expected);
    }
}

#[test]
fn an_unknown_name_comes_with_names_like_it() {
    let unknown = error(Term::Kind("Session".into()));
    assert_eq!(unknown.to_string(), r#"no kind is called "Session""#);
    let SelectionError::UnknownKind { closest, .. } = unknown else {
        panic!("{unknown:?}");
    };
    assert_eq!(closest, ["myapp.Session", "dict of myapp.Session"]);
    let SelectionError::UnknownType { closest, .. } = error(Term::Type("dcit".into())) else {
        panic!("another error");
    };
    assert_eq!(closest, ["dict"]);
}

#[test]
fn what_is_garbage_or_synthetic_is_not_selected() {
    for (name, garbage) in [("myapp.Lost", 1), ("frame", 0)] {
        let expected = SelectionError::NoneAlive {
            name: name.into(),
            garbage,
        };
        assert_eq!(error(Term::Kind(name.into())), expected);
    }
}

/// Objects of several sorts, all alive: a module's dictionary with two items, a list of
/// numbers, a long text of which the beginning is known, and what only native code holds.
fn shop() -> Heap {
    let mut b = Builder::default();
    let modules = b.object("dict");
    b.root("i0_modules", modules);
    let item = b.object("shop.models.Item");
    let own = b.dict_of("shop.models.Item");
    b.refer(item, own, Relation::InstanceDict);
    let (one, half) = (b.int("1"), b.valued("float", ValueForm::Repr, b"0.5"));
    let list = b.sequence("list", &[one, half, one]);
    b.size(list, 2_000_000);
    let text = b.string("a secret");
    let start = b.valued("str", ValueForm::TextStart, b"beginning");
    let bytes = b.valued("bytes", ValueForm::Bytes, b"secret");
    let native = b.object("workshop.Item");
    b.refcount(native, 1);
    b.flags(text, ObjectFlags::IMMORTAL);
    b.flags(list, ObjectFlags::TRACKED.in_generation(1));
    for (index, target) in (0..).zip([item, list, text, start, bytes]) {
        b.refer(modules, target, Relation::Index(index));
    }
    b.finish()
}

const MODULES: u32 = 0;
const ITEM: u32 = 1;
const OWN: u32 = 2;
const ONE: u32 = 3;
const HALF: u32 = 4;
const LIST: u32 = 5;
const TEXT: u32 = 6;
const START: u32 = 7;
const BYTES: u32 = 8;
const NATIVE: u32 = 9;

fn selected(heap: &Heap, term: Term) -> Vec<u32> {
    let set = heap.select(&term.into()).unwrap();
    set.ids().iter().map(|id| id.0).collect()
}

#[test]
fn every_field_can_be_asked_for() {
    let heap = shop();
    let list = address(exuvia_snapshot::ObjectId(LIST));
    let at_list = format!("address = {list:#x}");
    for (text, expected) in [
        ("kind = 'dict of shop.models.Item'", &[OWN][..]),
        (
            "kind != 'str' and kind like '*t*'",
            &[MODULES, ITEM, OWN, ONE, HALF, LIST, BYTES, NATIVE],
        ),
        ("type in ('dict', 'list')", &[MODULES, OWN, LIST]),
        ("type = 'builtins.list'", &[LIST]),
        ("module like 'shop*'", &[ITEM, OWN]),
        ("module contains 'shop'", &[ITEM, OWN, NATIVE]),
        ("owner = 'shop.models.Item'", &[OWN]),
        ("value contains 'secret'", &[TEXT, BYTES]),
        ("value = 'a secret'", &[TEXT]),
        ("value like '?eg*'", &[START]),
        ("value like '*beginning'", &[]),
        ("value = 'beginning'", &[]),
        ("value != 'beginning'", &[TEXT, BYTES]),
        ("value < 'b'", &[TEXT]),
        ("value >= 0.5", &[ONE, HALF]),
        ("value = 1", &[ONE]),
        ("value in (1, 'secret')", &[ONE, BYTES]),
        ("size > 1 MiB", &[LIST]),
        ("size in (2000000, 3)", &[LIST]),
        ("allocated != 16", &[]),
        ("retained >= 2000000", &[MODULES, LIST]),
        ("refcount > 1", &[ONE]),
        ("refcount < 9 and kind = 'str'", &[START]),
        ("referrers = 2", &[ONE]),
        ("referents = 3", &[LIST]),
        ("length = 3", &[LIST]),
        ("length = 0", &[OWN]),
        (at_list.as_str(), &[LIST]),
        ("interpreter = 0 and tracked", &[LIST]),
        ("generation = 1", &[LIST]),
        ("generation != 1", &[]),
        ("tracked", &[LIST]),
        ("immortal", &[TEXT]),
        ("static or conservative", &[]),
        ("native", &[NATIVE]),
        (
            "not native and not kind = 'dict' and referents = 0",
            &[OWN, ONE, HALF, TEXT, START, BYTES],
        ),
    ] {
        let expression: Expression = text.parse().unwrap();
        let found = heap.select(&Term::Where(expression).into());
        let found: Vec<u32> = match found {
            Ok(set) => set.ids().iter().map(|id| id.0).collect(),
            Err(SelectionError::NothingMatches { .. }) => Vec::new(),
            Err(error) => panic!("{text}: {error}"),
        };
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_module_takes_its_submodules_and_the_dictionaries_of_its_instances() {
    let heap = shop();
    for name in ["shop", "shop.models"] {
        assert_eq!(selected(&heap, Term::Module(name.into())), [ITEM, OWN]);
    }
    let error = heap.select(&Term::Module("shop.model".into()).into());
    let Err(SelectionError::UnknownModule { closest, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(closest[0], "shop.models");
}

#[test]
fn what_matches_nothing_says_what_comes_close() {
    let heap = shop();
    let nothing = |text: &str| {
        let expression: Expression = text.parse().unwrap();
        match heap.select(&Term::Where(expression).into()) {
            Err(SelectionError::NothingMatches { alone, closest, .. }) => (alone, closest),
            other => panic!("{other:?}"),
        }
    };
    let (alone, closest) = nothing("size > 1 GB and kind = 'list'");
    let expected = [
        ("size > 1000000000 (it is from 10 to 2000000)".to_owned(), 0),
        ("kind = 'list'".to_owned(), 1),
    ];
    assert_eq!((alone, closest), (expected.to_vec(), Vec::<String>::new()));
    let (alone, _) = nothing("interpreter = 7 or generation > 5 or value = 'no'");
    let expected = [
        ("interpreter = 7 (it is from 0 to 0)".to_owned(), 0),
        ("generation > 5 (it is from 1 to 1)".to_owned(), 0),
        ("value = 'no'".to_owned(), 0),
    ];
    assert_eq!(alone, expected);
    let (_, closest) = nothing("kind = 'lsit'");
    assert_eq!(closest, ["list"]);

    let mut snapshot = shop().snapshot().clone();
    snapshot.metadata.capture.values = ValuesKept::None;
    snapshot.objects.flags.fill(ObjectFlags::default());
    let without: Expression = "value = 'no' or generation = 0".parse().unwrap();
    let error = Heap::new(snapshot).select(&Term::Where(without).into());
    let Err(SelectionError::NothingMatches { alone, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(alone[0].0, "value = 'no' (no contents were kept)");
    assert_eq!(alone[1].0, "generation = 0 (it is known of no object)");

    let selection = Selection {
        all_of: vec![Term::Kind("list".into()), Term::Type("int".into())],
    };
    let expected = SelectionError::NothingInAll {
        description: "list and int".into(),
        alone: vec![("list".into(), 1), ("int".into(), 1)],
    };
    assert_eq!(heap.select(&selection).unwrap_err(), expected);
}

/// All dicts are of kinds that say whose they are, also where there is a kind `dict`.
#[test]
fn a_limit_is_that_of_the_type_where_no_object_is_of_the_kind() {
    let mut b = Builder::default();
    b.object("dict");
    let alive = b.dict_of("module");
    b.root("i0_modules", alive);
    let verdict = b.finish().check(&Limitation {
        measure: Measure::Count,
        name: Some("dict".to_owned()),
        most: 0,
    });
    assert_eq!((verdict.found, verdict.passed), (1, false));
}
