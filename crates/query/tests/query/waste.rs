//! Duplicates, as far as the contents are known. What real processes waste is compared with what
//! they say themselves in the tests of the command line.

use crate::builder::{Builder, address};
use exuvia_query::{Duplicate, WasteReport, WasteSort};
use exuvia_snapshot::{ObjectFlags, ObjectId, ValueForm};

/// A list that is alive and holds these.
fn held(builder: &mut Builder, items: &[ObjectId]) {
    let list = builder.sequence("list", items);
    builder.root("i0_modules", list);
}

fn duplicates(report: &WasteReport) -> Vec<(WasteSort, u64, u64, u64)> {
    let row = |row: &Duplicate| (row.sort, row.address, row.count, row.wasted);
    report.duplicates.first.iter().map(row).collect()
}

/// A tuple of the size that it has in a build with a lock.
fn tuple(builder: &mut Builder, items: &[ObjectId]) -> ObjectId {
    let tuple = builder.tuple(items);
    builder.size(tuple, 16 + 8 * items.len() as u64);
    tuple
}

#[test]
fn equal_texts_but_the_largest_are_superfluous() {
    let mut builder = Builder::default();
    let texts = ["a", "b", "a", "a"].map(|text| builder.string(text));
    builder.size(texts[2], 25);
    // Bytes with the same contents are no text.
    let bytes = builder.valued("bytes", ValueForm::Bytes, b"a");
    held(&mut builder, &[&texts[..], &[bytes]].concat());
    // Nobody holds this one.
    builder.string("a");
    let report = builder.finish().waste(10);
    let expected = (WasteSort::DuplicateStrings, address(texts[0]), 3, 20);
    assert_eq!(duplicates(&report), [expected]);
    let holders = &report.duplicates.first[0].holders;
    assert_eq!(
        (holders[0].name.as_str(), holders[0].count),
        ("list[\u{2026}]", 3)
    );
    assert_eq!(report.bytes, 20);
}

#[test]
fn what_is_part_of_the_program_costs_nothing() {
    let mut builder = Builder::default();
    let texts = ["a", "a", "a"].map(|text| builder.string(text));
    builder.flags(texts[1], ObjectFlags::STATIC);
    held(&mut builder, &texts);
    let report = builder.finish().waste(10);
    assert_eq!(report.duplicates.first[0].wasted, 20);
}

#[test]
fn of_beginnings_the_digests_decide() {
    let mut builder = Builder::default();
    let starts = [b"s"; 4].map(|text| builder.valued("str", ValueForm::TextStart, text));
    for (start, digest) in starts.iter().zip([7, 8, 7]) {
        builder.digest(*start, digest);
    }
    // A whole text like the beginning.
    let whole = builder.string("s");
    held(&mut builder, &[&starts[..], &[whole]].concat());
    let report = builder.finish().waste(10);
    let expected = (WasteSort::DuplicateStrings, address(starts[0]), 2, 10);
    assert_eq!(duplicates(&report), [expected]);
    assert_eq!(report.not_compared, 1);
}

#[test]
fn tuples_are_equal_when_their_items_are() {
    let mut builder = Builder::default();
    let texts = ["a", "a"].map(|text| builder.string(text));
    let lists = [builder.object("list"), builder.object("list")];
    let inner = [0, 1].map(|i| tuple(&mut builder, &[texts[i]]));
    let outer = [0, 1].map(|i| tuple(&mut builder, &[inner[i], inner[1 - i]]));
    let others = [0, 1].map(|i| tuple(&mut builder, &[lists[i]]));
    // Some items of this one are not known.
    let torn = builder.tuple(&[texts[0]]);
    builder.size(torn, 16 + 8 * 3);
    held(&mut builder, &[&outer[..], &others, &[torn]].concat());
    let report = builder.finish().waste(10);
    let tuples: Vec<_> = duplicates(&report)
        .into_iter()
        .filter(|row| row.0 == WasteSort::DuplicateTuples)
        .map(|(_, address, count, wasted)| (address, count, wasted))
        .collect();
    assert_eq!(
        tuples,
        [(address(outer[0]), 2, 32), (address(inner[0]), 2, 24)]
    );
}

/// In C that can be made, and is like no other.
#[test]
fn a_tuple_may_contain_itself() {
    let mut builder = Builder::default();
    let circles = [0, 1].map(|_| {
        let circle = tuple(&mut builder, &[]);
        builder.refer(circle, circle, exuvia_snapshot::Relation::Index(0));
        builder.size(circle, 24);
        circle
    });
    held(&mut builder, &circles);
    let report = builder.finish().waste(10);
    assert_eq!(duplicates(&report), []);
}

#[test]
fn a_long_chain_of_tuples() {
    let mut builder = Builder::default();
    let ends = [0, 1].map(|_| {
        let mut last = builder.string("end");
        for _ in 0..2_000 {
            last = tuple(&mut builder, &[last]);
        }
        last
    });
    held(&mut builder, &ends);
    let report = builder.finish().waste(1);
    assert_eq!(report.duplicates.total, 2_001);
    assert_eq!(report.duplicates.first.len(), 1);
}
