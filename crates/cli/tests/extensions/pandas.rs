//! pandas: frames of objects, and hash tables in memory of C.

use crate::common::{Scene, with_packages};
use anyhow::{Context, Result};

/// One test, so that each program is started and dumped once.
#[test]
fn frames_and_tables() -> Result<()> {
    with_packages("extension_pandas", |scene| {
        what_frames_hold_is_found(scene)?;
        hash_tables_count(scene)?;
        Ok(())
    })
}

fn what_frames_hold_is_found(scene: &mut Scene) -> Result<()> {
    for (name, address) in scene.said("markers")? {
        let path = scene.paths(&address)?;
        // Through the array of a block, or of an index.
        let is_named = path.starts_with(" 0: hp.Root.i0_modules['held'].__dict__['")
            && [".flat[", "[0]\n"].iter().any(|end| path.contains(end));
        scene.check(is_named, format!("{name}: {path}"));
    }
    Ok(())
}

/// The struct of the table, its blocks, and what the allocator adds to each of them.
fn hash_tables_count(scene: &mut Scene) -> Result<()> {
    const MORE: u64 = 64 + 4 * 24;
    for (name, said) in scene.said("tables")? {
        let object = scene.object(&said["address"])?;
        let (_, allocated) = scene.sizes(object);
        let bytes = said["bytes"].as_u64().context("no bytes")?;
        let holds = (bytes..bytes + MORE).contains(&allocated);
        scene.check(holds, format!("{name}: {allocated} for a table of {bytes}"));
    }
    Ok(())
}
