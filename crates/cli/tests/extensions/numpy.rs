//! numpy: `ndarray` has no `tp_traverse`.

use crate::common::{Scene, with_packages};
use anyhow::{Context, Result};
use exuvia_snapshot::ObjectFlags;

/// Where the program keeps what each marker is in, and the path from there.
const PATHS: &[(&str, &str)] = &[
    ("row", "['row'][3]"),
    ("table", "['table'].flat[3]"),
    ("columns", "['columns'].flat[1]"),
    ("scalar array", "['scalar_array'].flat[0]"),
    ("matrix", "['matrix'].base.flat[0]"),
    // Three objects in each item.
    ("field", "['structured']->refs[6]"),
    ("field of two", "['structured']->refs[5]"),
    ("lone record", "['lone_record'].base->refs[0]"),
    ("metadata", "['metadata'].metadata['about']"),
    ("last of many", "['many'][99999]"),
    ("behind an iterator", "['flat'].base[0]"),
    ("broadcast", "['broadcast']->refs[0].base[0]"),
    ("function", "['function']->obj.marker"),
    ("na_object", "['texts_with_na'].dtype.na_object"),
];

/// One test, so that each program is started and dumped once.
#[test]
fn what_arrays_hold() -> Result<()> {
    with_packages("extension_numpy", |scene| {
        what_arrays_hold_is_found_and_named(scene)?;
        sizes_are_those_of_getsizeof(scene)?;
        buffers_count_once(scene)?;
        Ok(())
    })
}

fn what_arrays_hold_is_found_and_named(scene: &mut Scene) -> Result<()> {
    for (name, address) in scene.said("markers")? {
        let known = PATHS.iter().find(|(marker, _)| *marker == name);
        let (_, path) = known.with_context(|| format!("no path for {name}"))?;
        let wanted = format!(" 0: hp.Root.i0_modules['held'].__dict__{path}\n");
        let found = scene.paths(&address)?;
        scene.compare(name, found, wanted);
    }
    Ok(())
}

fn sizes_are_those_of_getsizeof(scene: &mut Scene) -> Result<()> {
    for (name, said) in scene.said("sizes")? {
        let object = scene.object(&said["address"])?;
        let (size, _) = scene.sizes(object);
        scene.compare(name, Some(size), said["size"].as_u64());
    }
    Ok(())
}

/// A buffer counts for the array that owns it, and for no view.
fn buffers_count_once(scene: &mut Scene) -> Result<()> {
    // Shape and strides of 32 axes, and what the allocator adds to each block.
    const MORE: u64 = 32 * 16 + 3 * 24;
    for (name, said) in scene.said("sizes")? {
        let object = scene.object(&said["address"])?;
        let (_, allocated) = scene.sizes(object);
        let flags = scene.snapshot.objects.flags[object.index()];
        if flags.contains(ObjectFlags::STATIC) {
            // `numpy.True_` lies in the library.
            scene.compare(name, allocated, 0);
            continue;
        }
        let owned = said["owned"].as_u64().context("no bytes")?;
        let basic = said["basic"].as_u64().context("no bytes")?;
        let holds = (owned + basic..owned + basic + MORE).contains(&allocated);
        scene.check(
            holds,
            format!("{name}: {allocated} for a buffer of {owned}"),
        );
    }
    Ok(())
}
