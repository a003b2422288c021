use crate::builder::Builder;
use exuvia_query::Heap;
use exuvia_snapshot::{ObjectFlags, ObjectId, Relation};

/// A registry that holds two sessions; both refer to a user, and each to a list of its own.
struct Shop {
    heap: Heap,
    registry: ObjectId,
    sessions: [ObjectId; 2],
    lists: [ObjectId; 2],
    user: ObjectId,
    lost: ObjectId,
}

fn shop() -> Shop {
    let mut b = Builder::default();
    let registry = b.object("dict");
    b.root("i0_modules", registry);
    let sessions = [b.object("shop.Session"), b.object("shop.Session")];
    let lists = [b.object("list"), b.object("list")];
    let user = b.object("shop.User");
    for (index, (session, list)) in (0..).zip(sessions.into_iter().zip(lists)) {
        b.refer(registry, session, Relation::Index(index));
        b.refer(session, list, Relation::Index(0));
        b.refer(session, user, Relation::Index(1));
        b.refer(list, session, Relation::Index(0));
    }
    let frame = b.object("frame");
    b.flags(frame, ObjectFlags::SYNTHETIC);
    b.refer(registry, frame, Relation::Index(2));
    let lost = b.object("shop.Session");
    b.refer(lost, user, Relation::Index(0));
    Shop {
        heap: b.finish(),
        registry,
        sessions,
        lists,
        user,
        lost,
    }
}

#[test]
fn what_several_share_belongs_to_what_they_have_in_common() {
    let shop = shop();
    let dominators = shop.heap.dominators();
    assert_eq!(dominators.retained(shop.registry), 60);
    assert_eq!(dominators.retained(shop.sessions[0]), 20);
    assert_eq!(dominators.retained(shop.user), 10);
    assert_eq!(dominators.total().bytes, 60);
    assert_eq!(
        dominators.immediate_dominator(shop.user),
        Some(shop.registry)
    );
    assert_eq!(
        dominators.immediate_dominator(shop.lists[1]),
        Some(shop.sessions[1])
    );
    assert_eq!(dominators.immediate_dominator(shop.registry), None);
    assert!(dominators.dominates(shop.registry, shop.lists[0]));
    assert!(!dominators.dominates(shop.sessions[0], shop.user));
    let children: Vec<_> = dominators.children(Some(shop.sessions[0])).collect();
    assert_eq!(children, [shop.lists[0]]);
    assert_eq!(
        dominators.children(None).collect::<Vec<_>>(),
        [shop.registry]
    );
    assert_eq!(dominators.depth(shop.lists[0]), 3);
}

#[test]
fn garbage_keeps_nothing() {
    let shop = shop();
    let dominators = shop.heap.dominators();
    assert_eq!(dominators.retained(shop.lost), 0);
    assert_eq!(dominators.depth(shop.lost), 0);
    assert_eq!(dominators.immediate_dominator(shop.lost), None);
    assert!(!dominators.dominates(shop.lost, shop.lost));
    assert_eq!(shop.heap.retained_by(&[shop.lost]).extent.objects, 0);
}

#[test]
fn a_class_keeps_what_none_of_its_members_keeps_alone() {
    let shop = shop();
    let together = shop.heap.retained_by(&shop.sessions);
    assert_eq!(together.extent.bytes, 50);
    assert_eq!(together.objects.len(), 5);
    assert!(together.objects.contains(&shop.user));
    let snapshot = shop.heap.snapshot();
    let kind = |name: &str| snapshot.kinds.iter().position(|kind| kind.name == name);
    let by_kind = shop.heap.retained_by_kind();
    assert_eq!(by_kind[kind("shop.Session").unwrap()], 50);
    assert_eq!(by_kind[kind("shop.User").unwrap()], 10);
    assert_eq!(by_kind[kind("dict").unwrap()], 60);
    assert_eq!(by_kind[kind("list").unwrap()], 20);
    assert_eq!(by_kind[kind("frame").unwrap()], 0);
}
