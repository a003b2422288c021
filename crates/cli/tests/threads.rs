//! `exuvia threads` against what the process says of its own threads, tasks and generators.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Exuvia, Interpreter, Target, supported};
use serde_json::{Value, json};

#[test]
fn stacks_are_those_that_the_process_sees() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    for interpreter in supported()? {
        compare(&exuvia, &interpreter).with_context(|| interpreter.to_string())?;
        println!("tested: {interpreter}");
    }
    Ok(())
}

fn compare(exuvia: &Exuvia, interpreter: &Interpreter) -> Result<()> {
    let mut target = Target::start(interpreter, "tasks")?;
    let outcome = exuvia.run(["threads", &target.pid_text(), "--locals", "--json"])?;
    outcome.expect_success()?;
    target.assert_alive()?;
    let found: Value = serde_json::from_str(&outcome.stdout)?;
    let said = target.greeting();
    threads(&found, said)?;
    tasks(&found, said)?;
    suspended(&found, said)
}

fn threads(found: &Value, said: &Value) -> Result<()> {
    let wanted = said["threads"].get(0).context("no thread")?;
    let thread = by(&found["threads"], "name", &wanted["name"])?;
    assert_eq!(thread["ident"], wanted["ident"]);
    let stack = list(&thread["stack"]);
    let places: Vec<Value> = stack
        .iter()
        .map(|frame| json!([frame["function"], frame["line"]]))
        .collect();
    assert_eq!(Value::from(places), wanted["stack"]);
    let main = by(&found["threads"], "name", &json!("MainThread"))?;
    let innermost = list(&main["stack"]);
    let innermost = innermost.last().context("no frame")?;
    assert_eq!(innermost["function"], "serve");

    let frame = by(&thread["stack"], "function", &json!("wait"))?;
    let local = by(&frame["locals"], "name", &json!("marker"))?;
    assert_eq!(local["address"], said["local"]);
    assert_eq!(local["kind"], "__main__.Marker");
    // An instance, and nothing that it has.
    assert_eq!(local["size"], local["retained"]);
    Ok(())
}

fn tasks(found: &Value, said: &Value) -> Result<()> {
    let said = list(&said["tasks"]);
    for wanted in &said {
        let task = by(&found["tasks"], "address", &wanted["address"])?;
        assert_eq!(task["name"], wanted["name"]);
        assert_eq!(task["state"], "waiting");
        assert_eq!(task["awaits"]["address"], wanted["awaits"], "{task}");
        let stack = list(&task["stack"]);
        let lines: Vec<&Value> = stack.iter().map(|frame| &frame["line"]).collect();
        assert_eq!(json!(lines), wanted["lines"], "{task}");
    }
    // The one that answers, too.
    let running: Vec<_> = list(&found["tasks"])
        .into_iter()
        .filter(|task| task["state"] == "running")
        .collect();
    ensure!(running.len() == 1, "{running:#?} run");
    assert_eq!(found["total_tasks"], said.len() + 1);
    Ok(())
}

fn suspended(found: &Value, said: &Value) -> Result<()> {
    let wanted = list(&said["suspended"]);
    let groups = list(&found["suspended"]);
    for one in &wanted {
        let group = groups.iter().find(|group| {
            let addresses = list(&group["addresses"]);
            addresses.contains(&one["address"])
        });
        let group = group.with_context(|| format!("nowhere: {one}"))?;
        for field in ["function", "file", "line"] {
            assert_eq!(group["frame"][field], one[field], "{one}");
        }
    }
    // No other of this program: one that is done, or in a task, is none.
    let file = &wanted.first().context("none")?["file"];
    let own = groups
        .iter()
        .filter(|group| group["frame"]["file"] == *file);
    let count: u64 = own.filter_map(|group| group["count"].as_u64()).sum();
    // `Never.__await__` waits beside those that were said.
    assert_eq!(count, wanted.len() as u64 + 1);
    Ok(())
}

/// The entry of a list that has a value under a name.
fn by<'a>(entries: &'a Value, name: &str, value: &Value) -> Result<&'a Value> {
    let mut entries = entries.as_array().into_iter().flatten();
    let found = entries.find(|entry| entry[name] == *value);
    found.with_context(|| format!("nothing has the {name} {value}"))
}

fn list(entries: &Value) -> Vec<Value> {
    entries.as_array().cloned().unwrap_or_default()
}
