//! Types of an extension that no table describes: asked by their own `tp_traverse`, in a clone.

use anyhow::{Context, Result, ensure};
use exuvia_snapshot::{Diagnostic, NameId, ObjectFlags, ObjectId, Reference, Relation, Snapshot};
use exuvia_testkit::{
    Exuvia, Fingerprint, Interpreter, Launch, Target, native_zoo, supported, zombies_of,
};
use std::path::PathBuf;

/// A process with good and bad types, and a snapshot of it.
struct Scene {
    exuvia: Exuvia,
    target: Target,
    snapshot: Snapshot,
    path: PathBuf,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(interpreter: &Interpreter, extension: &std::path::Path) -> Result<Self> {
        let target = Launch::new(interpreter, "native")?.arg(extension).start()?;
        let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("native.exuvia");
        exuvia.dump(target.pid(), &path)?;
        let snapshot = exuvia_snapshot::open(&path)?;
        Ok(Self {
            exuvia,
            target,
            snapshot,
            path,
            folder,
        })
    }

    /// An object that the greeting names.
    fn named(&self, name: &str) -> Result<ObjectId> {
        let address = self.target.greeting()[name].as_u64();
        let address = address.with_context(|| format!("no {name}"))?;
        let id = self.snapshot.objects.at(address);
        id.with_context(|| format!("{name} is not in the snapshot"))
    }

    /// The instances of a bad type.
    fn bad(&self, name: &str) -> Result<Vec<ObjectId>> {
        let addresses = self.target.greeting()["bad"][name].as_array();
        let addresses = addresses.with_context(|| format!("no {name}"))?;
        let ids = addresses
            .iter()
            .map(|one| self.snapshot.objects.at(one.as_u64()?));
        let ids: Option<Vec<_>> = ids.collect();
        ids.with_context(|| format!("instances of {name} are missing"))
    }

    /// An object that has getters, and what is in its fields.
    fn shown(&self, name: &str) -> Result<Vec<ObjectId>> {
        let addresses = self.target.greeting()["shown"][name].as_array();
        let addresses = addresses.with_context(|| format!("no {name}"))?;
        let ids = addresses
            .iter()
            .map(|one| self.snapshot.objects.at(one.as_u64()?));
        let ids: Option<Vec<_>> = ids.collect();
        ids.with_context(|| format!("{name} is missing"))
    }

    /// What the references to the fields of an object are called, in the order of the fields.
    fn assert_shown(&self, name: &str, steps: &[&str]) -> Result<()> {
        let shown = self.shown(name)?;
        assert_eq!(shown.len(), 1 + steps.len(), "{name}");
        let found: Vec<_> = self.snapshot.references.of(shown[0]).collect();
        for (i, (&field, &step)) in shown[1..].iter().zip(steps).enumerate() {
            let is_it = |one: &&Reference| {
                one.target == field && !one.weak && self.step(one.relation) == step
            };
            let count = found.iter().filter(is_it).count();
            let found: Vec<_> = found.iter().map(|one| self.step(one.relation)).collect();
            assert_eq!(count, 1, "{name}, field {i}: no {step} among {found:?}");
        }
        Ok(())
    }

    fn step(&self, relation: Relation) -> String {
        match relation {
            Relation::Attribute(name) => format!(".{}", self.name(name)),
            Relation::Numbered(_) => "->refs[i]".to_owned(),
            other => format!("{other:?}"),
        }
    }

    fn is_conservative(&self, id: ObjectId) -> bool {
        self.snapshot.objects.flags[id.index()].contains(ObjectFlags::CONSERVATIVE)
    }

    /// The strong references of an object to instances of a type.
    fn references_to(&self, id: ObjectId, type_name: &str) -> Vec<Reference> {
        let all = self.snapshot.references.of(id);
        all.filter(|one| !one.weak && self.snapshot.type_of(one.target).name == type_name)
            .collect()
    }

    fn diagnostic(&self, code: &str) -> Option<&Diagnostic> {
        let mut all = self.snapshot.metadata.diagnostics.iter();
        all.find(|one| one.code == code)
    }

    fn name(&self, NameId(id): NameId) -> &str {
        &self.snapshot.names[id as usize]
    }
}

/// Runs a test with an interpreter of each version for which the extension can be compiled.
fn with_extension(mut test: impl FnMut(&mut Scene) -> Result<()>) -> Result<()> {
    let mut interpreters = supported()?;
    interpreters.dedup_by_key(|one| (one.version.0, one.version.1));
    let mut ran = 0;
    for interpreter in interpreters {
        let Some(extension) = native_zoo::compile(&interpreter)? else {
            println!("not tested: {interpreter} has no Python.h");
            continue;
        };
        let mut scene =
            Scene::new(&interpreter, extension.path()).with_context(|| interpreter.to_string())?;
        test(&mut scene).with_context(|| interpreter.to_string())?;
        scene.target.assert_alive()?;
        println!("tested: {interpreter}");
        ran += 1;
    }
    ensure!(ran > 0, "no interpreter has Python.h");
    Ok(())
}

#[test]
fn extension_types() -> Result<()> {
    with_extension(|scene| {
        what_a_type_keeps_behind_memory_of_its_own_is_found(scene)?;
        getters_name_what_their_type_visits(scene)?;
        getters_that_fail_name_nothing(scene)?;
        what_getters_change_is_not_seen(scene)?;
        slots_and_dictionaries_of_subclasses_have_their_names(scene)?;
        texts_that_a_type_does_not_visit_are_found_by_their_reference_count(scene)?;
        bad_types_cost_their_own_objects_only(scene)?;
        the_process_is_as_it_was(scene)?;
        a_leak_shows_by_type_and_count(scene)?;
        without_native_traversal_words_are_scanned_and_nothing_is_called(scene)?;
        no_step_of_a_path_is_without_a_name(scene)?;
        modules_of_the_same_name_have_states_of_their_own(scene)?;
        Ok(())
    })
}

fn what_a_type_keeps_behind_memory_of_its_own_is_found(scene: &mut Scene) -> Result<()> {
    let holder = scene.named("holder")?;
    assert!(!scene.is_conservative(holder));
    let markers = scene.references_to(holder, "Marker");
    let relations: Vec<_> = markers.iter().map(|one| one.relation).collect();
    let [
        Relation::Attribute(label),
        Relation::Attribute(plain),
        rest @ ..,
    ] = relations.as_slice()
    else {
        anyhow::bail!("{relations:?}");
    };
    assert_eq!(scene.name(*label), "label");
    assert_eq!(scene.name(*plain), "plain");
    // The type and those come first.
    let numbered = [3, 4].map(Relation::Numbered);
    assert_eq!(rest, numbered);
    Ok(())
}

fn getters_name_what_their_type_visits(scene: &mut Scene) -> Result<()> {
    let fields = [".first", ".second", "->refs[i]", ".text"];
    // Only of the first there is a text.
    scene.assert_shown("plain", &fields)?;
    scene.assert_shown("other", &fields[..3])?;
    scene.assert_shown("of nothing", &fields[..3])?;
    scene.assert_shown("twice the same", &fields[..3])?;
    scene.assert_shown("derived", &fields[..3])
}

fn getters_that_fail_name_nothing(scene: &mut Scene) -> Result<()> {
    scene.assert_shown("failing", &["->refs[i]"])?;
    scene.assert_shown("hanging", &["->refs[i]"])?;
    assert_eq!(scene.target.ask("heard")?, "");
    Ok(())
}

/// Getters add references in the copy of the process, and take some away.
fn what_getters_change_is_not_seen(scene: &mut Scene) -> Result<()> {
    scene.assert_shown("changing", &[".first", "->refs[i]", ".out"])?;
    for name in [
        "plain", "other", "derived", "failing", "hanging", "changing",
    ] {
        for marker in scene.references_to(scene.shown(name)?[0], "Marker") {
            let refcount = scene.snapshot.objects.refcount[marker.target.index()];
            assert_eq!(refcount, 1, "{name}: {marker:?}");
        }
    }
    Ok(())
}

fn slots_and_dictionaries_of_subclasses_have_their_names(scene: &mut Scene) -> Result<()> {
    let slotted = scene.named("slotted")?;
    assert!(!scene.is_conservative(slotted));
    let markers = scene.references_to(slotted, "Marker");
    let [slot, behind] = markers.as_slice() else {
        anyhow::bail!("{markers:?}");
    };
    assert!(matches!(slot.relation, Relation::Attribute(name) if scene.name(name) == "slot"));
    assert!(matches!(behind.relation, Relation::Numbered(_)));
    let dicts = scene.references_to(slotted, "dict");
    let relations: Vec<_> = dicts.iter().map(|one| one.relation).collect();
    assert_eq!(relations, [Relation::InstanceDict]);
    Ok(())
}

fn texts_that_a_type_does_not_visit_are_found_by_their_reference_count(
    scene: &mut Scene,
) -> Result<()> {
    let leaving = scene.named("leaving")?;
    assert!(!scene.is_conservative(leaving));
    let texts = scene.references_to(leaving, "str");
    let relations: Vec<_> = texts.iter().map(|one| one.relation).collect();
    assert!(
        matches!(relations[..], [Relation::Word(_)]),
        "{relations:?}"
    );
    Ok(())
}

fn bad_types_cost_their_own_objects_only(scene: &mut Scene) -> Result<()> {
    let failed = scene.diagnostic("native-failed").context("no diagnostic")?;
    assert_eq!(failed.count, 4 * 5, "{failed:?}");
    let reasons = [
        "native_zoo.Crashing: SIGSEGV",
        "native_zoo.Hanging: it did not return",
        "native_zoo.Nonsense: it visited what is no object",
        "native_zoo.Speaking: system call",
    ];
    for reason in reasons {
        assert!(failed.message.contains(reason), "{failed:?}");
    }
    for name in ["Crashing", "Hanging", "Nonsense", "Speaking"] {
        for one in scene.bad(name)? {
            assert!(scene.is_conservative(one), "{name}");
            // What lies in its own words is found all the same.
            let markers = scene.references_to(one, "Marker");
            assert!(
                matches!(
                    markers[..],
                    [Reference {
                        relation: Relation::Word(_),
                        ..
                    }]
                ),
                "{name}: {markers:?}"
            );
        }
    }
    assert_eq!(scene.target.ask("heard")?, "");
    Ok(())
}

fn the_process_is_as_it_was(scene: &mut Scene) -> Result<()> {
    let before = Fingerprint::of(scene.target.pid())?;
    let path = scene.folder.path().join("again.exuvia");
    scene.exuvia.dump(scene.target.pid(), &path)?;
    before.assert_unchanged(scene.target.pid())?;
    assert_eq!(zombies_of(scene.target.pid())?, Vec::<u32>::new());
    assert_eq!(scene.target.ask("heard")?, "");
    Ok(())
}

fn a_leak_shows_by_type_and_count(scene: &mut Scene) -> Result<()> {
    let arguments = ["heap".as_ref(), scene.path.as_os_str(), "--all".as_ref()];
    let table = scene.exuvia.run(arguments)?;
    table.expect_success()?;
    let mut rows = table.stdout.lines();
    let row = rows.find(|row| row.ends_with(" __main__.Leaked"));
    let count = row.and_then(|row| row.split_whitespace().nth(1));
    let leaked = scene.target.greeting()["leaked"].to_string();
    assert_eq!(count, Some(leaked.as_str()), "{}", table.stdout);

    let kind = ["--kind".as_ref(), "__main__.Leaked".as_ref()];
    let paths = ["paths".as_ref(), scene.path.as_os_str()];
    let paths = scene.exuvia.run(paths.into_iter().chain(kind))?;
    paths.expect_success()?;
    assert!(
        paths.stdout.contains("hp.Root.native_Leaked"),
        "{}",
        paths.stdout
    );
    Ok(())
}

fn without_native_traversal_words_are_scanned_and_nothing_is_called(
    scene: &mut Scene,
) -> Result<()> {
    let path = scene.folder.path().join("scanned.exuvia");
    let pid = scene.target.pid_text();
    let arguments: [&std::ffi::OsStr; 5] = [
        "dump".as_ref(),
        pid.as_ref(),
        "-o".as_ref(),
        path.as_ref(),
        "--no-native".as_ref(),
    ];
    let outcome = scene.exuvia.run(arguments)?;
    outcome.expect_success()?;
    scene.snapshot = exuvia_snapshot::open(&path)?;
    assert_eq!(scene.diagnostic("native-failed"), None);
    let scanned = scene.diagnostic("scanned").context("no diagnostic")?;
    let many = scene.target.greeting()["many"]
        .as_u64()
        .context("no many")?;
    assert!(scanned.count > many, "{scanned:?}");
    let holder = scene.named("holder")?;
    assert!(scene.is_conservative(holder));
    // The label, and what a word leads to; not what is behind a pointer.
    assert_eq!(scene.references_to(holder, "Marker").len(), 2);
    Ok(())
}

fn no_step_of_a_path_is_without_a_name(scene: &mut Scene) -> Result<()> {
    let kind = ["--kind".as_ref(), "__main__.Marker".as_ref()];
    let paths = ["paths".as_ref(), scene.path.as_os_str(), "--all".as_ref()];
    let paths = scene.exuvia.run(paths.into_iter().chain(kind))?;
    paths.expect_success()?;
    assert!(
        paths.stdout.contains("['holder'].label"),
        "{}",
        paths.stdout
    );
    assert!(
        paths.stdout.contains("['holder']->refs[3]"),
        "{}",
        paths.stdout
    );
    assert!(!paths.stdout.contains(".??"), "{}", paths.stdout);
    Ok(())
}

/// A table is found by the name of a module and the size of its state.
fn modules_of_the_same_name_have_states_of_their_own(scene: &mut Scene) -> Result<()> {
    let namesake = scene.named("namesake")?;
    let markers = scene.references_to(namesake, "Marker");
    let relations: Vec<_> = markers.iter().map(|one| one.relation).collect();
    assert_eq!(relations, [Relation::Word(0)]);
    let original = scene.named("original")?;
    let states = scene.snapshot.references.of(original);
    let is_word = |one: &Reference| matches!(one.relation, Relation::Word(_));
    assert_eq!(states.filter(is_word).count(), 0);
    Ok(())
}
