use super::file::TableFile;
use super::references::ReferenceColumns;
use crate::format::{self, Document};
use crate::labels::{KIND_SHAPES, ROOT_CATEGORIES, VALUE_FORMS, kind_shape_at, root_category_at};
use crate::parallel::{Job, all};
use crate::{
    Digests, Frame, Kind, KindId, Mapping, ObjectFlags, ObjectId, Objects, OpenError, Root,
    Snapshot, SuspendedFrame, Thread, Type, TypeFlags, TypeId, ValueForm, Values,
};
use parquet::data_type::ByteArray;
use std::path::Path;

/// Reads all tables, a column at a time, on all cores. What refers to rows of other tables
/// is not checked yet.
pub(super) fn read(directory: &Path, document: Document) -> Result<Snapshot, OpenError> {
    let stored = &document.tables;
    let file = |table| TableFile::open(directory, table, stored);
    let references = file(&format::REFERENCES)?;
    let objects = file(match document.version {
        1 => &format::OBJECTS_1,
        _ => &format::OBJECTS,
    })?;
    let value_rows = file(&format::VALUES)?;
    let type_rows = file(&format::TYPES)?;
    let kind_rows = file(&format::KINDS)?;
    let name_rows = file(&format::NAMES)?;
    let root_rows = file(&format::ROOTS)?;
    let thread_rows = file(&format::THREADS)?;
    let frame_rows = file(&format::FRAMES)?;
    let suspended_rows = match document.version {
        1 | 2 => None,
        _ => Some(file(&format::SUSPENDED)?),
    };
    let mapping_rows = file(match document.version {
        1 | 2 => &format::MAPPINGS_2,
        _ => &format::MAPPINGS,
    })?;
    let digest_rows = match document.version {
        1 | 2 => None,
        _ => Some(file(&format::DIGESTS)?),
    };

    let mut snapshot = Snapshot::default();
    let mut columns = ReferenceColumns::default();
    let mut jobs = columns.jobs(&references, objects.rows());
    object_jobs(&objects, &mut snapshot.objects, &mut jobs);
    push(&mut jobs, &mut snapshot.values, || values(&value_rows));
    push(&mut jobs, &mut snapshot.types, || types(&type_rows));
    push(&mut jobs, &mut snapshot.kinds, || kinds(&kind_rows));
    push(&mut jobs, &mut snapshot.names, || name_rows.texts("name"));
    push(&mut jobs, &mut snapshot.roots, || roots(&root_rows));
    push(&mut jobs, &mut snapshot.threads, || threads(&thread_rows));
    push(&mut jobs, &mut snapshot.frames, || frames(&frame_rows));
    if let Some(rows) = &suspended_rows {
        push(&mut jobs, &mut snapshot.suspended, || suspended(rows));
    }
    push(&mut jobs, &mut snapshot.mappings, || {
        mappings(&mapping_rows, document.version > 2)
    });
    if let Some(digest_rows) = &digest_rows {
        push(&mut jobs, &mut snapshot.digests, || digests(digest_rows));
    }
    all(jobs)?;
    if document.version > 1 {
        snapshot.objects.interpreter = interpreters(&objects, &snapshot.objects)?;
    }
    snapshot.references = columns.assemble(&references)?;
    snapshot.metadata = document.metadata;
    Ok(snapshot)
}

/// Adds the job of reading something.
pub(super) fn push<'a, T: Send>(
    jobs: &mut Vec<Job<'a, OpenError>>,
    into: &'a mut T,
    read: impl FnOnce() -> Result<T, OpenError> + Send + 'a,
) {
    jobs.push(Box::new(move || {
        *into = read()?;
        Ok(())
    }));
}

fn object_jobs<'a>(
    file: &'a TableFile,
    objects: &'a mut Objects,
    jobs: &mut Vec<Job<'a, OpenError>>,
) {
    push(jobs, &mut objects.address, || file.u64s("address"));
    push(jobs, &mut objects.kind, || file.u32s("kind", KindId));
    push(jobs, &mut objects.size, || file.u64s("size"));
    push(jobs, &mut objects.allocated, || file.u64s("allocated"));
    push(jobs, &mut objects.refcount, || {
        file.u32s("refcount", |count| count)
    });
    push(jobs, &mut objects.flags, || file.u8s("flags", ObjectFlags));
}

/// The interpreters of objects; nothing when there is only one.
fn interpreters(file: &TableFile, objects: &Objects) -> Result<Vec<u32>, OpenError> {
    let column = file.u32s_or("interpreter", Objects::SHARED)?;
    let only_one = |id| objects.interpreter_of(id).unwrap_or(Objects::SHARED);
    let mut rows = objects.ids().zip(&column);
    if rows.all(|(id, &number)| number == only_one(id)) {
        return Ok(Vec::new());
    }
    Ok(column)
}

fn values(file: &TableFile) -> Result<Values, OpenError> {
    let objects = file.u32s("object", ObjectId)?;
    let forms = file.labels("form", &VALUE_FORMS)?;
    let mut rows = objects.into_iter().zip(forms);
    let mut values = Values::default();
    let mut least = 0;
    for group in 0..file.groups() {
        let texts = file.nullable_bytes("text", group)?;
        let bytes = file.nullable_bytes("bytes", group)?;
        for (text, bytes) in texts.into_iter().zip(bytes) {
            let Some((object, label)) = rows.next() else {
                return Err(file.damaged("form", "it ends early"));
            };
            if object.0 < least {
                return Err(file.damaged("object", "it is not sorted"));
            }
            least = object.0.saturating_add(1);
            let form = ValueForm::from_code(label + 1);
            let value = form.and_then(|form| Some((form, value(form, text, bytes)?)));
            let Some((form, value)) = value else {
                let what = format!("the value of object {} does not fit its form", object.0);
                return Err(file.damaged("form", what));
            };
            values.push(object, form, value.data());
        }
    }
    Ok(values)
}

/// The one of the two that the form calls for; the other must be missing.
fn value(form: ValueForm, text: Option<ByteArray>, bytes: Option<ByteArray>) -> Option<ByteArray> {
    match (form, text, bytes) {
        (ValueForm::Bytes | ValueForm::BytesStart, None, bytes) => bytes,
        (ValueForm::Text | ValueForm::TextStart | ValueForm::Repr, Some(text), None) => {
            text.as_utf8().is_ok().then_some(text)
        }
        _ => None,
    }
}

fn types(file: &TableFile) -> Result<Vec<Type>, OpenError> {
    let mut address = file.u64s("address")?.into_iter();
    let mut object = file.nullable_u32s("object", ObjectId)?.into_iter();
    let mut module = file.texts("module")?.into_iter();
    let mut name = file.texts("name")?.into_iter();
    let mut tp_name = file.texts("tp_name")?.into_iter();
    let mut basicsize = file.u64s("basicsize")?.into_iter();
    let mut itemsize = file.u64s("itemsize")?.into_iter();
    let mut flags = file.u8s("flags", TypeFlags)?.into_iter();
    let mut base = file.nullable_u32s("base", TypeId)?.into_iter();
    let row = || {
        Some(Type {
            address: address.next()?,
            object: object.next()?,
            module: module.next()?,
            name: name.next()?,
            tp_name: tp_name.next()?,
            basicsize: basicsize.next()?,
            itemsize: itemsize.next()?,
            flags: flags.next()?,
            base: base.next()?,
        })
    };
    Ok(std::iter::from_fn(row).collect())
}

fn kinds(file: &TableFile) -> Result<Vec<Kind>, OpenError> {
    let names = file.texts("name")?;
    let types = file.u32s("type", TypeId)?;
    let shapes = file.labels("shape", &KIND_SHAPES)?;
    let owners = file.nullable_u32s("owner", TypeId)?;
    let rows = names.into_iter().zip(types).zip(shapes).zip(owners);
    let kind = |(((name, type_id), shape), owner)| {
        let shape = kind_shape_at(shape, owner).ok_or_else(|| {
            file.damaged("owner", format!("it does not fit the shape of {name:?}"))
        })?;
        Ok(Kind {
            name,
            type_id,
            shape,
        })
    };
    rows.map(kind).collect()
}

fn roots(file: &TableFile) -> Result<Vec<Root>, OpenError> {
    let names = file.texts("name")?;
    let targets = file.u32s("target", ObjectId)?;
    let categories = file.labels("category", &ROOT_CATEGORIES)?;
    let owned = file.bools("owned")?;
    let rows = names.into_iter().zip(targets).zip(categories).zip(owned);
    let root = |(((name, target), category), owned)| Root {
        name,
        target,
        category: root_category_at(category),
        owned,
    };
    Ok(rows.map(root).collect())
}

fn threads(file: &TableFile) -> Result<Vec<Thread>, OpenError> {
    let interpreters = file.u32s("interpreter", |number| number)?;
    let idents = file.u64s("ident")?;
    let native_ids = file.nullable_u64s("native_id")?;
    let holds = file.bools("holds_gil")?;
    let rows = interpreters
        .into_iter()
        .zip(idents)
        .zip(native_ids)
        .zip(holds);
    let thread = |(((interpreter, ident), native_id), holds_gil)| Thread {
        interpreter,
        ident,
        native_id,
        holds_gil,
    };
    Ok(rows.map(thread).collect())
}

fn frames(file: &TableFile) -> Result<Vec<Frame>, OpenError> {
    let mut thread = file.u32s("thread", |number| number)?.into_iter();
    let mut depth = file.u32s("depth", |number| number)?.into_iter();
    let mut object = file.u32s("object", ObjectId)?.into_iter();
    let mut code = file.nullable_u32s("code", ObjectId)?.into_iter();
    let mut function = file.texts("function")?.into_iter();
    let mut source = file.texts("file")?.into_iter();
    let mut line = file.u32s("line", |number| number)?.into_iter();
    let row = || {
        Some(Frame {
            thread: thread.next()?,
            depth: depth.next()?,
            object: object.next()?,
            code: code.next()?,
            function: function.next()?,
            file: source.next()?,
            line: line.next()?,
        })
    };
    Ok(std::iter::from_fn(row).collect())
}

fn suspended(file: &TableFile) -> Result<Vec<SuspendedFrame>, OpenError> {
    let mut object = file.u32s("object", ObjectId)?.into_iter();
    let mut code = file.nullable_u32s("code", ObjectId)?.into_iter();
    let mut function = file.texts("function")?.into_iter();
    let mut source = file.texts("file")?.into_iter();
    let mut line = file.u32s("line", |number| number)?.into_iter();
    let row = || {
        Some(SuspendedFrame {
            object: object.next()?,
            code: code.next()?,
            function: function.next()?,
            file: source.next()?,
            line: line.next()?,
        })
    };
    Ok(std::iter::from_fn(row).collect())
}

fn digests(file: &TableFile) -> Result<Digests, OpenError> {
    let objects = file.u32s("object", ObjectId)?;
    let found = file.u64s("digest")?;
    let mut digests = Digests::default();
    let mut least = 0;
    for (object, digest) in objects.into_iter().zip(found) {
        if object.0 < least {
            return Err(file.damaged("object", "it is not sorted"));
        }
        least = object.0.saturating_add(1);
        digests.push(object, digest);
    }
    Ok(digests)
}

/// `has_shares`: the two columns that are newer than the others.
fn mappings(file: &TableFile, has_shares: bool) -> Result<Vec<Mapping>, OpenError> {
    let mut start = file.u64s("start")?.into_iter();
    let mut end = file.u64s("end")?.into_iter();
    let mut permissions = file.texts("permissions")?.into_iter();
    let mut offset = file.u64s("offset")?.into_iter();
    let mut path = file.texts("path")?.into_iter();
    let mut resident = file.u64s("resident")?.into_iter();
    let newer = |column| match has_shares {
        true => file.u64s(column),
        false => Ok(vec![0; file.rows()]),
    };
    let mut proportional = newer("proportional")?.into_iter();
    let mut swapped = newer("swapped")?.into_iter();
    let row = || {
        Some(Mapping {
            start: start.next()?,
            end: end.next()?,
            permissions: permissions.next()?,
            offset: offset.next()?,
            path: path.next()?,
            resident: resident.next()?,
            proportional: proportional.next()?,
            swapped: swapped.next()?,
        })
    };
    Ok(std::iter::from_fn(row).collect())
}
