use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use exuvia_tracee::{Channel, Frozen};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use super::errors::AttachError;
use super::stage;
use crate::Delivery;

/// The most that a failure says of itself.
const LONGEST_FAILURE: u64 = 10_000;
/// How long code that has failed may take to close its end.
const CLOSING: Duration = Duration::from_secs(2);

/// The channel, in which the code lies ready to be read by the process.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) stream: UnixStream,
    /// The number of the other end in the process.
    pub(crate) theirs: i32,
    /// How many bytes of text lie ready; behind them lies what the text reads.
    pub(crate) length: usize,
}

impl Door {
    /// Opens a channel to a process that stands still, and puts a text into it.
    pub(crate) fn open(
        frozen: &mut Frozen,
        delivery: &dyn Fn(i32) -> Delivery,
    ) -> Result<Self, AttachError> {
        Self::fill(frozen.open_channel()?, delivery)
    }

    /// Puts a text into a channel.
    pub(crate) fn fill(
        channel: Channel,
        delivery: &dyn Fn(i32) -> Delivery,
    ) -> Result<Self, AttachError> {
        let Channel { mut ours, theirs } = channel;
        let Delivery { text, data } = delivery(theirs);
        let length = text.len();
        let all = text + &data;
        // Nobody reads yet: what does not fit would wait for ever.
        ours.set_nonblocking(true).map_err(AttachError::Channel)?;
        let written = ours.write(all.as_bytes());
        if written.map_err(AttachError::Channel)? < all.len() {
            return Err(AttachError::TooLong(all.len()));
        }
        ours.set_nonblocking(false).map_err(AttachError::Channel)?;
        Ok(Self {
            stream: ours,
            theirs,
            length,
        })
    }

    /// The connection, which has no limit of time any more.
    pub(crate) fn into_stream(self) -> Result<UnixStream, AttachError> {
        let unlimited = self.stream.set_read_timeout(None);
        unlimited.map_err(AttachError::Channel)?;
        Ok(self.stream)
    }

    /// Whether the code has said something within the time, which then waits to be read. An
    /// error when it says that it failed, or has gone.
    pub(crate) fn hears(&self, time: Duration) -> Result<bool, AttachError> {
        // Zero would be no limit.
        let time = time.max(Duration::from_millis(1));
        let timeout = self.stream.set_read_timeout(Some(time));
        timeout.map_err(AttachError::Channel)?;
        let mut said = [0];
        let length = match recv(&self.stream, &mut said[..], RecvFlags::PEEK) {
            Ok((length, _)) => length,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
            // It was closed before all was read.
            Err(Errno::CONNRESET) => 0,
            Err(error) => return Err(AttachError::Channel(io::Error::from(error))),
        };
        match said.get(..length).unwrap_or_default() {
            [] => Err(AttachError::Closed),
            [stage::FAILED, ..] => Err(self.failure()),
            _ => Ok(true),
        }
    }

    /// Reads why the code failed, until it has closed its end.
    fn failure(&self) -> AttachError {
        let mut failure = Vec::new();
        let timeout = self.stream.set_read_timeout(Some(CLOSING));
        let mut said = (&self.stream).take(LONGEST_FAILURE);
        let read = timeout.and_then(|()| said.read_to_end(&mut failure));
        // What it said before it went silent is all there is.
        drop(read);
        let failure = String::from_utf8_lossy(failure.get(1..).unwrap_or_default());
        AttachError::Failed(failure.escape_debug().to_string())
    }
}
