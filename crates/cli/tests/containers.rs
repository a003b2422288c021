//! Targets in containers: another namespace of users, mounts and processes, and another root.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::{
    Container, Exuvia, Fingerprint, Interpreter, Place, state_of, supported, tracer_of,
};
use serde_json::Value;
use std::path::Path;

const NODES: usize = 500;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_exuvia"))
}

/// Runs `check` with a container for one interpreter that is a library and one that is not, and
/// with the target as the first process and as a later one.
fn for_each(check: impl Fn(&mut Container) -> Result<()>) -> Result<()> {
    for_each_made_ready(|_| Ok(()), check)
}

/// The same, after something that leaves traces.
fn for_each_made_ready(
    make_ready: impl Fn(&Container) -> Result<()>,
    check: impl Fn(&mut Container) -> Result<()>,
) -> Result<()> {
    let all = supported()?;
    let own = |shared| {
        let mut fitting = all.iter().filter(|one| one.root.is_none() && !one.musl);
        fitting.rfind(|one| one.shared == shared)
    };
    let interpreters: Vec<&Interpreter> = [own(true), own(false)].into_iter().flatten().collect();
    ensure!(
        !interpreters.is_empty(),
        "no supported Python outside of a root"
    );
    for interpreter in interpreters {
        for place in [Place::First, Place::Later] {
            let nodes = NODES.to_string();
            let mut container = Container::start(interpreter, "plain", &nodes, place)?;
            assert_eq!(container.inside == 1, place == Place::First);
            make_ready(&container)?;
            let before = Fingerprint::of(container.pid)?;
            check(&mut container).with_context(|| format!("{place:?}, {interpreter}"))?;
            before.assert_unchanged(container.pid)?;
            assert_eq!(tracer_of(container.pid)?, 0);
            assert_ne!(state_of(container.pid)?, 'T');
            container.target.assert_alive()?;
        }
    }
    Ok(())
}

/// That `ps` lists a process, that it can be attached to, and that `heap` shows its objects.
fn is_found(exuvia: &Exuvia, pid: u32) -> Result<()> {
    let listed = exuvia.run(["ps", "--json"])?;
    listed.expect_success()?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let processes = listed["processes"].as_array().context("processes")?;
    let found = processes.iter().find(|one| one["pid"] == pid);
    assert_eq!(found.context("ps does not list it")?["attachable"], true);
    let heap = exuvia.run(["heap", &pid.to_string(), "--all", "--json"])?;
    heap.expect_success()?;
    assert!(!heap.stderr.contains("no clone"), "{}", heap.stderr);
    let heap: Value = serde_json::from_str(&heap.stdout)?;
    assert_eq!(heap["capture"]["mode"], "clone");
    let rows = heap["rows"].as_array().context("rows")?;
    let nodes = rows.iter().find(|row| row["name"] == "__main__.Node");
    assert_eq!(nodes.context("no nodes")?["count"], NODES);
    Ok(())
}

/// That code runs in a process, in its main thread, and in a copy of it.
fn runs_code(exuvia: &Exuvia, pid: u32) -> Result<()> {
    let pid = pid.to_string();
    for options in [&[][..], &["--thread", "main"], &["--clone"]] {
        let code = ["-c", "import os; print(os.getpid(), 6 * 7)"];
        let ran = exuvia.run(["exec", &pid].iter().chain(options).chain(&code))?;
        ran.expect_success()?;
        // Its own number, and in a copy that of the process as well.
        ensure!(ran.stdout.ends_with(" 42\n"), "{ran:?}");
    }
    Ok(())
}

#[test]
fn by_its_number_outside() -> Result<()> {
    for_each(|container| {
        let exuvia = Exuvia::at(program());
        is_found(&exuvia, container.pid)?;
        runs_code(&exuvia, container.pid)
    })
}

#[test]
fn from_inside_with_a_binary_copied_in() -> Result<()> {
    for_each(|container| {
        let exuvia = container.exuvia(program())?;
        is_found(&exuvia, container.inside)?;
        runs_code(&exuvia, container.inside)?;
        // The snapshot is written where the tool runs.
        exuvia.dump(container.inside, Path::new("/tmp/heap.exuvia"))?;
        let snapshot = exuvia_snapshot::open(&container.root().join("tmp/heap.exuvia"))?;
        assert_eq!(snapshot.metadata.process.pid, container.inside);
        Ok(())
    })
}

/// As a container's owner without root does it: with the capabilities of the container's user
/// namespace, and the host's view of processes and files.
#[test]
fn from_its_user_namespace_alone() -> Result<()> {
    for_each(|container| {
        let target = format!("--target={}", container.pid);
        let wrapper = ["nsenter", &target, "--user", "--preserve-credentials"];
        let exuvia = Exuvia::through(program(), wrapper);
        is_found(&exuvia, container.pid)?;
        runs_code(&exuvia, container.pid)
    })
}

/// A folder that only the tool sees can be imported from all the same, in the process and in a copy.
#[test]
fn packages_from_outside() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("lent.py"), "answer = 6 * 7")?;
    let path = folder.path().display().to_string();
    let exuvia = Exuvia::at(program());
    // A descriptor is taken with the module `_socket`, whose library stays mapped once it is.
    let make_ready = |container: &Container| {
        let import = ["-c", "import _socket"];
        let ran = exuvia.run(["exec", &container.pid.to_string()].iter().chain(&import))?;
        ran.expect_success()
    };
    for_each_made_ready(make_ready, |container| {
        let pid = container.pid.to_string();
        for options in [&[][..], &["--clone"]] {
            let begin = ["exec", &pid, "--with-path", &path];
            let code = ["-c", "import lent; print(lent.answer)"];
            let ran = exuvia.run(begin.iter().chain(options).chain(&code))?;
            ran.expect_success()?;
            ensure!(ran.stdout == "42\n", "{ran:?}");
            let missing = ["exec", &pid, "--with-path", "/no/such/folder", "-c", "1"];
            let refused = exuvia.run(missing.iter().chain(options))?;
            refused.expect_error("/no/such/folder", "a folder")?;
        }
        Ok(())
    })
}
