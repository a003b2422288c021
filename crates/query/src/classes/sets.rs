use super::Classes;
use rustc_hash::FxHashMap;

/// Numbers sets of numbers, so that equal sets get the same number.
#[derive(Default)]
pub(super) struct Sets {
    numbers: FxHashMap<Box<[u32]>, u32>,
    /// The set that is being collected, and for each number whether it is in it: the turn in
    /// which it was last added.
    current: Vec<u32>,
    added: Vec<u32>,
    turn: u32,
    /// By number of a set.
    members: Vec<Box<[u32]>>,
}

impl Sets {
    /// Begins another set.
    pub(super) fn begin(&mut self) {
        self.current.clear();
        self.turn += 1;
    }

    /// Adds a number to the set.
    pub(super) fn add(&mut self, number: u32) {
        let index = number as usize;
        if self.added.len() <= index {
            self.added.resize(index + 1, 0);
        }
        if self.added[index] != self.turn {
            self.added[index] = self.turn;
            self.current.push(number);
        }
    }

    /// Whether nothing was added to the set yet.
    pub(super) fn is_empty(&self) -> bool {
        self.current.is_empty()
    }

    /// The number of the set.
    pub(super) fn finish(&mut self) -> u32 {
        self.current.sort_unstable();
        if let Some(&number) = self.numbers.get(self.current.as_slice()) {
            return number;
        }
        let number = self.members.len() as u32;
        let members: Box<[u32]> = self.current.as_slice().into();
        self.members.push(members.clone());
        self.numbers.insert(members, number);
        number
    }

    /// The classes of objects of which the sets are known, in heapy's way: the names of the
    /// members in alphabetical order.
    pub(super) fn classes(self, of: Vec<u32>, name: impl Fn(u32) -> String) -> Classes {
        let names = self.members.iter().map(|members| {
            let mut names: Vec<String> = members.iter().map(|&member| name(member)).collect();
            names.sort_unstable();
            names.join(", ")
        });
        Classes {
            of,
            names: names.collect(),
        }
    }
}
