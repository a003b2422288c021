//! The walker on fake memory images, whose offsets `exuvia-synth` writes independently of
//! the tables that the walker reads by.

#![allow(clippy::panic, clippy::unwrap_used)] // Test helpers may fail.

mod containers;
mod extensions;
mod flips;
mod frame_objects;
mod frames;
mod free_threaded;
mod getters;
mod graphs;
mod hostile;
mod instances;
mod native;
mod roots;
mod scalars;
mod types;
mod variables;
mod walked;
