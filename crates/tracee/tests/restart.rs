//! System calls that a capture interrupts go on as if nothing had happened.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use std::time::{Duration, Instant};

use common::Target;

/// Captures the target while it is in a call, and returns what the call returned: the
/// result and the error number.
fn interrupted(setup: &str, call: &str, numbers: &[i64], wake: &str) -> (Target, String) {
    let mut target = Target::start(&format!(
        "{setup}\ndef call():\n    ctypes.set_errno(0)\n    result = {call}\n    return result, ctypes.get_errno()"
    ));
    target.ask("call()");
    target.wait_for_system_call(numbers);
    // The first thread makes the clone, and the call that reaps it, in the midst of its own.
    target.clone_process().discard().unwrap();
    if !wake.is_empty() {
        target.wait_for_system_call(&[numbers, &[libc::SYS_restart_syscall]].concat());
        let mut pipe = std::fs::OpenOptions::new()
            .write(true)
            .open(format!("/proc/{}/fd/{wake}", target.pid()))
            .unwrap();
        std::io::Write::write_all(&mut pipe, b"x").unwrap();
    }
    let answer = target.answer();
    (target, answer)
}

const PIPE: &str = "os.dup2(os.pipe()[0], 100)\nr, w = os.pipe()\nos.dup2(r, 100)\nos.dup2(w, 101)";

#[test]
fn a_sleep_lasts_as_long_as_it_should() {
    let begun = Instant::now();
    let (mut target, answer) = interrupted(
        "",
        "libc.usleep(700000)",
        &[libc::SYS_clock_nanosleep, libc::SYS_nanosleep],
        "",
    );
    assert_eq!(answer, "(0, 0)");
    assert!(begun.elapsed() >= Duration::from_millis(700));
    target.assert_untouched();
}

#[test]
fn a_poll_with_a_timeout_times_out() {
    let (mut target, answer) = interrupted("", "libc.poll(None, 0, 700)", &[libc::SYS_poll], "");
    assert_eq!(answer, "(0, 0)");
    target.assert_untouched();
}

#[test]
fn a_read_of_a_pipe_gets_its_byte() {
    let call = "libc.read(100, ctypes.create_string_buffer(8), 8)";
    let (mut target, answer) = interrupted(PIPE, call, &[libc::SYS_read], "101");
    assert_eq!(answer, "(1, 0)");
    target.assert_untouched();
}

/// The kernel itself would let this one fail with EINTR.
#[test]
fn epoll_wait_is_not_disturbed() {
    let setup = format!("{PIPE}\nepoll = select.epoll()\nepoll.register(100)");
    let call = "libc.epoll_wait(epoll.fileno(), ctypes.create_string_buffer(64), 4, -1)";
    let (mut target, answer) = interrupted(
        &setup,
        call,
        &[libc::SYS_epoll_wait, libc::SYS_epoll_pwait],
        "101",
    );
    assert_eq!(answer, "(1, 0)");
    target.assert_untouched();
}

#[test]
fn a_socket_with_a_timeout_is_not_disturbed() {
    let setup = "import socket, struct\na, b = socket.socketpair()\n\
                 a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 1, 0))";
    let call = "libc.recv(a.fileno(), ctypes.create_string_buffer(8), 8, 0)";
    let (mut target, answer) = interrupted(setup, call, &[libc::SYS_recvfrom], "");
    assert_eq!(answer, format!("(-1, {})", libc::EAGAIN));
    target.assert_untouched();
}

#[test]
fn a_lock_with_a_timeout_times_out() {
    let setup = "lock = threading.Lock()\nlock.acquire()";
    let (mut target, answer) =
        interrupted(setup, "lock.acquire(timeout=0.7)", &[libc::SYS_futex], "");
    assert_eq!(answer, "(False, 0)");
    target.assert_untouched();
}

#[test]
fn pure_computation_is_not_disturbed() {
    let setup = "def work(): return sum(i * i % 7 for i in range(3000000))\nexpected = work()";
    let mut target = Target::start(setup);
    target.ask("work() == expected");
    for _ in 0..20 {
        target.clone_process().discard().unwrap();
    }
    assert_eq!(target.answer(), "True");
    target.assert_untouched();
}
