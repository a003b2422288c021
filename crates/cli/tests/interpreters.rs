//! Processes with several interpreters: whose each object is.

use anyhow::{Context, Result, ensure};
use exuvia_snapshot::{ObjectFlags, ObjectId, Snapshot};
use exuvia_testkit::{Exuvia, Interpreter, Target, supported};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Instances that the program makes of each of its two classes in each interpreter.
const INSTANCES: usize = 500;

#[test]
fn each_object_belongs_to_its_interpreter() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    for interpreter in supported()? {
        if interpreter.debug {
            // Its states have more fields than the table of its series knows.
            println!("not compared: {interpreter}");
            continue;
        }
        compare(&interpreter, &exuvia).with_context(|| interpreter.to_string())?;
    }
    Ok(())
}

fn compare(interpreter: &Interpreter, exuvia: &Exuvia) -> Result<()> {
    let mut target = Target::start(interpreter, "interpreters")?;
    let report = target.folder_for_itself().join("tracked");
    target.ask(&format!("report {}", report.display()))?;
    let report = target.folder().join("tracked");
    let path = target.folder().join("interpreters.exuvia");
    exuvia.dump(target.pid(), &path)?;
    let snapshot = exuvia_snapshot::open(&path)?;
    let numbers = self::numbers(target.greeting(), "numbers")?;
    assert_eq!(numbers.len(), 3);
    let own_gil = interpreter.version >= (3, 12, 0);
    let with_own_gil = self::numbers(target.greeting(), "own_gil")?;
    assert_eq!(!with_own_gil.is_empty(), own_gil);
    // Up to 3.8 one collector serves all of them.
    let own_collector = interpreter.version >= (3, 9, 0);
    for number in numbers {
        if own_collector {
            tracked(&snapshot, number, &report)?;
        }
        one(&snapshot, number, own_gil)?;
        paths(exuvia, &snapshot, &path, number)?;
    }
    target.assert_alive()
}

/// What the interpreter's own collector tracks.
fn tracked(snapshot: &Snapshot, number: u32, report: &Path) -> Result<()> {
    let tracked = fs::read(report.with_extension(number.to_string()))?;
    let (tracked, rest) = tracked.as_chunks();
    ensure!(rest.is_empty() && tracked.len() > 2 * INSTANCES);
    for word in tracked {
        let address = u64::from_ne_bytes(*word);
        let id = snapshot.objects.at(address);
        let id = id.with_context(|| format!("{address:#x} of {number} is missing"))?;
        assert!(snapshot.objects.flags[id.index()].contains(ObjectFlags::TRACKED));
        let kind = &snapshot.kind(id).name;
        let found = snapshot.objects.interpreter_of(id);
        assert_eq!(found, Some(number), "{kind} at {address:#x}");
    }
    Ok(())
}

/// `own_types` is whether interpreters keep what static types know of their subclasses.
fn one(snapshot: &Snapshot, number: u32, own_types: bool) -> Result<()> {
    // What no collector tracks: texts that only one interpreter has.
    let ending = format!(" of interpreter {number}");
    let texts = snapshot.values.iter();
    let texts: Vec<_> = texts
        .filter(|(_, value)| value.text().ends_with(&ending))
        .map(|(id, value)| {
            (
                snapshot.objects.interpreter_of(id),
                value.text().into_owned(),
            )
        })
        .collect();
    assert!(texts.len() >= INSTANCES);
    let astray = texts.iter().find(|(found, _)| *found != Some(number));
    assert_eq!(astray, None, "one of {} texts", texts.len());

    for class in ["Owned", "Listed"] {
        assert_eq!(instances(snapshot, class, number).len(), INSTANCES);
    }
    let has_root = |name: &str| snapshot.roots.iter().any(|root| root.name == name);
    assert!(has_root(&format!("i{number}_modules")));
    let threads = snapshot.threads.iter().enumerate();
    let mut waiting = threads.filter(|(_, thread)| thread.interpreter == number);
    let (thread, row) = waiting.next().context("no thread waits in it")?;
    let frames = snapshot.frames.iter();
    assert!(
        frames
            .filter(|frame| frame.thread as usize == thread)
            .count()
            > 0
    );
    assert!(has_root(&format!("i{number}_t{}_f0", row.ident)));
    // The list of the subclasses of a built-in type is each interpreter's own from 3.12 on.
    let subclasses = format!("i{number}_static_types['list'].tp_subclasses");
    assert_eq!(has_root(&subclasses), own_types);
    Ok(())
}

/// Where an instance is found from, as `paths` and `show` say it.
fn paths(exuvia: &Exuvia, snapshot: &Snapshot, path: &Path, number: u32) -> Result<()> {
    let first = instances(snapshot, "Owned", number)[0];
    let address = format!("{:#x}", snapshot.objects.address[first.index()]);
    let snapshot = path.to_str().context("a path that is no text")?;
    let shown = exuvia.run(["paths", snapshot, "--at", &address])?;
    shown.expect_success()?;
    let root = format!("hp.Root.i{number}_modules['__main__']");
    assert!(shown.stdout.contains(&root), "{}", shown.stdout);
    let shown = exuvia.run(["show", snapshot, &address])?;
    shown.expect_success()?;
    let line = format!("  in        interpreter {number}\n");
    assert!(shown.stdout.contains(&line), "{}", shown.stdout);
    let shown = exuvia.run(["show", snapshot, &address, "--json"])?;
    let shown: Value = serde_json::from_str(&shown.stdout)?;
    assert_eq!(shown["object"]["interpreter"], number);
    Ok(())
}

fn instances(snapshot: &Snapshot, class: &str, number: u32) -> Vec<ObjectId> {
    let ids = snapshot.objects.ids();
    ids.filter(|&id| {
        let found = snapshot.type_of(id);
        found.name == class
            && found.module == "__main__"
            && snapshot.objects.interpreter_of(id) == Some(number)
    })
    .collect()
}

fn numbers(greeting: &Value, name: &str) -> Result<Vec<u32>> {
    Ok(serde_json::from_value(greeting[name].clone())?)
}
