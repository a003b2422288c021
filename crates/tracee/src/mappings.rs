use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use exuvia_memory::RemoteAddress;

use crate::Pid;

/// The list of a process's mappings could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the memory map of process {pid}")]
pub struct MappingsError {
    /// The process.
    pub pid: Pid,
    /// What the kernel answered.
    #[source]
    pub source: io::Error,
}

/// What may be done with the memory of a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Permissions {
    /// It may be read.
    pub readable: bool,
    /// It may be written.
    pub writable: bool,
    /// It may be executed.
    pub executable: bool,
    /// Writes are seen by other processes.
    pub shared: bool,
}

impl fmt::Display for Permissions {
    /// As in `/proc/PID/maps`: `rw-p`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |set, letter| if set { letter } else { '-' };
        let sharing = if self.shared { 's' } else { 'p' };
        write!(
            f,
            "{}{}{}{sharing}",
            letter(self.readable, 'r'),
            letter(self.writable, 'w'),
            letter(self.executable, 'x')
        )
    }
}

/// A range of addresses with one purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The first address.
    pub start: RemoteAddress,
    /// The address after the last.
    pub end: RemoteAddress,
    /// What may be done there.
    pub permissions: Permissions,
    /// Where in the file the mapping begins, in bytes.
    pub offset: u64,
    /// The file, or a name of the kernel in brackets such as `[heap]`.
    pub path: Option<PathBuf>,
    /// The file's number in its file system; 0 for memory without a file.
    pub inode: u64,
    /// The file system, as major and minor number.
    pub device: (u32, u32),
}

impl Mapping {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.end.get() - self.start.get()
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: RemoteAddress) -> bool {
        self.start <= address && address < self.end
    }

    /// Whether a file is behind it.
    pub fn is_file(&self) -> bool {
        self.inode != 0
    }

    /// Private memory without a file: heaps, stacks, arenas. A page of it that does not
    /// exist yet reads as zeros.
    pub fn is_private_anonymous(&self) -> bool {
        let special = [
            "[vdso]",
            "[vvar]",
            "[vvar_vclock]",
            "[vsyscall]",
            "[uprobes]",
        ];
        let named = |path: &PathBuf| special.iter().any(|name| path.as_os_str() == *name);
        !self.is_file() && !self.permissions.shared && !self.path.as_ref().is_some_and(named)
    }
}

/// All mappings of a process, by address.
#[derive(Clone, Debug, Default)]
pub struct Mappings {
    list: Vec<Mapping>,
}

impl Mappings {
    /// Reads `/proc/PID/maps`.
    pub fn read(pid: Pid) -> Result<Self, MappingsError> {
        let text = std::fs::read(format!("/proc/{pid}/maps"))
            .map_err(|source| MappingsError { pid, source })?;
        let mut list: Vec<Mapping> = text
            .split(|&byte| byte == b'\n')
            .filter_map(parse)
            .collect();
        // The kernel lists them by address, but a read takes several steps, and between
        // two of them a running process may move its mappings.
        list.sort_by_key(|mapping| mapping.start);
        Ok(Self { list })
    }

    /// The mapping that an address lies in.
    pub fn containing(&self, address: RemoteAddress) -> Option<&Mapping> {
        let after = self
            .list
            .partition_point(|mapping| mapping.start <= address);
        let mapping = self.list.get(after.checked_sub(1)?)?;
        mapping.contains(address).then_some(mapping)
    }

    /// The mappings that a range of addresses lies in, or parts of it, by address.
    pub(crate) fn overlapping(&self, range: Range<u64>) -> impl Iterator<Item = &Mapping> {
        let first = self
            .list
            .partition_point(|mapping| mapping.end.get() <= range.start);
        let rest = self.list.get(first..).unwrap_or_default().iter();
        rest.take_while(move |mapping| mapping.start.get() < range.end)
    }

    /// All of them, by address.
    pub fn iter(&self) -> std::slice::Iter<'_, Mapping> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl FromIterator<Mapping> for Mappings {
    fn from_iter<I: IntoIterator<Item = Mapping>>(mappings: I) -> Self {
        let mut list: Vec<Mapping> = mappings.into_iter().collect();
        list.sort_by_key(|mapping| mapping.start);
        Self { list }
    }
}

impl<'a> IntoIterator for &'a Mappings {
    type Item = &'a Mapping;
    type IntoIter = std::slice::Iter<'a, Mapping>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A line such as `7f00-7f10 r-xp 00001000 08:02 135522    /usr/lib/libc.so.6`.
pub(crate) fn parse(line: &[u8]) -> Option<Mapping> {
    let mut rest = line;
    let mut field = || {
        let end = rest
            .iter()
            .position(|&byte| byte == b' ')
            .unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        std::str::from_utf8(field).ok()
    };
    let (start, end) = field()?.split_once('-')?;
    let permissions = field()?.as_bytes();
    let offset = field()?;
    let (major, minor) = field()?.split_once(':')?;
    let inode = field()?;
    let hexadecimal = |text| u64::from_str_radix(text, 16).ok();
    let device = |text| u32::from_str_radix(text, 16).ok();
    Some(Mapping {
        start: hexadecimal(start)?.into(),
        end: hexadecimal(end)?.into(),
        permissions: Permissions {
            readable: permissions.first() == Some(&b'r'),
            writable: permissions.get(1) == Some(&b'w'),
            executable: permissions.get(2) == Some(&b'x'),
            shared: permissions.get(3) == Some(&b's'),
        },
        offset: hexadecimal(offset)?,
        device: (device(major)?, device(minor)?),
        inode: inode.parse().ok()?,
        path: path(rest.trim_ascii_start()),
    })
}

fn path(bytes: &[u8]) -> Option<PathBuf> {
    (!bytes.is_empty()).then(|| Path::new(OsStr::from_bytes(bytes)).to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_spaces_and_odd_bytes_in_its_path() {
        let mapping =
            parse(b"7f00-8000 rw-s 0000a000 fd:01 77      /tmp/a b\xff (deleted)").unwrap();
        assert_eq!((mapping.start.get(), mapping.end.get()), (0x7f00, 0x8000));
        assert_eq!(mapping.permissions.to_string(), "rw-s");
        assert_eq!((mapping.offset, mapping.inode), (0xa000, 77));
        assert_eq!(mapping.device, (0xfd, 1));
        assert_eq!(
            mapping.path.unwrap().as_os_str().as_bytes(),
            b"/tmp/a b\xff (deleted)"
        );
    }

    #[test]
    fn memory_without_a_file_has_no_path() {
        let mapping = parse(b"7f00-8000 r--p 00000000 00:00 0 ").unwrap();
        assert_eq!(mapping.path, None);
        assert!(mapping.is_private_anonymous());
    }

    #[test]
    fn an_address_is_found_only_inside() {
        let mappings: Mappings = [(0x1000, 0x2000), (0x3000, 0x4000)]
            .iter()
            .filter_map(|(start, end)| {
                parse(format!("{start:x}-{end:x} r--p 0 00:00 0").as_bytes())
            })
            .collect();
        let start = |address: u64| mappings.containing(address.into()).map(|m| m.start.get());
        assert_eq!(start(0x0fff), None);
        assert_eq!(start(0x1000), Some(0x1000));
        assert_eq!(start(0x2000), None);
        assert_eq!(start(0x3fff), Some(0x3000));
    }
}
