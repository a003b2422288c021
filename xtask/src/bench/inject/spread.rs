use super::super::figures::seconds;
use anyhow::{Result, ensure};
use serde::Serialize;
use std::fmt;

/// Times of the same thing done several times, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    /// What 99 of 100 were not above.
    pub(super) p99: f64,
    pub(super) longest: f64,
}

impl Spread {
    pub(super) fn of(mut times: Vec<f64>) -> Result<Self> {
        ensure!(!times.is_empty(), "nothing was measured");
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        Ok(Self {
            median: at(0.5),
            p99: at(0.99),
            longest: at(1.0),
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", seconds(self.median), seconds(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_the_hundredth_and_the_longest() {
        let times = (1..=201).rev().map(f64::from).collect();
        let spread = Spread::of(times).unwrap();
        assert_eq!(
            (spread.median, spread.p99, spread.longest),
            (101.0, 199.0, 201.0)
        );
        assert!(Spread::of(Vec::new()).is_err());
    }
}
