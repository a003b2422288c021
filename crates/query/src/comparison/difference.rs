use crate::{Extent, Partition, PartitionRow};
use serde::Serialize;
use std::collections::HashMap;

/// What is different between two tables: heapy's `new.stat - old.stat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The title of the column with the names.
    pub header: &'static str,
    /// heapy's `A`: the newer table.
    pub new: Extent,
    /// heapy's `B`: the older table.
    pub old: Extent,
    /// The classes of objects that changed: the largest change of size first, whether up or
    /// down.
    pub rows: Vec<DifferenceRow>,
}

/// How a class of objects changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferenceRow {
    /// heapy's name of the class of objects.
    pub name: String,
    /// How many objects more there are; fewer, when it is negative.
    pub count: i64,
    /// How many bytes more they take.
    pub size: i64,
    /// How many bytes more would be freed if all objects of the class went, if that was asked.
    pub retained: Option<i64>,
}

impl Difference {
    /// Of tables that are divided in the same way.
    ///
    /// Rows of the same name count as one, as in heapy.
    pub fn between(old: &Partition, new: &Partition) -> Self {
        let mut before = by_name(&old.rows);
        let mut rows = Vec::new();
        // In heapy's order, which decides between changes of the same size: the rows of the
        // newer table as they come, then what is in the older one only.
        for row in merged(&new.rows) {
            let was = before.remove(row.name.as_str()).unwrap_or_default();
            rows.push(change(&row.name, (row.count, row.size), was));
        }
        for row in merged(&old.rows) {
            if before.contains_key(row.name.as_str()) {
                rows.push(change(&row.name, (0, 0), (row.count, row.size)));
            }
        }
        rows.retain(|row| row.count != 0 || row.size != 0);
        rows.sort_by_key(|row| std::cmp::Reverse(row.size.unsigned_abs()));
        Self {
            header: new.header,
            new: extent(new),
            old: extent(old),
            rows,
        }
    }

    /// Adds how what each class retains changed, and sorts by that. Each side is told by the
    /// names of the classes.
    pub fn add_retained(&mut self, old: &HashMap<String, u64>, new: &HashMap<String, u64>) {
        let of = |side: &HashMap<String, u64>, name: &str| side.get(name).copied().unwrap_or(0);
        for row in &mut self.rows {
            row.retained = Some(less(of(new, &row.name), of(old, &row.name)));
        }
        let changed = |row: &DifferenceRow| row.retained.unwrap_or(0).unsigned_abs();
        self.rows.sort_by_key(|row| std::cmp::Reverse(changed(row)));
    }

    /// How many objects more there are in all, and how many bytes more they take.
    pub fn total(&self) -> (i64, i64) {
        (
            less(self.new.objects, self.old.objects),
            less(self.new.bytes, self.old.bytes),
        )
    }
}

fn extent(partition: &Partition) -> Extent {
    Extent {
        objects: partition.count,
        bytes: partition.size,
    }
}

fn change(name: &str, is: (u64, u64), was: (u64, u64)) -> DifferenceRow {
    DifferenceRow {
        name: name.to_owned(),
        count: less(is.0, was.0),
        size: less(is.1, was.1),
        retained: None,
    }
}

/// A difference; no heap is so large that it would not fit.
fn less(is: u64, was: u64) -> i64 {
    i64::try_from(i128::from(is) - i128::from(was)).unwrap_or(i64::MAX)
}

fn by_name(rows: &[PartitionRow]) -> HashMap<&str, (u64, u64)> {
    let mut by_name: HashMap<&str, (u64, u64)> = HashMap::new();
    for row in rows {
        let sum = by_name.entry(row.name.as_str()).or_default();
        sum.0 += row.count;
        sum.1 = sum.1.saturating_add(row.size);
    }
    by_name
}

/// The rows with those of one name joined, each where the first of them stands.
fn merged(rows: &[PartitionRow]) -> Vec<PartitionRow> {
    let mut sums = by_name(rows);
    rows.iter()
        .filter_map(|row| {
            let (count, size) = sums.remove(row.name.as_str())?;
            Some(PartitionRow {
                name: row.name.clone(),
                count,
                size,
            })
        })
        .collect()
}

/// What grew from a first table to a second one, and again to a third.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrownTwice {
    /// The title of the column with the names.
    pub header: &'static str,
    /// The three tables in all, the oldest first.
    pub totals: [Extent; 3],
    /// The classes of objects that took more bytes each time: the largest growth first.
    pub rows: Vec<GrowthRow>,
}

/// A class of objects that grew twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrowthRow {
    /// heapy's name of the class of objects.
    pub name: String,
    /// Its objects in each of the three tables, the oldest first.
    pub extents: [Extent; 3],
    /// Of those that came between the first and the second, how many are in the third still.
    pub stayed: Option<u64>,
}

impl GrownTwice {
    /// From three tables that are divided in the same way, the oldest first.
    pub fn between([first, second, third]: [&Partition; 3]) -> Self {
        let [a, b] = [first, second].map(|partition| by_name(&partition.rows));
        let of = |side: &HashMap<&str, (u64, u64)>, name: &str| {
            let (objects, bytes) = side.get(name).copied().unwrap_or_default();
            Extent { objects, bytes }
        };
        let rows = merged(&third.rows).into_iter().filter_map(|row| {
            let last = Extent {
                objects: row.count,
                bytes: row.size,
            };
            let extents = [of(&a, &row.name), of(&b, &row.name), last];
            let grew = extents[0].bytes < extents[1].bytes && extents[1].bytes < extents[2].bytes;
            grew.then_some(GrowthRow {
                name: row.name,
                extents,
                stayed: None,
            })
        });
        let mut rows: Vec<GrowthRow> = rows.collect();
        let growth = |row: &GrowthRow| row.extents[2].bytes - row.extents[0].bytes;
        rows.sort_by_key(|row| std::cmp::Reverse(growth(row)));
        Self {
            header: third.header,
            totals: [first, second, third].map(extent),
            rows,
        }
    }

    /// Adds how many of the objects that came first stayed, by the names of the classes.
    pub fn add_stayed(&mut self, stayed: &HashMap<String, u64>) {
        for row in &mut self.rows {
            row.stayed = Some(stayed.get(&row.name).copied().unwrap_or(0));
        }
    }
}
