//! Stacks, as a traceback of Python shows them.

use super::json::Source;
use super::{TITLE, counted, printable};
use crate::arguments::Limit;
use exuvia_query::{
    Awaited, Heap, Local, StackFrame, SuspendedGroup, Task, TaskState, ThreadStack, Threads,
};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};

/// Frames at the same line in a row beyond which Python only counts them.
const REPEATS: usize = 3;

/// What `exuvia threads --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct ThreadsDocument<'a> {
    format: &'static str,
    threads: &'a [ThreadStack],
    greenlets: &'a [ThreadStack],
    total_tasks: usize,
    tasks: &'a [Task],
    total_suspended: usize,
    suspended: &'a [SuspendedGroup],
    #[serde(flatten)]
    source: Source<'a>,
}

impl<'a> ThreadsDocument<'a> {
    /// All threads and greenlets, and the first tasks and places.
    pub(crate) fn new(heap: &'a Heap, found: &'a Threads, limit: Limit) -> Self {
        Self {
            format: "exuvia-threads/1",
            threads: &found.threads,
            greenlets: &found.greenlets,
            total_tasks: found.tasks.len(),
            tasks: limit.first_of(&found.tasks),
            total_suspended: found.suspended.len(),
            suspended: limit.first_of(&found.suspended),
            source: Source::of(heap),
        }
    }
}

/// Writes the stacks for people.
pub(crate) fn write(out: &mut dyn Write, found: &Threads, limit: Limit) -> io::Result<()> {
    let threads = counted(found.threads.len() as u64, "thread");
    writeln!(out, "{TITLE}{threads}, most recent call last{TITLE:#}")?;
    for thread in &found.threads {
        writeln!(out, "\n{}", heading(thread))?;
        stack(out, &thread.stack)?;
    }
    if !found.greenlets.is_empty() {
        let greenlets = counted(found.greenlets.len() as u64, "suspended greenlet");
        writeln!(out, "\n{TITLE}{greenlets}{TITLE:#}")?;
    }
    for greenlet in &found.greenlets {
        writeln!(out, "\nGreenlet at {:#x}", greenlet.ident)?;
        stack(out, &greenlet.stack)?;
    }
    tasks(out, &found.tasks, limit)?;
    suspended(out, &found.suspended, limit)
}

fn heading(thread: &ThreadStack) -> String {
    let mut text = match &thread.name {
        Some(name) => format!("Thread {} '{}'", thread.ident, printable(name)),
        None => format!("Thread {}", thread.ident),
    };
    if let Some(native) = thread.native_id {
        text.push_str(&format!(", native id {native}"));
    }
    if thread.interpreter != 0 {
        text.push_str(&format!(", interpreter {}", thread.interpreter));
    }
    if thread.holds_gil {
        text.push_str(", holds the GIL");
    }
    text
}

fn stack(out: &mut dyn Write, frames: &[StackFrame]) -> io::Result<()> {
    if frames.is_empty() {
        return writeln!(out, "  (no Python frame)");
    }
    let mut rest = frames;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|frame| *frame == first).count();
        for frame in &rest[..same.min(REPEATS)] {
            write_frame(out, frame)?;
        }
        match same.saturating_sub(REPEATS) {
            0 => {}
            1 => writeln!(out, "  [Previous line repeated 1 more time]")?,
            more => writeln!(out, "  [Previous line repeated {more} more times]")?,
        }
        rest = &rest[same..];
    }
    Ok(())
}

fn write_frame(out: &mut dyn Write, frame: &StackFrame) -> io::Result<()> {
    let StackFrame {
        function,
        file,
        line,
        locals,
    } = frame;
    let (file, function) = (printable(file), printable(function));
    match line {
        0 => writeln!(out, "  File \"{file}\", in {function}")?,
        line => writeln!(out, "  File \"{file}\", line {line}, in {function}")?,
    }
    let width = locals.iter().map(|local| local.name.chars().count()).max();
    for local in locals {
        write_local(out, local, width.unwrap_or(0))?;
    }
    Ok(())
}

fn write_local(out: &mut dyn Write, local: &Local, width: usize) -> io::Result<()> {
    let Local {
        name,
        address,
        kind,
        value,
        retained,
        ..
    } = local;
    let (name, kind, value) = (printable(name), printable(kind), printable(value));
    writeln!(
        out,
        "      {name:<width$} = {value}  <{kind} at {address:#x}, keeps {}>",
        counted(*retained, "byte")
    )
}

/// Tasks, those with the same stack once.
fn tasks(out: &mut dyn Write, tasks: &[Task], limit: Limit) -> io::Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let title = counted(tasks.len() as u64, "asyncio task");
    writeln!(out, "\n{TITLE}{title}{TITLE:#}")?;
    let groups = by_place(tasks);
    let shown = limit.first_of(&groups);
    for group in shown {
        if let [first, others @ ..] = &group[..] {
            writeln!(out, "\n{}", task_heading(first, others))?;
            match first.state {
                TaskState::Running => writeln!(out, "  (see its thread)")?,
                TaskState::Waiting => stack(out, &first.stack)?,
            }
        }
    }
    left(out, groups.len() - shown.len(), "place where tasks wait")
}

/// Tasks at the same place, the most of them first.
fn by_place(tasks: &[Task]) -> Vec<Vec<&Task>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<&Task>> = Vec::new();
    for task in tasks {
        let frames = task.stack.iter();
        let lines: Vec<_> = frames
            .map(|frame| (&frame.file, frame.line, &frame.function))
            .collect();
        let awaits = task.awaits.as_ref().map(|awaits| &awaits.kind);
        let group = *places
            .entry((lines, awaits, task.state == TaskState::Running))
            .or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(task);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

fn task_heading(task: &Task, others: &[&Task]) -> String {
    let name = task.name.as_deref().unwrap_or_default();
    let mut text = format!(
        "{} '{}' at {:#x}",
        printable(&task.kind),
        printable(name),
        task.address
    );
    if !others.is_empty() {
        text.push_str(&format!(" and {} more like it", others.len()));
    }
    match (&task.awaits, task.state) {
        (_, TaskState::Running) => text.push_str(", runs"),
        (None, TaskState::Waiting) => text.push_str(", waits for its turn"),
        (Some(awaits), TaskState::Waiting) => {
            let Awaited {
                address,
                kind,
                name,
            } = awaits;
            text.push_str(&format!(", waits for {}", printable(kind)));
            if let Some(name) = name {
                text.push_str(&format!(" '{}'", printable(name)));
            }
            text.push_str(&format!(" at {address:#x}"));
        }
    }
    text
}

fn suspended(out: &mut dyn Write, groups: &[SuspendedGroup], limit: Limit) -> io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let count: u64 = groups.iter().map(|group| group.count).sum();
    let title = "Other suspended generators and coroutines";
    writeln!(out, "\n{TITLE}{title}: {count}{TITLE:#}\n")?;
    let shown = limit.first_of(groups);
    for group in shown {
        let first = group.addresses.first().copied().unwrap_or_default();
        write!(out, "{} at {first:#x}", printable(&group.kind))?;
        match group.count.saturating_sub(1) {
            0 => writeln!(out)?,
            more => writeln!(out, " and {more} more like it")?,
        }
        write_frame(out, &group.frame)?;
    }
    left(out, groups.len() - shown.len(), "place")
}

fn left(out: &mut dyn Write, more: usize, what: &str) -> io::Result<()> {
    match more {
        0 => Ok(()),
        1 => writeln!(out, "<1 more {what}. Use --all or --top N to view.>"),
        more => {
            let plural = what.replacen("place", "places", 1);
            writeln!(out, "<{more} more {plural}. Use --all or --top N to view.>")
        }
    }
}

/// Writes a line for each frame, after one with the names of the columns.
pub(crate) fn write_csv(out: &mut dyn Write, found: &Threads, limit: Limit) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "group", "index", "name", "count", "address", "depth", "function", "file", "line", "awaits",
    ])?;
    let stacks = [("thread", &found.threads), ("greenlet", &found.greenlets)];
    for (group, stacks) in stacks {
        for (index, thread) in stacks.iter().enumerate() {
            let name = thread.name.as_deref().unwrap_or_default();
            for (depth, frame) in thread.stack.iter().enumerate() {
                let StackFrame {
                    function,
                    file,
                    line,
                    ..
                } = frame;
                let ident = thread.ident;
                writer.serialize((
                    group, index, name, 1, ident, depth, function, file, line, "",
                ))?;
            }
        }
    }
    for (index, task) in limit.first_of(&found.tasks).iter().enumerate() {
        let name = task.name.as_deref().unwrap_or_default();
        let awaits = task.awaits.as_ref().map(|awaits| awaits.kind.as_str());
        for (depth, frame) in task.stack.iter().enumerate() {
            let StackFrame {
                function,
                file,
                line,
                ..
            } = frame;
            let address = task.address;
            writer.serialize((
                "task", index, name, 1, address, depth, function, file, line, awaits,
            ))?;
        }
    }
    for (index, group) in limit.first_of(&found.suspended).iter().enumerate() {
        let StackFrame {
            function,
            file,
            line,
            ..
        } = &group.frame;
        let (kind, count) = (&group.kind, group.count);
        let first = group.addresses.first();
        writer.serialize((
            "suspended",
            index,
            kind,
            count,
            first,
            0,
            function,
            file,
            line,
            "",
        ))?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::printed::{text, written};

    fn frame(function: &str, line: u32) -> StackFrame {
        StackFrame {
            function: function.to_owned(),
            file: "/srv/shop.py".to_owned(),
            line,
            locals: Vec::new(),
        }
    }

    fn task(address: u64, line: u32) -> Task {
        Task {
            address,
            kind: "_asyncio.Task".to_owned(),
            name: Some("Task-\x1b".to_owned()),
            state: TaskState::Waiting,
            stack: vec![frame("answer", line)],
            awaits: Some(Awaited {
                address: address + 8,
                kind: "_asyncio.Future".to_owned(),
                name: None,
            }),
        }
    }

    fn found() -> Threads {
        let mut with_local = frame("Shop.serve", 12);
        with_local.locals.push(Local {
            name: "self".to_owned(),
            address: 0x7f10,
            kind: "shop.Shop".to_owned(),
            value: "<shop.Shop at 0x7f10>".to_owned(),
            size: 48,
            retained: 1,
        });
        let mut stack = vec![frame("<module>", 0)];
        stack.extend((0..5).map(|_| frame("descend", 7)));
        stack.push(with_local);
        Threads {
            threads: vec![ThreadStack {
                interpreter: 0,
                name: Some("MainThread".to_owned()),
                ident: 140,
                native_id: Some(7),
                holds_gil: true,
                stack,
            }],
            greenlets: vec![ThreadStack {
                interpreter: 0,
                name: None,
                ident: 0x7f20,
                native_id: None,
                holds_gil: false,
                stack: vec![frame("sleep", 3)],
            }],
            tasks: vec![task(0x100, 30), task(0x200, 40), task(0x300, 40)],
            suspended: vec![SuspendedGroup {
                kind: "generator".to_owned(),
                frame: frame("read", 5),
                count: 3,
                addresses: vec![0x400, 0x500, 0x600],
            }],
        }
    }

    #[test]
    fn stacks_read_like_tracebacks() {
        let expected = "\
1 thread, most recent call last

Thread 140 'MainThread', native id 7, holds the GIL
  File \"/srv/shop.py\", in <module>
  File \"/srv/shop.py\", line 7, in descend
  File \"/srv/shop.py\", line 7, in descend
  File \"/srv/shop.py\", line 7, in descend
  [Previous line repeated 2 more times]
  File \"/srv/shop.py\", line 12, in Shop.serve
      self = <shop.Shop at 0x7f10>  <shop.Shop at 0x7f10, keeps 1 byte>

1 suspended greenlet

Greenlet at 0x7f20
  File \"/srv/shop.py\", line 3, in sleep

3 asyncio tasks

_asyncio.Task 'Task-\\x1b' at 0x200 and 1 more like it, waits for _asyncio.Future at 0x208
  File \"/srv/shop.py\", line 40, in answer

_asyncio.Task 'Task-\\x1b' at 0x100, waits for _asyncio.Future at 0x108
  File \"/srv/shop.py\", line 30, in answer

Other suspended generators and coroutines: 3

generator at 0x400 and 2 more like it
  File \"/srv/shop.py\", line 5, in read
";
        assert_eq!(text(|out| write(out, &found(), Limit::All)), expected);
    }

    #[test]
    fn a_csv_line_for_each_frame() {
        let csv = written(|out| write_csv(out, &found(), Limit::All));
        let lines: Vec<_> = csv.lines().collect();
        assert_eq!(lines.len(), 1 + 7 + 1 + 3 + 1);
        assert_eq!(
            lines[1],
            "thread,0,MainThread,1,140,0,<module>,/srv/shop.py,0,"
        );
        let task = "task,2,Task-\x1b,1,768,0,answer,/srv/shop.py,40,_asyncio.Future";
        assert_eq!(lines[11], task);
        assert_eq!(
            lines[12],
            "suspended,0,generator,3,1024,0,read,/srv/shop.py,5,"
        );
    }
}
