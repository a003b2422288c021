//! greenlet and gevent: suspended frames.

use crate::common::{Scene, with_packages};
use anyhow::{Context, Result};
use exuvia_snapshot::{ObjectId, Relation};

/// The greenlet that each marker belongs to, and the path from its frames.
const PATHS: &[(&str, &str, &str)] = &[
    ("local", "shallow", "f0.f_locals['marker']"),
    ("deep local", "deep", "f101.f_locals['marker']"),
    ("local below many", "deep", "f0.f_locals['bottom']"),
    ("local below C", "through_c", "f0.f_locals['below']"),
    ("local above C", "through_c", "f1.f_locals['above']"),
    ("local of a generator", "generator", "f1.f_locals['marker']"),
    (
        "local of an inspected frame",
        "inspected",
        "f0.f_locals['marker']",
    ),
];

/// One test, so that each program is started and dumped once.
#[test]
fn suspended_frames() -> Result<()> {
    with_packages("extension_gevent", |scene| {
        locals_of_suspended_greenlets_are_named(scene)?;
        what_greenlets_hold_beside_frames(scene)?;
        a_thousand_sleeping_greenlets(scene)?;
        Ok(())
    })
}

fn locals_of_suspended_greenlets_are_named(scene: &mut Scene) -> Result<()> {
    let markers = scene.target.greeting()["markers"].clone();
    let greenlets = scene.target.greeting()["greenlets"].clone();
    for (marker, greenlet, path) in PATHS {
        let greenlet = &greenlets[greenlet];
        let wanted = format!(" 0: hp.Root.i0_g{greenlet}_{path}\n");
        let found = scene.paths(&markers[marker])?;
        scene.compare(marker, found, wanted);
    }
    Ok(())
}

fn what_greenlets_hold_beside_frames(scene: &mut Scene) -> Result<()> {
    let markers = scene.target.greeting()["markers"].clone();
    let held = " 0: hp.Root.i0_modules['held'].__dict__";
    let marker = "function of a new greenlet";
    let found = scene.paths(&markers[marker])?;
    scene.compare(marker, found, format!("{held}['new'].run.marker\n"));
    // By name, or as `tp_traverse` visits it.
    let found = scene.paths(&markers["exception being handled"])?;
    let is_known = ["->exc_state", "->refs[2]"]
        .iter()
        .any(|step| found == format!("{held}['handling']{step}.args[0]\n"));
    scene.check(is_known, format!("exception: {found}"));
    // A field of gevent's own type, whose instances the collector leaves alone while they
    // sleep.
    let argument = scene.paths(&markers["argument"])?;
    let is_known = argument.starts_with(" 0: hp.Root.i0_")
        && argument.ends_with("[1]\n")
        && argument.contains("['jobs'][1000]");
    scene.check(is_known, format!("argument: {argument}"));
    // The collector does not see this one: it is not waiting to be collected.
    let alone = scene.paths(&markers["local of a greenlet that is alone"])?;
    let is_root = alone.starts_with(" 0: hp.Root.i0_g");
    scene.check(is_root, format!("a greenlet that is alone: {alone}"));
    Ok(())
}

/// Each of a thousand greenlets has its locals, in a frame that the tables name.
fn a_thousand_sleeping_greenlets(scene: &mut Scene) -> Result<()> {
    let sleeping = scene.target.greeting()["sleeping"].clone();
    let sleeping = sleeping.as_array().context("no greenlets")?;
    scene.compare("greenlets", sleeping.len(), 1001);
    for pair in sleeping {
        let (greenlet, marker) = (scene.object(&pair[0])?, scene.object(&pair[1])?);
        let frames = frames_of(scene, greenlet);
        let holder = frames.iter().copied().find(|&frame| {
            let mut references = scene.snapshot.references.of(frame);
            references.any(|r| r.target == marker && matches!(r.relation, Relation::Local(_)))
        });
        let function = holder.and_then(|frame| function_of(scene, frame));
        scene.compare("function", function.as_deref(), Some("outer"));
    }
    Ok(())
}

/// The frames that a greenlet refers to.
fn frames_of(scene: &Scene, greenlet: ObjectId) -> Vec<ObjectId> {
    let references = scene.snapshot.references.of(greenlet);
    let targets = references.map(|reference| reference.target);
    let is_frame = |target: &ObjectId| scene.snapshot.type_of(*target).name == "frame";
    targets.filter(is_frame).collect()
}

fn function_of(scene: &Scene, frame: ObjectId) -> Option<String> {
    let mut rows = scene.snapshot.frames.iter();
    let row = rows.find(|row| row.object == frame)?;
    Some(row.function.clone())
}
