//! The process that does the tracing.
//!
//! A tracer that is killed in the middle of a system call that it made the target run would
//! take the target down with it: the thread would go on with foreign registers. And a
//! clone that its tracer leaves behind dies, but stays a zombie in the target. So the
//! tracing is done by a child of this tool in a session of its own, which Ctrl-C and a
//! `kill -9` of the tool do not reach. It holds one end of a socket; when the other end
//! closes, for whatever reason, it finishes what it is doing, lets the target go on, kills and
//! reaps the clone, and ends.
#![allow(unsafe_code)]

use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::process::Identity;
use crate::protocol::{Reply, Request, StopFailure};
use crate::tracing::{Patience, Session};
use crate::{AttachFacts, Pid, Process};

/// The tool's end of the connection. Dropping it undoes everything, and waits for that.
#[derive(Debug)]
pub(crate) struct Guardian {
    requests: UnixStream,
    replies: BufReader<UnixStream>,
    host: Host,
}

/// Where the tracing is done.
#[derive(Debug)]
enum Host {
    Process(libc::pid_t),
    /// Where only an ancestor may trace (Yama), and the tool itself is one. Not proof
    /// against a kill of the tool.
    Thread(Option<JoinHandle<()>>),
}

impl Guardian {
    /// Starts a guardian for one target.
    pub(crate) fn start(target: &Process) -> io::Result<Self> {
        let facts = AttachFacts::of(target);
        if facts.yama_scope == Some(1) && !facts.has_capability {
            return Self::start_in_thread(target);
        }
        let (ours, theirs) = UnixStream::pair()?;
        let guardian = start_process(&theirs, target)?;
        Self::with_host(ours, Host::Process(guardian))
    }

    fn start_in_thread(target: &Process) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let (pid, identity) = (target.pid(), target.identity());
        let thread = std::thread::Builder::new().name("tracer".to_owned());
        let thread = thread.spawn(move || serve(theirs, pid, identity))?;
        Self::with_host(ours, Host::Thread(Some(thread)))
    }

    fn with_host(ours: UnixStream, host: Host) -> io::Result<Self> {
        Ok(Self {
            requests: ours.try_clone()?,
            replies: BufReader::new(ours),
            host,
        })
    }

    /// Sends a request and waits for the reply.
    pub(crate) fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        self.send(request)?;
        self.receive()
    }

    /// Like [`ask`](Self::ask), but gives up when `interrupt` is set: `None`. What was asked
    /// for is undone then.
    pub(crate) fn ask_unless(
        &mut self,
        request: &Request,
        interrupt: &AtomicBool,
    ) -> io::Result<Option<Reply>> {
        self.send(request)?;
        while !is_readable(&self.requests, Duration::from_millis(20))? {
            if interrupt.load(Ordering::Relaxed) {
                let _ = self.requests.shutdown(Shutdown::Both);
                return Ok(None);
            }
        }
        self.receive().map(Some)
    }

    fn send(&mut self, request: &Request) -> io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests.write_all(&line)
    }

    fn receive(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        let _ = self.requests.shutdown(Shutdown::Both);
        match &mut self.host {
            Host::Process(pid) => wait_for_child(*pid),
            Host::Thread(thread) => {
                if let Some(thread) = thread.take() {
                    let _ = thread.join();
                }
            }
        }
    }
}

/// Answers requests until the other end closes.
fn serve(connection: UnixStream, target: Pid, identity: Identity) {
    let Ok(mut replies) = connection.try_clone() else {
        return;
    };
    // The number may have changed its owner since the tool looked.
    let mut session = match Process::open(target) {
        Ok(process) if process.identity() == identity => Ok(Session::new(process)),
        Ok(process) if process.identity().is_same_process(identity) => Err(StopFailure::Replaced),
        _ => Err(StopFailure::Ended),
    };
    let cancelled = || has_closed(&connection);
    for line in BufReader::new(&connection).lines() {
        let Some(request) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else {
            break;
        };
        // The tool may have been killed right after it asked.
        if has_closed(&connection) {
            break;
        }
        let reply = match &mut session {
            Ok(session) => answer(session, &request, &cancelled),
            Err(failure) => Reply::Frozen(Err(failure.clone())),
        };
        let failed = matches!(reply, Reply::Frozen(Err(_)));
        let Ok(mut line) = serde_json::to_vec(&reply) else {
            break;
        };
        line.push(b'\n');
        // After a failure to stop a thread, only the end of this one lets go of it.
        if replies.write_all(&line).is_err() || failed {
            break;
        }
    }
}

fn answer(session: &mut Session, request: &Request, cancelled: &dyn Fn() -> bool) -> Reply {
    match request {
        Request::Freeze { deadline } => {
            let until = Instant::now() + *deadline;
            Reply::Frozen(session.freeze(&Patience { until, cancelled }))
        }
        Request::Fork => Reply::Forked(session.fork()),
        Request::ForkAndRelease => Reply::ForkedAndReleased(session.fork_and_release()),
        Request::Release => Reply::Released(session.release()),
        Request::Discard => Reply::Discarded(session.discard()),
        Request::PrepareDriver => Reply::DriverPrepared(session.prepare_driver()),
        Request::Drive { go_on, limits } => Reply::Drove(session.drive(*go_on, *limits, cancelled)),
    }
}

/// Forks the guardian off. It shares nothing with the tool but the connection.
fn start_process(connection: &UnixStream, target: &Process) -> io::Result<libc::pid_t> {
    let (pid, identity) = (target.pid(), target.identity());
    // SAFETY: the child calls ordinary code although this process may have other threads. It
    // takes no lock that one of them could hold: the C library's fork leaves the allocator
    // usable, and nothing here prints or touches the environment.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                if let Ok(connection) = detach_from_the_tool(connection) {
                    serve(connection, pid, identity);
                }
            }));
            // SAFETY: ends this process without running what the tool registered for its end.
            unsafe { libc::_exit(i32::from(outcome.is_err())) }
        }
        guardian => Ok(guardian),
    }
}

/// A session, a signal mask and files of its own: it must not be reached by the terminal's
/// Ctrl-C, nor keep a pipeline waiting for the end of the tool's output.
fn detach_from_the_tool(connection: &UnixStream) -> io::Result<UnixStream> {
    const CONNECTION: libc::c_int = 3;
    // SAFETY: plain calls; the signal set and the strings outlive them. Every descriptor that
    // is closed here belongs to values that this process never uses or drops: it ends by
    // `_exit`.
    unsafe {
        libc::setsid();
        // The target waits for this process; only root may, and without it all works as well.
        libc::setpriority(libc::PRIO_PROCESS, 0, -20);
        libc::chdir(c"/".as_ptr());
        libc::prctl(libc::PR_SET_NAME, c"exuvia-guardian".as_ptr());
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut signals);
        libc::sigprocmask(libc::SIG_SETMASK, &signals, std::ptr::null_mut());
        if libc::dup2(connection.as_raw_fd(), CONNECTION) < 0 {
            return Err(io::Error::last_os_error());
        }
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for standard in 0..CONNECTION {
            if nothing < 0 || libc::dup2(nothing, standard) < 0 {
                libc::close(standard);
            }
        }
        if libc::syscall(libc::SYS_close_range, CONNECTION + 1, libc::c_uint::MAX, 0) < 0 {
            // Linux before 5.9.
            for descriptor in CONNECTION + 1..4096 {
                libc::close(descriptor);
            }
        }
        Ok(UnixStream::from_raw_fd(CONNECTION))
    }
}

fn is_readable(stream: &UnixStream, timeout: Duration) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: stream.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one descriptor, alive for the call.
    match unsafe { libc::poll(&mut poll, 1, milliseconds) } {
        -1 => {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                Ok(false)
            } else {
                Err(error)
            }
        }
        ready => Ok(ready > 0),
    }
}

/// Whether the tool is gone, or has closed its end.
fn has_closed(stream: &UnixStream) -> bool {
    let mut byte = 0u8;
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // SAFETY: one byte of ours.
    let got = unsafe { libc::recv(stream.as_raw_fd(), (&raw mut byte).cast(), 1, flags) };
    got == 0
}

fn wait_for_child(pid: libc::pid_t) {
    let mut status = 0;
    loop {
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(pid, &mut status, 0) };
        if waited >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_thread_does_the_same_as_a_process() {
        let pipes = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = pipes.unwrap();
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut output = BufReader::new(output);
        let mut echo = move || {
            let mut line = String::new();
            writeln!(input, "there").unwrap();
            output.read_line(&mut line).unwrap();
            line
        };
        echo();
        let process = Process::open(Pid(child.id().cast_signed())).unwrap();
        let mut guardian = Guardian::start_in_thread(&process).unwrap();
        let deadline = Duration::from_secs(5);
        let frozen = guardian.ask(&Request::Freeze { deadline }).unwrap();
        assert!(matches!(frozen, Reply::Frozen(Ok(_))), "{frozen:?}");
        let forked = guardian.ask(&Request::Fork).unwrap();
        assert!(matches!(forked, Reply::Forked(Ok(_))), "{forked:?}");
        drop(guardian);
        assert_eq!(process.tracer_pid(), None);
        assert_eq!(echo(), "there\n");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
