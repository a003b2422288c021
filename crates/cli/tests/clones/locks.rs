use crate::{exuvia, start};
use anyhow::{Result, ensure};
use exuvia_testkit::{Fingerprint, Interpreter};

/// Each is interrupted: three interrupts are what code gets that takes too long.
const WAITS: &str = r#"
import queue, threading
def waits(name, wait):
    try:
        wait()
    except KeyboardInterrupt:
        print(name)
waits("queue", queue.SimpleQueue().get)
waits("event", threading.Event().wait)
thread = threading.Thread(target=threading.Event().wait, daemon=True)
thread.start()
waits("thread", thread.join)
import os; os._exit(0)
"#;

/// Whoever waits in a copy for somebody who is not there can be interrupted.
pub(crate) fn waits_are_interrupted(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "shop")?;
    let before = Fingerprint::of(target.pid())?;
    let pid = target.pid_text();
    let ran = exuvia().run(["exec", &pid, "--clone", "--timeout", "300ms", "-c", WAITS])?;
    ensure!(
        ran.stdout == "queue\nevent\nthread\n",
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    ensure!(
        ran.stderr.contains("it exited with status 0"),
        "{}",
        ran.stderr
    );
    before.assert_unchanged(target.pid())?;
    target.assert_alive()
}
