//! pyarrow: buffers behind counted pointers of C++.

use crate::common::{Scene, with_packages};
use anyhow::Result;
use exuvia_snapshot::ObjectId;

/// One test, so that each program is started and dumped once.
#[test]
fn buffers() -> Result<()> {
    with_packages("extension_arrow", |scene| {
        buffers_add_up_to_the_pools(scene)?;
        buffers_of_python_objects_refer_to_them(scene)?;
        Ok(())
    })
}

/// The sum over all objects is what Arrow's pools have given out: each buffer counts once,
/// whole where only a slice is left.
fn buffers_add_up_to_the_pools(scene: &mut Scene) -> Result<()> {
    let pool = scene.target.greeting()["pool"].as_u64();
    let objects: Vec<ObjectId> = scene.snapshot.objects.ids().collect();
    let native = objects.into_iter().map(|object| native_of(scene, object));
    let sum: u64 = native.sum();
    scene.compare("sum of the buffers", Some(sum), pool);
    Ok(())
}

/// What the allocator holds for an object of pyarrow beside the object itself.
fn native_of(scene: &Scene, object: ObjectId) -> u64 {
    let class = scene.snapshot.type_of(object);
    if class.module != "pyarrow.lib" {
        return 0;
    }
    let Some(own) = scene.target.greeting()["own"][&class.name].as_u64() else {
        return 0;
    };
    let (_, allocated) = scene.sizes(object);
    allocated - own.next_multiple_of(16)
}

/// Memory of Python objects is theirs, and a buffer keeps them alive.
fn buffers_of_python_objects_refer_to_them(scene: &mut Scene) -> Result<()> {
    for (name, held) in [
        ("python buffer", "of_python"),
        ("sliced python buffer", "in_python"),
        ("array", "of_numpy"),
        ("foreign buffer", "foreign"),
    ] {
        let address = scene.target.greeting()["markers"][name].clone();
        let path = scene.paths(&address)?;
        let start = format!(" 0: hp.Root.i0_modules['held'].__dict__['{held}']->buffer");
        scene.check(path.starts_with(&start), format!("{name}: {path}"));
    }
    Ok(())
}
