//! How clones end that run freely, and that nothing is left of them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::free::{BOUNDS, Free, Subject};
use common::{children, signal, wait_until};
use exuvia_memory::RemoteAddress;
use exuvia_tracee::{
    Argument, CloneError, CloneStatus, ConfineError, Confinement, Patch, Pid, Process, Routine,
};

fn ends(expression: &str, expected: CloneStatus) {
    let mut subject = Subject::start("");
    let mut free = subject.free_clone();
    free.ask(expression);
    assert_it_ends(&mut subject, free, expression, expected);
}

fn assert_it_ends(subject: &mut Subject, mut free: Free, expression: &str, expected: CloneStatus) {
    let clone = free.clone.pid();
    assert_eq!(free.end(), expected, "{expression}");
    // It is reaped although the tool still has it.
    assert!(Process::open(clone).is_err());
    assert_eq!(free.clone.let_go().unwrap(), expected);
    subject.target.assert_untouched();
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

#[test]
fn exit() {
    ends("os._exit(7)", CloneStatus::Exited(7));
}

#[test]
fn crash() {
    ends("ctypes.string_at(1)", CloneStatus::Signaled(libc::SIGSEGV));
}

#[test]
fn abort() {
    ends("os.abort()", CloneStatus::Signaled(libc::SIGABRT));
}

#[test]
fn a_thread_that_crashes_ends_all() {
    let start = "threading.Thread(target=ctypes.string_at, args=(1,)).start()";
    ends(start, CloneStatus::Signaled(libc::SIGSEGV));
}

#[test]
fn its_time_is_over() {
    let bounds = Confinement {
        time: Duration::from_millis(200),
        ..BOUNDS
    };
    let endless = "next(iter(lambda: 1, 0)) and [0 for _ in iter(int, 1)]";
    let mut subject = Subject::start("");
    let mut free = subject.free_clone_within(&bounds);
    // Its time began before it was let go, and may be over before it is asked anything.
    if let Err(error) = free.try_to_ask(endless) {
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
    assert_it_ends(&mut subject, free, endless, CloneStatus::OutOfTime);
}

#[test]
fn too_many_threads() {
    let setup = "wait = threading.Event()\nthreading.stack_size(65536)";
    let mut subject = Subject::start(setup);
    let mut free = subject.free_clone();
    free.ask(
        "[threading.Thread(target=wait.wait).start() for _ in range(300)] and time.sleep(600)",
    );
    assert_eq!(free.end(), CloneStatus::TooManyThreads);
    subject.target.assert_untouched();
}

#[test]
fn memory_is_bounded() {
    let mut subject = Subject::start("import mmap\nheld = []");
    let mut free = subject.free_clone();
    let refused = "MemoryError()";
    assert_eq!(free.eval("len(bytearray(100 << 20))"), "104857600");
    assert_eq!(free.eval("bytearray(300 << 20)"), refused);
    // Shared memory, too.
    assert_eq!(free.eval("mmap.mmap(-1, 300 << 20)"), "ENOMEM");
    assert_eq!(free.eval("6 * 7"), "42");
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

/// What was asked for before and never used is not refused when it is.
#[test]
fn memory_that_was_never_used_is_bounded() {
    let setup = "import mmap\nflags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000\n\
                 unused = mmap.mmap(-1, 1 << 30, flags=flags)\n\
                 def use(start, end):\n\
                 \x20   for at in range(start, end, 4096): unused[at] = 1";
    let mut subject = Subject::start(setup);
    let bounds = Confinement {
        memory: 64 << 20,
        ..BOUNDS
    };
    let mut free = subject.free_clone_within(&bounds);
    assert_eq!(free.eval("use(0, 32 << 20)"), "None");
    free.ask("use(0, 1 << 30), time.sleep(600)");
    assert_eq!(free.end(), CloneStatus::TooMuchMemory);
    subject.target.assert_untouched();
}

#[test]
fn threads_run() {
    let setup = "def work(results, n): results.append(n)\n\
                 def threads(count):\n\
                 \x20   results = []\n\
                 \x20   all = [threading.Thread(target=work, args=(results, n)) for n in range(count)]\n\
                 \x20   [one.start() for one in all]\n\
                 \x20   [one.join() for one in all]\n\
                 \x20   return sorted(results)";
    let mut subject = Subject::start(setup);
    let mut free = subject.free_clone();
    assert_eq!(free.eval("threads(5)"), "[0, 1, 2, 3, 4]");
    // Those that still run are ended with it.
    assert_eq!(
        free.eval("threading.Thread(target=time.sleep, args=(600,)).start()"),
        "None"
    );
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

#[test]
fn signals_of_others_do_not_reach_it() {
    let mut subject = Subject::start("");
    let mut free = subject.free_clone();
    let clone = free.clone.pid();
    // As the terminal does for Ctrl-C and Ctrl-Z, and somebody for all of a group.
    assert_eq!(
        free.eval("os.getpgrp() == os.getsid(0) == os.getpid()"),
        "True"
    );
    for name in ["INT", "QUIT", "HUP", "USR1", "TSTP", "STOP", "PIPE", "SEGV"] {
        signal(clone, name);
        assert_eq!(free.eval("6 * 7"), "42", "{name}");
    }
    // Its own timers and signals do.
    assert_eq!(
        free.eval("signal.signal(signal.SIGALRM, lambda *_: rung.append(1))"),
        "0"
    );
    assert_eq!(
        free.eval("signal.setitimer(signal.ITIMER_REAL, 0.001)"),
        "(0.0, 0.0)"
    );
    // It may have come before this is asked, or comes at any time after that.
    assert_eq!(
        free.eval("any(time.sleep(0.001) for _ in iter(lambda: bool(rung), True))"),
        "False"
    );
    assert_eq!(free.eval("rung"), "[1]");
    signal(clone, "TERM");
    assert_eq!(free.end(), CloneStatus::Signaled(libc::SIGTERM));
    subject.target.assert_untouched();
}

#[test]
fn killed_by_somebody() {
    let mut subject = Subject::start("");
    let mut free = subject.free_clone();
    signal(free.clone.pid(), "KILL");
    assert_eq!(free.end(), CloneStatus::Signaled(libc::SIGKILL));
    subject.target.assert_untouched();
}

#[test]
fn it_can_be_held_and_go_on() {
    let mut subject = Subject::start("");
    let mut free = subject.free_clone();
    let clone = Process::open(free.clone.pid()).unwrap();
    for _ in 0..20 {
        assert_eq!(free.clone.hold().unwrap(), CloneStatus::Stopped);
        assert_eq!(clone.state(), 't');
        assert_eq!(free.clone.let_go().unwrap(), CloneStatus::Running);
        assert_eq!(free.eval("6 * 7"), "42");
    }
    free.clone.hold().unwrap();
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

#[test]
fn only_a_confined_clone_runs() {
    let mut subject = Subject::start("");
    let clone = subject.target.clone_process();
    let error = clone.let_go().unwrap_err();
    assert!(matches!(error, ConfineError::NotConfined), "{error}");
    let bounds = Confinement {
        channel: 0,
        ..BOUNDS
    };
    let error = clone.confine(&bounds).unwrap_err();
    assert!(matches!(error, ConfineError::Channel(0)), "{error}");
    assert_eq!(Process::open(clone.pid()).unwrap().state(), 't');
    clone.discard().unwrap();
    subject.target.assert_untouched();
}

#[test]
fn the_target_ends() {
    let mut subject = Subject::start("");
    let mut free = subject.free_clone();
    let clone = free.clone.pid();
    subject.target.kill();
    subject.target.wait();
    assert_eq!(free.end(), CloneStatus::TargetEnded);
    assert!(Process::open(clone).is_err());
}

const TARGET: &str = "EXUVIA_TEST_FREE_TARGET";
const CHANNEL: &str = "EXUVIA_TEST_FREE_CHANNEL";

/// Not a test of its own: the tool that is killed.
#[test]
fn tool() {
    let Ok(pid) = std::env::var(TARGET) else {
        return;
    };
    let at = std::env::var(CHANNEL).unwrap().parse().unwrap();
    let mut free = common::free::free_clone(Pid(pid.parse().unwrap()), at, &BOUNDS);
    free.ask("time.sleep(600)");
    println!("\nbegun");
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_killed_tool_leaves_nothing() {
    let mut subject = Subject::start("");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tool", "--nocapture"])
        .env(TARGET, subject.target.pid().to_string())
        .env(CHANNEL, subject.channel_at.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let begun = output.lines().any(|line| line.unwrap() == "begun");
    assert!(begun, "the tool failed");
    assert_eq!(children(subject.target.pid()).len(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let pid = subject.target.pid();
    wait_until("the end of the clone", || children(pid).is_empty());
    wait_until("the end of the tracing", || {
        subject.target.process().tracer_pid().is_none()
    });
    subject.target.assert_untouched();
}

#[test]
fn a_wait_is_interrupted() {
    let mut subject = Subject::start("words = (ctypes.c_uint64 * 1)(1)");
    let at = subject.target.eval("ctypes.addressof(words)");
    let at = RemoteAddress::new(at.parse().unwrap());
    let mut free = subject.free_clone();
    let process = free.clone.pid();
    let waits = || {
        let call = std::fs::read_to_string(format!("/proc/{process}/syscall")).unwrap();
        let numbers = [libc::SYS_clock_nanosleep, libc::SYS_select];
        numbers
            .iter()
            .any(|number| call.starts_with(&format!("{number} ")))
    };
    free.ask("(time.sleep(100000), words[0])");
    wait_until("the wait", waits);
    let patch = |before: u64| Patch::new().expect(at, &before.to_le_bytes()).add(at, 1);
    assert!(!free.clone.interrupt(&patch(7), None).unwrap());
    wait_until("the wait", waits);
    assert!(free.clone.interrupt(&patch(1), None).unwrap());
    assert_eq!(free.answer(), "(None, 2)");
    // The channel is no such wait.
    assert!(free.clone.interrupt(&patch(2), None).unwrap());
    assert_eq!(free.eval("words[0]"), "3");
    // Who goes to wait after an interrupt returns early from that with the next.
    let set = Patch::new().expect(at, &3u64.to_le_bytes());
    let set = set.set(at, &4u64.to_le_bytes());
    free.ask("([time.sleep(100000) for _ in range(2)], words[0])");
    wait_until("the first wait", waits);
    assert!(free.clone.interrupt(&set, None).unwrap());
    wait_until("the second wait", waits);
    assert!(!free.clone.interrupt(&set, None).unwrap());
    assert_eq!(free.answer(), "([None, None], 4)");
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

/// Functions that are called before the clone is let go are confined as well.
#[test]
fn called_functions_are_confined() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "contents").unwrap();
    let mut subject = Subject::start("");
    let mut address = |name: &str| {
        let address = format!("ctypes.cast(libc.{name}, ctypes.c_void_p).value");
        RemoteAddress::new(subject.target.eval(&address).parse().unwrap())
    };
    let (unlink, exit) = (address("unlink"), address("_exit"));
    let clone = subject.target.clone_process();
    let channel = clone.open_channel().unwrap();
    let bounds = Confinement {
        channel: channel.theirs,
        ..BOUNDS
    };
    clone.confine(&bounds).unwrap();
    let mut routine = Routine::new();
    let path = routine.text(file.to_str().unwrap().as_bytes());
    let unlinked = routine.call(unlink, &[Argument::Data(path)]);
    routine.call(exit, &[Argument::Result(unlinked)]);
    clone.call(&routine, Duration::from_secs(20)).unwrap();
    assert_eq!(clone.let_go().unwrap(), CloneStatus::Running);
    wait_until("its end", || clone.status().unwrap().has_ended());
    // What `unlink` returned.
    assert_eq!(clone.status().unwrap(), CloneStatus::Exited(255));
    assert!(file.exists());
    subject.target.assert_untouched();
}

/// A filter of the target's that kills for what is needed to confine it is suspended meanwhile, and
/// no longer.
#[test]
fn a_deadly_filter_of_the_target() {
    let deadly = [
        libc::SYS_setsid,
        libc::SYS_seccomp,
        libc::SYS_dup3,
        libc::SYS_getppid,
    ];
    let setup = format!(
        "import struct\n\
         code = [(0x20, 0, 0, 0)]\n\
         for number in {deadly:?}: code += [(0x15, 0, 1, number), (0x06, 0, 0, 0x80000000)]\n\
         code.append((0x06, 0, 0, 0x7fff0000))\n\
         program = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *i) for i in code))\n\
         header = struct.pack('HxxxxxxP', len(code), ctypes.addressof(program))\n\
         assert libc.prctl(38, 1, 0, 0, 0) == 0\n\
         assert libc.prctl(22, 2, ctypes.c_char_p(header)) == 0"
    );
    let mut subject = Subject::start(&setup);
    match subject.target.freeze().fork_and_release() {
        Ok((clone, _)) => clone.discard().unwrap(),
        // Only root may suspend it.
        Err((_, CloneError::Filtered)) => return,
        Err((_, error)) => panic!("{error}"),
    };
    let mut free = subject.free_clone();
    assert_eq!(free.eval("6 * 7"), "42");
    assert_eq!(free.eval("os.unlink('/')"), "EPERM");
    free.ask("os.getppid()");
    assert_eq!(free.end(), CloneStatus::Signaled(libc::SIGSYS));
    subject.target.assert_untouched();
}
