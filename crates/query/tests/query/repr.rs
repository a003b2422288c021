//! Representations of objects, as keys of a dictionary and in detail. What is expected is
//! what `reprlib.repr` of Python 3.12 prints.

use crate::builder::{Builder, texts};
use exuvia_snapshot::{NameId, ObjectId, Relation, ValueForm};

/// How a key is printed in a path.
fn key(build: impl FnOnce(&mut Builder) -> ObjectId) -> String {
    let mut b = Builder::default();
    let dict = b.object("dict");
    let target = b.object("myapp.Session");
    b.root("x", dict);
    let key = build(&mut b);
    b.refer(dict, target, Relation::Value(key));
    let text = texts(&b.finish(), target).remove(0);
    let text = text.strip_prefix("hp.Root.x[").unwrap();
    text.strip_suffix(']').unwrap().to_owned()
}

fn detailed(build: impl FnOnce(&mut Builder) -> ObjectId) -> String {
    let mut b = Builder::default();
    let id = build(&mut b);
    b.finish().object(id).value
}

fn valued(type_name: &str, form: ValueForm, value: &[u8]) -> String {
    key(|b| b.valued(type_name, form, value))
}

fn ints(b: &mut Builder, numbers: std::ops::RangeInclusive<u32>) -> Vec<ObjectId> {
    numbers.map(|number| b.int(&number.to_string())).collect()
}

#[test]
fn numbers_and_constants() {
    assert_eq!(valued("int", ValueForm::Repr, b"-5"), "-5");
    let large = format!("1{}", "0".repeat(60));
    let cut = "100000000000000000...0000000000000000000";
    assert_eq!(valued("int", ValueForm::Repr, large.as_bytes()), cut);
    let fits = format!("1{}", "0".repeat(38));
    assert_eq!(valued("int", ValueForm::Repr, fits.as_bytes()), fits);
    assert_eq!(valued("float", ValueForm::Repr, b"2.5"), "2.5");
    assert_eq!(valued("bool", ValueForm::Repr, b"True"), "True");
    assert_eq!(key(|b| b.object("NoneType")), "None");
    assert_eq!(key(|b| b.object("ellipsis")), "Ellipsis");
}

#[test]
fn bytes() {
    assert_eq!(valued("bytes", ValueForm::Bytes, b"it's"), "b\"it's\"");
    assert_eq!(
        valued("bytes", ValueForm::Bytes, &[b'z'; 40]),
        "b'zzzzzzzzzzz...zzzzzzzzzzzzz'"
    );
    assert_eq!(
        valued("bytearray", ValueForm::Bytes, b"a"),
        "bytearray(b'a')"
    );
    assert_eq!(
        valued("bytes", ValueForm::BytesStart, b"start"),
        "b'start...'"
    );
}

#[test]
fn tuples_and_frozensets() {
    assert_eq!(key(|b| b.tuple(&[])), "()");
    assert_eq!(
        key(|b| {
            let one = b.int("1");
            b.tuple(&[one])
        }),
        "(1,)"
    );
    assert_eq!(
        key(|b| {
            let items = ints(b, 1..=7);
            b.tuple(&items)
        }),
        "(1, 2, 3, 4, 5, 6, ...)"
    );
    assert_eq!(key(|b| b.set("frozenset", &[])), "frozenset()");
    let names = |b: &mut Builder| {
        let members = ["b", "c", "a"].map(|name| b.string(name));
        b.set("frozenset", &members)
    };
    assert_eq!(key(names), "frozenset({'a', 'b', 'c'})");
    let nested = |b: &mut Builder| (0..8).fold(b.int("1"), |inner, _| b.tuple(&[inner]));
    assert_eq!(key(nested), "(((((((...),),),),),),)");
}

#[test]
fn classes_functions_and_instances() {
    assert_eq!(key(|b| b.class("int")), "<class 'int'>");
    assert_eq!(key(|b| b.class("a.B")), "<class 'a.B'>");
    // heapy cuts these to 30 characters as well.
    assert_eq!(
        key(|b| b.class("myapp.models.SessionStore")),
        "<class 'myapp...SessionStore'>"
    );
    assert_eq!(
        detailed(|b| b.object("a.B")),
        "<a.B object at 0x7f0000000000>"
    );
    assert_eq!(
        detailed(|b| b.object("object")),
        "<object object at 0x7f0000000000>"
    );
    assert_eq!(
        detailed(|b| b.valued("a.Text", ValueForm::Text, b"x")),
        "'x'"
    );
}

#[test]
fn what_has_a_name_is_called_by_it() {
    let named = |type_name: &str, relation: fn(NameId) -> Relation, field: &str| {
        detailed(|b| {
            let name = b.string("Outer.f");
            let object = b.object(type_name);
            let relation = relation(b.name(field));
            b.refer(object, name, relation);
            object
        })
    };
    for (type_name, field, expected) in [
        (
            "function",
            "__qualname__",
            "<function Outer.f at 0x7f0000000040>",
        ),
        ("code", "co_name", "<code object Outer.f at 0x7f0000000040>"),
        (
            "coroutine",
            "__qualname__",
            "<coroutine object Outer.f at 0x7f0000000040>",
        ),
        (
            "_contextvars.ContextVar",
            "name",
            "<ContextVar name='Outer.f' at 0x7f0000000040>",
        ),
    ] {
        assert_eq!(named(type_name, Relation::Attribute, field), expected);
    }
    assert_eq!(
        named("module", Relation::Interior, "md_name"),
        "<module 'Outer.f'>"
    );
    let nested = |b: &mut Builder| {
        let name = b.string("Outer.Inner");
        let class = b.class("a.Inner");
        let relation = Relation::Interior(b.name("ht_qualname"));
        b.refer(class, name, relation);
        class
    };
    assert_eq!(detailed(nested), "<class 'a.Outer.Inner'>");
}

#[test]
fn containers_in_detail() {
    let list = |b: &mut Builder| {
        let items = ints(b, 1..=3);
        b.sequence("list", &items)
    };
    assert_eq!(detailed(list), "[1, 2, 3]");
    let deque = |b: &mut Builder| {
        let items = ints(b, 1..=2);
        b.sequence("collections.deque", &items)
    };
    assert_eq!(detailed(deque), "deque([1, 2])");
    assert_eq!(detailed(|b| b.set("set", &[])), "set()");
    assert_eq!(
        detailed(|b| {
            let m = ints(b, 7..=7);
            b.set("set", &m)
        }),
        "{7}"
    );
    let dict = |b: &mut Builder| {
        let dict = b.object("dict");
        let (k, v, list) = (b.string("k"), b.int("2"), b.object("list"));
        b.entry(dict, v, k);
        b.entry(dict, k, list);
        dict
    };
    assert_eq!(detailed(dict), "{2: 'k', 'k': []}");
}

#[test]
fn a_cycle_and_a_wide_nest_are_bounded() {
    let cycle = |b: &mut Builder| {
        let list = b.object("list");
        b.refer(list, list, Relation::Index(0));
        list
    };
    assert_eq!(detailed(cycle), "[[[[...]]]]");
    let wide = |b: &mut Builder| {
        let mut items = vec![b.int("1"); 30];
        for _ in 0..3 {
            items = vec![b.sequence("list", &items); 30];
        }
        items[0]
    };
    assert!(detailed(wide).len() < 10_000);
}
