use crate::{KindId, ObjectId};

/// One row for each object, as columns of equal length, sorted by address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objects {
    /// Where the object lies (its `PyObject`, after any pre-header).
    pub address: Vec<u64>,
    /// Its kind.
    pub kind: Vec<KindId>,
    /// Bytes, exactly as `sys.getsizeof` gives them.
    pub size: Vec<u64>,
    /// Bytes that the allocator really holds for it: pre-headers, inline values, native
    /// buffers and rounding included.
    pub allocated: Vec<u64>,
    /// Its reference count; `u32::MAX` stands for that many or more.
    pub refcount: Vec<u32>,
    /// What else is known of it.
    pub flags: Vec<ObjectFlags>,
    /// The number of the interpreter that it belongs to; [`Objects::SHARED`] for what
    /// belongs to none. Empty when the process has one interpreter: see
    /// [`interpreter_of`](Self::interpreter_of).
    pub interpreter: Vec<u32>,
}

impl Objects {
    /// The interpreter of objects that all of them share: static ones.
    pub const SHARED: u32 = u32::MAX;

    /// The number of the interpreter that an object belongs to; none when it is shared by
    /// all. An object that the collector tracks belongs to the interpreter whose collector
    /// that is; any other to the first that reaches it.
    pub fn interpreter_of(&self, object: ObjectId) -> Option<u32> {
        match self.interpreter.get(object.index()) {
            Some(&Self::SHARED) => None,
            Some(&interpreter) => Some(interpreter),
            None => {
                let is_static = self.flags[object.index()].contains(ObjectFlags::STATIC);
                (!is_static).then_some(0)
            }
        }
    }

    /// The generation of the collector in whose list an object is, from 0 for the youngest; 3
    /// for the permanent one, which is never collected. None for what is not tracked, for all
    /// objects of free-threaded builds, which have no generations, and in snapshots of version
    /// 2 and older.
    pub fn generation_of(&self, object: ObjectId) -> Option<u8> {
        (self.flags[object.index()].0 >> ObjectFlags::GENERATION_SHIFT).checked_sub(1)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.address.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.address.is_empty()
    }

    /// The object at exactly this address.
    pub fn at(&self, address: u64) -> Option<ObjectId> {
        let row = self.address.binary_search(&address).ok()?;
        Some(ObjectId(row as u32))
    }

    /// Makes room for so many more objects.
    pub fn reserve(&mut self, additional: usize) {
        self.address.reserve_exact(additional);
        self.kind.reserve_exact(additional);
        self.size.reserve_exact(additional);
        self.allocated.reserve_exact(additional);
        self.refcount.reserve_exact(additional);
        self.flags.reserve_exact(additional);
    }

    /// Every object, in the order of their addresses.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ObjectId> + use<> {
        (0..self.len() as u32).map(ObjectId)
    }
}

/// Facts about an object, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ObjectFlags(pub u8);

impl ObjectFlags {
    /// The garbage collector tracks it.
    pub const TRACKED: Self = Self(1);
    /// Its reference count is not maintained.
    pub const IMMORTAL: Self = Self(1 << 1);
    /// There is no such object in the target: a frame that runs without a frame object.
    /// It holds references and is never counted.
    pub const SYNTHETIC: Self = Self(1 << 2);
    /// Its references were found by scanning its words for known objects.
    pub const CONSERVATIVE: Self = Self(1 << 3);
    /// It lies in the image of a program or library, not in allocated memory.
    pub const STATIC: Self = Self(1 << 4);

    /// Where the three bits begin that hold one more than the number of the generation, and
    /// 0 for none.
    const GENERATION_SHIFT: u32 = 5;

    /// These facts, and the generation of the collector in whose list the object is: 0 to 2,
    /// and 3 for the permanent one.
    #[must_use]
    pub const fn in_generation(self, generation: u8) -> Self {
        let facts = self.0 & ((1 << Self::GENERATION_SHIFT) - 1);
        // Of the three bits, which hold up to 7, no more than 4 is needed.
        let generation = if generation > 3 { 3 } else { generation };
        Self(facts | ((generation + 1) << Self::GENERATION_SHIFT))
    }

    /// Whether all bits of `other` are set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
