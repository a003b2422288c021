use crate::{start, type_into_copy};
use anyhow::{Result, ensure};
use exuvia_testkit::{Fingerprint, Interpreter};

/// What is typed, after `PROCESS`, `CHILD`, `PORT` and `PATH` are set. Each prints what came of it.
const TYPED: &str = r#"
import gc, os, signal, socket, subprocess
def refused(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        print(action.__name__, "refused")
    else:
        print(action.__name__, "LET THROUGH")

print("collected", gc.collect() >= 0)
print("sheep", len(flock))
flock.clear()
del moments
Sheep.number = property(lambda self: -1)
gc.disable()
gc.set_threshold(1)
refused(os.kill, PROCESS, signal.SIGKILL)
refused(os.kill, CHILD, signal.SIGKILL)
refused(open, PATH, "w")
refused(os.unlink, PATH)
refused(subprocess.call, ["true"])
refused(os.fork)
refused(socket.create_connection, ("127.0.0.1", PORT), 5)
refused(belongings.near.sendall, b"from the copy")
print("received", belongings.far.recv(1))
refused(os.write, belongings.file.fileno(), b"gone")
refused(os.ftruncate, belongings.file.fileno(), 0)
import builtins
builtins.len = lambda one: -1
print("patched", len([1]))
os._exit(3)
"#;

const SHOWN: &str = "collected True
sheep 20000
kill refused
kill refused
open refused
unlink refused
call refused
fork refused
create_connection refused
sendall refused
received b''
write refused
ftruncate refused
patched -1
";

/// Whatever destroys is tried, and the process is as it was.
pub(crate) fn everything_is_hurt(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "shop")?;
    let path = target.folder_for_itself().join("file");
    let path = path.display();
    let belongings = target.ask(&format!("belong {path}"))?;
    let inside = target.ask("state")?;
    let outside = Fingerprint::of(target.pid())?;
    let (child, port) = (&belongings["child"], &belongings["port"]);
    let begin = format!(
        "PROCESS, CHILD, PORT, PATH = {}, {child}, {port}, '{path}'\n",
        target.pid()
    );
    let ran = type_into_copy(&target, &[], &(begin + TYPED))?;
    let shown = format!("{}\nstderr:\n{}", ran.stdout, ran.stderr);
    let expected = match interpreter.root {
        None => SHOWN.to_owned(),
        // It sees no `/proc`, through which files are opened anew, and has `/dev/null` instead.
        Some(_) => SHOWN.replace("write refused", "write LET THROUGH"),
    };
    ensure!(ran.stdout == expected, "{shown}");
    let why = "error: the copy has ended: it exited with status 3\n";
    ensure!(
        ran.status.code() == Some(1) && ran.stderr.starts_with(why),
        "{shown}"
    );
    outside.assert_unchanged(target.pid())?;
    let after = target.ask("state")?;
    ensure!(inside == after, "before: {inside}\nafter: {after}");
    target.assert_alive()
}
