//! `exuvia leaks`: a planted leak of each kind is the first suspect, and what does not leak has
//! none.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Exuvia, Interpreter, Launch, PLANTED, Packages, Planted, Target, supported};
use serde_json::Value;
use std::collections::BTreeSet;

/// Requests before the first look at a web application.
const REQUESTS: usize = 3000;

/// How often it is looked at while it answers more of them.
const LOOKS: usize = 5;

/// An interpreter of every version and flavor.
fn one_of_each() -> Result<Vec<Interpreter>> {
    let mut interpreters = supported()?;
    let series = |one: &Interpreter| (one.version.0, one.version.1, one.free_threaded);
    interpreters.sort_by_key(series);
    interpreters.dedup_by_key(|one| series(one));
    Ok(interpreters)
}

#[test]
fn a_planted_leak_of_each_kind_is_the_first_suspect() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let mut wrong = String::new();
    for interpreter in one_of_each()? {
        let mut kinds = BTreeSet::new();
        for planted in &PLANTED {
            let name = format!("{} on {interpreter}", planted.kind);
            let launch = Launch::new(&interpreter, "leaky")?.arg(planted.kind);
            let mut target = launch.start()?;
            let leaks = leaks(&exuvia, &target).with_context(|| name.clone())?;
            target.assert_alive()?;
            if let Err(error) = compare(planted, &leaks) {
                wrong += &format!("{name}: {error:#}\n{leaks:#}\n");
            }
            kinds = words(&target.greeting()["kinds"]);
        }
        // Whatever the program can be told is in the table.
        let tested = PLANTED.iter().map(|planted| planted.kind.to_owned());
        assert_eq!(kinds, tested.collect());
        println!("tested: {interpreter}");
    }
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

fn compare(planted: &Planted, leaks: &Value) -> Result<()> {
    let first = leaks["suspects"].get(0).context("no suspect")?;
    ensure!(first["reason"] == planted.reason, "another reason");
    let summary = first["summary"].as_str().context("no summary")?;
    ensure!(summary.contains(planted.summary), "another summary");
    let path = first["path"].as_str().map(without_numbers);
    match (planted.path, &path) {
        (Some(end), Some(path)) => ensure!(path.ends_with(end), "another path: {path}"),
        (None, None) => {}
        _ => anyhow::bail!("path: {path:?}"),
    }
    // What is planted is megabytes, and nothing else in the process is.
    let bytes = first["keeps"]["bytes"].as_u64().context("no bytes")?;
    ensure!(bytes >= 8_000_000, "only {bytes} bytes");
    let suspects = leaks["suspects"].as_array().context("no list")?;
    ensure!(suspects.len() == 1, "there is another suspect");
    Ok(())
}

/// The lines to look at: where a container is used, and where a cached function is.
#[test]
fn suspects_name_the_code_that_works_with_them() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    for interpreter in one_of_each()? {
        for (kind, function, words) in [
            (
                "module_dict",
                "module_dict",
                "it is mentioned in module_dict (",
            ),
            ("class_set", "class_set", "it is mentioned in class_set ("),
            ("cache", "price", "price is defined in "),
        ] {
            let launch = Launch::new(&interpreter, "leaky")?.arg(kind);
            let target = launch.start()?;
            let leaks = leaks(&exuvia, &target)?;
            let lines = leaks["suspects"][0]["evidence"]
                .as_array()
                .context("no evidence")?;
            let mut lines = lines.iter().filter_map(Value::as_str);
            let line = lines.find(|line| line.starts_with(words));
            let line = line.with_context(|| format!("{kind} on {interpreter}: {leaks:#}"))?;
            let program = include_str!("../../testkit/programs/leaky.py");
            let head = format!("def {function}(");
            // A decorator stands above the line that Python says.
            let place = program.lines().position(|line| line.starts_with(&head));
            let place = place.context("no such function")?;
            let first = if function == "price" {
                place
            } else {
                place + 1
            };
            ensure!(
                line.contains(&format!("leaky.py, line {first}")),
                "{kind} on {interpreter}: {line}"
            );
        }
    }
    Ok(())
}

/// A path with a star for each index, and without the brackets at its end.
fn without_numbers(path: &str) -> String {
    let mut parts = path.split('[');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (inside, behind) = part.split_once(']').unwrap_or((part, ""));
        let is_number = inside.bytes().all(|byte| byte.is_ascii_digit());
        let inside = if is_number { "*" } else { inside };
        text += &format!("[{inside}]{behind}");
    }
    // Up to 3.10 attributes are in a dictionary.
    text.trim_end_matches("']").to_owned()
}

#[test]
fn what_does_not_leak_has_no_suspect() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let mut wrong = String::new();
    for interpreter in one_of_each()? {
        let programs = [
            ("bare", Launch::new(&interpreter, "bare")?),
            ("leaky", Launch::new(&interpreter, "leaky")?.arg("healthy")),
            (
                "library",
                Launch::new(&interpreter, "leaky")?.arg("library"),
            ),
            ("tasks", Launch::new(&interpreter, "tasks")?),
        ];
        for (name, launch) in programs {
            let target = launch.start()?;
            wrong += &suspects(&format!("{name} on {interpreter}"), &exuvia, &target)?;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

#[test]
fn libraries_have_no_suspect() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let mut ran = 0;
    let mut wrong = String::new();
    for interpreter in one_of_each()? {
        let Some(folder) = Packages::Extensions.install(&interpreter)? else {
            continue;
        };
        for program in ["extension_pandas", "extension_arrow"] {
            let target = Launch::new(&interpreter, program)?.arg(&folder).start()?;
            wrong += &suspects(&format!("{program} on {interpreter}"), &exuvia, &target)?;
            ran += 1;
        }
    }
    ensure!(ran > 0, "no interpreter has packages");
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

#[test]
fn a_web_application_under_load_has_no_suspect() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let interpreters = supported()?;
    let interpreter = interpreters.iter().find(|one| Packages::Web.is_for(one));
    let interpreter = interpreter.context("no interpreter has a list of packages for the web")?;
    let folder = Packages::Web.install(interpreter)?;
    let folder = folder.context("the list of packages is gone")?;
    let mut wrong = String::new();
    for application in ["django", "fastapi"] {
        let launch = Launch::new(interpreter, "web")?;
        let mut target = launch.arg(&folder).arg(application).start()?;
        let asked = target.ask(&format!("load {REQUESTS}"))?;
        assert_eq!(asked, REQUESTS);
        let before = target.ask("start")?;
        for look in 0..LOOKS {
            let name = format!("{application} on {interpreter}, look {look}");
            wrong += &suspects(&name, &exuvia, &target)?;
        }
        // It has answered all the while.
        let after = target.ask("stop")?;
        ensure!(
            after.as_u64() >= before.as_u64().map(|before| before + LOOKS as u64),
            "{application} answered {before} to {after} requests"
        );
        println!(
            "tested: {application} {} after {after} requests",
            target.greeting()["version"]
        );
    }
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

/// What is said of a process that has no leak: nothing.
fn suspects(name: &str, exuvia: &Exuvia, target: &Target) -> Result<String> {
    let leaks = leaks(exuvia, target).with_context(|| name.to_owned())?;
    let suspects = leaks["suspects"].as_array().context("no list")?;
    println!("tested: {name}: {} alive", leaks["alive"]["bytes"]);
    Ok(match suspects.is_empty() {
        true => String::new(),
        false => format!("{name}: {suspects:#?}\n"),
    })
}

fn leaks(exuvia: &Exuvia, target: &Target) -> Result<Value> {
    let outcome = exuvia.run(["leaks", &target.pid_text(), "--json"])?;
    outcome.expect_success()?;
    let leaks: Value = serde_json::from_str(&outcome.stdout)?;
    ensure!(leaks["format"] == "exuvia-leaks/1", "another format");
    Ok(leaks)
}

fn words(list: &Value) -> BTreeSet<String> {
    let words = list.as_array().into_iter().flatten();
    words
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}
