//! What a prompt does: values, completion, sources, errors.

use crate::harness::{completed, open, raised, typed, typed_with, with_each};
use anyhow::Result;
use exuvia_testkit::{Interpreter, Target};

#[test]
fn values_are_displayed_and_remembered() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        assert_eq!(typed(&mut session, "1 + 1")?, "2\n");
        assert_eq!(typed(&mut session, "_ + 40")?, "42\n");
        assert_eq!(typed(&mut session, "[_ for _x in (1,)]")?, "[42]\n");
        assert_eq!(typed(&mut session, "None")?, "");
        assert_eq!(typed(&mut session, "_")?, "[42]\n");
        assert_eq!(typed(&mut session, "value")?, "'of __main__'\n");
        // Nobody else sees it.
        let shared = "import builtins; (hasattr(builtins, '_'), '_' in globals())";
        assert_eq!(typed(&mut session, shared)?, "(False, False)\n");
        // Assigned to, it is a variable like any other.
        assert_eq!(typed(&mut session, "for _ in (7,): pass\n_")?, "7\n");
        assert_eq!(typed(&mut session, "'_' in globals()")?, "True\n");
        assert_eq!(typed(&mut session, "del _\n'\\ud800 é'")?, "'\\ud800 é'\n");
        assert_eq!(typed(&mut session, "print('\\ud800 é')")?, "\\ud800 é\n");
        Ok(())
    })
}

#[test]
fn pasted_statements_run_one_after_the_other() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let text = "x = 3\nif x:\n  y = x\n  print(y)\ndef f():\n  return y\nf()";
        assert_eq!(typed(&mut session, text)?, "3\n3\n");
        let later = "from __future__ import annotations";
        assert_eq!(typed(&mut session, later)?, "");
        let used = "def g(a: undefined): pass\ng.__annotations__";
        assert_eq!(typed(&mut session, used)?, "{'a': 'undefined'}\n");
        Ok(())
    })
}

#[test]
fn a_prompt_knows_when_a_statement_is_whole() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let mut quiet = crate::harness::Typist::default();
        for whole in [
            "x",
            "",
            "# no more",
            "if x:\n  y\n",
            "def f(:",
            "1 +* 2",
            "\"\"\"abc\"\"\"",
            "x = 1; y = 2",
            "await x",
            "print 1",
            "x = 1\ny = 2",
            "'a' is 'b'",
            "\0",
        ] {
            assert!(session.is_complete(whole, &mut quiet)?, "{whole:?}");
        }
        for part in [
            "if x:",
            "if x:\n  y",
            "\"\"\"abc",
            "x = (1,",
            "@decorated",
            "a + \\",
            "async def f():\n  await x",
            "class A:\n  def b():",
        ] {
            assert!(!session.is_complete(part, &mut quiet)?, "{part:?}");
        }
        // A warning is shown once, and here.
        assert_eq!((quiet.stdout, quiet.stderr), (String::new(), String::new()));
        Ok(())
    })
}

#[test]
fn names_are_completed_without_running_code_of_the_program() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let mut names = |text: &str| -> Result<(usize, Vec<String>)> {
            let found = completed(&mut session, text)?;
            Ok((found.replaced, found.names))
        };
        let one = |replaced, name: &str| (replaced, vec![name.to_owned()]);
        assert_eq!(names("acc")?.1, ["accept", "account"]);
        assert_eq!(names("print(accou")?, one(5, "account"));
        assert_eq!(names("account.ow")?, one(2, "owner"));
        assert_eq!(names("x = account.owner.capi")?, one(4, "capitalize"));
        assert_eq!(names("account.")?.1, ["balance", "limit", "owner"]);
        // Asking what the property gives would run it.
        assert_eq!(names("account.balance.")?.1, [""; 0]);
        assert_eq!(names("lazy.")?.1, ["asked", "early"]);
        assert_eq!(names("threading.Thr")?.1, ["Thread", "ThreadError"]);
        assert_eq!(names("contin")?, one(6, "continue"));
        assert_eq!(names("import tracemal")?, one(8, "tracemalloc"));
        assert_eq!(names("import os.pa")?, one(2, "path"));
        assert_eq!(names("from socket import AF_UNI")?, one(6, "AF_UNIX"));
        assert_eq!(names("isinst")?, one(6, "isinstance"));
        assert_eq!(names("f()[0].")?.1, [""; 0]);
        assert_eq!(names("nothing_of_this_name.")?.1, [""; 0]);
        assert_eq!(names("ünï")?.1, [""; 0]);
        assert_eq!(typed(&mut session, "lazy.asked")?, "[]\n");
        // A module that is completed is not loaded.
        assert_eq!(
            typed(&mut session, "import sys; 'tracemalloc' in sys.modules")?,
            "False\n"
        );
        Ok(())
    })
}

#[test]
fn errors_are_shown_without_frames_of_ours() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let error = raised(&mut session, "def f():\n  return 1 / 0\n\nf()")?;
        assert_eq!(error.kind, "ZeroDivisionError");
        assert_eq!(error.message, "division by zero");
        let shown = error.traceback;
        assert!(
            shown.starts_with("Traceback (most recent call last):\n  File \"<exuvia-1>\", line 4"),
            "{shown}"
        );
        assert!(
            shown.contains("line 2, in f\n    return 1 / 0\n"),
            "{shown}"
        );
        assert!(
            shown.ends_with("ZeroDivisionError: division by zero\n"),
            "{shown}"
        );
        assert!(!shown.contains("<exuvia>"), "{shown}");

        let chained = raised(
            &mut session,
            "try:\n  1/0\nexcept Exception as e:\n  raise KeyError('k') from e",
        )?;
        assert!(chained.traceback.contains("direct cause"), "{chained:?}");
        assert!(!chained.traceback.contains("<exuvia>"), "{chained:?}");
        let circular = raised(
            &mut session,
            "one, two = KeyError(1), KeyError(2)\none.__cause__, two.__cause__ = two, one\nraise one",
        )?;
        assert!(
            circular.traceback.starts_with("KeyError: 2\n\nThe above"),
            "{circular:?}"
        );

        let wrong = raised(&mut session, "x = (1,,)")?;
        assert_eq!(wrong.kind, "SyntaxError");
        assert!(
            wrong.traceback.contains("x = (1,,)\n") && wrong.traceback.contains('^'),
            "{wrong:?}"
        );

        let class = "class Rude:\n  def __repr__(self): raise ValueError('no repr')";
        typed(&mut session, class)?;
        let rude = raised(&mut session, "Rude()")?;
        assert_eq!(rude.message, "no repr");
        assert!(rude.traceback.contains("in __repr__"), "{rude:?}");
        assert!(!rude.traceback.contains("<exuvia>"), "{rude:?}");
        let nasty = "class Nasty(Exception):\n  def __str__(self): raise ValueError('no str')\n\nraise Nasty()";
        assert_eq!(raised(&mut session, nasty)?.kind, "Nasty");
        // The session is as good as before.
        assert_eq!(typed(&mut session, "2 ** 10")?, "1024\n");
        Ok(())
    })
}

/// A program that has never loaded what formats tracebacks is not made to.
/// Of texts whose characters are many bytes.
#[test]
fn long_errors_and_output_are_taken_whole_or_cut() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        let error = raised(&mut session, "raise ValueError('\\U0001f600' * 300000)")?;
        assert_eq!(error.kind, "ValueError");
        assert!(error.traceback.contains("[...]") && error.traceback.len() < 1 << 20);
        let error = raised(&mut session, "raise type('x' * 5000000, (Exception,), {})")?;
        assert!(error.kind.starts_with('x') && error.kind.len() < 1 << 20);
        // Unfinished lines wait, and go out together.
        let text = "for _i in range(65): sys.stdout.write('\\xe9' * 8192) and None";
        typed(&mut session, "import sys")?;
        let printed = typed(&mut session, text)?;
        assert_eq!(printed.matches('é').count(), 65 * 8192);
        Ok(())
    })
}

#[test]
fn errors_are_shown_without_the_modules_for_it() -> Result<()> {
    with_each(|target, _| {
        let mut session = open(target)?;
        typed(
            &mut session,
            "import sys; kept = {n: sys.modules.pop(n) for n in ('traceback', 'linecache')}",
        )?;
        let text = "def f(n):\n  return f(n - 1) if n else 1 / 0\n\nf(9)";
        let error = raised(&mut session, text)?;
        let shown = error.traceback;
        assert!(
            shown.contains("    return f(n - 1) if n else 1 / 0\n"),
            "{shown}"
        );
        assert!(
            shown.contains("[Previous line repeated 7 more times]"),
            "{shown}"
        );
        assert!(
            shown.ends_with("ZeroDivisionError: division by zero\n"),
            "{shown}"
        );
        let wrong = raised(&mut session, "if 1:\n  x = )")?.traceback;
        assert!(
            wrong.contains("    x = )\n        ^\nSyntaxError: "),
            "{wrong}"
        );
        assert_eq!(
            typed(&mut session, "'traceback' in sys.modules")?,
            "False\n"
        );
        typed(&mut session, "sys.modules.update(kept)")?;
        Ok(())
    })
}

#[test]
fn code_asks_for_lines() -> Result<()> {
    with_each(asks_for_lines)
}

fn asks_for_lines(target: &mut Target, _: &Interpreter) -> Result<()> {
    let mut session = open(target)?;
    let said = typed_with(&mut session, "name = input('name? ')\nname", &["älice"])?;
    assert_eq!(said, "name? 'älice'\n");
    assert_eq!(raised(&mut session, "input()")?.kind, "EOFError");
    let all = typed_with(&mut session, "import sys; sys.stdin.read()", &["a", "b"])?;
    assert_eq!(all, "'a\\nb\\n'\n");
    let each = typed_with(&mut session, "[line for line in sys.stdin]", &["a"])?;
    assert_eq!(each, "['a\\n']\n");

    // The debugger, after an error and at a place.
    raised(&mut session, "def f(secret):\n  return 1 / 0\n\nf(42)")?;
    let said = typed_with(
        &mut session,
        "import pdb; pdb.pm()",
        &["p secret", "list", "q"],
    )?;
    assert!(said.contains("(Pdb) 42\n"), "{said}");
    assert!(said.contains("return 1 / 0"), "{said}");
    let program = "def g():\n  here = 'at the place'\n  breakpoint()\n  return here\n\ng()";
    let said = typed_with(&mut session, program, &["p here", "c"])?;
    assert!(
        said.contains("'at the place'") && said.ends_with("'at the place'\n"),
        "{said}"
    );

    let said = typed_with(&mut session, "import pydoc; pydoc.help(account)", &[])?;
    assert!(said.contains("What a user may look at."), "{said}");
    let said = typed_with(&mut session, "pydoc.help()", &["len", "quit"])?;
    assert!(
        said.contains("help> ") && said.contains("len(obj"),
        "{said}"
    );
    Ok(())
}
