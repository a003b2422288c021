use exuvia_snapshot::{KindShape, ObjectId, Snapshot, Type, TypeId};

/// What the types of a snapshot are called, and which objects are types.
#[derive(Debug)]
pub(crate) struct TypeNames {
    /// By type: the name that the table by type shows.
    shown: Vec<String>,
    /// The types that are objects of the snapshot, by object.
    objects: Vec<(ObjectId, TypeId)>,
}

impl TypeNames {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut shown: Vec<String> = snapshot.types.iter().map(qualified).collect();
        // heapy has names of its own for some types, which their kinds carry.
        for kind in &snapshot.kinds {
            if kind.shape == KindShape::Plain
                && let Some(name) = shown.get_mut(kind.type_id.index())
            {
                name.clone_from(&kind.name);
            }
        }
        let mut objects: Vec<_> = (0u32..)
            .zip(&snapshot.types)
            .filter_map(|(id, object_type)| Some((object_type.object?, TypeId(id))))
            .collect();
        objects.sort_unstable();
        Self { shown, objects }
    }

    /// The name in the table by type.
    pub(crate) fn shown(&self, type_id: TypeId) -> &str {
        self.shown.get(type_id.index()).map_or("", String::as_str)
    }

    /// All names under which a type is known: the one in the table, and the qualified one with
    /// and without `builtins`.
    pub(crate) fn all(snapshot: &Snapshot, names: &Self, type_id: TypeId) -> Vec<String> {
        let mut all = vec![names.shown(type_id).to_owned()];
        if let Some(object_type) = snapshot.types.get(type_id.index()) {
            all.push(qualified(object_type));
            all.push(format!("{}.{}", object_type.module, object_type.name));
        }
        all
    }

    /// The type that an object is; none for an object that is not a type.
    pub(crate) fn type_at(&self, object: ObjectId) -> Option<TypeId> {
        let row = self
            .objects
            .binary_search_by_key(&object, |row| row.0)
            .ok()?;
        Some(self.objects[row].1)
    }
}

/// `collections.OrderedDict`, and `int` for what is in `builtins`.
pub(crate) fn qualified(object_type: &Type) -> String {
    if object_type.module.is_empty() || is_builtin(object_type) {
        object_type.name.clone()
    } else {
        format!("{}.{}", object_type.module, object_type.name)
    }
}

/// Whether a type is in the module `builtins`.
pub(crate) fn is_builtin(object_type: &Type) -> bool {
    object_type.module == "builtins"
}
