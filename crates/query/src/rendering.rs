use crate::{
    Heap,
    instance_repr::{first_line, name},
    limits::Limits,
    python_text::harmless,
    repr::Repr,
    type_names::{TypeNames, is_builtin},
};
use exuvia_snapshot::{KindShape, ObjectId, Reference, Relation};

/// How heapy writes the single objects of a set whose kind is known: a number or string as
/// its value, a function, class or module by name, a container as `address*length`,
/// anything else as its address.
///
/// The name of a function written in C is in no snapshot, so that such a function is written as
/// its address.
pub(crate) fn rendering(heap: &Heap, object: ObjectId) -> String {
    let kind = heap.snapshot().kind(object);
    if let KindShape::DictOf(_) = kind.shape {
        // heapy shortens what an owner is called, whatever it is: `..fn` of `myapp.fn`.
        let owner = owner(heap, object).map(|owner| rendering(heap, owner));
        return match owner {
            Some(owner) => match owner.rsplit_once('.') {
                Some((_, last)) => format!("..{last}"),
                None => owner,
            },
            None => address(heap, object),
        };
    }
    if heap.type_names().type_at(object).is_some() {
        return class(heap, object);
    }
    let object_type = heap.snapshot().type_of(object);
    if !is_builtin(object_type) {
        return address(heap, object);
    }
    let text =
        |fields: &[&str]| name(heap, object, fields).map(|text| harmless(&text).into_owned());
    let named = match object_type.name.as_str() {
        "bool" | "complex" | "float" | "int" | "NoneType" => {
            Some(Repr::new(heap, Limits::WHOLE_NUMBERS).of(object))
        }
        "str" | "bytes" => Some(Repr::new(heap, Limits::REPRLIB).of(object)),
        "dict" | "list" | "tuple" => Some(format!(
            "{}*{}",
            address(heap, object),
            length(heap, object)
        )),
        "function" => text(&["__name__"]).map(|function| {
            let module = text(&["__module__"]).unwrap_or_else(|| "None".to_owned());
            format!("{module}.{function}")
        }),
        "module" => text(&["md_name"]),
        "code" => text(&["co_name"]).map(|code| {
            let file = text(&["co_filename"]).unwrap_or_default();
            let file = file.rsplit('/').next().unwrap_or_default();
            match first_line(heap, object) {
                Some(line) => format!("{file}:{line}:{code}"),
                None => format!("{file}:{code}"),
            }
        }),
        "method" => method(heap, object),
        "frame" => Some(frame(heap, object)),
        "traceback" => field(heap, object, "tb_frame").map(|of| {
            format!(
                "<in frame {} at {}>",
                frame(heap, of),
                address(heap, object)
            )
        }),
        _ => None,
    };
    named.unwrap_or_else(|| address(heap, object))
}

/// Whether heapy writes objects of a type by their values alone, so that sets of several
/// such types are written like that as well. The members of other mixed sets are addresses.
pub(crate) fn is_number(heap: &Heap, object: ObjectId) -> bool {
    let object_type = heap.snapshot().type_of(object);
    let numbers = ["bool", "complex", "float", "int", "NoneType"];
    is_builtin(object_type) && numbers.contains(&object_type.name.as_str())
}

/// An address as `hex(id(x))` writes it.
pub(crate) fn address(heap: &Heap, object: ObjectId) -> String {
    format!("{:#x}", heap.snapshot().objects.address[object.index()])
}

/// The object whose `__dict__` a dictionary is.
pub(crate) fn owner(heap: &Heap, dict: ObjectId) -> Option<ObjectId> {
    let references = &heap.snapshot().references;
    let mut incoming = heap.reversed().to(references, dict);
    let owner =
        incoming.find(|one| references.get(one.place).relation == Relation::InstanceDict)?;
    Some(owner.source)
}

fn class(heap: &Heap, object: ObjectId) -> String {
    let names: &TypeNames = heap.type_names();
    let shown = names.type_at(object).map(|id| names.shown(id));
    harmless(shown.unwrap_or_default()).into_owned()
}

fn method(heap: &Heap, object: ObjectId) -> Option<String> {
    let (bound, function) = (
        field(heap, object, "__self__")?,
        field(heap, object, "__func__")?,
    );
    let class = &heap.snapshot().kind(bound).name;
    let function = name(heap, function, &["__name__"])?;
    Some(format!(
        "<{} at {}>.{}",
        harmless(class),
        address(heap, bound),
        harmless(&function)
    ))
}

fn frame(heap: &Heap, object: ObjectId) -> String {
    let code = field(heap, object, "f_code");
    let code = code.and_then(|code| name(heap, code, &["co_name"]));
    let code = code.unwrap_or_default();
    format!("<{} at {}>", harmless(&code), address(heap, object))
}

/// What an object refers to by the name of an attribute.
fn field(heap: &Heap, object: ObjectId, wanted: &str) -> Option<ObjectId> {
    let snapshot = heap.snapshot();
    let is_wanted = |reference: &Reference| match reference.relation {
        Relation::Attribute(name) => {
            snapshot.names.get(name.index()).map(String::as_str) == Some(wanted)
        }
        _ => false,
    };
    let reference = snapshot.references.of(object).find(is_wanted)?;
    Some(reference.target)
}

/// What `len` says of a dict, list or tuple.
fn length(heap: &Heap, container: ObjectId) -> usize {
    let references = heap.snapshot().references.of(container);
    let items =
        references.filter(|one| matches!(one.relation, Relation::Index(_) | Relation::Value(_)));
    items.count()
}
