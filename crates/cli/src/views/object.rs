//! One object, for people.

use super::{TITLE, counted, printable, units};
use exuvia_query::{Excerpt, ObjectDetails, ObjectSummary};
use std::io::{self, Write};

const WEAK: &str = " (weak)";

/// Writes all that is known of an object.
pub(crate) fn write(out: &mut dyn Write, object: &ObjectDetails) -> io::Result<()> {
    let ObjectDetails { address, kind, .. } = object;
    writeln!(out, "{TITLE}{} at {address:#x}{TITLE:#}", printable(kind))?;
    field(out, "value", &object.value)?;
    field(out, "type", &object.type_name)?;
    field(out, "size", &size(object))?;
    field(out, "refcount", &refcount(object))?;
    if !object.flag_names.is_empty() {
        field(out, "flags", &object.flag_names.join(", "))?;
    }
    if object.several_interpreters {
        let interpreter = object.interpreter.map_or_else(
            || "all interpreters".to_owned(),
            |number| format!("interpreter {number}"),
        );
        field(out, "in", &interpreter)?;
    }

    section(out, "Referred to by", &object.referrers, |referrer| {
        let weak = if referrer.weak { WEAK } else { "" };
        let relation = &referrer.relation;
        match &referrer.source {
            Some(source) => format!("{relation} of {}{weak}", summary(source)),
            None => format!("{relation}{weak}"),
        }
    })?;
    section(out, "Refers to", &object.referents, |referent| {
        let weak = if referent.weak { WEAK } else { "" };
        format!("{}: {}{weak}", referent.relation, summary(&referent.target))
    })
}

fn field(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {name:<9} {}", printable(value))
}

fn size(object: &ObjectDetails) -> String {
    let size = counted(object.size, "byte");
    format!("{size} (allocated: {})", units::bytes(object.allocated))
}

fn refcount(object: &ObjectDetails) -> String {
    let found = counted(object.references_found, "reference");
    match object.refcount {
        Some(count) => format!("{count} ({found} found)"),
        None => format!("not counted ({found} found)"),
    }
}

fn summary(object: &ObjectSummary) -> String {
    let ObjectSummary {
        address,
        kind,
        value,
        ..
    } = object;
    format!("{kind} at {address:#x} {value}")
}

fn section<T>(
    out: &mut dyn Write,
    title: &str,
    excerpt: &Excerpt<T>,
    line: impl Fn(&T) -> String,
) -> io::Result<()> {
    let Excerpt { total, first } = excerpt;
    writeln!(out, "\n{TITLE}{title} ({total}){TITLE:#}")?;
    for (index, entry) in first.iter().enumerate() {
        writeln!(out, "{index:2}: {}", printable(&line(entry)))?;
    }
    match total.saturating_sub(first.len() as u64) {
        0 => Ok(()),
        more => writeln!(out, "<... {more} more ...>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_query::{Referent, Referrer};
    use exuvia_snapshot::{ObjectFlags, ObjectId};

    fn summary(address: u64, kind: &str, value: &str) -> ObjectSummary {
        ObjectSummary {
            id: ObjectId(0),
            address,
            kind: kind.to_owned(),
            value: value.to_owned(),
        }
    }

    fn session() -> ObjectDetails {
        ObjectDetails {
            id: ObjectId(1),
            address: 0x7f00_1000,
            kind: "shop.Session".to_owned(),
            type_name: "shop.Session".to_owned(),
            size: 56,
            allocated: 104,
            refcount: Some(2),
            references_found: 1,
            flags: ObjectFlags::TRACKED,
            flag_names: vec!["tracked"],
            interpreter: Some(1),
            several_interpreters: true,
            value: "<shop.Session at 0x7f001000>".to_owned(),
            referrers: Excerpt {
                total: 2,
                first: vec![
                    Referrer {
                        source: None,
                        relation: "hp.Root.i0_t7_f0".to_owned(),
                        weak: false,
                    },
                    Referrer {
                        source: Some(summary(0x7f00_2000, "weakref.ReferenceType", "<weakref>")),
                        relation: "->wr_object".to_owned(),
                        weak: true,
                    },
                ],
            },
            referents: Excerpt {
                total: 21,
                first: vec![Referent {
                    target: summary(0x7f00_3000, "str", "'a\\nb'"),
                    relation: ".customer".to_owned(),
                    weak: false,
                }],
            },
        }
    }

    #[test]
    fn an_object_with_its_neighbours() {
        let mut out = Vec::new();
        write(&mut out, &session()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected = "\
shop.Session at 0x7f001000
  value     <shop.Session at 0x7f001000>
  type      shop.Session
  size      56 bytes (allocated: 104 bytes)
  refcount  2 (1 reference found)
  flags     tracked
  in        interpreter 1

Referred to by (2)
 0: hp.Root.i0_t7_f0
 1: ->wr_object of weakref.ReferenceType at 0x7f002000 <weakref> (weak)

Refers to (21)
 0: .customer: str at 0x7f003000 'a\\nb'
<... 20 more ...>
";
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), expected);
    }
}
