//! Interpreters inside programs that are not called Python.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Embedding, Exuvia, Interpreter, Launch, Target, appserver, supported};
use serde_json::Value;
use std::fs;

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

/// Runs `check` with a program for each libpython of the machine that exuvia supports.
fn for_each(how: Embedding, check: impl Fn(&mut Target) -> Result<()>) -> Result<()> {
    let mut checked = 0;
    for interpreter in supported()? {
        // A library of another root needs the C library of that root.
        if !interpreter.shared || interpreter.root.is_some() || interpreter.debug {
            continue;
        }
        let folder = tempfile::tempdir()?;
        let mut target = appserver(&interpreter, how, folder.path())?.start()?;
        check(&mut target).with_context(|| format!("{how:?}, {interpreter}"))?;
        checked += 1;
    }
    ensure!(
        checked > 0,
        "no supported Python of this machine has a libpython"
    );
    Ok(())
}

fn start(target: &mut Target) -> Result<()> {
    ensure!(
        target.ask("start")? == true,
        "its interpreter did not start"
    );
    Ok(())
}

/// That `heap` finds the program's own objects, and `ps` the process.
fn is_found(target: &Target) -> Result<()> {
    let heap = exuvia().run(["heap", &target.pid_text(), "--all", "--json"])?;
    heap.expect_success()?;
    let heap: Value = serde_json::from_str(&heap.stdout)?;
    let rows = heap["rows"].as_array().context("rows")?;
    let requests = rows.iter().find(|row| row["name"] == "appserver.Request");
    assert_eq!(requests.context("no requests")?["count"], 500);
    assert_eq!(heap["process"]["command"].as_array().map(Vec::len), Some(1));

    let found = listed(target)?;
    assert_eq!(found["linking"], "shared");
    assert!(
        found["command"]
            .as_str()
            .is_some_and(|text| text.ends_with("/appserver"))
    );
    Ok(())
}

/// What `ps` says of a target.
fn listed(target: &Target) -> Result<Value> {
    let listed = exuvia().run(["ps", "--json"])?;
    listed.expect_success()?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let processes = listed["processes"].as_array().context("processes")?;
    let found = processes.iter().find(|one| one["pid"] == target.pid());
    found.cloned().context("ps does not list it")
}

#[test]
fn a_program_that_carries_its_interpreter() -> Result<()> {
    let all = supported()?;
    let mut carriers = all.iter().filter(|one| !one.shared && one.root.is_none());
    let interpreter = carriers
        .next()
        .context("no static Python on this machine")?;
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("appserver");
    fs::copy(&interpreter.executable, &program)?;
    let renamed = Interpreter {
        executable: program.clone(),
        image: program,
        ..interpreter.clone()
    };
    let target = Launch::new(&renamed, "plain")?.arg("100").start()?;
    let found = listed(&target)?;
    assert_eq!(found["linking"], "static");
    assert_eq!(found["attachable"], true);
    let heap = exuvia().run(["heap", &target.pid_text(), "--all"])?;
    heap.expect_success()?;
    assert!(heap.stdout.contains("__main__.Node"), "{}", heap.stdout);
    Ok(())
}

#[test]
fn a_program_that_is_linked_to_libpython() -> Result<()> {
    for_each(Embedding::Linked, |target| {
        start(target)?;
        is_found(target)?;
        target.assert_alive()
    })
}

#[test]
fn a_program_that_loads_libpython() -> Result<()> {
    for_each(Embedding::Loaded, |target| {
        let error = "is not a Python process";
        let before = exuvia().run(["heap", &target.pid_text()])?;
        before.expect_error(error, "`exuvia ps` lists running Pythons")?;
        start(target)?;
        is_found(target)?;
        target.assert_alive()
    })
}

#[test]
fn an_interpreter_that_ends_and_starts_again() -> Result<()> {
    for_each(Embedding::Linked, |target| {
        let none = |target: &Target| {
            let outcome = exuvia().run(["heap", &target.pid_text()])?;
            let error = format!("process {} has a Python, but no interpreter", target.pid());
            outcome.expect_error(&error, "try again when it runs")
        };
        none(target)?;
        for _ in 0..2 {
            start(target)?;
            is_found(target)?;
            ensure!(target.ask("end")? == true);
            none(target)?;
        }
        start(target)?;
        is_found(target)?;
        target.assert_alive()
    })
}
