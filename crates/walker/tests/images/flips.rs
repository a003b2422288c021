//! Random damage to an image in which everything occurs: the walk always ends with a
//! snapshot that does not contradict itself, or with an error.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::ValuesKept;
use exuvia_synth::{Process, Python, everything};
use exuvia_walker::WalkError;

use crate::walked::try_walk;

const ROUNDS: u64 = 1500;

/// Numbers that are the same in every run: xorshift.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed * 2 + 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn walk_damaged(python: Python, process: &Process, round: u64) -> bool {
    let values = [ValuesKept::None, ValuesKept::Short, ValuesKept::Full];
    let values = values[(round % 3) as usize];
    match try_walk(python, process, values) {
        Ok(walked) => !walked.snapshot.objects.is_empty(),
        Err(WalkError::Runtime(_) | WalkError::NoInterpreter) => false,
        Err(error) => panic!("{python:?}, round {round}: {error}"),
    }
}

#[test]
fn flipped_bytes() {
    for python in Python::ALL {
        let mut process = everything(python);
        let written = process.image.written().to_vec();
        let mut random = Random::new(11);
        let mut found = 0;
        for round in 0..ROUNDS {
            let flips: Vec<_> = (0..=random.below(3))
                .map(|_| {
                    let range = &written[random.below(written.len())];
                    let at = range.start + random.below((range.end - range.start) as usize) as u64;
                    (at, random.below(255) as u8 + 1)
                })
                .collect();
            for &(at, mask) in &flips {
                process.image.flip(at, mask);
            }
            found += u64::from(walk_damaged(python, &process, round));
            for &(at, mask) in &flips {
                process.image.flip(at, mask);
            }
        }
        // Most damage is local.
        assert!(found > ROUNDS * 9 / 10, "{python:?}: {found} of {ROUNDS}");
    }
}

#[test]
fn words_in_the_wrong_place() {
    for python in Python::ALL {
        let process = everything(python);
        let words: Vec<_> = process
            .image
            .written()
            .iter()
            .flat_map(|range| range.clone().step_by(8))
            .map(|at| RemoteAddress::new(at).without_bits(7))
            .collect();
        let mut image = process.clone();
        let mut random = Random::new(12);
        for round in 0..ROUNDS {
            let swaps: Vec<_> = (0..=random.below(2))
                .map(|_| {
                    let to = words[random.below(words.len())];
                    let from = words[random.below(words.len())];
                    let small = (random.below(7) as u64).wrapping_sub(3);
                    let value = match random.below(3) {
                        0 => from.get(),
                        1 => small,
                        _ => process.image.u64(from),
                    };
                    (to, value)
                })
                .collect();
            for &(to, value) in &swaps {
                image.image.overwrite_u64(to, value);
            }
            walk_damaged(python, &image, round);
            for &(to, _) in &swaps {
                image.image.overwrite_u64(to, process.image.u64(to));
            }
        }
    }
}
