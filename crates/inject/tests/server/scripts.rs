//! Whole programs.

use crate::harness::{Typist, command, exception, open, open_with, typed, with_each};
use anyhow::{Result, ensure};
use exuvia_inject::{Begin, Console, Outcome, Place, Program, Stream, Wish};
use std::io;

#[test]
fn a_script_has_a_namespace_and_arguments_of_its_own() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let arguments = ["/srv/script.py".to_owned(), "--ünï".to_owned()];
        let program = Program {
            source: b"import sys\nprint(__name__, __file__, sys.argv[1:], 'account' in globals())",
            name: "/srv/script.py",
            fresh: true,
            arguments: &arguments,
        };
        let mut typist = Typist::default();
        assert_eq!(session.exec(&program, &mut typist)?, Outcome::Done);
        assert_eq!(typist.stdout, "__main__ /srv/script.py ['--ünï'] False\n");
        assert_eq!(
            typed(&mut session, "import sys; '--ünï' in sys.argv")?,
            "False\n"
        );
        Ok(())
    })
}

#[test]
fn programs_end_in_every_way() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let mut run = |source: &[u8]| {
            let mut typist = Typist::default();
            let outcome = session.exec(&command(source), &mut typist)?;
            anyhow::Ok((outcome, typist.stderr))
        };
        assert_eq!(run(b"value")?.0, Outcome::Done);
        assert_eq!(run(b"raise SystemExit")?.0, Outcome::Exit(0));
        assert_eq!(run(b"raise SystemExit(259)")?.0, Outcome::Exit(3));
        let said = run(b"import sys; sys.exit('enough')")?;
        assert_eq!(said, (Outcome::Exit(1), "enough\n".to_owned()));
        assert_eq!(
            exception(run(b"raise KeyboardInterrupt")?.0)?.kind,
            "KeyboardInterrupt"
        );
        assert_eq!(
            exception(run(b"raise GeneratorExit")?.0)?.kind,
            "GeneratorExit"
        );
        assert_eq!(
            exception(run(b"def f(): f()\nf()")?.0)?.kind,
            "RecursionError"
        );
        assert_eq!(exception(run(b"x = [")?.0)?.kind, "SyntaxError");
        // Not UTF-8, and a program that says so.
        assert_eq!(exception(run(b"x = '\xe4'")?.0)?.kind, "SyntaxError");
        let latin = run(b"# coding: latin-1\nassert len('\xe4') == 1")?;
        assert_eq!(latin.0, Outcome::Done);
        let wrong = run(b"x = 1\0")?;
        ensure!(matches!(wrong.0, Outcome::Raised(_)), "{wrong:?}");
        assert_eq!(run(b"")?.0, Outcome::Done);
        Ok(())
    })
}

/// Counts instead of keeping.
#[derive(Default)]
struct Counting(usize, usize);

impl Console for Counting {
    fn output(&mut self, _: Stream, bytes: &[u8]) -> io::Result<()> {
        self.0 += bytes.len();
        self.1 = self.1.max(bytes.len());
        Ok(())
    }

    fn line(&mut self) -> exuvia_inject::Line {
        exuvia_inject::Line::End
    }

    fn wish(&mut self) -> Wish {
        Wish::GoOn
    }
}

#[test]
fn any_amount_of_output_takes_the_same_memory() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let source = b"line = 'x' * 65535\nfor _i in range(2000): print(line)\n";
        let mut counting = Counting::default();
        assert_eq!(
            session.exec(&command(source), &mut counting)?,
            Outcome::Done
        );
        assert_eq!(counting.0, 2000 * 65536);
        ensure!(counting.1 <= 1 << 20, "{} bytes at once", counting.1);
        // 128 MB went through; what it took is bounded by what the socket holds.
        let status = std::fs::read_to_string(format!("/proc/{}/status", target.pid()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak: u64 = peak.unwrap().trim().trim_end_matches(" kB").parse()?;
        ensure!(peak < 100_000, "{peak} kB");
        Ok(())
    })
}

#[test]
fn folders_are_in_the_search_path_for_as_long_as_the_session_lasts() -> Result<()> {
    with_each(|target, _| {
        // A folder of its own: that of the program is in the path anyway.
        std::fs::create_dir(target.folder().join("along"))?;
        std::fs::write(
            target.folder().join("along/brought_along.py"),
            "answer = 42",
        )?;
        let folder = target.folder_for_itself().join("along");
        let begin = Begin {
            search: vec![folder.to_string_lossy().into_owned()],
            ..Begin::default()
        };
        let mut session = open_with(target, Place::NewThread, &begin)?;
        let text = "import brought_along; brought_along.answer";
        assert_eq!(typed(&mut session, text)?, "42\n");
        drop(session);
        let mut session = open(target)?;
        let text = "import sys; sys.modules.pop('brought_along') and None\nimport brought_along";
        let error = crate::harness::raised(&mut session, text)?;
        assert_eq!(error.kind, "ModuleNotFoundError");
        Ok(())
    })
}

#[test]
fn memory_of_the_server_is_not_counted_for_the_program() -> Result<()> {
    with_each(|target, _| {
        typed(
            &mut open(target)?,
            "import tracemalloc; tracemalloc.start()",
        )?;
        // What runs the text of the server is called so in the program.
        let text = "
only = [tracemalloc.Filter(True, '<payload>')]
lines = tracemalloc.take_snapshot().filter_traces(only).statistics('filename')
tracemalloc.stop()
sum([line.size for line in lines]) < 4096
";
        ensure!(typed(&mut open(target)?, text)? == "True\n");
        Ok(())
    })
}
