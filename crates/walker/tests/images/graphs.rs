//! Random graphs of containers: what is walked is what was built.

use std::collections::BTreeMap;

use exuvia_memory::RemoteAddress;
use exuvia_synth::{Heap, Instance, Python, offset};

use crate::flips::Random;
use crate::walked::walk_sound;

type Built = BTreeMap<RemoteAddress, Vec<(String, RemoteAddress)>>;

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// Objects that refer to earlier ones at random; then some items of lists are changed to any
/// object, so that there are cycles.
fn build(heap: &mut Heap, random: &mut Random) -> Built {
    let names = NAMES.map(|name| heap.text(name));
    let class = heap.class("Node", &NAMES);
    let mut nodes = vec![heap.none];
    let mut lists = Vec::new();
    let mut built = Built::new();
    for _ in 0..random.below(200) {
        let count = random.below(NAMES.len() + 1);
        let targets: Vec<_> = (0..count)
            .map(|_| nodes[random.below(nodes.len())])
            .collect();
        let indexed = (0..)
            .zip(&targets)
            .map(|(i, &target)| (format!("[{i}]"), target));
        let (node, steps) = match random.below(5) {
            0 => (heap.tuple(&targets), indexed.collect()),
            1 => (heap.deque(&targets, 60), indexed.collect()),
            2 => {
                let entries: Vec<_> = names.into_iter().zip(targets).collect();
                (heap.dict(&entries), dict_steps(&entries))
            }
            3 => {
                let attributes = NAMES.iter().zip(&targets);
                let mut steps: Vec<_> = attributes
                    .map(|(name, &target)| (format!(".{name}"), target))
                    .collect();
                steps.push(("->ob_type".to_owned(), class.address));
                (heap.instance(&class, Instance::Values(&targets)), steps)
            }
            _ => {
                let list = heap.list(&targets);
                lists.push((list, count));
                (list, indexed.collect())
            }
        };
        nodes.push(node);
        built.insert(node, steps);
    }
    for (list, count) in lists.into_iter().filter(|&(_, count)| count != 0) {
        let (place, target) = (random.below(count), nodes[random.below(nodes.len())]);
        let items = heap.image.pointer(list.offset(offset::LIST_ITEMS));
        heap.image
            .put_pointer(items.offset(8 * place as u64), target);
        if let Some(steps) = built.get_mut(&list) {
            steps[place].1 = target;
        }
    }
    built
}

fn dict_steps(entries: &[(RemoteAddress, RemoteAddress)]) -> Vec<(String, RemoteAddress)> {
    let entries = (0..).zip(NAMES).zip(entries);
    entries
        .flat_map(|((i, name), &(key, value))| {
            [(format!(".keys()[{i}]"), key), (format!("[{name}]"), value)]
        })
        .collect()
}

#[test]
fn walked_references_are_those_that_were_built() {
    for python in Python::FROM_3_11 {
        for seed in 0..40 {
            let mut heap = Heap::new(python);
            let built = build(&mut heap, &mut Random::new(seed));
            let walked = walk_sound(heap, python);
            for (node, steps) in built {
                assert_eq!(walked.owned(node), steps, "{python:?}, seed {seed}, {node}");
            }
        }
    }
}
