//! Types and kinds as the snapshot numbers them, with heapy's names.

use crate::types::TypeInfo;
use exuvia_cpython::{Layout, type_flags};
use exuvia_memory::RemoteAddress;
use exuvia_snapshot::{
    Diagnostic, Kind, KindId, KindShape, ObjectFlags, ObjectId, Objects, Type, TypeFlags, TypeId,
};

use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Types that a diagnostic names.
const NAMED: usize = 3;

/// The types of the process, and the kind of each one's instances.
///
/// Kinds with the number of their type hold all instances of it; those of dictionaries by
/// their owner come after them.
pub(crate) struct KindTable {
    types: Vec<Arc<TypeInfo>>,
    numbers: FxHashMap<RemoteAddress, TypeId>,
    names: Vec<String>,
    frame: KindId,
    dict: Option<TypeId>,
}

impl KindTable {
    /// `types` are sorted by address; `public` are the types that `builtins` names.
    pub(crate) fn new(
        layout: &Layout,
        mut types: Vec<Arc<TypeInfo>>,
        public: &FxHashSet<RemoteAddress>,
    ) -> Self {
        let is_frame = |info: &Arc<TypeInfo>| info.tp_name == "frame" && !info.is_heap_type();
        if !types.iter().any(is_frame) {
            // Frames without objects are of this type even where nothing refers to it.
            types.insert(0, Arc::new(TypeInfo::unseen("frame")));
        }
        let numbers = types
            .iter()
            .enumerate()
            .filter(|(_, info)| !info.address.is_null())
            .map(|(row, info)| (info.address, TypeId(row as u32)))
            .collect();
        let names = types
            .iter()
            .map(|info| kind_name(layout, info, public.contains(&info.address)))
            .collect();
        let by_tp_name = |name: &str| {
            types
                .iter()
                .position(|info| info.tp_name == name && !info.is_heap_type())
                .map(|row| row as u32)
        };
        let frame = KindId(by_tp_name("frame").unwrap_or(0));
        let dict = by_tp_name("dict").map(TypeId);
        Self {
            numbers,
            names,
            frame,
            dict,
            types,
        }
    }

    /// The kind and the type of the instances of a type.
    pub(crate) fn of(&self, info: &TypeInfo) -> (KindId, TypeId) {
        let id = self.numbers.get(&info.address).copied().unwrap_or_default();
        (KindId(id.0), id)
    }

    /// The kind of frames.
    pub(crate) fn frame(&self) -> KindId {
        self.frame
    }

    /// Gives each exact dictionary the kind of its owner, or of those without one, and
    /// returns all kinds.
    pub(crate) fn finish(
        &self,
        objects: &mut Objects,
        owned_dicts: &[(ObjectId, TypeId)],
    ) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self
            .names
            .iter()
            .enumerate()
            .map(|(row, name)| Kind {
                name: name.clone(),
                type_id: TypeId(row as u32),
                shape: KindShape::Plain,
            })
            .collect();
        let Some(dict) = self.dict else {
            return kinds;
        };
        let plain = KindId(dict.0);
        let without_owner = KindId(kinds.len() as u32);
        kinds.push(Kind {
            name: "dict (no owner)".to_owned(),
            type_id: dict,
            shape: KindShape::DictWithoutOwner,
        });
        let mut by_owner = FxHashMap::default();
        for &(object, owner) in owned_dicts {
            let Some(kind) = objects.kind.get_mut(object.index()) else {
                continue;
            };
            if *kind == plain {
                *kind = *by_owner.entry(owner).or_insert_with(|| {
                    kinds.push(Kind {
                        name: format!("dict of {}", self.names[owner.index()]),
                        type_id: dict,
                        shape: KindShape::DictOf(owner),
                    });
                    KindId(kinds.len() as u32 - 1)
                });
            }
        }
        for kind in &mut objects.kind {
            if *kind == plain {
                *kind = without_owner;
            }
        }
        kinds
    }

    /// The rows of the table of types.
    pub(crate) fn rows(&self, object_at: impl Fn(RemoteAddress) -> Option<ObjectId>) -> Vec<Type> {
        let rows = self.types.iter();
        let mut rows: Vec<_> = rows
            .map(|info| {
                let mut flags = TypeFlags::default();
                if info.is_heap_type() {
                    flags = flags.with(TypeFlags::HEAP);
                }
                if info.flags & type_flags::HAVE_GC != 0 {
                    flags = flags.with(TypeFlags::HAVE_GC);
                }
                if info.scan {
                    flags = flags.with(TypeFlags::UNKNOWN);
                }
                Type {
                    address: info.address.get(),
                    object: object_at(info.address),
                    module: info.module.clone(),
                    name: info.name.clone(),
                    tp_name: info.tp_name.clone(),
                    basicsize: info.basicsize,
                    itemsize: info.itemsize,
                    flags,
                    base: self.numbers.get(&info.base).copied(),
                }
            })
            .collect();
        cut_loops(&mut rows);
        rows
    }

    /// A diagnostic of the objects whose references were found by scanning words: how many,
    /// and of which types, those with most objects first.
    pub(crate) fn scanned(&self, objects: &Objects) -> Option<Diagnostic> {
        let mut counts: FxHashMap<KindId, u64> = FxHashMap::default();
        for (kind, flags) in objects.kind.iter().zip(&objects.flags) {
            if flags.contains(ObjectFlags::CONSERVATIVE) {
                *counts.entry(*kind).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_unstable_by_key(|&(kind, count)| (u64::MAX - count, kind));
        let names = counts
            .iter()
            .filter_map(|(kind, _)| self.names.get(kind.index()));
        let examples: Vec<String> = names.take(NAMED).cloned().collect();
        let objects: u64 = counts.iter().map(|(_, count)| count).sum();
        let more = if counts.len() > NAMED {
            ", \u{2026}"
        } else {
            ""
        };
        let types = match counts.len() {
            1 => "1 type".to_owned(),
            types => format!("{types} types"),
        };
        (!counts.is_empty()).then(|| Diagnostic {
            code: "scanned".to_owned(),
            message: format!(
                "the references of {objects} objects of {types} were found by scanning their \
                 words, and may be too many or too few: no table describes what is there \
                 ({}{more})",
                examples.join(", ")
            ),
            count: objects,
            examples,
        })
    }
}

/// Takes bases away that lead back to their own type, as they can in broken memory.
fn cut_loops(types: &mut [Type]) {
    const UNSEEN: u32 = 0;
    let mut seen = vec![UNSEEN; types.len()];
    for first in 0..types.len() {
        let round = first as u32 + 1;
        let mut row = first;
        while seen[row] == UNSEEN {
            seen[row] = round;
            match types[row].base {
                Some(base) if seen[base.index()] == round => types[row].base = None,
                Some(base) => row = base.index(),
                None => break,
            }
        }
    }
}

/// heapy's name of a type: built-in types that `builtins` names stand bare, those of the
/// `types` module under its name for them.
fn kind_name(layout: &Layout, info: &TypeInfo, is_public: bool) -> String {
    let alias = layout.types_alias(&info.tp_name);
    if info.module != "builtins" {
        if let Some(alias) = alias.filter(|_| !info.is_heap_type()) {
            return format!("types.{alias}");
        }
        return format!("{}.{}", info.module, info.name);
    }
    if is_public {
        return info.name.clone();
    }
    if !info.is_heap_type() {
        if matches!(info.tp_name.as_str(), "module" | "function") {
            return info.name.clone();
        }
        if let Some(alias) = alias {
            return format!("types.{alias}");
        }
    }
    format!("builtins.{}", info.name)
}
