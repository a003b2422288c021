//! The algorithms against petgraph, and against trying everything.

use crate::graphs::{Graph, graphs, references};
use exuvia_graph::{
    BitSet, BreadthFirst, Follow, Incoming, PathEdge, Reversed, ShortestPathGraph, incoming,
    reachable,
};
use exuvia_snapshot::ObjectId;
use petgraph::graph::{DiGraph, NodeIndex};
use proptest::prelude::*;

/// The graph in petgraph's form, with a virtual root as its last vertex.
pub(crate) fn petgraph(graph: &Graph, follow: Follow) -> (DiGraph<(), ()>, NodeIndex) {
    let mut result = DiGraph::new();
    for _ in 0..=graph.objects {
        result.add_node(());
    }
    let root = NodeIndex::new(graph.objects);
    for &(source, target, weak) in &graph.edges {
        if follow == Follow::All || !weak {
            result.add_edge(source.into(), target.into(), ());
        }
    }
    for seed in &graph.seeds {
        result.add_edge(root, seed.0.into(), ());
    }
    (result, root)
}

fn distances(graph: &Graph, follow: Follow) -> Vec<Option<usize>> {
    let (oracle, root) = petgraph(graph, follow);
    let found = petgraph::algo::dijkstra(&oracle, root, None, |_| 1usize);
    (0..graph.objects)
        .map(|object| found.get(&NodeIndex::new(object)).copied())
        .collect()
}

/// Every path of `length` edges from the root to a target, by trying all edges.
fn all_paths(graph: &Graph, follow: Follow, length: usize) -> Vec<Vec<PathEdge>> {
    let edge = |place: usize, target| PathEdge {
        place: place as u32,
        target,
    };
    let seeds = graph.seeds.iter().enumerate();
    let mut paths: Vec<Vec<PathEdge>> = seeds.map(|(i, &seed)| vec![edge(i, seed)]).collect();
    for _ in 1..length {
        paths = paths
            .iter()
            .flat_map(|path| {
                let end = path.last().unwrap().target.0;
                let edges = graph.edges.iter().enumerate();
                edges
                    .filter(move |(_, e)| e.0 == end && (follow == Follow::All || !e.2))
                    .map(move |(place, e)| [&path[..], &[edge(place, ObjectId(e.1))]].concat())
            })
            .collect();
    }
    paths.retain(|path| graph.targets.contains(&path.last().unwrap().target));
    paths
}

fn set(objects: usize, members: &[ObjectId]) -> BitSet {
    let mut set = BitSet::new(objects);
    set.extend(members.iter().copied());
    set
}

fn follows() -> impl Strategy<Value = Follow> {
    prop_oneof![Just(Follow::Strong), Just(Follow::All)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn reachable_is_what_has_a_distance(graph in graphs(), follow in follows()) {
        let references = references(graph.objects, graph.edges.iter().copied());
        let reached = reachable(&references, graph.seeds.iter().copied(), follow);
        for (object, distance) in distances(&graph, follow).iter().enumerate() {
            prop_assert_eq!(reached.contains(ObjectId(object as u32)), distance.is_some());
        }
    }

    #[test]
    fn levels_are_distances_up_to_the_nearest_target(graph in graphs(), follow in follows()) {
        let references = references(graph.objects, graph.edges.iter().copied());
        let targets = set(graph.objects, &graph.targets);
        let search = BreadthFirst::search(&references, graph.seeds.iter().copied(), follow, &targets);
        let distances = distances(&graph, follow);
        let nearest = graph.targets.iter().filter_map(|target| distances[target.index()]).min();
        let mut found = vec![None; graph.objects];
        for (level, objects) in search.levels().enumerate() {
            for object in objects {
                prop_assert_eq!(found[object.index()].replace(level + 1), None);
            }
        }
        for (found, distance) in found.iter().zip(&distances) {
            prop_assert_eq!(*found, distance.filter(|&d| nearest.is_none_or(|n| d <= n)));
        }
    }

    #[test]
    fn shortest_paths_are_all_of_them_in_order(graph in graphs(), follow in follows()) {
        let references = references(graph.objects, graph.edges.iter().copied());
        let targets = set(graph.objects, &graph.targets);
        let distances = distances(&graph, follow);
        let length = graph.targets.iter().filter_map(|target| distances[target.index()]).min();
        let found = ShortestPathGraph::search(&references, &graph.seeds, follow, &targets);
        let Some(length) = length else {
            prop_assert!(found.is_none());
            return Ok(());
        };
        let found = found.unwrap();
        prop_assert_eq!(found.length(), length);
        // Descending, to see that the order is the one asked for.
        let walks = found.walks(|_, edges, _| edges.sort_by_key(|edge| std::cmp::Reverse(edge.place)));
        let walks: Vec<_> = walks.collect();
        let mut expected = all_paths(&graph, follow, length);
        expected.sort_by_key(|path| {
            path.iter().map(|edge| std::cmp::Reverse(edge.place)).collect::<Vec<_>>()
        });
        prop_assert_eq!(found.count().paths, expected.len() as u128);
        prop_assert!(!found.count().saturated);
        prop_assert_eq!(walks, expected);
    }

    #[test]
    fn incoming_counts_edges(graph in graphs(), follow in follows()) {
        let references = references(graph.objects, graph.edges.iter().copied());
        let counts = incoming(&references, (0..graph.objects as u32).map(ObjectId), follow);
        for (object, &count) in counts.iter().enumerate() {
            let edges = graph.edges.iter().filter(|edge| {
                edge.1 as usize == object && (follow == Follow::All || !edge.2)
            });
            prop_assert_eq!(count as usize, edges.count());
        }
    }

    #[test]
    fn reversed_lists_the_edges_to_each_object(graph in graphs(), follow in follows()) {
        let references = references(graph.objects, graph.edges.iter().copied());
        let reversed = Reversed::of(&references, follow);
        for object in (0..graph.objects as u32).map(ObjectId) {
            let edges = graph.edges.iter().enumerate().filter(|(_, edge)| {
                edge.1 == object.0 && (follow == Follow::All || !edge.2)
            });
            let expected: Vec<_> = edges
                .map(|(place, edge)| Incoming { place, source: ObjectId(edge.0) })
                .collect();
            prop_assert_eq!(reversed.count(object), expected.len());
            prop_assert_eq!(reversed.to(&references, object).collect::<Vec<_>>(), expected);
        }
    }
}
