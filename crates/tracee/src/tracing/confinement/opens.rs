//! Looking at the files that a clone is about to open.
//!
//! A filter of system calls sees numbers, not paths, and reading is not always harmless: a byte
//! that is read from a pipe or a terminal is gone for the live process, and `/proc/PID/fd` leads
//! to all of its pipes. So the filter asks (`SECCOMP_RET_USER_NOTIF`), and only regular files,
//! directories and a few devices are opened.
//!
//! The path lies in memory of the clone. Another thread of it could change the path between the
//! look and the call: this keeps code from reaching what it does not know of, not code that is out
//! to get there.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use crate::protocol::Child;

/// Whether the kernel can be asked what a path leads to, and a call can be let pass after that.
/// `openat2` came with Linux 5.6, the other one release before.
pub(super) fn can_be_checked() -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    openat2(CWD, c"/", flags, Mode::empty(), ResolveFlags::IN_ROOT).is_ok()
}

/// Answers in a thread of its own, until the clone has ended: a file system that does not answer
/// must not keep the guardian from its other duties.
pub(super) fn serve(listener: OwnedFd, child: Child) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("opens".to_owned());
    let looker = Looker {
        child,
        memory: File::open(format!("/proc/{}/mem", child.pid))?,
        root: File::open(format!("/proc/{}/root", child.pid))?,
    };
    thread
        .spawn(move || {
            while let Ok(question) = receive(listener.as_fd()) {
                if answer(listener.as_fd(), question.id, looker.look(&question)).is_err() {
                    break;
                }
            }
        })
        .map(drop)
}

/// A call that waits for our answer.
struct Question {
    id: u64,
    /// The thread that makes it.
    thread: libc::pid_t,
    /// The descriptor of the directory in which a relative path begins.
    directory: libc::c_int,
    /// The address of the path.
    path: u64,
}

struct Looker {
    child: Child,
    memory: File,
    root: File,
}

impl Looker {
    /// Nothing when the file may be opened, else the number of the error that the clone gets.
    fn look(&self, question: &Question) -> Result<(), i32> {
        let path = self.absolute(question).map_err(number)?;
        let file = openat2(
            &self.root,
            path,
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::IN_ROOT,
        );
        let file = match file {
            Ok(file) => File::from(file),
            // A link such as those in /proc/PID/fd, which lead anywhere.
            Err(Errno::LOOP | Errno::XDEV) => return Err(libc::EPERM),
            Err(error) => return Err(error.raw_os_error()),
        };
        if is_harmless(&file).map_err(number)? {
            Ok(())
        } else {
            Err(libc::EPERM)
        }
    }

    /// The path from the clone's root.
    fn absolute(&self, question: &Question) -> io::Result<CString> {
        let given = self.read_path(question.path)?;
        let mut path = if given.starts_with(b"/") {
            PathBuf::new()
        } else {
            self.directory(question)?
        };
        path.push(OsStr::from_bytes(&given));
        let path = self.own_directory_in_proc(&path, question.thread);
        Ok(CString::new(path.into_os_string().into_encoded_bytes())?)
    }

    /// Where a relative path begins.
    fn directory(&self, question: &Question) -> io::Result<PathBuf> {
        let thread = question.thread;
        let link = match question.directory {
            libc::AT_FDCWD => format!("/proc/{thread}/cwd"),
            number => format!("/proc/{thread}/fd/{number}"),
        };
        let directory = std::fs::read_link(link)?;
        let root = std::fs::read_link(format!("/proc/{thread}/root"))?;
        let within = directory.strip_prefix(&root).unwrap_or(&directory);
        Ok(Path::new("/").join(within))
    }

    /// `/proc/self` is another directory for each process that looks, and none at all for one
    /// outside of the namespace that this `/proc` shows.
    fn own_directory_in_proc(&self, path: &Path, thread: libc::pid_t) -> PathBuf {
        let own = Path::new("/proc").join(self.child.pid_in_target.to_string());
        let is_first_thread = thread == self.child.pid.0;
        let Ok(rest) = path.strip_prefix("/proc") else {
            return path.to_owned();
        };
        if let Ok(rest) = rest.strip_prefix("self") {
            own.join(rest)
        } else if let Ok(rest) = rest.strip_prefix("thread-self")
            && is_first_thread
        {
            own.join(rest)
        } else if rest.starts_with("mounts") || rest.starts_with("net") {
            // Links to the directory of the same process.
            own.join(rest)
        } else {
            path.to_owned()
        }
    }

    fn read_path(&self, address: u64) -> io::Result<Vec<u8>> {
        const LONGEST: usize = libc::PATH_MAX as usize;
        const PAGE: u64 = 4096;
        let mut path = Vec::new();
        let mut at = address;
        while path.len() < LONGEST {
            let mut bytes = [0; PAGE as usize];
            let rest = (PAGE - at % PAGE) as usize;
            let read = self.memory.read_at(&mut bytes[..rest], at);
            let read = read.map_err(|_| io::Error::from_raw_os_error(libc::EFAULT))?;
            let part = &bytes[..read];
            if let Some(end) = part.iter().position(|&byte| byte == 0) {
                path.extend_from_slice(&part[..end]);
                return Ok(path);
            }
            if read == 0 {
                return Err(io::Error::from_raw_os_error(libc::EFAULT));
            }
            path.extend_from_slice(part);
            at += read as u64;
        }
        Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
    }
}

fn number(error: io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EPERM)
}

/// Whether reading it takes nothing from anybody.
fn is_harmless(file: &File) -> io::Result<bool> {
    /// `null`, `zero`, `full`, `random` and `urandom`, of `Documentation/admin-guide/devices.txt`.
    const DEVICES: [u32; 5] = [3, 5, 7, 8, 9];
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    if kind.is_char_device() {
        let device = metadata.rdev();
        return Ok(libc::major(device) == 1 && DEVICES.contains(&libc::minor(device)));
    }
    if kind.is_file() {
        return Ok(match rustix::fs::fstatfs(file)?.f_type {
            // Reading `trace_pipe` and others empties them.
            libc::DEBUGFS_MAGIC | libc::TRACEFS_MAGIC => false,
            libc::PROC_SUPER_MAGIC => !is_kernel_log(file)?,
            _ => true,
        });
    }
    Ok(kind.is_dir())
}

/// `/proc/kmsg`, of which each message is read once.
fn is_kernel_log(file: &File) -> io::Result<bool> {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Ok(path.file_name() == Some(OsStr::new("kmsg")))
}

fn receive(listener: BorrowedFd) -> io::Result<Question> {
    loop {
        // SAFETY: a struct of integers; the kernel demands zeros.
        let mut notification: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the request fills the struct.
        let result = unsafe {
            libc::ioctl(
                listener.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_RECV,
                &raw mut notification,
            )
        };
        if result == 0 {
            return Ok(question(&notification));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            // The thread was interrupted, or killed, before we got to it.
            Some(libc::EINTR) => {}
            Some(libc::ENOENT) if !has_ended(listener)? => {}
            _ => return Err(error),
        }
    }
}

/// Whether nobody is left who could ask.
fn has_ended(listener: BorrowedFd) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: listener.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one descriptor, alive for the call.
    match unsafe { libc::poll(&mut poll, 1, -1) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(poll.revents & libc::POLLHUP != 0),
    }
}

fn question(notification: &libc::seccomp_notif) -> Question {
    let [first, second, ..] = notification.data.args;
    let is_relative_to_directory = i64::from(notification.data.nr) == libc::SYS_openat;
    let (directory, path) = if is_relative_to_directory {
        (first as libc::c_int, second)
    } else {
        (libc::AT_FDCWD, first)
    };
    Question {
        id: notification.id,
        thread: notification.pid.cast_signed(),
        directory,
        path,
    }
}

fn answer(listener: BorrowedFd, id: u64, verdict: Result<(), i32>) -> io::Result<()> {
    let mut response = libc::seccomp_notif_resp {
        id,
        val: 0,
        error: verdict.map_or_else(|errno| -errno, |()| 0),
        flags: match verdict {
            Ok(()) => libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
            Err(_) => 0,
        },
    };
    // SAFETY: the struct that the request expects.
    let result = unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_SEND,
            &raw mut response,
        )
    };
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        _ if result == 0 => Ok(()),
        // The thread was interrupted meanwhile, and asks again.
        Some(libc::ENOENT | libc::EINTR) => Ok(()),
        _ => Err(error),
    }
}
