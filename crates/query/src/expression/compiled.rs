use super::pattern::Pattern;
use super::{Condition, Expression, Field, Literal, Operator, Test};
use crate::{Heap, type_names::TypeNames};
use exuvia_graph::{BitSet, Follow, incoming};
use exuvia_snapshot::{KindId, KindShape, ObjectFlags, ObjectId, Relation, TypeId, ValueForm};
use std::cmp::Ordering;

/// An expression made ready for the objects of one heap: what depends on the kind of an object
/// alone is decided for each kind, and values are looked through once.
pub(crate) enum Compiled<'a> {
    /// By kind: whether it holds.
    Kinds(&'a Heap, Vec<bool>),
    /// The objects for which it holds.
    Set(BitSet),
    /// A number of each object, and what it must be.
    Number(Box<dyn Fn(ObjectId) -> Option<u64> + 'a>, NumberTest),
    Flag(&'a Heap, ObjectFlags),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

impl<'a> Compiled<'a> {
    pub(crate) fn of(heap: &'a Heap, expression: &Expression) -> Self {
        let all = |parts: &[Expression]| parts.iter().map(|part| Self::of(heap, part)).collect();
        match expression {
            Expression::Condition(condition) => Self::condition(heap, condition),
            Expression::Not(inner) => Self::Not(Box::new(Self::of(heap, inner))),
            Expression::And(parts) => Self::And(all(parts)),
            Expression::Or(parts) => Self::Or(all(parts)),
        }
    }

    /// Whether it holds for an object.
    pub(crate) fn holds(&self, object: ObjectId) -> bool {
        match self {
            Self::Kinds(heap, kinds) => {
                let kind = heap.snapshot().objects.kind[object.index()];
                kinds.get(kind.index()) == Some(&true)
            }
            Self::Set(set) => set.contains(object),
            Self::Number(number, test) => number(object).is_some_and(|number| test.accepts(number)),
            Self::Flag(heap, flag) => heap.snapshot().objects.flags[object.index()].contains(*flag),
            Self::Not(inner) => !inner.holds(object),
            Self::And(parts) => parts.iter().all(|part| part.holds(object)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(object)),
        }
    }

    /// The smallest and the largest that a number of some objects is, if this is a condition on
    /// a number that is known of one of them.
    pub(crate) fn range(&self, objects: &[ObjectId]) -> Option<(u64, u64)> {
        let Self::Number(number, _) = self else {
            return None;
        };
        let numbers = || objects.iter().filter_map(|&object| number(object));
        Some((numbers().min()?, numbers().max()?))
    }

    pub(crate) fn condition(heap: &'a Heap, Condition { field, test }: &Condition) -> Self {
        let flag = |flag| Self::Flag(heap, flag);
        match field {
            Field::Kind | Field::Type | Field::Module | Field::Owner => {
                Self::Kinds(heap, by_kind(heap, *field, &TextTest::new(test)))
            }
            Field::Value => Self::Set(by_value(heap, test)),
            Field::Tracked => flag(ObjectFlags::TRACKED),
            Field::Immortal => flag(ObjectFlags::IMMORTAL),
            Field::Static => flag(ObjectFlags::STATIC),
            Field::Conservative => flag(ObjectFlags::CONSERVATIVE),
            Field::Native => {
                let mut native = BitSet::new(heap.snapshot().objects.len());
                native.extend(heap.liveness().alive.difference(&heap.liveness().rooted));
                Self::Set(native)
            }
            Field::Size
            | Field::Allocated
            | Field::Retained
            | Field::Refcount
            | Field::Referrers
            | Field::Referents
            | Field::Length
            | Field::Address
            | Field::Interpreter
            | Field::Generation => Self::Number(number(heap, *field), NumberTest::new(test)),
        }
    }
}

/// The numeric field of an object; none where it is not known.
fn number(heap: &Heap, field: Field) -> Box<dyn Fn(ObjectId) -> Option<u64> + '_> {
    let snapshot = heap.snapshot();
    let objects = &snapshot.objects;
    let references = &snapshot.references;
    match field {
        Field::Size => Box::new(|id| Some(objects.size[id.index()])),
        Field::Allocated => Box::new(|id| Some(objects.allocated[id.index()])),
        Field::Retained => {
            let dominators = heap.dominators();
            Box::new(|id| Some(dominators.retained(id)))
        }
        Field::Refcount => Box::new(|id| {
            let refcount = objects.refcount[id.index()];
            let immortal = objects.flags[id.index()].contains(ObjectFlags::IMMORTAL);
            (refcount != u32::MAX && !immortal).then(|| refcount.into())
        }),
        Field::Referrers => {
            let found = incoming(references, heap.liveness().alive.iter(), Follow::Strong);
            Box::new(move |id| found.get(id.index()).map(|&count| count.into()))
        }
        Field::Referents => Box::new(|id| Some(references.range(id).len() as u64)),
        Field::Length => {
            let containers = containers(heap);
            Box::new(move |id| {
                let kind = objects.kind[id.index()];
                (containers.get(kind.index()) == Some(&true)).then(|| length(heap, id))
            })
        }
        Field::Interpreter => Box::new(|id| objects.interpreter_of(id).map(u64::from)),
        Field::Generation => Box::new(|id| objects.generation_of(id).map(u64::from)),
        _ => Box::new(|id| Some(objects.address[id.index()])),
    }
}

/// The items of a container.
fn length(heap: &Heap, id: ObjectId) -> u64 {
    let is_item = |relation: Relation| {
        matches!(
            relation,
            Relation::Index(_) | Relation::Value(_) | Relation::Member(_)
        )
    };
    let references = heap.snapshot().references.of(id);
    references.filter(|item| is_item(item.relation)).count() as u64
}

/// By kind: whether its objects have items.
fn containers(heap: &Heap) -> Vec<bool> {
    const CONTAINERS: [&str; 6] = ["list", "tuple", "set", "frozenset", "dict", "deque"];
    by_base(heap, |module, name| {
        matches!(module, "builtins" | "collections" | "_collections") && CONTAINERS.contains(&name)
    })
}

/// By kind: whether its type, or one that it inherits from, is wanted.
fn by_base(heap: &Heap, wanted: impl Fn(&str, &str) -> bool) -> Vec<bool> {
    let types = &heap.snapshot().types;
    let kinds = heap.snapshot().kinds.iter();
    kinds
        .map(|kind| {
            // A snapshot from elsewhere can hold a circle of bases.
            let bases = std::iter::successors(Some(kind.type_id), |id| types.get(id.index())?.base);
            bases
                .take(types.len())
                .filter_map(|id| types.get(id.index()))
                .any(|base| wanted(&base.module, &base.name))
        })
        .collect()
}

/// By kind: whether a text field of it passes a test.
fn by_kind(heap: &Heap, field: Field, test: &TextTest) -> Vec<bool> {
    let snapshot = heap.snapshot();
    let names = heap.type_names();
    let type_passes = |id: TypeId| {
        TypeNames::all(snapshot, names, id)
            .into_iter()
            .any(|name| test.accepts(&name))
    };
    let kinds = (0u32..).map(KindId).zip(&snapshot.kinds);
    kinds
        .map(|(id, kind)| match (field, kind.shape) {
            (Field::Kind, _) => test.accepts(&kind.name),
            (Field::Type, _) => type_passes(kind.type_id),
            (Field::Owner, KindShape::DictOf(owner)) => type_passes(owner),
            (Field::Owner, _) => false,
            (_, _) => test.accepts(module_of(heap, id)),
        })
        .collect()
}

/// The module of the class of a kind: of its owners' class, if it is one of `__dict__`s.
pub(crate) fn module_of(heap: &Heap, kind: KindId) -> &str {
    let snapshot = heap.snapshot();
    let Some(kind) = snapshot.kinds.get(kind.index()) else {
        return "";
    };
    let class = match kind.shape {
        KindShape::DictOf(owner) => owner,
        KindShape::Plain | KindShape::DictWithoutOwner => kind.type_id,
    };
    let class = snapshot.types.get(class.index());
    class.map_or("", |class| class.module.as_str())
}

/// The objects whose value passes a test.
fn by_value(heap: &Heap, test: &Test) -> BitSet {
    let snapshot = heap.snapshot();
    let numbers = by_base(heap, |module, name| {
        module == "builtins" && matches!(name, "int" | "float")
    });
    let (text_test, number_test) = (TextTest::new(test), NumberTest::new(test));
    let mut passed = BitSet::new(snapshot.objects.len());
    for (id, value) in snapshot.values.iter() {
        let passes = match value.form {
            ValueForm::Text | ValueForm::Bytes => text_test.accepts(&value.text()),
            ValueForm::TextStart | ValueForm::BytesStart => text_test.accepts_start(&value.text()),
            ValueForm::Repr => {
                let kind = snapshot.objects.kind[id.index()];
                numbers.get(kind.index()) == Some(&true)
                    && Number::parse(&value.text()).is_some_and(|value| number_test.compare(value))
            }
        };
        if passes {
            passed.insert(id);
        }
    }
    passed
}

/// What a text must be; literals that are no text accept none.
enum TextTest {
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
    Ordered(Operator, String),
    Contains(String),
    Like(Pattern),
}

impl TextTest {
    fn new(test: &Test) -> Self {
        let text = |literal: &Literal| match literal {
            Literal::Text(text) => Some(text.clone()),
            Literal::Integer(_) | Literal::Decimal(_) => None,
        };
        match test {
            Test::Compares(operator, literal) => match (operator, text(literal)) {
                (_, None) => Self::OneOf(Vec::new()),
                (Operator::Equal, Some(text)) => Self::OneOf(vec![text]),
                (Operator::NotEqual, Some(text)) => Self::NoneOf(vec![text]),
                (&operator, Some(text)) => Self::Ordered(operator, text),
            },
            Test::In(literals) => Self::OneOf(literals.iter().filter_map(text).collect()),
            Test::Contains(text) => Self::Contains(text.clone()),
            Test::Like(pattern) => Self::Like(Pattern::new(pattern)),
            Test::Holds => Self::OneOf(Vec::new()),
        }
    }

    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::OneOf(texts) => texts.iter().any(|one| one == text),
            Self::NoneOf(texts) => texts.iter().all(|one| one != text),
            Self::Ordered(operator, other) => operator.accepts(text.cmp(other)),
            Self::Contains(part) => text.contains(part),
            Self::Like(pattern) => pattern.matches(text),
        }
    }

    /// Whether a text passes of which only the beginning is known, as far as that can be told.
    fn accepts_start(&self, start: &str) -> bool {
        match self {
            Self::OneOf(_) => false,
            // It is longer than its beginning, so that no shorter text is equal to it.
            Self::NoneOf(texts) => texts.iter().all(|one| !one.starts_with(start)),
            Self::Ordered(operator, other) => {
                !other.starts_with(start) && operator.accepts(start.cmp(other))
            }
            Self::Contains(part) => start.contains(part),
            Self::Like(pattern) => pattern.matches_start(start),
        }
    }
}

/// What a number must be; literals that are no numbers accept none.
pub(crate) enum NumberTest {
    Compares(Operator, Number),
    OneOf(Vec<Number>),
}

impl NumberTest {
    fn new(test: &Test) -> Self {
        match test {
            Test::Compares(operator, literal) => match Number::of(literal) {
                Some(number) => Self::Compares(*operator, number),
                None => Self::OneOf(Vec::new()),
            },
            Test::In(literals) => Self::OneOf(literals.iter().filter_map(Number::of).collect()),
            Test::Holds | Test::Contains(_) | Test::Like(_) => Self::OneOf(Vec::new()),
        }
    }

    #[inline]
    fn accepts(&self, number: u64) -> bool {
        self.compare(Number::Integer(number.into()))
    }

    fn compare(&self, number: Number) -> bool {
        match self {
            Self::Compares(operator, other) => number
                .order(*other)
                .is_some_and(|order| operator.accepts(order)),
            Self::OneOf(others) => others
                .iter()
                .any(|other| number.order(*other) == Some(Ordering::Equal)),
        }
    }
}

/// A number of a target or of an expression.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Integer(i128),
    Decimal(f64),
}

impl Number {
    fn of(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Integer(integer) => Some(Self::Integer(*integer)),
            Literal::Decimal(decimal) => Some(Self::Decimal(*decimal)),
            Literal::Text(_) => None,
        }
    }

    /// The number that Python printed. One with very many digits is known approximately, and
    /// what is no number compares with none.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "True" => return Some(Self::Integer(1)),
            "False" => return Some(Self::Integer(0)),
            _ => {}
        }
        let integer = text.parse().ok().map(Self::Integer);
        integer.or_else(|| text.parse().ok().map(Self::Decimal))
    }

    fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (a, b) => a.decimal().partial_cmp(&b.decimal()),
        }
    }

    fn decimal(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Decimal(decimal) => decimal,
        }
    }
}
