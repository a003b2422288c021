use super::{StackFrame, awaiting::awaited};
use crate::{Heap, python_text::harmless};
use exuvia_graph::BitSet;
use exuvia_snapshot::{ObjectId, TypeId};
use serde::Serialize;

/// The longest chain of coroutines that is followed.
const MAX_DEPTH: usize = 10_000;

/// The classes of tasks, that in C and that in Python.
const CLASSES: [&str; 2] = ["_asyncio.Task", "asyncio.tasks.Task"];

/// A task of asyncio that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Where it lies.
    pub address: u64,
    /// Its kind: `_asyncio.Task`.
    pub kind: String,
    /// Its name: `Task-1`.
    pub name: Option<String>,
    /// Whether it runs.
    pub state: TaskState,
    /// Its coroutine and those that it waits in, the outermost first. Empty while it runs: the
    /// frames are those of its thread then.
    pub stack: Vec<StackFrame>,
    /// What the innermost of them waits for.
    pub awaits: Option<Awaited>,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// A thread runs it.
    Running,
    /// It waits for something, or for its turn.
    Waiting,
}

/// Something that a task waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// Where it lies.
    pub address: u64,
    /// Its kind: `_asyncio.Future`.
    pub kind: String,
    /// The name of it, if it is a task.
    pub name: Option<String>,
}

/// The tasks that are not done, and the coroutines and generators that are on their stacks.
pub(super) fn find(heap: &Heap, locals: bool) -> (Vec<Task>, BitSet) {
    let snapshot = heap.snapshot();
    let mut shown = BitSet::new(snapshot.objects.len());
    let is_task = task_types(heap);
    let is_task = |id: ObjectId| is_task.get(snapshot.kind(id).type_id.index()) == Some(&true);
    let running = running_frames(heap);
    let tasks = snapshot
        .objects
        .ids()
        .filter(|&id| is_task(id))
        .filter_map(|id| task(heap, id, &running, locals, &mut shown))
        .collect();
    (tasks, shown)
}

/// The coroutines and generators that tasks wait in which are not done.
pub(crate) fn in_tasks(heap: &Heap) -> BitSet {
    find(heap, false).1
}

/// By type: whether its instances are tasks.
fn task_types(heap: &Heap) -> Vec<bool> {
    let types = heap.snapshot().types.len() as u32;
    let is_task = |id| CLASSES.iter().any(|class| heap.derives(TypeId(id), class));
    (0..types).map(is_task).collect()
}

fn task(
    heap: &Heap,
    object: ObjectId,
    running: &[u64],
    locals: bool,
    shown: &mut BitSet,
) -> Option<Task> {
    let coroutine = heap.attribute(object, "_coro")?;
    let is_suspended = heap.suspended_frame(coroutine).is_some();
    if !is_suspended && !runs(heap, coroutine, running) {
        return None;
    }
    let mut stack = Vec::new();
    let mut last = None;
    let mut next = Some(coroutine).filter(|_| is_suspended);
    let mut steps = 0;
    // What is awaited may be no frame, and lead back to itself.
    while let Some(waiting) = next
        && steps < MAX_DEPTH
    {
        steps += 1;
        match heap.suspended_frame(waiting) {
            // Crafted snapshots may go round.
            Some(_) if !shown.insert(waiting) => break,
            Some(frame) => stack.push(StackFrame::suspended(heap, frame, locals)),
            None => {}
        }
        last = Some(waiting).filter(|_| heap.suspended_frame(waiting).is_none());
        next = awaited(heap, waiting);
        if next.is_some() {
            last = None;
        }
    }
    let waiter = heap.attribute(object, "_fut_waiter");
    let waiter = waiter.filter(|&waiter| heap.snapshot().type_of(waiter).name != "NoneType");
    let awaits = waiter.or(last);
    Some(Task {
        address: heap.snapshot().objects.address[object.index()],
        kind: heap.snapshot().kind(object).name.clone(),
        name: name(heap, object),
        state: if is_suspended {
            TaskState::Waiting
        } else {
            TaskState::Running
        },
        stack,
        awaits: awaits.map(|object| Awaited {
            address: heap.snapshot().objects.address[object.index()],
            kind: heap.snapshot().kind(object).name.clone(),
            name: name(heap, object),
        }),
    })
}

/// The name of a task. From 3.12 on the one that it gets by itself is only a number until
/// somebody asks.
fn name(heap: &Heap, task: ObjectId) -> Option<String> {
    let mut fields = ["task_name", "_name"].iter();
    let name = fields.find_map(|field| heap.attribute(task, field))?;
    let text = heap.text_of(name)?;
    let text = match heap.snapshot().type_of(name).name.as_str() {
        "int" => format!("Task-{text}"),
        _ => text,
    };
    Some(harmless(&text).into_owned())
}

/// Where the frames of all threads lie, in ascending order.
fn running_frames(heap: &Heap) -> Vec<u64> {
    let snapshot = heap.snapshot();
    let frames = snapshot.frames.iter();
    let mut addresses: Vec<u64> = frames
        .map(|frame| snapshot.objects.address[frame.object.index()])
        .collect();
    addresses.sort_unstable();
    addresses
}

/// Whether a thread runs a coroutine: its frame lies inside of it, or is an object that it has.
fn runs(heap: &Heap, coroutine: ObjectId, running: &[u64]) -> bool {
    let objects = &heap.snapshot().objects;
    if let Some(frame) = super::locals::frame_of(heap, coroutine) {
        let address = objects.address[frame.index()];
        return running.binary_search(&address).is_ok();
    }
    let start = objects.address[coroutine.index()];
    let end = start.saturating_add(objects.size[coroutine.index()]);
    let first = running.partition_point(|&frame| frame < start);
    running.get(first).is_some_and(|&frame| frame < end)
}
