use crate::views::{counted, units};
use exuvia_query::{StackFrame, SuspendedGroup, Task, TaskState, ThreadStack, Threads};
use maud::{Markup, html};

/// Groups of suspended generators beyond these are counted, not shown.
const GROUPS: usize = 20;

/// Stacks of threads, tasks and generators, each with its variables where they are many bytes.
pub(super) fn section(threads: &Threads) -> Option<Markup> {
    let more = threads.suspended.len().saturating_sub(GROUPS);
    Some(html! {
        @for thread in &threads.threads {
            (thread_stack("Thread", thread))
        }
        @for greenlet in &threads.greenlets {
            (thread_stack("Greenlet", greenlet))
        }
        @for task in &threads.tasks {
            (task_stack(task))
        }
        @for group in threads.suspended.iter().take(GROUPS) {
            (suspended(group))
        }
        @if more > 0 {
            p.more { (more) " more places at which generators or coroutines wait" }
        }
    })
}

fn thread_stack(what: &str, thread: &ThreadStack) -> Markup {
    html! {
        h3 {
            (what) " "
            @match &thread.name {
                Some(name) => (name),
                None => (thread.ident),
            }
            @if thread.holds_gil { " (held the GIL)" }
        }
        (stack(&thread.stack))
    }
}

fn task_stack(task: &Task) -> Markup {
    html! {
        h3 {
            "Task " (task.name.as_deref().unwrap_or_default())
            @if task.state == TaskState::Running { " (running)" }
        }
        (stack(&task.stack))
        @if let Some(awaited) = &task.awaits {
            p {
                "waits for " (awaited.kind) " "
                (awaited.name.as_deref().unwrap_or_default())
                " at " code { (format!("{:#x}", awaited.address)) }
            }
        }
    }
}

fn suspended(group: &SuspendedGroup) -> Markup {
    html! {
        h3 {
            (counted(group.count, &group.kind)) " suspended"
        }
        (stack(std::slice::from_ref(&group.frame)))
    }
}

fn stack(frames: &[StackFrame]) -> Markup {
    html! {
        @if !frames.is_empty() {
            pre {
                @for frame in frames {
                    "File \"" (frame.file) "\", line " (frame.line) ", in " (frame.function) "\n"
                    @for local in &frame.locals {
                        "    " (local.name) " = " (local.value)
                        "  [" (local.kind) ", keeps " (units::bytes(local.retained)) "]\n"
                    }
                }
            }
        }
    }
}
