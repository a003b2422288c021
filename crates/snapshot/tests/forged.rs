//! A snapshot made to do harm. Alone in its program, because it silences the panics that are
//! caught inside.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use common::{TABLES, forge, sample, written};
use exuvia_snapshot::*;
use std::fs;

/// With its check sum made right, a damaged file reaches the Parquet reader. Whatever comes
/// out, it is a snapshot or an error.
#[test]
fn forged_files_give_a_snapshot_or_an_error() {
    std::panic::set_hook(Box::new(|_| ()));
    let (_parent, path) = written(&sample());
    let mut refused = 0;
    for table in TABLES {
        let whole = fs::read(path.join(format!("{table}.parquet"))).unwrap();
        for at in (0..whole.len()).step_by(11) {
            let mut forged = whole.clone();
            forged[at] ^= [0xff, 0x80, 0x01][at % 3];
            forge(&path, table, &forged);
            refused += usize::from(open(&path).is_err());
        }
        forge(&path, table, &whole);
    }
    let _ = std::panic::take_hook();
    assert!(refused > 100);
    assert_eq!(open(&path).unwrap(), sample());
}
