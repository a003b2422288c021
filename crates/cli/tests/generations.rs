//! In which generation of the garbage collector each object is.

use anyhow::{Context, Result, ensure};
use exuvia_snapshot::Snapshot;
use exuvia_testkit::{Exuvia, Interpreter, Target, supported};
use serde_json::Value;

/// The list of what is never collected.
const PERMANENT: u8 = 3;

#[test]
fn each_object_is_in_the_generation_that_lists_it() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    for interpreter in supported()? {
        compare(&interpreter, &exuvia).with_context(|| interpreter.to_string())?;
    }
    Ok(())
}

fn compare(interpreter: &Interpreter, exuvia: &Exuvia) -> Result<()> {
    let mut target = Target::start(interpreter, "generations")?;
    let path = target.folder().join("generations.exuvia");
    exuvia.dump(target.pid(), &path)?;
    let snapshot = exuvia_snapshot::open(&path)?;
    let frozen = addresses(&target.greeting()["frozen"])?;
    let listed = target.greeting()["listed"].as_array();
    let listed: Vec<_> = listed.context("no lists")?.iter().map(addresses).collect();
    ensure!(frozen.len() == 100 && listed.len() == 3);
    if interpreter.free_threaded {
        same(&snapshot, &frozen, None)?;
        return target.assert_alive();
    }
    // The collector of 3.14.0 to 3.14.4 has two old lists, which take turns.
    let takes_turns = ((3, 14, 0)..(3, 14, 5)).contains(&interpreter.version);
    for (generation, addresses) in (0..).zip(listed) {
        let addresses = addresses?;
        if !takes_turns || generation == 0 {
            ensure!(
                addresses.len() == 100,
                "{} in {generation}",
                addresses.len()
            );
            same(&snapshot, &addresses, Some(generation))?;
        }
    }
    same(&snapshot, &frozen, Some(PERMANENT))?;
    target.assert_alive()
}

fn addresses(list: &Value) -> Result<Vec<u64>> {
    let list = list.as_array().context("no list")?;
    list.iter()
        .map(|one| one.as_u64().context("no address"))
        .collect()
}

fn same(snapshot: &Snapshot, addresses: &[u64], expected: Option<u8>) -> Result<()> {
    for &address in addresses {
        let id = snapshot.objects.at(address);
        let id = id.with_context(|| format!("{address:#x} is missing"))?;
        let found = snapshot.objects.generation_of(id);
        assert_eq!(found, expected, "{address:#x}");
    }
    Ok(())
}
