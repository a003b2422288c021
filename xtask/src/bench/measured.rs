use super::census::Growth;
use serde::Serialize;

/// One taking of the time. Times in seconds, memory in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    /// For how long the target stood still: as exuvia says, or as the heartbeat missed.
    pub(super) frozen: Option<f64>,
    /// The heartbeat's longest gap meanwhile.
    pub(super) gap: Option<f64>,
    /// From start to end.
    pub(super) wall: f64,
    /// The most memory that was in use.
    pub(super) peak: Option<f64>,
    /// Bytes on disk per object.
    pub(super) disk: Option<f64>,
}

/// The smallest and the middle one of several figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Figure {
    /// The smallest.
    pub(super) min: f64,
    /// The middle one; of an even number, the lower one of the two.
    pub(super) median: f64,
}

/// What is known about one way to do one thing: a line of the table.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    /// What was done.
    pub(super) what: What,
    /// How often.
    pub(super) runs: usize,
    /// See [`Sample`].
    pub(super) frozen: Option<Figure>,
    /// See [`Sample`].
    pub(super) gap: Option<Figure>,
    /// See [`Sample`].
    pub(super) wall: Figure,
    /// See [`Sample`].
    pub(super) peak: Option<Figure>,
    /// See [`Sample`].
    pub(super) disk: Option<Figure>,
    /// What is more in the target after the first time.
    pub(super) growth: Option<Growth>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// `exuvia heap PID`.
    Heap,
    /// `exuvia paths PID` of the rare object.
    Paths,
    /// `exuvia dump PID --values none`.
    Dump,
    /// `os.fork()` in exuvia's target.
    Fork,
    /// guppy3's `heap()`.
    GuppyHeap,
    /// Printing what `heap()` returned.
    GuppyTable,
    /// `shpaths` of the rare object, printed.
    GuppyPaths,
}

impl Figure {
    /// Nothing when one of them is missing.
    pub(super) fn of(values: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect::<Option<_>>()?;
        values.sort_by(f64::total_cmp);
        Some(Self {
            min: *values.first()?,
            median: *values.get((values.len() - 1) / 2)?,
        })
    }
}

impl Row {
    /// The line of these samples; nothing when there is none.
    pub(super) fn of(what: What, samples: &[Sample], growth: Option<Growth>) -> Option<Self> {
        let figure = |field: fn(&Sample) -> Option<f64>| Figure::of(samples.iter().map(field));
        Some(Self {
            what,
            runs: samples.len(),
            frozen: figure(|sample| sample.frozen),
            gap: figure(|sample| sample.gap),
            wall: figure(|sample| Some(sample.wall))?,
            peak: figure(|sample| sample.peak),
            disk: figure(|sample| sample.disk),
            growth,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_the_figures() {
        let figure = |values: &[f64]| Figure::of(values.iter().copied().map(Some)).unwrap();
        let of_three = figure(&[3.0, 1.0, 2.0]);
        assert_eq!((of_three.min, of_three.median), (1.0, 2.0));
        assert_eq!(figure(&[5.0, 4.0]).median, 4.0);
        assert_eq!(Figure::of([Some(1.0), None]), None);
        assert_eq!(Figure::of([]), None);
    }
}
