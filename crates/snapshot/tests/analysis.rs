//! What is kept beside a snapshot: as it was, only for the snapshot that it is of, and never in
//! the way.

#![allow(clippy::unwrap_used)]

mod common;

use common::{names_in, sample, written};
use exuvia_snapshot::*;
use std::fs;
use std::path::Path;

/// A chain: each object dominates the next one. The last two are garbage.
struct Chain(u32);

impl AnalysisRows for Chain {
    fn row(&self, object: ObjectId) -> Option<AnalysisRow> {
        (object.0 < self.0 - 2).then(|| AnalysisRow {
            dominator: object.0.checked_sub(1).map(ObjectId),
            retained: 48 * u64::from(self.0 - 2 - object.0),
            depth: object.0 + 1,
            preorder: object.0 + 1,
            last_descendant: self.0 - 2,
        })
    }
}

fn keep(directory: &Path) -> u32 {
    let objects = open(directory).unwrap().objects.len();
    keep_analysis(directory, objects, &Chain(objects as u32)).unwrap();
    objects as u32
}

fn summary(kinds: usize) -> Summary {
    let kind = KindSummary {
        objects: 3,
        bytes: 144,
        retained: 1000,
    };
    Summary {
        kinds: vec![kind; kinds],
        garbage: (2, 96),
        native: (1, 48),
        allocated: 4000,
    }
}

#[test]
fn what_was_kept_comes_back() {
    let (_parent, place) = written(&sample());
    assert_eq!(kept_analysis(&place).unwrap(), None);
    let objects = keep(&place);
    let kept = kept_analysis(&place).unwrap().unwrap();
    let expected: Vec<u32> = (1..=objects - 2).chain([0, 0]).collect();
    assert_eq!(kept.preorder, expected);
    assert_eq!(kept.last_descendant[0], objects - 2);
    assert_eq!(kept.last_descendant[objects as usize - 1], 0);
    // The snapshot itself is as it was, and nothing else is left behind.
    assert_eq!(open(&place).unwrap(), sample());
    let names = names_in(&place);
    assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
}

#[test]
fn the_table_by_kind_comes_back_with_its_names() {
    let snapshot = sample();
    let (_parent, place) = written(&snapshot);
    let kinds = snapshot.kinds.len();
    keep_summary(&place, &summary(kinds)).unwrap();
    // Without the rows there is nothing to which it could belong.
    assert_eq!(kept_summary(&place).unwrap(), None);
    keep(&place);
    assert_eq!(kept_overview(&place).unwrap(), None);
    keep_summary(&place, &summary(kinds)).unwrap();
    assert_eq!(kept_summary(&place).unwrap(), Some(summary(kinds)));
    let overview = kept_overview(&place).unwrap().unwrap();
    assert_eq!(overview.summary, summary(kinds));
    assert_eq!(overview.kinds[0], snapshot.kinds[0].name);
    assert_eq!(overview.metadata.process.python, "3.12.1");
}

#[test]
fn that_of_another_snapshot_is_ignored() {
    let (_parent, place) = written(&sample());
    let mut changed = sample();
    changed.objects.size[0] += 1;
    let (_other_parent, other) = written(&changed);
    keep(&other);
    for file in ["analysis.parquet", "analysis.json"] {
        fs::copy(other.join(file), place.join(file)).unwrap();
    }
    assert_eq!(kept_analysis(&place).unwrap(), None);
    assert_eq!(kept_overview(&place).unwrap(), None);
}

#[test]
fn a_damaged_one_is_told_and_can_be_kept_again() {
    let (_parent, place) = written(&sample());
    keep(&place);
    let table = place.join("analysis.parquet");
    let mut bytes = fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&table, bytes).unwrap();
    assert!(matches!(
        kept_analysis(&place),
        Err(OpenError::Damaged { .. })
    ));
    fs::write(place.join("analysis.json"), "{").unwrap();
    assert!(matches!(
        kept_analysis(&place),
        Err(OpenError::Damaged { .. })
    ));
    keep(&place);
    assert!(kept_analysis(&place).unwrap().is_some());
}

#[test]
fn it_is_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_parent, place) = written(&sample());
    keep(&place);
    for file in ["analysis.parquet", "analysis.json"] {
        let mode = fs::metadata(place.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
