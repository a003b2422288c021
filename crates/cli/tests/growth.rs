//! What grows in a process, and what holds it: `diff`, `watch` and `paths --merged` on a
//! service that grows on command.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Exuvia, Interpreter, Launch, Target, newest, supported};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

/// How many sessions the service begins with.
const SESSIONS: u64 = 2000;

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

fn start(interpreter: &Interpreter) -> Result<Target> {
    let launch = Launch::new(interpreter, "growing")?;
    launch.arg(SESSIONS.to_string()).start()
}

/// What a command prints as JSON.
fn json(words: &[&str], paths: &[&Path]) -> Result<Value> {
    let (command, options) = words.split_first().context("no command")?;
    let mut arguments: Vec<OsString> = vec![command.into()];
    arguments.extend(paths.iter().map(|path| path.as_os_str().to_owned()));
    arguments.extend(options.iter().map(OsString::from));
    arguments.push("--json".into());
    let outcome = exuvia().run(&arguments)?;
    outcome.expect_success()?;
    serde_json::from_str(&outcome.stdout).with_context(|| outcome.stdout.clone())
}

fn row<'a>(rows: &'a Value, name: &str) -> Result<&'a Value> {
    let mut all = rows.as_array().context("no rows")?.iter();
    all.find(|row| row["name"] == name)
        .with_context(|| format!("no row {name} in {rows}"))
}

fn dump(target: &Target, folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    exuvia().dump(target.pid(), &path)?;
    Ok(path)
}

#[test]
fn what_grew_is_in_the_difference_with_what_holds_it() -> Result<()> {
    for interpreter in supported()? {
        grows(&interpreter).with_context(|| interpreter.to_string())?;
    }
    Ok(())
}

fn grows(interpreter: &Interpreter) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut target = start(interpreter)?;
    let first = dump(&target, folder.path(), "first")?;
    target.ask("grow 300")?;
    let second = dump(&target, folder.path(), "second")?;
    target.ask("turn_over 100")?;
    let third = dump(&target, folder.path(), "third")?;

    let grown = json(&["diff", "--new", "--retained"], &[&first, &second])?;
    let sessions = row(&grown["rows"], "__main__.Session")?;
    assert_eq!(sessions["count"], 300);
    let retained = sessions["retained"].as_i64().context("not retained")?;
    assert!(retained > sessions["size"].as_i64().context("no size")?);
    let new = &grown["new_objects"];
    assert_eq!(row(&new["rows"], "__main__.Session")?["count"], 300);
    assert_eq!(row(&new["rows"], "bytearray")?["count"], 300);
    // The dictionary is named to which they were added, and not one of its entries.
    let text = new["held"].to_string();
    let holder = target.ask("address")?;
    assert!(text.contains("['STORE']"), "{text}");
    assert!(text.contains(&format!("\"address\":{holder}")), "{text}");

    // As many as before, and none of the new ones is taken for one that went, though their
    // addresses are largely the same.
    let turned = json(&["diff", "--new"], &[&second, &third])?;
    assert!(row(&turned["rows"], "__main__.Session").is_err());
    let new = &turned["new_objects"];
    assert_eq!(row(&new["rows"], "__main__.Session")?["count"], 100);

    let grown = json(&["diff"], &[&first, &second, &third])?;
    assert_eq!(grown["format"], "exuvia-growth/1");
    assert!(row(&grown["rows"], "__main__.Session").is_err(), "{grown}");
    target.ask("grow 50")?;
    let fourth = dump(&target, folder.path(), "fourth")?;
    let grown = json(&["diff"], &[&first, &third, &fourth])?;
    let sessions = row(&grown["rows"], "__main__.Session")?;
    // 300 came in between, and those that turned over came as well.
    assert_eq!(sessions["stayed"], 400);
    target.assert_alive()
}

#[test]
fn merged_paths_name_the_one_holder() -> Result<()> {
    for interpreter in supported()? {
        let mut target = start(&interpreter)?;
        let holder = target.ask("address")?;
        let pid = PathBuf::from(target.pid_text());
        let words = ["paths", "--kind", "__main__.Session", "--merged"];
        let merged = json(&words, &[&pid])?;
        assert_eq!(merged["reached"]["objects"], SESSIONS + 20);
        let trunk = &merged["steps"][0];
        let store = "hp.Root.i0_modules['__main__'].__dict__['STORE']";
        let text = trunk["text"].as_str().context("no text")?;
        assert!(text.starts_with(store), "{interpreter}: {text}");
        let all = &trunk["steps"][0];
        assert_eq!(all["extent"]["objects"], SESSIONS, "{interpreter}");
        assert_eq!(all["holder"]["address"], holder, "{interpreter}");
        let text = all["text"].as_str().context("no text")?;
        assert!(text.ends_with("['*']"), "{interpreter}: {text}");

        // Without that holder, only the others are left.
        let holder = format!("{:#x}", holder.as_u64().context("no address")?);
        let words = [&words[..], &["--avoid", &holder]].concat();
        let merged = json(&words, &[&pid])?;
        assert_eq!(merged["reached"]["objects"], 20, "{interpreter}");
        assert_eq!(merged["unreached"]["objects"], SESSIONS, "{interpreter}");
    }
    Ok(())
}

#[test]
fn two_processes_are_told_apart() -> Result<()> {
    let interpreter = newest()?;
    let folder = tempfile::tempdir()?;
    let [first, second] = [start(&interpreter)?, start(&interpreter)?];
    let first = dump(&first, folder.path(), "first")?;
    let second = dump(&second, folder.path(), "second")?;
    let arguments = ["diff".as_ref(), first.as_os_str(), second.as_os_str()];
    let outcome = exuvia().run(arguments)?;
    outcome.expect_success()?;
    let warning = "warning: these are two processes (PID ";
    ensure!(outcome.stderr.starts_with(warning), "{}", outcome.stderr);
    ensure!(outcome.stdout.starts_with("Summary of difference"));
    Ok(())
}

/// A `watch` that runs, and the lines that it prints. Dropping it kills it and reaps it.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(target: &Target, options: &[&str]) -> Result<Self> {
        let pid = target.pid_text();
        let words = [&["watch", &pid], options].concat();
        let mut command = exuvia().command(words);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("no pipe")?;
        let lines = BufReader::new(stdout).lines();
        Ok(Self { child, lines })
    }

    fn line(&mut self) -> Result<Value> {
        let line = self.lines.next().context("it ended")??;
        serde_json::from_str(&line).context(line)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill, only to reap.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watching_tells_what_grows_until_the_process_ends() -> Result<()> {
    let mut target = start(&newest()?)?;
    let folder = tempfile::tempdir()?;
    let kept = folder.path().join("kept");
    let to = kept.to_str().context("not UTF-8")?;
    let options = ["--every", "100ms", "--json", "-o", to];
    let mut watch = Watch::start(&target, &options)?;
    let first = watch.line()?;
    assert_eq!(
        (&first["event"], &first["tick"]),
        (&"look".into(), &0.into())
    );
    let sessions = row(&first["changes"], "__main__.Session")?;
    assert_eq!(sessions["count"], SESSIONS + 20);
    let mut grown = 0;
    // A look may fall between two answers, or see none of the growth of the last one.
    for _ in 0..4 {
        target.ask("grow 100")?;
        grown += 100;
        loop {
            let look = watch.line()?;
            let seen = row(&look["changes"], "__main__.Session");
            if seen.is_ok_and(|row| row["count"] == SESSIONS + 20 + grown) {
                break;
            }
        }
    }
    target.send("exit")?;
    target.wait()?;
    let summary = loop {
        let line = watch.line()?;
        if line["event"] == "summary" {
            break line;
        }
    };
    assert_eq!(summary["end"], "ended");
    let sessions = row(&summary["rows"], "__main__.Session")?;
    assert_eq!(sessions["last"]["objects"], SESSIONS + 20 + grown);
    assert_ne!(sessions["trend"]["verdict"], "no-growth");
    assert_eq!(watch.child.wait()?.code(), Some(0));
    let snapshots = kept.read_dir()?.count();
    assert_eq!(summary["ticks"], snapshots);
    Ok(())
}

#[test]
fn an_interrupt_ends_the_watching_with_a_summary() -> Result<()> {
    let target = start(&newest()?)?;
    let mut watch = Watch::start(&target, &["--every", "1h", "--json"])?;
    assert_eq!(watch.line()?["event"], "look");
    let pid = i32::try_from(watch.child.id())?;
    let pid = rustix::process::Pid::from_raw(pid).context("no PID")?;
    rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
    let summary = watch.line()?;
    assert_eq!(
        (&summary["event"], &summary["end"]),
        (&"summary".into(), &"interrupted".into())
    );
    assert_eq!(watch.child.wait()?.code(), Some(0));
    Ok(())
}

#[test]
fn watching_for_people() -> Result<()> {
    let target = start(&newest()?)?;
    let words = [
        "watch",
        &target.pid_text(),
        "--every",
        "100ms",
        "--count",
        "3",
    ];
    let outcome = exuvia().run(words)?;
    outcome.expect_success()?;
    let looks = outcome
        .stdout
        .matches(" one every 100ms; it stood still for ")
        .count();
    assert_eq!(looks, 3, "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("\nDone after 3 looks. "),
        "{}",
        outcome.stdout
    );
    // Blocks, one after the other: no escapes where there is no terminal.
    assert!(!outcome.stdout.contains('\x1b'));
    Ok(())
}

#[test]
fn what_can_not_be_watched_is_refused() -> Result<()> {
    let words = ["watch", "/proc/self/exe"];
    let outcome = exuvia().run(words)?;
    outcome.expect_error("is a core file, in which nothing grows", "exuvia diff")
}
