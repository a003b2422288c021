//! The lists of `exuvia-cpython`, resolved against a build.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use exuvia_cpython::spec::{ConstantSpec, StructSpec};
use exuvia_cpython::{CONSTANTS, STRUCTS};

use super::dwarf::{Image, Record};

/// Offsets of a struct, in the order of the list; the first is its size.
pub(super) type Offsets = Vec<(&'static str, u64)>;

/// Every struct of the list that the build has.
pub(super) fn structs(image: &Image) -> Result<Vec<(&'static str, Offsets)>> {
    let mut structs = Vec::new();
    // A new version lacks many at once.
    let mut missing = Vec::new();
    for spec in STRUCTS {
        match image.record(spec.dwarf)? {
            Some(record) => {
                structs.push((spec.name, offsets(image, record, spec, &mut missing)?));
            }
            None if spec.optional => {}
            None => missing.push(format!("struct {}", spec.dwarf)),
        }
    }
    if !missing.is_empty() {
        bail!("the build has no {}", missing.join(", no "));
    }
    Ok(structs)
}

fn offsets(
    image: &Image,
    record: &Record,
    spec: &StructSpec,
    missing: &mut Vec<String>,
) -> Result<Offsets> {
    let mut offsets = vec![("size", record.size)];
    for field in spec.fields {
        let mut value = None;
        for path in field.paths.split('|') {
            value = image.value(record, path)?;
            if value.is_some() {
                break;
            }
        }
        match value {
            Some(value) => offsets.push((field.name, value)),
            None if field.optional => {}
            None => missing.push(format!("field {} in {}", field.paths, spec.dwarf)),
        }
    }
    Ok(offsets)
}

/// Every enumerator of the list that the build has.
pub(super) fn constants(image: &Image) -> Vec<(&'static str, i64)> {
    let known = |spec: &ConstantSpec| Some((spec.name, image.enumerator(spec.name)?));
    CONSTANTS.iter().filter_map(known).collect()
}

/// Where `_Py_DebugOffsets` keeps which offset: `list_object.ob_item` at 432. Empty when
/// the build has none.
pub(super) fn debug_offsets(image: &Image) -> Result<BTreeMap<u64, String>> {
    let mut offsets = BTreeMap::new();
    let Some(record) = image.record("_Py_DebugOffsets")? else {
        return Ok(offsets);
    };
    for section in &record.members {
        let (Some(name), Some(inner)) = (&section.name, image.as_record(section.target)) else {
            continue;
        };
        for member in &inner.members {
            if let Some(field) = &member.name {
                offsets.insert(section.offset + member.offset, format!("{name}.{field}"));
            }
        }
    }
    Ok(offsets)
}
