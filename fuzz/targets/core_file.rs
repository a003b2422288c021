//! Core files that lie.
#![no_main]

use exuvia_fuzz::edits;
use exuvia_memory::{Memory, PAGE_SIZE, RemoteAddress};
use exuvia_tracee::{CoreFile, Places};
use libfuzzer_sys::fuzz_target;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

/// A small core: notes, the first page of a program with symbols, its data, and a stack.
static CORE: LazyLock<Vec<u8>> = LazyLock::new(core);
/// No name of a file leads out of it.
static EMPTY: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder"));

const PROGRAM: u64 = 0x5555_5555_0000;
const DATA: u64 = 0x5555_5555_1000;
const STACK: u64 = 0x7fff_0000_0000;
const PAGE: u64 = PAGE_SIZE as u64;

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn header(kind: u16, segments: u16) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(
        (if cfg!(target_arch = "aarch64") {
            183u16
        } else {
            62
        })
        .to_le_bytes(),
    );
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(words(&[0, 64, 0]));
    bytes.extend(0u32.to_le_bytes());
    for half in [64, 56, segments, 64, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    bytes
}

fn segment(kind: u32, flags: u32, [offset, address, size]: [u64; 3]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend(flags.to_le_bytes());
    bytes.extend(words(&[offset, address, 0, size, size, PAGE]));
    bytes
}

fn note(kind: u32, name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [4, content.len() as u32, kind] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(name);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The first page of a program: headers, a build-id, and the tables of the dynamic linker.
fn program() -> Vec<u8> {
    const DYNAMIC: u64 = 0x400;
    const SYMBOLS: u64 = 0x500;
    const NAMES: u64 = 0x600;
    const HASH: u64 = 0x700;
    let mut page = header(3, 4);
    page.extend(segment(1, 4, [0, 0, PAGE]));
    page.extend(segment(1, 6, [PAGE, PAGE, PAGE]));
    page.extend(segment(2, 6, [DYNAMIC, DYNAMIC, 0x50]));
    page.extend(segment(4, 4, [0x300, 0x300, 36]));
    page.resize(0x300, 0);
    page.extend(note(3, b"GNU\0", &[7; 20]));
    page.resize(DYNAMIC as usize, 0);
    let tables = [6, SYMBOLS, 5, NAMES, 0x6fff_fef5, HASH, 0, 0];
    page.extend(words(&tables));
    page.resize(SYMBOLS as usize, 0);
    // A symbol that is none, and `_PyRuntime` at the start of the data.
    page.extend([0; 24]);
    page.extend(1u32.to_le_bytes());
    page.extend([0x11, 0, 2, 0]);
    page.extend(words(&[PAGE, 64]));
    page.resize(NAMES as usize, 0);
    page.extend(b"\0_PyRuntime\0");
    page.resize(HASH as usize, 0);
    let hash = b"_PyRuntime".iter().fold(5381u32, |hash, &byte| {
        hash.wrapping_mul(33).wrapping_add(byte.into())
    });
    for word in [1, 1, 1, 6, u32::MAX, u32::MAX, 1, hash | 1] {
        page.extend(word.to_le_bytes());
    }
    page.resize(PAGE_SIZE, 0);
    page
}

fn core() -> Vec<u8> {
    let mut status = [0; 336];
    status[32] = 42;
    let mut info = [0; 136];
    info[24] = 42;
    info[40..46].copy_from_slice(b"python");
    info[56..66].copy_from_slice(b"python a.p");
    let mut files = words(&[2, PAGE, PROGRAM, DATA, 0, DATA, DATA + PAGE, 1]);
    files.extend(b"/no/python3\0/no/python3\0");
    let notes = [
        note(1, b"CORE", &status),
        note(3, b"CORE", &info),
        note(6, b"CORE", &words(&[3, PROGRAM + 64, 0, 0])),
        note(0x4649_4c45, b"CORE", &files),
    ]
    .concat();
    let mut core = header(4, 4);
    core.extend(segment(4, 0, [0x200, 0, notes.len() as u64]));
    core.extend(segment(1, 4, [PAGE, PROGRAM, PAGE]));
    core.extend(segment(1, 6, [2 * PAGE, DATA, PAGE]));
    core.extend(segment(1, 6, [3 * PAGE, STACK, PAGE]));
    core.resize(0x200, 0);
    core.extend(notes);
    core.resize(PAGE_SIZE, 0);
    core.extend(program());
    core.extend(b"xdebugpy");
    core.extend(words(&[0x030d_00f0, 0]));
    core.resize(4 * PAGE_SIZE, 1);
    core
}

fuzz_target!(|input: &[u8]| {
    let mut core = CORE.clone();
    for edit in edits(input) {
        let at = edit.place % core.len().max(1);
        let length = [1, 2, 4, 8][usize::from(edit.kind) % 4];
        if edit.kind == u8::MAX {
            core.truncate(at);
        }
        for (byte, new) in core
            .iter_mut()
            .skip(at)
            .zip(edit.value.to_le_bytes())
            .take(length)
        {
            *byte = new;
        }
    }
    // Unpacking is the work of other crates, and may take long.
    if !core.starts_with(b"\x7fELF") {
        return;
    }
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&core).expect("written");
    read(&file);
});

fn read(file: &File) {
    use std::os::fd::AsRawFd;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let places = Places {
        program: None,
        sysroot: Some(EMPTY.path().to_path_buf()),
    };
    let Ok(core) = CoreFile::open(&path, &places, &AtomicBool::new(false)) else {
        return;
    };
    let _ = core.missing();
    core.missing_files().for_each(|file| drop(file.to_string()));
    let _ = core.python();
    let mut page = [0; PAGE_SIZE];
    for mapping in core.mappings().iter().take(64) {
        for at in [mapping.start.get(), mapping.end.get().wrapping_sub(PAGE)] {
            let _ = core.memory().read_exact(RemoteAddress::new(at), &mut page);
        }
    }
}
