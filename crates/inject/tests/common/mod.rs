//! Finding an interpreter, and getting into it.

#![allow(clippy::unwrap_used, dead_code)] // For tests, not all of which use all of it.

use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use exuvia_cpython::{Layout, Version};
use exuvia_inject::attach::{AttachError, Entrance, Live, Wish, attach};
use exuvia_inject::entry::{ThreadSituation, Wanted};
use exuvia_testkit::Interpreter;
use exuvia_tracee::{LiveMemory, Mappings, Pid, Process, PythonImage};
use syscalls::Sysno;

/// Says in which thread it runs.
pub(crate) const WHO: &str =
    "__import__('posix').write(channel, str(__import__('_thread').get_ident()).encode())";

/// How long a way in is looked for: far longer than it takes.
const WAIT: Duration = Duration::from_secs(60);

/// What can be found out of a process before it is stopped.
pub(crate) fn entrance(process: &Process, interpreter: &Interpreter) -> Result<Entrance> {
    let mappings = Mappings::read(process.pid())?;
    let image = PythonImage::locate(process, &mappings)?;
    let memory = LiveMemory::open(process.pid(), &mappings);
    let layout = match Version::from_hex(interpreter.hexversion) {
        Some(version) if image.py_version.is_some() => {
            Layout::for_version(version, interpreter.flavor())?
        }
        _ => Layout::identify(&memory, image.runtime).context("no interpreter")?,
    };
    Ok(Entrance::new(process, &mappings, layout, image.runtime)?)
}

/// What a text said that got in, and how it did.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) live: Live,
}

/// Gets in, and returns what the text says until it closes the channel. In the text, `channel`
/// is the number of that.
pub(crate) fn say(
    pid: u32,
    interpreter: &Interpreter,
    wanted: Wanted,
    text: &str,
) -> Result<Said, AttachError> {
    say_within(pid, interpreter, wanted, text, WAIT, &|_| {})
}

/// The same, for no longer than this.
pub(crate) fn say_within(
    pid: u32,
    interpreter: &Interpreter,
    wanted: Wanted,
    text: &str,
    wait: Duration,
    notice: &dyn Fn(&[ThreadSituation]),
) -> Result<Said, AttachError> {
    let process = Process::open(Pid(pid.cast_signed())).unwrap();
    let mut live = within(&process, interpreter, wanted, text, wait, notice)?;
    let text = read_all(&mut live.stream).unwrap();
    Ok(Said { text, live })
}

/// Gets in, and leaves it to the caller to read what the text says.
pub(crate) fn get_in(
    process: &Process,
    interpreter: &Interpreter,
    wanted: Wanted,
    text: &str,
) -> Result<Live, AttachError> {
    within(process, interpreter, wanted, text, WAIT, &|_| {})
}

fn within(
    process: &Process,
    interpreter: &Interpreter,
    wanted: Wanted,
    text: &str,
    wait: Duration,
    notice: &dyn Fn(&[ThreadSituation]),
) -> Result<Live, AttachError> {
    let entrance = entrance(process, interpreter).unwrap();
    through(process, entrance, wanted, text, wait, notice)
}

fn through(
    process: &Process,
    entrance: Entrance,
    wanted: Wanted,
    text: &str,
    wait: Duration,
    notice: &dyn Fn(&[ThreadSituation]),
) -> Result<Live, AttachError> {
    let wish = Wish {
        wanted,
        code: &|channel| {
            format!("channel = {channel}\n{text}\n__import__('posix').close(channel)").into()
        },
        wait,
        interrupt: &AtomicBool::new(false),
        notice,
    };
    attach(process, entrance, &wish)
}

/// What is said until the other end closes.
pub(crate) fn read_all(stream: &mut impl Read) -> Result<String> {
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}

/// What is said until a byte, and without it.
pub(crate) fn read_until(stream: &mut impl Read, end: u8) -> Result<String> {
    let mut said = Vec::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte)?;
        if byte == [end] {
            return Ok(String::from_utf8(said)?);
        }
        said.extend(byte);
    }
}

/// Waits until a thread is in `time.sleep`, as the kernel shows it.
pub(crate) fn wait_until_it_sleeps(thread: Pid) -> Result<()> {
    // The older ones of Python wait in `select` with nothing to select.
    let sleeps = [
        Sysno::clock_nanosleep,
        Sysno::pselect6,
        #[cfg(target_arch = "x86_64")]
        Sysno::select,
    ];
    let file = format!("/proc/{thread}/syscall");
    loop {
        let text = std::fs::read_to_string(&file).context("it has ended")?;
        let number = text.split(' ').next().and_then(|word| word.parse().ok());
        if number.is_some_and(|number: i32| sleeps.iter().any(|sleep| sleep.id() == number)) {
            return Ok(());
        }
        std::thread::yield_now();
    }
}

/// The descriptors of a process, and what they are.
pub(crate) fn files_of(pid: u32) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        let path = entry?.path();
        let file = std::fs::read_link(&path)?;
        files.push(format!("{} {}", path.display(), file.display()));
    }
    files.sort();
    Ok(files)
}

/// The same for a process that may be gone at any time.
pub(crate) fn try_to_get_in(
    process: &Process,
    interpreter: &Interpreter,
    wanted: Wanted,
    text: &str,
) -> Result<Live> {
    let entrance = entrance(process, interpreter)?;
    Ok(through(process, entrance, wanted, text, WAIT, &|_| {})?)
}

/// The processes that run a program of `programs/` in an interpreter, of those that this one has
/// started.
pub(crate) fn running(interpreter: &Interpreter, program: &str) -> Result<Vec<Pid>> {
    let own = std::process::id();
    let mut found = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task")? {
        let children = std::fs::read_to_string(thread?.path().join("children"));
        for child in children.unwrap_or_default().split_whitespace() {
            let Ok(arguments) = std::fs::read_to_string(format!("/proc/{child}/cmdline")) else {
                continue;
            };
            let is_ours = std::fs::read_link(format!("/proc/{child}/exe"))
                .is_ok_and(|exe| exe == interpreter.executable);
            if is_ours && arguments.contains(program) && child != own.to_string() {
                found.push(Pid(child.parse()?));
            }
        }
    }
    Ok(found)
}
