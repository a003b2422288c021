//! What a snapshot on disk looks like: `snapshot.json`, and the columns of every table.
//! `docs/snapshot-format.md` is the same for readers; a test holds the two together.

use crate::{Metadata, Summary};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::{Type as SchemaType, TypePtr};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of the format, in `snapshot.json`.
pub(crate) const FORMAT: &str = "exuvia-snapshot";

/// The version of the format that this exuvia writes. It reads every version up to it.
///
/// Version log, the newest first; any change of a file makes a new version:
///
/// * 3: the flags of objects have the generation of the collector; mappings have what is
///   resident proportionally, and what is swapped; the tables suspended and digests;
///   `snapshot.json` tells when the process began, and has `memory`.
/// * 2: objects have their interpreter; roots of the category `variable`; captures of the
///   mode `core`.
/// * 1: the first. Tables objects, references, types, kinds, names, roots, threads, frames,
///   mappings, values.
pub const VERSION: u64 = 3;

/// The name of the file that makes a directory a snapshot.
pub(crate) const DOCUMENT: &str = "snapshot.json";

/// The file that says what `analysis.parquet` belongs to.
pub(crate) const ANALYSIS_DOCUMENT: &str = "analysis.json";

/// The name of its format.
pub(crate) const ANALYSIS_FORMAT: &str = "exuvia-analysis";

/// Its version. What is of another one is computed again.
pub(crate) const ANALYSIS_VERSION: u64 = 1;

/// `snapshot.json` is refused beyond this many bytes: diagnostics are few, by design.
pub(crate) const DOCUMENT_LIMIT: u64 = 64 << 20;

/// Rows of a row group at most, which bounds the memory that writing takes, and what a
/// reader of a hostile file allocates at a time.
pub(crate) const GROUP_ROWS: usize = 1 << 20;

/// Rows of a page at most. Even a page of equal rows takes some fifty bytes in each column,
/// so that a table never has [`ROWS_PER_BYTE`] rows for each byte of its file.
pub(crate) const PAGE_ROWS: usize = 20_000;

/// A table that declares more rows than this for each byte of its file is refused.
pub(crate) const ROWS_PER_BYTE: u64 = 1024;

/// `snapshot.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(crate) format: String,
    pub(crate) version: u64,
    #[serde(flatten)]
    pub(crate) metadata: Metadata,
    /// What the files of the tables must be like, by the name of the table.
    pub(crate) tables: BTreeMap<String, Stored>,
}

/// `analysis.json`: what was derived from a snapshot, and is kept beside it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AnalysisDocument {
    pub(crate) format: String,
    pub(crate) version: u64,
    /// The tables from which it was derived, as `snapshot.json` has them. A snapshot with
    /// others is another one.
    pub(crate) of: BTreeMap<String, Stored>,
    /// The file of the table itself.
    pub(crate) tables: BTreeMap<String, Stored>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<Summary>,
}

/// A file as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// The CRC-32 of zlib and gzip. Parquet itself would read most flipped bits as other,
    /// equally plausible numbers.
    pub(crate) crc32: u32,
}

/// The columns of one table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    /// The column by which the rows are sorted, ascending.
    pub(crate) sorted_by: Option<usize>,
}

/// One column of a table.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) nullable: bool,
    pub(crate) packing: Packing,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    U8,
    U32,
    U64,
    Bool,
    Text,
    Bytes,
}

/// How the values of a column are made small, before zstd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Differences between neighbours: for what is sorted, or nearly.
    Delta,
    /// Numbers into a list of the different values: for what repeats.
    Dictionary,
    /// As they are.
    Plain,
}

impl Table {
    /// The name of the table's file.
    pub(crate) fn file(&self) -> String {
        format!("{}.parquet", self.name)
    }

    /// The Parquet schema.
    pub(crate) fn schema(&self) -> Result<TypePtr, ParquetError> {
        let columns = self.columns.iter().map(Column::schema);
        let schema = SchemaType::group_type_builder(self.name)
            .with_fields(columns.collect::<Result<_, _>>()?)
            .build()?;
        Ok(Arc::new(schema))
    }
}

impl Column {
    fn schema(&self) -> Result<TypePtr, ParquetError> {
        let unsigned = |bit_width| Some(LogicalType::integer(bit_width, false));
        let (physical, logical) = match self.form {
            Form::U8 => (Physical::INT32, unsigned(8)),
            Form::U32 => (Physical::INT32, unsigned(32)),
            Form::U64 => (Physical::INT64, unsigned(64)),
            Form::Bool => (Physical::BOOLEAN, None),
            Form::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Form::Bytes => (Physical::BYTE_ARRAY, None),
        };
        let repetition = if self.nullable {
            Repetition::OPTIONAL
        } else {
            Repetition::REQUIRED
        };
        let column = SchemaType::primitive_type_builder(self.name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition)
            .build()?;
        Ok(Arc::new(column))
    }
}

const fn column(name: &'static str, form: Form, packing: Packing) -> Column {
    Column {
        name,
        form,
        nullable: false,
        packing,
    }
}

const fn nullable(name: &'static str, form: Form, packing: Packing) -> Column {
    Column {
        name,
        form,
        nullable: true,
        packing,
    }
}

use Form::{Bool, Bytes, Text, U8, U32, U64};
use Packing::{Delta, Dictionary, Plain};

pub(crate) const OBJECTS: Table = Table {
    name: "objects",
    columns: &[
        column("id", U32, Delta),
        column("address", U64, Delta),
        column("kind", U32, Dictionary),
        column("size", U64, Dictionary),
        column("allocated", U64, Dictionary),
        column("refcount", U32, Dictionary),
        column("flags", U8, Dictionary),
        nullable("interpreter", U32, Dictionary),
    ],
    sorted_by: Some(0),
};

/// The same before version 2.
pub(crate) const OBJECTS_1: Table = Table {
    name: "objects",
    columns: OBJECTS.columns.split_at(7).0,
    sorted_by: Some(0),
};

pub(crate) const REFERENCES: Table = Table {
    name: "references",
    columns: &[
        column("source", U32, Delta),
        column("target", U32, Delta),
        column("relation", Text, Dictionary),
        column("operand", U32, Delta),
        column("weak", Bool, Plain),
    ],
    sorted_by: Some(0),
};

pub(crate) const TYPES: Table = Table {
    name: "types",
    columns: &[
        column("id", U32, Delta),
        column("address", U64, Delta),
        nullable("object", U32, Delta),
        column("module", Text, Dictionary),
        column("name", Text, Dictionary),
        column("tp_name", Text, Dictionary),
        column("basicsize", U64, Dictionary),
        column("itemsize", U64, Dictionary),
        column("flags", U8, Dictionary),
        nullable("base", U32, Dictionary),
    ],
    sorted_by: Some(0),
};

pub(crate) const KINDS: Table = Table {
    name: "kinds",
    columns: &[
        column("id", U32, Delta),
        column("name", Text, Dictionary),
        column("type", U32, Dictionary),
        column("shape", Text, Dictionary),
        nullable("owner", U32, Dictionary),
    ],
    sorted_by: Some(0),
};

pub(crate) const NAMES: Table = Table {
    name: "names",
    columns: &[column("id", U32, Delta), column("name", Text, Plain)],
    sorted_by: Some(0),
};

pub(crate) const ROOTS: Table = Table {
    name: "roots",
    columns: &[
        column("name", Text, Dictionary),
        column("target", U32, Delta),
        column("category", Text, Dictionary),
        column("owned", Bool, Plain),
    ],
    sorted_by: None,
};

pub(crate) const THREADS: Table = Table {
    name: "threads",
    columns: &[
        column("id", U32, Delta),
        column("interpreter", U32, Dictionary),
        column("ident", U64, Plain),
        nullable("native_id", U64, Plain),
        column("holds_gil", Bool, Plain),
    ],
    sorted_by: Some(0),
};

pub(crate) const FRAMES: Table = Table {
    name: "frames",
    columns: &[
        column("thread", U32, Delta),
        column("depth", U32, Delta),
        column("object", U32, Delta),
        nullable("code", U32, Dictionary),
        column("function", Text, Dictionary),
        column("file", Text, Dictionary),
        column("line", U32, Plain),
    ],
    sorted_by: None,
};

pub(crate) const SUSPENDED: Table = Table {
    name: "suspended",
    columns: &[
        column("object", U32, Delta),
        nullable("code", U32, Dictionary),
        column("function", Text, Dictionary),
        column("file", Text, Dictionary),
        column("line", U32, Plain),
    ],
    sorted_by: Some(0),
};

pub(crate) const MAPPINGS: Table = Table {
    name: "mappings",
    columns: &[
        column("start", U64, Delta),
        column("end", U64, Delta),
        column("permissions", Text, Dictionary),
        column("offset", U64, Plain),
        column("path", Text, Dictionary),
        column("resident", U64, Plain),
        column("proportional", U64, Plain),
        column("swapped", U64, Plain),
    ],
    sorted_by: None,
};

/// The same before version 3.
pub(crate) const MAPPINGS_2: Table = Table {
    name: "mappings",
    columns: MAPPINGS.columns.split_at(6).0,
    sorted_by: None,
};

pub(crate) const VALUES: Table = Table {
    name: "values",
    columns: &[
        column("object", U32, Delta),
        column("form", Text, Dictionary),
        nullable("text", Text, Plain),
        nullable("bytes", Bytes, Plain),
    ],
    sorted_by: Some(0),
};

pub(crate) const DIGESTS: Table = Table {
    name: "digests",
    columns: &[column("object", U32, Delta), column("digest", U64, Plain)],
    sorted_by: Some(0),
};

/// What is derived; not a part of the snapshot.
pub(crate) const ANALYSIS: Table = Table {
    name: "analysis",
    columns: &[
        column("object", U32, Delta),
        nullable("dominator", U32, Delta),
        nullable("retained", U64, Dictionary),
        nullable("depth", U32, Dictionary),
        nullable("preorder", U32, Delta),
        nullable("last_descendant", U32, Delta),
    ],
    sorted_by: Some(0),
};

/// Every table, in the order in which they are written; at last the one beside them.
#[cfg(test)]
pub(crate) const TABLES: [&Table; 13] = [
    &REFERENCES,
    &OBJECTS,
    &VALUES,
    &DIGESTS,
    &TYPES,
    &KINDS,
    &NAMES,
    &ROOTS,
    &THREADS,
    &FRAMES,
    &SUSPENDED,
    &MAPPINGS,
    &ANALYSIS,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The documentation has, for every table, a section with a row for each of its columns, in
    /// their order.
    #[test]
    fn the_documentation_has_every_column() {
        let text = include_str!("../../../docs/snapshot-format.md");
        for table in TABLES {
            let heading = format!("\n### {}\n", table.name);
            let section = text.split(&heading).nth(1).expect(table.name);
            let section = section.split("\n### ").next().unwrap();
            let (_, body) = section
                .split_once("| column | type | meaning |\n|---|---|---|\n")
                .unwrap();
            let documented: Vec<_> = body
                .lines()
                .take_while(|line| line.starts_with('|'))
                .map(|line| {
                    line.split('|')
                        .map(str::trim)
                        .skip(1)
                        .take(3)
                        .collect::<Vec<_>>()
                })
                .collect();
            let expected: Vec<_> = table.columns.iter().map(Column::documented).collect();
            let found: Vec<_> = documented
                .iter()
                .map(|row| {
                    (
                        row[0].to_owned(),
                        row[1].to_owned(),
                        row[2].contains("null "),
                    )
                })
                .collect();
            assert_eq!(found, expected, "{}", table.name);
        }
    }

    impl Column {
        fn documented(&self) -> (String, String, bool) {
            let form = match self.form {
                U8 => "uint8",
                U32 => "uint32",
                U64 => "uint64",
                Bool => "boolean",
                Text => "string",
                Bytes => "binary",
            };
            (format!("`{}`", self.name), form.to_owned(), self.nullable)
        }
    }

    #[test]
    fn the_documentation_has_every_label() {
        let text = include_str!("../../../docs/snapshot-format.md");
        use crate::labels::{KIND_SHAPES, RELATIONS, ROOT_CATEGORIES, VALUE_FORMS};
        let labels = [&RELATIONS[..], &VALUE_FORMS, &KIND_SHAPES, &ROOT_CATEGORIES].concat();
        for label in labels {
            assert!(text.contains(&format!("`{label}`")), "{label}");
        }
    }
}
