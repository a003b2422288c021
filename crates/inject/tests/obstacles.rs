//! What keeps code out of an interpreter, or makes it hard: each has its message, and the process
//! goes on.

mod common;

use std::os::unix::fs::FileExt;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use common::{WHO, entrance, files_of, say, say_within};
use exuvia_inject::attach::AttachError;
use exuvia_inject::entry::{Refusal, Wanted, Way};
use exuvia_testkit::{
    Check, Container, Embedding, Interpreter, Launch, Place, Target, Trials, appserver,
    send_signal, supported, tracer_of, wait_until_stopped,
};
use exuvia_tracee::{Pid, Process};
use rustix::process::Signal;
use serde_json::json;

const CHECKS: [(&str, Check); 15] = [
    ("an audit hook refuses", a_hook_refuses),
    ("an audit hook listens", a_hook_listens),
    ("held in C for ever", held_for_ever),
    ("called, and silent", called_and_silent),
    (
        "called while the lock is held",
        called_while_the_lock_is_held,
    ),
    ("taken, and silent", taken_and_silent),
    ("stopped", stopped),
    ("at the limit of recursion", at_the_limit),
    ("in a fork handler", in_a_fork_handler),
    ("other interpreters", other_interpreters),
    ("finalization", finalization),
    ("interrupted", interrupted),
    ("interrupted in place", interrupted_in_place),
    ("replaced", replaced),
    ("embedded", embedded),
];

/// From 3.14.
const CHECKS_OF_SCRIPTS: [(&str, Check); 5] = [
    ("a script", a_script),
    ("a script, refused by a hook", a_script_refused),
    ("a script of a brief thread", a_script_of_a_brief_thread),
    ("a script in a container", a_script_in_a_container),
    ("switched off", switched_off),
];

fn main() -> Result<ExitCode> {
    let mut trials = Trials::default();
    for one in supported()? {
        let scripts = CHECKS_OF_SCRIPTS.iter();
        let scripts = scripts.filter(|_| one.version >= (3, 14, 0));
        for (name, check) in CHECKS.iter().chain(scripts).copied() {
            trials.add(format!("{name}: {one}"), &one, check);
        }
    }
    Ok(trials.run())
}

fn start(interpreter: &Interpreter, mode: &str) -> Result<Target> {
    Launch::new(interpreter, "ways")?.arg(mode).start()
}

fn a_hook_refuses(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "busy")?;
    target.ask("hook exec")?;
    let before = files_of(target.pid())?;
    let refused = say(target.pid(), interpreter, Wanted::Any, WHO);
    match refused {
        Err(AttachError::Failed(why)) => ensure!(why.contains("refused exec"), "{why}"),
        other => bail!("{other:?}"),
    }
    ensure!(files_of(target.pid())? == before, "a descriptor was left");
    ensure!(target.ask("go")? == "worked");
    Ok(())
}

fn a_hook_listens(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "busy")?;
    target.ask("hook something")?;
    let said = say(target.pid(), interpreter, Wanted::Any, WHO)?;
    ensure!(
        !matches!(said.live.way, Way::Ring { .. }),
        "{:?}",
        said.live.way
    );
    ensure!(target.ask("go")? == "worked");
    Ok(())
}

/// Nobody gets in. What was tried is taken back, and closed.
fn held_for_ever(interpreter: &Interpreter) -> Result<()> {
    if interpreter.free_threaded {
        // Nobody holds anything.
        return Ok(());
    }
    let mut target = start(interpreter, "endless")?;
    target.send("go")?;
    while target.answer()? != "begun" {}
    let before = files_of(target.pid())?;
    let wait = Duration::from_millis(1500);
    let told = std::cell::Cell::new(0);
    let notice = |threads: &[_]| told.set(threads.len());
    let said = say_within(target.pid(), interpreter, Wanted::Main, WHO, wait, &notice);
    let Err(AttachError::NoWay { threads, .. }) = said else {
        bail!("{said:?}");
    };
    ensure!(told.get() == 2, "told of {} threads", told.get());
    let threads: Vec<_> = threads.iter().map(ToString::to_string).collect();
    let holder = threads
        .iter()
        .find(|one| one.contains("holds the interpreter lock"));
    ensure!(
        holder.is_some_and(|one| one.contains("the main one")),
        "{threads:?}"
    );
    ensure!(files_of(target.pid())? == before, "a descriptor was left");
    let process = Process::open(Pid(target.pid().cast_signed()))?;
    let state = entrance(&process, interpreter)?.state()?;
    let rings = [state.ring, state.main_ring].into_iter().flatten();
    for ring in rings {
        ensure!(ring.waiting == 0, "{ring:?}");
    }
    ensure!(state.threads.iter().all(|thread| !thread.runs_script_soon));
    Ok(())
}

/// Code that a waiting thread was made to call serves there until the connection is closed. Who
/// gives up before it says anything ends it, and does not wait for it in turn.
fn called_and_silent(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "lock")?;
    // What is imported by the first that the program does is its own.
    target.ask("go")?;
    while !waits_without_end(target.pid())? {
        std::thread::yield_now();
    }
    let (pid, before) = (target.pid(), files_of(target.pid())?);
    let (sender, receiver) = std::sync::mpsc::channel();
    let asking = interpreter.clone();
    std::thread::spawn(move || {
        let silent = "__import__('posix').read(channel, 1)";
        let wait = Duration::from_millis(10);
        let said = say_within(pid, &asking, Wanted::Main, silent, wait, &|_| {});
        drop(sender.send(said));
    });
    // Where they wait for each other, only the end of the target, which comes with this error,
    // ends both.
    let said = receiver.recv_timeout(Duration::from_secs(60));
    let said = said.context("they wait for each other")?;
    ensure!(matches!(said, Err(AttachError::Silent { .. })), "{said:?}");
    // The thread is back in what it was waiting for.
    ensure!(target.ask("go")? == true);
    ensure!(files_of(pid)? == before, "a descriptor was left");
    // The guardian is not waited for, for longer than a second.
    while tracer_of(pid)? != 0 {
        std::thread::yield_now();
    }
    Ok(())
}

/// What is called waits for the interpreter lock, however long: that is no refusal by a hook.
fn called_while_the_lock_is_held(interpreter: &Interpreter) -> Result<()> {
    if interpreter.free_threaded {
        // Nobody holds anything.
        return Ok(());
    }
    let mut target = start(interpreter, "held")?;
    target.ask("hook something")?;
    while !waits_without_end(target.pid())? {
        std::thread::yield_now();
    }
    target.send("go")?;
    while target.answer()? != "begun" {}
    let (pid, before) = (target.pid(), files_of(target.pid())?);
    // Longer than it takes until silence counts as a refusal.
    let wait = Duration::from_millis(2500);
    let told = std::cell::Cell::new(0);
    let notice = |threads: &[_]| told.set(threads.len());
    let text = "import posix
try:
    posix.write(channel, b'late')
except OSError:
    pass";
    let said = say_within(pid, interpreter, Wanted::Main, text, wait, &notice);
    ensure!(matches!(said, Err(AttachError::Silent { .. })), "{said:?}");
    ensure!(told.get() == 3, "told of {} threads", told.get());
    let held = before.iter().find(|one| one.contains("/memfd:held"));
    let held = held.and_then(|one| one.split(' ').next());
    // It is not to be truncated: the process has mapped it.
    let mut options = std::fs::File::options();
    let held = options.write(true).open(held.context("no such file")?)?;
    held.write_all_at(&[1], 0)?;
    target.send("ping")?;
    while target.answer()? != "pong" {}
    while tracer_of(pid)? != 0 {
        std::thread::yield_now();
    }
    let after = files_of(pid)?;
    ensure!(after == before, "{before:?}, then {after:?}");
    Ok(())
}

/// Whether the main thread waits in a call of `futex` without a limit of time: the interpreter lock is
/// waited for with one.
fn waits_without_end(pid: u32) -> Result<bool> {
    let call = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/syscall"))?;
    let words: Vec<_> = call.split_ascii_whitespace().collect();
    let futex = match cfg!(target_arch = "x86_64") {
        true => "202",
        false => "98",
    };
    let is_futex = words.first() == Some(&futex);
    Ok(is_futex && words.get(4) == Some(&"0x0"))
}

/// Code that was let in is not said to have been kept out.
fn taken_and_silent(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "busy")?;
    let before = files_of(target.pid())?;
    // It says nothing, and ends when the other end is closed.
    let text = "__import__('posix').read(channel, 1)";
    let wait = Duration::from_millis(1500);
    let said = say_within(target.pid(), interpreter, Wanted::Main, text, wait, &|_| {});
    ensure!(matches!(said, Err(AttachError::Silent { .. })), "{said:?}");
    ensure!(target.ask("go")? == "worked");
    ensure!(files_of(target.pid())? == before, "a descriptor was left");
    Ok(())
}

fn stopped(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "busy")?;
    send_signal(target.pid(), Signal::STOP)?;
    wait_until_stopped(target.pid())?;
    let said = say(target.pid(), interpreter, Wanted::Any, WHO);
    ensure!(matches!(said, Err(AttachError::Stopped(_))), "{said:?}");
    send_signal(target.pid(), Signal::CONT)?;
    ensure!(target.ask("go")? == "worked");
    Ok(())
}

/// Code that gets in where nothing more can be called fails, or gets in; the target sees nothing
/// of it.
fn at_the_limit(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "deep")?;
    for _ in 0..10 {
        match say(target.pid(), interpreter, Wanted::Main, WHO) {
            Ok(_) => {}
            Err(AttachError::Failed(why)) => ensure!(why.contains("RecursionError"), "{why}"),
            Err(other) => return Err(other.into()),
        }
        ensure!(target.ask("go")? == "worked");
    }
    Ok(())
}

fn in_a_fork_handler(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "forking")?;
    for wanted in [Wanted::Any, Wanted::Main] {
        say(target.pid(), interpreter, wanted, WHO)?;
        ensure!(target.ask("go")? == 7);
    }
    Ok(())
}

/// Code runs in the main one only.
fn other_interpreters(interpreter: &Interpreter) -> Result<()> {
    let mut target = Target::start(interpreter, "interpreters")?;
    let text = "import sys\n\
        __import__('posix').write(channel, str('protocol' in sys.modules).encode())";
    for wanted in [Wanted::Any, Wanted::Main] {
        let said = say(target.pid(), interpreter, wanted, text)?;
        ensure!(said.text == "True", "{}", said.text);
    }
    target.assert_alive()
}

/// An interpreter that ends runs no more code, from the first that it takes apart to the last.
fn finalization(interpreter: &Interpreter) -> Result<()> {
    for how_far in ["early", "late"] {
        let mut target = Launch::new(interpreter, "ending")?.arg(how_far).start()?;
        ensure!(target.greeting() == "ending");
        let said = say(target.pid(), interpreter, Wanted::Any, WHO);
        let Err(AttachError::Refused(Refusal::Finalizing)) = said else {
            bail!("{how_far}: {said:?}");
        };
        // It goes on to its end.
        target.close_stdin();
        target.wait()?;
        ensure!(target.answer()? == "ended");
    }
    Ok(())
}

/// Only the thread that was meant is interrupted.
fn interrupted(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "busy")?;
    let text = "
import _thread, posix
def loop(channel=channel, thread=_thread, posix=posix):
    try:
        posix.write(channel, b'%d %d.' % (thread.get_ident(), thread.get_native_id()))
        while True:
            pass
    except KeyboardInterrupt:
        posix.write(channel, b'interrupted')
        posix.close(channel)
_thread.start_new_thread(loop, ())
channel = posix.open('/', 0)
";
    let process = Process::open(Pid(target.pid().cast_signed()))?;
    let mut live = common::get_in(&process, interpreter, Wanted::Any, text)?;
    let numbers = common::read_until(&mut live.stream, b'.')?;
    let (ident, native_id) = numbers.split_once(' ').context(numbers.clone())?;
    ensure!(live.grip.interrupt(ident.parse()?, native_id.parse()?)?);
    ensure!(common::read_all(&mut live.stream)? == "interrupted");
    ensure!(target.ask("go")? == "worked");
    Ok(())
}

/// The main thread is interrupted as long as it runs our code, and not any more after that. One that
/// has been interrupted and goes to sleep before it has noticed, as happens on the way into a call,
/// is waked by the next interrupt.
fn interrupted_in_place(interpreter: &Interpreter) -> Result<()> {
    // Between the two sleeps no Python code runs, and so nothing is noticed.
    let text = "
import _thread, posix, time
try:
    posix.write(channel, b'%d %d.' % (_thread.get_ident(), _thread.get_native_id()))
    list(map(time.sleep, [1000, 1000]))
except KeyboardInterrupt:
    posix.write(channel, b'interrupted')
";
    for mode in ["busy", "sleep", "lock"] {
        let mut target = start(interpreter, mode)?;
        let process = Process::open(Pid(target.pid().cast_signed()))?;
        let mut live = common::get_in(&process, interpreter, Wanted::Main, text)?;
        let numbers = common::read_until(&mut live.stream, b'.')?;
        let (ident, native_id) = numbers.split_once(' ').context(numbers.clone())?;
        let (ident, native_id) = (ident.parse()?, native_id.parse()?);
        live.grip.look_after(ident, native_id)?;
        let thread = live.grip.thread(native_id).context("no thread")?;
        common::wait_until_it_sleeps(thread)?;
        ensure!(live.grip.interrupt(ident, native_id)?, "{:?}", live.way);
        common::wait_until_it_sleeps(thread)?;
        ensure!(!live.grip.interrupt(ident, native_id)?, "{:?}", live.way);
        ensure!(common::read_all(&mut live.stream)? == "interrupted");
        // It has closed the channel: what comes now would be for the program.
        ensure!(!live.grip.interrupt(ident, native_id)?, "{:?}", live.way);
        drop(live);
        target.ask("go")?;
        target.assert_alive()?;
    }
    Ok(())
}

/// Whenever the program replaces itself, code gets in or it does not, and it goes on.
fn replaced(interpreter: &Interpreter) -> Result<()> {
    const TIMES: u32 = 25;
    let launch = Launch::new(interpreter, "replacing")?.arg(TIMES.to_string());
    // It says something only at the end.
    let (sender, receiver) = std::sync::mpsc::channel();
    let starting = std::thread::spawn(move || drop(sender.send(launch.start())));
    let mut target = loop {
        if let Ok(target) = receiver.try_recv() {
            break target?;
        }
        for pid in common::running(interpreter, "replacing.py")? {
            let Ok(process) = Process::open(pid) else {
                continue;
            };
            // Wherever it fails, it says why: what matters is that the program does not notice.
            let tried_to = common::try_to_get_in(&process, interpreter, Wanted::Any, WHO);
            drop(tried_to);
        }
    };
    drop(starting.join());
    target.assert_alive()?;
    let said = say(target.pid(), interpreter, Wanted::Any, WHO)?;
    ensure!(!said.text.is_empty());
    target.assert_alive()
}

fn embedded(interpreter: &Interpreter) -> Result<()> {
    if !interpreter.shared || interpreter.root.is_some() {
        // There is no library to embed, or not for this machine's C library.
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut target = appserver(interpreter, Embedding::Loaded, folder.path())?.start()?;
    ensure!(target.ask("start")? == true);
    for wanted in [Wanted::Any, Wanted::Main] {
        say(target.pid(), interpreter, wanted, WHO)?;
        target.assert_alive()?;
    }
    Ok(())
}

fn a_script(interpreter: &Interpreter) -> Result<()> {
    for mode in ["busy", "many"] {
        let launch = Launch::with_options(interpreter, "ways", &["-S", "-u"])?;
        let mut target = launch.arg(mode).start()?;
        for wanted in [Wanted::Any, Wanted::Main] {
            let before = files_of(target.pid())?;
            let said = say(target.pid(), interpreter, wanted, WHO)?;
            ensure!(
                matches!(said.live.way, Way::Script { .. }),
                "{:?}",
                said.live.way
            );
            ensure!(files_of(target.pid())? == before, "a descriptor was left");
            ensure!(target.ask("go")? == "worked");
        }
    }
    Ok(())
}

fn a_script_refused(interpreter: &Interpreter) -> Result<()> {
    let launch = Launch::with_options(interpreter, "ways", &["-S", "-u"])?;
    let mut target = launch.arg("busy").start()?;
    target.ask("hook cpython.remote_debugger_script")?;
    let before = files_of(target.pid())?;
    let said = say(target.pid(), interpreter, Wanted::Any, WHO);
    ensure!(matches!(said, Err(AttachError::NotRun)), "{said:?}");
    ensure!(files_of(target.pid())? == before, "a descriptor was left");
    ensure!(target.ask("go")? == "worked");
    Ok(())
}

/// A thread runs the script, which has words only later, and ends: it is not run again, and what the
/// program opens under the number of its file stays as it is.
fn a_script_of_a_brief_thread(interpreter: &Interpreter) -> Result<()> {
    let launch = Launch::with_options(interpreter, "ways", &["-S", "-u"])?;
    let mut target = launch.arg("brief").start()?;
    // What is closed at its end is not the channel, so that the lowest number is that of the script.
    let silent = "import builtins, posix
channel = posix.dup(channel)
builtins.ran = vars(builtins).get('ran', 0) + 1";
    let wait = Duration::from_secs(1);
    let said = say_within(
        target.pid(),
        interpreter,
        Wanted::Any,
        silent,
        wait,
        &|_| {},
    );
    ensure!(matches!(said, Err(AttachError::Silent { .. })), "{said:?}");
    ensure!(target.ask("go")? == json!([1, "\""]));
    Ok(())
}

/// A process that is the first of a namespace of processes, or a later one, and has a root of its own.
fn a_script_in_a_container(interpreter: &Interpreter) -> Result<()> {
    for place in [Place::First, Place::Later] {
        let mut container = Container::start(interpreter, "ways", "busy", place)?;
        ensure!((container.inside == 1) == (place == Place::First));
        let said = say(container.pid, interpreter, Wanted::Any, WHO)?;
        ensure!(
            matches!(said.live.way, Way::Script { .. }),
            "{place:?}: {:?}",
            said.live.way
        );
        ensure!(container.target.ask("go")? == "worked");
    }
    Ok(())
}

fn switched_off(interpreter: &Interpreter) -> Result<()> {
    let by_option = &["-E", "-S", "-u", "-X", "disable-remote-debug"][..];
    let by_variable = Launch::with_options(interpreter, "ways", &["-S", "-u"])?;
    let by_variable = by_variable.variable("PYTHON_DISABLE_REMOTE_DEBUG", "1");
    for launch in [
        Launch::with_options(interpreter, "ways", by_option)?,
        by_variable,
    ] {
        // A way around it would be there.
        let mut target = launch.arg("sleep").start()?;
        let said = say(target.pid(), interpreter, Wanted::Any, WHO);
        let Err(AttachError::Refused(Refusal::RemoteDebuggingDisabled)) = said else {
            bail!("{said:?}");
        };
        ensure!(target.ask("go")? == json!(null));
    }
    Ok(())
}
