use crate::{exuvia, start};
use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Fingerprint, Interpreter, Packages};
use serde_json::Value;
use std::collections::BTreeMap;

const KIND: &str = "__main__.Sheep";

/// Prints heapy's table, and then all its rows for a program to read.
const CODE: &str = "from guppy import hpy; heap = hpy().heap(); print(heap); import json; \
    print(json.dumps({r.name: [r.count, r.size] for r in heap.partition.get_rows()}))";

/// How many kinds at least have to be the same in both; it is fewest on 3.11, with 52.
const SAME: usize = 50;

/// What guppy3's modules, those that they load, and the code that runs in the copy consist of: of
/// these kinds there is more in the copy, never less.
const MADE_BY_IMPORTS: &[&str] = &[
    "_abc._abc_data",
    "_collections._tuplegetter",
    "_thread.lock",
    "_weakrefset.WeakSet",
    "abc.ABCMeta",
    "builtins.PyCapsule",
    "builtins._abc_data",
    "builtins.builtin_method",
    "builtins.weakref",
    "bytes",
    "classmethod",
    "collections._tuplegetter",
    "dict (no owner)",
    "float",
    "frozenset",
    "function",
    "functools._lru_cache_wrapper",
    "int",
    "itertools.count",
    "list",
    "module",
    "object",
    "property",
    "re.Pattern",
    "set",
    "staticmethod",
    "str",
    "tuple",
    "type",
    "weakref.ReferenceType",
];

/// Of what heapy finds less, and why.
const NOT_SEEN_BY_HEAPY: &[(&str, &str)] = &[
    ("Token.MISSING", "a static variable of C holds it alone"),
    (
        "builtins.stderrprinter",
        "a static variable of C holds it alone",
    ),
    ("memoryview", "the call holds it that waits for a line"),
    ("builtins.managedbuffer", "that memoryview holds it"),
    (
        "types.MethodType",
        "the first call of a thread that is not in the copy holds it",
    ),
    ("_thread._localdummy", "of a thread that is not in the copy"),
    (
        "builtins.moduledef",
        "static variables of C, which no traversal visits",
    ),
    (
        "sys.flags",
        "the copy of the dictionary of sys that a moduledef keeps, up to 3.8",
    ),
    ("types.BuiltinMethodType", "such copies of dictionaries"),
    ("set", "up to 3.8, _abc_data visits none of its sets"),
];

/// Kinds, and of each how many objects and bytes.
type Table = BTreeMap<String, (u64, u64)>;

/// guppy3 from a folder that the process does not know prints its table in a copy; it says the same as
/// the tool of all kinds of which the process has as many as the copy in which guppy3 was loaded.
pub(crate) fn both_count_the_same(interpreter: &Interpreter) -> Result<()> {
    let packages = Packages::Heapy.install(interpreter)?;
    let packages = packages.context("the list of packages is gone")?;
    let mut target = start(interpreter, "shop")?;
    let before = Fingerprint::of(target.pid())?;
    let pid = target.pid_text();
    let folder = packages.display().to_string();
    let ran = exuvia().run(["exec", &pid, "--clone", "--with-path", &folder, "-c", CODE])?;
    ran.expect_success()?;
    before.assert_unchanged(target.pid())?;
    let heap = exuvia().run(["heap", &pid, "--all", "--json"])?;
    heap.expect_success()?;
    let (shown, rows) = ran.stdout.trim_end().rsplit_once('\n').context("no rows")?;
    ensure!(shown.contains(KIND), "{shown}");
    let heapy: Table = serde_json::from_str(rows)?;
    ensure!(Some(heapy[KIND].0) == target.greeting()["sheep"].as_u64());
    compare(&heapy, &table_of(&heap.stdout)?)?;
    target.assert_alive()
}

fn compare(heapy: &Table, exuvia: &Table) -> Result<()> {
    let mut same = Vec::new();
    let mut wrong = Vec::new();
    for (kind, found) in exuvia {
        let wanted = heapy.get(kind).copied().unwrap_or_default();
        let is_less = NOT_SEEN_BY_HEAPY.iter().any(|(one, _)| kind == one) && wanted < *found;
        let is_more = is_made_by_imports(kind) && wanted.0 >= found.0;
        if wanted == *found {
            same.push(kind);
        } else if !is_less && !is_more {
            wrong.push(format!("{kind}: heapy {wanted:?}, exuvia {found:?}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(same.len() >= SAME, "only {} kinds: {same:?}", same.len());
    for kind in [KIND, "threading.Thread"] {
        ensure!(exuvia[kind] == heapy[kind], "{kind}");
    }
    // What only heapy has was loaded with it.
    let of_program = |kind: &&String| kind.contains("__main__") || kind.contains("protocol");
    let unknown: Vec<_> = heapy
        .keys()
        .filter(|kind| !exuvia.contains_key(*kind))
        .collect();
    ensure!(!unknown.iter().any(of_program), "{unknown:?}");
    Ok(())
}

fn is_made_by_imports(kind: &str) -> bool {
    let kind = kind.strip_prefix("dict of ").unwrap_or(kind);
    let modules = ["_frozen_importlib", "enum.", "types."];
    modules.iter().any(|module| kind.starts_with(module)) || MADE_BY_IMPORTS.contains(&kind)
}

fn table_of(text: &str) -> Result<Table> {
    let document: Value = serde_json::from_str(text)?;
    let rows = document["rows"].as_array().context("no rows")?;
    let row = |row: &Value| {
        let name = row["name"].as_str()?.to_owned();
        Some((name, (row["count"].as_u64()?, row["size"].as_u64()?)))
    };
    let rows: Option<Table> = rows.iter().map(row).collect();
    rows.context("a row without name, count or size")
}
