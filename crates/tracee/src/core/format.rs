use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::CoreError;
use super::unpack::{self, Compression};

const EM_386: u16 = 3;
const EM_X86_64: u16 = 62;
const EM_ARM: u16 = 40;
const EM_AARCH64: u16 = 183;
const ET_CORE: u16 = 4;

/// Opens a core of this machine's kind, unpacked if it was packed.
pub(super) fn open(path: &Path, cancelled: &AtomicBool) -> Result<File, CoreError> {
    let io = |source| CoreError::io(path, source);
    let file = File::open(path).map_err(io)?;
    let file = match Compression::of(&first_bytes(&file).map_err(io)?) {
        Some(compression) => unpack::unpack(file, compression, path, cancelled)?,
        None => file,
    };
    check(&first_bytes(&file).map_err(io)?, path)?;
    Ok(file)
}

fn first_bytes(file: &File) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 64];
    let length = file.read_at(&mut bytes, 0)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Whether a file is an ELF core that can be read here.
fn check(bytes: &[u8], path: &Path) -> Result<(), CoreError> {
    let other = |what, hint| {
        let path = path.to_path_buf();
        Err(CoreError::NotACore { path, what, hint })
    };
    let machine = |machine| CoreError::OtherMachine {
        path: path.to_path_buf(),
        machine,
    };
    if let Some((what, hint)) = known(bytes) {
        return other(what, hint);
    }
    let [0x7f, b'E', b'L', b'F', class, order, ..] = bytes else {
        let path = path.to_path_buf();
        return Err(CoreError::Unknown { path });
    };
    if *order == 2 {
        return Err(machine("a big-endian machine".to_owned()));
    }
    let half = |at: usize| {
        let bytes = bytes.get(at..at + 2)?;
        Some(u16::from_le_bytes(bytes.try_into().ok()?))
    };
    let (Some(kind), Some(number)) = (half(16), half(18)) else {
        return Err(CoreError::damaged(path, "it ends within its header"));
    };
    if kind != ET_CORE {
        return other(
            "a program or library",
            "to examine a program, run it, and give its PID",
        );
    }
    match (class, number) {
        (2, OWN_MACHINE) => Ok(()),
        (_, EM_386) => Err(machine("32-bit x86".to_owned())),
        (_, EM_ARM) => Err(machine("32-bit ARM".to_owned())),
        (1, _) => Err(machine("a 32-bit machine".to_owned())),
        (_, EM_X86_64) => Err(machine("x86_64".to_owned())),
        (_, EM_AARCH64) => Err(machine("aarch64".to_owned())),
        (_, number) => Err(machine(format!("another machine (ELF number {number})"))),
    }
}

#[cfg(target_arch = "x86_64")]
const OWN_MACHINE: u16 = EM_X86_64;
#[cfg(target_arch = "aarch64")]
const OWN_MACHINE: u16 = EM_AARCH64;

pub(super) const TARGETS: &str = "TARGET is a PID, a snapshot directory, or an ELF core file";
const UNPACK: &str = "unpack it first, and give the unpacked file";

/// Files that people may take for a core, by how they begin.
fn known(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const MACHO: &[[u8; 4]] = &[[0xcf, 0xfa, 0xed, 0xfe], [0xfe, 0xed, 0xfa, 0xcf]];
    let begins = |with: &[u8]| bytes.starts_with(with);
    let (what, hint) = if bytes.is_empty() {
        (
            "empty",
            "a full disk or a limit (`ulimit -c`) can have kept it from being written",
        )
    } else if begins(b"MDMP") {
        ("a minidump, which has no heap", TARGETS)
    } else if MACHO.iter().any(|magic| begins(magic)) {
        ("a Mach-O file of macOS", TARGETS)
    } else if begins(&[0x1f, 0x8b]) {
        ("compressed with gzip", UNPACK)
    } else if begins(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        ("compressed with xz", UNPACK)
    } else if begins(b"BZh") {
        ("compressed with bzip2", UNPACK)
    } else if begins(b"ProblemType:") {
        (
            "a report of Apport",
            "`apport-unpack REPORT DIR` takes the core out of it",
        )
    } else {
        return None;
    };
    Some((what, hint))
}
