//! The object pointers within a struct.

use super::dwarf::{Image, Record, Type, TypeId};

/// Structs within structs; CPython nests fewer.
const MAX_DEPTH: usize = 12;

/// Longer arrays are tables and caches, which the walker reads in its own way.
const MAX_ELEMENTS: u64 = 256;

/// A field that points to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectPointer {
    /// `ctx_vars`, `view.obj`, `monitoring_tool_names[3]`.
    pub(super) path: String,
    pub(super) offset: u64,
}

impl Image {
    /// Every field of a struct, however deep, whose C type is a pointer to an object; the
    /// head of the object itself is left out. By offset, each offset once.
    ///
    /// `skip` says of a path whether to leave out the field and everything in it.
    pub(super) fn object_pointers(
        &self,
        record: &Record,
        skip: &mut dyn FnMut(&str) -> bool,
    ) -> Vec<ObjectPointer> {
        let mut found = Vec::new();
        let at = Place {
            path: String::new(),
            offset: 0,
            depth: 0,
        };
        self.collect(record, &at, skip, &mut found);
        found.sort_by_key(|pointer| pointer.offset);
        found.dedup_by_key(|pointer| pointer.offset);
        found
    }

    /// The field at a path, or with `a[].b` the field `b` of each element of the array `a`;
    /// nothing if the build has no such field.
    pub(super) fn elements(&self, record: &Record, path: &str) -> Vec<ObjectPointer> {
        let Some((array, rest)) = path.split_once("[].") else {
            let field = self.field(record, path);
            return field.map_or_else(Vec::new, |field| {
                vec![ObjectPointer {
                    path: path.to_owned(),
                    offset: field.offset,
                }]
            });
        };
        let Some(field) = self.field(record, array) else {
            return Vec::new();
        };
        let Some(Type::Array { element, length }) = self.strip(field.target) else {
            return Vec::new();
        };
        let inner = self
            .as_record(*element)
            .and_then(|element| self.field(element, rest));
        let (Some(inner), Some(size), Some(length)) = (inner, self.size_of(*element), *length)
        else {
            return Vec::new();
        };
        (0..length.min(MAX_ELEMENTS))
            .map(|i| ObjectPointer {
                path: format!("{array}[{i}].{rest}"),
                offset: field.offset + i * size + inner.offset,
            })
            .collect()
    }

    fn collect(
        &self,
        record: &Record,
        at: &Place,
        skip: &mut dyn FnMut(&str) -> bool,
        found: &mut Vec<ObjectPointer>,
    ) {
        if at.depth > MAX_DEPTH || record.name.as_deref() == Some("_object") {
            return;
        }
        for member in &record.members {
            let inner = at.member(member.name.as_deref(), member.offset);
            if !inner.path.is_empty() && skip(&inner.path) {
                continue;
            }
            self.collect_field(member.target, &inner, skip, found);
        }
    }

    fn collect_field(
        &self,
        target: Option<TypeId>,
        at: &Place,
        skip: &mut dyn FnMut(&str) -> bool,
        found: &mut Vec<ObjectPointer>,
    ) {
        match self.strip(target) {
            Some(Type::Pointer(pointee)) if self.is_object(*pointee, 0) => {
                found.push(ObjectPointer {
                    path: at.path.clone(),
                    offset: at.offset,
                });
            }
            Some(Type::Record(record)) => self.collect(record, at, skip, found),
            Some(Type::Array {
                element,
                length: Some(length),
            }) if *length <= MAX_ELEMENTS => {
                let size = self.size_of(*element).unwrap_or(0);
                for i in 0..*length {
                    let element_at = Place {
                        path: format!("{}[{i}]", at.path),
                        offset: at.offset + i * size,
                        depth: at.depth + 1,
                    };
                    self.collect_field(*element, &element_at, skip, found);
                }
            }
            _ => {}
        }
    }

    /// Whether a type is `PyObject`, or a struct that begins with one.
    fn is_object(&self, id: Option<TypeId>, depth: usize) -> bool {
        let Some(record) = self.as_record(id) else {
            return false;
        };
        if record.name.as_deref() == Some("_object") {
            return true;
        }
        let first = record.members.first();
        depth < MAX_DEPTH
            && first.is_some_and(|member| {
                member.offset == 0 && self.is_object(member.target, depth + 1)
            })
    }

    fn size_of(&self, id: Option<TypeId>) -> Option<u64> {
        match self.strip(id)? {
            Type::Pointer(_) => Some(8),
            Type::Record(_) => Some(self.as_record(id)?.size),
            Type::Array { element, length } => Some(self.size_of(*element)? * (*length)?),
            Type::Alias(_) | Type::Scalar(_) => None,
        }
    }
}

struct Place {
    path: String,
    offset: u64,
    depth: usize,
}

impl Place {
    fn member(&self, name: Option<&str>, offset: u64) -> Self {
        let path = match name {
            None => self.path.clone(),
            Some(name) if self.path.is_empty() => name.to_owned(),
            Some(name) => format!("{}.{name}", self.path),
        };
        Self {
            path,
            offset: self.offset + offset,
            depth: self.depth + 1,
        }
    }
}
