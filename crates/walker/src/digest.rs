//! Digests of long contents, of which a snapshot keeps only the beginning: by them, equal contents
//! are found without keeping them.

use crate::reader::{Reader, u64_in};
use crate::text::Text;
use crate::types::{Family, TypeInfo};
use exuvia_memory::{Fault, Memory, RemoteAddress};
use exuvia_snapshot::Diagnostic;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;

/// Makes digests, for so long. The key is random and goes with this: whoever has a digest can't
/// try guesses against it. The standard library's hash is SipHash, of which nobody who does not
/// have the key can find two contents of one digest.
pub(crate) struct Digester {
    key: RandomState,
    until: Instant,
    /// How many objects came too late.
    late: AtomicU64,
}

impl Digester {
    pub(crate) fn new(time: Duration) -> Self {
        Self {
            key: RandomState::new(),
            until: Instant::now() + time,
            late: AtomicU64::new(0),
        }
    }

    /// The digest of the contents of a `str`, `bytes` or `bytearray`.
    pub(crate) fn of<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
    ) -> Option<u64> {
        if Instant::now() > self.until {
            self.late.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let (start, bytes, width) = contents(reader, object, info).ok()??;
        let mut hasher = self.key.build_hasher();
        // The same bytes are other characters in another width.
        hasher.write_u64(width);
        self.write(reader, start, bytes, &mut hasher).ok()??;
        Some(hasher.finish())
    }

    /// Reads memory into a hash; nothing when the time is over meanwhile.
    fn write<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        start: RemoteAddress,
        bytes: u64,
        hasher: &mut impl Hasher,
    ) -> Result<Option<()>, Fault> {
        reader.spend(start, bytes.div_ceil(8))?;
        let mut buffer = vec![0; CHUNK.min(bytes as usize)];
        let mut done = 0;
        while done < bytes {
            let now = (bytes - done).min(CHUNK as u64) as usize;
            let part = &mut buffer[..now];
            reader.cache.read_exact(start.offset(done), part)?;
            hasher.write(part);
            done += now as u64;
            if done < bytes && Instant::now() > self.until {
                self.late.fetch_add(1, Ordering::Relaxed);
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// What there was no time for.
    pub(crate) fn diagnostic(&self) -> Option<Diagnostic> {
        let late = self.late.load(Ordering::Relaxed);
        (late > 0).then(|| Diagnostic {
            code: "digests-unfinished".to_owned(),
            message: format!(
                "there was no time to compare {late} long strings and bytes in full: those of \
                 equal length and beginning may be equal, and do not count as duplicates"
            ),
            count: late,
            examples: Vec::new(),
        })
    }
}

/// Where the contents lie, how many bytes they are, and the bytes of a character.
fn contents<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Option<(RemoteAddress, u64, u64)>, Fault> {
    let structs = &reader.layout.structs;
    Ok(match info.family {
        Family::Str => Text::head(reader, object)?.map(|text| text.characters()),
        Family::Bytes => {
            let b = &structs.py_bytes_object;
            let (ob_size, ob_sval) = (b.ob_size, b.ob_sval);
            let length = reader.cache.u64(object.offset(ob_size))?;
            Some((object.offset(ob_sval), length, 1))
        }
        Family::ByteArray => {
            let b = &structs.py_byte_array_object;
            let mut head = [0; 96];
            let head = &mut head[..(b.size as usize).min(96)];
            reader.cache.read_exact(object, head)?;
            let start = RemoteAddress::new(u64_in(head, b.ob_start));
            Some((start, u64_in(head, b.ob_size), 1))
        }
        _ => None,
    })
}
