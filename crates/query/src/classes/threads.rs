//! Which threads an object hangs on.

use super::{Classes, sets::Sets};
use crate::{Heap, liveness::static_objects};
use exuvia_graph::{BitSet, Follow, extend, reachable};
use exuvia_snapshot::{ObjectId, Root, RootCategory};
use rustc_hash::FxHashMap;

/// By the threads from whose frames and other state an object is reached, of objects that
/// nothing else reaches: what interpreters hold, as all modules, and static objects would stay
/// if all threads ended, and is in one class. So is what native code holds.
pub(super) fn by_thread(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let snapshot = heap.snapshot();
    let references = &snapshot.references;
    let mut threads: FxHashMap<&str, Vec<ObjectId>> = FxHashMap::default();
    let mut others = Vec::new();
    for root in &snapshot.roots {
        match (root.category, thread_name(root)) {
            (RootCategory::Thread, Some(name)) => {
                threads.entry(name).or_default().push(root.target);
            }
            // The frames of greenlets, which hang on objects.
            (RootCategory::Thread | RootCategory::Variable, _) => {}
            _ => others.push(root.target),
        }
    }
    let held = others.into_iter().chain(static_objects(snapshot));
    let shared = reachable(references, held, Follow::Strong);
    let mut names: Vec<&str> = threads.keys().copied().collect();
    names.sort_unstable();
    let reached: Vec<BitSet> = names
        .iter()
        .map(|name| {
            // The set begins with what is shared, and the search does not pass through it.
            let mut reached = shared.clone();
            extend(
                &mut reached,
                references,
                threads[name].iter().copied(),
                Follow::Strong,
            );
            reached
        })
        .collect();
    let mut sets = Sets::default();
    let of = ids.iter().map(|&id| {
        sets.begin();
        if shared.contains(id) {
            sets.add(SHARED);
        } else {
            for (number, reached) in (NATIVE + 1..).zip(&reached) {
                if reached.contains(id) {
                    sets.add(number);
                }
            }
            if sets.is_empty() {
                sets.add(NATIVE);
            }
        }
        sets.finish()
    });
    let of = of.collect();
    sets.classes(of, |number| match number {
        SHARED => "<not by threads alone>".to_owned(),
        NATIVE => "<by native code>".to_owned(),
        thread => names[(thread - NATIVE - 1) as usize].to_owned(),
    })
}

/// The numbers of two classes; threads follow them.
const SHARED: u32 = 0;
const NATIVE: u32 = 1;

/// `i0_t140192` of `i0_t140192_f0`: what the names of all roots of a thread begin with.
fn thread_name(root: &Root) -> Option<&str> {
    let (interpreter, rest) = root.name.split_once('_')?;
    let ident = rest.split('_').next()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_thread =
        is_number(interpreter.strip_prefix('i')?) && is_number(ident.strip_prefix('t')?);
    is_thread.then(|| &root.name[..interpreter.len() + 1 + ident.len()])
}
