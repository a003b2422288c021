use crate::decode::scan;
use crate::marks::Numbers;
use crate::native::NativeView;
use crate::reader::Reader;
use crate::types::TypeInfo;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::{ObjectId, References, Relation};

/// Where a reference that has no name stands in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) object: ObjectId,
    /// Its place among the references: of a batch, then of all.
    pub(crate) reference: u32,
    /// The word of the object.
    pub(crate) word: u16,
}

/// The places of those references of an object that have no name, where its type has getters
/// that may give them one. They are the references from `first` on.
pub(crate) fn places<M: Memory>(
    reader: &mut Reader<'_, M>,
    (object, info): (RemoteAddress, &TypeInfo),
    numbers: &Numbers,
    references: &References,
    first: usize,
) -> Vec<Place> {
    let mut found = Vec::new();
    if info.getset.is_empty() || !matches!(reader.native, NativeView::Known(_)) {
        return found;
    }
    let Some(id) = numbers.get(object) else {
        return found;
    };
    let mut place = |reference: usize, word: usize| {
        if let (Ok(reference), Ok(word)) = (u32::try_from(reference), u16::try_from(word)) {
            found.push(Place {
                object: id,
                reference,
                word,
            });
        }
    };
    let mut numbered = Vec::new();
    for reference in first..references.len() {
        match references.get(reference).relation {
            Relation::Word(word) => place(reference, word as usize),
            Relation::Numbered(_) => numbered.push(reference),
            _ => {}
        }
    }
    if numbered.is_empty() {
        return found;
    }
    let words = reader.quietly(|reader| scan::words(reader, object, info));
    let words = words.unwrap_or_default().into_iter();
    let mut words: Vec<(ObjectId, usize)> = words
        .filter_map(|(word, target)| Some((numbers.get(target)?, word)))
        .collect();
    words.sort_unstable();
    for reference in numbered {
        let target = references.targets()[reference];
        let at = words.partition_point(|&(one, _)| one < target);
        // The same object twice is visited in the order of its words, or nobody can tell.
        if words.get(at).is_some_and(|&(one, _)| one == target) {
            place(reference, words.remove(at).1);
        }
    }
    found
}
