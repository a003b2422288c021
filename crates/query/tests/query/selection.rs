use crate::builder::{Builder, address};
use exuvia_query::{Heap, SelectionError, Term};
use exuvia_snapshot::{ObjectFlags, Relation};

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
