//! Where a clone is refused, the target can still be read while it is frozen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use common::Target;
use exuvia_tracee::CloneError;

#[test]
fn a_limit_on_processes() {
    // Limits do not hold for root.
    let setup = "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (1, 1))\n\
                 if os.getuid() == 0: os.setuid(54321)";
    let mut target = Target::start(setup);
    // The other user has one process, this one, so a second one is too many.
    let mut frozen = target.freeze();
    let error = frozen.fork().unwrap_err();
    assert!(
        matches!(
            error,
            CloneError::Refused {
                errno: libc::EAGAIN
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("limit on processes"), "{error}");
    let (frozen, _) = frozen.fork_and_release().unwrap_err();
    assert_eq!(target.process().state(), 't');
    frozen.release();
    target.assert_untouched();
}

/// A filter that kills for `clone`, which nobody must find out by dying of it.
#[test]
fn a_deadly_filter() {
    let setup = format!(
        "code = [(0x20, 0, 0, 0), (0x15, 0, 1, {clone}), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7fff0000)]\n\
         import struct\n\
         program = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *i) for i in code))\n\
         header = struct.pack('HxxxxxxP', len(code), ctypes.addressof(program))\n\
         assert libc.prctl(38, 1, 0, 0, 0) == 0\n\
         assert libc.prctl(22, 2, ctypes.c_char_p(header)) == 0",
        clone = libc::SYS_clone,
    );
    let mut target = Target::start(&setup);
    let mut frozen = target.freeze();
    match frozen.fork() {
        Ok(clone) => drop(clone),
        Err(error) => assert!(matches!(error, CloneError::Filtered), "{error}"),
    }
    frozen.release();
    target.assert_untouched();
}
