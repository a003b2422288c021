//! `cargo xtask layouts`: writes `layouts/*.toml` from the DWARF of CPython builds.
//!
//! What is wanted comes from the lists in `exuvia-cpython` and from the two hand-written
//! files beside the tables, `types.toml` and `roots.toml`; where it lies comes from DWARF.

mod builds;
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
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

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
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../layouts");
    let types = wanted_types::Wanted::read(&directory.join("types.toml"))?;
    let roots = roots::Wanted::read(&directory.join("roots.toml"))?;
    let builds = builds::find(&args.prefixes)?;
    let mut images = Vec::new();
    for build in &builds {
        eprintln!("reading {}", build.path().display());
        images.push(build.image()?);
    }
    if builds.len() == builds::count() {
        // With every build at hand, what none of them has is a slip of the pen.
        types.check_all_used(&images)?;
        roots.check_all_used(&images)?;
    }
    for (build, image) in builds
        .iter()
        .zip(&images)
        .filter(|(build, _)| build.is_proof())
    {
        if let Some(computed) = free_threaded::computed()? {
            proof::compare(image, &computed, &build.series(), &types)?;
        }
    }
    let mut stale = Vec::new();
    for (build, image) in builds.iter().zip(&images) {
        let Some(variants) = build.variants()? else {
            continue;
        };
        let text = generate(build, image, &variants, &types, &roots)
            .with_context(|| format!("for CPython {}", build.version))?;
        let path = directory.join(build.file_name());
        let same = fs::read_to_string(&path).is_ok_and(|old| old == text);
        if args.check && !same {
            stale.push(path.display().to_string());
        } else if !same {
            fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
            eprintln!("wrote {}", path.display());
        }
    }
    if !stale.is_empty() {
        bail!(
            "not what DWARF says: {}\nhint: run `cargo xtask layouts`",
            stale.join(", ")
        );
    }
    Ok(())
}

fn generate(
    build: &Build,
    image: &Image,
    variants: &[Build],
    types: &wanted_types::Wanted,
    roots: &roots::Wanted,
) -> Result<String> {
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
        roots: roots.resolve(image)?,
        types: types.types(&source)?,
        modules: types.modules(&source)?,
        variants: Vec::new(),
    };
    for variant in variants {
        eprintln!("reading {}", variant.path().display());
        table.vary(variant, types, roots)?;
    }
    Ok(table.to_string())
}
