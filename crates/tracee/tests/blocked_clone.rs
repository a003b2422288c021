//! A clone that has to wait for a thread of the target itself, which is stopped.
#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::Target;
use exuvia_tracee::CloneError;

/// With `UFFD_FEATURE_EVENT_FORK`, a fork is over when a monitor has read of it
/// (`ioctl_userfaultfd(2)`). The monitor here is a thread of the process.
const MONITOR: &str = "
import fcntl, mmap, struct
libc.syscall.restype = ctypes.c_long
EVENT_FORK = 1 << 1
monitored = libc.syscall(323, os.O_CLOEXEC)
can_monitor = monitored >= 0
if can_monitor:
    try: fcntl.ioctl(monitored, 0xc018aa3f, struct.pack('QQQ', 0xaa, EVENT_FORK, 0))
    except OSError: can_monitor = False
if can_monitor:
    memory = mmap.mmap(-1, 4096)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(monitored, 0xc020aa00, struct.pack('QQQQ', start, 4096, 1, 0))
    forks = []
    def read_events():
        while True:
            event = os.read(monitored, 32)
            os.close(struct.unpack_from('I', event, 8)[0])
            forks.append(event[0])
    threading.Thread(target=read_events, daemon=True).start()
";

#[test]
fn a_target_is_not_frozen_for_good() {
    let mut target = Target::start(MONITOR);
    if target.eval("can_monitor") == "False" {
        println!("not tested: no userfaultfd with events here");
        return;
    }
    let (frozen, error) = target.freeze().fork_and_release().unwrap_err();
    assert!(matches!(error, CloneError::Blocked), "{error}");
    // UFFD_EVENT_FORK was read once.
    assert_eq!(target.eval("forks"), "[19]");
    drop(frozen);
    target.assert_untouched();
}
