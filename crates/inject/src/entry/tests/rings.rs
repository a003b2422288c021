use exuvia_cpython::{EvalBreaker, Layout};
use exuvia_memory::RemoteAddress;

use super::layout;
use super::memory::FakeMemory;
use crate::entry::{PendingCall, RuntimeState, Withdrawal};

const RUNTIME: u64 = 0x10_0000;
const INTERPRETER: u64 = 0x20_0000;
const THREAD: u64 = 0x30_0000;
const LOCK: u64 = 0x40_0000;
const GIL: u64 = 0x50_0000;
const SYMBOL: RemoteAddress = RemoteAddress::new(0x7777);
const TEXT: &str = "try:pass\nexcept:pass\n";
/// What others post.
const OTHER: u64 = 0x8888;

/// An interpreter with one thread, whose ring has so many calls, from this entry on.
struct Interpreter {
    layout: Layout,
    memory: FakeMemory,
    ring: u64,
}

impl Interpreter {
    fn new(layout: Layout, first: u32, waiting: u32) -> Self {
        let r = &layout.structs.py_runtime_state;
        let i = &layout.structs.py_interpreter_state;
        let p = &layout.structs.pending_calls;
        let ring = match (i.ceval_pending, r.ceval_pending) {
            (Some(own), _) => INTERPRETER + own,
            (None, shared) => RUNTIME + shared.unwrap(),
        };
        let memory = FakeMemory::default();
        let word = |address: u64, word: u64| memory.write(address, &word.to_le_bytes());
        let short = |address: u64, word: u32| memory.write(address, &word.to_le_bytes());
        word(RUNTIME + r.interpreters_main, INTERPRETER);
        short(RUNTIME + r.initialized, 1);
        word(INTERPRETER + i.threads_head, THREAD);
        if let Some(gil) = i.ceval_gil {
            word(INTERPRETER + gil, GIL);
        }
        let length = p.calls_length as u32;
        short(ring + p.first, first);
        short(ring + p.last, (first + waiting) % length);
        match p.npending {
            Some(npending) => {
                short(ring + npending, waiting);
                short(ring + p.max.unwrap(), length);
            }
            None => {
                word(ring + p.lock, LOCK);
                short(LOCK, 1);
            }
        }
        for entry in (0..waiting).map(|number| u64::from((first + number) % length)) {
            word(ring + p.calls + entry * p.entry_size(), OTHER);
        }
        Self {
            layout,
            memory,
            ring,
        }
    }

    fn state(&self) -> RuntimeState {
        RuntimeState::read(&self.memory, &self.layout, RUNTIME.into()).unwrap()
    }

    fn plan(&self) -> Option<PendingCall> {
        PendingCall::plan(&self.state(), &self.layout, false, SYMBOL, TEXT)
    }

    fn post(&self) -> PendingCall {
        let call = self.plan().unwrap();
        let patch = call.post(&self.state(), &self.layout).unwrap();
        assert!(self.memory.apply(&patch));
        call
    }

    /// The function and the text of an entry.
    fn entry(&self, index: u32) -> (u64, Vec<u8>) {
        let p = &self.layout.structs.pending_calls;
        let entry = self.ring + p.calls + u64::from(index) * p.entry_size();
        let long = |at: u64| {
            let (low, high) = (self.memory.word(at), self.memory.word(at + 4));
            u64::from(low) | u64::from(high) << 32
        };
        let (function, mut at) = (long(entry), long(entry + 8));
        let mut text = Vec::new();
        while at != 0 && self.memory.word(at) as u8 != 0 {
            text.push(self.memory.word(at) as u8);
            at += 1;
        }
        (function, text)
    }

    /// What a thread does that takes one call.
    fn take(&self) {
        let p = &self.layout.structs.pending_calls;
        let first = (self.memory.word(self.ring + p.first) + 1) % p.calls_length as u32;
        self.memory.write(self.ring + p.first, &first.to_le_bytes());
        if let Some(npending) = p.npending {
            let left = self.memory.word(self.ring + npending) - 1;
            self.memory.write(self.ring + npending, &left.to_le_bytes());
        }
    }
}

fn layouts() -> [Layout; 4] {
    [(8, 18), (11, 7), (12, 1), (13, 0)].map(|(minor, micro)| layout(minor, micro))
}

#[test]
fn a_call_is_behind_those_of_others_and_its_text_in_none_of_them() {
    for layout in layouts() {
        let length = layout.structs.pending_calls.calls_length as u32;
        for first in 0..length {
            for waiting in [0, 1, 7, length / 2] {
                let interpreter = Interpreter::new(layout.clone(), first, waiting);
                interpreter.post();
                let ring = interpreter.state().ring.unwrap();
                assert_eq!((ring.first, ring.waiting), (first, waiting + 1));
                for number in 0..waiting {
                    let (function, text) = interpreter.entry((first + number) % length);
                    assert_eq!((function, text), (OTHER, Vec::new()), "{}", layout.version);
                }
                let (function, text) = interpreter.entry((first + waiting) % length);
                assert_eq!(function, SYMBOL.get());
                assert_eq!(text, TEXT.as_bytes());
            }
        }
    }
}

#[test]
fn threads_are_made_to_look() {
    for layout in layouts() {
        let interpreter = Interpreter::new(layout.clone(), 3, 0);
        interpreter.post();
        let r = &layout.structs.py_runtime_state;
        let i = &layout.structs.py_interpreter_state;
        let (at, expected) = match layout.shapes.eval_breaker {
            EvalBreaker::FlagOfRuntime => (RUNTIME + r.ceval_eval_breaker.unwrap(), 1),
            EvalBreaker::FlagOfInterpreter => (INTERPRETER + i.ceval_eval_breaker.unwrap(), 1),
            EvalBreaker::BitsOfThread => {
                let breaker = layout.structs.py_thread_state.eval_breaker;
                (THREAD + breaker.unwrap(), 4)
            }
        };
        assert_eq!(interpreter.memory.word(at), expected, "{}", layout.version);
    }
}

#[test]
fn what_was_not_taken_is_taken_back_without_a_trace() {
    for layout in layouts() {
        let interpreter = Interpreter::new(layout.clone(), 5, 2);
        let before = interpreter.state().ring;
        let written = interpreter.memory.contents().len();
        let call = interpreter.post();
        let at_once =
            call.take_out_at_once(&Interpreter::new(layout.clone(), 5, 2).state(), &layout);
        let taken_back = call.withdraw(&interpreter.state(), &layout);
        assert_eq!(taken_back, Withdrawal::TakeOut(at_once.unwrap()));
        let Withdrawal::TakeOut(patch) = taken_back else {
            panic!("{taken_back:?}");
        };
        assert!(interpreter.memory.apply(&patch));
        assert_eq!(interpreter.state().ring, before);
        // That threads are to look, and that there was a call, is forgotten when they do.
        assert!(interpreter.memory.contents().len() <= written + 2);
        assert!(!interpreter.memory.apply(&patch), "twice");
    }
}

#[test]
fn what_was_taken_is_not_taken_back() {
    for layout in layouts() {
        let interpreter = Interpreter::new(layout.clone(), 0, 1);
        let call = interpreter.post();
        interpreter.take();
        interpreter.take();
        let taken_back = call.withdraw(&interpreter.state(), &layout);
        assert_eq!(taken_back, Withdrawal::Taken);
        assert!(interpreter.memory.apply(&call.wipe()));
        assert!(
            !interpreter.memory.apply(&call.wipe()),
            "there is nothing left"
        );
    }
}

#[test]
fn a_call_with_others_behind_it_is_left_without_effect() {
    for layout in layouts() {
        let interpreter = Interpreter::new(layout.clone(), 4, 0);
        let call = interpreter.post();
        interpreter.post();
        let taken_back = call.withdraw(&interpreter.state(), &layout);
        let Withdrawal::Disarm(patch) = taken_back else {
            panic!("{taken_back:?}");
        };
        assert!(interpreter.memory.apply(&patch));
        assert_eq!(interpreter.entry(4), (SYMBOL.get(), b"0".to_vec()));
        assert_eq!(interpreter.entry(5).1, TEXT.as_bytes());
    }
}

#[test]
fn a_ring_that_is_full_or_in_use_is_left_alone() {
    for layout in layouts() {
        let p = layout.structs.pending_calls.clone();
        let most = match p.npending {
            Some(_) => p.calls_length,
            None => p.calls_length - 1,
        };
        let full = Interpreter::new(layout.clone(), 9, most as u32);
        assert_eq!(full.plan(), None, "{}", layout.version);
        let in_use = Interpreter::new(layout.clone(), 9, 1);
        match p.npending {
            Some(_) => in_use.memory.write(in_use.ring + p.lock, &[1]),
            None => in_use.memory.write(LOCK, &[0]),
        }
        assert_eq!(in_use.plan(), None, "{}", layout.version);
    }
}

#[test]
fn nothing_is_posted_into_a_ring_that_has_changed() {
    for layout in layouts() {
        let interpreter = Interpreter::new(layout.clone(), 0, 1);
        let call = interpreter.plan().unwrap();
        let patch = call.post(&interpreter.state(), &layout).unwrap();
        interpreter.take();
        let before = interpreter.memory.contents();
        assert!(!interpreter.memory.apply(&patch));
        assert_eq!(interpreter.memory.contents(), before);
    }
}
