use crate::{
    Heap,
    python_text::{harmless, text_repr},
    type_names::qualified,
};
use exuvia_snapshot::{ObjectId, Relation, Type};

/// What `repr` prints of an object that has no value of its own: its class and address, and
/// its name if it has one.
pub(crate) fn instance_repr(heap: &Heap, object: ObjectId) -> String {
    if let Some(class) = class_name(heap, object) {
        return format!("<class '{}'>", harmless(&class));
    }
    let address = heap.snapshot().objects.address[object.index()];
    let type_name = qualified(heap.snapshot().type_of(object));
    let type_name = harmless(&type_name);
    let name = |fields: &[&str]| Some(harmless(&name(heap, object, fields)?).into_owned());
    let named = match &*type_name {
        "NoneType" => return "None".to_owned(),
        "ellipsis" => return "Ellipsis".to_owned(),
        "NotImplementedType" => return "NotImplemented".to_owned(),
        // What these print is their value, and that was not kept.
        "str" | "bytes" | "bytearray" | "int" | "float" | "complex" | "bool" => {
            return format!("<{type_name} at {address:#x}>");
        }
        "module" => name(&["md_name"]).map(|name| format!("<module '{name}'>")),
        "function" => name(&["__qualname__", "__name__"])
            .map(|name| format!("<function {name} at {address:#x}>")),
        "code" => name(&["co_name"]).map(|name| {
            let place = name_of_place(heap, object).unwrap_or_default();
            format!("<code object {name} at {address:#x}{place}>")
        }),
        "generator" | "coroutine" | "async_generator" => name(&["__qualname__", "__name__"])
            .map(|name| format!("<{type_name} object {name} at {address:#x}>")),
        "ContextVar" | "_contextvars.ContextVar" => self::name(heap, object, &["name", "var_name"])
            .map(|name| format!("<ContextVar name={} at {address:#x}>", text_repr(&name))),
        _ => None,
    };
    named.unwrap_or_else(|| format!("<{type_name} object at {address:#x}>"))
}

/// Whether an object is a code object. What is kept of it is where it begins: `line 95`.
pub(crate) fn is_code(heap: &Heap, object: ObjectId) -> bool {
    qualified(heap.snapshot().type_of(object)) == "code"
}

/// The number of the line at which a code object begins; none where it was not kept.
pub(crate) fn first_line(heap: &Heap, code: ObjectId) -> Option<String> {
    let value = heap.snapshot().values.get(code)?;
    let text = value.text();
    let line = text.strip_prefix("line ")?;
    line.bytes()
        .all(|digit| digit.is_ascii_digit())
        .then(|| line.to_owned())
}

/// `, file "shop.py", line 95`, as Python's own text of a code object ends.
fn name_of_place(heap: &Heap, code: ObjectId) -> Option<String> {
    let file = name(heap, code, &["co_filename"])?;
    let line = first_line(heap, code)?;
    Some(format!(", file \"{}\", line {line}", harmless(&file)))
}

/// The qualified name of an object that is a class.
fn class_name(heap: &Heap, object: ObjectId) -> Option<String> {
    let id = heap.type_names().type_at(object)?;
    let class = heap.snapshot().types.get(id.index())?;
    let Some(name) = name(heap, object, &["ht_qualname"]) else {
        return Some(qualified(class));
    };
    Some(qualified(&Type {
        name,
        ..class.clone()
    }))
}

/// The text of the first of some fields of an object that is there and was kept.
pub(crate) fn name(heap: &Heap, object: ObjectId, fields: &[&str]) -> Option<String> {
    fields.iter().find_map(|field| {
        let snapshot = heap.snapshot();
        let reference = snapshot.references.of(object).find(|reference| {
            let (Relation::Attribute(name) | Relation::Interior(name)) = reference.relation else {
                return false;
            };
            snapshot
                .names
                .get(name.index())
                .is_some_and(|name| name == field)
        })?;
        let is_text = snapshot.type_of(reference.target).name == "str";
        let value = snapshot.values.get(reference.target).filter(|_| is_text)?;
        Some(value.text().into_owned())
    })
}
