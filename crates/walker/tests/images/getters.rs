//! Getters that are asked for names: what the walk makes of their answers.

use crate::walked::{Walked, steps, walk_natively};
use exuvia_memory::RemoteAddress;
use exuvia_synth::{Heap, Python};
use exuvia_walker::{
    GetterCall, GetterOutcome, NativeCall, NativeLimits, NativeOutcome, NativeTraverse,
    NativeUnavailable, NativeVisits,
};
use std::collections::BTreeMap;
use std::time::Duration;

const PYTHON: Python = Python::V3_12;
const TP_TRAVERSE: u64 = 184;
const TP_BASE: u64 = 256;
const TP_GETSET: u64 = 248;
/// `sizeof(PyGetSetDef)`, and the offset of `closure`.
const ENTRY: u64 = 40;
const CLOSURE: u64 = 32;
const TRAVERSE: u64 = 0x1234;

/// What a getter does.
#[derive(Debug, Clone, Copy)]
enum Getter {
    /// Returns the word at this offset, as it is when the process is captured.
    Word(u64),
    /// Returns always the same.
    Same(RemoteAddress),
    /// The same, but crashes when that is this.
    WordBut(u64, RemoteAddress),
    /// Returns an object that the walk does not know.
    New,
    Crash,
    Hang,
}

/// A process whose code is called.
#[derive(Default)]
struct Code {
    visits: BTreeMap<RemoteAddress, Vec<RemoteAddress>>,
    words: BTreeMap<RemoteAddress, Vec<RemoteAddress>>,
    getters: Vec<Getter>,
    /// All calls of getters, in their order: the object, and the number of the getter.
    asked: Vec<(RemoteAddress, u64)>,
    /// How many getters are called at once.
    at_once: Option<usize>,
    /// Getters can't be called.
    unavailable: bool,
}

impl NativeTraverse for Code {
    fn traverse(
        &mut self,
        calls: &[NativeCall],
        _: &NativeLimits,
        visits: &mut NativeVisits,
    ) -> Result<NativeOutcome, NativeUnavailable> {
        for call in calls {
            let visited = self.visits.get(&call.object);
            visits.referents.extend(visited.into_iter().flatten());
            visits.ends.push(visits.referents.len());
        }
        Ok(NativeOutcome::Returned)
    }

    fn get(
        &mut self,
        calls: &[GetterCall],
        _: Duration,
        answers: &mut Vec<RemoteAddress>,
    ) -> Result<GetterOutcome, NativeUnavailable> {
        if self.unavailable {
            return Err(NativeUnavailable("nobody answers".to_owned()));
        }
        for call in calls.iter().take(self.at_once.unwrap_or(usize::MAX)) {
            let number = call.get.get() - 1;
            assert_eq!(call.closure.get(), number * 100);
            self.asked.push((call.object, number));
            let word = |offset| self.words[&call.object][offset as usize / 8 - 2];
            answers.push(match self.getters[number as usize] {
                Getter::Word(offset) => word(offset),
                Getter::WordBut(offset, bad) if word(offset) == bad => {
                    return Ok(GetterOutcome::Failed);
                }
                Getter::WordBut(offset, _) => word(offset),
                Getter::Same(answer) => answer,
                Getter::New => RemoteAddress::new(0x10_0000),
                Getter::Crash => return Ok(GetterOutcome::Failed),
                Getter::Hang => return Ok(GetterOutcome::Hung),
            });
        }
        Ok(GetterOutcome::Returned)
    }
}

impl Code {
    /// A type of objects of so many words, all of which its `tp_traverse` visits.
    fn type_of(
        &mut self,
        heap: &mut Heap,
        name: &'static str,
        words: u64,
        getters: &[(&str, Getter)],
    ) -> RemoteAddress {
        let one = heap.extension_type(name, 16 + 8 * words);
        heap.image.put_u64(one.offset(TP_TRAVERSE), TRAVERSE);
        let table = heap.allocate(ENTRY * (getters.len() as u64 + 1));
        heap.image.put_pointer(one.offset(TP_GETSET), table);
        for (i, (name, getter)) in getters.iter().enumerate() {
            let entry = table.offset(ENTRY * i as u64);
            let text = heap.allocate(64);
            heap.image.put(text, name.as_bytes());
            heap.image.put_pointer(entry, text);
            let number = self.getters.len() as u64;
            heap.image.put_u64(entry.offset(8), number + 1);
            heap.image.put_u64(entry.offset(CLOSURE), number * 100);
            self.getters.push(*getter);
        }
        one
    }

    fn object(
        &mut self,
        heap: &mut Heap,
        type_of: RemoteAddress,
        words: &[RemoteAddress],
    ) -> RemoteAddress {
        let bare: Vec<_> = words.iter().map(|word| word.get()).collect();
        let object = heap.raw(type_of, &bare);
        self.visits.insert(object, words.to_vec());
        self.words.insert(object, words.to_vec());
        object
    }

    fn walk(&mut self, heap: Heap) -> Walked {
        walk_natively(&heap.finish(), PYTHON, self)
    }

    fn asked(&self, number: u64) -> usize {
        self.asked.iter().filter(|&&(_, one)| one == number).count()
    }
}

#[test]
fn a_word_has_the_name_of_the_getter_that_returns_it_in_all_objects() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let getters = [
        ("made", Getter::New),
        ("__second__", Getter::Word(24)),
        ("second", Getter::Word(24)),
        ("alias", Getter::Word(24)),
        ("first", Getter::Word(16)),
    ];
    let one = code.type_of(&mut heap, "ext.Shown", 3, &getters);
    let objects: Vec<_> = (0..100)
        .map(|_| {
            let words = [(); 3].map(|()| heap.list(&[]));
            (code.object(&mut heap, one, &words), words)
        })
        .collect();
    let walked = code.walk(heap);
    for (object, [first, second, third]) in objects {
        let expected = steps([(".first", first), (".second", second), ("->refs[2]", third)]);
        assert_eq!(walked.owned(object), expected);
    }
    // A few are enough, and names between underscores are not asked at all.
    assert!((1..10).contains(&code.asked(2)), "{}", code.asked(2));
    assert_eq!(code.asked(1), 0);
    assert_eq!(walked.snapshot.metadata.diagnostics, []);
}

#[test]
fn the_same_object_twice_is_named_by_its_words() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let getters = [("b", Getter::Word(24)), ("a", Getter::Word(16))];
    let one = code.type_of(&mut heap, "ext.Twice", 2, &getters);
    let [x, y, z] = [(); 3].map(|()| heap.list(&[]));
    let twice = code.object(&mut heap, one, &[x, x]);
    let other = code.object(&mut heap, one, &[y, z]);
    let walked = code.walk(heap);
    assert_eq!(walked.owned(twice), steps([(".a", x), (".b", x)]));
    assert_eq!(walked.owned(other), steps([(".a", y), (".b", z)]));
}

#[test]
fn what_can_be_two_words_is_none() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let one = code.type_of(&mut heap, "ext.Twice", 2, &[("a", Getter::Word(16))]);
    let x = heap.list(&[]);
    let twice = code.object(&mut heap, one, &[x, x]);
    let walked = code.walk(heap);
    assert_eq!(
        walked.owned(twice),
        steps([("->refs[0]", x), ("->refs[1]", x)])
    );
}

/// Two words of most objects lead to the same; one object among many tells them apart.
#[test]
fn the_object_that_tells_words_apart_is_asked() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let getters = [
        ("text", Getter::Word(16)),
        ("plain", Getter::Word(24)),
        ("other", Getter::Word(32)),
    ];
    let one = code.type_of(&mut heap, "ext.Letter", 3, &getters);
    let same: Vec<_> = (0..50)
        .map(|_| {
            let [x, y] = [(); 2].map(|()| heap.list(&[]));
            (code.object(&mut heap, one, &[x, x, y]), x, y)
        })
        .collect();
    let [x, y] = [same[0].1, same[0].2];
    let plain = heap.list(&[]);
    let telling = code.object(&mut heap, one, &[x, plain, y]);
    let walked = code.walk(heap);
    let expected = steps([(".text", x), (".plain", plain), (".other", y)]);
    assert_eq!(walked.owned(telling), expected);
    for (object, x, y) in same {
        let expected = steps([(".text", x), (".plain", x), (".other", y)]);
        assert_eq!(walked.owned(object), expected);
    }
    assert!((1..10).contains(&code.asked(0)), "{}", code.asked(0));
}

#[test]
fn getters_that_do_not_always_return_a_word_do_not_name_it() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let [x, y] = [(); 2].map(|()| heap.list(&[]));
    // It returns what the first object has, for the second too.
    let one = code.type_of(&mut heap, "ext.Odd", 1, &[("first", Getter::Same(x))]);
    let first = code.object(&mut heap, one, &[x]);
    let second = code.object(&mut heap, one, &[y]);
    let walked = code.walk(heap);
    assert_eq!(walked.owned(first), steps([("->refs[0]", x)]));
    assert_eq!(walked.owned(second), steps([("->refs[0]", y)]));
}

/// A getter raises an exception for what is not there, which is a crash where the thread does
/// not have the interpreter's lock; for what is there it does not.
#[test]
fn a_failure_counts_against_what_is_there_only() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let [x, y, z] = [(); 3].map(|()| heap.list(&[]));
    let getters = [
        ("present", Getter::WordBut(16, RemoteAddress::NULL)),
        ("cached", Getter::WordBut(24, z)),
    ];
    let one = code.type_of(&mut heap, "ext.Lazy", 2, &getters);
    let full = code.object(&mut heap, one, &[x, y]);
    let empty = code.object(&mut heap, one, &[RemoteAddress::NULL, z]);
    let walked = code.walk(heap);
    let expected = steps([(".present", x), ("->refs[1]", y)]);
    assert_eq!(walked.owned(full), expected);
    assert_eq!(walked.owned(empty), steps([("->refs[1]", z)]));
}

/// Many functions return small numbers, `None` and the like, and for different reasons.
#[test]
fn what_is_everywhere_proves_nothing() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let number = heap.int(1);
    // In the program, as `None` is.
    let none = heap.in_program(24);
    let none_type = heap.type_named("float");
    heap.image.put_u64(none, 10);
    heap.image.put_pointer(none.offset(8), none_type);
    let getters = [("a", Getter::Word(16)), ("b", Getter::Word(24))];
    let one = code.type_of(&mut heap, "ext.Bare", 2, &getters);
    let object = code.object(&mut heap, one, &[number, none]);
    let walked = code.walk(heap);
    let expected = steps([("->refs[0]", number), ("->refs[1]", none)]);
    assert_eq!(walked.owned(object), expected);
    assert_eq!(code.asked, []);
}

#[test]
fn a_word_that_is_not_visited_has_its_name_too() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let one = code.type_of(&mut heap, "ext.Leaving", 1, &[("text", Getter::Word(16))]);
    let text = heap.text("owned by the word");
    heap.image.put_u64(text, 1);
    let object = code.object(&mut heap, one, &[text]);
    code.visits.insert(object, Vec::new());
    let walked = code.walk(heap);
    assert_eq!(walked.owned(object), steps([(".text", text)]));
}

#[test]
fn subtypes_have_the_names_of_their_base() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let getters = [("a", Getter::Word(16)), ("b", Getter::Word(24))];
    let base = code.type_of(&mut heap, "ext.Base", 2, &getters);
    let nearer = [("c", Getter::Word(32)), ("nearer", Getter::Word(16))];
    let heir = code.type_of(&mut heap, "ext.Heir", 3, &nearer);
    heap.image.put_pointer(heir.offset(TP_BASE), base);
    let [x, y, z] = [(); 3].map(|()| heap.list(&[]));
    let object = code.object(&mut heap, heir, &[x, y, z]);
    let walked = code.walk(heap);
    let expected = steps([(".nearer", x), (".b", y), (".c", z)]);
    assert_eq!(walked.owned(object), expected);
}

#[test]
fn failures_cost_names_and_nothing_else() {
    for at_once in [None, Some(1), Some(2)] {
        let mut heap = Heap::new(PYTHON);
        let mut code = Code {
            at_once,
            ..Code::default()
        };
        let some = [
            ("bad", Getter::Crash),
            ("worse", Getter::Crash),
            ("good", Getter::Word(16)),
        ];
        let many = [
            ("bad", Getter::Crash),
            ("worse", Getter::Crash),
            ("bad again", Getter::Crash),
            ("worse again", Getter::Crash),
            ("good", Getter::Word(16)),
        ];
        let hanging = [("hanging", Getter::Hang), ("good", Getter::Word(16))];
        let types = [
            code.type_of(&mut heap, "ext.Some", 1, &some),
            code.type_of(&mut heap, "ext.Many", 1, &many),
            code.type_of(&mut heap, "ext.Hanging", 1, &hanging),
        ];
        let objects: Vec<_> = (0..30)
            .map(|i| {
                let word = heap.list(&[]);
                (code.object(&mut heap, types[i % 3], &[word]), word)
            })
            .collect();
        let walked = code.walk(heap);
        for (i, (object, word)) in objects.into_iter().enumerate() {
            let step = [".good", "->refs[0]", "->refs[0]"][i % 3];
            assert_eq!(walked.owned(object), steps([(step, word)]), "{at_once:?}");
        }
        assert_eq!(walked.snapshot.metadata.diagnostics, []);
        // A getter twice, a type eight times, and none after one that does not return.
        let asked: Vec<_> = (0..10).map(|number| code.asked(number)).collect();
        assert_eq!(asked, [2, 2, 2, 2, 2, 2, 2, 0, 1, 0], "{at_once:?}");
    }
}

#[test]
fn a_process_whose_getters_hang_is_left_alone() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let names = [
        "a.A", "a.B", "a.C", "a.D", "a.E", "a.F", "a.G", "a.H", "a.I", "a.J", "a.K", "a.L", "a.M",
        "a.N", "a.O", "a.P", "a.Q", "a.R", "a.S", "a.T",
    ];
    for name in names {
        let one = code.type_of(&mut heap, name, 1, &[("hanging", Getter::Hang)]);
        let word = heap.list(&[]);
        code.object(&mut heap, one, &[word]);
    }
    code.walk(heap);
    assert_eq!(code.asked.len(), 16);
}

#[test]
fn where_nobody_can_be_asked_there_are_numbers() {
    let mut heap = Heap::new(PYTHON);
    let mut code = Code {
        unavailable: true,
        ..Code::default()
    };
    let one = code.type_of(&mut heap, "ext.Shown", 1, &[("a", Getter::Word(16))]);
    let word = heap.list(&[]);
    let object = code.object(&mut heap, one, &[word]);
    let walked = code.walk(heap);
    assert_eq!(walked.owned(object), steps([("->refs[0]", word)]));
    assert_eq!(walked.snapshot.metadata.diagnostics, []);
}

#[test]
fn tables_of_getters_are_not_believed() {
    for table in [8, 0x7fff_0000_0001, u64::MAX - 3] {
        let mut heap = Heap::new(PYTHON);
        let mut code = Code::default();
        let one = code.type_of(&mut heap, "ext.Odd", 1, &[("a", Getter::Word(16))]);
        heap.image.overwrite_u64(one.offset(TP_GETSET), table);
        let word = heap.list(&[]);
        let object = code.object(&mut heap, one, &[word]);
        let walked = code.walk(heap);
        assert_eq!(walked.owned(object), steps([("->refs[0]", word)]));
        assert_eq!(code.asked, []);
    }
    // One without an end.
    let mut heap = Heap::new(PYTHON);
    let mut code = Code::default();
    let getters = [("a", Getter::New); 10_000];
    let one = code.type_of(&mut heap, "ext.Endless", 1, &getters);
    let word = heap.list(&[]);
    code.object(&mut heap, one, &[word]);
    code.walk(heap);
    assert_eq!(code.asked.len(), 64);
}
