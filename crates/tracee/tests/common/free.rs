//! Targets whose clones run freely, and answer on their own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use exuvia_tracee::{CloneStatus, Confined, Confinement, Frozen, Pid, Process, ProcessClone};

use super::{DEADLINE, Target, wait_until};

const SETUP: &str = "
import errno, socket
channel = ctypes.c_int(0)
rung = []
";

/// What the clone does: its input, like all that it has inherited, has an end.
const SERVE: &str = "
def serve(channel):
    requests = os.fdopen(channel, closefd=False)
    for line in requests:
        try:
            answer = eval(line)
        except OSError as error:
            answer = errno.errorcode[error.errno]
        except Exception as error:
            answer = repr(error)
        os.write(channel, (str(answer) + '\\n').encode())
if channel.value: serve(channel.value)
";

/// The channel is another one each time.
pub const BOUNDS: Confinement = Confinement {
    channel: 0,
    memory: 256 << 20,
    time: Duration::from_secs(120),
};

pub struct Subject {
    pub target: Target,
    /// Where the number of the channel is expected, in a clone.
    pub channel_at: u64,
}

impl Subject {
    pub fn start(setup: &str) -> Self {
        let mut target = Target::start_and_then(&format!("{SETUP}\n{setup}"), SERVE);
        let channel_at = target.eval("ctypes.addressof(channel)").parse().unwrap();
        target.wait_for_system_call(&[libc::SYS_read]);
        Self { target, channel_at }
    }

    /// A clone that runs and answers.
    pub fn free_clone(&self) -> Free {
        self.free_clone_within(&BOUNDS)
    }

    pub fn free_clone_within(&self, bounds: &Confinement) -> Free {
        free_clone(self.target.pid(), self.channel_at, bounds)
    }
}

/// A clone of such a process.
pub fn free_clone(pid: Pid, channel_at: u64, bounds: &Confinement) -> Free {
    let process = Process::open(pid).unwrap();
    let frozen = Frozen::freeze(&process, DEADLINE).unwrap();
    let (clone, _) = frozen.fork_and_release().unwrap();
    let channel = clone.open_channel().unwrap();
    let bounds = Confinement {
        channel: channel.theirs,
        ..*bounds
    };
    let confined = clone.confine(&bounds).unwrap();
    let memory = format!("/proc/{}/mem", clone.pid());
    let memory = File::options().write(true).open(memory).unwrap();
    let number = channel.theirs.to_ne_bytes();
    memory.write_all_at(&number, channel_at).unwrap();
    let channel = channel.ours;
    assert_eq!(clone.let_go().unwrap(), CloneStatus::Running);
    Free {
        clone,
        confined,
        answers: BufReader::new(channel.try_clone().unwrap()),
        channel,
    }
}

/// A clone that evaluates what it is sent.
pub struct Free {
    pub clone: ProcessClone,
    pub confined: Confined,
    pub channel: UnixStream,
    pub answers: BufReader<UnixStream>,
}

impl Free {
    pub fn ask(&mut self, expression: &str) {
        self.try_to_ask(expression).unwrap();
    }

    /// The same of a clone that may have ended.
    pub fn try_to_ask(&mut self, expression: &str) -> io::Result<()> {
        self.channel.write_all(format!("{expression}\n").as_bytes())
    }

    pub fn eval(&mut self, expression: &str) -> String {
        self.ask(expression);
        self.answer()
    }

    /// The next line that it sends.
    pub fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Free {
    /// What became of it, when its channel has no other end any more.
    pub fn end(&mut self) -> CloneStatus {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        assert!(matches!(read, Ok(0) | Err(_)), "{line}");
        let mut status = CloneStatus::Running;
        wait_until("the end of the clone", || {
            status = self.clone.status().unwrap();
            status.has_ended()
        });
        status
    }
}
