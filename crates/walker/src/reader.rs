//! One thread's view of the target: its cache, the layout and the types known so far.

use crate::diagnostics::{Diagnostics, Trouble};
use crate::interned::{self, Interned};
use crate::names::WellKnown;
use crate::native::NativeView;
use crate::refcount;
use crate::sink::Step;
use crate::types::{Field, TypeInfo, TypeTable, of_module_state};
use crate::walk::{Absent, AbsentReason, Target};
use exuvia_cpython::Layout;
use exuvia_memory::{Fault, Memory, PageCache, RemoteAddress};
use exuvia_snapshot::NameId;
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::rc::Rc;

/// The most pointers that are read at once.
const POINTERS: usize = 64;

/// How many items of arrays of several dimensions have names.
const FLAT_NAMES: usize = 1 << 16;

/// How often a thread may read as many words of arrays and chains as there are in memory.
/// Each belongs to one object, and a pass reads it once or twice; the names of inline
/// attributes, which many objects share, are not longer than those objects.
const READS: u64 = 8;

/// What decoders read through.
pub(crate) struct Reader<'a, M> {
    pub(crate) cache: PageCache<&'a M>,
    pub(crate) layout: &'a Layout,
    pub(crate) names: &'a WellKnown,
    pub(crate) diagnostics: Diagnostics,
    /// The `PyInterpreterState` that keeps the state of static types.
    pub(crate) interpreter: RemoteAddress,
    /// The dictionaries that do not hold what is in them.
    pub(crate) interned: &'a Interned,
    /// Bytes of memory in which objects can lie.
    pub(crate) memory_bytes: u64,
    /// Who tells what objects of unknown types refer to.
    pub(crate) native: NativeView<'a>,
    /// The `tp_traverse` of classes that Python code made; null where it was not found.
    pub(crate) subtype_traverse: RemoteAddress,
    /// Words of arrays and chains that may still be read: in broken memory many objects can
    /// claim the same array, and chains can go round.
    budget: u64,
    absent: &'a [Absent],
    types: &'a TypeTable,
    /// Copies of this thread's own: a counter of references that all threads share would
    /// go from core to core with every object.
    known: FxHashMap<RemoteAddress, Option<Rc<TypeInfo>>>,
    /// By the name and the size of the state: extensions bring modules that are called as
    /// those of the standard library, such as pyarrow's `_csv`.
    module_states: FxHashMap<(String, u64), Option<Rc<[Field]>>>,
    /// Where the images of the program and its libraries lie, sorted.
    pub(crate) images: &'a [Range<u64>],
    /// Names of classes of C++, by the tables of their virtual functions.
    pub(crate) cpp_classes: FxHashMap<RemoteAddress, Option<Rc<str>>>,
    /// `flat[0]`, `flat[1]`, ...: names of items of arrays of several dimensions.
    flat_names: Vec<NameId>,
}

impl<'a, M: Memory> Reader<'a, M> {
    pub(crate) fn new(
        memory: &'a M,
        memory_bytes: u64,
        cache_bytes: usize,
        target: &Target<'a>,
        types: &'a TypeTable,
        names: &'a WellKnown,
        interpreter: RemoteAddress,
    ) -> Self {
        Self {
            cache: PageCache::new(memory, cache_bytes),
            layout: target.layout,
            names,
            diagnostics: Diagnostics::default(),
            interpreter,
            interned: &interned::UNKNOWN,
            memory_bytes,
            native: NativeView::None,
            subtype_traverse: RemoteAddress::NULL,
            budget: memory_bytes / 8 * READS,
            absent: target.absent,
            types,
            known: FxHashMap::default(),
            module_states: FxHashMap::default(),
            images: target.images,
            cpp_classes: FxHashMap::default(),
            flat_names: Vec::new(),
        }
    }

    /// The type of the object at an address, or `None` when what lies there is no object.
    pub(crate) fn type_of(&mut self, object: RemoteAddress) -> Option<Rc<TypeInfo>> {
        let ob_type = self.layout.structs.py_object.ob_type;
        let address = self.cache.pointer(object.offset(ob_type)).ok()?;
        self.type_at(address)
    }

    /// The type whose `PyTypeObject` lies at an address.
    pub(crate) fn type_at(&mut self, address: RemoteAddress) -> Option<Rc<TypeInfo>> {
        if let Some(known) = self.known.get(&address) {
            return known.clone();
        }
        let info = self.types.get_or_load(self, address);
        let info = info.map(|info| Rc::new(TypeInfo::clone(&info)));
        self.known.insert(address, info.clone());
        info
    }

    /// The object pointers in the state of the module of that name and size, if a table has
    /// them.
    pub(crate) fn module_state(&mut self, m_name: &str, m_size: u64) -> Option<Rc<[Field]>> {
        let key = (m_name.to_owned(), m_size);
        if let Some(known) = self.module_states.get(&key) {
            return known.clone();
        }
        let fields = of_module_state(self.layout, &self.types.names, m_name, m_size).map(Rc::from);
        self.module_states.insert(key, fields.clone());
        fields
    }

    /// The number of a name. Looking it up takes a lock: decoders that need one for each
    /// object get it when they take a type.
    pub(crate) fn intern(&self, name: &str) -> NameId {
        self.types.names.intern(name)
    }

    /// What the i-th item of an array of several dimensions is called. Only so many are
    /// called by name: each name is kept for ever.
    pub(crate) fn flat_item(&mut self, i: usize) -> Step {
        if i >= FLAT_NAMES {
            return Step::Numbered(i);
        }
        while self.flat_names.len() <= i {
            let name = format!("flat[{}]", self.flat_names.len());
            self.flat_names.push(self.types.names.intern(&name));
        }
        Step::Attribute(self.flat_names[i])
    }

    /// Whether an address lies in the image of the program or of a library.
    pub(crate) fn is_in_image(&self, address: RemoteAddress) -> bool {
        let address = address.get();
        let after = self.images.partition_point(|image| image.end <= address);
        self.images
            .get(after)
            .is_some_and(|image| image.contains(&address))
    }

    /// Whether what lies at an address looks like an object that is in use: its type is a
    /// type, and its reference count is neither zero nor a pointer of a list of free blocks.
    pub(crate) fn looks_like_object(&mut self, address: RemoteAddress) -> bool {
        address.is_aligned(8) && self.is_in_use(address) && self.type_of(address).is_some()
    }

    /// Whether an object is in use: a thread that makes or ends one leaves it for a moment
    /// without a count, and a freed block has an address in its place.
    pub(crate) fn is_in_use(&mut self, object: RemoteAddress) -> bool {
        let shape = self.layout.shapes.immortal;
        self.refcount_word(object)
            .is_ok_and(|word| shape.is_plausible(word))
            || refcount::is_deferred(self, object)
    }

    /// What is wrong where a pointer leads to no object.
    pub(crate) fn trouble_at(&self, address: RemoteAddress) -> Trouble {
        let mut absent = self.absent.iter();
        let found = absent.find(|absent| absent.range.contains(&address.get()));
        match found.map(|absent| absent.reason) {
            Some(AbsentReason::Shared) => Trouble::Shared,
            Some(AbsentReason::NotCopied) => Trouble::NotCopied,
            Some(AbsentReason::Wiped) => Trouble::Wiped,
            None => Trouble::NotAnObject,
        }
    }

    /// The word in which an object keeps its reference count, and its flags.
    pub(crate) fn refcount_word(&mut self, object: RemoteAddress) -> Result<u64, Fault> {
        refcount::word(self, object)
    }

    /// Whether an object is never freed.
    pub(crate) fn is_immortal(&mut self, object: RemoteAddress) -> bool {
        let shape = self.layout.shapes.immortal;
        self.refcount_word(object)
            .is_ok_and(|word| shape.is_immortal(word))
    }

    /// Takes so many words of an array or a chain that begins at an address out of what may
    /// be read; a fault when they are more than there can be.
    pub(crate) fn spend(&mut self, address: RemoteAddress, words: u64) -> Result<(), Fault> {
        let length = words.saturating_mul(8) as usize;
        match self.budget.checked_sub(words) {
            Some(rest) if words <= self.memory_bytes / 8 => self.budget = rest,
            _ => return Err(Fault { address, length }),
        }
        Ok(())
    }

    /// Runs what reads a second time, without counting its trouble again.
    pub(crate) fn quietly<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let muted = std::mem::replace(&mut self.diagnostics.muted, true);
        let result = read(self);
        self.diagnostics.muted = muted;
        result
    }

    /// Reads `count` pointers from `address` on and hands each with its index to `each`.
    /// The caller has bounded the count. Stops at the first page that can't be read.
    pub(crate) fn pointers(
        &mut self,
        address: RemoteAddress,
        count: usize,
        mut each: impl FnMut(&mut Self, usize, RemoteAddress),
    ) -> Result<(), Fault> {
        self.spend(address, count as u64)?;
        let mut bytes = [0; POINTERS * 8];
        let mut done = 0;
        while done < count {
            let now = (count - done).min(POINTERS);
            let bytes = &mut bytes[..now * 8];
            self.cache
                .read_exact(address.offset(done as u64 * 8), bytes)?;
            for (i, word) in bytes.chunks_exact(8).enumerate() {
                each(self, done + i, pointer_in(word, 0));
            }
            done += now;
        }
        Ok(())
    }
}

/// The pointer at an offset into bytes that were read; null past their end.
#[inline]
pub(crate) fn pointer_in(bytes: &[u8], offset: u64) -> RemoteAddress {
    RemoteAddress::new(u64_in(bytes, offset))
}

/// The 64-bit number at an offset into bytes that were read; 0 past their end.
#[inline]
pub(crate) fn u64_in(bytes: &[u8], offset: u64) -> u64 {
    let offset = offset as usize;
    bytes
        .get(offset..offset + 8)
        .and_then(|word| word.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}
