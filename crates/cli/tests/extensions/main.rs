//! Extension libraries: what they hide from the collector, and their memory.

mod arrow;
mod common;
mod greenlets;
mod numpy;
mod pandas;
mod protobuf;
mod torch;
