use crate::{exuvia, start, type_into};
use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Fingerprint, Interpreter, Terminal, send_signal};
use rustix::process::Signal;

/// A second shell sees the moment of the first, with what that one did; nobody else sees it. It is at
/// a terminal, and says in each line that this is a copy.
pub(crate) fn a_copy_is_kept(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "shop")?;
    let before = Fingerprint::of(target.pid())?;
    let pid = target.pid_text();
    let code = "lambs = flock[:7]; flock.clear()";
    let time = ["--time", "20m"];
    let ran = exuvia().run([
        "exec", &pid, "--clone", "--keep", time[0], time[1], "-c", code,
    ])?;
    ran.expect_success()?;
    ensure!(ran.stderr.contains("the copy is kept for 20m: "), "{ran:?}");
    let copy = kept(&ran.stderr)?;
    ensure!(target.ask("moment")? == 1);

    let typed = type_into(copy, &[], "print(len(flock), len(lambs), moments)")?;
    typed.expect_success()?;
    ensure!(typed.stdout == "0 7 0\n", "{typed:?}");

    let mut terminal = Terminal::start(&exuvia().command(["shell", copy]))?;
    let banner = terminal.expect("clone>>> ")?;
    let what = "a copy that was kept: what you do here stays here.";
    ensure!(banner.contains(what), "{banner}");
    terminal.exchange("len(lambs) + moments\r", "\r\n7\r\n")?;
    terminal.expect("clone>>> ")?;
    let second = exuvia().run(["exec", copy, "-c", "1"])?;
    second.expect_error("is in use", "leave the other one first")?;
    terminal.keys("\x04")?;
    ensure!(terminal.finish()?.0.success());

    exuvia().run(["exec", copy, "-c", "import os; os._exit(0)"])?;
    let gone = exuvia().run(["exec", copy, "-c", "1"])?;
    gone.expect_error(&format!("there is no process {copy}"), "exuvia ps")?;
    before.assert_unchanged(target.pid())?;
    ensure!(target.ask("moment")? == 2);
    target.assert_alive()
}

/// The number of the copy, as the tool tells it.
fn kept(stderr: &str) -> Result<&str> {
    let (_, rest) = stderr
        .split_once("`exuvia shell ")
        .context("nothing kept")?;
    let (pid, _) = rest.split_once('`').context("no number")?;
    Ok(pid)
}

/// What a tool was doing in a copy when it was killed: what is typed, what it shows then, whether the
/// next one has to interrupt it, and what it finds then.
const LEFT: [(&str, &str, bool, &str); 3] = [
    // It waits for an answer that nobody will give.
    ("name = input('? ')", "? ", false, "'name' in globals()"),
    // Nobody reads what it prints.
    (
        "while True: _ = print('wool' * 1000)\r",
        "woolwool",
        true,
        "len(flock)",
    ),
    // It waits for a lock.
    (
        "import threading; print('wait' + 'ing', flush=True); threading.Event().wait()",
        "waiting",
        true,
        "len(flock)",
    ),
];

/// A copy is not lost because a tool was killed that had something run there.
pub(crate) fn a_killed_tools_copy_is_got_back_into(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "shop")?;
    let before = Fingerprint::of(target.pid())?;
    let pid = target.pid_text();
    let ran = exuvia().run(["exec", &pid, "--clone", "--keep", "-c", "pass"])?;
    ran.expect_success()?;
    let copy = kept(&ran.stderr)?;
    for (typed, shown, is_interrupted, question) in LEFT {
        let mut killed = Terminal::start(&exuvia().command(["shell", copy]))?;
        killed.expect("clone>>> ")?;
        killed.exchange(&format!("{typed}\r"), "\r\n")?;
        killed.expect(shown)?;
        send_signal(killed.pid(), Signal::KILL)?;
        killed.finish()?;
        if is_interrupted {
            let busy = exuvia().run(["exec", copy, "--wait", "100ms", "-c", "1"])?;
            let hint = format!("`kill {copy}` ends the copy");
            busy.expect_error("code of an earlier session still runs in the copy", &hint)?;
        }
        let mut next = Terminal::start(&exuvia().command(["shell", copy]))?;
        if is_interrupted {
            next.expect("code of an earlier session still runs in the copy; Ctrl-C interrupts it")?;
            next.keys("\x03")?;
        }
        next.expect("clone>>> ")?;
        let answer = match is_interrupted {
            true => "\r\n20000\r\n",
            false => "\r\nFalse\r\n",
        };
        next.exchange(&format!("{question}\r"), answer)?;
        next.expect("clone>>> ")?;
        next.keys("\x04")?;
        ensure!(next.finish()?.0.success());
    }
    send_signal(copy.parse()?, Signal::TERM)?;
    // The guardian has the copy reaped a moment after its end.
    before.wait_until_unchanged(target.pid())?;
    target.assert_alive()
}
