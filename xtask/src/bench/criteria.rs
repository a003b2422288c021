use super::figures::{SizeReport, seconds};
use super::measured::{Row, What};
use super::sizes::Size;
use serde::Serialize;
use std::fmt;

/// What exuvia runs as.
const COMMANDS: [What; 3] = [What::Heap, What::Paths, What::Dump];

/// Something to reach, and whether it is.
#[derive(Debug, Serialize)]
pub(super) struct Criterion {
    what: &'static str,
    objects: String,
    to_reach: String,
    measured: String,
    reached: bool,
}

impl Criterion {
    /// One of a part that judges itself.
    pub(super) fn new(
        what: &'static str,
        objects: Size,
        to_reach: impl Into<String>,
        measured: impl Into<String>,
        reached: bool,
    ) -> Self {
        Self {
            what,
            objects: objects.to_string(),
            to_reach: to_reach.into(),
            measured: measured.into(),
            reached,
        }
    }

    /// One that is not about a number of objects.
    pub(super) fn of(
        what: &'static str,
        subject: impl Into<String>,
        to_reach: impl Into<String>,
        measured: impl Into<String>,
        reached: bool,
    ) -> Self {
        Self {
            what,
            objects: subject.into(),
            to_reach: to_reach.into(),
            measured: measured.into(),
            reached,
        }
    }
}

/// All criteria that the measured sizes can tell about.
pub(super) fn judge(sizes: &[SizeReport]) -> Vec<Criterion> {
    let mut criteria = Vec::new();
    for size in sizes {
        criteria.extend(stands_still(size));
    }
    for size in sizes {
        criteria.extend(stands_still_against_guppy(size));
    }
    for size in sizes
        .iter()
        .filter(|size| size.nominal.objects() >= MILLION)
    {
        criteria.extend(heap_against_guppy(size));
    }
    for size in sizes {
        criteria.extend(paths_against_guppy(size));
    }
    for size in sizes.iter().filter(|size| is_large(size)) {
        criteria.extend(peak_memory(size));
        criteria.extend(snapshot(size));
    }
    for size in sizes {
        criteria.extend(growth(size));
    }
    criteria
}

/// What is to be reached by asking a million extension objects, whose phase took so long.
pub(super) fn native_traversal(objects: Size, phase: f64) -> Criterion {
    Criterion {
        what: "native traversal of extension objects",
        objects: objects.to_string(),
        to_reach: "< 1 s".to_owned(),
        measured: seconds(phase),
        reached: phase < 1.0,
    }
}

/// Asking happens in the clone: the target must not stand still for longer than without.
pub(super) fn native_pause(objects: Size, with: f64, without: f64) -> Criterion {
    let limit = 1.2 * without + 0.003;
    Criterion {
        what: "target stands still, extension objects",
        objects: objects.to_string(),
        to_reach: format!(
            "≤ 1.2 × with `--no-native` ({}) + 3 ms = {}",
            seconds(without),
            seconds(limit)
        ),
        measured: seconds(with),
        reached: with <= limit,
    }
}

/// What a look of `watch` may add to a request.
pub(super) fn watched_ticks(objects: Size, added: f64, longest: f64, fork: f64) -> Criterion {
    let limit = fork + 0.003;
    Criterion {
        what: "`watch`: added by a look to 99 of 100 requests, and its pause",
        objects: objects.to_string(),
        to_reach: format!(
            "≤ `os.fork()` ({}) + 3 ms = {}",
            seconds(fork),
            seconds(limit)
        ),
        measured: format!(
            "{}; the slowest request took {}",
            seconds(added),
            seconds(longest)
        ),
        reached: added <= limit,
    }
}

/// Between the looks of `watch` a service is as fast as without it, up to what the two
/// measurements differ by.
pub(super) fn watched_outside(objects: Size, watched: f64, alone: f64) -> Criterion {
    let limit = 1.2 * alone + 0.0005;
    Criterion {
        what: "`watch`: 99th percentile of requests between looks",
        objects: objects.to_string(),
        to_reach: format!(
            "≤ 1.2 × without ({}) + 0.5 ms = {}",
            seconds(alone),
            seconds(limit)
        ),
        measured: seconds(watched),
        reached: watched <= limit,
    }
}

const MILLION: u64 = 1_000_000;

/// Whether fixed costs are too small to matter.
fn is_large(size: &SizeReport) -> bool {
    size.nominal.objects() >= 5 * MILLION
}

fn stands_still(size: &SizeReport) -> Option<Criterion> {
    let fork = size.row(What::Fork)?.wall.median;
    let still = longest_still(size)?;
    let limit = 1.2 * fork + 0.003;
    Some(Criterion {
        what: "target stands still",
        objects: size.nominal.to_string(),
        to_reach: format!(
            "≤ 1.2 × `os.fork()` ({}) + 3 ms = {}",
            seconds(fork),
            seconds(limit)
        ),
        measured: seconds(still),
        reached: still <= limit,
    })
}

fn stands_still_against_guppy(size: &SizeReport) -> Option<Criterion> {
    if !is_large(size) {
        return None;
    }
    let still = |what| Some(size.row(what)?.frozen?.median);
    let guppy = still(What::GuppyHeap)? + still(What::GuppyTable)?;
    let still = longest_still(size)?;
    Some(Criterion {
        what: "target stands still, against guppy3",
        objects: size.nominal.to_string(),
        to_reach: format!(
            "< 1/300 of guppy3's `heap()` + print ({}) = {}",
            seconds(guppy),
            seconds(guppy / 300.0)
        ),
        measured: format!("{}, 1/{:.0}", seconds(still), guppy / still),
        reached: still < guppy / 300.0,
    })
}

fn heap_against_guppy(size: &SizeReport) -> Option<Criterion> {
    let guppy = wall(size, What::GuppyHeap)? + wall(size, What::GuppyTable)?;
    let heap = wall(size, What::Heap)?;
    Some(fraction(
        ("`exuvia heap PID`, wall", "`heap()` + print"),
        size,
        heap,
        (guppy, 5.0),
    ))
}

fn paths_against_guppy(size: &SizeReport) -> Option<Criterion> {
    let guppy = wall(size, What::GuppyHeap)? + wall(size, What::GuppyPaths)?;
    let paths = wall(size, What::Paths)?;
    let what = "`exuvia paths` of a rare object, wall, from a PID";
    Some(fraction(
        (what, "`heap()` + `shpaths`"),
        size,
        paths,
        (guppy, 2.0),
    ))
}

fn fraction(
    (what, of): (&'static str, &str),
    size: &SizeReport,
    time: f64,
    (guppy, parts): (f64, f64),
) -> Criterion {
    let limit = guppy / parts;
    Criterion {
        what,
        objects: size.nominal.to_string(),
        to_reach: format!(
            "≤ 1/{parts} of guppy3's {of} ({}) = {}",
            seconds(guppy),
            seconds(limit)
        ),
        measured: format!("{}, 1/{:.1}", seconds(time), guppy / time),
        reached: time <= limit,
    }
}

fn peak_memory(size: &SizeReport) -> Option<Criterion> {
    let peaks = commands(size).filter_map(|row| row.peak);
    let peak = peaks.map(|peak| peak.median).max_by(f64::total_cmp)?;
    let per_object = peak / size.objects as f64;
    Some(Criterion {
        what: "peak memory of the tool",
        objects: size.nominal.to_string(),
        to_reach: "≤ 120 bytes per object".to_owned(),
        measured: format!("{per_object:.0}"),
        reached: per_object <= 120.0,
    })
}

fn snapshot(size: &SizeReport) -> Option<Criterion> {
    let per_object = size.row(What::Dump)?.disk?.median;
    Some(Criterion {
        what: "snapshot with `--values none`",
        objects: size.nominal.to_string(),
        to_reach: "≤ 20 bytes per object".to_owned(),
        measured: format!("{per_object:.1}"),
        reached: per_object <= 20.0,
    })
}

fn growth(size: &SizeReport) -> Option<Criterion> {
    let mut grown = commands(size).filter_map(|row| row.growth);
    let first = grown.next()?;
    let worst = grown.fold(first, |worst, next| match worst.is_none() {
        true => next,
        false => worst,
    });
    Some(Criterion {
        what: "growth of the target",
        objects: size.nominal.to_string(),
        to_reach: "none of its own".to_owned(),
        measured: worst.to_string(),
        reached: worst.is_none(),
    })
}

/// The longest that one of the commands lets the target stand still.
fn longest_still(size: &SizeReport) -> Option<f64> {
    let frozen = commands(size).filter_map(|row| row.frozen);
    frozen.map(|figure| figure.median).max_by(f64::total_cmp)
}

fn commands(size: &SizeReport) -> impl Iterator<Item = &Row> {
    COMMANDS.into_iter().filter_map(|what| size.row(what))
}

fn wall(size: &SizeReport, what: What) -> Option<f64> {
    Some(size.row(what)?.wall.median)
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.reached {
            "reached"
        } else {
            "**not reached**"
        };
        write!(
            f,
            "| {} | {} | {} | {} | {verdict} |",
            self.what, self.objects, self.to_reach, self.measured
        )
    }
}
