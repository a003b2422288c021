//! A target with extension libraries, and its snapshot.

use anyhow::{Context, Result, ensure};
use exuvia_snapshot::{ObjectId, Snapshot};
use exuvia_testkit::{Exuvia, FromDebian, Launch, Packages, Target, Unpacked, supported};
use serde_json::Value;
use std::ffi::OsStr;
use std::fmt::{Debug, Display};
use std::path::PathBuf;

/// Runs a test with an interpreter of every version that has packages, and then with the
/// older ones; fails with everything that is wrong in any of them.
pub(crate) fn with_packages(
    program: &str,
    mut test: impl FnMut(&mut Scene) -> Result<()>,
) -> Result<()> {
    let mut ran = 0;
    let mut wrong = String::new();
    let mut interpreters = supported()?;
    // How an interpreter is built makes no difference to what extensions do.
    interpreters.dedup_by_key(|interpreter| (interpreter.version.0, interpreter.version.1));
    for interpreter in interpreters {
        for packages in [Packages::Extensions, Packages::OlderExtensions] {
            let Some(folder) = packages.install(&interpreter)? else {
                println!("not tested: {interpreter}: no list of packages ({packages:?})");
                continue;
            };
            let name = format!("{program} on {interpreter} with {packages:?}");
            let launch = Launch::new(&interpreter, program)?.arg(&folder);
            wrong += &run(&name, launch, &mut test).context(name)?;
            ran += 1;
        }
    }
    ensure!(ran > 0, "no interpreter has packages");
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

/// Runs a test with a package of Debian and the machine's own interpreter; says so where
/// that can't be had.
pub(crate) fn with_debian(
    package: &str,
    program: &str,
    mut test: impl FnMut(&mut Scene) -> Result<()>,
) -> Result<()> {
    let interpreters = supported()?;
    let Some(interpreter) = interpreters.iter().find(|one| Unpacked::is_for(one)) else {
        println!("not tested: {program}: the machine's own Python is not Debian's");
        return Ok(());
    };
    let unpacked = match Unpacked::install(interpreter, package)? {
        FromDebian::Unpacked(unpacked) => unpacked,
        FromDebian::NotToBeHad(why) => {
            println!("not tested: {program} on {interpreter}: {why}");
            return Ok(());
        }
    };
    let name = format!("{program} on {interpreter}");
    let launch = Launch::new(interpreter, program)?
        .arg(unpacked.modules())
        .variable("LD_LIBRARY_PATH", unpacked.library_path()?);
    let wrong = run(&name, launch, &mut test).context(name)?;
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

/// Starts a program, dumps it and tests that; returns everything that is wrong.
fn run(
    name: &str,
    launch: Launch,
    test: &mut impl FnMut(&mut Scene) -> Result<()>,
) -> Result<String> {
    let mut scene = Scene::new(launch)?;
    test(&mut scene)?;
    scene.target.assert_alive()?;
    let version = &scene.target.greeting()["version"];
    println!("tested: {name}: {version}");
    if scene.wrong.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("{name}: {version}\n{}", scene.wrong))
}

/// A program with extension libraries, and one snapshot of it for all questions.
pub(crate) struct Scene {
    pub(crate) target: Target,
    pub(crate) snapshot: Snapshot,
    exuvia: Exuvia,
    directory: PathBuf,
    /// The directory is in it.
    _folder: tempfile::TempDir,
    /// Everything that is not as expected.
    wrong: String,
}

impl Scene {
    fn new(launch: Launch) -> Result<Self> {
        let target = launch.start()?;
        let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
        let folder = tempfile::tempdir()?;
        let directory = folder.path().join("extensions.exuvia");
        exuvia.dump(target.pid(), &directory)?;
        Ok(Self {
            snapshot: exuvia_snapshot::open(&directory)?,
            target,
            exuvia,
            directory,
            _folder: folder,
            wrong: String::new(),
        })
    }

    /// What the program said of itself under a name: pairs of a name and a value.
    pub(crate) fn said(&self, name: &str) -> Result<Vec<(String, Value)>> {
        let said = self.target.greeting()[name].as_object();
        let said = said.with_context(|| format!("the program says nothing of {name}"))?;
        Ok(said.clone().into_iter().collect())
    }

    /// The object at an address that the program gave.
    pub(crate) fn object(&self, address: &Value) -> Result<ObjectId> {
        let address = address.as_u64().context("not an address")?;
        let found = self.snapshot.objects.at(address);
        found.with_context(|| format!("no object at {address:#x}"))
    }

    /// `sys.getsizeof` of an object, and what the allocator holds for it.
    pub(crate) fn sizes(&self, object: ObjectId) -> (u64, u64) {
        let objects = &self.snapshot.objects;
        (
            objects.size[object.index()],
            objects.allocated[object.index()],
        )
    }

    /// What `exuvia paths` prints for the object at an address that the program gave.
    pub(crate) fn paths(&self, address: &Value) -> Result<String> {
        let address = address.as_u64().context("not an address")?;
        let address = format!("{address:#x}");
        let arguments: [&OsStr; 4] = [
            "paths".as_ref(),
            self.directory.as_ref(),
            "--at".as_ref(),
            address.as_ref(),
        ];
        let outcome = self.exuvia.run(arguments)?;
        outcome.expect_success()?;
        Ok(outcome.stdout)
    }

    /// Notes it when two things differ.
    pub(crate) fn compare<T: PartialEq + Debug>(
        &mut self,
        what: impl Display,
        found: T,
        wanted: T,
    ) {
        if found != wanted {
            self.wrong += &format!("{what}: found {found:?}, expected {wanted:?}\n");
        }
    }

    /// Notes it when something does not hold.
    pub(crate) fn check(&mut self, holds: bool, what: impl Display) {
        if !holds {
            self.wrong += &format!("{what}\n");
        }
    }
}
