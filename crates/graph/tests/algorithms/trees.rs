//! Searches that avoid something, against the graph without it; and trees of shortest paths,
//! against petgraph's distances.

use crate::graphs::{Graph, graphs, references};
use crate::oracle::petgraph;
use exuvia_graph::{Avoided, BitSet, Follow, ShortestPathGraph, ShortestPathTree, TreeEdge};
use exuvia_snapshot::ObjectId;
use petgraph::graph::NodeIndex;
use proptest::prelude::*;

fn set(objects: usize, members: &[ObjectId]) -> BitSet {
    let mut set = BitSet::new(objects);
    set.extend(members.iter().copied());
    set
}

/// Two choices: objects, and places of edges, by their position modulo how many there are.
fn avoided(graph: &Graph, objects: &[u32], places: &[u32]) -> Avoided {
    let among = |of: usize, choices: &[u32]| -> Vec<u32> {
        let choices = choices.iter().filter(|_| of > 0);
        choices.map(|&choice| choice % of as u32).collect()
    };
    let objects = among(graph.objects, objects);
    Avoided::new(
        objects.into_iter().map(ObjectId).collect(),
        among(graph.edges.len(), places),
    )
}

/// The graph with what is to be avoided taken out, its vertices and places unchanged: edges
/// that go become weak ones, which are not followed.
fn without(graph: &Graph, avoided: &Avoided) -> Graph {
    let gone = |object: u32| avoided.objects().contains(&ObjectId(object));
    let mut graph = graph.clone();
    for (place, edge) in (0u32..).zip(&mut graph.edges) {
        edge.2 |= gone(edge.0) || gone(edge.1) || avoided.places().contains(&place);
    }
    graph
}

fn choices() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0u32..1000, 0..4)
}

/// The distance of every object from seeds, some of which count as farther.
fn distances(graph: &Graph, farther: &[(ObjectId, usize)]) -> Vec<Option<usize>> {
    let (mut oracle, root) = petgraph(
        &Graph {
            seeds: Vec::new(),
            ..graph.clone()
        },
        Follow::Strong,
    );
    for &(seed, farther) in farther {
        let mut from = root;
        for _ in 0..farther {
            let step = oracle.add_node(());
            oracle.add_edge(from, step, ());
            from = step;
        }
        oracle.add_edge(from, seed.0.into(), ());
    }
    let found = petgraph::algo::dijkstra(&oracle, root, None, |_| 1usize);
    (0..graph.objects)
        .map(|object| found.get(&NodeIndex::new(object)).copied())
        .collect()
}

/// How many steps the tree takes to an object, with those by which its seed is farther.
fn steps(
    tree: &ShortestPathTree,
    graph: &Graph,
    groups: &[(usize, Vec<ObjectId>)],
    mut object: ObjectId,
) -> Option<usize> {
    let mut steps = 1;
    loop {
        match tree.edge_to(object)? {
            TreeEdge::Seed { group, position } => {
                assert_eq!(groups[group].1[position], object);
                return Some(steps + groups[group].0);
            }
            TreeEdge::Reference { source, place } => {
                let edge = graph.edges[place as usize];
                assert_eq!((edge.0, edge.1, edge.2), (source.0, object.0, false));
                object = source;
                steps += 1;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_is_avoided_is_as_if_it_were_not_there(
        graph in graphs(),
        objects in choices(),
        places in choices(),
    ) {
        let avoided = avoided(&graph, &objects, &places);
        let gone = |id: &ObjectId| avoided.objects().contains(id);
        let all = references(graph.objects, graph.edges.iter().copied());
        let targets = set(graph.objects, &graph.targets);
        let found = ShortestPathGraph::search_avoiding(
            &all, &graph.seeds, Follow::Strong, &targets, &avoided,
        );
        let less = without(&graph, &avoided);
        let less = references(less.objects, less.edges);
        let left: Vec<ObjectId> = graph.targets.iter().copied().filter(|id| !gone(id)).collect();
        let seeds: Vec<ObjectId> = graph.seeds.iter().copied().filter(|id| !gone(id)).collect();
        let expected =
            ShortestPathGraph::search(&less, &seeds, Follow::Strong, &set(graph.objects, &left));
        let [found, expected] = [found, expected].map(|graph| {
            graph.map(|graph| (graph.length(), graph.count(), graph.objects().clone()))
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_tree_has_the_shortest_way_to_each_target(
        graph in graphs(),
        objects in choices(),
        places in choices(),
        delay in 0usize..4,
    ) {
        let avoided = avoided(&graph, &objects, &places);
        let gone = |id: &ObjectId| avoided.objects().contains(id);
        let references = references(graph.objects, graph.edges.iter().copied());
        let targets = set(graph.objects, &graph.targets);
        let (near, far) = graph.seeds.split_at(graph.seeds.len() / 2);
        let groups = [(0, near.to_vec()), (delay, far.to_vec())];
        let tree = ShortestPathTree::search(
            &references,
            (&[0, delay], |group| groups[group].1.clone()),
            Follow::Strong,
            &targets,
            &avoided,
        );
        let all = groups.iter().flat_map(|(farther, seeds)| {
            seeds.iter().filter(|id| !gone(id)).map(|&seed| (seed, *farther))
        });
        let distances = distances(&without(&graph, &avoided), &all.collect::<Vec<_>>());
        for &target in &graph.targets {
            let expected = distances[target.index()].filter(|_| !gone(&target));
            prop_assert_eq!(steps(&tree, &graph, &groups, target), expected);
        }
        // Each comes after what it comes from.
        let order = tree.order();
        for (place, &object) in order.iter().enumerate() {
            if let Some(TreeEdge::Reference { source, .. }) = tree.edge_to(object) {
                prop_assert!(order[..place].contains(&source));
            }
        }
    }
}
