//! What is a suspect, and what is none. Leaks of real processes are in the tests of the program.

use crate::builder::Builder;
use exuvia_query::{Reason, Suspect};
use exuvia_snapshot::{ObjectId, Relation};

/// The bytes of a heap that is no leak.
const PROGRAM: u64 = 4 << 20;

/// A module that everything else is in, and its dictionary; beside it code that is large.
fn shop(b: &mut Builder) -> ObjectId {
    let [modules_name, name] = ["i0_modules", "shop"].map(|text| b.string(text));
    let modules = b.object("dict");
    let (module, dict) = (b.object("module"), b.dict_of("module"));
    b.root("i0_modules", modules);
    b.entry(modules, name, module);
    b.refer(module, dict, Relation::InstanceDict);
    let code = b.object("code");
    b.size(code, PROGRAM);
    b.entry(dict, modules_name, code);
    dict
}

/// A variable of the module.
fn variable(b: &mut Builder, dict: ObjectId, name: &str, value: ObjectId) {
    let name = b.string(name);
    b.entry(dict, name, value);
}

/// A cache of `functools`, with as many entries, of as many bytes each.
fn cache(b: &mut Builder, entries: usize, bytes: u64, bounded: bool) -> ObjectId {
    let cache = b.object("functools._lru_cache_wrapper");
    let table = b.object("dict");
    let field = b.name("cache");
    b.refer(cache, table, Relation::Interior(field));
    let result_field = b.name("result");
    for number in 0..entries {
        let key = b.int(&number.to_string());
        let result = b.object("bytes");
        b.size(result, bytes);
        if bounded {
            let link = b.object("functools._lru_list_elem");
            b.refer(link, result, Relation::Interior(result_field));
            b.entry(table, key, link);
        } else {
            b.entry(table, key, result);
        }
    }
    cache
}

fn suspects(b: Builder) -> Vec<Suspect> {
    b.finish().leaks().suspects
}

#[test]
fn a_program_is_no_suspect() {
    let mut b = Builder::default();
    shop(&mut b);
    assert_eq!(suspects(b), []);
}

#[test]
fn a_cache_without_a_bound_is_named_with_its_place() {
    let mut b = Builder::default();
    let dict = shop(&mut b);
    let cache = cache(&mut b, 1200, 1000, false);
    variable(&mut b, dict, "price", cache);
    let found = suspects(b);
    let [suspect] = &found[..] else {
        panic!("{found:#?}");
    };
    assert_eq!(suspect.reason, Reason::Cache);
    assert_eq!(
        suspect.summary,
        "a cache without a bound (maxsize=None) has 1200 entries"
    );
    let path = "hp.Root.i0_modules['shop'].__dict__['price']";
    assert_eq!(suspect.path.as_deref(), Some(path));
    // The wrapper, its table, and 1200 keys and results.
    assert_eq!(suspect.keeps.objects, 2402);
    assert_eq!(suspect.keeps.bytes, 20 + 1200 * 1010);
    let kinds: Vec<_> = suspect.kinds.first.iter().map(|kind| &kind.name).collect();
    assert_eq!(kinds, ["bytes", "int", "dict"]);
    assert_eq!(suspect.kinds.total, 4);
    let next: Vec<_> = suspect
        .next
        .iter()
        .map(|question| question.command)
        .collect();
    assert_eq!(next, ["paths", "show"]);
    let share = suspect.keeps.bytes as f64 / (PROGRAM + suspect.keeps.bytes) as f64;
    assert!((suspect.share - share).abs() < 0.001, "{}", suspect.share);
}

#[test]
fn a_cache_is_none_with_a_bound_few_entries_or_few_bytes() {
    for (entries, bytes, bounded) in [(1200, 1000, true), (480, 2400, false), (1200, 800, false)] {
        let mut b = Builder::default();
        let dict = shop(&mut b);
        let cache = cache(&mut b, entries, bytes, bounded);
        variable(&mut b, dict, "price", cache);
        let found = suspects(b);
        let is_cache = |suspect: &Suspect| suspect.reason == Reason::Cache;
        assert!(!found.iter().any(is_cache), "{entries} of {bytes} bytes");
    }
}

#[test]
fn the_reason_that_says_more_stays() {
    let mut b = Builder::default();
    let dict = shop(&mut b);
    // Sessions in a list: many of a class, in a large container, which keeps most of the heap.
    let sessions: Vec<_> = (0..10_000).map(|_| b.object("shop.Session")).collect();
    for &session in &sessions {
        b.size(session, 500);
    }
    let list = b.sequence("list", &sessions);
    variable(&mut b, dict, "SESSIONS", list);
    let found = suspects(b);
    let reasons: Vec<_> = found.iter().map(|suspect| suspect.reason).collect();
    assert_eq!(reasons, [Reason::Container]);
    let summary = "the variable SESSIONS of module shop (list) has 10000 entries";
    assert_eq!(found[0].summary, summary);
}

#[test]
fn two_leaks_are_two_suspects_the_heavier_first() {
    let mut b = Builder::default();
    let dict = shop(&mut b);
    for (name, bytes) in [("price", 2000), ("offer", 3000)] {
        let cache = cache(&mut b, 1200, bytes, false);
        variable(&mut b, dict, name, cache);
    }
    let found = suspects(b);
    let paths: Vec<_> = found.iter().filter_map(|one| one.path.as_deref()).collect();
    let path = |name| format!("hp.Root.i0_modules['shop'].__dict__['{name}']");
    assert_eq!(paths, [path("offer"), path("price")]);
}

#[test]
fn what_two_tables_share_is_found_by_its_class() {
    let mut b = Builder::default();
    let dict = shop(&mut b);
    let sessions: Vec<_> = (0..1000).map(|_| b.object("shop.Session")).collect();
    for &session in &sessions {
        b.size(session, 2000);
    }
    for name in ["BY_USER", "BY_NUMBER"] {
        let list = b.sequence("list", &sessions);
        variable(&mut b, dict, name, list);
    }
    let found = suspects(b);
    let reasons: Vec<_> = found.iter().map(|suspect| suspect.reason).collect();
    assert_eq!(reasons, [Reason::Class], "{found:#?}");
    assert_eq!(found[0].summary, "1000 objects of shop.Session are alive");
    assert_eq!(found[0].keeps.bytes, 2_000_000);
}

/// A table with a list for each user, with 40 visits of as many bytes.
fn visits(b: &mut Builder, users: usize, bytes: u64) -> ObjectId {
    let table = b.object("dict");
    for user in 0..users {
        let key = b.int(&user.to_string());
        let visits: Vec<_> = (0..40).map(|_| b.object("bytes")).collect();
        for &visit in &visits {
            b.size(visit, bytes);
        }
        let list = b.sequence("list", &visits);
        b.entry(table, key, list);
    }
    table
}

#[test]
fn many_parts_in_some_containers_of_one_table_come_together_in_it() {
    let mut b = Builder::default();
    let dict = shop(&mut b);
    let table = visits(&mut b, 100, 500);
    variable(&mut b, dict, "VISITS", table);
    let found = suspects(b);
    let reasons: Vec<_> = found.iter().map(|suspect| suspect.reason).collect();
    assert_eq!(reasons, [Reason::Accumulation], "{found:#?}");
    let path = "hp.Root.i0_modules['shop'].__dict__['VISITS']";
    assert_eq!(found[0].path.as_deref(), Some(path));
}

#[test]
fn some_parts_in_few_containers_are_no_suspect() {
    let mut b = Builder::default();
    let dict = shop(&mut b);
    let table = visits(&mut b, 20, 3000);
    variable(&mut b, dict, "VISITS", table);
    assert_eq!(suspects(b), []);
}

#[test]
fn names_of_a_target_are_harmless() {
    let mut b = Builder::default();
    let dict = shop(&mut b);
    let odd = b.object("shop.\u{1b}[2J");
    b.size(odd, 2 << 20);
    variable(&mut b, dict, "odd", odd);
    let found = suspects(b);
    assert_eq!(found[0].reason, Reason::Accumulation);
    let text = "one object of shop.\\x1b[2J takes 2097152 bytes";
    assert_eq!(found[0].summary, text);
}
