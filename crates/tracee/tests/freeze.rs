//! Freezing and releasing leave no trace in the target.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{DEADLINE, Target, children, signal, wait_until};
use exuvia_tracee::{FreezeError, Frozen, OpenError, Patch, Pid, Process, StuckReason, Tracer};

#[test]
fn a_frozen_process_runs_on_after_the_release() {
    let mut target = Target::start("");
    let begun = Instant::now();
    let frozen = target.freeze();
    assert_eq!(target.process().state(), 't');
    assert!(target.process().tracer_pid().is_some());
    let stood_still = frozen.release();
    // On a busy machine it may be long, but not longer than it was.
    let most = begun.elapsed();
    assert!(
        stood_still > Duration::ZERO && stood_still <= most,
        "{stood_still:?}"
    );
    target.assert_untouched();
}

#[test]
fn dropping_releases() {
    let mut target = Target::start("");
    drop(target.freeze());
    target.assert_untouched();
}

#[test]
fn unwinding_releases() {
    let mut target = Target::start("");
    let frozen = target.freeze();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _frozen = frozen;
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    target.assert_untouched();
}

#[test]
fn all_of_64_threads_stop() {
    let setup =
        "for _ in range(63): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()";
    let mut target = Target::start(setup);
    let mut frozen = target.freeze();
    assert_eq!(frozen.threads().len(), 64);
    let clone = frozen.fork().unwrap();
    let stood_still = frozen.release();
    println!("64 threads: stood still for {stood_still:?}");
    println!("reaping: {:?}", clone.discard().unwrap());
    target.assert_untouched();
}

/// Their states change while one is chosen that shall reap the clone.
#[test]
fn threads_that_sleep_and_wake_do_not_matter() {
    let setup = "
def doze():
    while True: time.sleep(0.0001)
for _ in range(63): threading.Thread(target=doze, daemon=True).start()";
    let mut target = Target::start(setup);
    for _ in 0..30 {
        target.clone_process().discard().unwrap();
    }
    target.assert_untouched();
}

#[test]
fn threads_that_come_and_go_do_not_matter() {
    let setup = "
def churn():
    while True:
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
for _ in range(4): threading.Thread(target=churn, daemon=True).start()";
    let mut target = Target::start(setup);
    for _ in 0..30 {
        target.clone_process().discard().unwrap();
    }
    target.assert_untouched();
}

#[test]
fn a_stopped_process_stays_stopped() {
    let mut target = Target::start("");
    target.ask("os.kill(os.getpid(), signal.SIGSTOP)");
    wait_until("the stop", || target.process().state() == 'T');
    let mut frozen = target.freeze();
    let clone = frozen.fork().unwrap();
    frozen.release();
    clone.discard().unwrap();
    wait_until("the stop", || target.process().state() == 'T');
    assert_eq!(target.process().tracer_pid(), None);
    signal(target.pid(), "CONT");
    assert_eq!(target.answer(), "None");
    target.assert_untouched();
}

#[test]
fn a_signal_that_arrives_meanwhile_is_delivered() {
    let setup = "got = []\nsignal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))";
    let mut target = Target::start(setup);
    let mut frozen = target.freeze();
    signal(target.pid(), "USR1");
    // With a signal pending, a clone gives up unless signals are blocked for it.
    frozen.fork().unwrap().discard().unwrap();
    frozen.release();
    assert_eq!(target.eval("got == [signal.SIGUSR1]"), "True");
    target.assert_untouched();
}

#[test]
fn a_thread_in_vfork_is_named_and_nothing_stays_stopped() {
    let mut vfork = Vfork::start();
    let error = Frozen::freeze(&vfork.target.process(), Duration::from_millis(100)).unwrap_err();
    let FreezeError::Stuck { threads, .. } = &error else {
        panic!("{error}");
    };
    // On a busy machine the other one may not have stopped either in so short a time.
    let main = vfork.target.pid();
    let in_vfork = threads.iter().find(|one| one.tid == main);
    assert_eq!(
        in_vfork.map(|one| one.reason),
        Some(StuckReason::Vfork),
        "{error}"
    );
    assert!(error.to_string().contains("in vfork"), "{error}");
    vfork.finish();
}

#[test]
fn an_interrupt_ends_the_waiting() {
    let mut vfork = Vfork::start();
    let interrupt = AtomicBool::new(true);
    let outcome =
        Frozen::freeze_unless(&vfork.target.process(), Duration::from_secs(60), &interrupt);
    assert!(matches!(outcome, Err(FreezeError::Interrupted)));
    vfork.finish();
}

#[test]
fn an_interrupt_that_a_thread_in_vfork_delays_can_be_made_later() {
    let mut vfork = Vfork::start();
    let tracer = Tracer::start(&vfork.target.process()).unwrap();
    let (nothing, pid) = (Patch::new(), vfork.target.pid());
    assert!(!tracer.interrupt(&nothing, pid).unwrap());
    assert!(!tracer.interrupt(&nothing, pid).unwrap());
    // The thread was asked to stop, and nobody would look when it does.
    vfork.finish();
    assert!(tracer.change(&nothing).unwrap());
    vfork.target.assert_untouched();
}

#[test]
fn an_interrupt_names_who_traces_the_process_by_now() {
    let mut target = Target::start("");
    let tracer = Tracer::start(&target.process()).unwrap();
    let frozen = target.freeze();
    let error = tracer.interrupt(&Patch::new(), target.pid()).unwrap_err();
    let by = target.process().tracer_pid().unwrap();
    let name = std::fs::read_to_string(format!("/proc/{by}/comm")).unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "the process is traced by {} (process {by}) by now",
            name.trim_end()
        )
    );
    frozen.release();
    assert!(tracer.change(&Patch::new()).unwrap());
    target.assert_untouched();
}

/// A process of two threads, of which one waits in a vfork: the child opens a pipe before its
/// program begins.
struct Vfork {
    target: Target,
    directory: tempfile::TempDir,
}

impl Vfork {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut target = Target::start(&format!(
            "fifo = '{}/fifo'\nos.mkfifo(fifo)\n\
             threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
            directory.path().display()
        ));
        target.ask(
            "os.posix_spawn('/bin/true', ['true'], {}, \
             file_actions=[(os.POSIX_SPAWN_OPEN, 0, fifo, os.O_RDONLY, 0)]) > 0",
        );
        wait_until("the vfork", || target.process().state() == 'D');
        Self { target, directory }
    }

    /// Lets the child go on, and finds the target as it should be.
    fn finish(&mut self) {
        assert_eq!(self.target.process().tracer_pid(), None);
        drop(
            std::fs::OpenOptions::new()
                .write(true)
                .open(self.directory.path().join("fifo")),
        );
        assert_eq!(self.target.answer(), "True");
        self.target.eval("os.wait()");
        self.target.assert_untouched();
    }
}

impl Drop for Vfork {
    fn drop(&mut self) {
        // Opening it for both never blocks, and lets the child go on after a failure too.
        let fifo = self.directory.path().join("fifo");
        drop(
            std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(fifo),
        );
    }
}

#[test]
fn a_target_that_is_killed_meanwhile_is_gone() {
    let mut target = Target::start("");
    let mut frozen = target.freeze();
    let clone = frozen.fork().unwrap();
    target.kill();
    frozen.release();
    clone.discard().unwrap();
    target.wait();
    assert!(matches!(
        Process::open(target.pid()),
        Err(OpenError::NoSuchProcess(_))
    ));
}

#[test]
fn a_second_tracer_is_told_of_the_first() {
    let target = Target::start("");
    let frozen = target.freeze();
    let error = Frozen::freeze(&target.process(), DEADLINE).unwrap_err();
    assert!(matches!(error, FreezeError::Traced { .. }), "{error}");
    assert!(error.to_string().contains("Exuvia-guardian"), "{error}");
    drop(frozen);
}

#[test]
fn the_guardian_ends_with_the_capture() {
    let target = Target::start("");
    let frozen = target.freeze();
    let guardian = target.process().tracer_pid().unwrap();
    drop(frozen);
    assert!(matches!(
        Process::open(guardian),
        Err(OpenError::NoSuchProcess(_))
    ));
}

#[test]
fn numbers_that_are_no_targets_are_refused() {
    let refusal = |pid| Process::open(Pid(pid)).unwrap_err();
    assert!(matches!(refusal(0), OpenError::NotAPid(_)));
    assert!(matches!(refusal(-1), OpenError::NotAPid(_)));
    assert!(matches!(refusal(i32::MAX), OpenError::NoSuchProcess(_)));
    assert!(matches!(
        refusal(std::process::id().cast_signed()),
        OpenError::Own(_)
    ));
    assert!(matches!(
        refusal(2),
        OpenError::KernelThread { .. } | OpenError::NoSuchProcess(_)
    ));
}

#[test]
fn a_zombie_is_refused() {
    let mut target = Target::start("child = os.fork()\nif child == 0: os._exit(0)");
    let zombie = Pid(target.eval("child").parse().unwrap());
    wait_until("the zombie", || children(target.pid()) == [(zombie.0, 'Z')]);
    let error = Process::open(zombie).unwrap_err();
    assert!(matches!(error, OpenError::Zombie { parent, .. } if parent == target.pid()));
}

#[test]
fn a_thread_is_not_a_process() {
    let mut target =
        Target::start("threading.Thread(target=time.sleep, args=(600,), daemon=True).start()");
    let thread = target
        .eval("threading.enumerate()[1].native_id")
        .parse()
        .unwrap();
    let error = Process::open(Pid(thread)).unwrap_err();
    assert!(matches!(error, OpenError::Thread { process, .. } if process == target.pid()));
}

#[test]
fn a_program_that_replaced_itself_is_another_one() {
    let mut target = Target::start("");
    let process = target.process();
    target.ask("os.execvp('sleep', ['sleep', '600'])");
    wait_until("the exec", || process.name() == "sleep");
    let error = Frozen::freeze(&process, DEADLINE).unwrap_err();
    assert!(matches!(error, FreezeError::Replaced(_)), "{error}");
}
