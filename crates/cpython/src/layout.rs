use std::collections::BTreeMap;

use serde::Deserialize;

use crate::variants::{StoredVariant, Variant};
use crate::{Constants, Flavor, Roots, Shapes, Structs, TypeLayout, Version};

/// What one CPython build looks like in memory.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The version that the table was made from; set to the target's by
    /// [`for_version`](Self::for_version).
    pub version: Version,
    /// With or without an interpreter lock.
    pub flavor: Flavor,
    /// What the table was made from.
    pub source: String,
    /// What is not an offset.
    pub shapes: Shapes,
    /// Numbers of enumerators.
    pub constants: Constants,
    /// Offsets of the structs that the walker's code reads.
    pub structs: Structs,
    /// Where `_Py_DebugOffsets` keeps which offset: its own path to where in the struct.
    #[serde(default)]
    pub debug_offsets: BTreeMap<String, u64>,
    /// Object pointers in the state of the runtime, its interpreters and threads.
    pub roots: Roots,
    /// The types whose references are fixed fields, by `tp_name`.
    pub types: BTreeMap<String, TypeLayout>,
    /// The state of modules written in C, which `md_state` points to, by the name in the
    /// module's definition (`m_name`).
    #[serde(default)]
    pub modules: BTreeMap<String, TypeLayout>,
    /// What other builds of the series have otherwise.
    #[serde(skip)]
    pub variants: Vec<Variant>,
    /// The same, until the layout is complete.
    #[serde(default, rename = "variants")]
    pub(crate) stored_variants: Vec<StoredVariant>,
}

/// A CPython for which there is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedVersion {
    /// No table for this series.
    #[error(
        "CPython {version} ({flavor}) is not supported; supported are {}",
        supported()
    )]
    Series {
        /// The version found.
        version: Version,
        /// Its flavor.
        flavor: Flavor,
    },
    /// An alpha, beta or candidate, whose structs are not those of the release.
    #[error(
        "CPython {version} ({flavor}) is a pre-release, which is not supported; supported are {}",
        supported()
    )]
    PreRelease {
        /// The version found.
        version: Version,
        /// Its flavor.
        flavor: Flavor,
    },
    /// The table that this crate was built with does not fit its code.
    #[error("the layout table for CPython {version} ({flavor}) is damaged: {reason}")]
    DamagedTable {
        /// The version found.
        version: Version,
        /// Its flavor.
        flavor: Flavor,
        /// What is wrong with it.
        reason: String,
    },
}

struct Table {
    version: Version,
    flavor: Flavor,
    text: &'static str,
}

/// The tables that are built in, oldest first.
const TABLES: &[Table] = &[
    Table {
        version: Version::new(3, 8, 0),
        flavor: Flavor::Gil,
        text: include_str!("../../../layouts/3.8-gil.toml"),
    },
    Table {
        version: Version::new(3, 9, 0),
        flavor: Flavor::Gil,
        text: include_str!("../../../layouts/3.9-gil.toml"),
    },
    Table {
        version: Version::new(3, 10, 0),
        flavor: Flavor::Gil,
        text: include_str!("../../../layouts/3.10-gil.toml"),
    },
    Table {
        version: Version::new(3, 11, 0),
        flavor: Flavor::Gil,
        text: include_str!("../../../layouts/3.11-gil.toml"),
    },
    Table {
        version: Version::new(3, 12, 0),
        flavor: Flavor::Gil,
        text: include_str!("../../../layouts/3.12-gil.toml"),
    },
    Table {
        version: Version::new(3, 13, 0),
        flavor: Flavor::Gil,
        text: include_str!("../../../layouts/3.13-gil.toml"),
    },
    Table {
        version: Version::new(3, 13, 0),
        flavor: Flavor::FreeThreaded,
        text: include_str!("../../../layouts/3.13-free-threaded.toml"),
    },
    Table {
        version: Version::new(3, 14, 0),
        flavor: Flavor::Gil,
        text: include_str!("../../../layouts/3.14-gil.toml"),
    },
    Table {
        version: Version::new(3, 14, 0),
        flavor: Flavor::FreeThreaded,
        text: include_str!("../../../layouts/3.14-free-threaded.toml"),
    },
    // From here on with mimalloc 2.5.2.
    Table {
        version: Version::new(3, 14, 10),
        flavor: Flavor::FreeThreaded,
        text: include_str!("../../../layouts/3.14.10-free-threaded.toml"),
    },
    Table {
        version: Version::new(3, 15, 0),
        flavor: Flavor::Gil,
        text: include_str!("../../../layouts/3.15-gil.toml"),
    },
    Table {
        version: Version::new(3, 15, 0),
        flavor: Flavor::FreeThreaded,
        text: include_str!("../../../layouts/3.15-free-threaded.toml"),
    },
    Table {
        version: Version::new(3, 15, 2),
        flavor: Flavor::FreeThreaded,
        text: include_str!("../../../layouts/3.15.2-free-threaded.toml"),
    },
];

impl Layout {
    /// The table for a version, as it stands: what the target says of itself comes on top
    /// by [`fit`](Self::fit).
    ///
    /// The releases of a series share a table, or those before and after one that has another
    /// allocator. Pre-releases are refused: their structs still change.
    pub fn for_version(version: Version, flavor: Flavor) -> Result<Self, UnsupportedVersion> {
        let of_series =
            |table: &&Table| table.version.same_series(version) && table.flavor == flavor;
        let mut tables = TABLES.iter().filter(of_series).peekable();
        if tables.peek().is_none() {
            return Err(UnsupportedVersion::Series { version, flavor });
        }
        let table = tables
            .take_while(|table| table.version <= version)
            .last()
            .ok_or(UnsupportedVersion::PreRelease { version, flavor })?;
        let damaged = |reason: String| UnsupportedVersion::DamagedTable {
            version,
            flavor,
            reason,
        };
        let read: Result<Self, toml::de::Error> = toml::from_str(table.text);
        let mut layout = read.map_err(|error| damaged(error.message().to_owned()))?;
        let resolved = layout.resolve_variants();
        resolved.map_err(|error| damaged(error.to_string()))?;
        layout.version = version;
        Ok(layout)
    }

    /// The series and flavors for which there is a table, oldest first.
    pub fn supported() -> impl Iterator<Item = (Version, Flavor)> {
        let first = TABLES.iter().filter(|table| table.version.micro == 0);
        first.map(|table| (table.version, table.flavor))
    }
}

fn supported() -> String {
    let series: Vec<_> = Layout::supported()
        .map(|(version, flavor)| format!("{}.{} ({flavor})", version.major, version.minor))
        .collect();
    series.join(", ")
}
