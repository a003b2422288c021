//! Dominators and retained sizes of a generated heap, timed: `cargo xtask bench --only graph`
//! runs this for growing heaps, each in a process of its own, so that its peak memory counts.
//!
//! The heap has what makes real ones easy and hard: three references to each object; containers
//! with few and with very many items, a chain of objects that refer to the next one, references
//! back to the owner, which close cycles, and references to objects that everything shares.

use exuvia_graph::{BitSet, DominatorTree, Follow, Node, RetainedSizes};
use exuvia_snapshot::{ObjectId, Reference, References, ReferencesOverflow, Relation};
use std::process::ExitCode;
use std::time::Instant;

/// Objects that everything refers to, such as types and `None`. They are seeds.
const SHARED: u32 = 500;
/// Bytes of an object, as `sys.getsizeof` would say.
const SIZE: u64 = 64;

fn main() -> ExitCode {
    let objects = std::env::args().nth(1).and_then(|text| text.parse().ok());
    match objects.filter(|&objects| objects > SHARED) {
        Some(objects) => match measure(objects) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        None => {
            eprintln!("usage: dominators OBJECTS, more than {SHARED}");
            ExitCode::from(2)
        }
    }
}

/// Prints one line of JSON.
fn measure(objects: u32) -> Result<(), ReferencesOverflow> {
    let references = generate(objects)?;
    let mut seeds = BitSet::new(objects as usize);
    seeds.extend((0..=SHARED).map(ObjectId));

    let begun = Instant::now();
    let tree = DominatorTree::new(&references, &seeds, Follow::Strong);
    let dominators = begun.elapsed().as_secs_f64();
    let retained = RetainedSizes::new(&tree, |_| SIZE);
    let seconds = begun.elapsed().as_secs_f64();
    let total = retained.of(Node::ROOT);
    let largest = tree
        .children(Node::ROOT)
        .map(|node| retained.of(node))
        .max();
    println!(
        "{{\"objects\": {objects}, \"references\": {}, \"dominators\": {dominators:.4}, \
         \"seconds\": {seconds:.4}, \"reached\": {}, \"total\": {total}, \"largest\": {}, \
         \"peak\": {}}}",
        references.len(),
        tree.reached(),
        largest.unwrap_or(0),
        peak().unwrap_or(0),
    );
    Ok(())
}

/// A heap of so many objects, the same each time.
fn generate(objects: u32) -> Result<References, ReferencesOverflow> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut references = References::with_capacity(objects as usize, 3 * objects as usize);
    // Objects come in order of their creation, so that each object's first item is the next
    // one that nobody has yet: a tree, on which everything hangs.
    let mut unowned = SHARED + 1;
    for object in 0..objects {
        let items = match random.below(1000) {
            _ if object < SHARED => 0,
            // Whatever comes, the tree must go on.
            _ if unowned <= object + 1 => 3,
            0 => 1000,
            1..=19 => 20,
            20..=219 => 3,
            220..=419 => 1,
            _ => 0,
        };
        let items = items.min(objects - unowned);
        for index in 0..items {
            push(&mut references, unowned + index, index);
        }
        unowned += items;
        if object > SHARED {
            // Its type, and one of: something shared, something near, its neighbour, anything.
            push(&mut references, random.below(SHARED), 0);
            let other = match random.below(10) {
                0..=4 => random.below(SHARED),
                5..=7 => object.saturating_sub(random.below(2000)),
                8 => object.saturating_sub(1),
                _ => random.below(objects),
            };
            push(&mut references, other, 1);
        }
        references.finish_object()?;
    }
    Ok(references)
}

fn push(references: &mut References, target: u32, index: u32) {
    references.push(Reference {
        target: ObjectId(target),
        relation: Relation::Index(index),
        weak: false,
    });
}

/// Numbers that look random (xorshift64*, Vigna 2016): the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        ((bits * u64::from(end)) >> 32) as u32
    }
}

/// The most memory that this process has had, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
