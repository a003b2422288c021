//! The language of `--where`: conditions on fields of an object, with `and`, `or` and `not`.
//!
//! [`Expression`] is what was said; `lexer` and `parser` read it, `print` writes it, and
//! `compiled` answers it for the objects of a heap.

mod compiled;
mod error;
mod field;
mod lexer;
mod parser;
mod pattern;
mod print;

pub(crate) use compiled::{Compiled, module_of};
pub use error::ExpressionError;
pub use field::{Field, FieldForm};
pub use parser::unit_of_bytes;

use std::str::FromStr;

/// What must hold of an object: `size > 1 MB and kind = 'str'`.
///
/// Printed, it is what [`FromStr`] reads again.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// One condition.
    Condition(Condition),
    /// What must not hold.
    Not(Box<Expression>),
    /// What must hold together: two or more.
    And(Vec<Expression>),
    /// Of what at least one must hold: two or more.
    Or(Vec<Expression>),
}

/// A condition on one field. An object of which the field is not known never meets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is looked at.
    pub field: Field,
    /// What it must be.
    pub test: Test,
}

/// What a field must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It must hold; of a field that is true or false.
    Holds,
    /// It must compare so with a literal.
    Compares(Operator, Literal),
    /// It must be one of these: one or more.
    In(Vec<Literal>),
    /// The text must stand in it somewhere.
    Contains(String),
    /// It must be as the pattern says, in which `*` stands for any characters and `?` for one.
    Like(String),
}

/// How two things compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `'text'`
    Text(String),
    /// `42`, `0x7f00`, and `1 MB` as its bytes.
    Integer(i128),
    /// `0.5`; finite.
    Decimal(f64),
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        parser::parse(text)
    }
}

impl Expression {
    /// The conditions in it, from left to right.
    pub fn conditions(&self) -> Vec<&Condition> {
        let mut conditions = Vec::new();
        // The parser bounds how deep expressions are nested.
        self.collect(&mut conditions);
        conditions
    }

    fn collect<'a>(&'a self, conditions: &mut Vec<&'a Condition>) {
        match self {
            Self::Condition(condition) => conditions.push(condition),
            Self::Not(inner) => inner.collect(conditions),
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|part| part.collect(conditions));
            }
        }
    }
}

impl Operator {
    /// Whether two things that stand in this order compare so.
    fn accepts(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}
