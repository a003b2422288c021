//! Taking away what a clone has inherited: its descriptors lead to the files, pipes and sockets of
//! the live process.
//!
//! As long as the clone has a descriptor of its own, a socket that the live process closes stays
//! open for its peer, and a pipe has no end. So nothing is kept, not even to be looked at: each
//! number is given to something harmless of the same kind, so that it stays taken.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;

use super::batch::{Batch, outcome};
use crate::Pid;
use crate::batch::Call;
use crate::protocol::ConfineFailure;

/// Replaces every descriptor of the clone but the channel. Returns how many.
pub(super) fn replace_all(
    clone: Pid,
    batch: &Batch,
    channel: i32,
) -> Result<usize, ConfineFailure> {
    let all = inherited(clone)?;
    let is_channel = |one: &Inherited| one.number == channel;
    if !all.iter().any(|one| is_channel(one) && one.is_socket()) {
        return Err(ConfineFailure::Channel(channel));
    }
    let all: Vec<Inherited> = all.into_iter().filter(|one| !is_channel(one)).collect();
    let count = all.len();
    let substitutes = Substitutes::make(clone, batch)?;
    // What peers wait for goes first: opening files anew may take a disk, or a network.
    let (others, files): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|one| one.replacement().is_substitute());
    substitutes.take_the_place_of(batch, others.iter())?;
    for part in files.chunks(FILES) {
        let left = replace_by_new_ones(clone, batch, part)?;
        substitutes.take_the_place_of(batch, left.into_iter())?;
    }
    substitutes.close(batch)?;
    Ok(count)
}

/// A descriptor as the clone has it from its parent.
struct Inherited {
    number: i32,
    metadata: Option<Metadata>,
    /// As in `open(2)`.
    flags: i32,
    position: u64,
    /// What the kernel calls it.
    name: PathBuf,
}

/// What takes its place.
#[derive(PartialEq)]
enum Replacement {
    /// The same file, opened anew for reading with these flags.
    Reopened(i32),
    /// `epoll` and `eventfd`, of which no events come.
    New(Call),
    /// A socket whose other end is closed.
    Socket,
    /// `/dev/null`.
    Nothing,
}

impl Replacement {
    /// Whether it is the same for all.
    fn is_substitute(&self) -> bool {
        matches!(self, Self::Socket | Self::Nothing)
    }
}

/// How many files are opened at once: each is one more descriptor for the moment.
const FILES: usize = 32;
/// Room for a path.
const PATH: usize = 32;

impl Inherited {
    fn read(clone: Pid, number: i32) -> Self {
        let path = format!("/proc/{clone}/fd/{number}");
        let about = std::fs::read_to_string(format!("/proc/{clone}/fdinfo/{number}"));
        let about = about.unwrap_or_default();
        let field = |name: &str| about.lines().find_map(|line| line.strip_prefix(name));
        let flags = field("flags:").and_then(|text| i32::from_str_radix(text.trim(), 8).ok());
        let position = field("pos:").and_then(|text| text.trim().parse().ok());
        Self {
            number,
            metadata: std::fs::metadata(&path).ok(),
            flags: flags.unwrap_or_default(),
            position: position.unwrap_or_default(),
            name: std::fs::read_link(&path).unwrap_or_default(),
        }
    }

    fn is_socket(&self) -> bool {
        let kind = self.metadata.as_ref().map(Metadata::file_type);
        kind.is_some_and(|kind| kind.is_socket())
    }

    fn replacement(&self) -> Replacement {
        let Some(metadata) = &self.metadata else {
            return Replacement::Nothing;
        };
        let kind = metadata.file_type();
        let is_path = self.flags & libc::O_PATH != 0;
        let can_read = self.flags & libc::O_ACCMODE != libc::O_WRONLY;
        if kind.is_dir() && !is_path {
            Replacement::Reopened(libc::O_DIRECTORY)
        } else if kind.is_dir() || kind.is_file() && is_path {
            Replacement::Reopened(libc::O_PATH)
        } else if kind.is_file() && can_read {
            Replacement::Reopened(0)
        } else if kind.is_socket() {
            Replacement::Socket
        } else if self.name.as_os_str() == "anon_inode:[eventpoll]" {
            let flags = libc::EPOLL_CLOEXEC as u64;
            Replacement::New(Call::new(libc::SYS_epoll_create1, [flags]))
        } else if self.name.as_os_str() == "anon_inode:[eventfd]" {
            let flags = (libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) as u64;
            Replacement::New(Call::new(libc::SYS_eventfd2, [0, flags]))
        } else {
            Replacement::Nothing
        }
    }

    /// Whether this is the same file.
    fn is_same_file(&self, other: &Self) -> bool {
        let identity = |one: &Self| {
            let metadata = one.metadata.as_ref()?;
            Some((metadata.dev(), metadata.ino(), metadata.mode()))
        };
        identity(self).is_some() && identity(self) == identity(other)
    }

    /// A call that gives its number to another descriptor.
    fn take_place(&self, by: u64) -> Call {
        let flags = self.flags & libc::O_CLOEXEC;
        Call::new(libc::SYS_dup3, [by, self.number as u64, flags as u64])
    }
}

fn inherited(clone: Pid) -> Result<Vec<Inherited>, ConfineFailure> {
    let failed = |error| ConfineFailure::os("reading /proc/PID/fd", &error);
    let entries = std::fs::read_dir(format!("/proc/{clone}/fd")).map_err(failed)?;
    let mut all = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.parse().ok()) {
            all.push(Inherited::read(clone, number));
        }
    }
    Ok(all)
}

/// Opens files anew for reading: the position in a file belongs to what `open` returns, and the
/// clone shall not move that of the live process. Makes anew what can be. Returns those that could
/// not be replaced.
fn replace_by_new_ones<'a>(
    clone: Pid,
    batch: &Batch,
    all: &'a [Inherited],
) -> Result<Vec<&'a Inherited>, ConfineFailure> {
    let mut calls = Vec::new();
    let mut made = Vec::new();
    let mut left = Vec::new();
    for (index, one) in all.iter().enumerate() {
        let at = index * PATH;
        batch.put(at, format!("/proc/self/fd/{}\0", one.number).as_bytes())?;
        let path = batch.data + at as u64;
        let given = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        calls.push(match one.replacement() {
            Replacement::New(call) => call,
            Replacement::Reopened(flags) => open(path, flags | given),
            Replacement::Socket | Replacement::Nothing => {
                left.push(one);
                continue;
            }
        });
        made.push(one);
    }
    let mut moves = Vec::new();
    let mut moved = Vec::new();
    for (one, result) in made.into_iter().zip(batch.run(&calls)?) {
        // Files that only their owner may read, and a target that sees no /proc.
        let Ok(new) = outcome(result) else {
            left.push(one);
            continue;
        };
        let is_file = matches!(one.replacement(), Replacement::Reopened(_));
        // Whatever the target takes for its /proc.
        if is_file && !one.is_same_file(&Inherited::read(clone, new as i32)) {
            left.push(one);
        } else {
            let position = [new, one.position, libc::SEEK_SET as u64];
            if is_file {
                moves.push(Call::new(libc::SYS_lseek, position));
            }
            moved.push((one, moves.len()));
            moves.push(one.take_place(new));
        }
        moves.push(Call::new(libc::SYS_close, [new]));
    }
    let results = batch.run(&moves)?;
    let failed = |at: &usize| results.get(*at).is_none_or(|&result| result < 0);
    left.extend(
        moved
            .into_iter()
            .filter(|(_, at)| failed(at))
            .map(|(one, _)| one),
    );
    Ok(left)
}

fn open(path: u64, flags: i32) -> Call {
    let here = i64::from(libc::AT_FDCWD).cast_unsigned();
    Call::new(libc::SYS_openat, [here, path, flags as u64])
}

/// What takes the place of all that can't be had anew.
struct Substitutes {
    /// `/dev/null`; where the target may not open it, a pipe that has nothing to read and can't be
    /// written.
    nothing: Option<u64>,
    /// A socket whose other end is closed.
    socket: Option<u64>,
}

impl Substitutes {
    fn make(clone: Pid, batch: &Batch) -> Result<Self, ConfineFailure> {
        batch.put(0, b"/dev/null\0")?;
        let flags = libc::O_RDWR | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
        let opened = batch.run(&[open(batch.data, flags)])?;
        let mut nothing = opened.first().and_then(|&result| outcome(result).ok());
        if let Some(number) = nothing
            && !is_null_device(clone, number)
        {
            batch.run(&[Call::new(libc::SYS_close, [number])])?;
            nothing = None;
        }
        if nothing.is_none() {
            let pipe = Call::new(libc::SYS_pipe2, [batch.data, libc::O_CLOEXEC as u64]);
            nothing = only_one_of(batch, pipe)?;
        }
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        let arguments = [libc::AF_UNIX as u64, kind as u64, 0, batch.data];
        let socket = only_one_of(batch, Call::new(libc::SYS_socketpair, arguments))?;
        Ok(Self { nothing, socket })
    }

    fn take_the_place_of<'a>(
        &self,
        batch: &Batch,
        all: impl Iterator<Item = &'a Inherited> + Clone,
    ) -> Result<(), ConfineFailure> {
        let close = |one: &Inherited| Call::new(libc::SYS_close, [one.number as u64]);
        let list: Vec<Call> = all
            .clone()
            .map(|one| {
                let by = match one.replacement() {
                    Replacement::Socket => self.socket,
                    _ => self.nothing,
                };
                by.map_or_else(|| close(one), |by| one.take_place(by))
            })
            .collect();
        for (one, result) in all.zip(batch.run(&list)?) {
            // Its number is too large for a limit that came after it.
            if result < 0 && batch.run(&[close(one)])?.first() != Some(&0) {
                return Err(ConfineFailure::Descriptor(one.number));
            }
        }
        Ok(())
    }

    fn close(&self, batch: &Batch) -> Result<(), ConfineFailure> {
        let both = [self.nothing, self.socket].into_iter().flatten();
        let closes: Vec<Call> = both
            .map(|number| Call::new(libc::SYS_close, [number]))
            .collect();
        batch.run(&closes).map(drop)
    }
}

/// Makes a pair of descriptors by a call that writes their numbers to the data, and closes the
/// second. Nothing when there can't be more.
fn only_one_of(batch: &Batch, call: Call) -> Result<Option<u64>, ConfineFailure> {
    if batch.run(&[call])?.first() != Some(&0) {
        return Ok(None);
    }
    let mut pair = [0; 8];
    batch.get(0, &mut pair)?;
    let [first, second] = [0, 4].map(|at| {
        let bytes = pair[at..].as_chunks().0.first();
        u32::from_ne_bytes(bytes.copied().unwrap_or_default())
    });
    batch.run(&[Call::new(libc::SYS_close, [u64::from(second)])])?;
    Ok(Some(u64::from(first)))
}

fn is_null_device(clone: Pid, number: u64) -> bool {
    let metadata = std::fs::metadata(format!("/proc/{clone}/fd/{number}"));
    metadata.is_ok_and(|metadata| {
        metadata.file_type().is_char_device() && metadata.rdev() == libc::makedev(1, 3)
    })
}
