use crate::{Extent, Partition, Trend};
use serde::Serialize;
use std::collections::BTreeMap;

/// How the classes of objects of a table changed, from one look at a process to the next.
///
/// Of each class only its changes are kept, so that hours of a process that hardly changes
/// cost hardly any memory.
#[derive(Debug, Clone, Default)]
pub struct History {
    times: Vec<f64>,
    totals: Vec<Extent>,
    classes: BTreeMap<String, Vec<(usize, Extent)>>,
}

/// A class of objects over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryRow {
    /// heapy's name of it.
    pub name: String,
    /// At the first look.
    pub first: Extent,
    /// At the last one.
    pub last: Extent,
    /// Where it goes.
    pub trend: Trend,
}

/// A class of objects that changed since the look before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// heapy's name of it.
    pub name: String,
    /// How many objects.
    pub count: u64,
    /// Their bytes.
    pub size: u64,
}

impl History {
    /// Adds a table, and the moment of it in seconds. Returns what changed since the one
    /// before; all of it, the first time.
    pub fn add(&mut self, time: f64, partition: &Partition) -> Vec<Change> {
        let tick = self.times.len();
        self.times.push(time);
        self.totals.push(Extent {
            objects: partition.count,
            bytes: partition.size,
        });
        let mut now: BTreeMap<&str, Extent> = BTreeMap::new();
        for row in &partition.rows {
            now.entry(row.name.as_str()).or_default().join(Extent {
                objects: row.count,
                bytes: row.size,
            });
        }
        let gone = self
            .classes
            .keys()
            .filter(|name| !now.contains_key(name.as_str()));
        let gone: Vec<String> = gone.cloned().collect();
        let gone = gone.iter().map(|name| (name.as_str(), Extent::default()));
        let mut changes = Vec::new();
        for (name, extent) in now.into_iter().chain(gone) {
            if self.at(name, tick) != extent {
                let series = self.classes.entry(name.to_owned()).or_default();
                series.push((tick, extent));
                changes.push(Change {
                    name: name.to_owned(),
                    count: extent.objects,
                    size: extent.bytes,
                });
            }
        }
        changes
    }

    /// How often it was looked.
    pub fn ticks(&self) -> usize {
        self.times.len()
    }

    /// All objects over time; none before the first look.
    pub fn total(&self) -> Option<HistoryRow> {
        let series = self.times.iter().zip(&self.totals);
        let series: Vec<(f64, u64)> = series.map(|(&time, total)| (time, total.bytes)).collect();
        Some(HistoryRow {
            name: "all objects".to_owned(),
            first: *self.totals.first()?,
            last: *self.totals.last()?,
            trend: Trend::of(&series),
        })
    }

    /// The classes that changed since the first look, those that grew most first; at most so
    /// many, and how many there are.
    pub fn rows(&self, most: usize) -> (Vec<HistoryRow>, usize) {
        let last = self.times.len().saturating_sub(1);
        let growth = |name: &str| {
            let (first, last) = (self.at(name, 0), self.at(name, last));
            i128::from(last.bytes) - i128::from(first.bytes)
        };
        let mut names: Vec<(i128, &String)> = self
            .classes
            .iter()
            .filter(|(_, series)| series.len() > 1 || series.iter().any(|&(tick, _)| tick > 0))
            .map(|(name, _)| (growth(name), name))
            .collect();
        names.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let changed = names.len();
        let rows = names.into_iter().take(most).map(|(_, name)| HistoryRow {
            name: name.clone(),
            first: self.at(name, 0),
            last: self.at(name, last),
            trend: Trend::of(&self.series(name)),
        });
        (rows.collect(), changed)
    }

    /// A class at a look.
    fn at(&self, name: &str, tick: usize) -> Extent {
        let Some(series) = self.classes.get(name) else {
            return Extent::default();
        };
        let after = series.partition_point(|&(changed, _)| changed <= tick);
        match after.checked_sub(1) {
            Some(index) => series[index].1,
            None => Extent::default(),
        }
    }

    /// The bytes of a class at each look.
    fn series(&self, name: &str) -> Vec<(f64, u64)> {
        let mut changes = self.classes.get(name).into_iter().flatten().peekable();
        let mut bytes = 0;
        let times = self.times.iter().enumerate();
        times
            .map(|(tick, &time)| {
                if let Some((_, extent)) = changes.next_if(|(changed, _)| *changed == tick) {
                    bytes = extent.bytes;
                }
                (time, bytes)
            })
            .collect()
    }
}
