/// How long a representation of an object may be: the limits of Python's `reprlib`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Containers within containers.
    pub(crate) depth: usize,
    /// Items of a tuple, list, set, frozenset or deque.
    pub(crate) items: usize,
    /// Items of a dictionary.
    pub(crate) entries: usize,
    /// Characters of a `str`, quotes included.
    pub(crate) string: usize,
    /// Digits of an `int`.
    pub(crate) digits: usize,
    /// Characters of everything else.
    pub(crate) other: usize,
}

impl Limits {
    /// Those of `reprlib.repr`, with which heapy prints keys.
    pub(crate) const REPRLIB: Self = Self {
        depth: 6,
        items: 6,
        entries: 4,
        string: 30,
        digits: 40,
        other: 30,
    };

    /// For one object that a person looks at.
    pub(crate) const DETAILED: Self = Self {
        depth: 3,
        items: 20,
        entries: 20,
        string: 400,
        digits: 400,
        other: 400,
    };

    /// For numbers, which heapy writes whole.
    pub(crate) const WHOLE_NUMBERS: Self = Self {
        digits: usize::MAX,
        other: usize::MAX,
        ..Self::REPRLIB
    };

    /// For names, which are printed whole.
    pub(crate) const WHOLE: Self = Self {
        string: usize::MAX,
        other: usize::MAX,
        ..Self::REPRLIB
    };
}
