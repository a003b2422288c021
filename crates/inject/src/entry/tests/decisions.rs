use std::path::PathBuf;

use exuvia_cpython::Layout;
use exuvia_memory::RemoteAddress;
use exuvia_tracee::{Mapping, Mappings, Permissions, Pid, ThreadStop};
use syscalls::Sysno;

use super::layout;
use crate::entry::decide::Moment;
use crate::entry::ring::Lock;
use crate::entry::{
    Attachment, CopyStart, Decision, GilState, Phase, PythonThread, Refusal, RemoteDebugging, Ring,
    RuntimeState, Wanted, Way, decide,
};

const GIL: u64 = 0x30_0000;
const MAIN: RemoteAddress = RemoteAddress::new(0x40_0000);
const WORKER: RemoteAddress = RemoteAddress::new(0x41_0000);
/// Thread pointers.
const MAIN_ID: u64 = 0x5000;
const WORKER_ID: u64 = 0x6000;
const MAIN_TID: Pid = Pid(100);
const WORKER_TID: Pid = Pid(101);

const STACK: u64 = 0x7000_0000;
const LIBRARY: u64 = 0x8000_0000;
const HEAP: u64 = 0x9000_0000;
const SEMAPHORE: u64 = 0xa000_0000;

/// Two threads, of which the worker runs and has the lock, and the main one accepts connections.
struct Scene {
    layout: Layout,
    state: RuntimeState,
    stops: Vec<ThreadStop>,
    reads_scripts: bool,
}

impl Scene {
    fn new(minor: u8, micro: u8) -> Self {
        let ring = Ring {
            address: 0x70_0000.into(),
            first: 0,
            last: 0,
            length: 32,
            waiting: 0,
            limit: 31,
            texts: Vec::new(),
            lock: Lock::Semaphore {
                address: 0x71_0000.into(),
                value: 1,
            },
            is_finishing: false,
            is_served: false,
        };
        let layout = layout(minor, micro);
        let has_two = layout
            .structs
            .py_runtime_state
            .ceval_pending_mainthread
            .is_some();
        let has_scripts = layout
            .structs
            .py_thread_state
            .debugger_pending_call
            .is_some();
        Self {
            layout,
            state: RuntimeState {
                runtime: 0x10_0000.into(),
                interpreter: 0x20_0000.into(),
                phase: Phase::Running,
                gil: Some(GilState {
                    address: GIL.into(),
                    size: 208,
                    holder: Some(WORKER),
                    changes_hands: false,
                }),
                threads: vec![thread(WORKER, WORKER_ID), thread(MAIN, MAIN_ID)],
                main_thread: MAIN_ID,
                stops_the_world: false,
                has_audit_hooks: false,
                is_near_limit: false,
                remote_debugging: match has_scripts {
                    true => RemoteDebugging::Enabled,
                    false => RemoteDebugging::Unknown,
                },
                main_ring: has_two.then(|| ring.clone()),
                ring: Some(ring),
            },
            stops: vec![
                stop(MAIN_TID, MAIN_ID, Some(Sysno::accept4)),
                stop(WORKER_TID, WORKER_ID, None),
            ],
            reads_scripts: has_scripts,
        }
    }

    /// The worker waits as well, for a word, and nobody has the lock.
    fn all_wait(mut self, word: u64) -> Self {
        self.free_lock();
        self.stops[1] = stop(WORKER_TID, WORKER_ID, Some(Sysno::futex));
        self.stops[1].arguments = [word, 128, 0, 0, 0, 0];
        self
    }

    fn free_lock(&mut self) {
        if let Some(gil) = &mut self.state.gil {
            gil.holder = None;
        }
    }

    fn with_moment<T>(&self, use_it: impl FnOnce(&Moment<'_>) -> T) -> T {
        let name = "/dev/shm/sem.Ah6mZP (deleted)";
        let mut semaphore = mapping(SEMAPHORE, SEMAPHORE + 0x1000, name, 8);
        semaphore.permissions.shared = true;
        let mappings: Mappings = [
            mapping(STACK, STACK + 0x20_0000, "", 0),
            mapping(LIBRARY, LIBRARY + 0x1000, "/lib/libc.so.6", 7),
            mapping(LIBRARY + 0x1000, LIBRARY + 0x3000, "", 0),
            mapping(HEAP, HEAP + 0x10_0000, "[heap]", 0),
            semaphore,
        ]
        .into_iter()
        .collect();
        use_it(&Moment {
            state: &self.state,
            layout: &self.layout,
            stops: &self.stops,
            mappings: &mappings,
            stack_limit: 8 << 20,
            reads_scripts: self.reads_scripts,
        })
    }

    fn decide(&self, wanted: Wanted, is_first: bool) -> Decision {
        self.with_moment(|moment| decide(moment, wanted, is_first))
    }

    /// The way at the first look.
    fn way(&self, wanted: Wanted) -> Option<Way> {
        match self.decide(wanted, true) {
            Decision::Go(way) => Some(way),
            Decision::NotNow(_) | Decision::Refused(_) => None,
        }
    }
}

fn thread(address: RemoteAddress, thread_id: u64) -> PythonThread {
    PythonThread {
        address,
        thread_id,
        has_exception: false,
        has_frames: true,
        attachment: None,
        eval_breaker: None,
        async_exc: RemoteAddress::NULL,
        runs_script_soon: false,
    }
}

fn stop(tid: Pid, thread_pointer: u64, call: Option<Sysno>) -> ThreadStop {
    ThreadStop {
        tid,
        system_call: call.map(|call| i64::from(call.id())),
        instruction_pointer: LIBRARY,
        stack_pointer: STACK + 0x10_0000,
        thread_pointer,
        arguments: [3, 0, 0, 0, 0, 0],
    }
}

fn mapping(start: u64, end: u64, path: &str, inode: u64) -> Mapping {
    Mapping {
        start: start.into(),
        end: end.into(),
        permissions: Permissions {
            readable: true,
            writable: true,
            executable: false,
            shared: false,
        },
        offset: 0,
        path: (!path.is_empty()).then(|| PathBuf::from(path)),
        inode,
        device: (0, 1),
    }
}

const ANY_RING: Option<Way> = Some(Way::Ring { main_only: false });
const MAIN_RING: Option<Way> = Some(Way::Ring { main_only: true });
const IN_MAIN: Option<Way> = Some(Way::Call { tid: MAIN_TID });
const IN_WORKER: Option<Way> = Some(Way::Call { tid: WORKER_TID });

#[test]
fn whoever_runs_serves_the_ring_from_3_12() {
    assert_eq!(Scene::new(12, 1).way(Wanted::Any), ANY_RING);
    assert_eq!(Scene::new(13, 0).way(Wanted::Any), ANY_RING);
    // The main thread does not look while it accepts.
    assert_eq!(Scene::new(12, 1).way(Wanted::Main), IN_MAIN);
    assert_eq!(Scene::new(11, 7).way(Wanted::Any), IN_MAIN);
}

#[test]
fn a_main_thread_that_wants_the_lock_looks_soon() {
    for (minor, micro, ring) in [(8, 18, ANY_RING), (11, 7, ANY_RING), (12, 1, ANY_RING)] {
        let mut scene = Scene::new(minor, micro);
        scene.stops[0] = stop(MAIN_TID, MAIN_ID, Some(Sysno::futex));
        scene.stops[0].arguments = [GIL + 32, 128, 0, 0, 0, 0];
        assert_eq!(scene.way(Wanted::Any), ring);
        let way = scene.way(Wanted::Main);
        assert_eq!(way, MAIN_RING);
    }
}

#[test]
fn where_all_wait_one_is_called_and_rather_not_the_main_one() {
    for (minor, micro) in [(8, 18), (11, 7), (12, 1), (13, 0), (15, 2)] {
        let scene = Scene::new(minor, micro).all_wait(HEAP + 0x8000);
        assert_eq!(scene.way(Wanted::Any), IN_WORKER);
        assert_eq!(scene.way(Wanted::Main), IN_MAIN);
    }
}

#[test]
fn who_waits_for_a_lock_of_a_library_is_not_called() {
    // A variable of a library, one that begins as zeros, and the head of an arena.
    for word in [LIBRARY + 0x800, LIBRARY + 0x2800, 0x9400_0010] {
        let scene = Scene::new(11, 7).all_wait(word);
        assert_eq!(scene.way(Wanted::Any), IN_MAIN, "{word:#x}");
    }
}

#[test]
fn who_waits_for_a_semaphore_between_processes_is_called() {
    let scene = Scene::new(12, 1).all_wait(SEMAPHORE);
    assert_eq!(scene.way(Wanted::Any), IN_WORKER);
}

#[test]
fn who_changes_memory_or_runs_is_not_called() {
    for call in [Some(Sysno::mmap), Some(Sysno::brk), None] {
        let mut scene = Scene::new(11, 7).all_wait(HEAP + 0x8000);
        scene.stops[1] = stop(WORKER_TID, WORKER_ID, call);
        assert_eq!(scene.way(Wanted::Any), IN_MAIN, "{call:?}");
    }
}

#[test]
fn who_raises_or_has_no_stack_left_is_not_called() {
    let mut scene = Scene::new(11, 7).all_wait(HEAP + 0x8000);
    scene.state.threads[0].has_exception = true;
    assert_eq!(scene.way(Wanted::Any), IN_MAIN);
    let mut scene = Scene::new(11, 7).all_wait(HEAP + 0x8000);
    scene.stops[1].stack_pointer = STACK + 0x8000;
    assert_eq!(scene.way(Wanted::Any), IN_MAIN);
    scene.stops[0].stack_pointer = STACK + 0x8000;
    // Somebody may look later.
    assert_eq!(scene.way(Wanted::Any), ANY_RING);
}

#[test]
fn without_a_lock_only_who_is_detached_is_called() {
    let mut scene = Scene::new(13, 0).all_wait(HEAP + 0x8000);
    scene.state.gil = None;
    scene.state.threads[0].attachment = Some(Attachment::Suspended);
    scene.state.threads[1].attachment = Some(Attachment::Detached);
    assert_eq!(scene.way(Wanted::Any), IN_MAIN);
}

#[test]
fn who_embeds_python_and_keeps_the_lock_is_called() {
    for (minor, micro) in [(8, 18), (12, 1), (13, 0)] {
        let mut scene = Scene::new(minor, micro);
        scene.stops[1] = stop(WORKER_TID, WORKER_ID, Some(Sysno::read));
        // In the middle of something that reads.
        let asked = scene.way(Wanted::Any);
        assert_ne!(asked, IN_WORKER);
        scene.stops.remove(0);
        scene.state.threads[0].has_frames = false;
        if minor == 13 {
            scene.state.threads[0].attachment = Some(Attachment::Attached);
        }
        assert_eq!(scene.way(Wanted::Any), IN_WORKER);
    }
}

#[test]
fn audit_hooks_close_the_ring() {
    let mut scene = Scene::new(12, 1);
    scene.state.has_audit_hooks = true;
    assert_eq!(scene.way(Wanted::Any), IN_MAIN);
    scene.stops[0] = stop(MAIN_TID, MAIN_ID, None);
    assert_eq!(scene.way(Wanted::Any), None);
}

#[test]
fn the_limit_of_recursion_closes_the_ring() {
    for (minor, micro) in [(8, 18), (12, 1)] {
        let mut scene = Scene::new(minor, micro);
        scene.stops[0] = stop(MAIN_TID, MAIN_ID, None);
        assert!(matches!(scene.way(Wanted::Any), Some(Way::Ring { .. })));
        scene.state.is_near_limit = true;
        assert_eq!(scene.way(Wanted::Any), None);
    }
}

#[test]
fn a_closed_ring_is_no_way() {
    for close in [
        (|ring: &mut Ring| ring.waiting = ring.limit) as fn(&mut Ring),
        |ring| ring.is_finishing = true,
        |ring| {
            ring.lock = Lock::Mutex {
                address: RemoteAddress::NULL,
                bits: 1,
            }
        },
    ] {
        let mut scene = Scene::new(12, 1);
        close(scene.state.ring.as_mut().unwrap());
        assert_eq!(scene.way(Wanted::Any), IN_MAIN);
    }
}

#[test]
fn scripts_come_first_where_they_can_be_read() {
    for (minor, micro) in [(14, 10), (15, 2)] {
        let mut scene = Scene::new(minor, micro);
        assert_eq!(scene.way(Wanted::Any), Some(Way::Script { thread: WORKER }));
        scene.reads_scripts = false;
        assert_eq!(scene.way(Wanted::Any), ANY_RING);
        let mut scene = Scene::new(minor, micro);
        scene.state.threads[0].runs_script_soon = true;
        assert_eq!(scene.way(Wanted::Any), IN_MAIN);
    }
}

#[test]
fn who_is_not_wanted_gets_a_refusal() {
    let mut scene = Scene::new(14, 10);
    scene.state.remote_debugging = RemoteDebugging::Disabled;
    let refused = Decision::Refused(Refusal::RemoteDebuggingDisabled);
    assert_eq!(scene.decide(Wanted::Any, true), refused);
    for (phase, refusal) in [
        (Phase::Finalizing, Refusal::Finalizing),
        (Phase::NotInitialized, Refusal::NotInitialized),
    ] {
        scene.state.phase = phase;
        assert_eq!(scene.decide(Wanted::Any, true), Decision::Refused(refusal));
    }
}

#[test]
fn who_did_not_look_is_waited_for_where_the_lock_is_needed_anyway() {
    let again = |scene: &Scene, wanted| match scene.decide(wanted, false) {
        Decision::Go(way) => Some(way),
        _ => None,
    };
    assert_eq!(again(&Scene::new(12, 1), Wanted::Any), ANY_RING);
    // Up to 3.11, the main thread may run something else than Python code.
    let mut scene = Scene::new(11, 7).all_wait(HEAP + 0x8000);
    scene.stops[0] = stop(MAIN_TID, MAIN_ID, None);
    assert_eq!(scene.way(Wanted::Any), ANY_RING);
    assert_eq!(again(&scene, Wanted::Any), IN_WORKER);
    let mut scene = Scene::new(12, 1);
    scene.free_lock();
    assert_eq!(again(&scene, Wanted::Any), IN_MAIN);
}

#[test]
fn nobody_can_be_asked_or_called() {
    let mut scene = Scene::new(11, 7).all_wait(LIBRARY);
    scene.stops[0] = stop(MAIN_TID, MAIN_ID, Some(Sysno::mmap));
    scene.state.has_audit_hooks = true;
    let Decision::NotNow(threads) = scene.decide(Wanted::Any, true) else {
        panic!("there is a way");
    };
    let said: Vec<_> = threads.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2);
    assert!(said[0].ends_with("(the main one) is in mmap()"), "{said:?}");
    assert!(said[1].ends_with(" is in futex()"), "{said:?}");
}

#[test]
fn copies_are_made_of_who_has_the_lock() {
    let copied = |scene: &Scene| {
        scene.with_moment(|moment| {
            let copied = moment.thread_to_copy();
            copied.map(|copied| (copied.stop.tid, copied.start))
        })
    };
    let scene = Scene::new(12, 1);
    assert_eq!(copied(&scene), Some((WORKER_TID, CopyStart::Post)));
    let scene = scene.all_wait(HEAP + 0x8000);
    assert_eq!(copied(&scene), Some((MAIN_TID, CopyStart::Call)));
    let mut scene = Scene::new(13, 0);
    scene.state.stops_the_world = true;
    assert_eq!(copied(&scene), None);
}

/// Who takes the lock or gives it away is not in a copy of another thread, which would wait for it.
#[test]
fn copies_are_best_made_while_the_lock_does_not_change_hands() {
    let mut scene = Scene::new(12, 1).all_wait(HEAP + 0x8000);
    for (holder, changes_hands, is_promising) in [
        (None, false, true),
        (None, true, false),
        (Some(WORKER), true, true),
    ] {
        let gil = scene.state.gil.as_mut().unwrap();
        (gil.holder, gil.changes_hands) = (holder, changes_hands);
        let copied = scene.with_moment(|moment| moment.thread_to_copy()).unwrap();
        assert_eq!(copied.is_promising, is_promising, "{holder:?}");
    }
}

/// Without a lock, other threads that run may have locked what the copy would wait for.
#[test]
fn copies_are_best_made_while_nobody_else_runs() {
    use Attachment::{Attached, Detached, Suspended};
    let mut scene = Scene::new(13, 0);
    scene.state.gil = None;
    for (worker, main, copied, is_promising) in [
        (Attached, Detached, WORKER_TID, true),
        (Attached, Suspended, WORKER_TID, true),
        (Detached, Attached, MAIN_TID, true),
        (Attached, Attached, MAIN_TID, false),
    ] {
        scene.state.threads[0].attachment = Some(worker);
        scene.state.threads[1].attachment = Some(main);
        let found = scene.with_moment(|moment| {
            let found = moment.thread_to_copy();
            found.map(|found| (found.stop.tid, found.is_promising))
        });
        assert_eq!(found, Some((copied, is_promising)), "{worker:?}, {main:?}");
    }
}
