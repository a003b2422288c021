//! Tasks and what they await. Those of real processes are in the tests of the program.

use crate::builder::Builder;
use exuvia_snapshot::Relation;

/// A class may have the name of one of asyncio's, and be its own future.
#[test]
fn what_awaits_itself_has_an_end() {
    let mut b = Builder::default();
    let task = b.object("_asyncio.Task");
    let coroutine = b.object("coroutine");
    let iterator = b.object("_asyncio.FutureIter");
    let [own, future] = ["_coro", "future"].map(|name| Relation::Interior(b.name(name)));
    b.root("i0_tasks", task);
    b.refer(task, coroutine, own);
    b.refer(coroutine, iterator, Relation::SuspendedStack(0));
    b.refer(iterator, iterator, future);
    b.suspended(coroutine);
    let tasks = b.finish().threads(false).tasks;
    let stacks: Vec<usize> = tasks.iter().map(|task| task.stack.len()).collect();
    assert_eq!(stacks, [1]);
}
