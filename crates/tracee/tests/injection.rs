//! What is done in a process: a connection with it, changes of its memory, calls in its threads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io::{Read, Write};
use std::sync::atomic::AtomicBool;

use common::{DEADLINE, Target};
use exuvia_memory::RemoteAddress;
use exuvia_tracee::{
    Argument, Frozen, InjectionError, Mappings, Patch, Pid, Routine, ThreadStop, Tracer, Will,
    find_symbol,
};

fn freeze(tracer: &Tracer, target: &Target) -> Frozen {
    let interrupt = AtomicBool::new(false);
    tracer
        .freeze(&target.process(), DEADLINE, &interrupt)
        .unwrap()
}

fn symbol(target: &Target, name: &str) -> RemoteAddress {
    let mappings = Mappings::read(target.pid()).unwrap();
    let found = find_symbol(&target.process(), &mappings, name);
    found.unwrap().address
}

/// A thread that waits in this system call.
fn waiting(frozen: &Frozen, call: i64) -> ThreadStop {
    let threads = frozen.threads().iter();
    let mut found = threads.filter(|thread| thread.system_call == Some(call));
    *found.next().unwrap()
}

fn descriptors(target: &Target) -> Vec<String> {
    let folder = std::fs::read_dir(format!("/proc/{}/fd", target.pid())).unwrap();
    let mut found: Vec<String> = folder
        .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap())
        .map(|path| path.display().to_string())
        .collect();
    found.sort();
    found
}

/// Code in the only thread of a target that waits for a line.
fn run(target: &Target, tracer: &Tracer, code: &str) {
    let mut routine = Routine::new();
    let text = routine.text(code.as_bytes());
    let state = routine.call(symbol(target, "PyGILState_Ensure"), &[]);
    let run = symbol(target, "PyRun_SimpleString");
    routine.call(run, &[Argument::Data(text)]);
    let release = symbol(target, "PyGILState_Release");
    routine.call(release, &[Argument::Result(state)]);
    call(target, tracer, &routine).unwrap();
}

/// Functions in that thread.
fn call(target: &Target, tracer: &Tracer, routine: &Routine) -> Result<(), InjectionError> {
    target.wait_for_system_call(&[libc::SYS_read]);
    let frozen = freeze(tracer, target);
    let thread = waiting(&frozen, libc::SYS_read).tid;
    frozen.call(thread, routine).unwrap();
    while !tracer.has_called()? {
        std::thread::yield_now();
    }
    Ok(())
}

#[test]
fn a_channel_leads_into_the_process_and_leaves_one_descriptor() {
    let mut target = Target::start("");
    let before = descriptors(&target);
    let tracer = Tracer::start(&target.process()).unwrap();
    let mut frozen = freeze(&tracer, &target);
    let mut channel = frozen.open_channel().unwrap();
    frozen.release();
    assert_eq!(descriptors(&target).len(), before.len() + 1);
    let number = channel.theirs;
    channel.ours.write_all(b"over").unwrap();
    assert_eq!(target.eval(&format!("os.read({number}, 4)")), "b'over'");
    assert_eq!(target.eval(&format!("os.write({number}, b'back')")), "4");
    let mut bytes = [0; 4];
    channel.ours.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"back");
    drop(tracer);
    assert_eq!(descriptors(&target), before);
}

#[test]
fn what_was_taken_over_is_left_and_what_another_has_by_now_too() {
    let mut target = Target::start("");
    let tracer = Tracer::start(&target.process()).unwrap();
    let mut frozen = freeze(&tracer, &target);
    let taken = frozen.open_channel().unwrap().theirs;
    frozen.release();
    tracer.taken().unwrap();
    let mut frozen = freeze(&tracer, &target);
    let other = frozen.open_file(b"1 + 1").unwrap();
    frozen.release();
    let read = format!("open('/proc/self/fd/{other}').read()");
    assert_eq!(target.eval(&read), "1 + 1");
    // By its path it is the same.
    target.eval(&format!("os.dup2(os.memfd_create('exuvia'), {other})"));
    drop(tracer);
    let exists = |number| format!("os.path.exists('/proc/self/fd/{number}')");
    assert_eq!(target.eval(&exists(taken)), "True");
    assert_eq!(target.eval(&exists(other)), "True");
}

#[test]
fn a_patch_is_applied_whole_or_not_at_all() {
    let mut target = Target::start("words = (ctypes.c_uint64 * 3)(1, 2, 3)");
    let at: u64 = target.eval("ctypes.addressof(words)").parse().unwrap();
    let word = |index: u64| RemoteAddress::new(at + index * 8);
    let tracer = Tracer::start(&target.process()).unwrap();
    let patch = Patch::new()
        .expect(word(0), &1u64.to_le_bytes())
        .set(word(0), &[9])
        .set_bits(word(1), 4)
        .add(word(2), -5);
    let mut frozen = freeze(&tracer, &target);
    assert!(frozen.apply(&patch).unwrap());
    assert!(!frozen.apply(&patch).unwrap(), "it is not 1 any more");
    let nowhere = Patch::new()
        .expect(RemoteAddress::new(16), &[0])
        .set(word(0), &[7]);
    assert!(!frozen.apply(&nowhere).unwrap());
    frozen.release();
    let expected = format!("[9, 6, {}]", (3u64).wrapping_sub(5));
    assert_eq!(target.eval("list(words)"), expected);
}

#[test]
fn a_waiting_thread_calls_functions_and_waits_on() {
    let mut target =
        Target::start("seen = []\nsignal.signal(signal.SIGUSR1, lambda *_: seen.append('signal'))");
    let tracer = Tracer::start(&target.process()).unwrap();
    for round in 0..20 {
        run(&target, &tracer, &format!("seen.append({round})"));
    }
    assert_eq!(target.eval("seen == list(range(20))"), "True");
    assert_eq!(target.eval("seen.clear()"), "None");
    // A signal waits for the end of the call.
    let kill = "os.kill(os.getpid(), signal.SIGUSR1); seen.append('call')";
    run(&target, &tracer, kill);
    assert_eq!(target.eval("seen"), "['call', 'signal']");
    drop(tracer);
    assert_eq!(target.process().tracer_pid(), None);
}

#[test]
fn an_interrupt_that_fails_leaves_a_call_alone() {
    let mut target = Target::start("");
    let tracer = Tracer::start(&target.process()).unwrap();
    target.wait_for_system_call(&[libc::SYS_read]);
    let mut frozen = freeze(&tracer, &target);
    let mut channel = frozen.open_channel().unwrap();
    let mut routine = Routine::new();
    let code = format!("seen = os.read({}, 4)", channel.theirs);
    let text = routine.text(code.as_bytes());
    let state = routine.call(symbol(&target, "PyGILState_Ensure"), &[]);
    let run = symbol(&target, "PyRun_SimpleString");
    routine.call(run, &[Argument::Data(text)]);
    let release = symbol(&target, "PyGILState_Release");
    routine.call(release, &[Argument::Result(state)]);
    let thread = waiting(&frozen, libc::SYS_read).tid;
    frozen.call(thread, &routine).unwrap();
    // There is nothing at this address.
    let patch = Patch::new().set_bits(RemoteAddress::new(16), 1);
    let interrupted = tracer.interrupt(&patch, thread);
    assert!(
        matches!(interrupted, Err(InjectionError::Os { .. })),
        "{interrupted:?}"
    );
    assert!(!tracer.has_called().unwrap());
    channel.ours.write_all(b"over").unwrap();
    while !tracer.has_called().unwrap() {
        std::thread::yield_now();
    }
    assert_eq!(target.eval("seen"), "b'over'");
}

#[test]
fn calls_that_fail_take_over_nothing() {
    let target = Target::start("");
    let before = descriptors(&target);
    for (function, fails) in [("PyErr_Occurred", true), ("Py_GetVersion", false)] {
        let tracer = Tracer::start(&target.process()).unwrap();
        let mut frozen = freeze(&tracer, &target);
        let channel = frozen.open_channel().unwrap();
        frozen.release();
        let mut routine = Routine::new();
        let state = routine.call(symbol(&target, "PyGILState_Ensure"), &[]);
        let required = routine.call(symbol(&target, function), &[]);
        routine.require(required);
        let release = symbol(&target, "PyGILState_Release");
        routine.call(release, &[Argument::Result(state)]);
        let called = call(&target, &tracer, &routine);
        assert_eq!(matches!(called, Err(InjectionError::Failed)), fails);
        assert_eq!(called.is_ok(), !fails);
        drop(tracer);
        drop(channel);
        assert_eq!(descriptors(&target) == before, fails);
    }
}

#[test]
fn a_will_is_done_when_the_tracer_is_gone() {
    let mut target = Target::start("words = (ctypes.c_uint64 * 1)(1)");
    let at: u64 = target.eval("ctypes.addressof(words)").parse().unwrap();
    let word = RemoteAddress::new(at);
    let before = descriptors(&target);
    let will = |from: u64, to: u64| {
        let patch = Patch::new().expect(word, &from.to_le_bytes());
        Will::Withdraw(patch.set(word, &to.to_le_bytes()))
    };
    for (will, word, is_closed) in [
        (Some(will(1, 2)), "[2]", true),
        (Some(will(1, 3)), "[2]", false),
        (None, "[2]", true),
    ] {
        let tracer = Tracer::start(&target.process()).unwrap();
        let mut frozen = freeze(&tracer, &target);
        let number = frozen.open_channel().unwrap().theirs;
        frozen.release();
        tracer.set_will(will).unwrap();
        drop(tracer);
        assert_eq!(target.eval("list(words)"), word);
        assert_eq!(descriptors(&target) == before, is_closed);
        if !is_closed {
            target.eval(&format!("os.close({number})"));
        }
    }
}

#[test]
fn an_interrupt_ends_a_wait_early() {
    let mut target = Target::start("words = (ctypes.c_uint64 * 1)(0)");
    let at: u64 = target.eval("ctypes.addressof(words)").parse().unwrap();
    let tracer = Tracer::start(&target.process()).unwrap();
    let patch = Patch::new().add(RemoteAddress::new(at), 1);
    // Far longer than any test.
    target.ask("time.sleep(100000)");
    target.wait_for_system_call(&[libc::SYS_clock_nanosleep, libc::SYS_select]);
    assert!(tracer.interrupt(&patch, target.pid()).unwrap());
    assert_eq!(target.answer(), "None");
    assert_eq!(target.eval("list(words)"), "[1]");
}

/// As one that was on its way into a call when it was interrupted.
#[test]
fn who_goes_to_wait_after_an_interrupt_returns_early_from_that_with_the_next() {
    let setup = "import select; words = (ctypes.c_uint64 * 1)(1)\n\
                 threading.Thread(target=select.epoll().poll, daemon=True).start()";
    let mut target = Target::start(setup);
    let at: u64 = target.eval("ctypes.addressof(words)").parse().unwrap();
    let other = target.eval("threading.enumerate()[1].native_id");
    let other = Pid(other.parse().unwrap());
    let word = RemoteAddress::new(at);
    let tracer = Tracer::start(&target.process()).unwrap();
    let patch = Patch::new().expect(word, &1u64.to_le_bytes());
    let patch = patch.set(word, &2u64.to_le_bytes());
    target.ask("[time.sleep(100000) for _ in range(3)]");
    let sleep = [libc::SYS_clock_nanosleep, libc::SYS_select];
    target.wait_for_system_call(&sleep);
    assert!(tracer.interrupt(&patch, target.pid()).unwrap());
    target.wait_for_system_call_of(other, &EPOLL);
    let switches = context_switches(&target, other);
    for _ in 0..2 {
        target.wait_for_system_call(&sleep);
        assert!(!tracer.interrupt(&patch, target.pid()).unwrap());
    }
    assert_eq!(target.answer(), "[None, None, None]");
    assert_eq!(target.eval("list(words)"), "[2]");
    // For these two, no other thread was stopped.
    assert_eq!(context_switches(&target, other), switches);
}

const EPOLL: [i64; 2] = [libc::SYS_epoll_wait, libc::SYS_epoll_pwait];

fn context_switches(target: &Target, thread: Pid) -> Vec<String> {
    let status = format!("/proc/{}/task/{thread}/status", target.pid());
    let status = std::fs::read_to_string(status).unwrap();
    let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
    lines.map(str::to_owned).collect()
}

#[test]
fn who_has_not_noticed_an_interrupt_is_not_stopped_for_the_next() {
    let mut target = Target::start("import select; words = (ctypes.c_uint64 * 1)(1)");
    let at: u64 = target.eval("ctypes.addressof(words)").parse().unwrap();
    let word = RemoteAddress::new(at);
    let tracer = Tracer::start(&target.process()).unwrap();
    let expecting = |value: u64| Patch::new().expect(word, &value.to_le_bytes()).add(word, 1);
    // Far longer than any test. A stop would make it wait all that time again.
    target.ask("select.epoll().poll(100000)");
    target.wait_for_system_call(&EPOLL);
    let switches = || context_switches(&target, target.pid());
    let before = switches();
    for _ in 0..100 {
        assert!(!tracer.interrupt(&expecting(0), target.pid()).unwrap());
    }
    assert_eq!(switches(), before);
    assert!(tracer.interrupt(&expecting(1), target.pid()).unwrap());
    assert_eq!(target.answer(), "[]");
    assert_eq!(target.eval("list(words)"), "[2]");
}

#[test]
fn a_clone_calls_functions_that_the_process_does_not() {
    let mut target = Target::start("words = (ctypes.c_uint64 * 1)(0)");
    let at: u64 = target.eval("ctypes.addressof(words)").parse().unwrap();
    target.wait_for_system_call(&[libc::SYS_read]);
    let before = descriptors(&target);
    let frozen = target.freeze();
    let thread = waiting(&frozen, libc::SYS_read).tid;
    let (clone, _) = frozen.fork_from(Some(thread)).unwrap();
    let channel = clone.open_channel().unwrap();
    assert!(channel.theirs > 2);
    assert_eq!(descriptors(&target), before);
    let mut routine = Routine::new();
    let text = routine.text(b"words[0] = len(seen) if 'seen' in globals() else 7");
    routine.call(symbol(&target, "PyGILState_Ensure"), &[]);
    let run = symbol(&target, "PyRun_SimpleString");
    routine.call(run, &[Argument::Data(text)]);
    // The last call is not made before the clone is let go.
    routine.call(run, &[Argument::Word(0)]);
    clone.call(&routine, DEADLINE).unwrap();
    let mut word = [0; 8];
    let memory = clone.memory().unwrap();
    exuvia_memory::Memory::read_exact(memory, RemoteAddress::new(at), &mut word).unwrap();
    assert_eq!(u64::from_le_bytes(word), 7);
    assert_eq!(target.eval("list(words)"), "[0]");
    clone.discard().unwrap();
    target.assert_untouched();
}
