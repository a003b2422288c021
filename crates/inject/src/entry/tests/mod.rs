//! Decisions and patches, for states that were made by hand.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)] // Tests may fail.

mod decisions;
mod memory;
mod rings;

use exuvia_cpython::{Flavor, Layout, Version};

fn layout(minor: u8, micro: u8) -> Layout {
    Layout::for_version(Version::new(3, minor, micro), Flavor::Gil).unwrap()
}
