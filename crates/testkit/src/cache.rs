use anyhow::{Context, Result};
use std::env;
use std::path::PathBuf;

/// Where things are kept between runs, outside of the checkout: `$EXUVIA_CACHE`, else
/// `~/.cache/exuvia`.
pub fn cache_folder() -> Result<PathBuf> {
    if let Some(cache) = env::var_os("EXUVIA_CACHE") {
        return Ok(cache.into());
    }
    let home = env::home_dir().context("no home directory; set EXUVIA_CACHE")?;
    Ok(home.join(".cache/exuvia"))
}

/// Where `cargo xtask pythons` keeps the interpreters that it gathers: a folder each, which
/// is the root of a whole system (it has `usr/bin`) or an installation prefix (`bin`).
/// Names that begin with a dot are of no interpreter.
pub fn gathered_folder() -> Result<PathBuf> {
    Ok(cache_folder()?.join("pythons"))
}
