//! `exec`, and `shell` without a terminal.

use crate::{exuvia, target};
use anyhow::{Context, Result};
use exuvia_testkit::{Launch, Outcome, Target, newest, send_signal, wait_until_stopped};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

fn exec(target: &Target, arguments: &[&str]) -> Result<Outcome> {
    let pid = target.pid_text();
    let begin = ["exec", pid.as_str()];
    exuvia().run(begin.iter().chain(arguments))
}

/// Runs it with something on stdin.
fn with_stdin(arguments: &[&str], stdin: &[u8]) -> Result<Outcome> {
    let mut child = exuvia()
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("no pipe")?.write_all(stdin)?;
    let output = child.wait_with_output()?;
    Ok(Outcome {
        status: output.status,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

#[test]
fn output_errors_and_statuses_are_those_of_the_code() -> Result<()> {
    let mut target = target()?;
    let ran = exec(
        &target,
        &[
            "-c",
            "import sys; print(value); print('e', file=sys.stderr)",
        ],
    )?;
    ran.expect_success()?;
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("of __main__\n", "e\n")
    );
    let raised = exec(&target, &["-c", "print('before')\n1/0"])?;
    assert_eq!(
        (raised.status.code(), raised.stdout.as_str()),
        (Some(1), "before\n")
    );
    let shown = raised.stderr;
    assert!(shown.starts_with("Traceback (most recent call last):\n  File \"<command>\", line 2, in <module>\n    1/0\n"), "{shown}");
    assert!(
        shown.ends_with("ZeroDivisionError: division by zero\n"),
        "{shown}"
    );
    assert_eq!(
        exec(&target, &["-c", "raise SystemExit(7)"])?.status.code(),
        Some(7)
    );
    assert_eq!(
        exec(&target, &["-c", "raise SystemExit"])?.status.code(),
        Some(0)
    );
    assert_eq!(exec(&target, &["-c", "x = ("])?.status.code(), Some(1));
    target.assert_alive()
}

#[test]
fn files_and_stdin_run_too() -> Result<()> {
    let target = target()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("script.py");
    std::fs::write(
        &file,
        "import sys\nprint(__file__, __name__, sys.argv[1:], 'account' in globals())\n1/0",
    )?;
    let path = file.display().to_string();
    let ran = exec(&target, &[&path, "--", "-x", "--timeout"])?;
    assert_eq!(
        ran.stdout,
        format!("{path} __main__ ['-x', '--timeout'] False\n")
    );
    assert!(
        ran.stderr.contains(&format!("File \"{path}\", line 3")),
        "{}",
        ran.stderr
    );
    let pid = target.pid_text();
    let ran = with_stdin(
        &["exec", &pid, "-"],
        b"for _x in range(2):\n  print(account.owner)\n",
    )?;
    assert_eq!(
        (ran.status.code(), ran.stdout.as_str()),
        (Some(0), "alice\nalice\n")
    );
    // What is on stdin is the code's when the code is elsewhere.
    let ran = with_stdin(
        &["exec", &pid, "-c", "print(input('? ') + input())"],
        b"a\nb\n",
    )?;
    assert_eq!(ran.stdout, "? ab\n");
    let missing = exec(&target, &["/no/such/file"])?;
    assert!(
        missing.stderr.contains("cannot read /no/such/file"),
        "{}",
        missing.stderr
    );
    exec(&target, &[])?.expect_error("there is nothing to run", "-c CODE")
}

#[test]
fn code_that_takes_too_long_is_interrupted() -> Result<()> {
    let mut target = target()?;
    let ran = exec(&target, &["--timeout", "300ms", "-c", "while True: pass"])?;
    assert_eq!(ran.status.code(), Some(124), "{}", ran.stderr);
    assert!(ran.stderr.contains("KeyboardInterrupt\n"), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("the code took longer than 300ms and was interrupted"),
        "{}",
        ran.stderr
    );
    target.assert_alive()
}

#[test]
fn there_is_a_document_for_programs() -> Result<()> {
    let target = target()?;
    let ran = exec(
        &target,
        &[
            "--json",
            "-c",
            "import sys\nprint('a')\nprint('b', file=sys.stderr)\nraise KeyError('k')",
        ],
    )?;
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(1), ""));
    let said: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(said["format"], "exuvia-exec/1");
    assert_eq!(
        (&said["ok"], &said["status"], &said["timed_out"]),
        (&false.into(), &1.into(), &false.into())
    );
    assert_eq!(
        (&said["stdout"], &said["stderr"]),
        (&"a\n".into(), &"b\n".into())
    );
    let error = &said["error"];
    assert_eq!(
        (&error["type"], &error["message"]),
        (&"KeyError".into(), &"'k'".into())
    );
    assert!(
        error["traceback"]
            .as_str()
            .context("no traceback")?
            .ends_with("KeyError: 'k'\n")
    );
    for place in ["new", "main"] {
        let ran = exec(&target, &["--json", "--thread", place, "-c", "pass"])?;
        let said: Value = serde_json::from_str(&ran.stdout)?;
        assert_eq!((&said["ok"], &said["error"]), (&true.into(), &Value::Null));
    }
    Ok(())
}

#[test]
fn a_shell_without_a_terminal_runs_statements() -> Result<()> {
    let mut target = target()?;
    let pid = target.pid_text();
    let ran = with_stdin(&["shell", &pid], b"print(1)")?;
    assert_eq!(
        (ran.status.code(), ran.stdout.as_str(), ran.stderr.as_str()),
        (Some(0), "1\n", "")
    );
    let ran = with_stdin(
        &["shell", &pid],
        b"account.owner\nif 1:\n  2\n_ + 40\n1/0\nprint('not reached')",
    )?;
    assert_eq!(
        (ran.status.code(), ran.stdout.as_str()),
        (Some(1), "'alice'\n2\n42\n")
    );
    assert!(
        ran.stderr
            .ends_with("ZeroDivisionError: division by zero\n"),
        "{}",
        ran.stderr
    );
    let ran = with_stdin(&["shell", &pid, "--module", "protocol"], b"__name__")?;
    assert_eq!(ran.stdout, "'protocol'\n");
    let ran = with_stdin(&["shell", &pid, "--module", "nothing"], b"1")?;
    assert_eq!(ran.status.code(), Some(1));
    let why = "error: the module 'nothing' is not loaded in the process\nhint: `exuvia exec PID @modules`";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    target.assert_alive()
}

/// What they show is in `inside_each`.
#[test]
fn payloads_are_ready() -> Result<()> {
    let mut target = target()?;
    let listed = exuvia().run(["exec", "--list-payloads"])?;
    listed.expect_success()?;
    for line in listed.stdout.lines() {
        let name = line.split_whitespace().next().context("an empty line")?;
        if name == "@tracemalloc-top" {
            let ran = exec(&target, &[name])?;
            assert!(
                ran.stderr.contains("run @tracemalloc-start first"),
                "{}",
                ran.stderr
            );
            exec(&target, &["@tracemalloc-start", "--", "5"])?.expect_success()?;
        }
        let ran = exec(&target, &[name])?;
        ran.expect_success()?;
        assert!(!ran.stdout.is_empty(), "{name}");
    }
    let ran = exec(&target, &["@threads", "--clone"])?;
    assert!(ran.stdout.ends_with("  runs this\n"), "{}", ran.stdout);
    assert_eq!(ran.stdout.lines().count(), 2);
    assert_eq!(listed.stdout.lines().count(), 8);
    let ran = exec(&target, &["@stacks", "--json"])?;
    let said: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(said["format"], "exuvia-threads/1");
    let ran = exec(&target, &["@modules", "--json"])?;
    let said: Value = serde_json::from_str(&ran.stdout)?;
    let modules = said["modules"].as_array().context("no modules")?;
    let protocol = modules
        .iter()
        .find(|one| one["name"] == "protocol")
        .context("not there")?;
    assert!(
        protocol["file"]
            .as_str()
            .context("no file")?
            .ends_with("/protocol.py")
    );
    exec(&target, &["@nothing"])?.expect_error("no payload @nothing", "--list-payloads")?;
    target.assert_alive()
}

#[test]
fn a_process_logs_only_what_it_is_asked_to() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let launch = Launch::new(&newest()?, "serving")?.stderr(std::fs::File::create(&log)?);
    let target = launch.start()?;
    exec(&target, &["-c", "pass"])?.expect_success()?;
    assert_eq!(std::fs::read_to_string(&log)?, "");
    exec(&target, &["--announce", "-c", "pass"])?.expect_success()?;
    let logged = std::fs::read_to_string(&log)?;
    let begin = format!("exuvia: exec of process {}, by user ", target.pid());
    assert!(
        logged.starts_with(&begin) && logged.lines().count() == 1,
        "{logged}"
    );
    // The copy's own stderr leads nowhere.
    let arguments = [
        "--announce",
        "--clone",
        "-c",
        "import sys; print(file=sys.stderr)",
    ];
    exec(&target, &arguments)?.expect_success()?;
    let logged = std::fs::read_to_string(&log)?;
    let begin = format!(
        "exuvia: exec in a copy of process {}, by user ",
        target.pid()
    );
    let lines: Vec<_> = logged.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with(&begin), "{logged}");
    Ok(())
}

/// As a program does that embeds Python: Python itself ignores the signal.
const SIGPIPE_ENDS_IT: &str = "import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)";

#[test]
fn a_process_outlives_those_who_read_its_output() -> Result<()> {
    let mut target = target()?;
    let pid = target.pid_text();
    exec(&target, &["--thread", "main", "-c", SIGPIPE_ENDS_IT])?.expect_success()?;
    for thread in ["main", "new"] {
        let endless = "while True: print('x' * 200)";
        let mut child = exuvia()
            .command(["exec", &pid, "--thread", thread, "-c", endless])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no pipe")?).read_line(&mut line)?;
        assert_eq!(line, "x".repeat(200) + "\n");
        child.wait()?;
        let ran = exec(&target, &["--thread", "main", "-c", "print('there')"])?;
        assert_eq!(ran.stdout, "there\n");
    }
    target.assert_alive()
}

#[test]
fn code_has_room_where_the_program_gives_its_threads_little() -> Result<()> {
    let mut target = target()?;
    exec(
        &target,
        &["-c", "import threading; threading.stack_size(32768)"],
    )?
    .expect_success()?;
    let deep = format!("print({}7{})", "(".repeat(80), ")".repeat(80));
    let ran = exec(&target, &["-c", &deep])?;
    assert_eq!(ran.stdout, "7\n", "{}", ran.stderr);
    let ran = exec(
        &target,
        &["-c", "import threading; print(threading.stack_size())"],
    )?;
    assert_eq!(ran.stdout, "32768\n");
    target.assert_alive()
}

/// As workers of servers that fork, which have a copy of the connection.
#[test]
fn the_end_of_a_process_is_noticed_although_a_child_goes_on() -> Result<()> {
    let mut target = target()?;
    let pid = target.pid_text();
    let code = "import os, time\npid = os.fork()\nif pid: print(pid)\ntime.sleep(600)";
    let mut tool = exuvia()
        .command(["exec", &pid, "-c", code])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(tool.stdout.take().context("no pipe")?).read_line(&mut line)?;
    let child = line.trim().parse()?;
    target.kill()?;
    let output = tool.wait_with_output();
    send_signal(child, Signal::KILL)?;
    let stderr = String::from_utf8(output?.stderr)?;
    assert!(
        stderr.contains("the connection to the process was lost"),
        "{stderr}"
    );
    Ok(())
}

/// As that of a pager that waits for a key.
#[test]
fn code_whose_output_nobody_reads_is_interrupted() -> Result<()> {
    let mut target = target()?;
    let pid = target.pid_text();
    for thread in ["main", "new"] {
        let endless = "while True: print('x' * 200)";
        let mut child = exuvia()
            .command([
                "exec",
                &pid,
                "--thread",
                thread,
                "--timeout",
                "500ms",
                "-c",
                endless,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // The pipe stays open, and full.
        let unread = child.stdout.take();
        let output = child.wait_with_output()?;
        drop(unread);
        let stderr = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(124), "{stderr}");
        assert!(stderr.contains("took longer than 500ms"), "{stderr}");
        let ran = exec(&target, &["--thread", "main", "-c", "print('there')"])?;
        assert_eq!(ran.stdout, "there\n");
    }
    target.assert_alive()
}

/// A terminal that is gone is like that, too.
#[test]
fn errors_that_nobody_can_read_change_no_status() -> Result<()> {
    let nowhere = std::fs::File::options().write(true).open("/dev/full")?;
    let status = exuvia()
        .command(["exec", "-c", "pass", &i32::MAX.to_string()])
        .stderr(nowhere)
        .status()?;
    assert_eq!(status.code(), Some(1));
    Ok(())
}

#[test]
fn a_process_that_is_stopped_runs_no_code_on() -> Result<()> {
    let mut target = target()?;
    let pid = target.pid_text();
    let folder = tempfile::tempdir()?;
    let flag = folder.path().join("flag");
    let code = format!(
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP); print(os.path.exists('{}'))",
        flag.display()
    );
    let tool = exuvia()
        .command(["exec", &pid, "--thread", "main", "-c", &code])
        .stdout(Stdio::piped())
        .spawn()?;
    wait_until_stopped(target.pid())?;
    std::fs::write(&flag, "")?;
    send_signal(target.pid(), Signal::CONT)?;
    let output = tool.wait_with_output()?;
    assert_eq!(String::from_utf8(output.stdout)?, "True\n");
    target.assert_alive()
}
