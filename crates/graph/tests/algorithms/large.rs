//! Forms that defeat recursion, materialising and 64-bit counts.

use crate::graphs::references;
use exuvia_graph::{BitSet, Follow, Incoming, PathEdge, Reversed, ShortestPathGraph, reachable};
use exuvia_snapshot::{ObjectId, References};

const SEED: ObjectId = ObjectId(0);

fn paths_to(references: &References, target: u32) -> ShortestPathGraph {
    let mut targets = BitSet::new(references.objects());
    targets.insert(ObjectId(target));
    ShortestPathGraph::search(references, &[SEED], Follow::Strong, &targets).unwrap()
}

/// Sorts no more than it is asked to, and puts the others in a bad order.
fn by_place(_: Option<ObjectId>, edges: &mut [PathEdge], wanted: usize) {
    edges.sort_by_key(|edge| edge.place);
    edges[wanted..].reverse();
}

#[test]
fn a_linked_list_of_a_million_nodes() {
    let nodes = 1_000_000;
    let list = references(nodes, (1..nodes as u32).map(|next| (next - 1, next, false)));
    assert_eq!(reachable(&list, [SEED], Follow::Strong).len(), nodes);
    let paths = paths_to(&list, nodes as u32 - 1);
    assert_eq!(paths.length(), nodes);
    assert_eq!(paths.count().paths, 1);
    let walks: Vec<_> = paths.walks(by_place).collect();
    assert_eq!(walks.len(), 1);
    assert_eq!(walks[0].len(), nodes);
}

#[test]
fn more_paths_than_fit_into_128_bits() {
    // 130 diamonds in a row: two ways through each.
    let diamonds = 130;
    let edges = (0..diamonds).flat_map(|i| {
        let top = 3 * i;
        let edge = move |source, target| (source, target, false);
        [
            edge(top, top + 1),
            edge(top, top + 2),
            edge(top + 1, top + 3),
            edge(top + 2, top + 3),
        ]
    });
    let objects = 3 * diamonds as usize + 1;
    let chain = references(objects, edges);
    let half = paths_to(&chain, 3 * 100);
    assert_eq!(
        (half.count().paths, half.count().saturated),
        (1 << 100, false)
    );
    let all = paths_to(&chain, 3 * diamonds);
    assert_eq!(
        (all.count().paths, all.count().saturated),
        (u128::MAX, true)
    );
    let first: Vec<_> = all.walks(by_place).take(3).collect();
    assert_eq!(first.len(), 3);
    assert!(first.is_sorted_by_key(|path| path.iter().map(|edge| edge.place).collect::<Vec<_>>()));
}

#[test]
fn many_edges_come_in_order_though_few_are_sorted_at_first() {
    let wide = references(2, (0..1000).map(|_| (0, 1, false)));
    let places: Vec<u32> = paths_to(&wide, 1)
        .walks(by_place)
        .map(|path| path[1].place)
        .collect();
    assert_eq!(places, (0..1000).collect::<Vec<u32>>());
}

#[test]
fn targets_and_seeds_without_a_row_lead_nowhere() {
    let graph = references(2, [(0, 1, false), (0, 7, false)]);
    let mut targets = BitSet::new(2);
    targets.insert(ObjectId(1));
    let seeds = [ObjectId(9), SEED];
    assert_eq!(reachable(&graph, seeds, Follow::All).len(), 2);
    let paths = ShortestPathGraph::search(&graph, &seeds, Follow::All, &targets).unwrap();
    assert_eq!(paths.count().paths, 1);
}

/// Long rows, short ones and many empty ones in a row, so that the search for the source of a
/// reference crosses what it looks up at once.
#[test]
fn sources_are_found_among_rows_of_all_lengths() {
    let objects = 2000u32;
    let lengths = |source: u32| match source % 500 {
        0 => 700,
        1..300 => 0,
        _ => source % 3,
    };
    let edges = (0..objects)
        .flat_map(|source| (0..lengths(source)).map(move |i| (source, (source + i) % 7, false)));
    let edges: Vec<_> = edges.collect();
    let references = references(objects as usize, edges.iter().copied());
    let reversed = Reversed::of(&references, Follow::Strong);
    for target in 0..objects {
        let places = edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| edge.1 == target);
        let expected: Vec<_> = places
            .map(|(place, edge)| Incoming {
                place,
                source: ObjectId(edge.0),
            })
            .collect();
        let found: Vec<_> = reversed.to(&references, ObjectId(target)).collect();
        assert_eq!(found, expected);
    }
}
