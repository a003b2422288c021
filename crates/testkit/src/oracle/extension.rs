use exuvia_snapshot::{ObjectId, Relation, Snapshot, Type, TypeFlags};

/// Libraries that have decoders, as the modules of their types begin.
const DECODED: [&str; 6] = ["numpy", "google", "gevent", "greenlet", "pyarrow", "torch"];

/// Why an object of an extension type owns a reference that its `tp_traverse` does not visit;
/// none when that is no reason.
pub(super) fn reason(
    snapshot: &Snapshot,
    object: ObjectId,
    relation: Relation,
) -> Option<&'static str> {
    if std::env::var("NOEXT").is_ok() {
        return None;
    }
    let type_of = snapshot.type_of(object);
    if type_of.tp_name == "module" && matches!(relation, Relation::Word(_)) {
        return Some("the state of a module in no table, which brings no m_traverse, is scanned");
    }
    if has_decoder(snapshot, type_of) {
        return Some(
            "a decoder finds what the tp_traverse of a type of an extension library leaves out",
        );
    }
    if !type_of.flags.contains(TypeFlags::UNKNOWN) {
        return None;
    }
    match relation {
        Relation::Word(_) => Some(
            "the tp_traverse of an extension type leaves a pointer out that the reference count \
             of its target counts",
        ),
        Relation::Attribute(_) => Some(
            "the tp_traverse of an extension type leaves a member out, whose kind says that it \
             is owned",
        ),
        Relation::InstanceDict => {
            Some("the tp_traverse of an extension type leaves the dictionary of instances out")
        }
        Relation::Interior(name) if snapshot.names[name.index()] == "ob_type" => Some(
            "the tp_traverse of an extension type leaves the type itself out, to which each \
             instance of a heap type owns a reference",
        ),
        _ => None,
    }
}

/// Whether a type, or one that it extends, is of a library that has decoders.
fn has_decoder(snapshot: &Snapshot, type_of: &Type) -> bool {
    let base = |one: &&Type| snapshot.types.get(one.base?.index());
    let mut bases = std::iter::successors(Some(type_of), base).take(snapshot.types.len());
    bases.any(|one| {
        let library = one.tp_name.split('.').next().unwrap_or_default();
        DECODED.contains(&library)
    })
}
