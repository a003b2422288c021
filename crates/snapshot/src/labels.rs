//! The names that stand in the tables for enums, so that nobody needs a list of codes.

use crate::{KindShape, RootCategory, TypeId};

/// Relations, by the code of [`Relation::encode`](crate::Relation::encode) less one.
pub(crate) const RELATIONS: [&str; 15] = [
    "attribute",
    "inline-attribute",
    "instance-dict",
    "index",
    "value",
    "key",
    "interior",
    "numbered",
    "word",
    "local",
    "cell",
    "suspended-local",
    "stack",
    "suspended-stack",
    "member",
];

/// Forms of values, by the code of [`ValueForm::code`](crate::ValueForm::code) less one.
pub(crate) const VALUE_FORMS: [&str; 5] = ["text", "text-start", "bytes", "bytes-start", "repr"];

/// Categories of roots, by [`root_category`].
pub(crate) const ROOT_CATEGORIES: [&str; 4] = ["interpreter", "thread", "static", "variable"];

/// Shapes of kinds, by [`kind_shape`].
pub(crate) const KIND_SHAPES: [&str; 3] = ["plain", "dict-of", "dict-without-owner"];

/// The place of a category in [`ROOT_CATEGORIES`].
pub(crate) fn root_category(category: RootCategory) -> u8 {
    match category {
        RootCategory::Interpreter => 0,
        RootCategory::Thread => 1,
        RootCategory::Static => 2,
        RootCategory::Variable => 3,
    }
}

/// The category at a place of [`ROOT_CATEGORIES`].
pub(crate) fn root_category_at(place: u8) -> RootCategory {
    match place {
        0 => RootCategory::Interpreter,
        1 => RootCategory::Thread,
        2 => RootCategory::Static,
        _ => RootCategory::Variable,
    }
}

/// The place of a shape in [`KIND_SHAPES`], and its owner.
pub(crate) fn kind_shape(shape: KindShape) -> (u8, Option<TypeId>) {
    match shape {
        KindShape::Plain => (0, None),
        KindShape::DictOf(owner) => (1, Some(owner)),
        KindShape::DictWithoutOwner => (2, None),
    }
}

/// The shape at a place of [`KIND_SHAPES`], unless the owner is missing or too much.
pub(crate) fn kind_shape_at(place: u8, owner: Option<TypeId>) -> Option<KindShape> {
    match (place, owner) {
        (0, None) => Some(KindShape::Plain),
        (1, Some(owner)) => Some(KindShape::DictOf(owner)),
        (2, None) => Some(KindShape::DictWithoutOwner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Relation, ValueForm};

    #[test]
    fn every_code_has_a_label() {
        let relations = (1..=u8::MAX >> 1).take_while(|&code| Relation::decode(code, 0).is_some());
        assert_eq!(relations.count(), RELATIONS.len());
        let forms = (1..=u8::MAX).take_while(|&code| ValueForm::from_code(code).is_some());
        assert_eq!(forms.count(), VALUE_FORMS.len());
    }
}
