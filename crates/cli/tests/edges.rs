//! The text of every kind of step in a path.

use anyhow::Result;
use exuvia_testkit::{Exuvia, Interpreter, Target, supported};
use std::fmt::Write;

/// What holds an object of the program `edges`, and the path to it behind
/// `hp.Root.i0_modules['held'].__dict__`.
const HELD: &[(&str, &str)] = &[
    ("module", "['in_module']"),
    ("dict value", "['by_text']['k']"),
    ("dict value under a number", "['by_number'][7]"),
    ("dict value under a tuple", "['by_tuple'][(1, 'a')]"),
    (
        "dict value under a long text",
        "['by_long']['abcdefghijkl...9ABCDEFGHIJKL']",
    ),
    ("dict key", "['keys'].keys()[1]"),
    ("list", "['list'][2]"),
    ("tuple", "['tuple'][1]"),
    ("namedtuple", "['pair'][1]"),
    ("deque", "['deque'][1]"),
    ("ordered dict", "['ordered']['k']"),
    ("defaultdict", "['default']['k']"),
    ("mappingproxy", "['proxy']->mapping['k']"),
    ("slice", "['slice'].stop"),
    ("inline attribute", "['inline'].x"),
    ("attribute in a dict", "['replaced'].__dict__['x']"),
    ("slot", "['slotted'].x"),
    ("attribute of a list subclass", "['listed'].__dict__['x']"),
    ("namespace", "['space'].__dict__['x']"),
    ("class attribute", "['Class'].__dict__['x']"),
    ("type", "['instance']->ob_type"),
    ("base", "['Child'].__base__"),
    ("mro", "['Single'].__mro__"),
    ("bases", "['Single'].__bases__"),
    ("subclasses", "['Parent']->tp_subclasses"),
    ("closure", "['closure'].__closure__[0].cell_contents"),
    ("default", "['default_of'].__defaults__[0]"),
    ("keyword default", "['keyword_of'].__kwdefaults__['kw']"),
    ("function attribute", "['attribute_of'].__dict__['x']"),
    ("code", "['function'].__code__"),
    ("globals", "['with_globals'].__globals__"),
    ("global", "['with_globals'].__globals__['x']"),
    ("constant", "['code'].co_consts[1]"),
    ("cell", "['cell'].cell_contents"),
    ("method", "['method'].__self__"),
    ("builtin method", "['builtin'].__self__"),
    ("partial argument", "['partial'].args[0]"),
    ("partial keyword", "['partial_keyword'].keywords['k']"),
    ("property getter", "['property'].fget"),
    ("staticmethod", "['static'].__func__"),
    ("list iterator", "['list_iterator']->it_seq[0]"),
    ("map function", "['map']->func"),
    ("frame local", "['frame'].f_locals['v']"),
    ("frame back", "['inner'].f_back.f_locals['v']"),
    ("frame global", "['global_frame'].f_globals['x']"),
    ("frame code", "['code_frame'].f_code"),
    ("exception argument", "['error'].args[0]"),
    (
        "traceback",
        "['raised'].__traceback__.tb_next.tb_frame.f_locals['v']",
    ),
    ("cause", "['chained'].__cause__"),
    ("exception attribute", "['noted'].__dict__['x']"),
    ("generator local", "['generator'].gi_frame.f_locals['v']"),
    ("generator stack", "['stacked'].gi_frame->f_valuestack[0]"),
    ("coroutine local", "['coroutine'].cr_frame.f_locals['v']"),
    (
        "async generator local",
        "['asynchronous'].ag_frame.f_locals['v']",
    ),
    ("context default", "['variable']->var_default"),
    ("future result", "['future']._result"),
];

/// Paths that are others in some minor versions of Python 3, from the first to the last.
const CHANGED: &[(&str, (u32, u32), &str)] = &[
    // Up to 3.10 every instance with attributes has a dictionary.
    ("inline attribute", (8, 10), "['inline'].__dict__['x']"),
    // From 3.14 instances of subclasses of `list` keep their attributes inside.
    (
        "attribute of a list subclass",
        (14, u32::MAX),
        "['listed'].x",
    ),
];

#[test]
fn every_edge_has_its_text() -> Result<()> {
    in_every_interpreter(|scene| {
        for (edge, path) in HELD {
            let mut changed = CHANGED.iter();
            let path = changed
                .find(|(one, (first, last), _)| {
                    one == edge && (*first..=*last).contains(&scene.minor)
                })
                .map_or(path, |(.., path)| path);
            let path = format!("hp.Root.i0_modules['held'].__dict__{path}");
            scene.compare(edge, &path)?;
        }
        Ok(())
    })
}

/// Members of sets stand in a call that encloses the path to the set.
#[test]
fn members_of_sets_are_counted_in_the_order_of_a_list() -> Result<()> {
    in_every_interpreter(|scene| {
        for (edge, name) in [("set", "set"), ("frozenset", "frozen")] {
            let path = format!("list(hp.Root.i0_modules['held'].__dict__['{name}'])[0]");
            scene.compare(edge, &path)?;
        }
        Ok(())
    })
}

#[test]
fn locals_and_stack_of_a_thread_that_runs() -> Result<()> {
    in_every_interpreter(|scene| {
        let thread = scene.target.greeting()["thread"].clone();
        for (edge, rest) in [
            ("local of a running frame", "f0.f_locals['v']"),
            ("stack of a running frame", "f0->f_valuestack[0]"),
            (
                "cell of a running frame",
                "f1.f_locals['cell'].cell_contents",
            ),
        ] {
            scene.compare(edge, &format!("hp.Root.i0_t{thread}_{rest}"))?;
        }
        Ok(())
    })
}

/// `.??` is what heapy prints for what it has no name for.
#[test]
fn nothing_is_nameless() -> Result<()> {
    in_every_interpreter(|scene| {
        for edge in [
            "threading.local",
            "lru_cache",
            "chain",
            "enumerate",
            "context value",
        ] {
            let text = scene.paths(edge)?;
            let nameless = ["??", "->word[", "->refs["];
            let is_named = nameless.iter().all(|one| !text.contains(one));
            if !text.starts_with(" 0: hp.Root.") || !is_named {
                writeln!(scene.wrong, "{edge}\n{text}")?;
            }
        }
        Ok(())
    })
}

/// Fails with everything that is wrong in any interpreter.
fn in_every_interpreter(check: impl Fn(&mut Scene) -> Result<()>) -> Result<()> {
    let mut wrong = String::new();
    for interpreter in supported()? {
        let mut scene = Scene::new(&interpreter)?;
        check(&mut scene)?;
        if !scene.wrong.is_empty() {
            writeln!(wrong, "{interpreter}\n{}", scene.wrong)?;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

/// The program `edges`, and one snapshot of it for all questions.
struct Scene {
    target: Target,
    exuvia: Exuvia,
    minor: u32,
    folder: tempfile::TempDir,
    /// Every path that is not as expected.
    wrong: String,
}

impl Scene {
    fn new(interpreter: &Interpreter) -> Result<Self> {
        let scene = Self {
            target: Target::start(interpreter, "edges")?,
            exuvia: Exuvia::at(env!("CARGO_BIN_EXE_exuvia")),
            minor: interpreter.version.1,
            folder: tempfile::tempdir()?,
            wrong: String::new(),
        };
        scene.exuvia.dump(scene.target.pid(), &scene.snapshot())?;
        Ok(scene)
    }

    fn snapshot(&self) -> std::path::PathBuf {
        self.folder.path().join("edges.exuvia")
    }

    /// What `exuvia paths` prints for the object behind an edge.
    fn paths(&self, edge: &str) -> Result<String> {
        let snapshot = self.snapshot();
        let address = self.target.address(edge)?;
        let arguments = [
            "paths".as_ref(),
            snapshot.as_os_str(),
            "--at".as_ref(),
            address.as_ref(),
        ];
        let outcome = self.exuvia.run(arguments)?;
        outcome.expect_success()?;
        Ok(outcome.stdout)
    }

    /// Notes it when `exuvia paths` prints anything but this one path.
    fn compare(&mut self, edge: &str, path: &str) -> Result<()> {
        let text = self.paths(edge)?;
        let expected = format!(" 0: {path}\n");
        if text != expected {
            write!(self.wrong, "{edge}\nexpected:\n{expected}found:\n{text}")?;
        }
        Ok(())
    }
}
