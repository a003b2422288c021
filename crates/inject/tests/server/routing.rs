//! Whose output goes where.

use crate::harness::{open, typed, with_each};
use anyhow::Result;
use exuvia_testkit::Target;
use serde_json::{Value, json};

/// So many lines are printed by a thread of the program while code of the session prints.
const LINES: usize = 300;
/// As many threads has the child of `fork_worker`.
const WORKERS: usize = 20;

#[test]
fn output_of_other_threads_stays_where_it_belongs() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        target.send(&format!("chatter {LINES}"))?;
        let text = format!("for _i in range({LINES}): print('ours', _i, flush=True)");
        let printed = typed(&mut session, &text)?;
        let wanted: String = (0..LINES).map(|n| format!("ours {n}\n")).collect();
        assert_eq!(printed, wanted);
        let mut said = (0..=LINES)
            .map(|_| target.answer())
            .collect::<Result<Vec<_>>>()?;
        // The answer to the command comes at any time.
        said.retain(|line| line != "chatting");
        let wanted: Vec<_> = (0..LINES).map(|n| format!("chatter {n}")).collect();
        assert_eq!(said, wanted);
        Ok(())
    })
}

/// A session ends at any moment, also while a thread of the program asks its proxy whose output it is.
#[test]
fn the_program_can_print_while_sessions_begin_and_end() -> Result<()> {
    with_each(|target, _| {
        // Threads take turns after each few instructions, and not each five milliseconds.
        typed(
            &mut open(target)?,
            "import sys; sys.setswitchinterval(1e-6)",
        )?;
        target.ask("scribble")?;
        for _ in 0..40 {
            assert_eq!(typed(&mut open(target)?, "'displayed'")?, "'displayed'\n");
        }
        assert_eq!(target.ask("stop-scribbling")?, json!([]));
        Ok(())
    })
}

/// A child process has a copy of the streams, and its new threads may have the ident of the thread
/// that runs code of the session in its parent.
#[test]
fn a_worker_that_the_program_forks_prints_where_it_belongs() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let text = "
import os, threading
worker = []
thread = threading.Thread(target=lambda: worker.extend(fork_worker()))
thread.start()
thread.join()
";
        assert_eq!(typed(&mut session, text)?, "");
        let said = |target: &mut Target| -> Result<Vec<Value>> {
            (0..=WORKERS).map(|_| target.answer()).collect()
        };
        let mut wanted = vec!["at once"; WORKERS];
        wanted.push("done");
        assert_eq!(said(target)?, wanted);
        drop(session);
        let mut session = open(target)?;
        typed(&mut session, "_n = os.write(worker[1], b'x')")?;
        wanted[..WORKERS].fill("later");
        assert_eq!(said(target)?, wanted);
        let text =
            "_n = os.write(worker[1], b'x'); os.close(worker[1]); os.waitpid(worker[0], 0)[1]";
        assert_eq!(typed(&mut session, text)?, "0\n");
        Ok(())
    })
}

#[test]
fn a_child_of_typed_code_prints_to_who_typed() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let text = "
import os
pid = os.fork()
if pid == 0:
    print('the child', flush=True)
    os._exit(3)
print(os.waitpid(pid, 0)[1] >> 8)
";
        assert_eq!(typed(&mut session, text)?, "the child\n3\n");
        Ok(())
    })
}

#[test]
fn a_proxy_that_somebody_kept_is_the_original() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        // As `contextlib.redirect_stdout` in another thread would.
        let text = "import sys, os; kept = sys.stdout; sys.stdout = open(os.devnull, 'w')";
        typed(&mut session, text)?;
        typed(&mut session, "sys.stdout.close(); sys.stdout = kept")?;
        drop(session);
        let mut session = open(target)?;
        // Ours was put back by code, and is gone nevertheless.
        typed(&mut session, "import threading; sys.stdout.fileno")?;
        let text = "t = threading.Thread(target=lambda: (kept.write('\"kept\"\\n'), kept.flush())); t.start(); t.join()";
        assert_eq!(typed(&mut session, text)?, "");
        assert_eq!(target.answer()?, "kept");
        typed(
            &mut session,
            "kept.write('\"again\"\\n') and None; kept.flush()",
        )?;
        assert_eq!(target.answer()?, "again");
        let same =
            "isinstance(kept, type(sys.__stdout__)), kept.encoding == sys.__stdout__.encoding";
        assert_eq!(typed(&mut session, same)?, "(True, True)\n");
        Ok(())
    })
}

/// As IPython does it for each cell, in this thread and in one of the program.
#[test]
fn who_replaces_a_method_for_a_while_gets_it_back() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let text = "
import sys, threading
def cell(begun, go_on):
    stream = sys.stdout
    kept = stream.write
    def write(text):
        return kept(text.upper())
    stream.write = write
    begun.set()
    go_on.wait()
    print('\"teed\"', flush=True)
    stream.write = kept
    print('\"put back\"', flush=True)
begun, go_on = threading.Event(), threading.Event()
thread = threading.Thread(target=cell, args=(begun, go_on))
thread.start()
begun.wait()
";
        typed(&mut session, text)?;
        typed(&mut session, "go_on.set(); thread.join()")?;
        assert_eq!(target.answer()?, "TEED");
        assert_eq!(target.answer()?, "put back");
        let printed = typed(&mut session, "cell(begun, go_on)")?;
        assert_eq!(printed, "\"TEED\"\n\"put back\"\n");
        drop(session);
        let mut session = open(target)?;
        typed(
            &mut session,
            "print('\"its own\"', file=sys.__stdout__, flush=True)",
        )?;
        assert_eq!(target.answer()?, "its own");
        Ok(())
    })
}

#[test]
fn streams_are_what_programs_expect() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let text = "import sys\nprint('a', file=sys.stdout, end='')\nsys.stdout.buffer.write(b'\\xc3\\xa4\\n')";
        assert_eq!(typed(&mut session, text)?, "aä\n3\n");
        let text =
            "sys.stdout.writelines(['x', 'y\\n'])\nwith sys.stdout as out: print(out.isatty())";
        assert_eq!(typed(&mut session, text)?, "xy\nFalse\n");
        let text = "try: sys.stdout.fileno()\nexcept OSError as e: print('none')";
        assert_eq!(typed(&mut session, text)?, "none\n");
        let text = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as s: print('in')\n\ns.getvalue()";
        assert_eq!(typed(&mut session, text)?, "'in\\n'\n");
        Ok(())
    })
}
