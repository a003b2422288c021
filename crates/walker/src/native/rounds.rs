use super::referents::NativeReferents;
use super::{
    MAX_FAILED_TRAVERSALS, NativeCall, NativeLimits, NativeOutcome, NativeTraverse, NativeVisits,
};
use crate::marks::{Marked, Marks};
use crate::owners::Claim;
use crate::reader::Reader;
use crate::types::TypeInfo;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::Diagnostic;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How many calls are asked for at once.
const BATCH: usize = 1 << 15;
/// No objects have more referents than this in all.
const MAX_REFERENTS: usize = 1 << 28;
/// How many referents one object may have at least, and how many for each object that is known.
/// More are visits without end, and a word of this tool's memory each.
const REFERENTS: usize = 1 << 23;
const REFERENTS_PER_OBJECT: u64 = 4;
/// How long all calls may take: a hundred times as long as calls do, and a minute for bad ones.
const TIME: Duration = Duration::from_secs(60);
const TIME_PER_CALL: Duration = Duration::from_micros(100);
/// Types that a diagnostic names.
const NAMED: usize = 5;

/// The native traversal of a walk: what is known after some rounds of it.
pub(crate) struct Natives<'n> {
    /// None when calls can't be made, or no longer.
    traverse: Option<&'n mut dyn NativeTraverse>,
    unavailable: Option<String>,
    referents: NativeReferents,
    /// By the address of the type.
    failures: FxHashMap<RemoteAddress, Failures>,
    /// How many objects there are, as far as is known.
    pub(crate) known_objects: u64,
    /// For how long calls were made so far, and how many.
    spent: Duration,
    made: u32,
}

/// What failed of one type.
struct Failures {
    type_name: String,
    /// Why the first did.
    reason: String,
    /// How many calls did.
    calls: u64,
    /// How many objects were not traversed, those after the last call included.
    objects: u64,
}

/// What is known when all rounds are over.
pub(crate) struct Asked<'n> {
    pub(crate) referents: NativeReferents,
    /// None when calls can't be made, or no longer.
    pub(crate) code: Option<&'n mut dyn NativeTraverse>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// What a round found.
#[derive(Default)]
pub(crate) struct Round {
    /// Objects that were not known before.
    pub(crate) found: Vec<RemoteAddress>,
    /// Objects that were not traversed after all.
    pub(crate) failed: Vec<RemoteAddress>,
}

impl<'n> Natives<'n> {
    pub(crate) fn new(traverse: Option<&'n mut dyn NativeTraverse>) -> Self {
        Self {
            traverse,
            unavailable: None,
            referents: NativeReferents::default(),
            failures: FxHashMap::default(),
            known_objects: 0,
            spent: Duration::ZERO,
            made: 0,
        }
    }

    /// Traverses objects, and marks what they visit.
    pub(crate) fn round<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        mut objects: Vec<RemoteAddress>,
        claim: Claim<'_>,
        tick: &dyn Fn(u64) -> bool,
    ) -> Round {
        objects.sort_unstable();
        objects.dedup();
        let mut round = Round::default();
        let mut rest = objects.as_slice();
        while !rest.is_empty() && tick(0) {
            let batch = self.batch(reader, &mut rest, &mut round);
            let mut calls = batch.as_slice();
            while !calls.is_empty() {
                let done = self.run(reader, calls, claim, &mut round);
                tick(done as u64);
                calls = &calls[done..];
            }
        }
        round
    }

    /// The next calls to make.
    fn batch<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        rest: &mut &[RemoteAddress],
        round: &mut Round,
    ) -> Vec<(NativeCall, Rc<TypeInfo>)> {
        let mut calls = Vec::with_capacity(rest.len().min(BATCH));
        while let Some((&object, others)) = rest.split_first()
            && calls.len() < BATCH
        {
            *rest = others;
            let Some(info) = reader.type_of(object) else {
                continue;
            };
            let Some(native) = super::of(reader, object, &info) else {
                continue;
            };
            if self.is_given_up(&info) {
                self.give_up(&info, object, round);
                continue;
            }
            let call = NativeCall {
                object,
                traverse: native.traverse,
                is_gc: native.is_gc,
            };
            calls.push((call, info));
        }
        calls
    }

    /// Makes the first of some calls, and returns how many.
    fn run<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        batch: &[(NativeCall, Rc<TypeInfo>)],
        claim: Claim<'_>,
        round: &mut Round,
    ) -> usize {
        // Up to the first whose type was given up meanwhile.
        let wanted = batch.iter().take_while(|(_, info)| !self.is_given_up(info));
        let calls: Vec<_> = wanted.map(|&(call, _)| call).collect();
        if calls.is_empty() {
            let (call, info) = &batch[0];
            self.give_up(info, call.object, round);
            return 1;
        }
        let limits = self.limits(reader, calls.len());
        let mut visits = NativeVisits::default();
        let begun = Instant::now();
        let outcome = match &mut self.traverse {
            Some(traverse) if limits.total_visits > 0 => traverse
                .traverse(&calls, &limits, &mut visits)
                .map_err(|unavailable| unavailable.0),
            Some(_) => Err("they visit more than there is in memory".to_owned()),
            None => Err(String::new()),
        };
        self.spent += begun.elapsed();
        let done = self.keep(reader, batch, &visits, claim, round);
        self.made = self.made.saturating_add(done as u32);
        match outcome {
            Ok(NativeOutcome::Returned) if done > 0 => done,
            Ok(NativeOutcome::Failed(reason)) if done < calls.len() => {
                let (call, info) = &batch[done];
                self.fail(info, call.object, reason, round);
                done + 1
            }
            Ok(NativeOutcome::OutOfTime) => {
                let seconds = self.spent.as_secs();
                let reason = format!("they had taken {seconds} s when that was given up");
                self.stop(reason, batch, done, round)
            }
            Ok(_) => self.stop("they can't be called".to_owned(), batch, done, round),
            Err(reason) => self.stop(reason, batch, done, round),
        }
    }

    /// How much so many calls may take.
    fn limits<M: Memory>(&self, reader: &Reader<'_, M>, calls: usize) -> NativeLimits {
        let room = (reader.memory_bytes / 8) as usize;
        let total_visits = room.saturating_sub(self.referents.len()).min(MAX_REFERENTS);
        let known = self.known_objects.saturating_mul(REFERENTS_PER_OBJECT);
        let calls = self.made.saturating_add(calls as u32);
        let time = TIME + TIME_PER_CALL.saturating_mul(calls);
        NativeLimits {
            call_visits: REFERENTS.max(known as usize).min(total_visits),
            total_visits,
            time: time.saturating_sub(self.spent),
        }
    }

    /// Keeps what calls visited, unless that is nonsense. Returns how many calls there were.
    fn keep<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        batch: &[(NativeCall, Rc<TypeInfo>)],
        visits: &NativeVisits,
        claim: Claim<'_>,
        round: &mut Round,
    ) -> usize {
        let mut start = 0;
        for ((call, info), &end) in batch.iter().zip(&visits.ends) {
            let referents = visits.referents.get(start..end).unwrap_or_default();
            start = end;
            let nonsense = referents
                .iter()
                .any(|&one| !one.is_null() && !is_object(reader, claim.marks, one));
            if nonsense {
                let reason = "it visited what is no object".to_owned();
                self.fail(info, call.object, reason, round);
            } else if self.is_given_up(info) {
                self.give_up(info, call.object, round);
            } else {
                self.referents.push(call.object, referents);
                let is_new = |one: &&RemoteAddress| claim.mark(**one) == Marked::Now;
                let referents = referents.iter().filter(|one| !one.is_null());
                round.found.extend(referents.filter(is_new));
            }
        }
        visits.ends.len().min(batch.len())
    }

    /// No more calls from here on.
    fn stop(
        &mut self,
        reason: String,
        batch: &[(NativeCall, Rc<TypeInfo>)],
        done: usize,
        round: &mut Round,
    ) -> usize {
        self.traverse = None;
        self.unavailable.get_or_insert(reason);
        let objects = batch[done..].iter().map(|(call, _)| call.object);
        round.failed.extend(objects);
        batch.len()
    }

    fn is_given_up(&self, info: &TypeInfo) -> bool {
        let failures = self.failures.get(&info.address);
        failures.is_some_and(|failures| failures.calls >= MAX_FAILED_TRAVERSALS)
    }

    fn fail(&mut self, info: &TypeInfo, object: RemoteAddress, reason: String, round: &mut Round) {
        let failures = self.failures.entry(info.address);
        let failures = failures.or_insert_with(|| Failures {
            type_name: format!("{}.{}", info.module, info.name),
            reason,
            calls: 0,
            objects: 0,
        });
        failures.calls += 1;
        failures.objects += 1;
        round.failed.push(object);
    }

    fn give_up(&mut self, info: &TypeInfo, object: RemoteAddress, round: &mut Round) {
        if let Some(failures) = self.failures.get_mut(&info.address) {
            failures.objects += 1;
        }
        round.failed.push(object);
    }

    /// What was visited, who can be asked further, and what did not work.
    pub(crate) fn finish(mut self) -> Asked<'n> {
        self.referents.finish();
        let mut diagnostics = Vec::new();
        if let Some(reason) = self.unavailable {
            diagnostics.push(Diagnostic {
                code: "native-unavailable".to_owned(),
                message: format!(
                    "the tp_traverse of types that no table describes could not be called: {reason}"
                ),
                count: 1,
                examples: Vec::new(),
            });
        }
        diagnostics.extend(failed(self.failures.into_values().collect()));
        Asked {
            referents: self.referents,
            code: self.traverse,
            diagnostics,
        }
    }
}

/// The diagnostic of types whose own code failed, those with most objects first.
fn failed(mut types: Vec<Failures>) -> Option<Diagnostic> {
    types.sort_unstable_by(|a, b| (b.objects, &a.type_name).cmp(&(a.objects, &b.type_name)));
    let objects: u64 = types.iter().map(|one| one.objects).sum();
    let named = types.iter().take(NAMED);
    let examples: Vec<String> = named
        .map(|one| format!("{}: {}", one.type_name, one.reason))
        .collect();
    let more = if types.len() > NAMED {
        "; \u{2026}"
    } else {
        ""
    };
    (!types.is_empty()).then(|| Diagnostic {
        code: "native-failed".to_owned(),
        message: format!(
            "the tp_traverse of an extension type failed for {objects} objects, whose words were \
             scanned instead ({}{more})",
            examples.join("; ")
        ),
        count: objects,
        examples,
    })
}

/// Whether an object lies at an address, as far as can be told.
fn is_object<M: Memory>(reader: &mut Reader<'_, M>, marks: &Marks, address: RemoteAddress) -> bool {
    marks.is_plausible(address) && (marks.contains(address) || reader.looks_like_object(address))
}
