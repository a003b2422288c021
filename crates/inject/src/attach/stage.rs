//! The text that gets in by itself, and brings the rest.

/// What the text says when it fails, before the exception.
pub(crate) const FAILED: u8 = b'!';

/// The text that runs what lies ready in a descriptor, this many bytes, in a namespace of its
/// own; `close` is another descriptor that is not needed any more.
///
/// It may run in `__main__`, so it binds no name, and in any thread, so it raises nothing: what
/// it can't do, it says to the descriptor, and closes that. It is short, for it has to fit into a
/// ring of pending calls.
///
/// A process that forks while it is asked has a child that is asked as well: there, in any process
/// but the one with the number `only_in`, the text closes the descriptors and does nothing else.
pub(crate) fn text(
    descriptor: i32,
    length: usize,
    close: Option<i32>,
    only_in: Option<u64>,
) -> String {
    let mut run = format!("__import__('builtins').exec(p.read({descriptor},{length}),{{}})");
    if let Some(pid) = only_in {
        run = format!("p.close({descriptor})if p.getpid()-{pid} else {run}");
    }
    if let Some(number) = close {
        run = format!("(p.close({number}),{run})");
    }
    let failed = char::from(FAILED);
    format!(
        "try:(lambda p:{run})(__import__('posix'))\n\
         except:\n \
         try:(lambda p:(p.write({descriptor},b'{failed}%a'%__import__('sys').exc_info()[1]),\
         p.close({descriptor})))(__import__('posix'))\n \
         except:0"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};
    use std::process::{Command, Stdio};

    const READY: &[u8] = b"print('ran')";

    /// What an interpreter prints that is asked to run the text, with `READY` in its stdin.
    fn run(only_in: Option<u64>) -> String {
        let text = text(0, READY.len(), None, only_in);
        let program = format!("{text}\nimport posix\nprint(posix.getpid() and posix.read(0, 99))");
        // A file, and no pipe, into which nothing could be written once the text has closed it.
        let mut stdin = tempfile::tempfile().unwrap();
        stdin.write_all(READY).unwrap();
        stdin.rewind().unwrap();
        let output = Command::new(exuvia_testkit::newest().unwrap().executable)
            .args(["-c", &program])
            .stdin(stdin)
            .stderr(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// A ring of 32 entries of 16 bytes, as up to 3.12, has room for 16 on one side or the other of
    /// the one that is taken, wherever that is; the text ends with a null byte, which may take one
    /// more entry.
    #[test]
    fn it_fits_into_a_ring_wherever_that_stands() {
        let (descriptor, length, pid) = (99_999, 99_999, 4_194_304);
        let text = text(descriptor, length, None, Some(pid));
        assert!(text.len() + 1 < 16 * 16, "{}", text.len());
    }

    #[test]
    fn a_child_of_the_process_closes_what_it_has_and_runs_nothing() {
        assert_eq!(run(None), "ran\nb''\n");
        // Reading from it fails: it is closed.
        assert_eq!(run(Some(1)), "");
    }
}
