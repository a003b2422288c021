use super::StackFrame;
use crate::Heap;
use exuvia_graph::BitSet;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many addresses of a group are listed.
const LISTED: usize = 100;

/// Generators or coroutines that wait at the same line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuspendedGroup {
    /// `generator`, `coroutine`, `async_generator`.
    pub kind: String,
    /// Where they are; the variables are those of the first.
    pub frame: StackFrame,
    /// How many there are.
    pub count: u64,
    /// Where the first of them lie.
    pub addresses: Vec<u64>,
}

/// The generators and coroutines that wait, less some, by where they are.
pub(super) fn groups(heap: &Heap, without: &BitSet, locals: bool) -> Vec<SuspendedGroup> {
    let snapshot = heap.snapshot();
    let mut groups = BTreeMap::new();
    for frame in &snapshot.suspended {
        if without.contains(frame.object) {
            continue;
        }
        let kind = &snapshot.kind(frame.object).name;
        let place = (kind, &frame.file, frame.line, &frame.function);
        let group = groups.entry(place).or_insert_with(|| SuspendedGroup {
            kind: kind.clone(),
            frame: StackFrame::suspended(heap, frame, locals),
            count: 0,
            addresses: Vec::new(),
        });
        group.count += 1;
        if group.addresses.len() < LISTED {
            group
                .addresses
                .push(snapshot.objects.address[frame.object.index()]);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    // Those of one size stay in the order of their places.
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}
