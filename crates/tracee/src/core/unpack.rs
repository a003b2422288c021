use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::CoreError;

/// How systemd-coredump packs cores: zstd, and lz4 before version 246.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Zstd,
    Lz4,
}

/// Bytes that are unpacked at once.
const PIECE: usize = 1 << 20;
/// Blocks of so many zeros are not written: cores are sparse.
const BLOCK: usize = 4096;

impl Compression {
    /// By the first bytes of a file.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let begins = |with: &[u8]| bytes.starts_with(with);
        if begins(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Some(Self::Zstd)
        } else if begins(&[0x04, 0x22, 0x4d, 0x18]) {
            Some(Self::Lz4)
        } else {
            None
        }
    }

    fn reader(self, file: File) -> io::Result<Box<dyn Read>> {
        let file = BufReader::with_capacity(PIECE, file);
        Ok(match self {
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
            Self::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(file)),
        })
    }
}

/// Unpacks a core into a file without a name, which vanishes with its last descriptor.
///
/// On disk and not in memory, since a core can be larger than that. What was unpacked before
/// an error is kept: a core that is cut off has its use, and says what it lacks.
pub(super) fn unpack(
    packed: File,
    compression: Compression,
    path: &Path,
    cancelled: &AtomicBool,
) -> Result<File, CoreError> {
    let directory = directory();
    let failed = |source| CoreError::Unpack {
        path: path.to_path_buf(),
        directory: directory.clone(),
        source,
    };
    let file = tempfile::tempfile_in(&directory).map_err(failed)?;
    let mut reader = compression.reader(packed).map_err(failed)?;
    let mut buffer = vec![0; PIECE];
    let mut length = 0;
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(CoreError::Cancelled);
        }
        let (read, outcome) = fill(&mut reader, &mut buffer);
        let bytes = buffer.get(..read).unwrap_or_default();
        write_sparsely(&file, bytes, length).map_err(failed)?;
        length += read as u64;
        match outcome {
            Err(error) if length == 0 => return Err(failed(error)),
            Ok(()) if read == PIECE => {}
            _ => break,
        }
    }
    file.set_len(length).map_err(failed)?;
    Ok(file)
}

/// Reads until the buffer is full or nothing more comes, so that blocks stay aligned.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(()))
}

/// Writes what is not zeros, in as few calls as that takes.
fn write_sparsely(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let is_zero = |block: &[u8]| block.iter().all(|&byte| byte == 0);
    let blocks: Vec<&[u8]> = bytes.chunks(BLOCK).collect();
    let mut at = 0;
    for run in blocks.chunk_by(|one, next| is_zero(one) == is_zero(next)) {
        let length = run.iter().map(|block| block.len()).sum::<usize>();
        if let (Some(first), Some(data)) = (run.first(), bytes.get(at..at + length))
            && !is_zero(first)
        {
            file.write_all_at(data, offset + at as u64)?;
        }
        at += length;
    }
    Ok(())
}

/// Where large temporary files go: `/tmp` is often in memory.
fn directory() -> PathBuf {
    let large = Path::new("/var/tmp");
    match std::env::var_os("TMPDIR") {
        None if large.is_dir() => large.to_path_buf(),
        _ => std::env::temp_dir(),
    }
}
