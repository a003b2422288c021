//! A table as it is written: stable in its order, one line per struct or type.

use std::collections::BTreeMap;
use std::fmt;

use exuvia_cpython::{Flavor, Shapes, Version};

use super::pointers::ObjectPointer;
use super::structs::Offsets;
use super::types::{ResolvedReference, ResolvedType};
use super::variants::Variant;

/// Everything that a table holds.
pub(super) struct Table {
    pub(super) version: Version,
    pub(super) flavor: Flavor,
    pub(super) source: String,
    pub(super) shapes: Shapes,
    pub(super) constants: Vec<(&'static str, i64)>,
    pub(super) structs: Vec<(&'static str, Offsets)>,
    pub(super) debug_offsets: BTreeMap<u64, String>,
    pub(super) roots: Vec<(&'static str, Vec<ObjectPointer>)>,
    pub(super) types: BTreeMap<String, ResolvedType>,
    pub(super) modules: BTreeMap<String, ResolvedType>,
    pub(super) variants: Vec<Variant>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Written by `cargo xtask layouts`; not to be edited.")?;
        writeln!(f, "version = \"{}\"", self.version)?;
        writeln!(f, "flavor = \"{}\"", self.flavor)?;
        writeln!(f, "source = \"{}\"", self.source)?;
        writeln!(f, "\n[shapes]")?;
        f.write_str(&toml::to_string(&self.shapes).map_err(|_| fmt::Error)?)?;
        writeln!(f, "\n[constants]")?;
        for (name, value) in &self.constants {
            let name = name.trim_start_matches('_').to_uppercase();
            writeln!(f, "{name} = {value}")?;
        }
        Self::write_structs(f, "structs", &self.structs)?;
        if !self.debug_offsets.is_empty() {
            writeln!(f, "\n[debug_offsets]")?;
        }
        for (offset, path) in &self.debug_offsets {
            writeln!(f, "\"{path}\" = {offset}")?;
        }
        Self::write_roots(f, "roots", &self.roots)?;
        Self::write_types(f, "types", &self.types)?;
        Self::write_types(f, "modules", &self.modules)?;
        for variant in &self.variants {
            writeln!(f, "\n[[variants]]")?;
            writeln!(f, "source = \"{}\"", variant.source)?;
            Self::write_structs(f, "variants.structs", &variant.structs)?;
            Self::write_types(f, "variants.types", &variant.types)?;
            Self::write_types(f, "variants.modules", &variant.modules)?;
            if !variant.roots.is_empty() {
                Self::write_roots(f, "variants.roots", &variant.roots)?;
            }
        }
        Ok(())
    }
}

impl Table {
    fn write_roots(
        f: &mut fmt::Formatter<'_>,
        section: &str,
        roots: &[(&str, Vec<ObjectPointer>)],
    ) -> fmt::Result {
        writeln!(f, "\n[{section}]")?;
        for (state, pointers) in roots {
            writeln!(f, "{state} = [")?;
            for pointer in pointers {
                writeln!(f, "    [\"{}\", {}],", pointer.path, pointer.offset)?;
            }
            writeln!(f, "]")?;
        }
        Ok(())
    }

    fn write_structs(
        f: &mut fmt::Formatter<'_>,
        section: &str,
        structs: &[(&str, Offsets)],
    ) -> fmt::Result {
        writeln!(f, "\n[{section}]")?;
        for (name, offsets) in structs {
            writeln!(f, "{name} = {{ {} }}", pairs(offsets))?;
        }
        Ok(())
    }

    fn write_types(
        f: &mut fmt::Formatter<'_>,
        section: &str,
        types: &BTreeMap<String, ResolvedType>,
    ) -> fmt::Result {
        writeln!(f, "\n[{section}]")?;
        for (name, layout) in types {
            let references: Vec<_> = layout.references.iter().map(reference).collect();
            writeln!(
                f,
                "\"{name}\" = {{ struct = \"{}\", size = {}, references = [{}] }}",
                layout.struct_name,
                layout.size,
                references.join(", ")
            )?;
        }
        Ok(())
    }
}

/// `[".name", 16]`, and what is not as usual after it.
fn reference(reference: &ResolvedReference) -> String {
    let ResolvedReference {
        text,
        offset,
        strength,
        guard,
    } = reference;
    match guard {
        Some(guard) => format!("[\"{text}\", {offset}, \"{strength}\", {guard}]"),
        None if *strength == "owned" => format!("[\"{text}\", {offset}]"),
        None => format!("[\"{text}\", {offset}, \"{strength}\"]"),
    }
}

fn pairs(offsets: &Offsets) -> String {
    let pairs: Vec<_> = offsets
        .iter()
        .map(|(name, offset)| format!("{name} = {offset}"))
        .collect();
    pairs.join(", ")
}
