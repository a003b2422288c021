//! `str`: its four storages.

use crate::reader::{Reader, pointer_in, u64_in};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The longest text that is believed.
const MAX_LENGTH: u64 = 1 << 40;

/// The head of a `str`.
pub(crate) struct Text {
    /// Code points.
    pub(crate) length: u64,
    /// Bytes of a code point: 1, 2 or 4.
    pub(crate) width: u64,
    /// Whether head and characters are one block.
    pub(crate) is_compact: bool,
    pub(crate) is_ascii: bool,
    data: RemoteAddress,
    /// Bytes of the cached UTF-8, when it has memory of its own.
    pub(crate) utf8: Option<u64>,
    /// Bytes of the cached `wchar_t`s, when they have memory of their own.
    pub(crate) wstr: Option<u64>,
}

impl Text {
    /// Reads the head of the `str` at an address; `None` when its numbers are impossible.
    pub(crate) fn head<M: Memory>(
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
    ) -> Result<Option<Self>, Fault> {
        let structs = &reader.layout.structs;
        let a = &structs.py_ascii_object;
        let c = &structs.py_compact_unicode_object;
        let u = &structs.py_unicode_object;
        let mut bytes = [0; 96];
        let ascii = &mut bytes[..(a.size as usize).min(96)];
        reader.cache.read_exact(object, ascii)?;
        let length = u64_in(ascii, a.length);
        let state = u64_in(ascii, a.state) as u32;
        let bit = |at: u64| state >> (at & 31) & 1 != 0;
        let width = u64::from(state >> a.state_kind_bit & ((1 << a.state_kind_width) - 1));
        let is_compact = bit(a.state_compact_bit);
        let is_ascii = bit(a.state_ascii_bit);
        if length > MAX_LENGTH || !matches!(width, 1 | 2 | 4) {
            return Ok(None);
        }
        let mut text = Self {
            length,
            width,
            is_compact,
            is_ascii,
            data: object.offset(a.size),
            utf8: None,
            wstr: None,
        };
        if is_compact && is_ascii {
            if let Some(wstr) = a.wstr
                && !pointer_in(&bytes, wstr).is_null()
            {
                text.wstr = Some((length + 1) * 4);
            }
            return Ok(Some(text));
        }
        let head = if is_compact { c.size } else { u.size };
        let head = &mut bytes[..(head as usize).min(96)];
        reader.cache.read_exact(object, head)?;
        text.data = if is_compact {
            object.offset(c.size)
        } else {
            pointer_in(head, u.data)
        };
        let utf8 = pointer_in(head, c.utf8);
        if !utf8.is_null() && utf8 != text.data {
            text.utf8 = Some(u64_in(head, c.utf8_length).min(MAX_LENGTH) + 1);
        }
        if let (Some(wstr), Some(wstr_length)) = (a.wstr, c.wstr_length) {
            let wstr = pointer_in(head, wstr);
            if !wstr.is_null() && wstr != text.data {
                text.wstr = Some((u64_in(head, wstr_length).min(MAX_LENGTH) + 1) * 4);
            }
        }
        Ok(Some(text))
    }

    /// Where the characters lie, how many bytes they are, and the bytes of each.
    pub(crate) fn characters(&self) -> (RemoteAddress, u64, u64) {
        let bytes = self.length.saturating_mul(self.width);
        (self.data, bytes, self.width)
    }

    /// The first `limit` characters as UTF-8; lone surrogates are escaped as Python's
    /// `backslashreplace` does.
    pub(crate) fn start<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        limit: usize,
        out: &mut String,
    ) -> Result<(), Fault> {
        let count = (self.length as usize).min(limit);
        reader.spend(self.data, (count as u64 * self.width).div_ceil(8))?;
        let mut bytes = [0; 1024];
        let at_once = bytes.len() / self.width as usize;
        let mut done = 0;
        while done < count {
            let now = (count - done).min(at_once);
            let bytes = &mut bytes[..now * self.width as usize];
            let at = self.data.offset(done as u64 * self.width);
            reader.cache.read_exact(at, bytes)?;
            for unit in bytes.chunks_exact(self.width as usize) {
                let code = unit
                    .iter()
                    .rev()
                    .fold(0, |code, &byte| code << 8 | u32::from(byte));
                match char::from_u32(code) {
                    Some(character) => out.push(character),
                    None => out.push_str(&format!("\\u{code:04x}")),
                }
            }
            done += now;
        }
        Ok(())
    }
}

/// The `str` at an address, cut at `limit` characters; `None` when it is no plausible one.
pub(crate) fn read<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    limit: usize,
) -> Result<Option<String>, Fault> {
    if object.is_null() {
        return Ok(None);
    }
    let Some(text) = Text::head(reader, object)? else {
        return Ok(None);
    };
    let mut out = String::new();
    text.start(reader, limit, &mut out)?;
    Ok(Some(out))
}
