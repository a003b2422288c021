//! Whether the tables are what the generator makes of the builds that are here.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::builds::{self, Build, files};
use super::{Sources, Wanted, folder};

/// Compares the tables with what their builds say, and names each that can't be compared: its
/// build is not here, is of another release, or has no DWARF.
pub(super) fn run(prefixes: &[PathBuf]) -> Result<()> {
    let wanted = Wanted::read()?;
    let mut tables = tables()?;
    let mut not_checked = BTreeMap::new();
    let mut builds = Vec::new();
    for build in builds::find(prefixes)? {
        let name = build.file_name();
        let Some(table) = tables.get(&name) else {
            bail!("no {name}\nhint: run `cargo xtask layouts`");
        };
        let Some(variants) = build.variants()? else {
            not_checked.insert(name, "later releases of its series are not here".to_owned());
            continue;
        };
        let missing = std::iter::once(&build).chain(&variants);
        let missing = missing.filter_map(Build::missing_dwarf).next();
        match made_of_others(table, &build, &variants).or(missing) {
            Some(reason) => {
                not_checked.insert(name, reason);
            }
            None => builds.push((build, variants)),
        }
    }
    let sources = Sources::read(builds)?;
    if sources.0.len() == builds::count() {
        wanted.check_all_used(&sources)?;
    }
    sources.prove(&wanted)?;
    let mut stale = Vec::new();
    for source in &sources.0 {
        let name = source.build.file_name();
        if tables.remove(&name) != Some(source.table(&wanted)?) {
            stale.push(name);
        }
    }
    for name in tables.keys() {
        let reason = not_checked.get(name);
        let reason = reason.map_or("its build is not here", String::as_str);
        eprintln!("not checked: {name}: {reason}");
    }
    if !stale.is_empty() {
        bail!(
            "not what DWARF says: {}\nhint: run `cargo xtask layouts`",
            stale.join(", ")
        );
    }
    eprintln!("{} tables are what DWARF says", sources.0.len());
    Ok(())
}

/// The tables that are there, by the names of their files.
fn tables() -> Result<BTreeMap<String, String>> {
    let mut tables = BTreeMap::new();
    for path in files(&folder())? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // The others are written by hand.
        if name.ends_with("-gil.toml") || name.ends_with("-free-threaded.toml") {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("can't read {}", path.display()))?;
            tables.insert(name.into_owned(), text);
        }
    }
    Ok(tables)
}

/// Says so when a table was made of other builds than these: of other releases, for instance.
fn made_of_others(table: &str, build: &Build, variants: &[Build]) -> Option<String> {
    let sources = table.lines().filter_map(|line| {
        let source = line.strip_prefix("source = \"")?;
        source.strip_suffix('"')
    });
    let here = std::iter::once(build).chain(variants).map(Build::source);
    if sources.clone().eq(here.clone()) {
        return None;
    }
    let (there, here): (Vec<_>, Vec<_>) = (sources.collect(), here.collect());
    Some(format!(
        "it was made from {}; here is {}",
        there.join(" and "),
        here.join(" and ")
    ))
}
