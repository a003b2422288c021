use crate::ObjectId;

/// Contents of objects, as far as they were kept: sorted by object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    objects: Vec<ObjectId>,
    forms: Vec<ValueForm>,
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

/// The form of a kept value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueForm {
    /// The whole text of a `str`, as UTF-8 (surrogates escaped as in `backslashreplace`).
    Text,
    /// The beginning of a longer `str`.
    TextStart,
    /// The whole contents of `bytes` or `bytearray`.
    Bytes,
    /// The beginning of longer `bytes` or `bytearray`.
    BytesStart,
    /// What `repr` would print: numbers, and names of functions, classes and modules.
    Repr,
}

/// A kept value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// How to read the bytes.
    pub form: ValueForm,
    /// Its bytes; UTF-8 for everything but the two forms of bytes.
    pub bytes: &'a [u8],
}

impl Value<'_> {
    /// The value as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

impl ValueForm {
    /// The number under which it is stored.
    pub const fn code(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::TextStart => 2,
            Self::Bytes => 3,
            Self::BytesStart => 4,
            Self::Repr => 5,
        }
    }

    /// The form stored under a number, if there is one.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Text,
            2 => Self::TextStart,
            3 => Self::Bytes,
            4 => Self::BytesStart,
            5 => Self::Repr,
            _ => return None,
        })
    }
}

impl Values {
    /// Adds the value of an object; objects come in ascending order.
    pub fn push(&mut self, object: ObjectId, form: ValueForm, bytes: &[u8]) {
        debug_assert!(self.objects.last().is_none_or(|&last| last < object));
        self.objects.push(object);
        self.forms.push(form);
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len() as u64);
    }

    /// Adds all values of another table, whose objects come after the ones here.
    pub fn append(&mut self, other: &Self) {
        let base = self.bytes.len() as u64;
        self.objects.extend_from_slice(&other.objects);
        self.forms.extend_from_slice(&other.forms);
        self.ends.extend(other.ends.iter().map(|end| end + base));
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// How many values were kept.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether none was kept.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The value of an object, if it was kept.
    pub fn get(&self, object: ObjectId) -> Option<Value<'_>> {
        let row = self.objects.binary_search(&object).ok()?;
        Some(self.row(row).1)
    }

    /// All values with their objects, in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ObjectId, Value<'_>)> {
        (0..self.len()).map(|row| self.row(row))
    }

    pub(crate) fn row(&self, row: usize) -> (ObjectId, Value<'_>) {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        let value = Value {
            form: self.forms[row],
            bytes: &self.bytes[start as usize..self.ends[row] as usize],
        };
        (self.objects[row], value)
    }
}
