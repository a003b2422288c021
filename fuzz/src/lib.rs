//! What the fuzz targets share.
//!
//! Random bytes hardly ever look like an interpreter or a core. So each target has something
//! that is right, and its input is a list of [`Edit`]s of that: libFuzzer sees by the coverage
//! which of them lead on.

use exuvia_cpython::{Flavor, Layout, Version};
use exuvia_memory::Memory;
use exuvia_snapshot::{Snapshot, ValuesKept};
use exuvia_synth::{Process, Python};
use exuvia_walker::{NoProgress, Target, WalkError, WalkOptions, walk};

/// A change of something that was right.
#[derive(Debug, Clone, Copy)]
pub struct Edit {
    /// What to do.
    pub kind: u8,
    /// Where, modulo the size of the thing.
    pub place: usize,
    /// What to write.
    pub value: u64,
}

/// The edits that an input stands for: 13 bytes each, little-endian.
pub fn edits(input: &[u8]) -> impl Iterator<Item = Edit> {
    let edits = input.as_chunks::<13>().0.iter();
    edits.map(|&[kind, p0, p1, p2, p3, value @ ..]| Edit {
        kind,
        place: u32::from_le_bytes([p0, p1, p2, p3]) as usize,
        value: u64::from_le_bytes(value),
    })
}

/// The table of a synthetic interpreter.
pub fn layout(python: Python) -> Layout {
    let version = Version::new(3, python.minor(), 0);
    Layout::for_version(version, Flavor::Gil).expect("a table for each synthetic interpreter")
}

/// Walks memory that may be damaged, and insists on a snapshot or a proper error.
pub fn walk_damaged(memory: &impl Memory, process: &Process, layout: &Layout) -> Option<Snapshot> {
    let regions = process.image.regions();
    let target = Target {
        runtime: process.runtime,
        layout,
        regions: &regions,
        images: std::slice::from_ref(&process.program),
        data: &[],
        absent: &[],
    };
    let options = WalkOptions {
        values: Some(ValuesKept::Short),
        digests: None,
    };
    match walk(memory, &target, &options, &NoProgress) {
        Ok(snapshot) => {
            if let Err(wrong) = exuvia_snapshot::check(&snapshot) {
                panic!("the snapshot contradicts itself: {wrong}");
            }
            Some(snapshot)
        }
        Err(WalkError::Runtime(_) | WalkError::NoInterpreter) => None,
        Err(error) => panic!("{error}"),
    }
}
