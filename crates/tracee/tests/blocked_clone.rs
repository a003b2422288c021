//! A clone that has to wait for a monitor of the target's memory, with
//! `UFFD_FEATURE_EVENT_FORK` of `ioctl_userfaultfd(2)`.
#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::{Target, children, signal, wait_until};
use exuvia_tracee::{CloneError, Pid};

/// A fork is over when somebody has read of it. There are no such events where `monitored` is
/// negative.
const SETUP: &str = "
import fcntl, mmap, struct
EVENT_FORK = 1 << 1
libc.syscall.restype = ctypes.c_long
monitored = libc.syscall(323, os.O_CLOEXEC)
memory = mmap.mmap(-1, 4096)
def register():
    try: fcntl.ioctl(monitored, 0xc018aa3f, struct.pack('QQQ', 0xaa, EVENT_FORK, 0))
    except OSError: return False
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(monitored, 0xc020aa00, struct.pack('QQQQ', start, 4096, 1, 0))
    return True
threading.Thread(target=threading.Event().wait, daemon=True).start()
";

/// Reads of forks in another process, which is stopped at first.
const OTHER_PROCESS: &str = "
pid = os.fork() if monitored >= 0 else 0
if monitored >= 0 and pid == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os.read(monitored, 32)
    os._exit(0)
registered = monitored >= 0 and register()
if pid:
    os.waitpid(pid, os.WUNTRACED)
    os.close(monitored)
";

#[test]
fn a_process_that_monitors_its_own_forks_is_not_cloned() {
    let mut target = Target::start(&format!(
        "{SETUP}\nregistered = monitored >= 0 and register()"
    ));
    if target.eval("registered") == "False" {
        println!("not tested: no userfaultfd with events here");
        return;
    }
    let (frozen, error) = target.freeze().fork_and_release().unwrap_err();
    assert!(matches!(error, CloneError::Monitored), "{error}");
    assert_eq!(target.process().state(), 't');
    frozen.release();
    target.assert_untouched();
}

#[test]
fn a_target_does_not_stand_still_until_its_monitor_reads() {
    let mut target = Target::start(&format!("{SETUP}\n{OTHER_PROCESS}"));
    if target.eval("registered") == "False" {
        println!("not tested: no userfaultfd with events here");
        return;
    }
    let monitor = Pid(target.eval("pid").parse().unwrap());
    let frozen = target.freeze();
    let error = std::thread::scope(|scope| {
        let forking = scope.spawn(|| frozen.fork_and_release().map(drop).unwrap_err().1);
        // All but the one that is in the call.
        wait_until("the release", || threads_that_are_traced(target.pid()) == 1);
        signal(monitor, "CONT");
        forking.join().unwrap()
    });
    assert!(matches!(error, CloneError::Blocked), "{error}");
    assert_eq!(target.eval("os.waitpid(pid, 0)[1]"), "0");
    assert_eq!(children(target.pid()), []);
    target.assert_untouched();
}

fn threads_that_are_traced(pid: Pid) -> usize {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let is_traced = |status: &String| !status.contains("\nTracerPid:\t0\n");
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("status")).ok())
        .filter(is_traced)
        .count()
}
