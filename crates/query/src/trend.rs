use serde::Serialize;

/// How a size changed over time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trend {
    /// Bytes per hour, by the estimator of Theil and Sen: the median of the slopes between all
    /// pairs of moments. Up to three of ten moments may be anything without changing it much.
    pub per_hour: f64,
    /// What that means.
    pub verdict: Tendency,
}

/// A trend in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tendency {
    /// Fewer than three moments.
    TooEarly,
    /// The same at all times, or up and down.
    NoGrowth,
    /// Larger and larger.
    GrowsSteadily,
    /// Larger, but in few jumps.
    GrowsInSteps,
    /// Smaller and smaller.
    Shrinks,
}

/// Moments that are looked at; of more, some are left out at even distances. Pairs of them are
/// compared, so that time goes with the square of it.
const MOMENTS: usize = 200;

/// Kendall's tau from which on a series is said to grow: of all pairs of moments, those that
/// grew less those that shrank, in parts of all. Noise has 0, a straight line 1; a sawtooth
/// that ends where it began stays below a half.
const GROWS: f64 = 0.5;

/// Jumps that make up this part of all growth, and are few, make steps.
const JUMPS: f64 = 0.8;

/// One of so many changes is few.
const FEW: usize = 4;

impl Trend {
    /// Of sizes at moments, which are seconds; the earliest first.
    pub fn of(series: &[(f64, u64)]) -> Self {
        let thinned: Vec<(f64, f64)> = series
            .iter()
            .step_by(series.len().div_ceil(MOMENTS).max(1))
            .map(|&(time, size)| (time, size as f64))
            .collect();
        let (slope, tau) = slope_and_tau(&thinned);
        let verdict = match series.len() {
            0..3 => Tendency::TooEarly,
            _ if tau <= -GROWS => Tendency::Shrinks,
            _ if tau < GROWS => in_one_step(&thinned),
            _ if is_in_steps(&thinned) => Tendency::GrowsInSteps,
            _ => Tendency::GrowsSteadily,
        };
        Self {
            per_hour: slope * 3600.0,
            verdict,
        }
    }
}

/// The median slope of all pairs, and Kendall's tau.
fn slope_and_tau(series: &[(f64, f64)]) -> (f64, f64) {
    let mut slopes = Vec::new();
    let mut tendency = 0.0;
    for (index, &(time, size)) in series.iter().enumerate() {
        for &(later, then) in &series[index + 1..] {
            if later > time {
                slopes.push((then - size) / (later - time));
                tendency += match then.total_cmp(&size) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Less => -1.0,
                    std::cmp::Ordering::Equal => 0.0,
                };
            }
        }
    }
    if slopes.is_empty() {
        return (0.0, 0.0);
    }
    let pairs = slopes.len() as f64;
    slopes.sort_by(f64::total_cmp);
    let middle = slopes.len() / 2;
    let median = match slopes.len() % 2 {
        0 => (slopes[middle - 1] + slopes[middle]) / 2.0,
        _ => slopes[middle],
    };
    (median, tendency / pairs)
}

/// Whether few of the changes make up most of the growth.
fn is_in_steps(series: &[(f64, f64)]) -> bool {
    let mut jumps = jumps(series);
    let all: f64 = jumps.iter().sum();
    jumps.sort_by(|a, b| b.total_cmp(a));
    let few = (series.len() - 1).div_ceil(FEW);
    let largest: f64 = jumps.iter().take(few).sum();
    // With few changes in all, one of them is a quarter or more of them anyway.
    all > 0.0 && largest >= JUMPS * all
}

/// What is neither growing nor shrinking may have jumped once, and stayed there: that leaves
/// most pairs equal.
fn in_one_step(series: &[(f64, f64)]) -> Tendency {
    let never_back = series.windows(2).all(|pair| pair[0].1 <= pair[1].1);
    match never_back && jumps(series).iter().sum::<f64>() > 0.0 {
        true => Tendency::GrowsInSteps,
        false => Tendency::NoGrowth,
    }
}

fn jumps(series: &[(f64, f64)]) -> Vec<f64> {
    let changes = series.windows(2).map(|pair| pair[1].1 - pair[0].1);
    changes.filter(|&change| change > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(sizes: &[u64]) -> Trend {
        let series: Vec<(f64, u64)> = sizes
            .iter()
            .enumerate()
            .map(|(minute, &size)| (60.0 * minute as f64, size))
            .collect();
        Trend::of(&series)
    }

    #[test]
    fn a_line_has_its_slope() {
        let line = trend(&[100, 110, 120, 130, 140]);
        assert_eq!(line.per_hour, 600.0);
        assert_eq!(line.verdict, Tendency::GrowsSteadily);
        assert_eq!(trend(&[50, 40, 30, 20]).verdict, Tendency::Shrinks);
        assert_eq!(trend(&[50, 40, 30, 20]).per_hour, -600.0);
    }

    #[test]
    fn outliers_do_not_change_the_slope() {
        let spiky = trend(&[100, 110, 9000, 130, 140, 150, 160, 0, 180, 190]);
        assert!((spiky.per_hour - 600.0).abs() < 60.0, "{spiky:?}");
    }

    #[test]
    fn up_and_down_is_no_growth() {
        let saw = trend(&[100, 120, 140, 160, 100, 120, 140, 160, 100, 120, 140, 160]);
        assert_eq!(saw.verdict, Tendency::NoGrowth);
        assert_eq!(trend(&[100, 100, 100]).verdict, Tendency::NoGrowth);
        assert_eq!(trend(&[100, 100, 100]).per_hour, 0.0);
        assert_eq!(
            trend(&[100, 90, 110, 95, 105, 100]).verdict,
            Tendency::NoGrowth
        );
    }

    #[test]
    fn jumps_are_steps() {
        let steps = [100, 100, 100, 100, 500, 500, 500, 500, 500, 900, 900, 900];
        assert_eq!(trend(&steps).verdict, Tendency::GrowsInSteps);
        let once = [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 500];
        assert_eq!(trend(&once).verdict, Tendency::GrowsInSteps);
        assert_eq!(trend(&[100, 200, 300]).verdict, Tendency::GrowsSteadily);
        assert_eq!(trend(&[100, 100, 300]).verdict, Tendency::GrowsInSteps);
    }

    #[test]
    fn two_moments_say_nothing() {
        assert_eq!(trend(&[]).verdict, Tendency::TooEarly);
        assert_eq!(trend(&[100, 200]).verdict, Tendency::TooEarly);
        assert_eq!(trend(&[100, 200]).per_hour, 6000.0);
    }

    #[test]
    fn many_moments_are_thinned() {
        let line: Vec<u64> = (0..100_000).map(|minute| 5 * minute).collect();
        let trend = trend(&line);
        assert_eq!(
            (trend.per_hour, trend.verdict),
            (300.0, Tendency::GrowsSteadily)
        );
    }
}
