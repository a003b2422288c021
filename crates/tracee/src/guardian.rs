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

use std::ffi::CStr;
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::io::fcntl_dupfd_cloexec;

use crate::descriptors;
use crate::process::Identity;
use crate::protocol::{InjectionFailure, Reply, Request, StopFailure};
use crate::tracing::beside::{Visit, Visitor};
use crate::tracing::{FreeClone, Patience, Session};
use crate::{AttachFacts, Pid, Process};

/// What a guardian is called. Capital, since `pkill -9 exuvia` means the tool, and not who cleans up
/// after it.
pub(crate) const NAME: &CStr = c"Exuvia-guardian";

/// How long the end of one is waited for that may have much to do.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often that is looked at.
const MOMENT: Duration = Duration::from_micros(200);

/// The tool's end of the connection. Dropping it undoes everything, and waits for that.
#[derive(Debug)]
pub(crate) struct Guardian {
    requests: UnixStream,
    replies: BufReader<UnixStream>,
    /// Where descriptors come from.
    descriptors: UnixStream,
    /// How long its end is waited for; none for as long as it takes.
    patience: Option<Duration>,
    /// None once it has ended, or is not waited for.
    host: Option<Host>,
}

/// The ends of one side.
pub(crate) struct Connection {
    /// Requests and replies, a line each.
    pub(crate) lines: UnixStream,
    /// Descriptors, to the tool only.
    pub(crate) descriptors: UnixStream,
}

/// Where the tracing is done.
#[derive(Debug)]
enum Host {
    Process(libc::pid_t),
    /// Where only an ancestor may trace (Yama), and the tool itself is one. Not proof
    /// against a kill of the tool.
    Thread(JoinHandle<()>),
}

impl Guardian {
    /// Starts a guardian for one target.
    pub(crate) fn start(target: &Process) -> io::Result<Self> {
        let facts = AttachFacts::of(target);
        if facts.yama_scope == Some(1) && !facts.has_capability {
            return Self::start_in_thread(target);
        }
        let (ours, theirs) = Connection::pair()?;
        let guardian = start_process(&theirs, target)?;
        Self::with_host(ours, Some(Host::Process(guardian)))
    }

    /// The guardian of a clone that was kept, which has let this tool in.
    pub(crate) fn of_kept_clone(ours: Connection) -> io::Result<Self> {
        Self::with_host(ours, None)
    }

    /// Whether it is no part of this tool.
    pub(crate) fn can_outlive_the_tool(&self) -> bool {
        !matches!(self.host, Some(Host::Thread(_)))
    }

    /// It goes on when the connection closes, so nobody waits for its end.
    pub(crate) fn is_left_alone(&mut self) {
        self.host = None;
    }

    fn start_in_thread(target: &Process) -> io::Result<Self> {
        let (ours, theirs) = Connection::pair()?;
        let (pid, identity) = (target.pid(), target.identity());
        let thread = std::thread::Builder::new().name("tracer".to_owned());
        let thread = thread.spawn(move || serve(theirs, pid, identity))?;
        Self::with_host(ours, Some(Host::Thread(thread)))
    }

    fn with_host(ours: Connection, host: Option<Host>) -> io::Result<Self> {
        Ok(Self {
            requests: ours.lines.try_clone()?,
            replies: BufReader::new(ours.lines),
            descriptors: ours.descriptors,
            patience: None,
            host,
        })
    }

    /// The descriptor that the last reply announced.
    pub(crate) fn receive_descriptor(&mut self) -> io::Result<OwnedFd> {
        descriptors::receive(&self.descriptors)
    }

    /// What it has to do at the end may take long: it is not waited for until then.
    pub(crate) fn may_take_long(&mut self) {
        self.patience = Some(PATIENCE);
    }

    /// Lets it undo everything, and waits for that.
    pub(crate) fn end(&mut self) {
        let _ = self.requests.shutdown(Shutdown::Both);
        match self.host.take() {
            Some(Host::Process(pid)) => wait_for_child(pid, self.patience),
            Some(Host::Thread(thread)) => {
                let _ = thread.join();
            }
            None => {}
        }
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
        self.end();
    }
}

impl Connection {
    fn pair() -> io::Result<(Self, Self)> {
        let (lines, other_lines) = UnixStream::pair()?;
        let (descriptors, other_descriptors) = UnixStream::pair()?;
        let other = Self {
            lines: other_lines,
            descriptors: other_descriptors,
        };
        Ok((Self { lines, descriptors }, other))
    }
}

/// Answers requests until the other end closes, and those of other tools after that if the clone
/// is kept.
fn serve(connection: Connection, target: Pid, identity: Identity) {
    // The number may have changed its owner since the tool looked.
    let mut session = match Process::open(target) {
        Ok(process) if process.identity() == identity => Ok(Session::new(process)),
        Ok(process) if process.identity().is_same_process(identity) => Err(StopFailure::Replaced),
        _ => Err(StopFailure::Ended),
    };
    converse(connection, &mut session);
    while let Some(connection) = session.as_mut().ok().and_then(Session::wait_for_tool) {
        converse(connection, &mut session);
    }
}

fn converse(connection: Connection, session: &mut Result<Session, StopFailure>) {
    let Connection {
        lines: connection,
        descriptors,
    } = connection;
    let mut tool = Tool::new(&connection);
    let cancelled = || has_closed(&connection);
    loop {
        // A request comes only after the answer to the last one, so none waits in the buffer.
        if let (Ok(session), None) = (&mut *session, &tool.put_off) {
            session.attend(connection.as_fd());
        }
        let Some(request) = tool.next_request() else {
            break;
        };
        // The tool may have been killed right after it asked.
        if has_closed(&connection) {
            break;
        }
        let reply = match (&mut *session, request) {
            (Ok(session), Request::Call { thread, routine }) => {
                session.call(thread, &routine, &mut tool);
                continue;
            }
            (Ok(session), request) => answer(session, request, &descriptors, &cancelled),
            (Err(failure), _) => Reply::Frozen(Err(failure.clone())),
        };
        let failed = matches!(reply, Reply::Frozen(Err(_)));
        // After a failure to stop a thread, only the end of this one lets go of it.
        if tool.write(&reply).is_err() || failed {
            break;
        }
    }
}

/// What the tool says, and what is said to it.
struct Tool<'a> {
    connection: &'a UnixStream,
    requests: Lines<BufReader<&'a UnixStream>>,
    /// A request that waits for the end of what is being done.
    put_off: Option<Request>,
}

impl<'a> Tool<'a> {
    fn new(connection: &'a UnixStream) -> Self {
        Self {
            connection,
            requests: BufReader::new(connection).lines(),
            put_off: None,
        }
    }

    fn next_request(&mut self) -> Option<Request> {
        if let Some(request) = self.put_off.take() {
            return Some(request);
        }
        let line = self.requests.next()?.ok()?;
        serde_json::from_str(&line).ok()
    }

    fn write(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        let mut connection = self.connection;
        connection.write_all(&line)
    }
}

impl Visitor for Tool<'_> {
    fn asks(&mut self) -> Visit {
        if self.put_off.is_some() {
            return Visit::Waits;
        }
        if has_closed(self.connection) {
            return Visit::Gone;
        }
        match is_readable(self.connection, Duration::ZERO) {
            Ok(true) => match self.next_request() {
                Some(request) => Visit::Request(Box::new(request)),
                None => Visit::Gone,
            },
            Ok(false) => Visit::Nothing,
            Err(_) => Visit::Gone,
        }
    }

    fn answer(&mut self, reply: Reply) {
        // A tool that is gone is noticed by the next look.
        let _ = self.write(&reply);
    }

    fn put_off(&mut self, request: Request) {
        self.put_off = Some(request);
    }
}

fn answer(
    session: &mut Session,
    request: Request,
    descriptors: &UnixStream,
    cancelled: &dyn Fn() -> bool,
) -> Reply {
    match request {
        Request::Freeze { deadline } => {
            let until = Instant::now() + deadline;
            Reply::Frozen(session.freeze(&Patience { until, cancelled }))
        }
        Request::Fork => Reply::Forked(session.fork()),
        Request::ForkAndRelease { from } => {
            Reply::ForkedAndReleased(session.fork_and_release(from))
        }
        Request::Release => Reply::Released(session.release()),
        Request::Discard => Reply::Discarded(session.discard()),
        Request::PrepareDriver => Reply::DriverPrepared(session.prepare_driver()),
        Request::Drive { go_on, limits } => Reply::Drove(session.drive(go_on, limits, cancelled)),
        Request::Confine(bounds) => Reply::Confined(session.confine(&bounds)),
        Request::LetGo => Reply::Status(session.free_clone().and_then(FreeClone::let_go)),
        Request::Hold => Reply::Status(session.free_clone().and_then(FreeClone::hold)),
        Request::Status => Reply::Status(session.free_clone().map(|free| free.status())),
        Request::InterruptClone { patch, at_lock } => {
            Reply::Interrupted(session.interrupt_clone(&patch, at_lock.as_ref()))
        }
        Request::Keep { time } => Reply::Status(session.keep(time)),
        Request::Introduce => Reply::Introduced(session.clone_at_hand()),
        Request::Channel => {
            let channel = session.channel_of_clone();
            Reply::Opened(channel.and_then(|channel| hand_over(channel, descriptors)))
        }
        Request::OpenChannel => {
            let opened = session.open_channel();
            Reply::Opened(opened.and_then(|channel| hand_over(channel, descriptors)))
        }
        Request::OpenChannelInClone => {
            let opened = session.open_channel_in_clone();
            Reply::Opened(opened.and_then(|channel| hand_over(channel, descriptors)))
        }
        Request::OpenFile { contents } => Reply::Opened(session.open_file(&contents)),
        Request::Taken => {
            session.taken();
            Reply::Noted
        }
        Request::SetWill { will } => {
            session.set_will(will);
            Reply::Noted
        }
        Request::Apply { patch } => Reply::Applied(session.apply(&patch)),
        // It is answered when it has begun.
        Request::Call { .. } => Reply::Called(Err(InjectionFailure::NotStopped)),
        Request::HasCalled => Reply::HasCalled(session.has_called()),
        Request::Interrupt { patch, thread } => {
            Reply::Interrupted(session.interrupt(&patch, thread))
        }
        Request::ApplyToClone { patch } => Reply::Applied(session.apply_to_clone(&patch)),
        Request::Mark => Reply::Mark(session.mark()),
        Request::RunClone { argument, deadline } => {
            Reply::CloneReady(session.run_clone(argument, deadline))
        }
        Request::CallInClone { routine, deadline } => {
            Reply::CloneReady(session.call_in_clone(&routine, deadline))
        }
    }
}

fn hand_over(
    (theirs, ours): (i32, OwnedFd),
    descriptors: &UnixStream,
) -> Result<i32, InjectionFailure> {
    descriptors::send(descriptors, &ours)
        .map_err(|error| InjectionFailure::os("handing over the channel", &error))?;
    Ok(theirs)
}

/// Forks the guardian off. It shares nothing with the tool but the connection.
fn start_process(connection: &Connection, target: &Process) -> io::Result<libc::pid_t> {
    let (pid, identity) = (target.pid(), target.identity());
    // SAFETY: the child calls ordinary code although this process may have other threads. It
    // takes no lock that one of them could hold: the C library's fork leaves the allocator
    // usable, and nothing here prints or touches the environment.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                survive_lack_of_memory();
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

/// Should memory run out, anybody shall end before this: a thread of the target that it has in its
/// hands would be lost. Only root may ask for that.
fn survive_lack_of_memory() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "-1000");
}

/// A session, a signal mask and files of its own: it must not be reached by the terminal's
/// Ctrl-C, nor keep a pipeline waiting for the end of the tool's output.
fn detach_from_the_tool(connection: &Connection) -> io::Result<Connection> {
    const LINES: libc::c_int = 3;
    const DESCRIPTORS: libc::c_int = 4;
    // Behind both places, so that neither is overwritten before it was moved.
    let lines = fcntl_dupfd_cloexec(&connection.lines, DESCRIPTORS + 1)?;
    let descriptors = fcntl_dupfd_cloexec(&connection.descriptors, DESCRIPTORS + 1)?;
    // SAFETY: plain calls; the signal set and the strings outlive them. Every descriptor that
    // is closed here belongs to values that this process never uses or drops: it ends by
    // `_exit`.
    unsafe {
        libc::setsid();
        // The target waits for this process; only root may, and without it all works as well.
        libc::setpriority(libc::PRIO_PROCESS, 0, -20);
        libc::chdir(c"/".as_ptr());
        libc::prctl(libc::PR_SET_NAME, NAME.as_ptr());
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut signals);
        libc::sigprocmask(libc::SIG_SETMASK, &signals, std::ptr::null_mut());
        if libc::dup2(lines.as_raw_fd(), LINES) < 0
            || libc::dup2(descriptors.as_raw_fd(), DESCRIPTORS) < 0
        {
            return Err(io::Error::last_os_error());
        }
        // Closed below, with all others.
        std::mem::forget((lines, descriptors));
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for standard in 0..LINES {
            if nothing < 0 || libc::dup2(nothing, standard) < 0 {
                libc::close(standard);
            }
        }
        if libc::syscall(libc::SYS_close_range, DESCRIPTORS + 1, libc::c_uint::MAX, 0) < 0 {
            // Linux before 5.9.
            for descriptor in DESCRIPTORS + 1..4096 {
                libc::close(descriptor);
            }
        }
        Ok(Connection {
            lines: UnixStream::from_raw_fd(LINES),
            descriptors: UnixStream::from_raw_fd(DESCRIPTORS),
        })
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

/// Waits for its end, for ever or for so long.
fn wait_for_child(pid: libc::pid_t, patience: Option<Duration>) {
    let until = patience.map(|patience| Instant::now() + patience);
    let options = if until.is_some() { libc::WNOHANG } else { 0 };
    let mut status = 0;
    loop {
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(pid, &mut status, options) };
        let is_interrupted =
            waited < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
        let goes_on = waited == 0 && until.is_some_and(|until| Instant::now() < until);
        if !is_interrupted && !goes_on {
            return;
        }
        if goes_on {
            std::thread::sleep(MOMENT);
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
