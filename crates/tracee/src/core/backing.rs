use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exuvia_memory::{Memory, RemoteAddress};

use super::error::CoreError;
use super::identity::{BuildId, HEAD, Identity};
use super::memory::{Area, CoreMemory};
use crate::Mappings;
use crate::elf::read_table;
use crate::mapped::open_regular;

/// Where to look for the files that a process had mapped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// The program, wherever it is now.
    pub program: Option<PathBuf>,
    /// The root of the other machine's files, or a folder with copies of them.
    pub sysroot: Option<PathBuf>,
}

/// A file whose contents a core leaves out and that is not to be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MissingFile {
    /// Its path when the process ran.
    pub path: PathBuf,
    /// Whether it is the program.
    pub is_program: bool,
    /// Why it is not to be had.
    pub why: WhyMissing,
}

/// Why a mapped file is not to be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WhyMissing {
    /// Nothing of that name is here.
    Absent,
    /// What has its name is another build.
    Another {
        /// Where that is.
        place: PathBuf,
        /// The build-id that was mapped.
        wanted: Option<BuildId>,
        /// The build-id of what is there.
        found: Option<BuildId>,
    },
}

/// The files that a process had mapped.
#[derive(Debug, Default)]
pub(super) struct Backing {
    files: Vec<MappedFile>,
}

#[derive(Debug)]
struct MappedFile {
    path: PathBuf,
    is_program: bool,
    /// A part of it may be executed.
    has_code: bool,
    areas: Vec<Area>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// It was found. Whether it is the one that was mapped may not be known.
    Found { file: Arc<File>, proven: bool },
    /// It is not to be had.
    Missing(WhyMissing),
    /// Nobody needs it: it is neither program nor library, or the core has all of it.
    NotNeeded,
}

impl Backing {
    /// Looks for all files. `memory` is what the core itself has.
    pub(super) fn find(
        memory: &CoreMemory,
        mappings: &Mappings,
        program: Option<&Path>,
        places: &Places,
    ) -> Result<Self, CoreError> {
        let mut backing = Self::default();
        let mut known: HashMap<&Path, usize> = HashMap::new();
        for mapping in mappings {
            let Some(path) = mapping.path.as_deref() else {
                continue;
            };
            let area = Area {
                range: mapping.start.get()..mapping.end.get(),
                offset: mapping.offset,
            };
            let is_code = mapping.permissions.executable;
            let next = backing.files.len();
            let place = *known.entry(path).or_insert(next);
            if let Some(file) = backing.files.get_mut(place) {
                file.areas.push(area);
                file.has_code |= is_code;
                continue;
            }
            backing.files.push(MappedFile {
                path: path.to_path_buf(),
                is_program: program == Some(path),
                has_code: is_code,
                areas: vec![area],
                state: State::NotNeeded,
            });
        }
        for file in &mut backing.files {
            file.state = match file.look_for(memory, places)? {
                State::Missing(_) if file.is_whole_in(memory) => State::NotNeeded,
                state => state,
            };
        }
        Ok(backing)
    }

    pub(super) fn program(&self) -> Option<&Path> {
        let mut files = self.files.iter();
        Some(&files.find(|file| file.is_program)?.path)
    }

    /// The parts of the files that were found.
    pub(super) fn areas(&self) -> impl Iterator<Item = (&Arc<File>, &Area)> {
        self.files.iter().flat_map(|mapped| {
            let file = match &mapped.state {
                State::Found { file, .. } => Some(file),
                _ => None,
            };
            file.into_iter()
                .flat_map(|file| mapped.areas.iter().map(move |area| (file, area)))
        })
    }

    /// The file that was mapped under a path.
    pub(super) fn open(&self, path: &Path) -> Option<File> {
        let file = self.files.iter().find(|file| file.path == path)?;
        match &file.state {
            State::Found { file, .. } => file.try_clone().ok(),
            _ => None,
        }
    }

    pub(super) fn missing(&self) -> impl Iterator<Item = MissingFile> {
        self.files.iter().filter_map(|file| match &file.state {
            State::Missing(why) => Some(MissingFile {
                path: file.path.clone(),
                is_program: file.is_program,
                why: why.clone(),
            }),
            _ => None,
        })
    }

    pub(super) fn unproven(&self) -> impl Iterator<Item = &Path> {
        let unproven =
            |file: &&MappedFile| matches!(file.state, State::Found { proven: false, .. });
        self.files.iter().filter(unproven).map(|file| &*file.path)
    }
}

/// What the core has of the beginning of a file.
enum Beginning {
    Elf(Identity),
    Data,
    Unknown,
}

impl MappedFile {
    fn look_for(&self, memory: &CoreMemory, places: &Places) -> Result<State, CoreError> {
        let wanted = match self.beginning(memory) {
            Beginning::Data => return Ok(State::NotNeeded),
            Beginning::Elf(identity) => Some(identity),
            // Of what is no ELF file the kernel leaves the first page out as well.
            Beginning::Unknown if !self.has_code => return Ok(State::NotNeeded),
            Beginning::Unknown => None,
        };
        let given = places.program.as_deref().filter(|_| self.is_program);
        let candidates = match given {
            Some(given) => vec![given.to_path_buf()],
            None => self.candidates(places, wanted.is_some()),
        };
        let mut why = WhyMissing::Absent;
        for place in candidates {
            let Some((file, found)) = open_elf(&place) else {
                continue;
            };
            if wanted.as_ref().is_none_or(|wanted| wanted.is_same(&found)) {
                return Ok(State::Found {
                    file: Arc::new(file),
                    proven: wanted.is_some(),
                });
            }
            if why == WhyMissing::Absent {
                why = WhyMissing::Another {
                    place,
                    wanted: wanted.as_ref().and_then(|wanted| wanted.build_id.clone()),
                    found: found.build_id,
                };
            }
        }
        match (given, why) {
            (None, why) => Ok(State::Missing(why)),
            (Some(given), WhyMissing::Absent) => Err(CoreError::NotAProgram {
                path: given.to_path_buf(),
            }),
            (Some(given), WhyMissing::Another { wanted, found, .. }) => {
                Err(CoreError::WrongProgram {
                    given: given.to_path_buf(),
                    found,
                    path: self.path.clone(),
                    wanted,
                })
            }
        }
    }

    fn is_whole_in(&self, memory: &CoreMemory) -> bool {
        let mut areas = self.areas.iter();
        areas.all(|area| memory.has(area.range.clone()))
    }

    fn beginning(&self, memory: &CoreMemory) -> Beginning {
        let Some(first) = self.areas.iter().find(|area| area.offset == 0) else {
            return Beginning::Unknown;
        };
        let mut page = vec![0; HEAD];
        match memory.read_exact(RemoteAddress::new(first.range.start), &mut page) {
            Ok(()) => Identity::of(&page).map_or(Beginning::Data, Beginning::Elf),
            Err(_) => Beginning::Unknown,
        }
    }

    /// Where the file may be. One that can't be told from others is looked for only where it
    /// must be.
    fn candidates(&self, places: &Places, can_be_told: bool) -> Vec<PathBuf> {
        const DELETED: &[u8] = b" (deleted)";
        let bytes = self.path.as_os_str().as_bytes();
        let kept = bytes.strip_suffix(DELETED);
        let path = Path::new(OsStr::from_bytes(kept.unwrap_or(bytes)));
        let mut candidates = Vec::new();
        if let Some(root) = &places.sysroot {
            candidates.push(root.join(path.strip_prefix("/").unwrap_or(path)));
            candidates.extend(path.file_name().map(|name| root.join(name)));
        }
        if can_be_told || (places.sysroot.is_none() && kept.is_none()) {
            candidates.push(path.to_path_buf());
        }
        candidates
    }
}

fn open_elf(place: &Path) -> Option<(File, Identity)> {
    let file = open_regular(place, |_| true)?;
    let length = file.metadata().ok()?.len().min(HEAD as u64);
    let mut page: Vec<u8> = read_table(&file, 0, length)?;
    page.resize(HEAD, 0);
    let identity = Identity::of(&page)?;
    Some((file, identity))
}

impl fmt::Display for MissingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            WhyMissing::Absent => write!(f, "{path} is not here"),
            WhyMissing::Another {
                place,
                wanted,
                found,
            } => write!(
                f,
                "{} is another build than the {path} that was mapped ({})",
                place.display(),
                builds(found.as_ref(), wanted.as_ref()),
            ),
        }
    }
}

/// Two build-ids that differ, for a message.
pub(super) fn builds(found: Option<&BuildId>, wanted: Option<&BuildId>) -> String {
    let text = |id: Option<&BuildId>| id.map_or_else(|| "none".to_owned(), ToString::to_string);
    format!("build-id {}, not {}", text(found), text(wanted))
}
