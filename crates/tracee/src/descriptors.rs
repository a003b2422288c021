//! Descriptors that go from one process to another, waiting for several, and who is at the other
//! end.
#![allow(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::Pid;

/// A process whose descriptors can be had.
pub(crate) struct Borrowing(OwnedFd);

impl Borrowing {
    pub(crate) fn from(pid: Pid) -> io::Result<Self> {
        let pid = rustix::process::Pid::from_raw(pid.0).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self(pidfd_open(pid, PidfdFlags::empty())?))
    }
}

impl AsFd for Borrowing {
    /// It can be read from when the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until one of them can be read from, or has no other end any more. Returns the index of
/// the first, or nothing when that takes too long.
pub(crate) fn wait_for_any(
    all: &[Option<BorrowedFd>],
    timeout: Duration,
) -> io::Result<Option<usize>> {
    let given = all.iter().enumerate();
    let given = given.filter_map(|(index, one)| Some((index, (*one)?)));
    let (indexes, mut polls): (Vec<_>, Vec<_>) = given
        .map(|(index, one)| (index, PollFd::from_borrowed_fd(one, PollFlags::IN)))
        .unzip();
    let timeout = Timespec::try_from(timeout).ok();
    match poll(&mut polls, timeout.as_ref()) {
        Ok(_) => {
            let ready = polls.iter().position(|one| !one.revents().is_empty());
            Ok(ready.and_then(|position| indexes.get(position).copied()))
        }
        Err(Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A descriptor of ours for what a process has under this number. Linux 5.6 and later.
pub(crate) fn take_from(process: &Borrowing, number: i32) -> io::Result<OwnedFd> {
    Ok(pidfd_getfd(&process.0, number, PidfdGetfdFlags::empty())?)
}

/// Writes to what a process has as its stderr, where its own writes would go: after what it has
/// written to a file, and into its socket. Linux 5.6 and later.
///
/// # Errors
///
/// Those of `pidfd_getfd(2)` and `write(2)`; [`io::ErrorKind::WouldBlock`] where nobody reads it.
pub fn write_to_stderr_of(pid: Pid, text: &[u8]) -> io::Result<()> {
    let stderr = take_from(&Borrowing::from(pid)?, 2)?;
    let mut polls = [PollFd::new(&stderr, PollFlags::OUT)];
    poll(&mut polls, Some(&Timespec::default()))?;
    match polls[0].revents() {
        found if found.contains(PollFlags::ERR) => Err(io::ErrorKind::BrokenPipe.into()),
        found if found.contains(PollFlags::OUT) => {
            rustix::io::write(&stderr, text)?;
            Ok(())
        }
        _ => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Sends a descriptor over a socket, with a byte that says nothing.
///
/// # Errors
///
/// Those of `sendmsg(2)`.
pub fn send(socket: &UnixStream, descriptor: &OwnedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    let byte = [IoSlice::new(&[0])];
    sendmsg(socket, &byte, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives what [`send`] sent.
pub(crate) fn receive(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    recvmsg(socket, &mut bytes, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut received = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    received
        .next()
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// The process at the other end of a socket when it was connected, and its user. The number is 0
/// for one that this tool can't see.
///
/// `rustix` has this as well, but takes for granted that the number is not 0.
pub(crate) fn peer(socket: &UnixStream) -> io::Result<(Pid, u32)> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, to a struct of as many, made of integers.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &mut length,
        )
    };
    match result {
        0 => Ok((Pid(peer.pid), peer.uid)),
        _ => Err(io::Error::last_os_error()),
    }
}
