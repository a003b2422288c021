use super::{Condition, Expression, Literal, Operator, Test};
use std::fmt::{self, Display, Formatter};

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition(condition) => condition.fmt(f),
            Self::Not(inner) => write!(f, "not {}", Enclosed(inner)),
            Self::And(parts) => list(f, parts.iter().map(Enclosed), " and "),
            Self::Or(parts) => list(f, parts.iter().map(Enclosed), " or "),
        }
    }
}

/// A part of an expression: what `and` or `or` joins stands in parentheses.
struct Enclosed<'a>(&'a Expression);

impl Display for Enclosed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expression::And(_) | Expression::Or(_) => write!(f, "({})", self.0),
            Expression::Condition(_) | Expression::Not(_) => self.0.fmt(f),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.name())?;
        match &self.test {
            Test::Holds => Ok(()),
            Test::Compares(operator, literal) => write!(f, " {operator} {literal}"),
            Test::In(literals) => {
                f.write_str(" in (")?;
                list(f, literals.iter(), ", ")?;
                f.write_str(")")
            }
            Test::Contains(text) => write!(f, " contains {}", Quoted(text)),
            Test::Like(pattern) => write!(f, " like {}", Quoted(pattern)),
        }
    }
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Integer(integer) => integer.fmt(f),
            // Without a point it would be read as an integer.
            Self::Decimal(decimal) if decimal.fract() == 0.0 => write!(f, "{decimal}.0"),
            Self::Decimal(decimal) => decimal.fmt(f),
        }
    }
}

/// A text in quotes, with escapes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for char in self.0.chars() {
            match char {
                '\'' => f.write_str("\\'")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("'")
    }
}

fn list<T: Display>(
    f: &mut Formatter<'_>,
    items: impl Iterator<Item = T>,
    between: &str,
) -> fmt::Result {
    for (place, item) in items.enumerate() {
        if place > 0 {
            f.write_str(between)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
