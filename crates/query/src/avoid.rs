use crate::{Heap, SelectionError, origins::GROUPS, path::ROOT, relation_text::RelationText};
use exuvia_snapshot::{ObjectId, Relation};

/// References that paths shall not go along: what `--avoid-edge` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AvoidedEdge {
    /// That from the root to the origin of this name.
    Origin(String),
    /// The references at these places in the columns, ascending.
    Places(Vec<u32>),
}

/// An edge that can't be avoided, because there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AvoidError {
    /// It begins with nothing that edges begin with.
    #[error("{text:?} names no edge")]
    NotAnEdge {
        /// What was asked for.
        text: String,
    },
    /// It begins with an address or kind that is not there.
    #[error("the edge {text:?} begins with nothing that is there")]
    Source {
        /// What was asked for.
        text: String,
        /// What is wrong with its beginning.
        #[source]
        source: SelectionError,
    },
    /// Its beginning is there, but no step of that text leads on.
    #[error("no step of the text {step:?} leads on from {from}")]
    NoSuchStep {
        /// What leads nowhere.
        step: String,
        /// From where.
        from: String,
        /// Some steps that lead on from there.
        steps: Vec<String>,
    },
}

/// How many steps are suggested.
const SUGGESTIONS: usize = 5;

/// How many objects of a printed path are looked at: a bound for texts that several paths
/// have in common.
const WALKED: usize = 1 << 20;

impl AvoidedEdge {
    /// The references that a text names:
    ///
    /// * a path as it is printed, or its beginning: its last step;
    /// * `0xSOURCE->0xTARGET`: all from one object to another;
    /// * `0xSOURCE['key']`: the step of an object;
    /// * `myapp.Session.user`: the step of all objects of a kind.
    ///
    /// `[*]` is every item of a container.
    pub fn named(heap: &Heap, text: &str) -> Result<Self, AvoidError> {
        if let Some(path) = text.strip_prefix(ROOT) {
            return last_step(heap, path.strip_prefix('.').unwrap_or(path));
        }
        let address = address_prefix(text);
        if let Some((source, rest)) = address {
            return of_object(heap, text, source, rest);
        }
        of_kind(heap, text)
    }
}

/// The address that a text begins with, and the rest.
fn address_prefix(text: &str) -> Option<(u64, &str)> {
    let digits = text.strip_prefix("0x")?;
    let end = digits
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(digits.len());
    let address = u64::from_str_radix(&digits[..end], 16).ok()?;
    Some((address, &digits[end..]))
}

fn object_at(heap: &Heap, text: &str, address: u64) -> Result<ObjectId, AvoidError> {
    let objects = &heap.snapshot().objects;
    objects.at(address).ok_or_else(|| AvoidError::Source {
        text: text.to_owned(),
        source: SelectionError::NoObjectAt {
            address,
            inside: None,
        },
    })
}

fn of_object(heap: &Heap, text: &str, source: u64, rest: &str) -> Result<AvoidedEdge, AvoidError> {
    let source = object_at(heap, text, source)?;
    let references = &heap.snapshot().references;
    let places: Vec<u32> = match rest.strip_prefix("->").and_then(address_prefix) {
        Some((target, "")) => {
            let target = object_at(heap, text, target)?;
            let places = references.range(source);
            places
                .filter(|&place| references.get(place).target == target)
                .map(|place| place as u32)
                .collect()
        }
        _ => steps_of(heap, source, rest).collect(),
    };
    found(heap, source, rest, places)
}

fn of_kind(heap: &Heap, text: &str) -> Result<AvoidedEdge, AvoidError> {
    let snapshot = heap.snapshot();
    let begins_step = |rest: &str| rest.starts_with(['.', '[', '-', ')']);
    // Names can begin with each other, and the longest is meant: `a.B.c` may be one.
    let kinds = snapshot.kinds.iter().map(|kind| kind.name.as_str());
    let name = kinds
        .filter(|name| text.strip_prefix(name).is_some_and(begins_step))
        .max_by_key(|name| name.len())
        .ok_or_else(|| AvoidError::NotAnEdge {
            text: text.to_owned(),
        })?;
    let step = &text[name.len()..];
    let of_kind = || {
        let objects = snapshot.objects.ids();
        objects.filter(|&id| snapshot.kind(id).name == name)
    };
    let places: Vec<u32> = of_kind().flat_map(|id| steps_of(heap, id, step)).collect();
    match of_kind().next() {
        Some(first) => found(heap, first, step, places),
        None => Err(AvoidError::NotAnEdge {
            text: text.to_owned(),
        }),
    }
}

fn found(
    heap: &Heap,
    source: ObjectId,
    step: &str,
    places: Vec<u32>,
) -> Result<AvoidedEdge, AvoidError> {
    match places.is_empty() {
        false => Ok(AvoidedEdge::Places(places)),
        true => Err(no_such_step(heap, source, step)),
    }
}

fn no_such_step(heap: &Heap, source: ObjectId, step: &str) -> AvoidError {
    let snapshot = heap.snapshot();
    let steps = snapshot.references.of(source).take(SUGGESTIONS);
    AvoidError::NoSuchStep {
        step: step.to_owned(),
        from: format!(
            "{} at {:#x}",
            snapshot.kind(source).name,
            snapshot.objects.address[source.index()]
        ),
        steps: steps
            .map(|reference| RelationText::of(heap, source, reference.relation).behind)
            .collect(),
    }
}

/// The places of the references of an object whose step has a text.
fn steps_of<'a>(heap: &'a Heap, source: ObjectId, step: &'a str) -> impl Iterator<Item = u32> + 'a {
    let references = &heap.snapshot().references;
    references
        .range(source)
        .filter(move |&place| is_step(heap, source, references.get(place).relation, step))
        .map(|place| place as u32)
}

fn is_step(heap: &Heap, source: ObjectId, relation: Relation, step: &str) -> bool {
    match step.trim_start_matches(')') {
        "[*]" => matches!(
            relation,
            Relation::Index(_) | Relation::Value(_) | Relation::Member(_)
        ),
        step => {
            let text = RelationText::of(heap, source, relation).behind;
            text.trim_start_matches(')') == step
        }
    }
}

/// The last step of a path, given without `hp.Root.`. Where several references have the text
/// of a step, all of them are followed.
fn last_step(heap: &Heap, path: &str) -> Result<AvoidedEdge, AvoidError> {
    let snapshot = heap.snapshot();
    let mut at: Vec<(ObjectId, &str)> = Vec::new();
    for origin in GROUPS.iter().flat_map(|(group, _)| group.origins(heap)) {
        match path.strip_prefix(origin.name.as_str()) {
            Some("") => return Ok(AvoidedEdge::Origin(origin.name)),
            Some(rest) if rest.starts_with(['.', '[', '-', ')']) => at.push((origin.target, rest)),
            _ => {}
        }
    }
    let mut places = Vec::new();
    // The one that came farthest tells what is wrong.
    let mut farthest = at.first().copied();
    let mut walked = 0;
    while let Some((source, rest)) = at.pop() {
        walked += 1;
        if walked > WALKED {
            break;
        }
        if farthest.is_none_or(|(_, shortest)| rest.len() < shortest.len()) {
            farthest = Some((source, rest));
        }
        for place in snapshot.references.range(source) {
            let reference = snapshot.references.get(place);
            let text = RelationText::of(heap, source, reference.relation).behind;
            match rest.strip_prefix(text.as_str()) {
                Some("") => places.push(place as u32),
                Some(rest) if !text.is_empty() => at.push((reference.target, rest)),
                _ => {}
            }
        }
    }
    match (places.is_empty(), farthest) {
        (false, _) => {
            places.sort_unstable();
            Ok(AvoidedEdge::Places(places))
        }
        (true, Some((source, rest))) => Err(no_such_step(heap, source, rest)),
        (true, None) => Err(AvoidError::NotAnEdge {
            text: format!("{ROOT}.{path}"),
        }),
    }
}
