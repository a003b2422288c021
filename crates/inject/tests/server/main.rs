//! The server's Python on every interpreter, in a program that lets it in by itself.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod coroutines;
mod harness;
mod interrupts;
mod left_behind;
mod namespaces;
mod prompt;
mod routing;
mod scripts;
