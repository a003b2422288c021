//! Clones that outlive the tool that made them, so that another one can look at the same moment.
//!
//! The guardian of such a clone does not end with its connection: it listens on a socket of the
//! abstract namespace, whose name has the clone's number, and serves one tool at a time. It ends
//! with the clone: when its time is over, when its process has ended, or when somebody kills it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use rustix::process::geteuid;

use crate::capture::lock;
use crate::descriptors;
use crate::guardian::{Connection, Guardian};
use crate::protocol::{InjectionFailure, Reply, Request};
use crate::{Channel, ConfineError, Pid, Process, ProcessClone};

/// Why a kept clone can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Nobody keeps a clone of this number.
    #[error("process {0} is not a clone that is kept")]
    NoneKept(Pid),
    /// Another user keeps it.
    #[error("clone {pid} is kept by another user ({uid})")]
    Foreign {
        /// The clone.
        pid: Pid,
        /// The user.
        uid: u32,
    },
    /// Another tool uses it.
    #[error("clone {0} is in use")]
    InUse(Pid),
    /// Its guardian does not answer as it should.
    #[error("the guardian of clone {pid} does not answer: {source}")]
    Guardian {
        /// The clone.
        pid: Pid,
        /// What went wrong.
        source: io::Error,
    },
}

impl KeptError {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoneKept(_) => "a kept copy ends with its time, and with its process",
            Self::InUse(_) => "one shell at a time: leave the other one first",
            Self::Foreign { .. } => "run exuvia as that user, or as root",
            Self::Guardian { .. } => {
                "it may just be ending: try again; `kill PID` ends the copy and its guardian"
            }
        }
    }
}

impl ProcessClone {
    /// Lets the clone, which is confined and runs, go on when this tool has ended: for so long
    /// from now, if nothing ends it before. Another tool of the same user, or of root, finds it
    /// by its number. Dropping this does not end it any more, [`discard`](Self::discard) does.
    pub fn keep(&mut self, time: Duration) -> Result<(), ConfineError> {
        let mut guardian = lock(self.guardian());
        if !guardian.can_outlive_the_tool() {
            return Err(ConfineError::NoGuardian);
        }
        let reply = guardian.ask(&Request::Keep { time });
        match reply.map_err(ConfineError::Guardian)? {
            Reply::Status(status) => status?,
            _ => return Err(ConfineError::Guardian(io::ErrorKind::InvalidData.into())),
        };
        guardian.is_left_alone();
        drop(guardian);
        self.outlives_this();
        Ok(())
    }

    /// A clone that was kept, by its number in the namespace of this tool.
    pub fn find_kept(pid: Pid) -> Result<Self, KeptError> {
        let failed = |source| KeptError::Guardian { pid, source };
        let clone = Process::open(pid).map_err(|_| KeptError::NoneKept(pid))?;
        let tracer = clone.tracer_pid().ok_or(KeptError::NoneKept(pid))?;
        let lines = connect(pid).map_err(|_| KeptError::NoneKept(pid))?;
        check_guardian(&lines, pid, tracer)?;
        lines.set_read_timeout(Some(GREETING)).map_err(failed)?;
        let descriptors = descriptors::receive(&lines).map_err(|_| KeptError::InUse(pid))?;
        lines.set_read_timeout(None).map_err(failed)?;
        let connection = Connection {
            lines,
            descriptors: descriptors.into(),
        };
        let mut guardian = Guardian::of_kept_clone(connection).map_err(failed)?;
        match guardian.ask(&Request::Introduce).map_err(failed)? {
            Reply::Introduced(Some(child)) if child.pid == pid => Ok(Self::kept(guardian, child)),
            _ => Err(KeptError::NoneKept(pid)),
        }
    }

    /// What it is talked to through, which was opened when it was made.
    pub fn channel(&self) -> Result<Channel, ConfineError> {
        let mut guardian = lock(self.guardian());
        let reply = guardian.ask(&Request::Channel);
        match reply.map_err(ConfineError::Guardian)? {
            Reply::Opened(Ok(theirs)) => Ok(Channel {
                ours: guardian
                    .receive_descriptor()
                    .map_err(ConfineError::Guardian)?
                    .into(),
                theirs,
            }),
            Reply::Opened(Err(failure)) => Err(match failure {
                InjectionFailure::Ended => ConfineError::Ended,
                InjectionFailure::Os { step, errno } => ConfineError::Os {
                    step,
                    source: io::Error::from_raw_os_error(errno),
                },
                _ => ConfineError::NotConfined,
            }),
            _ => Err(ConfineError::Guardian(io::ErrorKind::InvalidData.into())),
        }
    }
}

/// The clones that are kept, as far as this network namespace shows them. Some may belong to
/// others.
pub fn kept_clones() -> Vec<Pid> {
    // The name is the last column, and begins with `@` for the null byte.
    let table = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let name = |line: &str| {
        let name = line.rsplit(' ').next()?.strip_prefix('@')?;
        name.strip_prefix(NAME)?.parse().ok().map(Pid)
    };
    let mut pids: Vec<Pid> = table.lines().filter_map(name).collect();
    pids.sort();
    pids.dedup();
    pids.retain(|&pid| Process::open(pid).is_ok());
    pids
}

/// Where the guardian of a kept clone is found.
pub(crate) struct Keeping {
    listener: UnixListener,
}

impl Keeping {
    pub(crate) fn of(clone: Pid) -> io::Result<Self> {
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name(clone))?)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    /// Lets the next tool in, if it may.
    pub(crate) fn let_in(&self) -> Option<Connection> {
        let (lines, _) = self.listener.accept().ok()?;
        let (_, user) = descriptors::peer(&lines).ok()?;
        if user != geteuid().as_raw() && user != ROOT {
            return None;
        }
        lines.set_nonblocking(false).ok()?;
        let (descriptors, theirs) = UnixStream::pair().ok()?;
        descriptors::send(&lines, &theirs.into()).ok()?;
        Some(Connection { lines, descriptors })
    }

    /// Turns the next tool away: there is one already.
    pub(crate) fn turn_away(&self) {
        drop(self.listener.accept());
    }
}

impl AsFd for Keeping {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

/// The user that may do everything.
const ROOT: u32 = 0;

const NAME: &str = "exuvia-clone-";
/// How long the guardian may take to let a tool in.
const GREETING: Duration = Duration::from_secs(5);

fn name(clone: Pid) -> String {
    format!("{NAME}{clone}")
}

/// Connects, or fails at once: anybody may listen under the name, and let others wait for ever.
fn connect(clone: Pid) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new_abstract_name(name(clone).as_bytes())?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &address)?;
    let lines = UnixStream::from(socket);
    lines.set_nonblocking(false)?;
    Ok(lines)
}

/// Anybody may take a name. The guardian is the one that traces the clone.
fn check_guardian(lines: &UnixStream, pid: Pid, tracer: Pid) -> Result<(), KeptError> {
    let (listener, uid) =
        descriptors::peer(lines).map_err(|source| KeptError::Guardian { pid, source })?;
    if listener != tracer {
        return Err(KeptError::NoneKept(pid));
    }
    let own = geteuid().as_raw();
    if own != ROOT && uid != own {
        return Err(KeptError::Foreign { pid, uid });
    }
    Ok(())
}
