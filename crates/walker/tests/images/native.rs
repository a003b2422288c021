//! Types that are asked by their own `tp_traverse`: what the walk makes of the answers.

use crate::walked::{Walked, steps, walk_natively};
use exuvia_memory::RemoteAddress;
use exuvia_snapshot::ObjectFlags;
use exuvia_synth::{FrameSpec, Heap, Python, Variable};
use exuvia_walker::{
    GetterCall, GetterOutcome, NativeCall, NativeLimits, NativeOutcome, NativeTraverse,
    NativeUnavailable, NativeVisits,
};
use std::collections::BTreeMap;
use std::time::Duration;

const PYTHON: Python = Python::V3_12;
const TP_TRAVERSE: u64 = 184;
const TRAVERSE: u64 = 0x1234;

/// What objects answer; those that are not there visit nothing.
#[derive(Default)]
struct Answers {
    visits: BTreeMap<RemoteAddress, Result<Vec<RemoteAddress>, &'static str>>,
    /// All calls, in their order.
    asked: Vec<NativeCall>,
    /// How many calls are made at once.
    at_once: Option<usize>,
    /// Nothing can be called.
    unavailable: bool,
    /// After how many calls time is up.
    calls_in_time: Option<usize>,
}

impl NativeTraverse for Answers {
    fn traverse(
        &mut self,
        calls: &[NativeCall],
        limits: &NativeLimits,
        visits: &mut NativeVisits,
    ) -> Result<NativeOutcome, NativeUnavailable> {
        if self.unavailable {
            return Err(NativeUnavailable("nobody answers".to_owned()));
        }
        for call in calls.iter().take(self.at_once.unwrap_or(usize::MAX)) {
            assert_eq!(call.traverse.get(), TRAVERSE);
            if self.calls_in_time == Some(self.asked.len()) {
                return Ok(NativeOutcome::OutOfTime);
            }
            self.asked.push(*call);
            match self.visits.get(&call.object) {
                Some(Err(failure)) => return Ok(NativeOutcome::Failed((*failure).to_owned())),
                Some(Ok(referents)) => visits.referents.extend(referents),
                None => {}
            }
            assert!(visits.referents.len() <= limits.total_visits);
            assert!(limits.call_visits <= limits.total_visits && !limits.time.is_zero());
            visits.ends.push(visits.referents.len());
        }
        Ok(NativeOutcome::Returned)
    }

    fn get(
        &mut self,
        calls: &[GetterCall],
        _: Duration,
        _: &mut Vec<RemoteAddress>,
    ) -> Result<GetterOutcome, NativeUnavailable> {
        panic!("no type here has a getter: {calls:?}");
    }
}

/// A type with a `tp_traverse`, whose instances have two words.
fn asked_type(heap: &mut Heap, name: &'static str) -> RemoteAddress {
    let one = heap.extension_type(name, 32);
    heap.image.put_u64(one.offset(TP_TRAVERSE), TRAVERSE);
    one
}

fn walk(heap: Heap, answers: &mut Answers) -> Walked {
    walk_natively(&heap.finish(), PYTHON, answers)
}

#[test]
fn what_is_visited_is_owned_and_numbered() {
    let mut heap = Heap::new(PYTHON);
    // Nothing but the answer leads to the text.
    let (item, text) = (heap.int(1), heap.text("only behind a pointer"));
    let one = asked_type(&mut heap, "ext.Holder");
    let object = heap.raw(one, &[0, item.get()]);
    let mut answers = Answers::default();
    // Twice the same are two references.
    let visited = vec![item, RemoteAddress::NULL, text, item];
    answers.visits.insert(object, Ok(visited));
    let walked = walk(heap, &mut answers);
    let expected = steps([
        ("->refs[0]", item),
        ("->refs[2]", text),
        ("->refs[3]", item),
    ]);
    assert_eq!(walked.owned(object), expected);
    assert!(!walked.has(object, ObjectFlags::CONSERVATIVE));
    assert_eq!(walked.snapshot.metadata.diagnostics, []);
}

#[test]
fn what_is_found_by_an_answer_is_asked_too() {
    let mut heap = Heap::new(PYTHON);
    let one = asked_type(&mut heap, "ext.Node");
    let end = heap.text("the end");
    let nodes: Vec<_> = (0..5).map(|_| heap.untracked_raw(one, &[0, 0])).collect();
    let first = heap.raw(one, &[0, 0]);
    let mut answers = Answers::default();
    let chain: Vec<_> = [first].into_iter().chain(nodes).collect();
    for (at, &node) in chain.iter().enumerate() {
        let next = chain.get(at + 1).copied().unwrap_or(end);
        answers.visits.insert(node, Ok(vec![next]));
    }
    let walked = walk(heap, &mut answers);
    for (at, &node) in chain.iter().enumerate() {
        let next = chain.get(at + 1).copied().unwrap_or(end);
        assert_eq!(walked.owned(node), steps([("->refs[0]", next)]));
    }
    let asked: Vec<_> = answers.asked.iter().map(|call| call.object).collect();
    assert_eq!(asked, chain);
}

#[test]
fn a_type_is_given_up_after_three_failures() {
    for at_once in [None, Some(1), Some(2)] {
        let mut heap = Heap::new(PYTHON);
        let item = heap.int(7);
        let bad = asked_type(&mut heap, "ext.Bad");
        let good = asked_type(&mut heap, "ext.Good");
        heap.image.put_u64(item, 100);
        let bads: Vec<_> = (0..10).map(|_| heap.raw(bad, &[0, item.get()])).collect();
        let goods: Vec<_> = (0..10).map(|_| heap.raw(good, &[0, item.get()])).collect();
        let mut answers = Answers {
            at_once,
            ..Answers::default()
        };
        let answer = |_| Err("SIGSEGV");
        answers
            .visits
            .extend(bads.iter().map(|&one| (one, answer(one))));
        answers
            .visits
            .extend(goods.iter().map(|&one| (one, Ok(vec![item]))));
        let walked = walk(heap, &mut answers);
        let asked = |objects: &[RemoteAddress]| {
            let calls = answers.asked.iter();
            calls.filter(|call| objects.contains(&call.object)).count()
        };
        assert_eq!((asked(&bads), asked(&goods)), (3, 10), "{at_once:?}");
        assert_eq!(walked.trouble("native-failed"), 10);
        for object in bads {
            assert!(walked.has(object, ObjectFlags::CONSERVATIVE));
            assert_eq!(walked.owned(object), steps([("->word[3]", item)]));
        }
        for object in goods {
            assert!(!walked.has(object, ObjectFlags::CONSERVATIVE));
            assert_eq!(walked.owned(object), steps([("->refs[0]", item)]));
        }
    }
}

#[test]
fn nonsense_is_a_failure() {
    for nonsense in [1, 0x10, 0x7fff_0000_0000, u64::MAX - 7] {
        let mut heap = Heap::new(PYTHON);
        let item = heap.int(7);
        let one = asked_type(&mut heap, "ext.Odd");
        let object = heap.raw(one, &[0, item.get()]);
        let mut answers = Answers::default();
        let visited = vec![item, RemoteAddress::new(nonsense)];
        answers.visits.insert(object, Ok(visited));
        let walked = walk(heap, &mut answers);
        assert_eq!(walked.trouble("native-failed"), 1, "{nonsense:#x}");
        assert_eq!(walked.owned(object), steps([("->word[3]", item)]));
    }
}

#[test]
fn what_is_not_asked_in_time_is_scanned() {
    let mut heap = Heap::new(PYTHON);
    let item = heap.int(7);
    // References for all of them.
    heap.image.put_u64(item, 100);
    let one = asked_type(&mut heap, "ext.Slow");
    let objects: Vec<_> = (0..5).map(|_| heap.raw(one, &[0, item.get()])).collect();
    let mut answers = Answers {
        calls_in_time: Some(2),
        ..Answers::default()
    };
    let answer = |&object| (object, Ok(vec![item]));
    answers.visits.extend(objects.iter().map(answer));
    let walked = walk(heap, &mut answers);
    assert_eq!(answers.asked.len(), 2);
    assert_eq!(walked.trouble("native-unavailable"), 1);
    assert_eq!(walked.trouble("native-failed"), 0);
    let mut steps_of: Vec<_> = objects.iter().map(|&one| walked.owned(one)).collect();
    steps_of.sort_unstable();
    let (asked, scanned) = (steps([("->refs[0]", item)]), steps([("->word[3]", item)]));
    let mut expected = vec![
        asked.clone(),
        asked,
        scanned.clone(),
        scanned.clone(),
        scanned,
    ];
    expected.sort_unstable();
    assert_eq!(steps_of, expected);
}

#[test]
fn where_nobody_can_be_asked_words_are_scanned() {
    let mut heap = Heap::new(PYTHON);
    let item = heap.int(7);
    let one = asked_type(&mut heap, "ext.Holder");
    let object = heap.raw(one, &[0, item.get()]);
    let mut answers = Answers {
        unavailable: true,
        ..Answers::default()
    };
    let walked = walk(heap, &mut answers);
    assert_eq!(walked.trouble("native-unavailable"), 1);
    assert_eq!(walked.trouble("scanned"), 1);
    assert_eq!(walked.owned(object), steps([("->word[3]", item)]));
}

/// Objects whose `tp_traverse` failed are looked at once more, for their words only: a suspended
/// greenlet is one thread all the same, and what is wrong with it counts once.
#[test]
fn what_was_visited_before_a_failure_counts_once() {
    /// `top_frame` of greenlet 1.1, behind the head.
    const TOP_FRAME: usize = 7;
    let mut heap = Heap::new(PYTHON);
    let code = heap.code("work", &[("x", Variable::Local)]);
    let (x, item) = (heap.int(1), heap.int(7));
    let caller = heap.frame(&FrameSpec::new(code, &[x]));
    let top = heap.frame(&FrameSpec {
        previous: caller,
        ..FrameSpec::new(code, &[x])
    });
    let top = heap.frame_object(top);
    let greenlet_type = heap.extension_type("greenlet.greenlet", 16 + 136);
    heap.image
        .put_u64(greenlet_type.offset(TP_TRAVERSE), TRAVERSE);
    let mut greenlet = |top_frame: RemoteAddress| {
        let mut words = [0; 17];
        words[TOP_FRAME] = top_frame.get();
        words[16] = item.get();
        heap.raw(greenlet_type, &words)
    };
    let (suspended, broken) = (greenlet(top), greenlet(item));
    let mut answers = Answers::default();
    for object in [suspended, broken] {
        answers.visits.insert(object, Err("SIGSEGV"));
    }
    let walked = walk(heap, &mut answers);
    assert_eq!(walked.trouble("native-failed"), 2);
    assert_eq!(walked.trouble("broken-chain"), 1);
    let snapshot = &walked.snapshot;
    let idents: Vec<_> = snapshot.threads.iter().map(|thread| thread.ident).collect();
    let of_greenlets = idents.iter().filter(|&&ident| ident == suspended.get());
    assert_eq!(of_greenlets.count(), 1);
    let frames: Vec<_> = snapshot
        .frames
        .iter()
        .map(|frame| (frame.depth, walked.address(frame.object)))
        .collect();
    assert_eq!(frames, [(0, caller), (1, top)]);
    let targets = snapshot
        .roots
        .iter()
        .map(|root| walked.address(root.target));
    assert_eq!(targets.filter(|&target| target == caller).count(), 1);
    let expected = steps([
        (".gr_frame", top),
        (".gr_frame.f_back", caller),
        ("->word[18]", item),
    ]);
    assert_eq!(walked.owned(suspended), expected);
}

/// A `tp_traverse` may leave out what can't be in a cycle. A word that leads there is a
/// reference when the reference count has room for one.
#[test]
fn a_word_is_a_reference_when_the_count_says_so() {
    let mut heap = Heap::new(PYTHON);
    let (owned, borrowed) = (heap.text("owned"), heap.text("borrowed"));
    let keeper = heap.list(&[borrowed]);
    let one = asked_type(&mut heap, "ext.Holder");
    let object = heap.raw(one, &[owned.get(), borrowed.get()]);
    for text in [owned, borrowed] {
        heap.image.put_u64(text, 1);
    }
    let mut answers = Answers::default();
    let walked = walk(heap, &mut answers);
    assert_eq!(walked.owned(object), steps([("->word[2]", owned)]));
    assert_eq!(walked.borrowed(object), steps([("->word[3]", borrowed)]));
    assert_eq!(walked.owned(keeper), steps([("[0]", borrowed)]));
}
