use crate::{NameId, ObjectId};

/// How an object refers to another: what the step is called in a path.
///
/// The order of the variants is the order in which heapy sorts paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// `.name`: an attribute that Python code can read.
    Attribute(NameId),
    /// `.x`: an instance attribute stored inline, without a dictionary; the `str` object is
    /// its name.
    InlineAttribute(ObjectId),
    /// `.__dict__`: the dictionary of an instance, class, module or function.
    InstanceDict,
    /// `[i]`: an item of a list, tuple or deque.
    Index(u32),
    /// `[key]`: a value in a dictionary, found under that key object.
    Value(ObjectId),
    /// `.keys()[i]`: the i-th key of a dictionary.
    Key(u32),
    /// `->name`: a field of the C struct that Python code can't read.
    Interior(NameId),
    /// `->refs[i]`: the i-th of several references that have no name.
    Numbered(u32),
    /// `->word[i]`: the i-th word of the object, found by scanning.
    Word(u32),
    /// `.f_locals['x']`: a local variable; the `str` object is its name.
    Local(ObjectId),
    /// `.f_locals['x']`: the cell of a local variable that closures share.
    Cell(ObjectId),
    /// `.gi_frame.f_locals['x']`: a local of a suspended generator or coroutine, which keeps
    /// its frame inside itself.
    SuspendedLocal(ObjectId),
    /// `->f_valuestack[i]`: the i-th entry of a frame's evaluation stack.
    Stack(u32),
    /// `.gi_frame->f_valuestack[i]`: the same of a suspended generator or coroutine.
    SuspendedStack(u32),
    /// `list(PATH)[i]`: the i-th member of a set, in the order of iteration.
    Member(u32),
}

/// The bit of an encoded relation that says that the reference is weak.
const WEAK: u8 = References::WEAK;

impl Relation {
    /// The number under which the relation is stored, and its operand.
    pub const fn encode(self) -> (u8, u32) {
        match self {
            Self::Attribute(NameId(name)) => (1, name),
            Self::InlineAttribute(ObjectId(name)) => (2, name),
            Self::InstanceDict => (3, 0),
            Self::Index(index) => (4, index),
            Self::Value(ObjectId(key)) => (5, key),
            Self::Key(index) => (6, index),
            Self::Interior(NameId(name)) => (7, name),
            Self::Numbered(index) => (8, index),
            Self::Word(index) => (9, index),
            Self::Local(ObjectId(name)) => (10, name),
            Self::Cell(ObjectId(name)) => (11, name),
            Self::SuspendedLocal(ObjectId(name)) => (12, name),
            Self::Stack(index) => (13, index),
            Self::SuspendedStack(index) => (14, index),
            Self::Member(index) => (15, index),
        }
    }

    /// The relation stored under a number, if there is one.
    pub const fn decode(code: u8, operand: u32) -> Option<Self> {
        Some(match code & !WEAK {
            1 => Self::Attribute(NameId(operand)),
            2 => Self::InlineAttribute(ObjectId(operand)),
            3 => Self::InstanceDict,
            4 => Self::Index(operand),
            5 => Self::Value(ObjectId(operand)),
            6 => Self::Key(operand),
            7 => Self::Interior(NameId(operand)),
            8 => Self::Numbered(operand),
            9 => Self::Word(operand),
            10 => Self::Local(ObjectId(operand)),
            11 => Self::Cell(ObjectId(operand)),
            12 => Self::SuspendedLocal(ObjectId(operand)),
            13 => Self::Stack(operand),
            14 => Self::SuspendedStack(operand),
            15 => Self::Member(operand),
            _ => return None,
        })
    }
}

/// A reference from one object to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The object referred to.
    pub target: ObjectId,
    /// What the reference is called.
    pub relation: Relation,
    /// Whether it does not keep its target alive: the referent of a weak reference, and
    /// pointers that borrow.
    pub weak: bool,
}

/// More references than a snapshot can number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a snapshot holds at most {} references", u32::MAX)]
pub struct ReferencesOverflow;

/// The references of all objects, in compressed sparse rows: those of object `i` are the
/// elements `starts[i]..starts[i + 1]` of the other columns, in the order in which the
/// object holds them.
#[derive(Debug, Clone, PartialEq)]
pub struct References {
    starts: Vec<u32>,
    targets: Vec<ObjectId>,
    codes: Vec<u8>,
    operands: Vec<u32>,
}

impl Default for References {
    fn default() -> Self {
        Self {
            starts: vec![0],
            targets: Vec::new(),
            codes: Vec::new(),
            operands: Vec::new(),
        }
    }
}

impl References {
    /// The bit of a stored code that says that the reference is weak.
    pub(crate) const WEAK: u8 = 0x80;

    /// An empty table with room for so many objects and references.
    pub fn with_capacity(objects: usize, references: usize) -> Self {
        let mut starts = Vec::with_capacity(objects + 1);
        starts.push(0);
        Self {
            starts,
            targets: Vec::with_capacity(references),
            codes: Vec::with_capacity(references),
            operands: Vec::with_capacity(references),
        }
    }

    /// Adds a reference to the object that comes next.
    #[inline]
    pub fn push(&mut self, reference: Reference) {
        let (code, operand) = reference.relation.encode();
        self.targets.push(reference.target);
        self.codes
            .push(if reference.weak { code | WEAK } else { code });
        self.operands.push(operand);
    }

    /// Ends the references of the object that comes next, and goes on to the one after it.
    pub fn finish_object(&mut self) -> Result<(), ReferencesOverflow> {
        let end = u32::try_from(self.targets.len()).map_err(|_| ReferencesOverflow)?;
        self.starts.push(end);
        Ok(())
    }

    /// Adds all objects of another table after the ones here.
    pub fn append(&mut self, other: &Self) -> Result<(), ReferencesOverflow> {
        let base = self.targets.len();
        if u32::try_from(base + other.targets.len()).is_err() {
            return Err(ReferencesOverflow);
        }
        self.starts
            .extend(other.starts[1..].iter().map(|start| start + base as u32));
        self.targets.extend_from_slice(&other.targets);
        self.codes.extend_from_slice(&other.codes);
        self.operands.extend_from_slice(&other.operands);
        Ok(())
    }

    /// How many objects have a row here.
    pub fn objects(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many references there are in all.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Where the references of an object stand in the columns.
    #[inline]
    pub fn range(&self, source: ObjectId) -> std::ops::Range<usize> {
        let i = source.index();
        self.starts[i] as usize..self.starts[i + 1] as usize
    }

    /// The reference at a place in the columns.
    #[inline]
    pub fn get(&self, place: usize) -> Reference {
        let code = self.codes[place];
        Reference {
            target: self.targets[place],
            // Codes come from `push` or were checked when the snapshot was opened.
            relation: Relation::decode(code, self.operands[place]).unwrap_or(Relation::Numbered(0)),
            weak: code & WEAK != 0,
        }
    }

    /// The references of an object, in the order in which it holds them.
    pub fn of(&self, source: ObjectId) -> impl ExactSizeIterator<Item = Reference> + '_ {
        self.range(source).map(|place| self.get(place))
    }

    /// The targets of all references.
    pub fn targets(&self) -> &[ObjectId] {
        &self.targets
    }

    /// Whether the reference at a place is weak.
    #[inline]
    pub fn is_weak(&self, place: usize) -> bool {
        self.codes[place] & WEAK != 0
    }

    /// Makes the reference at a place weak.
    pub fn set_weak(&mut self, place: usize) {
        self.codes[place] |= WEAK;
    }

    /// Gives the reference at a place another relation.
    pub fn set_relation(&mut self, place: usize, relation: Relation) {
        let (code, operand) = relation.encode();
        self.codes[place] = code | (self.codes[place] & WEAK);
        self.operands[place] = operand;
    }

    /// The columns as they are stored: starts (one more than objects), targets, codes
    /// (bit 7: weak) and operands.
    pub fn columns(&self) -> (&[u32], &[ObjectId], &[u8], &[u32]) {
        (&self.starts, &self.targets, &self.codes, &self.operands)
    }

    /// A table from stored columns, or `None` when they don't fit each other: rows that
    /// overlap or leave the columns, unknown codes. The caller checks targets and operands
    /// against the other tables.
    pub fn from_columns(
        starts: Vec<u32>,
        targets: Vec<ObjectId>,
        codes: Vec<u8>,
        operands: Vec<u32>,
    ) -> Option<Self> {
        let fits = starts.first() == Some(&0)
            && starts.is_sorted()
            && starts.last().map(|&end| end as usize) == Some(targets.len())
            && codes.len() == targets.len()
            && operands.len() == targets.len()
            && codes
                .iter()
                .all(|&code| Relation::decode(code, 0).is_some());
        fits.then_some(Self {
            starts,
            targets,
            codes,
            operands,
        })
    }
}
