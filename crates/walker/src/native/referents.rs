use exuvia_memory::RemoteAddress;

/// What objects visited, by the address of the object.
#[derive(Debug, Default)]
pub(crate) struct NativeReferents {
    /// By address, once all are there.
    rows: Vec<Row>,
    referents: Vec<RemoteAddress>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    object: RemoteAddress,
    start: usize,
    length: usize,
}

impl NativeReferents {
    /// Adds an object.
    pub(super) fn push(&mut self, object: RemoteAddress, referents: &[RemoteAddress]) {
        self.rows.push(Row {
            object,
            start: self.referents.len(),
            length: referents.len(),
        });
        self.referents.extend_from_slice(referents);
    }

    /// How many referents there are in all.
    pub(super) fn len(&self) -> usize {
        self.referents.len()
    }

    /// Makes objects findable; to be called when all are there.
    pub(super) fn finish(&mut self) {
        self.rows.sort_unstable_by_key(|row| row.object);
    }

    /// What an object visited; `None` when it was not traversed, or that failed.
    pub(crate) fn of(&self, object: RemoteAddress) -> Option<&[RemoteAddress]> {
        let place = self.rows.binary_search_by_key(&object, |row| row.object);
        let row = self.rows[place.ok()?];
        self.referents.get(row.start..row.start + row.length)
    }
}

/// What the decoders are told of native traversal.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum NativeView<'a> {
    /// There is none: unknown types are scanned.
    #[default]
    None,
    /// In the first pass: objects of types that can be traversed are kept apart.
    Apart,
    /// In the second pass: what was visited.
    Known(&'a NativeReferents),
}

impl<'a> NativeView<'a> {
    /// Whether an object that can be asked is, so that it is not scanned.
    pub(crate) fn covers(self, object: RemoteAddress) -> bool {
        match self {
            Self::None => false,
            Self::Apart => true,
            Self::Known(referents) => referents.of(object).is_some(),
        }
    }

    /// What an object visited.
    pub(crate) fn of(self, object: RemoteAddress) -> Option<&'a [RemoteAddress]> {
        match self {
            Self::Known(referents) => referents.of(object),
            _ => None,
        }
    }
}
