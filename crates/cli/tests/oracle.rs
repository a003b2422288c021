//! Snapshots against what the interpreters say of themselves: a test for each interpreter, those
//! with extension libraries for each version that has lists of them, and one with PyTorch.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::oracle::Comparison;
use exuvia_testkit::{
    Exuvia, FromDebian, Interpreter, Packages, SupportRecord, Trials, Unpacked, hand_over_rules,
    oracle, supported,
};
use std::process::ExitCode;

/// With fewer, a comparison would not mean much.
const OBJECTS: usize = 200_000;
const TYPES: usize = 250;

fn main() -> Result<ExitCode> {
    let mut trials = Trials::default();
    let mut interpreters = supported()?;
    for one in &interpreters {
        trials.add(one.to_string(), one, agrees_with_its_snapshot);
    }
    if let Some(one) = interpreters.iter().find(|one| Unpacked::is_for(one)) {
        trials.add(format!("with PyTorch: {one}"), one, agrees_with_torch);
    }
    // How an interpreter is built makes no difference to what extensions do.
    interpreters.dedup_by_key(|one| (one.version.0, one.version.1));
    for one in &interpreters {
        if Packages::Extensions.is_for(one) {
            let name = format!("with extension libraries: {one}");
            trials.add(name, one, agrees_with_extension_libraries);
        }
        if Packages::OlderExtensions.is_for(one) {
            let name = format!("with older extension libraries: {one}");
            trials.add(name, one, agrees_with_older_extension_libraries);
        }
    }
    Ok(trials.run())
}

/// Parts of the zoo that libraries of each list make, and more that those of today make.
const ALWAYS: [&str; 6] = [
    "make_numpy",
    "make_pandas",
    "make_pyarrow",
    "make_protobuf",
    "make_gevent",
    "make_zope_interface",
];
const TODAY: [&str; 6] = [
    "make_lxml",
    "make_cryptography",
    "make_orjson",
    "make_pydantic",
    "make_sqlalchemy",
    "make_cffi",
];

fn agrees_with_extension_libraries(interpreter: &Interpreter) -> Result<()> {
    let comparison = compare_with(Packages::Extensions, interpreter)?;
    ensure_made(&comparison, &ALWAYS)?;
    ensure_made(&comparison, &TODAY)
}

fn agrees_with_older_extension_libraries(interpreter: &Interpreter) -> Result<()> {
    let comparison = compare_with(Packages::OlderExtensions, interpreter)?;
    ensure_made(&comparison, &ALWAYS)
}

fn compare_with(packages: Packages, interpreter: &Interpreter) -> Result<Comparison> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let folder = packages.install(interpreter)?;
    let folder = folder.context("the list of packages is gone")?;
    let comparison = oracle::run_with_packages(interpreter, &folder, &exuvia)?;
    hand_over_rules(&format!("{interpreter} {packages:?}"), &comparison)?;
    println!("{comparison}");
    ensure_no_failures(&comparison)?;
    Ok(comparison)
}

fn agrees_with_torch(interpreter: &Interpreter) -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let unpacked = match Unpacked::install(interpreter, "python3-torch")? {
        FromDebian::Unpacked(unpacked) => unpacked,
        FromDebian::NotToBeHad(why) => {
            println!("not tested: PyTorch on {interpreter}: {why}");
            return Ok(());
        }
    };
    let comparison = oracle::run_with_unpacked(interpreter, &unpacked, &exuvia)?;
    hand_over_rules("PyTorch", &comparison)?;
    println!("{comparison}");
    ensure_no_failures(&comparison)?;
    ensure_made(&comparison, &["make_numpy", "make_torch"])
}

/// Fails unless parts of the zoo were made, arrays of objects among them: a library that can't be
/// imported must not pass for one that agrees.
fn ensure_made(comparison: &Comparison, parts: &[&str]) -> Result<()> {
    let missing = &comparison.missing;
    let is_missing = |part: &&&str| missing.iter().any(|one| one == **part);
    let missing: Vec<&&str> = parts.iter().filter(is_missing).collect();
    ensure!(missing.is_empty(), "not made: {missing:?}");
    ensure_arrays(comparison)
}

/// The collector does not see what arrays of objects hold; the comparison has it.
fn ensure_arrays(comparison: &Comparison) -> Result<()> {
    ensure!(comparison.arrays > 0, "no array of objects was compared");
    Ok(())
}

fn agrees_with_its_snapshot(interpreter: &Interpreter) -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let comparison = oracle::run(interpreter, &exuvia)?;
    SupportRecord::new(interpreter, &comparison)?.hand_over(interpreter)?;
    hand_over_rules(&interpreter.to_string(), &comparison)?;
    println!("{comparison}");
    let (objects, types) = (comparison.objects, comparison.types);
    ensure!(objects >= OBJECTS, "only {objects} objects");
    ensure!(types >= TYPES, "only {types} types");
    ensure_no_failures(&comparison)
}

fn ensure_no_failures(comparison: &Comparison) -> Result<()> {
    let failures = comparison.failures.len();
    ensure!(
        failures == 0,
        "{failures} kinds of differences without a reason"
    );
    Ok(())
}
