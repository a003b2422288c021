use crate::{Extent, Partition, PartitionRow};
use serde::Serialize;
use std::collections::HashMap;

/// What is different between two tables: heapy's `new.stat - old.stat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The title of the column with the names.
    pub header: String,
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
            rows.push(change(&row.name, Sums::of(&row), was));
        }
        for row in merged(&old.rows) {
            if before.contains_key(row.name.as_str()) {
                rows.push(change(&row.name, Sums::default(), Sums::of(&row)));
            }
        }
        rows.retain(|row| row.count != 0 || row.size != 0);
        // Where it is not told what rows retain, by their sizes.
        rows.sort_by_key(|row| std::cmp::Reverse(row.retained.unwrap_or(row.size).unsigned_abs()));
        Self {
            header: new.header.clone(),
            new: extent(new),
            old: extent(old),
            rows,
        }
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

/// What rows of one name come to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: u64,
    size: u64,
    retained: Option<u64>,
}

impl Sums {
    fn of(row: &PartitionRow) -> Self {
        Self {
            count: row.count,
            size: row.size,
            retained: row.retained,
        }
    }

    fn add(&mut self, row: &PartitionRow) {
        self.count += row.count;
        self.size = self.size.saturating_add(row.size);
        self.retained = row
            .retained
            .map(|retained| retained.saturating_add(self.retained.unwrap_or(0)));
    }
}

fn change(name: &str, is: Sums, was: Sums) -> DifferenceRow {
    let retained = is.retained.or(was.retained).map(|_| {
        let [is, was] = [is, was].map(|side| side.retained.unwrap_or(0));
        less(is, was)
    });
    DifferenceRow {
        name: name.to_owned(),
        count: less(is.count, was.count),
        size: less(is.size, was.size),
        retained,
    }
}

/// A difference; no heap is so large that it would not fit.
fn less(is: u64, was: u64) -> i64 {
    i64::try_from(i128::from(is) - i128::from(was)).unwrap_or(i64::MAX)
}

fn by_name(rows: &[PartitionRow]) -> HashMap<&str, Sums> {
    let mut by_name: HashMap<&str, Sums> = HashMap::new();
    for row in rows {
        by_name.entry(row.name.as_str()).or_default().add(row);
    }
    by_name
}

/// The rows with those of one name joined, each where the first of them stands.
fn merged(rows: &[PartitionRow]) -> Vec<PartitionRow> {
    let mut sums = by_name(rows);
    rows.iter()
        .filter_map(|row| {
            let sum = sums.remove(row.name.as_str())?;
            Some(PartitionRow {
                name: row.name.clone(),
                count: sum.count,
                size: sum.size,
                retained: sum.retained,
            })
        })
        .collect()
}

/// What grew from a first table to a second one, and again to a third.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrownTwice {
    /// The title of the column with the names.
    pub header: String,
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
        let of = |side: &HashMap<&str, Sums>, name: &str| {
            let sums = side.get(name).copied().unwrap_or_default();
            Extent {
                objects: sums.count,
                bytes: sums.size,
            }
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
            header: third.header.clone(),
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
