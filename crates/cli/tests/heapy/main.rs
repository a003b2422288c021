//! heapy side by side: guppy3 answers inside of a service, the tool from outside about the
//! same moment, and whatever differs has a reason in `accepted.rs`.
//!
//! The service holds objects of an application of its own and of Django. guppy3 works in a fork
//! of it, so that what it keeps for its answers is not in the heap that the tool sees: all other
//! objects are in both, at the same addresses. A test for each version of Python that guppy3
//! is built for.

mod accepted;
mod compare;
mod questions;

use anyhow::{Context, Result, ensure};
use compare::Comparison;
use exuvia_testkit::{Exuvia, Interpreter, Launch, Packages, Target, Trials, supported};
use questions::{AGAIN, Form, SETS, Selected, Set, VIEWS, View};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::ExitCode;

/// With fewer rows of the application and of Django, a comparison would not mean much: kinds of
/// all their objects, and kinds of which there are more later.
const KINDS: usize = 100;
const CHANGED: usize = 6;

fn main() -> Result<ExitCode> {
    let mut interpreters = supported()?;
    interpreters.retain(|one| Packages::Heapy.is_for(one));
    // How an interpreter is built makes no difference here.
    interpreters.dedup_by_key(|one| (one.version.0, one.version.1));
    let mut trials = Trials::default();
    for one in interpreters {
        trials.add(one.to_string(), &one, agrees);
    }
    Ok(trials.run())
}

/// Compares both at two moments.
fn agrees(interpreter: &Interpreter) -> Result<()> {
    let packages = Packages::Heapy.install(interpreter)?;
    let packages = packages.context("the list of packages is gone")?;
    let mut service = Launch::new(interpreter, "heapy")?.arg(&packages).start()?;
    let folder = tempfile::tempdir()?;
    let mut comparison = Comparison::new(interpreter.version);
    let sets = service.greeting()["sets"].clone();
    let before = folder.path().join("before.exuvia");
    ask_both(&mut service, &sets, VIEWS, &before, &mut comparison)?;
    let kept = service.folder_for_itself().join("heapy.stat");
    let keep = format!("heap.stat.dump({kept:?})");
    service.ask(&format!("ask {}", json!({ "kept": keep })))?;
    let sets = service.ask("grow")?;
    let again = VIEWS.iter().filter(|view| AGAIN.contains(&view.name));
    let again: Vec<View> = again.copied().collect();
    let after = folder.path().join("after.exuvia");
    ask_both(&mut service, &sets, &again, &after, &mut comparison)?;
    let difference = format!("dump(heap.stat - hp.load({kept:?}))");
    let answers = service.ask(&format!("ask {}", json!({ "diff": difference })))?;
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let arguments = ["diff".as_ref(), before.as_os_str(), after.as_os_str()];
    let outcome = exuvia.run(arguments.into_iter().chain(["--json".as_ref()]))?;
    outcome.expect_success()?;
    let found = serde_json::from_str(&outcome.stdout)?;
    comparison.compare_application("diff", CHANGED, &answers["diff"], &found)?;
    service.assert_alive()?;
    println!("{}: {comparison}", service.greeting()["version"]);
    ensure!(
        comparison.differences.is_empty(),
        "differences without a reason"
    );
    Ok(())
}

fn ask_both(
    service: &mut Target,
    sets: &Value,
    views: &[View],
    snapshot: &Path,
    comparison: &mut Comparison,
) -> Result<()> {
    let mut expressions = Map::new();
    for set in SETS {
        for view in views {
            let expression = match view.heapy.strip_suffix("|table") {
                Some(view) => format!("str(({}){view}.all)", set.heapy),
                None => format!("({}){}", set.heapy, view.heapy),
            };
            expressions.insert(title(&set, view), expression.into());
        }
    }
    expressions.insert("heap".to_owned(), "heap".into());
    let answers = service.ask(&format!("ask {}", Value::Object(expressions)))?;

    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    exuvia.dump(service.pid(), snapshot)?;
    for set in SETS {
        let options = selection(&set, sets)?;
        for view in views {
            let title = title(&set, view);
            let found = ask_exuvia(&exuvia, snapshot, view, &options).context(title.clone())?;
            comparison.compare(&set, view, &answers[title], &found)?;
        }
    }
    let arguments = ["heap".as_ref(), snapshot.as_os_str(), "--json".as_ref()];
    let outcome = exuvia.run(arguments)?;
    outcome.expect_success()?;
    let found = serde_json::from_str(&outcome.stdout)?;
    comparison.compare_application("heap", KINDS, &answers["heap"], &found)
}

fn title(set: &Set, view: &View) -> String {
    format!("{} of {}", view.name, set.name)
}

/// The options that select a set.
fn selection(set: &Set, sets: &Value) -> Result<Vec<String>> {
    match set.selected {
        Selected::By(option, name) => Ok(vec![option.to_owned(), name.to_owned()]),
        Selected::ByAddress => {
            let addresses = sets[set.name].as_array();
            let addresses = addresses.with_context(|| format!("no addresses of {}", set.name))?;
            let options = addresses.iter().filter_map(Value::as_u64);
            let options = options.flat_map(|at| ["--at".to_owned(), format!("{at:#x}")]);
            Ok(options.collect())
        }
    }
}

fn ask_exuvia(
    exuvia: &Exuvia,
    snapshot: &Path,
    view: &View,
    selection: &[String],
) -> Result<Value> {
    let form = match view.form {
        Form::Rows | Form::Size => "--json",
        Form::Text => "--all",
    };
    let mut arguments = vec![view.command.as_ref(), snapshot.as_os_str(), form.as_ref()];
    arguments.extend(view.options.iter().map(AsRef::<std::ffi::OsStr>::as_ref));
    arguments.extend(selection.iter().map(AsRef::<std::ffi::OsStr>::as_ref));
    let outcome = exuvia.run(arguments)?;
    outcome.expect_success()?;
    match view.form {
        Form::Text => Ok(Value::String(outcome.stdout)),
        Form::Rows | Form::Size => Ok(serde_json::from_str(&outcome.stdout)?),
    }
}
