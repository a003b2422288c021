//! A worker of Ray against what it says of itself: a real service with many extensions and many
//! threads.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::{
    Exuvia, Packages, RayWorker, hand_over_rules, oracle, state_of, supported, tracer_of,
};

/// The actor takes so many orders.
const ORDERS: usize = 10_000;

#[test]
fn a_worker_of_ray_agrees_with_its_snapshot() -> Result<()> {
    let interpreters = supported()?;
    let fitting = |one: &&_| Packages::Ray.is_for(one);
    let interpreter = interpreters.iter().rfind(fitting);
    let interpreter = interpreter.context("no interpreter has a list of packages for Ray")?;
    let packages = Packages::Ray.install(interpreter)?;
    let packages = packages.context("the list of packages is gone")?;
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let folder = tempfile::tempdir()?;
    let snapshot = folder.path().join("ray.exuvia");

    let mut worker = RayWorker::start(interpreter, &packages)?;
    let report = worker.report()?;
    exuvia.dump(worker.pid(), &snapshot)?;
    // Its own threads run on and change what the kernel shows of it, so no more can be said.
    assert_eq!(tracer_of(worker.pid())?, 0);
    assert_ne!(state_of(worker.pid())?, 'T');
    let comparison = oracle::compare_process(interpreter, worker.pid(), &report, &snapshot)?;
    hand_over_rules("Ray", &comparison)?;
    println!("{}", worker.versions());
    println!("{comparison}");
    // It works on as if nothing had been.
    assert_eq!(worker.release()?, ORDERS);

    let (objects, types) = (comparison.objects, comparison.types);
    ensure!(objects >= 400_000, "only {objects} objects");
    ensure!(types >= 700, "only {types} types");
    let failures = comparison.failures.len();
    ensure!(
        failures == 0,
        "{failures} kinds of differences without a reason"
    );
    Ok(())
}
