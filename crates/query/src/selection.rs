use crate::expression::{
    Compiled, Condition, Expression, Field, FieldForm, Literal, Operator, Test, module_of,
};
use crate::{
    Heap, partition::numbered_rows_by_kind, selection_error::SelectionError, similar::similar,
    type_names::TypeNames,
};
use exuvia_snapshot::{Kind, KindId, ObjectFlags, ObjectId, Objects, TypeId, ValuesKept};

/// Which objects a question is about: the live ones for which all terms hold. Without a term
/// these are all live objects. An object that is named by its address need not be alive.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// What must hold.
    pub all_of: Vec<Term>,
}

/// A condition of a [`Selection`].
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// To be of a kind, by the name that the table shows: `str`, `dict of myapp.Session`.
    Kind(String),
    /// To be of a type, whatever the kind: `dict`, `myapp.Session`.
    Type(String),
    /// To be in a row of the table by kind, counted from 0.
    Row(usize),
    /// To lie at an address.
    At(u64),
    /// To be of a class of this module or of a submodule; or the `__dict__` of such an object.
    Module(String),
    /// What an expression says.
    Where(Expression),
    /// That one of several holds.
    AnyOf(Vec<Term>),
}

impl From<Term> for Selection {
    fn from(term: Term) -> Self {
        Self { all_of: vec![term] }
    }
}

/// Some objects of a heap, in the order of their addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSet {
    pub(crate) ids: Vec<ObjectId>,
    pub(crate) size: u64,
    pub(crate) description: String,
}

impl ObjectSet {
    /// The objects.
    pub fn ids(&self) -> &[ObjectId] {
        &self.ids
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Their bytes, as `sys.getsizeof` counts them.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What was selected, for a person: the name of the kind or type, or the address.
    pub fn description(&self) -> &str {
        &self.description
    }
}

impl ObjectSet {
    pub(crate) fn select(heap: &Heap, selection: &Selection) -> Result<Self, SelectionError> {
        let Some((first, others)) = selection.all_of.split_first() else {
            return Ok(Self::alive(heap));
        };
        let mut set = Self::of_term(heap, first)?;
        let mut alone = vec![(set.description.clone(), set.count())];
        for term in others {
            let other = Self::of_term(heap, term)?;
            alone.push((other.description.clone(), other.count()));
            set.ids.retain(|id| other.ids.binary_search(id).is_ok());
            set.description = format!("{} and {}", set.description, other.description);
        }
        if set.ids.is_empty() {
            return Err(SelectionError::NothingInAll {
                description: set.description,
                alone,
            });
        }
        Ok(Self::new(heap, set.ids, set.description))
    }

    /// A set of objects, which come in the order of their addresses.
    pub(crate) fn new(heap: &Heap, ids: Vec<ObjectId>, description: String) -> Self {
        let sizes = ids
            .iter()
            .map(|id| heap.snapshot().objects.size[id.index()]);
        Self {
            size: sizes.fold(0, u64::saturating_add),
            ids,
            description,
        }
    }

    /// All live objects.
    pub(crate) fn alive(heap: &Heap) -> Self {
        let flags = &heap.snapshot().objects.flags;
        let alive = heap.liveness().alive.iter();
        let ids = alive.filter(|id| !flags[id.index()].contains(ObjectFlags::SYNTHETIC));
        Self::new(heap, ids.collect(), "all live objects".to_owned())
    }

    fn of_term(heap: &Heap, term: &Term) -> Result<Self, SelectionError> {
        match term {
            Term::Kind(name) => Self::of_kind(heap, name),
            Term::Type(name) => Self::of_type(heap, name),
            Term::Row(row) => Self::of_row(heap, *row),
            Term::At(address) => Self::at(heap, *address),
            Term::Module(name) => Self::of_module(heap, name),
            Term::Where(expression) => Self::of_expression(heap, expression),
            Term::AnyOf(terms) => Self::of_any(heap, terms),
        }
    }

    fn of_any(heap: &Heap, terms: &[Term]) -> Result<Self, SelectionError> {
        let mut ids = Vec::new();
        let mut descriptions = Vec::new();
        for term in terms {
            let set = Self::of_term(heap, term)?;
            ids.extend(set.ids);
            descriptions.push(set.description);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(Self::new(heap, ids, descriptions.join(" or ")))
    }

    fn of_kind(heap: &Heap, name: &str) -> Result<Self, SelectionError> {
        let kinds = &heap.snapshot().kinds;
        if !kinds.iter().any(|kind| kind.name == name) {
            return Err(SelectionError::UnknownKind {
                name: name.to_owned(),
                closest: similar(name, kinds.iter().map(|kind| kind.name.as_str())),
            });
        }
        Self::of_kinds(heap, name, |_, kind| kind.name == name)
    }

    fn of_type(heap: &Heap, name: &str) -> Result<Self, SelectionError> {
        let names = heap.type_names();
        let types = &heap.snapshot().types;
        let matches: Vec<bool> = (0..types.len() as u32)
            .map(|id| {
                let known = TypeNames::all(heap.snapshot(), names, TypeId(id));
                known.iter().any(|known| known == name)
            })
            .collect();
        if !matches.contains(&true) {
            let shown = (0..types.len() as u32).map(|id| names.shown(TypeId(id)));
            return Err(SelectionError::UnknownType {
                name: name.to_owned(),
                closest: similar(name, shown),
            });
        }
        let matches = |kind: &Kind| matches.get(kind.type_id.index()) == Some(&true);
        Self::of_kinds(heap, name, |_, kind| matches(kind))
    }

    fn of_row(heap: &Heap, row: usize) -> Result<Self, SelectionError> {
        let rows = numbered_rows_by_kind(heap);
        let Some((wanted, shown)) = rows.get(row) else {
            return Err(SelectionError::NoSuchRow {
                row,
                rows: rows.len(),
            });
        };
        Self::of_kinds(heap, &shown.name, |id, _| id == *wanted)
    }

    fn at(heap: &Heap, address: u64) -> Result<Self, SelectionError> {
        let objects = &heap.snapshot().objects;
        let id = objects
            .at(address)
            .ok_or_else(|| SelectionError::NoObjectAt {
                address,
                inside: around(objects, address),
            })?;
        let description = format!("{} at {address:#x}", heap.snapshot().kind(id).name);
        Ok(Self::new(heap, vec![id], description))
    }

    fn of_module(heap: &Heap, name: &str) -> Result<Self, SelectionError> {
        let is_in = |module: &str| {
            let rest = module.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let kinds = || (0..heap.snapshot().kinds.len() as u32).map(KindId);
        if !kinds().any(|kind| is_in(module_of(heap, kind))) {
            return Err(SelectionError::UnknownModule {
                name: name.to_owned(),
                closest: similar(name, kinds().map(|kind| module_of(heap, kind))),
            });
        }
        let description = format!("module {name}");
        Self::of_kinds(heap, &description, |kind, _| is_in(module_of(heap, kind)))
    }

    fn of_expression(heap: &Heap, expression: &Expression) -> Result<Self, SelectionError> {
        let compiled = Compiled::of(heap, expression);
        let flags = &heap.snapshot().objects.flags;
        let alive = heap.liveness().alive.iter();
        let ids: Vec<ObjectId> = alive
            .filter(|id| !flags[id.index()].contains(ObjectFlags::SYNTHETIC))
            .filter(|&id| compiled.holds(id))
            .collect();
        let description = expression.to_string();
        if ids.is_empty() {
            return Err(nothing_matches(heap, expression, description));
        }
        Ok(Self::new(heap, ids, description))
    }

    fn of_kinds(
        heap: &Heap,
        name: &str,
        wanted: impl Fn(KindId, &Kind) -> bool,
    ) -> Result<Self, SelectionError> {
        let snapshot = heap.snapshot();
        let objects = &snapshot.objects;
        let wanted: Vec<bool> = (0u32..)
            .zip(&snapshot.kinds)
            .map(|(id, kind)| wanted(KindId(id), kind))
            .collect();
        let all = || {
            objects.ids().filter(|id| {
                wanted.get(objects.kind[id.index()].index()) == Some(&true)
                    && !objects.flags[id.index()].contains(ObjectFlags::SYNTHETIC)
            })
        };
        let alive = &heap.liveness().alive;
        let ids: Vec<ObjectId> = all().filter(|&id| alive.contains(id)).collect();
        if ids.is_empty() {
            return Err(SelectionError::NoneAlive {
                name: name.to_owned(),
                garbage: all().count() as u64,
            });
        }
        Ok(Self::new(heap, ids, name.to_owned()))
    }
}

/// Why nothing is as an expression says: how many objects each of its conditions alone would
/// select, and names like those that do not exist.
fn nothing_matches(heap: &Heap, expression: &Expression, description: String) -> SelectionError {
    let alive = ObjectSet::alive(heap);
    let mut alone: Vec<(String, u64)> = Vec::new();
    let mut closest = Vec::new();
    for condition in expression.conditions() {
        let mut text = condition.to_string();
        if alone.iter().any(|(known, _)| known.starts_with(&text)) {
            continue;
        }
        let compiled = Compiled::condition(heap, condition);
        let count = alive.ids.iter().filter(|&&id| compiled.holds(id)).count();
        if count == 0 {
            closest.extend(names_like(heap, condition));
            if let Some(known) = what_is_known(heap, condition, &compiled, &alive) {
                text = format!("{text} ({known})");
            }
        }
        alone.push((text, count as u64));
    }
    SelectionError::NothingMatches {
        description,
        alone,
        closest,
    }
}

/// What objects are where none is as a condition says.
fn what_is_known(
    heap: &Heap,
    condition: &Condition,
    compiled: &Compiled<'_>,
    alive: &ObjectSet,
) -> Option<String> {
    let without_values = heap.snapshot().metadata.capture.values == ValuesKept::None;
    match condition.field.form() {
        FieldForm::Number | FieldForm::Bytes => Some(match compiled.range(&alive.ids) {
            Some((least, most)) => format!("it is from {least} to {most}"),
            None => "it is known of no object".to_owned(),
        }),
        FieldForm::Value if without_values => Some("no contents were kept".to_owned()),
        FieldForm::Value | FieldForm::Text | FieldForm::Flag => None,
    }
}

/// Names that look like the one with which a condition compares a name.
fn names_like(heap: &Heap, condition: &Condition) -> Vec<String> {
    let Test::Compares(Operator::Equal, Literal::Text(wanted)) = &condition.test else {
        return Vec::new();
    };
    let snapshot = heap.snapshot();
    match condition.field {
        Field::Kind => similar(wanted, snapshot.kinds.iter().map(|kind| kind.name.as_str())),
        Field::Module => {
            let kinds = (0..snapshot.kinds.len() as u32).map(KindId);
            similar(wanted, kinds.map(|kind| module_of(heap, kind)))
        }
        Field::Type | Field::Owner => {
            let types = (0..snapshot.types.len() as u32).map(TypeId);
            similar(wanted, types.map(|id| heap.type_names().shown(id)))
        }
        _ => Vec::new(),
    }
}

/// The object that begins before an address and reaches beyond it.
fn around(objects: &Objects, address: u64) -> Option<u64> {
    let before = objects
        .address
        .partition_point(|&start| start <= address)
        .checked_sub(1)?;
    let length = objects.size[before].max(objects.allocated[before]);
    let start = objects.address[before];
    (address - start < length).then_some(start)
}
