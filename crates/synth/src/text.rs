//! `str`, `bytes` and numbers.

use exuvia_memory::RemoteAddress;

use crate::offset;
use crate::{Heap, Python};

/// How a `str` is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Head and ASCII in one block.
    Ascii,
    /// Head and characters of so many bytes (1, 2 or 4) in one block.
    Compact(u8),
    /// ASCII in a block of its own: strings of C code and of subclasses.
    Legacy,
}

/// A `str` to lay out.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// Its characters.
    pub text: &'a str,
    /// How they are stored.
    pub storage: Storage,
    /// Whether it keeps its UTF-8 in a block of its own.
    pub with_utf8: bool,
}

impl Heap {
    /// A `str` of ASCII.
    pub fn text(&mut self, text: &str) -> RemoteAddress {
        self.text_of(&Text {
            text,
            storage: Storage::Ascii,
            with_utf8: false,
        })
    }

    /// A `str` of any storage.
    pub fn text_of(&mut self, text: &Text<'_>) -> RemoteAddress {
        let abi = &self.abi.text;
        let (head, width) = match text.storage {
            Storage::Ascii => (abi.ascii, 1),
            Storage::Compact(width) => (abi.compact, width),
            Storage::Legacy => (abi.legacy, 1),
        };
        let characters = encode(text.text, width);
        let object = match text.storage {
            Storage::Legacy => self.allocate(head),
            _ => self.allocate(head + characters.len() as u64),
        };
        let data = match text.storage {
            Storage::Legacy => {
                let data = self.allocate(characters.len() as u64);
                self.put_pointer(object, abi.data, data);
                data
            }
            _ => object.offset(head),
        };
        self.image.put(data, &characters);
        self.head(object, "str");
        let length = text.text.chars().count() as u64;
        self.put_u64(object, 16, length);
        self.put_u64(object, 24, u64::MAX);
        self.put_u32(object, 32, state(self.python, text.storage, width));
        if text.with_utf8 {
            let utf8 = self.c_string(text.text);
            self.put_u64(object, abi.utf8_length, text.text.len() as u64);
            self.put_pointer(object, abi.utf8, utf8);
        }
        object
    }

    /// A `bytes`.
    pub fn bytes(&mut self, bytes: &[u8]) -> RemoteAddress {
        let object = self.allocate(offset::BYTES_START + bytes.len() as u64 + 1);
        self.head(object, "bytes");
        self.put_u64(object, offset::OB_SIZE, bytes.len() as u64);
        self.image.put(object.offset(offset::BYTES_START), bytes);
        object
    }

    /// An `int` of any size.
    pub fn int(&mut self, value: i128) -> RemoteAddress {
        let mut rest = value.unsigned_abs();
        let mut digits = Vec::new();
        while rest != 0 {
            digits.push((rest & 0x3fff_ffff) as u32);
            rest >>= 30;
        }
        let count = digits.len() as u64;
        let object = self.allocate(offset::OB_DIGIT + 4 * count.max(1));
        self.head(object, "int");
        let is_signed = self.python <= Python::V3_11;
        let sized = match (is_signed, value.signum()) {
            (true, -1) => count.wrapping_neg(),
            (true, _) => count,
            // `lv_tag`: the count above the three lowest bits, which say the sign.
            (_, 0) => 1,
            (_, -1) => count << 3 | 2,
            (_, _) => count << 3,
        };
        self.put_u64(object, offset::OB_SIZE, sized);
        for (place, digit) in (0..).zip(digits) {
            self.put_u32(object, offset::OB_DIGIT + 4 * place, digit);
        }
        object
    }

    /// A `float`.
    pub fn float(&mut self, value: f64) -> RemoteAddress {
        let object = self.allocate(24);
        self.head(object, "float");
        self.put_u64(object, offset::FLOAT_VALUE, value.to_bits());
        object
    }
}

/// The characters with a zero at the end, in little-endian units.
fn encode(text: &str, width: u8) -> Vec<u8> {
    let codes = text.chars().map(u32::from).chain([0]);
    codes
        .flat_map(|code| code.to_le_bytes().into_iter().take(usize::from(width)))
        .collect()
}

/// The word `state`: kind from bit 2, compact at 5, ascii at 6, and up to 3.11 ready at 7.
fn state(python: Python, storage: Storage, width: u8) -> u32 {
    let mut state = u32::from(width) << 2;
    if storage != Storage::Legacy {
        state |= 1 << 5;
    }
    if !matches!(storage, Storage::Compact(_)) {
        state |= 1 << 6;
    }
    if let Some((_, ready)) = python.abi().text.wstr {
        state |= 1 << ready;
    }
    state
}
