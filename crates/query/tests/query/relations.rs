//! The exact text of each kind of relation.

use crate::builder::{Builder, texts};
use exuvia_snapshot::{ObjectId, Relation, ValueForm};

/// The text of the path from an object of a type, which a root holds, along one reference.
fn path(source: &str, relation: impl FnOnce(&mut Builder) -> Relation) -> String {
    let mut b = Builder::default();
    let source = b.object(source);
    let target = b.object("myapp.Session");
    b.root("x", source);
    let relation = relation(&mut b);
    b.refer(source, target, relation);
    let texts = texts(&b.finish(), target);
    let [text] = texts.as_slice() else {
        panic!("{texts:?}");
    };
    text.strip_prefix("hp.Root.x")
        .map_or(text.clone(), str::to_owned)
}

fn named(source: &str, name: &str, relation: fn(ObjectId) -> Relation) -> String {
    path(source, |b| relation(b.string(name)))
}

#[test]
fn attributes() {
    assert_eq!(
        path("function", |b| Relation::Attribute(b.name("__closure__"))),
        ".__closure__"
    );
    assert_eq!(path("module", |_| Relation::InstanceDict), ".__dict__");
    assert_eq!(
        named("a.B", "payload", Relation::InlineAttribute),
        ".payload"
    );
    assert_eq!(named("a.B", "größe", Relation::InlineAttribute), ".größe");
    assert_eq!(
        named("a.B", "no name", Relation::InlineAttribute),
        ".__dict__['no name']"
    );
}

#[test]
fn items() {
    assert_eq!(path("list", |_| Relation::Index(3)), "[3]");
    assert_eq!(path("set", |_| Relation::Member(2)), "list(hp.Root.x)[2]");
    assert_eq!(path("dict", |_| Relation::Key(7)), ".keys()[7]");
    assert_eq!(named("dict", "cache", Relation::Value), "['cache']");
    assert_eq!(named("dict", "it's", Relation::Value), r#"["it's"]"#);
    assert_eq!(path("dict", |b| Relation::Value(b.int("7"))), "[7]");
    let tuple = |b: &mut Builder| {
        let items = [b.int("1"), b.string("a")];
        Relation::Value(b.tuple(&items))
    };
    assert_eq!(path("dict", tuple), "[(1, 'a')]");
    assert_eq!(
        named("dict", &"long".repeat(20), Relation::Value),
        "['longlonglong...glonglonglong']"
    );
}

#[test]
fn what_python_code_cannot_read() {
    assert_eq!(
        path("mappingproxy", |b| Relation::Interior(b.name("mapping"))),
        "->mapping"
    );
    assert_eq!(path("ext.Type", |_| Relation::Numbered(4)), "->refs[4]");
    assert_eq!(path("ext.Type", |_| Relation::Word(9)), "->word[9]");
}

#[test]
fn frames() {
    assert_eq!(named("frame", "x", Relation::Local), ".f_locals['x']");
    assert_eq!(named("frame", "x", Relation::Cell), ".f_locals['x']");
    assert_eq!(path("frame", |_| Relation::Stack(0)), "->f_valuestack[0]");
    for (keeper, frame) in [
        ("generator", "gi_frame"),
        ("coroutine", "cr_frame"),
        ("async_generator", "ag_frame"),
    ] {
        let local = format!(".{frame}.f_locals['x']");
        assert_eq!(named(keeper, "x", Relation::SuspendedLocal), local);
        assert_eq!(named(keeper, "x", Relation::Cell), local);
        let stack = format!(".{frame}->f_valuestack[2]");
        assert_eq!(path(keeper, |_| Relation::SuspendedStack(2)), stack);
    }
}

#[test]
fn names_that_were_not_kept_are_addresses() {
    let unkept = |b: &mut Builder| Relation::Value(b.object("str"));
    assert_eq!(path("dict", unkept), "[<str at 0x7f0000000080>]");
    let inline = |b: &mut Builder| Relation::InlineAttribute(b.object("str"));
    assert_eq!(path("a.B", inline), ".__dict__[<str at 0x7f0000000080>]");
    let cut =
        |b: &mut Builder| Relation::Value(b.valued("str", ValueForm::TextStart, b"beginning"));
    assert_eq!(path("dict", cut), "['beginning...']");
}

#[test]
fn control_characters_never_reach_a_terminal() {
    let escape = |b: &mut Builder| Relation::Attribute(b.name("\u{1b}[2J"));
    assert_eq!(path("a.B", escape), ".\\x1b[2J");
    assert_eq!(
        named("a.B", "\u{1b}[2J", Relation::InlineAttribute),
        ".__dict__['\\x1b[2J']"
    );
}
