//! Which interpreter a process runs, and what it looks like.

use super::error::CaptureError;
use super::regions::Regions;
use exuvia_cpython::{Disagreement, Flavor, Invalid, Layout, Version};
use exuvia_inject::attach::{AttachError, Entrance};
use exuvia_memory::{Memory, PageCache, RemoteAddress};
use exuvia_snapshot::Diagnostic;
use exuvia_tracee::{LiveMemory, Mappings, Process, PythonImage};
use exuvia_walker::Target;

/// `_Py_DebugOffsets` begins with this, at the start of `_PyRuntime`, from 3.13 on; a
/// version and the flavor follow.
const COOKIE: &[u8; 8] = b"xdebugpy";
const FREE_THREADED: u64 = 16;
/// How often a running process is asked for its version.
const IDENTIFY_TRIES: usize = 100;

/// The interpreter of a process.
pub(super) struct Interpreter {
    pub(super) layout: Layout,
    pub(super) mappings: Mappings,
    pub(super) executable: String,
    /// Bytes of the process in memory.
    pub(super) resident: u64,
    runtime: RemoteAddress,
    /// Where the table was wrong for this build.
    disagreements: Vec<Disagreement>,
}

impl Interpreter {
    /// Finds the interpreter of a process, while the process runs: what is read here does
    /// not change.
    pub(super) fn find(process: &Process) -> Result<Self, CaptureError> {
        let mappings = Mappings::read(process.pid())?;
        let image = PythonImage::locate(process, &mappings).map_err(CaptureError::located)?;
        let memory = LiveMemory::open(process.pid(), &mappings);
        let executable = process
            .executable()
            .map_or_else(|_| process.name(), |path| path.display().to_string());
        let resident = process.resident_bytes();
        Self::new(image, &memory, mappings, executable, resident)
    }

    /// The interpreter that was found in a process of now or then.
    pub(super) fn new(
        image: PythonImage,
        memory: &impl Memory,
        mappings: Mappings,
        executable: String,
        resident: u64,
    ) -> Result<Self, CaptureError> {
        let layout = layout(memory, &image)?;
        if image.is_debug {
            return Err(CaptureError::DebugBuild {
                version: layout.version,
            });
        }
        Ok(Self {
            layout,
            executable,
            resident,
            runtime: image.runtime,
            mappings,
            disagreements: Vec::new(),
        })
    }

    /// The way into it for code.
    pub(super) fn entrance(self, process: &Process) -> Result<Entrance, AttachError> {
        Entrance::new(process, &self.mappings, self.layout, self.runtime)
    }

    /// Whether the process, which stands still, can be read as it is.
    pub(super) fn is_at_a_safe_moment(&self, memory: &impl Memory) -> bool {
        exuvia_walker::is_safe_moment(memory, &self.layout, self.runtime)
    }

    /// Checks the layout against the process, and corrects what the process itself says
    /// better.
    pub(super) fn fit(&mut self, memory: &impl Memory) -> Result<(), CaptureError> {
        let mut cache = PageCache::new(memory, 0);
        self.disagreements = self.layout.fit(&mut cache, self.runtime)?;
        Ok(())
    }

    /// What was corrected, for the snapshot.
    pub(super) fn corrections(&self) -> Option<Diagnostic> {
        if self.disagreements.is_empty() {
            return None;
        }
        let corrected: Vec<_> = self.disagreements.iter().map(ToString::to_string).collect();
        let corrected = corrected.join("; ");
        Some(Diagnostic {
            code: "layout-corrected".to_owned(),
            message: format!("the layout was corrected by what the process says: {corrected}"),
            count: self.disagreements.len() as u64,
            examples: Vec::new(),
        })
    }

    /// What the walker needs to know.
    pub(super) fn target<'a>(&'a self, regions: &'a Regions) -> Target<'a> {
        Target {
            runtime: self.runtime,
            layout: &self.layout,
            regions: &regions.readable,
            images: &regions.images,
            data: &regions.data,
            absent: &regions.absent,
        }
    }
}

/// The table for the interpreter, by the version that it publishes, or, before 3.11, by what
/// `sys` says.
fn layout(memory: &impl Memory, image: &PythonImage) -> Result<Layout, CaptureError> {
    if let Some(address) = image.py_version {
        let mut word = [0; 4];
        memory.read_exact(address, &mut word)?;
        let version = Version::from_hex(u32::from_le_bytes(word));
        let version = version.ok_or(CaptureError::UnknownVersion)?;
        let flavor = flavor(memory, image.runtime)?;
        return Ok(Layout::for_version(version, flavor)?);
    }
    // The process runs, and may be changing just what is read.
    let mut tries = (0..IDENTIFY_TRIES).map(|_| Layout::identify(memory, image.runtime));
    let found = tries.find_map(|found| found);
    found.ok_or(match image.version_hint {
        // The names of files tell of a version that is supported: `sys` is not there.
        Some(hint) if is_supported(hint) => Invalid::NoInterpreter.into(),
        // Older than what is supported, as far as the names of files tell.
        Some((major, minor)) => CaptureError::OldVersion { major, minor },
        None => CaptureError::UnknownVersion,
    })
}

fn is_supported(series: (u8, u8)) -> bool {
    Layout::supported().any(|(version, _)| (version.major, version.minor) == series)
}

fn flavor(memory: &impl Memory, runtime: RemoteAddress) -> Result<Flavor, CaptureError> {
    let (mut cookie, mut free_threaded) = ([0; 8], [0; 8]);
    memory.read_exact(runtime, &mut cookie)?;
    memory.read_exact(runtime.offset(FREE_THREADED), &mut free_threaded)?;
    if &cookie == COOKIE && u64::from_le_bytes(free_threaded) != 0 {
        return Ok(Flavor::FreeThreaded);
    }
    Ok(Flavor::Gil)
}
