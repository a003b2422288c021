use super::evidence::Evidence;
use super::samples::Samples;
use super::table::{self, Getter};
use crate::native::{GetterCall, GetterOutcome, NativeTraverse};
use crate::reader::Reader;
use crate::walk::Progress;
use exuvia_memory::Memory;
use exuvia_snapshot::{NameId, ObjectId, Snapshot};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many calls of a getter may fail before it is not asked again, and how many of a type. To
/// raise an exception, such as for what is not there, is a crash in a thread without the
/// interpreter's lock, so that some failures are normal.
const MAX_FAILURES_OF_GETTER: u32 = 2;
const MAX_FAILURES_OF_TYPE: u32 = 8;
/// How many getters may not return in a reasonable time before no other is asked, of any type.
const MAX_HANGS: u32 = 16;
/// How long getters are asked for in all: they may compute something instead of returning what
/// is there.
const MAX_TIME: Duration = Duration::from_secs(10);
/// How many calls are made at once.
const BATCH: usize = 1 << 8;

/// Getters, while they are asked.
pub(super) struct Asking {
    /// Of each table of the samples.
    tables: Vec<Table>,
    /// In the order in which they are made.
    calls: Vec<Planned>,
}

#[derive(Default)]
struct Table {
    getters: Vec<Asked>,
    failures: u32,
}

struct Asked {
    getter: Getter,
    failures: u32,
    evidence: Evidence,
}

/// A getter that is to be called for a sample.
#[derive(Clone, Copy)]
struct Planned {
    table: usize,
    getter: usize,
    sample: usize,
}

impl Asking {
    /// Reads what is to be asked.
    pub(super) fn plan<M: Memory>(reader: &mut Reader<'_, M>, samples: &Samples) -> Self {
        let mut asking = Self {
            tables: Vec::with_capacity(samples.tables.len()),
            calls: Vec::new(),
        };
        for one in &samples.tables {
            let mut table = Table::default();
            if !one.samples.is_empty() {
                let getters = table::read(reader, one.address).into_iter();
                table.getters.extend(getters.map(|getter| Asked {
                    getter,
                    failures: 0,
                    evidence: Evidence::default(),
                }));
            }
            // A getter of a field that is not set raises an exception. The objects with the most
            // fields come first, so that it is not given up before it could answer.
            let mut order: Vec<_> = (0..one.samples.len()).collect();
            order.sort_by_key(|&sample| Reverse(one.samples[sample].fields.len()));
            for getter in 0..table.getters.len() {
                let each = order.iter().map(|&sample| Planned {
                    table: asking.tables.len(),
                    getter,
                    sample,
                });
                asking.calls.extend(each);
            }
            asking.tables.push(table);
        }
        asking
    }

    /// How many calls there are to make.
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Makes the calls, as far as they can be made.
    pub(super) fn run(
        &mut self,
        code: &mut dyn NativeTraverse,
        samples: &Samples,
        snapshot: &Snapshot,
        progress: &dyn Progress,
    ) {
        let begun = Instant::now();
        let mut rest = VecDeque::from(std::mem::take(&mut self.calls));
        let mut hangs = 0;
        while hangs < MAX_HANGS && begun.elapsed() < MAX_TIME && !progress.cancelled() {
            let batch = self.take_batch(&mut rest);
            if batch.is_empty() {
                return;
            }
            let requests: Vec<_> = batch
                .iter()
                .map(|&call| self.request(call, samples))
                .collect();
            let mut answers = Vec::with_capacity(batch.len());
            let time = MAX_TIME.saturating_sub(begun.elapsed());
            let Ok(outcome) = code.get(&requests, time, &mut answers) else {
                return;
            };
            answers.truncate(batch.len());
            for (&call, &answer) in batch.iter().zip(&answers) {
                let known = snapshot.objects.at(answer.get());
                self.keep(call, known, samples);
            }
            let mut done = answers.len();
            progress.advance(done as u64);
            if outcome == GetterOutcome::OutOfTime {
                return;
            }
            if let Some(&call) = batch.get(done)
                && outcome != GetterOutcome::Returned
            {
                hangs += u32::from(outcome == GetterOutcome::Hung);
                self.keep(call, None, samples);
                self.fail(call, outcome);
                done += 1;
            }
            if done == 0 {
                return;
            }
            for &call in batch[done..].iter().rev() {
                rest.push_front(call);
            }
        }
    }

    /// The next calls, without what has been given up.
    fn take_batch(&self, rest: &mut VecDeque<Planned>) -> Vec<Planned> {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH
            && let Some(call) = rest.pop_front()
        {
            if !self.is_given_up(call) {
                batch.push(call);
            }
        }
        batch
    }

    fn is_given_up(&self, call: Planned) -> bool {
        let table = &self.tables[call.table];
        table.failures >= MAX_FAILURES_OF_TYPE
            || table.getters[call.getter].failures >= MAX_FAILURES_OF_GETTER
    }

    fn request(&self, call: Planned, samples: &Samples) -> GetterCall {
        let getter = &self.tables[call.table].getters[call.getter].getter;
        GetterCall {
            object: samples.tables[call.table].samples[call.sample].object,
            get: getter.get,
            closure: getter.closure,
        }
    }

    /// Keeps what a getter has returned. One that returns nothing, or fails, does not return
    /// what a word leads to.
    fn keep(&mut self, call: Planned, answer: Option<ObjectId>, samples: &Samples) {
        let sample = &samples.tables[call.table].samples[call.sample];
        let getter = &mut self.tables[call.table].getters[call.getter];
        getter.evidence.add(sample, answer);
    }

    fn fail(&mut self, call: Planned, outcome: GetterOutcome) {
        let table = &mut self.tables[call.table];
        table.getters[call.getter].failures += 1;
        table.failures = match outcome {
            GetterOutcome::Hung => MAX_FAILURES_OF_TYPE,
            _ => table.failures + 1,
        };
    }

    /// The names of words, of each table. Of two getters for the same word the first counts.
    pub(super) fn names<M>(&self, reader: &Reader<'_, M>) -> Vec<FxHashMap<u16, NameId>>
    where
        M: Memory,
    {
        let names = |table: &Table| {
            let mut names = FxHashMap::default();
            for one in &table.getters {
                if let Some(word) = one.evidence.word() {
                    let name = || reader.intern(&one.getter.name);
                    names.entry(word).or_insert_with(name);
                }
            }
            names
        };
        self.tables.iter().map(names).collect()
    }
}
