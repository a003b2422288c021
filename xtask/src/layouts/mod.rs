//! `cargo xtask layouts`: writes `layouts/*.toml` from the DWARF of CPython builds.
//!
//! What is wanted comes from the lists in `exuvia-cpython` and from the two hand-written
//! files beside the tables, `types.toml` and `roots.toml`; where it lies comes from DWARF.

mod builds;
mod check;
mod debian;
mod dwarf;
mod free_threaded;
mod headers;
mod lookup;
mod pointers;
mod proof;
mod relayout;
mod roots;
mod shapes;
mod structs;
mod table;
mod types;
mod variants;
mod wanted_types;

use std::fs;
use std::path::PathBuf;
use std::thread::ScopedJoinHandle;

use anyhow::{Context, Result, bail};

use crate::cargo;
use builds::Build;
use dwarf::Image;
use table::Table;

/// Generate the layout tables from DWARF
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compare with the tables that are there instead of writing them
    #[arg(long)]
    check: bool,

    /// Installation prefixes to read instead of those of pyenv
    #[arg(value_name = "PREFIX")]
    prefixes: Vec<PathBuf>,
}

/// Writes or checks the table of each build that this machine has.
pub(crate) fn run(args: &Args) -> Result<()> {
    match args.check {
        true => check::run(&args.prefixes),
        false => write(&args.prefixes),
    }
}

/// The check alone, of whatever can be checked here.
pub(crate) fn check() -> Result<()> {
    check::run(&[])
}

fn write(prefixes: &[PathBuf]) -> Result<()> {
    let wanted = Wanted::read()?;
    let mut builds = Vec::new();
    for build in builds::find(prefixes)? {
        if let Some(variants) = build.variants()? {
            builds.push((build, variants));
        }
    }
    let is_all = builds.len() == builds::count();
    let sources = Sources::read(builds)?;
    if is_all {
        wanted.check_all_used(&sources)?;
    }
    sources.prove(&wanted)?;
    for source in &sources.0 {
        let path = folder().join(source.build.file_name());
        let text = source.table(&wanted)?;
        if !fs::read_to_string(&path).is_ok_and(|old| old == text) {
            fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
            eprintln!("wrote {}", path.display());
        }
    }
    Ok(())
}

/// The folder of the tables.
fn folder() -> PathBuf {
    cargo::root().join("layouts")
}

/// What is wanted by hand.
struct Wanted {
    types: wanted_types::Wanted,
    roots: roots::Wanted,
}

impl Wanted {
    fn read() -> Result<Self> {
        Ok(Self {
            types: wanted_types::Wanted::read(&folder().join("types.toml"))?,
            roots: roots::Wanted::read(&folder().join("roots.toml"))?,
        })
    }

    /// With every build at hand, what none of them has is a slip of the pen.
    fn check_all_used(&self, sources: &Sources) -> Result<()> {
        let images: Vec<_> = sources.0.iter().map(|source| &source.image).collect();
        self.types.check_all_used(&images)?;
        self.roots.check_all_used(&images)
    }
}

/// What tables are made of.
struct Sources(Vec<Source>);

/// What one table is made of.
struct Source {
    build: Build,
    image: Image,
    variants: Vec<(Build, Image)>,
}

impl Sources {
    /// Reads builds and their variants, each in a thread of its own.
    fn read(builds: Vec<(Build, Vec<Build>)>) -> Result<Self> {
        let of_each = std::thread::scope(|scope| {
            let threads: Vec<_> = builds
                .iter()
                .map(|(build, variants)| {
                    let read = |build| scope.spawn(move || Build::image(build));
                    (read(build), variants.iter().map(read).collect::<Vec<_>>())
                })
                .collect();
            let joined = threads.into_iter().map(|(own, variants)| {
                let variants = variants.into_iter().map(joined).collect::<Result<Vec<_>>>();
                Ok((joined(own)?, variants?))
            });
            joined.collect::<Result<Vec<_>>>()
        })?;
        let sources = builds.into_iter().zip(of_each);
        let sources = sources.map(|((build, variants), (image, images))| Source {
            build,
            image,
            variants: variants.into_iter().zip(images).collect(),
        });
        Ok(Self(sources.collect()))
    }

    /// Where both builds of a release are here, compares what is computed with what is.
    fn prove(&self, wanted: &Wanted) -> Result<()> {
        for source in self.0.iter().filter(|source| source.build.is_proof()) {
            if let Some(computed) = free_threaded::computed()? {
                let series = source.build.series();
                proof::compare(&source.image, &computed, &series, &wanted.types)?;
            }
        }
        Ok(())
    }
}

fn joined(thread: ScopedJoinHandle<'_, Result<Image>>) -> Result<Image> {
    let read = thread.join();
    read.unwrap_or_else(|_| bail!("a thread that read DWARF has panicked"))
}

impl Source {
    /// The text of its table.
    fn table(&self, wanted: &Wanted) -> Result<String> {
        self.generate(wanted)
            .with_context(|| format!("for CPython {}", self.build.version))
    }

    fn generate(&self, wanted: &Wanted) -> Result<String> {
        let (build, image) = (&self.build, &self.image);
        let source = types::Source {
            image,
            series: build.series(),
        };
        let mut table = Table {
            version: build.version,
            flavor: build.flavor(),
            source: build.source(),
            shapes: shapes::shapes(image)?,
            constants: structs::constants(image),
            structs: structs::structs(image)?,
            debug_offsets: structs::debug_offsets(image)?,
            roots: wanted.roots.resolve(image)?,
            types: wanted.types.types(&source)?,
            modules: wanted.types.modules(&source)?,
            variants: Vec::new(),
        };
        for (build, image) in &self.variants {
            table.vary(build, image, &wanted.types, &wanted.roots)?;
        }
        Ok(table.to_string())
    }
}
