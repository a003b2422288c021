//! Where a program mentions what it keeps things in: the lines to look at.

use super::survey::Survey;
use crate::{
    Step,
    instance_repr::{first_line, name},
    python_text::harmless,
};
use exuvia_snapshot::{ObjectId, Relation};
use std::collections::BTreeSet;

/// How many functions are named.
const NAMED: usize = 4;

/// The name of the code of a module itself.
const MODULE: &str = "<module>";

/// How deep code lies within code: a function in a function, a comprehension in that.
const NESTED: usize = 8;

/// The functions that mention the last step of a path, a variable of a module or class or an
/// attribute of an instance, in words: those of the module that the variable is in, or that the
/// class of the instance is from. Which line of a function it is, only its bytecode would say.
pub(super) fn in_code(survey: &Survey<'_>, steps: &[Step]) -> Option<String> {
    let last = steps.last()?;
    let wanted = attribute_name(&last.text)?;
    let globals = globals(survey, steps.get(..steps.len() - 1)?)?;
    let mut places: BTreeSet<(String, u64, String)> = BTreeSet::new();
    for function in survey.alive_named(&["function"]) {
        if survey.heap.attribute(function, "__globals__") == Some(globals)
            && let Some(code) = survey.heap.attribute(function, "__code__")
        {
            collect(survey, code, wanted, &mut places);
        }
    }
    // Where the program defines it says less than who works with it.
    if places.iter().any(|(.., function)| function != MODULE) {
        places.retain(|(.., function)| function != MODULE);
    }
    let more = places.len().saturating_sub(NAMED);
    let places = places.into_iter().take(NAMED);
    let mut named: Vec<String> = places
        .map(|(file, line, function)| format!("{function} ({file}, line {line})"))
        .collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    (!named.is_empty()).then(|| format!("it is mentioned in {}", named.join(", ")))
}

/// Where a function was defined, in words.
pub(super) fn definition(survey: &Survey<'_>, function: ObjectId) -> Option<String> {
    let code = survey.heap.attribute(function, "__code__")?;
    let (file, line, function) = place(survey, code)?;
    Some(format!("{function} is defined in {file}, line {line}"))
}

/// Adds the code, and what lies in it, that mentions a name.
fn collect(
    survey: &Survey<'_>,
    code: ObjectId,
    wanted: &str,
    places: &mut BTreeSet<(String, u64, String)>,
) {
    let heap = survey.heap;
    let mut level = vec![code];
    for _ in 0..NESTED {
        let mut next = Vec::new();
        for code in level {
            if let Some(names) = heap.attribute(code, "co_names")
                && items(survey, names).any(|name| heap.text_of(name).as_deref() == Some(wanted))
                && let Some(place) = place(survey, code)
            {
                places.insert(place);
            }
            if let Some(constants) = heap.attribute(code, "co_consts") {
                next.extend(items(survey, constants).filter(|&one| heap.is_instance(one, "code")));
            }
        }
        level = next;
    }
}

/// File, line and name of a code object.
fn place(survey: &Survey<'_>, code: ObjectId) -> Option<(String, u64, String)> {
    let file = name(survey.heap, code, &["co_filename"])?;
    let line = first_line(survey.heap, code)?.parse().ok()?;
    let function = name(survey.heap, code, &["co_qualname", "co_name"])?;
    Some((
        harmless(&file).into_owned(),
        line,
        harmless(&function).into_owned(),
    ))
}

fn items<'a>(survey: &Survey<'a>, tuple: ObjectId) -> impl Iterator<Item = ObjectId> + use<'a> {
    let references = survey.heap.snapshot().references.of(tuple);
    references
        .filter(|reference| matches!(reference.relation, Relation::Index(_)))
        .map(|reference| reference.target)
}

/// The dictionary of the module to which the holder at the end of a path belongs.
fn globals(survey: &Survey<'_>, holder: &[Step]) -> Option<ObjectId> {
    let heap = survey.heap;
    let at = |step: &Step| heap.snapshot().objects.at(step.address);
    let mut steps = holder.iter().rev();
    let mut holder = steps.next()?;
    if holder.text == ".__dict__" {
        // The dictionary of a module is what is looked for.
        let owner = steps.next()?;
        if heap.is_instance(at(owner)?, "module") {
            return at(holder);
        }
        holder = owner;
    }
    let object = at(holder)?;
    // A class, or an instance of one.
    let class = heap.type_names().type_at(object);
    let class = class.unwrap_or(heap.snapshot().kind(object).type_id);
    let module = &heap.snapshot().types.get(class.index())?.module;
    let module = heap.module(0, module)?;
    let dict = heap.snapshot().references.of(module);
    let mut dict = dict.filter(|reference| reference.relation == Relation::InstanceDict);
    Some(dict.next()?.target)
}

/// The name in `['name']` or `.name`.
fn attribute_name(step: &str) -> Option<&str> {
    let quoted = step
        .strip_prefix("['")
        .and_then(|rest| rest.strip_suffix("']"));
    let name = quoted.or_else(|| step.strip_prefix('.'))?;
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then_some(name)
}
