//! heapy's reference pattern. The expected lines are those that guppy3 3.1.7 prints for the same
//! objects; `crates/cli/tests/heapy` compares them on a running service.

use crate::builder::{Builder, address};
use exuvia_query::{Heap, ObjectSet, PatternOptions, Term};
use exuvia_snapshot::{ObjectId, Relation, ValueForm};

fn lines(heap: &Heap, objects: &[ObjectId], options: PatternOptions) -> Vec<String> {
    let terms = objects.iter().map(|&id| Term::At(address(id)));
    let set: ObjectSet = heap.select(&Term::AnyOf(terms.collect()).into()).unwrap();
    let pattern = heap.pattern(&set, options);
    pattern
        .map(|line| {
            let members: Vec<String> = line.members().collect();
            format!(
                "{}: {} {} {} {}: {}",
                line.index,
                line.letters(),
                line.mark.text(),
                line.count(),
                line.kind(),
                members.join(", ")
            )
        })
        .collect()
}

fn depth(depth: usize) -> PatternOptions {
    PatternOptions {
        depth,
        ..PatternOptions::default()
    }
}

/// Sessions in the dictionary of a cache that a module and a list hold.
struct Sample {
    heap: Heap,
    sessions: [ObjectId; 2],
    attributes: ObjectId,
}

fn sample() -> Sample {
    let mut b = Builder::default();
    let modules = b.object("dict");
    let main = b.object("module");
    let main_dict = b.dict_of("module");
    let cache = b.object("myapp.Cache");
    let attributes = b.dict_of("myapp.Cache");
    let store = b.object("dict");
    let list = b.object("list");
    let sessions = [(); 2].map(|()| b.object("myapp.Session"));
    let [main_name, cache_name, list_name, store_name, one, two] =
        ["my.app", "cache", "all", "store", "1", "2"].map(|name| b.string(name));
    b.root("i0_modules", modules);
    b.entry(modules, main_name, main);
    b.refer(main, main_dict, Relation::InstanceDict);
    let md_name = Relation::Attribute(b.name("md_name"));
    b.refer(main, main_name, md_name);
    b.entry(main_dict, cache_name, cache);
    b.entry(main_dict, list_name, list);
    b.refer(cache, attributes, Relation::InstanceDict);
    b.entry(attributes, store_name, store);
    b.entry(store, one, sessions[0]);
    b.entry(store, two, sessions[1]);
    b.refer(list, cache, Relation::Index(0));
    b.size(main_dict, 640);
    Sample {
        heap: b.finish(),
        sessions,
        attributes,
    }
}

#[test]
fn referrers_follow_by_kind_until_modules_and_what_was_seen() {
    let Sample {
        heap,
        sessions,
        attributes,
    } = sample();
    let at = |object: u32| format!("{:#x}", address(ObjectId(object)));
    let expected = [
        format!("0: _ [-] 2 myapp.Session: {}, {}", at(7), at(8)),
        format!("1: a [-] 1 dict: {}*2", at(5)),
        // A dictionary is written as its owner.
        format!("2: aa [-] 1 dict of myapp.Cache: {}", at(3)),
        format!("3: a3 [-] 1 myapp.Cache: {}", at(3)),
        "4: a4 [S] 1 dict of module: ..app".to_owned(),
        format!("5: a3b [-] 1 list: {}*1", at(6)),
        "6: a3ba [^ 4] 1 dict of module: ..app".to_owned(),
    ];
    assert_eq!(lines(&heap, &sessions, depth(7)), expected);
    assert_eq!(
        lines(&heap, &sessions, depth(1))[1],
        expected[1].replace("[-]", "[+]")
    );
    assert_eq!(
        lines(&heap, &sessions, depth(0)),
        [expected[0].replace("[-]", "[+]")]
    );
    let mixed = lines(&heap, &[sessions[0], attributes], depth(0));
    let kinds = "(dict of myapp.Cache | myapp.Session)";
    assert_eq!(mixed, [format!("0: _ [+] 2 {kinds}: {}, {}", at(4), at(7))]);
}

#[test]
fn what_only_a_root_holds_ends_a_way() {
    let mut b = Builder::default();
    let (first, second) = (b.object("list"), b.object("list"));
    b.refer(first, second, Relation::Index(0));
    b.refer(second, first, Relation::Index(0));
    b.root("i0_x", first);
    b.root("i0_y", first);
    let heap = b.finish();
    let [one, two] = [first, second].map(|id| format!("{:#x}*1", address(id)));
    let expected = [
        format!("0: _ [-] 1 list: {one}"),
        format!("1: a [-] 1 list: {two}"),
        format!("2: aa [^ 0] 1 list: {one}"),
        "3: b [R] 1 hp.Root: hp.Root.i0_x, hp.Root.i0_y".to_owned(),
    ];
    assert_eq!(lines(&heap, &[first], depth(7)), expected);
    // The one referrer that dominates `second` is `first`; above that is the root alone.
    let dominators = PatternOptions {
        dominators: true,
        ..PatternOptions::default()
    };
    let expected = [
        format!("0: _ [-] 1 list: {two}"),
        format!("1: a [-] 1 list: {one}"),
        "2: aa [R] 1 hp.Root: hp.Root.i0_x, hp.Root.i0_y".to_owned(),
    ];
    assert_eq!(lines(&heap, &[second], dominators), expected);
}

#[test]
fn more_children_than_letters_are_numbered() {
    let mut b = Builder::default();
    let target = b.object("myapp.Target");
    for number in 0..28 {
        let holder = b.object(&format!("myapp.Holder{number:02}"));
        b.refer(holder, target, Relation::Index(0));
        b.root("x", holder);
    }
    let heap = b.finish();
    let lines = lines(&heap, &[target], depth(1));
    let letters: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    assert_eq!(letters[25..], ["y", "z", "(26)", "(27)"]);
}

#[test]
fn values_and_names_are_written_instead_of_addresses() {
    let mut b = Builder::default();
    let text = |b: &mut Builder, text| b.string(text);
    let number = b.int("123456789012345678901234567890123456789012345678901234567890");
    let string = b.string("a text of more than thirty characters");
    let function = b.object("function");
    let (name, module) = (text(&mut b, "run"), text(&mut b, "my.app"));
    let named = Relation::Attribute(b.name("__name__"));
    b.refer(function, name, named);
    let of_module = Relation::Attribute(b.name("__module__"));
    b.refer(function, module, of_module);
    let code = b.valued("code", ValueForm::Repr, b"line 95");
    let (co_name, file) = (text(&mut b, "run"), text(&mut b, "/srv/my/app.py"));
    let named = Relation::Attribute(b.name("co_name"));
    b.refer(code, co_name, named);
    let filed = Relation::Attribute(b.name("co_filename"));
    b.refer(code, file, filed);
    let class = b.class("my.app.Session");
    let frozen = b.object("frozenset");
    let objects = [number, string, function, code, class, frozen];
    for object in objects {
        b.root("x", object);
    }
    let heap = b.finish();
    let first = |object| lines(&heap, &[object], depth(0)).remove(0);
    let expected = [
        "int: 123456789012345678901234567890123456789012345678901234567890",
        "str: 'a text of mo...ty characters'",
        "function: my.app.run",
        "code: app.py:95:run",
        "type: my.app.Session",
    ];
    for (object, expected) in objects.into_iter().zip(expected) {
        assert_eq!(first(object), format!("0: _ [+] 1 {expected}"));
    }
    let address = format!("{:#x}", address(frozen));
    assert_eq!(first(frozen), format!("0: _ [+] 1 frozenset: {address}"));
}
