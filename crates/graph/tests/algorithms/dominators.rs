//! Dominators and retained sizes against removing each object and looking again, and against
//! petgraph.

use crate::graphs::{Graph, graphs, references};
use exuvia_graph::{
    BitSet, DominatorTree, Follow, Node, RetainedSizes, StoredTree, extend, reachable,
    retained_by_class,
};
use exuvia_snapshot::{ObjectId, References};
use petgraph::graph::NodeIndex;
use proptest::prelude::*;

/// Powers of two tell sums apart: each subset of the objects has its own.
fn size(object: ObjectId) -> u64 {
    1 << object.0
}

fn seeds(graph: &Graph) -> BitSet {
    let mut seeds = BitSet::new(graph.objects);
    seeds.extend(graph.seeds.iter().copied());
    seeds
}

/// What is no longer reached when some objects are gone, as the sum of the sizes.
fn freed(references: &References, seeds: &BitSet, follow: Follow, gone: &[ObjectId]) -> u64 {
    let before = reachable(references, seeds.iter(), follow);
    let mut without = BitSet::new(references.objects());
    without.extend(gone.iter().copied());
    let gone = without.clone();
    extend(&mut without, references, seeds.iter(), follow);
    let lost = before
        .iter()
        .filter(|&id| gone.contains(id) || !without.contains(id));
    lost.map(size).sum()
}

fn follows() -> impl Strategy<Value = Follow> {
    prop_oneof![Just(Follow::Strong), Just(Follow::All)]
}

/// The bits of a stored tree.
fn stored(tree: &DominatorTree) -> (Vec<u32>, Vec<u32>) {
    let last = |&place: &u32| match place {
        0 => 0,
        place => tree.last(Node(place)).0,
    };
    let lasts = tree.preorder().iter().map(last).collect();
    (tree.preorder().to_vec(), lasts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_goes_with_an_object_is_its_subtree(graph in graphs(), follow in follows()) {
        let references = references(graph.objects, graph.edges.iter().copied());
        let seeds = seeds(&graph);
        let tree = DominatorTree::new(&references, &seeds, follow);
        let retained = RetainedSizes::new(&tree, size);
        let alive = reachable(&references, seeds.iter(), follow);
        prop_assert_eq!(tree.reached(), alive.len());
        prop_assert_eq!(retained.of(Node::ROOT), alive.iter().map(size).sum::<u64>());
        for object in (0..graph.objects as u32).map(ObjectId) {
            let expected = freed(&references, &seeds, follow, &[object]);
            let node = tree.node(object);
            prop_assert_eq!(node.is_some(), alive.contains(object));
            let Some(node) = node else { continue };
            prop_assert_eq!(retained.of(node), expected);
            prop_assert_eq!(tree.object(node), Some(object));
            // A subset of the objects has a sum of its own: so these are the dominated ones.
            for other in alive.iter() {
                let dominated = expected & size(other) != 0;
                let other = tree.node(other).unwrap();
                prop_assert_eq!(tree.dominates(node, other), dominated);
            }
            let parent = tree.parent(node);
            prop_assert!(tree.children(parent).any(|child| child == node));
            prop_assert_eq!(tree.depths()[node.0 as usize], tree.depths()[parent.0 as usize] + 1);
        }
        prop_assert_eq!(tree.children(Node::ROOT).count() > 0, !alive.is_empty());
    }

    #[test]
    fn petgraph_finds_the_same_dominators(graph in graphs(), follow in follows()) {
        let references = references(graph.objects, graph.edges.iter().copied());
        let tree = DominatorTree::new(&references, &seeds(&graph), follow);
        let (oracle, root) = crate::oracle::petgraph(&graph, follow);
        let dominators = petgraph::algo::dominators::simple_fast(&oracle, root);
        for object in 0..graph.objects {
            let expected = dominators.immediate_dominator(NodeIndex::new(object));
            let node = tree.node(ObjectId(object as u32));
            let found = node.map(|node| match tree.object(tree.parent(node)) {
                Some(dominator) => NodeIndex::new(dominator.index()),
                None => root,
            });
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_goes_with_a_class_is_what_only_its_members_lead_to(
        graph in graphs(),
        classes in prop::collection::vec(0usize..5, 12),
        shift in prop_oneof![Just(0usize), Just(62)],
    ) {
        // With the shift, the classes are on both sides of the 64 that are looked at together.
        let references = references(graph.objects, graph.edges.iter().copied());
        let seeds = seeds(&graph);
        let tree = DominatorTree::new(&references, &seeds, Follow::Strong);
        let class = |object: ObjectId| classes.get(object.index()).copied().filter(|&c| c < 4);
        let order: Vec<ObjectId> = seeds.iter().collect();
        let shifted = |object| class(object).map(|class| class + shift);
        let found =
            retained_by_class(&references, &order, Follow::Strong, &tree, 4 + shift, shifted, size);
        for (wanted, &found) in found[shift..].iter().enumerate() {
            let members = (0..graph.objects as u32).map(ObjectId);
            let members: Vec<_> = members.filter(|&id| class(id) == Some(wanted)).collect();
            let expected = freed(&references, &seeds, Follow::Strong, &members);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_stored_tree_is_the_same_again(graph in graphs()) {
        let references = references(graph.objects, graph.edges.iter().copied());
        let tree = DominatorTree::new(&references, &seeds(&graph), Follow::Strong);
        let (preorder, last_descendant) = stored(&tree);
        let again = DominatorTree::from_stored(StoredTree {
            preorder: &preorder,
            last_descendant: &last_descendant,
        });
        prop_assert_eq!(again, Some(tree));
    }

    #[test]
    fn stored_numbers_that_are_no_tree_are_refused_or_nest(
        preorder in prop::collection::vec(0u32..7, 0..6),
        last_descendant in prop::collection::vec(0u32..7, 0..6),
    ) {
        let tree = DominatorTree::from_stored(StoredTree {
            preorder: &preorder,
            last_descendant: &last_descendant,
        });
        if let Some(tree) = tree {
            let nodes: Vec<Node> = tree.nodes().collect();
            for &node in &nodes[1..] {
                let parent = tree.parent(node);
                prop_assert!(parent < node && tree.last(node) <= tree.last(parent));
            }
            let below: usize = nodes.iter().map(|&node| tree.children(node).count()).sum();
            prop_assert_eq!(below, tree.reached());
        }
    }
}

#[test]
fn a_long_chain_takes_no_recursion() {
    let objects = 1_000_000;
    // Forth along the chain, and back from each to the one before, which closes cycles.
    let forth = |i: u32| (i, i + 1, false);
    let back = |i: u32| (i, i.saturating_sub(1), false);
    let edges = (0..objects - 1).flat_map(|i| [back(i), forth(i)]);
    let references = references(objects as usize, edges);
    let mut seeds = BitSet::new(objects as usize);
    seeds.insert(ObjectId(0));
    let tree = DominatorTree::new(&references, &seeds, Follow::Strong);
    assert_eq!(tree.depths().last(), Some(&objects));
    let retained = RetainedSizes::new(&tree, |_| 1);
    assert_eq!(retained.of(Node(1)), u64::from(objects));
}
