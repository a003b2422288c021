use crate::builder::Builder;
use exuvia_query::{Classifier, Difference, GrownTwice, Heap, Matching, NewObjects};
use exuvia_snapshot::{ObjectId, Relation, ValueForm};

/// What one moment of the same process looks like. Objects lie at the same addresses, because
/// they are made in the same order.
#[derive(Clone, Copy)]
struct Moment {
    /// The number of the session under the key.
    number: &'static str,
    /// Its time.
    time: &'static str,
    /// The key.
    key: &'static str,
    /// Whether the holder has the session.
    is_held: bool,
}

const FIRST: Moment = Moment {
    number: "1000",
    time: "1.5",
    key: "alice",
    is_held: true,
};

const MODULE: ObjectId = ObjectId(1);
const SESSION: ObjectId = ObjectId(4);
const PAIR: ObjectId = ObjectId(7);
const BUFFER: ObjectId = ObjectId(8);
const ITEM: ObjectId = ObjectId(10);

fn heap(moment: Moment) -> Heap {
    let mut b = Builder::default();
    let modules = b.object("dict");
    let module = b.object("module");
    let name = b.string("shop");
    let sessions = b.object("dict");
    let session = b.heap_object("shop.Session");
    let number = b.int(moment.number);
    let time = b.valued("float", ValueForm::Repr, moment.time.as_bytes());
    let pair = b.object("tuple");
    let buffer = b.object("bytearray");
    let list = b.object("list");
    let item = b.object("list");
    let key = b.string(moment.key);
    let attributes = ["number", "time"].map(|name| b.string(name));
    b.root("i0_modules", modules);
    b.entry(modules, name, module);
    let field = b.name("sessions");
    b.refer(module, sessions, Relation::Attribute(field));
    if moment.is_held {
        b.entry(sessions, key, session);
    }
    b.refer(session, number, Relation::InlineAttribute(attributes[0]));
    b.refer(session, time, Relation::InlineAttribute(attributes[1]));
    b.refer(pair, number, Relation::Index(0));
    b.refcount(number, 1);
    for (index, target) in (0..).zip([pair, buffer, list, session]) {
        b.refer(modules, target, Relation::Index(index));
    }
    b.refer(list, item, Relation::Index(0));
    b.finish()
}

/// Whether objects are the same at a later moment.
fn same(later: Moment, objects: &[ObjectId]) -> Vec<bool> {
    let (old, new) = (heap(FIRST), heap(later));
    let matching = Matching::of(&old, &new);
    let older = objects.iter().map(|&object| matching.older(object));
    older.map(|older| older.is_some()).collect()
}

#[test]
fn a_heap_has_all_of_its_own_objects() {
    let old = heap(FIRST);
    let new = heap(FIRST);
    let matching = Matching::of(&old, &new);
    let objects = NewObjects::of(&old, &new, &matching);
    assert_eq!(objects.set.count(), 0);
    assert_eq!(
        (objects.fates.came.objects, objects.fates.went.objects),
        (0, 0)
    );
    assert_eq!(
        objects.fates.stayed.objects,
        new.partition(Classifier::Kind).count
    );
    for id in new.snapshot().objects.ids() {
        assert_eq!(matching.older(id), Some(id));
    }
}

#[test]
fn contents_that_never_change_tell_objects_apart() {
    let later = Moment {
        number: "1001",
        ..FIRST
    };
    // The tuple keeps its item for its life; the session may have got another number.
    assert_eq!(
        same(later, &[ObjectId(5), PAIR, SESSION]),
        [false, false, true]
    );
    assert_eq!(same(later, &[MODULE, BUFFER, ITEM]), [true, true, true]);
}

#[test]
fn an_instance_whose_own_values_are_all_others_is_another() {
    let later = Moment {
        number: "1001",
        time: "2.5",
        ..FIRST
    };
    assert_eq!(same(later, &[SESSION, MODULE]), [false, true]);
    let later = Moment {
        time: "2.5",
        ..FIRST
    };
    assert_eq!(same(later, &[SESSION]), [true]);
}

#[test]
fn another_type_at_the_address_is_another_object() {
    let made = |type_name: &str| {
        let mut b = Builder::default();
        // Both types are at the same place in both heaps.
        let _ = (b.object("list"), b.object("set"));
        let target = b.object(type_name);
        b.root("x", target);
        (b.finish(), target)
    };
    let ((old, _), (new, target)) = (made("list"), made("set"));
    let matching = Matching::of(&old, &new);
    assert_eq!(matching.older(target), None);
    assert!(!matching.is_still_there(target));
}

#[test]
fn what_nothing_speaks_for_is_new() {
    // One at the same address, held by another holder, that has nothing to be known by.
    let made = |holder: usize| {
        let mut b = Builder::default();
        let holders = [b.object("dict"), b.object("dict")];
        let (target, key) = (b.object("a.T"), b.string("key"));
        b.root("x", holders[0]);
        b.root("y", holders[1]);
        b.entry(holders[holder], key, target);
        (b.finish(), target)
    };
    let ((old, _), (new, target)) = (made(0), made(1));
    assert_eq!(Matching::of(&old, &new).older(target), None);
    let (again, _) = made(0);
    assert_eq!(Matching::of(&old, &again).older(target), Some(target));
}

#[test]
fn the_key_says_which_entry_it_is() {
    let made = |key: &str| {
        let mut b = Builder::default();
        let (holder, target, key) = (b.object("dict"), b.object("a.T"), b.string(key));
        b.root("x", holder);
        b.entry(holder, key, target);
        (b.finish(), target)
    };
    let ((old, target), (new, _)) = (made("alice"), made("bob"));
    assert_eq!(Matching::of(&old, &new).older(target), None);
}

#[test]
fn items_of_lists_may_move() {
    let made = |gone: usize| {
        let mut b = Builder::default();
        let holder = b.object("list");
        let items: Vec<ObjectId> = (0..40).map(|_| b.object("a.T")).collect();
        b.root("x", holder);
        for (index, &item) in (0..).zip(&items[gone..]) {
            b.refer(holder, item, Relation::Index(index));
        }
        (b.finish(), items)
    };
    let ((old, items), (new, _)) = (made(0), made(3));
    let matching = Matching::of(&old, &new);
    assert!(
        items[3..]
            .iter()
            .all(|&item| matching.older(item) == Some(item))
    );
    let fates = NewObjects::of(&old, &new, &matching).fates;
    assert_eq!((fates.stayed.objects, fates.went.objects), (38, 3));
}

#[test]
fn one_that_came_and_is_held_no_more_went() {
    let later = Moment {
        is_held: false,
        ..FIRST
    };
    // It is in a list of the process as well, so that it stays.
    assert_eq!(same(later, &[SESSION]), [true]);
}

fn sessions(count: usize) -> Heap {
    let mut b = Builder::default();
    let holder = b.object("list");
    b.root("x", holder);
    for index in 0..count {
        let session = b.object("shop.Session");
        b.refer(holder, session, Relation::Index(index as u32));
    }
    b.finish()
}

#[test]
fn differences_are_those_of_the_tables() {
    let (old, new) = (sessions(3), sessions(10));
    let [before, after] = [&old, &new].map(|heap| heap.partition(Classifier::Kind));
    let difference = Difference::between(&before, &after);
    assert_eq!(difference.total(), (7, 70));
    assert_eq!(difference.rows.len(), 1);
    let row = &difference.rows[0];
    assert_eq!(
        (row.name.as_str(), row.count, row.size),
        ("shop.Session", 7, 70)
    );
    let back = Difference::between(&after, &before);
    assert_eq!((back.total(), back.rows[0].count), ((-7, -70), -7));
}

#[test]
fn what_grew_twice_and_what_stayed() {
    let heaps = [sessions(3), sessions(10), sessions(12)];
    let tables = [0, 1, 2].map(|index: usize| heaps[index].partition(Classifier::Kind));
    let [a, b, c] = &tables;
    let mut grown = GrownTwice::between([a, b, c]);
    let came = NewObjects::of(&heaps[0], &heaps[1], &Matching::of(&heaps[0], &heaps[1]));
    let stayed = came.that_stayed(&heaps[1], &heaps[2], &Matching::of(&heaps[1], &heaps[2]));
    grown.add_stayed(&stayed.by_kind(&heaps[2]));
    assert_eq!(grown.rows.len(), 1);
    let row = &grown.rows[0];
    assert_eq!(row.extents.map(|extent| extent.objects), [3, 10, 12]);
    assert_eq!(row.stayed, Some(7));
    // Once larger and once smaller is no growth.
    assert_eq!(GrownTwice::between([a, c, b]).rows, []);
}
