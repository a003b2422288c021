//! PyTorch, from Debian's packages: tensors share storages, which are memory of C++.

use crate::common::{Scene, with_debian};
use anyhow::{Context, Result};

/// One test, so that each program is started and dumped once.
#[test]
fn tensors_and_storages() -> Result<()> {
    with_debian("python3-torch", "extension_torch", |scene| {
        storages_count_once(scene)?;
        tensors_refer_to_the_arrays_whose_memory_they_use(scene)?;
        gradients_are_found(scene)?;
        Ok(())
    })
}

/// The bytes of a storage count for one of the objects that share it.
fn storages_count_once(scene: &mut Scene) -> Result<()> {
    for (name, said) in scene.said("storages")? {
        let addresses = said["addresses"].as_array().context("no tensors")?;
        let bytes = said["bytes"].as_u64().context("no bytes")?;
        let mut native = 0;
        for address in addresses {
            native += native_of(scene, address)?;
        }
        scene.compare(name, native, bytes);
    }
    Ok(())
}

/// What a tensor borrows from an array is the array's.
fn tensors_refer_to_the_arrays_whose_memory_they_use(scene: &mut Scene) -> Result<()> {
    let greeting = scene.target.greeting().clone();
    let path = scene.paths(&greeting["array"])?;
    let wanted = " 0: hp.Root.i0_modules['held'].__dict__['shared']->data\n";
    scene.compare("array", path.as_str(), wanted);
    let shared = native_of(scene, &greeting["shared"])?;
    scene.compare("bytes of the tensor", shared, 0);
    Ok(())
}

/// A gradient has a Python object that C++ holds, once Python has asked for it.
fn gradients_are_found(scene: &mut Scene) -> Result<()> {
    let greeting = scene.target.greeting().clone();
    let path = scene.paths(&greeting["grad"])?;
    let wanted = " 0: hp.Root.i0_modules['held'].__dict__['weight'][0].grad\n";
    scene.compare("grad", path.as_str(), wanted);
    Ok(())
}

/// What the allocator holds for an object beside the object itself.
fn native_of(scene: &Scene, address: &serde_json::Value) -> Result<u64> {
    let object = scene.object(address)?;
    let (size, allocated) = scene.sizes(object);
    // A block is as long as the object, rounded up to 16 bytes.
    let own = size.next_multiple_of(16);
    Ok(allocated - own)
}
