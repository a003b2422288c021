use super::measured::Sample;
use anyhow::{Context, Result, bail, ensure};
use exuvia_testkit::Exuvia;
use serde::Deserialize;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use wait4::Wait4;

/// The kind of the service's rare object.
const RARE: &str = "__main__.Beacon";

/// The release build of exuvia.
#[derive(Debug)]
pub(super) struct Tool {
    program: PathBuf,
}

/// What one run of exuvia took, and what it said.
#[derive(Debug)]
struct Finished {
    sample: Sample,
    stdout: String,
}

/// As far as it matters here, what `--json` prints, and what `snapshot.json` holds.
#[derive(Debug, Deserialize)]
struct Document {
    capture: Capture,
}

#[derive(Debug, Deserialize)]
struct Capture {
    frozen: f64,
    mode: String,
}

#[derive(Debug, Deserialize)]
struct Heap {
    count: u64,
}

#[derive(Debug, Deserialize)]
struct Paths {
    paths: Vec<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Counted {
    counts: Counts,
}

#[derive(Debug, Deserialize)]
struct Counts {
    objects: u64,
}

impl Tool {
    /// Its program file.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// The tool, by its program file.
    pub(super) fn at(program: PathBuf) -> Result<Self> {
        let program = program
            .canonicalize()
            .with_context(|| program.display().to_string())?;
        Ok(Self { program })
    }

    /// How many objects `exuvia heap` counts in a process.
    pub(super) fn count_objects(&self, pid: u32) -> Result<u64> {
        let finished = self.run(&["heap", &pid.to_string(), "--json"])?;
        let heap: Heap = serde_json::from_str(&finished.stdout)?;
        Ok(heap.count)
    }

    /// `exuvia heap`; also the number of objects that it counts.
    pub(super) fn heap(&self, pid: u32) -> Result<(Sample, u64)> {
        self.heap_with(pid, &[])
    }

    /// The same with further options.
    pub(super) fn heap_with(&self, pid: u32, options: &[&str]) -> Result<(Sample, u64)> {
        let pid = pid.to_string();
        // The document has the first rows only, as the table has.
        let arguments = ["heap", &pid, "--json", "--top", "10"];
        let finished = self.run(&[&arguments, options].concat())?;
        let heap: Heap = serde_json::from_str(&finished.stdout)?;
        Ok((finished.said_by_stdout()?, heap.count))
    }

    /// `exuvia paths` of the rare object.
    pub(super) fn paths(&self, pid: u32) -> Result<Sample> {
        let finished = self.run(&["paths", &pid.to_string(), "--kind", RARE, "--json"])?;
        let found: Paths = serde_json::from_str(&finished.stdout)?;
        ensure!(!found.paths.is_empty(), "no path to {RARE}");
        finished.said_by_stdout()
    }

    /// `exuvia dump --values none`.
    pub(super) fn dump(&self, pid: u32) -> Result<Sample> {
        let folder = tempfile::tempdir()?;
        let snapshot = folder.path().join("bench.exuvia");
        let directory = snapshot.to_str().context("the temporary folder's name")?;
        let pid = pid.to_string();
        let finished = self.run(&["dump", &pid, "-o", directory, "--values", "none"])?;
        let metadata = fs::read_to_string(snapshot.join("snapshot.json"))?;
        let mut sample = finished.said_by(&metadata)?;
        let counted: Counted = serde_json::from_str(&metadata)?;
        sample.disk = Some(size_of(&snapshot)? as f64 / counted.counts.objects as f64);
        Ok(sample)
    }

    /// `exuvia dump` to a directory. Returns how many objects it has.
    pub(super) fn keep(&self, pid: u32, directory: &Path) -> Result<u64> {
        let name = directory.to_str().context("the temporary folder's name")?;
        self.run(&["dump", &pid.to_string(), "-o", name])?;
        let metadata = fs::read_to_string(directory.join("snapshot.json"))?;
        let counted: Counted = serde_json::from_str(&metadata)?;
        Ok(counted.counts.objects)
    }

    /// A command, with options, on a snapshot: seconds, and the largest resident size.
    pub(super) fn ask(&self, arguments: &[&str], snapshot: &Path) -> Result<(f64, f64)> {
        let (command, options) = arguments.split_first().context("no command")?;
        let snapshot = snapshot.to_str().context("the temporary folder's name")?;
        let finished = self.run(&[&[*command, snapshot], options].concat())?;
        let peak = finished.sample.peak.context("no peak")?;
        Ok((finished.sample.wall, peak))
    }

    /// The same, without the time of opening the snapshot: seconds from the line that says that
    /// answering begins to the end.
    pub(super) fn answer(&self, arguments: &[&str], snapshot: &Path) -> Result<f64> {
        let (command, options) = arguments.split_first().context("no command")?;
        let snapshot = snapshot.to_str().context("the temporary folder's name")?;
        let arguments = [&[*command, snapshot, "--verbose"], options].concat();
        let mut running = Exuvia::at(&self.program).start(arguments)?;
        running.wait_for_line("phase: answering")?;
        let begun = Instant::now();
        running.finish()?.expect_success()?;
        Ok(begun.elapsed().as_secs_f64())
    }

    fn run(&self, arguments: &[&str]) -> Result<Finished> {
        // Files instead of pipes: nobody has to read them while the time is taken.
        let folder = tempfile::tempdir()?;
        let stdout = folder.path().join("stdout");
        let stderr = folder.path().join("stderr");
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?);
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let ended = child.wait4()?;
        let wall = begun.elapsed();
        if !ended.status.success() {
            let complaint = fs::read_to_string(&stderr)?;
            bail!("{command:?}: {}\n{complaint}", ended.status);
        }
        Ok(Finished {
            sample: Sample {
                wall: wall.as_secs_f64(),
                peak: Some(ended.rusage.maxrss as f64),
                ..Sample::default()
            },
            stdout: fs::read_to_string(&stdout)?,
        })
    }
}

impl Finished {
    fn said_by_stdout(&self) -> Result<Sample> {
        self.said_by(&self.stdout)
    }

    /// The sample, with how long the target stood still.
    fn said_by(&self, document: &str) -> Result<Sample> {
        let document: Document = serde_json::from_str(document)?;
        ensure!(
            document.capture.mode == "clone",
            "the process was read while it stood still: no clone"
        );
        Ok(Sample {
            frozen: Some(document.capture.frozen),
            ..self.sample
        })
    }
}

/// The bytes of the files of a folder.
fn size_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
