//! Two snapshots of one process: what grew, and what is in the newer one only.

mod contents;
mod difference;
mod matching;
mod parts;
mod places;
mod since;
mod steps;

pub use difference::{Difference, DifferenceRow, GrownTwice, GrowthRow};
pub use matching::Matching;
pub use since::{Fates, NewObjects};
