//! Classifiers that look at the object alone, or at the one that owns it.

use super::Classes;
use crate::{
    Heap,
    rendering::{owner, rendering},
};
use exuvia_snapshot::{KindShape, ObjectId, TypeId};

pub(super) fn by_kind(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let snapshot = heap.snapshot();
    let kinds = ids.iter().map(|id| snapshot.objects.kind[id.index()]);
    Classes::by_key(kinds, |kind| snapshot.kinds[kind.index()].name.clone())
}

pub(super) fn by_type(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let types = ids.iter().map(|&id| heap.snapshot().kind(id).type_id);
    Classes::by_key(types, |id: TypeId| heap.type_names().shown(id).to_owned())
}

/// heapy aligns the sizes to the right where they stand alone, so that they sort as numbers.
pub(super) fn by_size(heap: &Heap, ids: &[ObjectId], joined: bool) -> Classes {
    let sizes = &heap.snapshot().objects.size;
    let width = if joined { 0 } else { 9 };
    Classes::by_key(ids.iter().map(|id| sizes[id.index()]), |size| {
        format!("{size:width$}")
    })
}

/// heapy's modules: those objects that are modules, each by itself.
pub(super) fn by_module(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let is_module = |id: ObjectId| {
        let kind = heap.snapshot().type_of(id);
        kind.module == "builtins" && kind.name == "module"
    };
    let modules = ids.iter().map(|&id| is_module(id).then_some(id));
    Classes::by_key(modules, |module| match module {
        Some(module) => rendering(heap, module),
        None => "~module".to_owned(),
    })
}

pub(super) fn by_unity(ids: &[ObjectId]) -> Classes {
    Classes::by_key(ids.iter().map(|_| ()), |()| "<Anything>".to_owned())
}

pub(super) fn by_id(heap: &Heap, ids: &[ObjectId]) -> Classes {
    Classes::by_key(ids.iter().copied(), |id| brief(heap, id))
}

pub(super) fn by_owner(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let owners = ids.iter().map(|&id| match heap.snapshot().kind(id).shape {
        KindShape::DictOf(_) => owner(heap, id),
        KindShape::Plain | KindShape::DictWithoutOwner => None,
    });
    Classes::by_key(owners, |owner| match owner {
        Some(owner) => brief(heap, owner),
        None => "<no owner>".to_owned(),
    })
}

pub(super) fn by_generation(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let objects = &heap.snapshot().objects;
    let generations = ids.iter().map(|&id| objects.generation_of(id));
    Classes::by_key(generations, |generation| match generation {
        Some(3) => "permanent".to_owned(),
        Some(generation) => generation.to_string(),
        None => "<none>".to_owned(),
    })
}

pub(super) fn by_interpreter(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let objects = &heap.snapshot().objects;
    let interpreters = ids.iter().map(|&id| objects.interpreter_of(id));
    Classes::by_key(interpreters, |interpreter| match interpreter {
        Some(interpreter) => interpreter.to_string(),
        None => "<shared by all>".to_owned(),
    })
}

/// An object as heapy writes it among objects of other kinds: `module: sys`.
pub(crate) fn brief(heap: &Heap, id: ObjectId) -> String {
    format!("{}: {}", heap.snapshot().kind(id).name, rendering(heap, id))
}
