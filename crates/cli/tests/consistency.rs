//! What a snapshot shows of a process that changes while it is dumped.

use anyhow::{Context, Result, ensure};
use exuvia_snapshot::{Diagnostic, ObjectId, Relation, Snapshot};
use exuvia_testkit::{Exuvia, Interpreter, Launch, Target, newest, supported};
use std::collections::{BTreeMap, BTreeSet};

/// Dumps of the newest interpreter, and of each of the others.
const DUMPS: u64 = 60;
const FEWER_DUMPS: u64 = 8;

/// What tells that something was caught in the middle of a change.
const TELLING: [&str; 5] = [
    "torn-container",
    "unfinished-object",
    "not-an-object",
    "unreadable-object",
    "broken-collector-list",
];

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

/// Threads change dicts, lists and sets as fast as they can: a container that contradicts
/// itself or holds what it can't hold is there only with a diagnostic.
#[test]
fn nothing_half_built_without_a_diagnostic() -> Result<()> {
    let last = newest()?;
    for interpreter in supported()? {
        let dumps = if interpreter == last {
            DUMPS
        } else {
            FEWER_DUMPS
        };
        let mut target = Target::start(&interpreter, "mutating")?;
        let folder = tempfile::tempdir()?;
        let mut said = BTreeMap::<String, u64>::new();
        for dump in 0..dumps {
            let path = folder.path().join(format!("{dump}.exuvia"));
            exuvia().dump(target.pid(), &path)?;
            let snapshot = exuvia_snapshot::open(&path)?;
            let diagnostics = &snapshot.metadata.diagnostics;
            let name = format!("{interpreter}, dump {dump}");
            check_contradictions(&interpreter, &snapshot)
                .with_context(|| format!("{name}: {diagnostics:?}"))?;
            // Waited for, however often it runs.
            assert!(!has(diagnostics, "collector-running"), "{diagnostics:?}");
            let torn = diagnostics.iter().find(|one| one.code == "torn-container");
            let torn = torn.map_or(0, |torn| torn.count);
            // The lock's holder can be in the middle of one change, and nobody else in any.
            assert!(
                interpreter.free_threaded || torn <= 1,
                "{name}: {diagnostics:?}"
            );
            for diagnostic in diagnostics {
                *said.entry(diagnostic.code.clone()).or_default() += 1;
            }
            std::fs::remove_dir_all(&path)?;
        }
        println!("{interpreter}: {dumps} dumps, of which had a diagnostic: {said:?}");
        // One that is always there tells nothing.
        for code in TELLING {
            let count = said.get(code).copied().unwrap_or(0);
            assert!(count < dumps, "{interpreter}: {code} in every dump");
        }
        target
            .assert_alive()
            .with_context(|| interpreter.to_string())?;
    }
    Ok(())
}

/// Fails where a container contradicts itself and no diagnostic says so.
fn check_contradictions(interpreter: &Interpreter, snapshot: &Snapshot) -> Result<()> {
    let wrong = contradictions(snapshot)?;
    let diagnostics = &snapshot.metadata.diagnostics;
    let mut telling = diagnostics
        .iter()
        .filter(|one| TELLING.contains(&one.code.as_str()));
    if interpreter.free_threaded {
        // Every thread can be in the middle of a change.
        ensure!(wrong.is_empty() || telling.next().is_some(), "{wrong:?}");
        return Ok(());
    }
    let containers: BTreeSet<u64> = wrong.iter().map(|one| one.container).collect();
    ensure!(containers.len() <= 1, "more than one: {wrong:?}");
    // It is the container that is told of, or what it seems to hold and is no object.
    let told: Vec<&String> = telling.flat_map(|one| &one.examples).collect();
    let is_told = |address: u64| told.contains(&&format!("{address:#x}"));
    let untold = wrong
        .iter()
        .find(|one| !is_told(one.container) && !is_told(one.held));
    ensure!(untold.is_none(), "not told of: {untold:?}");
    Ok(())
}

/// A container that holds what it never holds.
#[derive(Debug)]
#[expect(dead_code, reason = "the words are for whoever reads of a failure")]
struct Contradiction {
    /// Its address.
    container: u64,
    /// The address of what it holds.
    held: u64,
    /// What it is, and what it holds.
    words: String,
}

/// What containers of the program hold and never hold. Fails unless all containers are there.
fn contradictions(snapshot: &Snapshot) -> Result<Vec<Contradiction>> {
    let mut found = Vec::new();
    let mut containers = 0;
    for id in snapshot.objects.ids() {
        let class = &snapshot.type_of(id).name;
        if !["Table", "Row", "Bag"].contains(&class.as_str()) {
            continue;
        }
        containers += 1;
        for reference in snapshot.references.of(id) {
            let target = reference.target;
            let is_member = snapshot.type_of(target).name == "Member";
            let right = match reference.relation {
                Relation::Value(key) => is_member && key_of(snapshot, target) == Some(key),
                Relation::Index(_) | Relation::Member(_) => is_member,
                _ => true,
            };
            if !right {
                let kind = &snapshot.kind(target).name;
                found.push(Contradiction {
                    container: snapshot.objects.address[id.index()],
                    held: snapshot.objects.address[target.index()],
                    words: format!("a {class} holds {kind}"),
                });
            }
        }
    }
    ensure!(
        containers == CONTAINERS,
        "{containers} of {CONTAINERS} containers"
    );
    Ok(found)
}

/// Containers that the program has: five for each of eight threads.
const CONTAINERS: usize = 40;

/// The key that a member has.
fn key_of(snapshot: &Snapshot, member: ObjectId) -> Option<ObjectId> {
    let mut references = snapshot.references.of(member);
    let key = references.find(|reference| {
        let Relation::Attribute(name) = reference.relation else {
            return false;
        };
        snapshot.names[name.index()] == "key"
    });
    Some(key?.target)
}

fn has(diagnostics: &[Diagnostic], code: &str) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.code == code)
}

/// Objects of the program that collects.
const NODES: u64 = 200_000;

fn collecting(interpreter: &Interpreter) -> Result<Target> {
    let launch = Launch::new(interpreter, "collecting")?;
    launch.arg(NODES.to_string()).start()
}

fn nodes(snapshot: &Snapshot) -> usize {
    let ids = snapshot.objects.ids();
    ids.filter(|&id| snapshot.kind(id).name == "__main__.Node")
        .count()
}

#[test]
fn a_running_collection_is_waited_out() -> Result<()> {
    for interpreter in supported()? {
        let mut target = collecting(&interpreter)?;
        target.ask("often")?;
        let folder = tempfile::tempdir()?;
        for dump in 0..3 {
            let path = folder.path().join(format!("{dump}.exuvia"));
            exuvia().dump(target.pid(), &path)?;
            let snapshot = exuvia_snapshot::open(&path)?;
            let diagnostics = &snapshot.metadata.diagnostics;
            assert!(
                !has(diagnostics, "collector-running"),
                "{interpreter}: {diagnostics:?}"
            );
            assert!(
                !has(diagnostics, "broken-collector-list"),
                "{diagnostics:?}"
            );
            assert_eq!(nodes(&snapshot) as u64, NODES, "{interpreter}");
        }
        target.assert_alive()?;
    }
    Ok(())
}

#[test]
fn a_collection_without_end_is_told() -> Result<()> {
    let mut target = collecting(&newest()?)?;
    target.ask("stay")?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("heap.exuvia");
    let outcome = exuvia().dump(target.pid(), &path)?;
    assert!(
        outcome.stderr.contains("the garbage collector was running"),
        "{}",
        outcome.stderr
    );
    let snapshot = exuvia_snapshot::open(&path)?;
    assert!(has(&snapshot.metadata.diagnostics, "collector-running"));
    assert_eq!(nodes(&snapshot) as u64, NODES);
    target.ask("end")?;
    target.assert_alive()
}

#[test]
fn memory_that_is_not_read_is_told_where_something_leads_there() -> Result<()> {
    for interpreter in supported()? {
        let mut target = Target::start(&interpreter, "elsewhere")?;
        let in_shared = target.address("shared")?;
        let lists = [target.address("kept")?, target.address("wiped")?];
        for (mode, is_copy) in [("clone", true), ("stop", false)] {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("heap.exuvia");
            let path = path.to_str().context("a path that is no text")?;
            let arguments = ["dump", &target.pid_text(), "--mode", mode, "-o", path];
            let outcome = exuvia().run(arguments)?;
            outcome.expect_success()?;
            let snapshot = exuvia_snapshot::open(path.as_ref())?;
            let diagnostics = &snapshot.metadata.diagnostics;
            let about = |code: &str| diagnostics.iter().find(|one| one.code == code);
            let shared = about("shared-memory").context("nothing of shared memory")?;
            assert_eq!(
                (shared.count, &shared.examples),
                (1, &vec![in_shared.clone()])
            );
            for (code, advice, size) in [
                ("not-copied", "(MADV_DONTFORK)", "; 4.10 kB of it"),
                // The C library may have such memory too.
                ("wiped-in-copy", "(MADV_WIPEONFORK)", " kB of it"),
            ] {
                let told = about(code);
                assert_eq!(
                    told.map(|told| told.count),
                    is_copy.then_some(1),
                    "{interpreter}, {mode}: {diagnostics:?}"
                );
                assert!(
                    told.is_none_or(|told| told.message.contains(size)),
                    "{told:?}"
                );
                assert_eq!(outcome.stderr.contains(advice), is_copy);
            }
            for list in &lists {
                let list = u64::from_str_radix(list.trim_start_matches("0x"), 16)?;
                let list = snapshot.objects.at(list).context("the list")?;
                assert_eq!(snapshot.references.of(list).len(), usize::from(!is_copy));
            }
        }
        target.assert_alive()?;
    }
    Ok(())
}
