//! Types of the standard library's modules in C that keep objects in blocks of their own,
//! one file per module.

pub(super) mod atexit;
pub(super) mod decimal;
pub(super) mod elementtree;
pub(super) mod expat;
pub(super) mod functools;
pub(super) mod itertools;
pub(super) mod pickle;
pub(super) mod queue;
pub(super) mod re;
pub(super) mod sqlite;
pub(super) mod zoneinfo;
