use exuvia_snapshot::{ObjectId, Relation, Snapshot, TypeFlags};

/// Why an object of an extension type owns a reference that its `tp_traverse` does not visit;
/// none when that is no reason.
pub(super) fn reason(
    snapshot: &Snapshot,
    object: ObjectId,
    relation: Relation,
) -> Option<&'static str> {
    let type_of = snapshot.type_of(object);
    if type_of.tp_name == "module" && matches!(relation, Relation::Word(_)) {
        return Some("the state of a module in no table, which brings no m_traverse, is scanned");
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
