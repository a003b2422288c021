//! Waste that a program has planted is found, to the byte.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Exuvia, Interpreter, Target, supported};
use serde_json::Value;

#[test]
fn duplicates_are_found_to_the_byte() -> Result<()> {
    in_every_interpreter(|planted, waste, _| {
        for sort in ["strings", "bytes", "tuples"] {
            for group in list(&planted[sort])? {
                let addresses = list(&group["addresses"])?;
                let is_it = |row: &&Value| addresses.contains(&row["address"]);
                let rows: Vec<_> = rows(waste, "duplicates")?.iter().filter(is_it).collect();
                let [row] = rows[..] else {
                    anyhow::bail!("{sort}: {} rows of one group", rows.len());
                };
                ensure!(row["sort"] == format!("duplicate-{sort}"), "{row}");
                same(row, group, "count")?;
                same(row, group, "wasted")?;
                let holders = list(&row["holders"])?;
                let count = &group["count"];
                let held = holders
                    .iter()
                    .any(|one| one["name"] == "list[…]" && one["count"] == *count);
                ensure!(held, "{sort}: {row}");
            }
        }
        for address in list(&planted["unequal"])? {
            let found = rows(waste, "duplicates")?
                .iter()
                .find(|row| row["address"] == *address);
            ensure!(found.is_none(), "{found:?}");
        }
        ensure!(waste["not_compared"] == 0, "{}", waste["not_compared"]);
        Ok(())
    })
}

#[test]
fn room_that_is_not_used_is_found_to_the_byte() -> Result<()> {
    in_every_interpreter(|planted, waste, _| {
        for (name, kind) in [
            ("dict", "dict (no owner)"),
            ("set", "set"),
            ("list", "list"),
        ] {
            let row = rows(waste, "spare")?.iter().find(|row| row["kind"] == kind);
            let largest = &row.with_context(|| format!("no {kind}"))?["largest"];
            for field in ["address", "items", "wasted"] {
                same(largest, &planted[name], field)?;
            }
            let holder = format!("dict of module['{}']", VARIABLES[name_index(name)]);
            ensure!(largest["holders"][0]["name"] == holder, "{largest}");
        }
        Ok(())
    })
}

/// What the containers are called in the program.
const VARIABLES: [&str; 3] = ["nearly_empty", "nearly_empty_set", "appended"];

fn name_index(name: &str) -> usize {
    ["dict", "set", "list"]
        .iter()
        .position(|one| *one == name)
        .unwrap_or_default()
}

#[test]
fn numbers_in_boxes_are_found_to_the_byte() -> Result<()> {
    in_every_interpreter(|planted, waste, _| {
        for sort in ["ints", "floats"] {
            let expected = &planted[sort];
            let is_it = |row: &&Value| row["address"] == expected["address"];
            let row = rows(waste, "boxed")?.iter().find(is_it);
            let row = row.with_context(|| format!("no list of {sort}"))?;
            ensure!(row["sort"] == format!("boxed-{sort}"), "{row}");
            for field in ["items", "wasted"] {
                same(row, expected, field)?;
            }
        }
        Ok(())
    })
}

/// What an instance would take is what one of the same class with `__slots__` does take.
#[test]
fn slots_save_what_a_twin_with_them_saves() -> Result<()> {
    in_every_interpreter(|planted, waste, pid| {
        let row = rows(waste, "slots")?
            .iter()
            .find(|row| row["kind"] == "__main__.Wide");
        let row = row.context("no row of the class")?;
        let now = allocated(pid, &planted["instance"])?;
        let twin = allocated(pid, &planted["twin"])?;
        ensure!(
            row["slots"] == 3 && row["count"] == planted["instances"],
            "{row}"
        );
        ensure!(row["with_slots"] == twin, "{row}: the twin has {twin}");
        ensure!(row["now"] == now, "{row}: an instance has {now}");
        let count = planted["instances"].as_u64().unwrap_or_default();
        ensure!(row["wasted"] == count * (now - twin), "{row}");
        Ok(())
    })
}

/// Bytes that an instance and its dictionary have.
fn allocated(pid: &str, address: &Value) -> Result<u64> {
    let address = format!("{:#x}", address.as_u64().context("no address")?);
    let shown = json(&["show", pid, &address])?;
    let mut bytes = shown["object"]["allocated"].as_u64().context("no size")?;
    for referent in list(&shown["object"]["referents"]["first"])? {
        if referent["relation"] == ".__dict__" {
            bytes += allocated(pid, &referent["target"]["address"])?;
        }
    }
    Ok(bytes)
}

#[test]
fn sums_are_those_of_the_rows() -> Result<()> {
    in_every_interpreter(|_, waste, _| {
        let mut all = 0;
        for table in ["duplicates", "spare", "slots", "boxed"] {
            for row in rows(waste, table)? {
                all += row["wasted"].as_u64().context("a row without bytes")?;
            }
        }
        ensure!(waste["bytes"] == all, "{} and {all}", waste["bytes"]);
        let sums = list(&waste["sums"])?.iter();
        let sums: u64 = sums.filter_map(|sum| sum["bytes"].as_u64()).sum();
        ensure!(sums == all, "{sums} and {all}");
        Ok(())
    })
}

/// A snapshot tells the same as its process, since contents are compared whole; one without
/// contents says that it has none.
#[test]
fn a_snapshot_has_digests_unless_it_has_no_contents() -> Result<()> {
    for interpreter in supported()? {
        let target = Target::start(&interpreter, "waste")?;
        let folder = tempfile::tempdir()?;
        let group = &target.greeting()["strings"][1];
        for values in ["short", "full", "none"] {
            let path = folder.path().join(values);
            let path = path.to_str().context("a path that is no text")?;
            let pid = target.pid_text();
            exuvia()
                .run(["dump", &pid, "-o", path, "--values", values])?
                .expect_success()?;
            let waste = json(&["waste", path])?;
            let addresses = list(&group["addresses"])?;
            let is_it = |row: &&Value| addresses.contains(&row["address"]);
            let row = rows(&waste, "duplicates")?.iter().find(is_it);
            match values {
                "none" => {
                    ensure!(row.is_none(), "{row:?}");
                    ensure!(waste["has_contents"] == false);
                    let text = exuvia().run(["waste", path])?;
                    ensure!(text.stdout.contains("no contents"), "{}", text.stdout);
                }
                _ => same(row.context("no row")?, group, "wasted")?,
            }
        }
    }
    Ok(())
}

#[test]
fn text_and_csv_have_the_rows_asked_for() -> Result<()> {
    let interpreter = exuvia_testkit::newest()?;
    let target = Target::start(&interpreter, "waste")?;
    let pid = target.pid_text();
    let text = exuvia().run(["waste", &pid, "--top", "3"])?;
    text.expect_success()?;
    ensure!(text.stdout.contains(" could be saved, "), "{}", text.stdout);
    ensure!(
        text.stdout.contains("more rows. Use --all"),
        "{}",
        text.stdout
    );
    let table = exuvia().run(["waste", &pid, "--csv", "--top", "3"])?;
    table.expect_success()?;
    let mut lines = table.stdout.lines();
    let first = lines.next().unwrap_or_default();
    ensure!(
        first == "sort,wasted,count,size,address,what,holders",
        "{first}"
    );
    ensure!(lines.filter(|line| line.starts_with("duplicate-")).count() == 3);
    Ok(())
}

/// Runs a check with what the program says, what exuvia says, and the process.
fn in_every_interpreter(check: impl Fn(&Value, &Value, &str) -> Result<()>) -> Result<()> {
    for interpreter in supported()? {
        one(&interpreter, &check).with_context(|| interpreter.to_string())?;
    }
    Ok(())
}

fn one(
    interpreter: &Interpreter,
    check: &impl Fn(&Value, &Value, &str) -> Result<()>,
) -> Result<()> {
    let mut target = Target::start(interpreter, "waste")?;
    let pid = target.pid_text();
    let waste = json(&["waste", &pid])?;
    check(target.greeting(), &waste, &pid)?;
    target.assert_alive()
}

fn json(arguments: &[&str]) -> Result<Value> {
    let outcome = exuvia().run(arguments.iter().chain(&["--json"]))?;
    outcome.expect_success()?;
    Ok(serde_json::from_str(&outcome.stdout)?)
}

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

fn rows<'a>(waste: &'a Value, table: &str) -> Result<&'a [Value]> {
    list(&waste[table]["first"])
}

fn list(value: &Value) -> Result<&[Value]> {
    Ok(value.as_array().context("no list")?)
}

fn same(found: &Value, expected: &Value, field: &str) -> Result<()> {
    let (found, expected) = (&found[field], &expected[field]);
    ensure!(found == expected, "{field}: {found}, not {expected}");
    Ok(())
}
