use super::endurance::{Endurance, Trial};
use super::latency::{Latency, Measured, Stop};
use super::spread::Spread;
use crate::bench::criteria::Criterion;
use crate::bench::figures::seconds;
use serde::Serialize;
use std::fmt;

/// What code in running processes costs, in each interpreter.
#[derive(Debug, Default, Serialize)]
pub(in crate::bench) struct InjectReport {
    pub(super) latencies: Vec<Latency>,
    pub(super) endurances: Vec<Endurance>,
}

impl InjectReport {
    /// What was to be reached, by the slowest of all interpreters.
    pub(in crate::bench) fn criteria(&self) -> Vec<Criterion> {
        let mut criteria = Vec::new();
        if !self.latencies.is_empty() {
            criteria.extend(self.times());
        }
        if !self.endurances.is_empty() {
            criteria.extend(Trial::ALL.map(|trial| self.endured(trial)));
        }
        criteria
    }

    fn times(&self) -> Vec<Criterion> {
        let what = "stands still for an `exec --clone`";
        vec![
            self.at_most("attach to prompt, busy process", 0.1, |one| {
                &one.busy.prompt
            }),
            self.at_most("attach to prompt, blocked in C", 0.3, |one| {
                &one.blocked.prompt
            }),
            self.at_most("attach to prompt of a clone, busy process", 0.1, |one| {
                &one.busy.prompt_in_clone
            }),
            self.at_most("attach to prompt of a clone, blocked in C", 0.3, |one| {
                &one.blocked.prompt_in_clone
            }),
            self.at_most("`1+1` in a session, busy process", 0.005, |one| {
                &one.busy.round_trip
            }),
            self.at_most("`1+1` in a session, blocked in C", 0.005, |one| {
                &one.blocked.round_trip
            }),
            self.stands_still("stands still for an `exec`", false, |one| &one.stop),
            self.stands_still(what, true, |one| &one.stop_for_clone),
        ]
    }

    fn at_most(
        &self,
        what: &'static str,
        limit: f64,
        of: fn(&Latency) -> &Result<Spread, String>,
    ) -> Criterion {
        let medians = self.latencies.iter().map(|one| {
            let median = of(one).as_ref().ok().map(|spread| spread.median);
            (one, median)
        });
        self.criterion(
            what,
            format!("≤ {}", seconds(limit)),
            medians,
            |_, median| median <= limit,
        )
    }

    fn stands_still(
        &self,
        what: &'static str,
        is_clone: bool,
        of: fn(&Measured) -> &Result<Stop, String>,
    ) -> Criterion {
        // Beyond the fork, where there is one.
        let beyond = |stop: &Stop| {
            let fork = if is_clone { stop.fork.median } else { 0.0 };
            stop.said.median - fork
        };
        let worst = self.latencies.iter().map(|one| {
            let stops = [of(&one.busy), of(&one.blocked)];
            let stops = stops.map(|stop| stop.as_ref().ok().map(beyond));
            let worst = match stops {
                [Some(one), Some(other)] => Some(one.max(other)),
                _ => None,
            };
            (one, worst)
        });
        let to_reach = match is_clone {
            true => "≤ `os.fork()` + 3.0 ms; measured: without `os.fork()`",
            false => "≤ 3.0 ms",
        };
        self.criterion(what, to_reach.to_owned(), worst, |_, time| time <= 0.003)
    }

    /// The slowest interpreter, and whether all are fast enough.
    fn criterion<'a>(
        &self,
        what: &'static str,
        to_reach: String,
        times: impl Iterator<Item = (&'a Latency, Option<f64>)>,
        is_enough: impl Fn(&Latency, f64) -> bool,
    ) -> Criterion {
        let mut slowest: Option<(&Latency, f64)> = None;
        let mut failed = Vec::new();
        let mut reached = true;
        for (one, time) in times {
            let Some(time) = time else {
                failed.push(short(&one.python));
                continue;
            };
            reached &= is_enough(one, time);
            if slowest.is_none_or(|(_, longest)| time > longest) {
                slowest = Some((one, time));
            }
        }
        let mut measured = match slowest {
            Some((one, time)) => format!("{} ({})", seconds(time), short(&one.python)),
            None => "nothing".to_owned(),
        };
        if !failed.is_empty() {
            measured += &format!("; failed: {}", failed.join(", "));
        }
        let reached = reached && failed.is_empty() && slowest.is_some();
        let all = interpreters(self.latencies.len());
        Criterion::of(what, all, to_reach, measured, reached)
    }

    fn endured(&self, trial: Trial) -> Criterion {
        let rows: Vec<&Endurance> = self
            .endurances
            .iter()
            .filter(|one| one.trial == trial)
            .collect();
        let right: usize = rows.iter().map(|one| one.right).sum();
        let wanted: usize = rows.iter().map(|one| one.wanted).sum();
        let answered: u64 = rows.iter().map(|one| one.answered).sum();
        let bad: Vec<&str> = rows
            .iter()
            .filter(|one| !one.is_reached())
            .map(|one| short(&one.python))
            .collect();
        let mut measured = format!("{right} of {wanted}; {answered} requests");
        if !bad.is_empty() {
            measured += &format!("; failed: {}", bad.join(", "));
        }
        Criterion::of(
            trial.what(),
            interpreters(rows.len()),
            "all results right, no failed request, nothing left",
            measured,
            bad.is_empty(),
        )
    }

    fn write_times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| Python | process | attach to prompt | with `--clone` | `1+1` | stood still | as seen inside \
             | `exec` in all | with `--clone`: stood still | as seen inside | `os.fork()` there | `exec` in all |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|---|")?;
        for one in &self.latencies {
            for (process, measured) in [("busy", &one.busy), ("blocked in C", &one.blocked)] {
                writeln!(f, "| {} | {process} | {measured} |", short(&one.python))?;
            }
        }
        writeln!(f, "\nMedians, and the longest in brackets.\n")
    }

    fn write_endurances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| Python | what | right | requests | slowest answer | said that it waits | resident | took | else |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|")?;
        for one in &self.endurances {
            writeln!(f, "{one}")?;
        }
        writeln!(f)
    }
}

impl fmt::Display for InjectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.latencies.is_empty() {
            self.write_times(f)?;
        }
        if !self.endurances.is_empty() {
            self.write_endurances(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prompts = [&self.prompt, &self.prompt_in_clone, &self.round_trip].map(cell);
        let stop = |stop: &Result<Stop, String>, of: fn(&Stop) -> Spread| {
            cell(&stop.as_ref().map(of).map_err(Clone::clone))
        };
        let (live, clone) = (&self.stop, &self.stop_for_clone);
        let stops = [
            stop(live, |stop| stop.said),
            stop(live, |stop| stop.seen),
            stop(live, |stop| stop.wall),
            stop(clone, |stop| stop.said),
            stop(clone, |stop| stop.seen),
            stop(clone, |stop| stop.fork),
            stop(clone, |stop| stop.wall),
        ];
        write!(f, "{} | {}", prompts.join(" | "), stops.join(" | "))
    }
}

impl fmt::Display for Endurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = match self.problems.len() {
            0 => "nothing".to_owned(),
            many => format!("**{many} problems**"),
        };
        let cells = [
            short(&self.python).to_owned(),
            self.trial.what().to_owned(),
            format!("{} of {}", self.right, self.wanted),
            self.answered.to_string(),
            seconds(self.slowest),
            self.waited.to_string(),
            format!("{:+.2} MB", self.growth as f64 / 1e6),
            seconds(self.time),
            problems,
        ];
        write!(f, "| {} |", cells.join(" | "))
    }
}

impl Trial {
    fn what(self) -> &'static str {
        match self {
            Self::Server => "`exec` into a server under load",
            Self::ManyThreads => "the same with 64 more threads",
            Self::HeldLock => "`exec` where C holds the lock for 2 s",
            Self::Copies => "clone shells of a server under load that wreck it",
        }
    }
}

fn interpreters(count: usize) -> String {
    match count {
        1 => "1 interpreter".to_owned(),
        many => format!("{many} interpreters"),
    }
}

fn cell(times: &Result<Spread, String>) -> String {
    match times {
        Ok(spread) => spread.to_string(),
        Err(_) => "**failed**".to_owned(),
    }
}

/// An interpreter's name without the path of its program.
fn short(python: &str) -> &str {
    let name = python.split(" (").next().unwrap_or(python);
    name.strip_prefix("cpython ").unwrap_or(name)
}
