use super::{TypeInfo, load};
use crate::names::Names;
use crate::reader::Reader;
use exuvia_memory::{Memory, RemoteAddress};
use rustc_hash::FxHashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The types met so far, shared by all threads. An address that turned out to be no type is
/// remembered too.
#[derive(Default)]
pub(crate) struct TypeTable {
    known: RwLock<FxHashMap<RemoteAddress, Option<Arc<TypeInfo>>>>,
    pub(crate) names: Names,
}

impl TypeTable {
    /// The type at an address, loaded on the first request.
    pub(crate) fn get_or_load<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        address: RemoteAddress,
    ) -> Option<Arc<TypeInfo>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(info) = known.get(&address) {
            return info.clone();
        }
        drop(known);
        // Loading reads the target, so it happens without the lock; two threads may load the
        // same type, and the first to finish wins.
        let loaded = load::load(reader, &self.names, address).map(Arc::new);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(address).or_insert(loaded).clone()
    }

    /// The types met so far, by address.
    pub(crate) fn snapshot(&self) -> Vec<Arc<TypeInfo>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut types: Vec<_> = known.values().flatten().cloned().collect();
        types.sort_unstable_by_key(|info| info.address);
        types
    }

    /// The names that the types' fields have.
    pub(crate) fn finish(self) -> Names {
        self.names
    }
}
