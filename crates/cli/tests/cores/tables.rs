//! What a core says is what its process says.

use crate::{document, exuvia, heap};
use anyhow::{Context, Result, ensure};
use exuvia_testkit::cores::{self, Contents};
use exuvia_testkit::{Interpreter, Launch, Target, newest, supported};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// The rows and sums of a heap, without what differs between a process and its core.
fn table(document: &Value) -> Value {
    let mut table = serde_json::json!({});
    for field in ["count", "size", "total_rows", "rows"] {
        table[field] = document[field].clone();
    }
    table["garbage"] = document["outside"]["garbage"].clone();
    table["native"] = document["outside"]["native"].clone();
    table["allocated"] = document["outside"]["allocated"].clone();
    table
}

fn assert_same(core: &Path, live: &Value, who: &str) -> Result<()> {
    let of_core = document(core, &[])?;
    assert_eq!(table(&of_core), table(live), "{who}");
    assert_eq!(of_core["diagnostics"], live["diagnostics"], "{who}");
    assert_eq!(of_core["capture"]["mode"], "core");
    let fields = ["pid", "executable", "python", "flavor"];
    for field in fields {
        assert_eq!(of_core["process"][field], live["process"][field], "{who}");
    }
    Ok(())
}

/// The same process, read live, from the kernel's core, from gdb's, and from one of our own.
#[test]
fn a_core_has_the_table_of_its_process() -> Result<()> {
    for interpreter in supported()? {
        kernel_core(&interpreter)?;
        let folder = tempfile::tempdir()?;
        let target = Launch::new(&interpreter, "plain")?.arg("1000").start()?;
        let live = document(target.pid_text(), &[])?;
        match cores::by_gdb(&target, folder.path())? {
            Some(core) => assert_same(&core, &live, &format!("{interpreter}, by gdb"))?,
            None => println!("there is no gdb here"),
        }
        for contents in [Contents::Usual, Contents::Everything] {
            let core = folder.path().join("core");
            cores::write(&target, contents, &core)?;
            assert_same(&core, &live, &format!("{interpreter}, {contents:?}"))?;
        }
    }
    Ok(())
}

fn kernel_core(interpreter: &Interpreter) -> Result<()> {
    if interpreter.root.is_some() {
        // The kernel would name files as that root has them, and the folder is not in it.
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let launch = Launch::new(interpreter, "plain")?.arg("1000");
    let mut live = Value::Null;
    let core = cores::by_kernel_after(launch, folder.path(), |target| {
        live = document(target.pid_text(), &[])?;
        Ok(())
    })?;
    match core {
        Some(core) => assert_same(&core, &live, &format!("{interpreter}, by the kernel")),
        None => {
            println!("the kernel writes no cores into folders here");
            Ok(())
        }
    }
}

/// `systemd-coredump` packs cores.
#[test]
fn packed_cores() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let target = Target::start(&newest()?, "plain")?;
    let core = folder.path().join("core");
    cores::write(&target, Contents::Usual, &core)?;
    let whole = document(&core, &[])?;
    for (program, suffix) in [("zstd", "zst"), ("lz4", "lz4")] {
        let packed = core.with_extension(suffix);
        let mut command = Command::new(program);
        command.args(["-q", "-c"]).arg(&core);
        command.stdout(File::create(&packed)?);
        let Ok(status) = command.status() else {
            println!("there is no {program} here");
            continue;
        };
        ensure!(status.success(), "{program}: {status}");
        assert_eq!(table(&document(&packed, &[])?), table(&whole), "{program}");

        // Of one that is cut off, as much is unpacked as there is. For lz4 that may be nothing,
        // since its blocks are megabytes.
        if program == "lz4" {
            continue;
        }
        let bytes = fs::read(&packed)?;
        let cut = folder.path().join("cut");
        fs::write(&cut, &bytes[..bytes.len() / 2])?;
        heap(&cut, &[])?.expect_error("the core is cut off", "ulimit -c unlimited")?;
    }
    Ok(())
}

/// All commands that take a TARGET take a core.
#[test]
fn every_command_takes_a_core() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let target = Launch::new(&newest()?, "plain")?.arg("3").start()?;
    let core = folder.path().join("core");
    cores::write(&target, Contents::Usual, &core)?;
    let run = |arguments: &[&str]| -> Result<String> {
        let (command, options) = arguments.split_first().context("no command")?;
        let options = options.iter().map(AsRef::as_ref);
        let outcome = exuvia().run(
            [command.as_ref(), core.as_os_str()]
                .into_iter()
                .chain(options),
        )?;
        outcome.expect_success()?;
        Ok(outcome.stdout)
    };
    let paths = run(&["paths", "--kind", "__main__.Node"])?;
    assert_eq!(
        paths,
        " 0: hp.Root.i0_modules['__main__'].__dict__['FIRST']\n"
    );
    let paths = run(&["paths", "--kind", "__main__.Node", "--json"])?;
    let paths: Value = serde_json::from_str(&paths)?;
    assert_eq!(paths["to"]["count"], 3);

    let snapshot = folder.path().join("core.exuvia");
    let dumped = run(&["dump", "-o", snapshot.to_str().context("not UTF-8")?])?;
    assert!(dumped.contains("from a core"), "{dumped}");
    assert_eq!(
        table(&document(&snapshot, &[])?),
        table(&document(&core, &[])?)
    );
    Ok(())
}
