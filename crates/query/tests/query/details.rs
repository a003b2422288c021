use crate::builder::{Builder, address};
use exuvia_snapshot::{ObjectFlags, Relation};

#[test]
fn an_object_with_its_neighbours() {
    let mut b = Builder::default();
    let session = b.object("myapp.Session");
    let (user, name) = (b.string("user"), b.string("Ann"));
    b.refer(session, name, Relation::InlineAttribute(user));
    let list = b.sequence("list", &[session, session]);
    let reference = b.object("weakref.ReferenceType");
    let referent = Relation::Interior(b.name("wr_object"));
    b.refer_weakly(reference, session, referent);
    b.root("i0_sysdict", session);
    b.flags(session, ObjectFlags::TRACKED);
    let details = b.finish().object(session);

    assert_eq!(
        (details.kind.as_str(), details.type_name.as_str()),
        ("myapp.Session", "myapp.Session")
    );
    assert_eq!(
        (details.address, details.size, details.allocated),
        (address(session), 10, 16)
    );
    assert_eq!((details.refcount, details.references_found), (Some(3), 3));
    assert_eq!(details.flag_names, ["tracked"]);

    assert_eq!(details.referents.total, 1);
    assert_eq!(details.referents.first[0].relation, ".user");
    assert_eq!(details.referents.first[0].target.value, "'Ann'");

    let referrers = &details.referrers.first;
    let relations: Vec<_> = referrers
        .iter()
        .map(|r| (r.relation.as_str(), r.weak))
        .collect();
    let expected = [
        ("hp.Root.i0_sysdict", false),
        ("[0]", false),
        ("[1]", false),
        ("->wr_object", true),
    ];
    assert_eq!(relations, expected);
    assert!(referrers[0].source.is_none());
    assert_eq!(referrers[1].source.as_ref().unwrap().id, list);
    assert_eq!(details.referrers.total, 4);
    assert!(serde_json::to_string(&details).is_ok());
}

#[test]
fn many_referrers_are_counted_and_some_listed() {
    let mut b = Builder::default();
    let target = b.object("a.T");
    b.sequence("list", &vec![target; 5000]);
    b.flags(target, ObjectFlags::IMMORTAL);
    let details = b.finish().object(target);
    assert_eq!(details.referrers.total, 5000);
    assert_eq!(details.referrers.first.len(), 100);
    assert_eq!(details.refcount, None);
}
