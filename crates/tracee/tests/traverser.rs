//! Functions of a target, called in a clone of it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::Target;
use exuvia_memory::RemoteAddress;
use exuvia_tracee::{Call, CallFailure, CallLimits, Function, Traverser, TraverserError, Visited};

/// Functions as an extension could have them. The objects that they are called with are
/// numbers.
const FUNCTIONS: &str = r#"
#include <unistd.h>
#include <sys/syscall.h>
typedef int (*visitproc)(void *, void *);
static char *shared;
static int output;
void set(char *address, int fd) { shared = address; output = fd; }
int two(char *object, visitproc visit, void *arg) {
    int stop = visit(object + 8, arg);
    return stop ? stop : visit(object + 16, arg);
}
int none(char *object, visitproc visit, void *arg) { return 0; }
int crash(char *object, visitproc visit, void *arg) {
    visit(object, arg);
    *(volatile char *)1 = 0;
    return 0;
}
int hang(char *object, visitproc visit, void *arg) { for (;;) __asm__ volatile(""); }
int trap(char *object, visitproc visit, void *arg) { __builtin_trap(); }
int say(char *object, visitproc visit, void *arg) {
    syscall(SYS_write, output, "heard", 5);
    return visit(object, arg);
}
int end(char *object, visitproc visit, void *arg) { syscall(SYS_exit_group, 3); return 0; }
int scribble(char *object, visitproc visit, void *arg) { shared[0] = 'x'; return 0; }
int many(char *object, visitproc visit, void *arg) {
    for (long i = 0; i < 3000000; i++) visit(object + 8 * i, arg);
    return 0;
}
int nearly_full(char *object, visitproc visit, void *arg) {
    for (long i = 0; i < (1 << 20) - 100; i++) visit(object, arg);
    return 0;
}
int endless(char *object, visitproc visit, void *arg) { for (;;) visit(object, arg); }
int backwards(char *object, visitproc visit, void *arg) {
    __attribute__((aligned(64))) volatile char block[256];
    block[255] = 1;
    return ((unsigned long)block & 63) ? 1 : visit(object + block[255], arg);
}
/* What the driver passes as the last argument is its header: current and length are words. */
int empty_for_ever(char *object, visitproc visit, void *arg) {
    for (;;) { ((volatile long *)arg)[2] = 0; visit(object, arg); }
}
int takes_back(char *object, visitproc visit, void *arg) {
    for (;;) { ((volatile long *)arg)[4] = 0; visit(object, arg); }
}
int winds_the_watch(char *object, visitproc visit, void *arg) {
    for (;;) ((volatile long *)arg)[1] += 1;
}
int is_even(char *object) { return (long)object % 2 == 0; }
char *get(char *object, char *closure) { return object + (long)closure; }
char *get_null(char *object, char *closure) { return 0; }
char *get_crash(char *object, char *closure) { return (char *)*(volatile long *)closure; }
"#;

const SETUP: &str = "
import mmap
lib = ctypes.CDLL(LIBRARY)
shared = mmap.mmap(-1, 4096)
buffer = (ctypes.c_char * 4096).from_buffer(shared)
reading, writing = os.pipe()
os.set_blocking(reading, False)
lib.set.argtypes = [ctypes.c_void_p, ctypes.c_int]
lib.set(ctypes.addressof(buffer), writing)
def address(name): return ctypes.cast(getattr(lib, name), ctypes.c_void_p).value
def heard():
    try: return os.read(reading, 100)
    except BlockingIOError: return b''
";

struct Subject {
    target: Target,
    _folder: tempfile::TempDir,
}

impl Subject {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = compile(folder.path());
        let setup = format!("LIBRARY = {library:?}\n{SETUP}");
        Self {
            target: Target::start(&setup),
            _folder: folder,
        }
    }

    fn address(&mut self, function: &str) -> RemoteAddress {
        let address = self.target.eval(&format!("address('{function}')"));
        RemoteAddress::new(address.parse().unwrap())
    }

    fn call(&mut self, object: u64, function: &str) -> Call {
        Call {
            object: RemoteAddress::new(object),
            function: Function::Traverse {
                traverse: self.address(function),
                is_gc: RemoteAddress::NULL,
            },
        }
    }

    fn get(&mut self, object: u64, function: &str, closure: u64) -> Call {
        Call {
            object: RemoteAddress::new(object),
            function: Function::Get {
                get: self.address(function),
                closure: RemoteAddress::new(closure),
            },
        }
    }
}

fn compile(folder: &Path) -> String {
    let (source, library) = (folder.join("functions.c"), folder.join("functions.so"));
    std::fs::write(&source, FUNCTIONS).unwrap();
    let status = Command::new("cc")
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    assert!(status.unwrap().success());
    library.to_str().unwrap().to_owned()
}

fn run(traverser: &mut Traverser, calls: &[Call]) -> (Visited, Option<CallFailure>) {
    let mut visited = Visited::default();
    let failure = run_within(&LIMITS, traverser, calls, &mut visited).unwrap();
    (visited, failure)
}

const LIMITS: CallLimits = CallLimits {
    call_time: Duration::from_millis(500),
    total_time: Duration::from_secs(60),
    call_visits: 10_000_000,
    total_visits: 10_000_000,
};

fn run_within(
    limits: &CallLimits,
    traverser: &mut Traverser,
    calls: &[Call],
    visited: &mut Visited,
) -> Result<Option<CallFailure>, TraverserError> {
    traverser.run(calls, limits, visited, &AtomicBool::new(false))
}

fn numbers(visited: &Visited) -> Vec<u64> {
    visited.referents.iter().map(|one| one.get()).collect()
}

#[test]
fn what_is_visited_comes_back_in_order() {
    let mut subject = Subject::start();
    let calls = [
        subject.call(1000, "two"),
        subject.call(2000, "none"),
        subject.call(3000, "two"),
        subject.call(4000, "backwards"),
    ];
    let clone = subject.target.clone_process();
    let (visited, failure) = run(&mut clone.traverser().unwrap(), &calls);
    assert_eq!(failure, None);
    assert_eq!(visited.ends, [2, 2, 4, 5]);
    assert_eq!(numbers(&visited), [1008, 1016, 3008, 3016, 4001]);
    clone.discard().unwrap();
    subject.target.assert_untouched();
}

#[test]
fn what_is_no_gc_object_is_passed_over() {
    let mut subject = Subject::start();
    let (traverse, is_gc) = (subject.address("two"), subject.address("is_even"));
    let calls = [1001, 1002].map(|object| Call {
        object: RemoteAddress::new(object),
        function: Function::Traverse { traverse, is_gc },
    });
    let clone = subject.target.clone_process();
    let (visited, failure) = run(&mut clone.traverser().unwrap(), &calls);
    assert_eq!((visited.ends.as_slice(), failure), (&[0, 2][..], None));
    assert_eq!(numbers(&visited), [1010, 1018]);
}

#[test]
fn what_a_getter_returns_is_all_that_it_visits() {
    let mut subject = Subject::start();
    let calls = [
        subject.call(1000, "two"),
        subject.get(2000, "get", 30),
        subject.get(2000, "get_null", 30),
        subject.call(3000, "none"),
        subject.get(4000, "get", 0),
        subject.get(5000, "get_crash", 1),
        subject.get(6000, "get", 0),
    ];
    let clone = subject.target.clone_process();
    let mut traverser = clone.traverser().unwrap();
    let (visited, failure) = run(&mut traverser, &calls);
    assert_eq!(failure, Some(CallFailure::Signal(libc::SIGSEGV)));
    assert_eq!(visited.ends, [2, 3, 4, 4, 5]);
    assert_eq!(numbers(&visited), [1008, 1016, 2030, 0, 4000]);
    let (visited, failure) = run(&mut traverser, &calls[6..]);
    assert_eq!(failure, None);
    assert_eq!(numbers(&visited), [6000]);
    clone.discard().unwrap();
    subject.target.assert_untouched();
}

#[test]
fn a_getter_may_be_the_one_for_whose_result_there_is_no_room() {
    let mut subject = Subject::start();
    // The first leaves room for a hundred.
    let mut calls = vec![subject.get(0, "get", 8); 1 << 15];
    calls[0] = subject.call(8, "nearly_full");
    let clone = subject.target.clone_process();
    let (visited, failure) = run(&mut clone.traverser().unwrap(), &calls);
    assert_eq!(failure, None);
    assert_eq!(visited.referents.len(), (1 << 20) - 100 + (1 << 15) - 1);
    let results = visited.referents[(1 << 20) - 100..].iter();
    assert!(
        results
            .copied()
            .eq(vec![RemoteAddress::new(8); (1 << 15) - 1])
    );
    assert_eq!(visited.ends.len(), 1 << 15);
}

#[test]
fn a_failure_costs_one_call() {
    use exuvia_tracee::CallFailure::{Hang, Signal, SystemCall};
    let failures = [
        ("crash", Signal(libc::SIGSEGV)),
        ("trap", Signal(libc::SIGILL)),
        ("hang", Hang),
        ("say", SystemCall(libc::SYS_write)),
        ("end", SystemCall(libc::SYS_exit_group)),
        ("scribble", Signal(libc::SIGSEGV)),
    ];
    let mut subject = Subject::start();
    let good = subject.call(1000, "two");
    let bad = failures.map(|(name, failure)| (subject.call(2000, name), failure));
    let clone = subject.target.clone_process();
    let mut traverser = clone.traverser().unwrap();
    for (call, expected) in bad {
        let (visited, failure) = run(&mut traverser, &[good, call, good]);
        assert_eq!(failure, Some(expected));
        // The row of the call before, and of nothing else.
        assert_eq!(visited.ends, [2], "{expected}");
        assert_eq!(numbers(&visited), [1008, 1016]);
        let (visited, failure) = run(&mut traverser, &[good]);
        assert_eq!((visited.ends.as_slice(), failure), (&[2][..], None));
    }
    clone.discard().unwrap();
    assert_eq!(subject.target.eval("heard()"), "b''");
    assert_eq!(subject.target.eval("shared[0]"), "0");
    subject.target.assert_untouched();
}

#[test]
fn one_object_may_have_more_referents_than_there_is_room_for() {
    let mut subject = Subject::start();
    let calls = [
        subject.call(8, "two"),
        subject.call(0, "many"),
        subject.call(80, "two"),
    ];
    let clone = subject.target.clone_process();
    let (visited, failure) = run(&mut clone.traverser().unwrap(), &calls);
    assert_eq!(failure, None);
    assert_eq!(visited.ends, [2, 3_000_002, 3_000_004]);
    let expected = (0..3_000_000).map(|i| RemoteAddress::new(8 * i));
    assert!(visited.referents[2..3_000_002].iter().copied().eq(expected));
    assert_eq!(numbers(&visited)[3_000_002..], [88, 96]);
}

#[test]
fn endless_visits_are_stopped() {
    let mut subject = Subject::start();
    let calls = [subject.call(8, "two"), subject.call(1, "endless")];
    let clone = subject.target.clone_process();
    let (visited, failure) = run(&mut clone.traverser().unwrap(), &calls);
    // Whichever bound is met first.
    assert!(
        matches!(failure, Some(CallFailure::Endless | CallFailure::Hang)),
        "{failure:?}"
    );
    assert_eq!(numbers(&visited), [16, 24]);
}

#[test]
fn a_list_longer_than_the_room_for_it_is_taken_in_parts() {
    let mut subject = Subject::start();
    let calls = vec![subject.call(1000, "two"); 100_000];
    let clone = subject.target.clone_process();
    let mut traverser = clone.traverser().unwrap();
    let mut visited = Visited::default();
    while visited.ends.len() < calls.len() {
        let done = visited.ends.len();
        let limits = CallLimits {
            call_visits: 100,
            total_visits: 100,
            ..LIMITS
        };
        let rest = &calls[done..];
        let failure = run_within(&limits, &mut traverser, rest, &mut visited).unwrap();
        assert_eq!(failure, None);
        assert!(visited.ends.len() > done);
    }
    assert_eq!(visited.referents.len(), 200_000);
    assert!(
        visited
            .ends
            .iter()
            .copied()
            .eq((1..=100_000).map(|i| 2 * i))
    );
}

#[test]
fn a_call_that_visits_too_much_is_ended_though_all_may_visit_more() {
    let mut subject = Subject::start();
    let calls = [subject.call(8, "two"), subject.call(0, "many")];
    let clone = subject.target.clone_process();
    let limits = CallLimits {
        call_visits: 1_000_000,
        ..LIMITS
    };
    let mut visited = Visited::default();
    let mut traverser = clone.traverser().unwrap();
    let failure = run_within(&limits, &mut traverser, &calls, &mut visited);
    assert_eq!(failure.unwrap(), Some(CallFailure::Endless));
    assert_eq!(visited.ends, [2]);
    assert_eq!(numbers(&visited), [16, 24]);
}

#[test]
fn code_that_changes_the_header_gains_nothing() {
    let mut subject = Subject::start();
    for name in ["empty_for_ever", "takes_back"] {
        let calls = [subject.call(8, "two"), subject.call(1, name)];
        let clone = subject.target.clone_process();
        let mut visited = Visited::default();
        let error = run_within(
            &LIMITS,
            &mut clone.traverser().unwrap(),
            &calls,
            &mut visited,
        );
        assert!(
            matches!(error, Err(TraverserError::Destroyed)),
            "{name}: {error:?}"
        );
    }
    subject.target.assert_untouched();
}

#[test]
fn all_calls_together_end_in_time() {
    let mut subject = Subject::start();
    let slow = [subject.call(1, "hang"), subject.call(1, "winds_the_watch")];
    let good = subject.call(1000, "two");
    let clone = subject.target.clone_process();
    let mut traverser = clone.traverser().unwrap();
    for (call, is_sound) in slow.into_iter().zip([true, false]) {
        // The time is for all calls, so one before the slow one could be what takes it.
        let (visited, failure) = run(&mut traverser, &[good]);
        assert_eq!((visited.ends.as_slice(), failure), (&[2][..], None));
        let limits = CallLimits {
            call_time: Duration::from_secs(3600),
            total_time: Duration::from_millis(100),
            ..LIMITS
        };
        let mut visited = Visited::default();
        let failure = run_within(&limits, &mut traverser, &[call], &mut visited);
        if is_sound {
            assert_eq!(failure.unwrap(), Some(CallFailure::OutOfTime));
            assert!(visited.ends.is_empty());
        } else {
            assert!(matches!(failure, Err(TraverserError::Destroyed)));
        }
        let (visited, failure) = run(&mut traverser, &[good]);
        assert_eq!((visited.ends.as_slice(), failure), (&[2][..], None));
    }
}

#[test]
fn an_interrupt_ends_a_call() {
    let mut subject = Subject::start();
    let calls = [subject.call(1, "hang")];
    let clone = subject.target.clone_process();
    let mut traverser = clone.traverser().unwrap();
    let limits = CallLimits {
        call_time: Duration::from_secs(3600),
        total_time: Duration::from_secs(3600),
        ..LIMITS
    };
    let interrupt = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let mut visited = Visited::default();
            traverser.run(&calls, &limits, &mut visited, &interrupt)
        });
        common::wait_until("the call", || is_running(clone.pid()));
        interrupt.store(true, Ordering::Relaxed);
        running.join().unwrap()
    });
    assert!(matches!(outcome, Err(TraverserError::Cancelled)));
    drop((traverser, clone));
    subject.target.assert_untouched();
}

fn is_running(pid: exuvia_tracee::Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('R'))
}
