//! Code gets into every interpreter, whatever its threads do, and these go on as if nothing had
//! happened.

mod common;

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use common::{WHO, say};
use exuvia_inject::entry::Wanted;
use exuvia_testkit::{Interpreter, Launch, Trials, supported};
use serde_json::{Value, json};

fn main() -> Result<ExitCode> {
    let mut trials = Trials::default();
    for one in supported()? {
        for (mode, result) in modes() {
            trials.add(format!("{mode}: {one}"), &one, move |interpreter| {
                gets_in(interpreter, mode, &result)
            });
        }
    }
    Ok(trials.run())
}

/// What the main thread does in `programs/ways.py`, and what it says of it when nothing
/// disturbs it.
fn modes() -> [(&'static str, Value); 14] {
    [
        ("busy", json!("worked")),
        ("native", json!("worked")),
        ("many", json!("worked")),
        ("join", Value::Null),
        ("sleep", Value::Null),
        ("signals", json!(10)),
        ("condition", Value::Null),
        ("lock", json!(true)),
        ("timed_lock", json!(true)),
        ("accept", json!("hello")),
        ("pipe", json!("hello")),
        ("selecting", json!("hello")),
        ("polling", json!("hello")),
        ("child", json!(0)),
    ]
}

fn gets_in(interpreter: &Interpreter, mode: &str, result: &Value) -> Result<()> {
    let mut target = Launch::new(interpreter, "ways")?.arg(mode).start()?;
    // What is imported by the first that the program does is its own.
    target.ask("go")?;
    let before = target.ask("look")?;
    for wanted in [Wanted::Any, Wanted::Main] {
        let said = say(target.pid(), interpreter, wanted, WHO);
        let said = said.with_context(|| format!("{wanted:?}"))?;
        if wanted == Wanted::Main {
            let main = said.live.grip.entrance().state()?.main_thread;
            ensure!(
                said.text == main.to_string(),
                "it ran in thread {}",
                said.text
            );
        }
        target.assert_alive()?;
        let went_on = target.ask("go")?;
        ensure!(
            went_on == *result,
            "after {:?} it got {went_on}",
            said.live.way
        );
    }
    let after = target.ask("look")?;
    let Value::Object(before) = before else {
        bail!("it has not looked");
    };
    for (what, before) in before {
        ensure!(
            after[&what] == before,
            "{what}: {before} before, {} after",
            after[&what]
        );
    }
    Ok(())
}
