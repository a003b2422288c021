//! Output of code, to somebody who may not read it: a pager stands still until it is asked for more.

use super::Watch;
use exuvia_inject::{Stream, Wish};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};

/// How often a wait looks at what may end the code.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// What a pipe that has room takes without a wait (`PIPE_BUF`).
const PART: usize = 4096;

/// Writes output of the code at once. An error of the kind `Interrupted` when nobody reads it, and
/// the code is to end meanwhile.
pub(crate) fn pass_on_watched(stream: Stream, bytes: &[u8], watch: &mut Watch) -> io::Result<()> {
    match stream {
        Stream::Stdout => write(io::stdout().as_fd(), bytes, watch),
        Stream::Stderr => write(io::stderr().as_fd(), bytes, watch),
    }
}

fn write(to: BorrowedFd, mut bytes: &[u8], watch: &mut Watch) -> io::Result<()> {
    while !bytes.is_empty() {
        if !has_room(to)? {
            if watch.wish() != Wish::GoOn {
                return Err(ErrorKind::Interrupted.into());
            }
            continue;
        }
        let part = bytes.get(..PART).unwrap_or(bytes);
        match rustix::io::write(to, part) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or(&[]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether something can be written without a wait, or at least the error be had.
fn has_room(to: BorrowedFd) -> io::Result<bool> {
    let mut polled = [PollFd::from_borrowed_fd(to, PollFlags::OUT)];
    match poll(&mut polled, Some(&PATIENCE)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
