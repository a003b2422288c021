//! protobuf: messages keep arenas alive, in which their fields lie.

use crate::common::{Scene, with_packages};
use anyhow::{Context, Result};
use exuvia_snapshot::ObjectId;

/// What a message refers to that is an arena.
fn arena_of(scene: &Scene, message: ObjectId) -> Option<ObjectId> {
    let mut references = scene.snapshot.references.of(message);
    let is_arena = |object| scene.snapshot.type_of(object).tp_name == "google._upb._message.Arena";
    let found = references.find(|reference| is_arena(reference.target))?;
    Some(found.target)
}

/// One test, so that each program is started and dumped once.
#[test]
fn messages_and_arenas() -> Result<()> {
    with_packages("extension_protobuf", |scene| {
        messages_and_containers_lead_to_their_arena(scene)?;
        arenas_count_their_blocks(scene)?;
        Ok(())
    })
}

fn messages_and_containers_lead_to_their_arena(scene: &mut Scene) -> Result<()> {
    for (name, address) in scene.said("messages")? {
        let object = scene.object(&address)?;
        let has_arena = arena_of(scene, object).is_some();
        scene.check(has_arena, format!("{name} has no arena"));
    }
    let parent = scene.target.greeting()["parent"].clone();
    let path = scene.paths(&parent)?;
    let wanted = " 0: hp.Root.i0_modules['held'].__dict__['part']->parent\n";
    scene.compare("parent", path.as_str(), wanted);
    Ok(())
}

/// The arenas take what the C library gave out while their messages were made. Not to the
/// byte: tables in the library and blocks that were free before are in the difference too,
/// which stays below a hundredth.
fn arenas_count_their_blocks(scene: &mut Scene) -> Result<()> {
    for (name, said) in scene.said("sizes")? {
        let message = scene.object(&said["address"])?;
        let arena = arena_of(scene, message).context("no arena")?;
        let bytes = said["bytes"].as_u64().context("no bytes")?;
        let (_, allocated) = scene.sizes(arena);
        let holds = allocated.abs_diff(bytes) < bytes / 100;
        scene.check(holds, format!("{name}: {allocated} for {bytes} given out"));
    }
    Ok(())
}
