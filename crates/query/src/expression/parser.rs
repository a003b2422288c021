use super::lexer::{Form, Token, tokens};
use super::{Condition, Expression, ExpressionError, Field, FieldForm, Literal, Operator, Test};
use crate::similar::similar;

/// How deep parentheses and `not` may be nested.
const DEPTH: usize = 64;

/// Units of bytes, in small letters: decimal ones, and those of 1024.
const UNITS: [(&str, u64); 9] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// How many bytes a unit such as `MB` or `KiB` is, in small or capital letters.
pub fn unit_of_bytes(name: &str) -> Option<u64> {
    let name = name.to_ascii_lowercase();
    let unit = UNITS.iter().find(|(known, _)| *known == name);
    unit.map(|&(_, bytes)| bytes)
}

/// Reads an expression. Each function below reads what it is named after, from the next token
/// on.
pub(super) fn parse(text: &str) -> Result<Expression, ExpressionError> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let expression = parser.any()?;
    match parser.peek().form {
        Form::End => Ok(expression),
        Form::Close => Err(parser.wrong("no parenthesis is open here")),
        _ => Err(parser.wrong("'and' or 'or' is expected here, or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

type Parsed<T> = Result<T, ExpressionError>;

impl Parser<'_> {
    /// Parts with `or` between them.
    fn any(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Expression::Or))
    }

    /// Parts with `and` between them.
    fn all(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.part()?];
        while self.word("and") {
            parts.push(self.part()?);
        }
        Ok(joined(parts, Expression::And))
    }

    /// A condition, what is in parentheses, or either after `not`.
    fn part(&mut self) -> Parsed<Expression> {
        if self.depth == DEPTH {
            return Err(self.wrong(&format!("this is nested more than {DEPTH} deep")));
        }
        self.depth += 1;
        let part = if self.word("not") {
            Expression::Not(Box::new(self.part()?))
        } else if self.sign(&Form::Open) {
            let inner = self.any()?;
            if !self.sign(&Form::Close) {
                return Err(self.wrong("')', 'and' or 'or' is expected here"));
            }
            inner
        } else {
            self.condition()?
        };
        self.depth -= 1;
        Ok(part)
    }

    fn condition(&mut self) -> Parsed<Expression> {
        let field = self.field()?;
        if field.form() == FieldForm::Flag {
            return match self.peek().form {
                Form::Operator(_) => Err(self.wrong(&format!(
                    "'{0}' is true or false by itself: write '{0}' or 'not {0}'",
                    field.name()
                ))),
                _ => Ok(Expression::Condition(Condition {
                    field,
                    test: Test::Holds,
                })),
            };
        }
        let negated = self.word("not");
        let test = self.test(field, negated)?;
        let condition = Expression::Condition(Condition { field, test });
        Ok(match negated {
            true => Expression::Not(Box::new(condition)),
            false => condition,
        })
    }

    fn field(&mut self) -> Parsed<Field> {
        let Form::Word(name) = &self.peek().form else {
            return Err(self.wrong("a field, 'not' or '(' is expected here: size, kind, …"));
        };
        let Some(field) = Field::named(&name.to_lowercase()) else {
            let names = Field::ALL.map(Field::name);
            let closest = similar(name, names.into_iter());
            let closest = match closest.is_empty() {
                true => format!("the fields are {}", names.join(", ")),
                false => format!("the closest are {}", closest.join(", ")),
            };
            return Err(self.wrong(&format!("no field is called '{name}'; {closest}")));
        };
        self.next += 1;
        Ok(field)
    }

    /// What is said of a field. After `not` it is no comparison.
    fn test(&mut self, field: Field, negated: bool) -> Parsed<Test> {
        let has_text = matches!(field.form(), FieldForm::Text | FieldForm::Value);
        if let (Form::Operator(operator), false) = (&self.peek().form, negated) {
            let operator = *operator;
            if field.form() == FieldForm::Text && !operator.is_equality() {
                return Err(self.wrong(&format!(
                    "'{}' is text, which =, !=, in, contains and like look at",
                    field.name()
                )));
            }
            self.next += 1;
            return Ok(Test::Compares(operator, self.literal(field)?));
        }
        if self.word("in") {
            return self.list(field).map(Test::In);
        }
        if has_text && self.word("contains") {
            return self.quoted().map(Test::Contains);
        }
        if has_text && self.word("like") {
            return self.quoted().map(Test::Like);
        }
        let operators = match (negated, field.form()) {
            (false, FieldForm::Text) => "=, !=, in, contains or like",
            (false, FieldForm::Value) => "=, !=, <, <=, >, >=, in, contains or like",
            (false, _) => "=, !=, <, <=, >, >= or in",
            (true, FieldForm::Text | FieldForm::Value) => "in, contains or like",
            (true, _) => "in",
        };
        Err(self.wrong(&format!("{operators} is expected here")))
    }

    fn list(&mut self, field: Field) -> Parsed<Vec<Literal>> {
        if !self.sign(&Form::Open) {
            return Err(self.wrong("'(' is expected here, and then a list"));
        }
        let mut items = vec![self.literal(field)?];
        while self.sign(&Form::Comma) {
            items.push(self.literal(field)?);
        }
        match self.sign(&Form::Close) {
            true => Ok(items),
            false => Err(self.wrong("',' or ')' is expected here")),
        }
    }

    fn literal(&mut self, field: Field) -> Parsed<Literal> {
        match (field.form(), &self.peek().form) {
            (FieldForm::Text, Form::Text(_)) => self.quoted().map(Literal::Text),
            (FieldForm::Value, Form::Text(_)) => self.quoted().map(Literal::Text),
            (FieldForm::Text, _) => Err(self.not_quoted()),
            (_, Form::Number(_)) => self.number(field),
            (FieldForm::Value, _) => {
                Err(self.wrong("a text in quotes or a number is expected here"))
            }
            (FieldForm::Bytes, _) => {
                Err(self.wrong("a number is expected here: 4096, 1 MB, 1 MiB"))
            }
            (_, _) => Err(self.wrong("a number is expected here")),
        }
    }

    fn quoted(&mut self) -> Parsed<String> {
        let Form::Text(text) = &self.peek().form else {
            return Err(self.not_quoted());
        };
        let text = text.clone();
        self.next += 1;
        Ok(text)
    }

    fn number(&mut self, field: Field) -> Parsed<Literal> {
        let Form::Number(written) = &self.peek().form else {
            return Err(self.wrong("a number is expected here"));
        };
        let Some(number) = number(written) else {
            return Err(self.wrong("this number is too large"));
        };
        self.next += 1;
        let word = match &self.peek().form {
            Form::Word(word) if field.form() == FieldForm::Bytes => word.to_lowercase(),
            _ => return Ok(number),
        };
        if matches!(word.as_str(), "and" | "or") {
            return Ok(number);
        }
        let Some(unit) = unit_of_bytes(&word) else {
            return Err(
                self.wrong("no unit of bytes is called so: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB")
            );
        };
        let bytes = match number {
            Literal::Integer(integer) => integer.checked_mul(i128::from(unit)),
            // A fraction of a byte is of no use; f64 holds the sizes of any memory.
            Literal::Decimal(decimal) => Some((decimal * unit as f64).round() as i128),
            Literal::Text(_) => None,
        };
        let Some(bytes) = bytes else {
            return Err(self.wrong("this number is too large"));
        };
        self.next += 1;
        Ok(Literal::Integer(bytes))
    }

    /// Goes beyond a word, if it comes next.
    fn word(&mut self, wanted: &str) -> bool {
        let is = matches!(&self.peek().form, Form::Word(word) if word.eq_ignore_ascii_case(wanted));
        self.next += usize::from(is);
        is
    }

    /// Goes beyond a sign, if it comes next.
    fn sign(&mut self, wanted: &Form) -> bool {
        let is = self.peek().form == *wanted;
        self.next += usize::from(is);
        is
    }

    /// The token that comes next. The last one is never gone beyond.
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn not_quoted(&self) -> ExpressionError {
        match &self.peek().form {
            Form::Word(word) => self.wrong(&format!("a text in quotes is expected here: '{word}'")),
            _ => self.wrong("a text in quotes is expected here: 'str'"),
        }
    }

    /// An error at the token that comes next.
    fn wrong(&self, message: &str) -> ExpressionError {
        ExpressionError {
            text: self.text.to_owned(),
            at: self.peek().at.clone(),
            message: message.to_owned(),
        }
    }
}

impl Operator {
    fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// The only part, or all of them in one expression.
fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

/// The value of a number; none when it is too large.
fn number(written: &str) -> Option<Literal> {
    let plain = written.replace('_', "");
    let hexadecimal = plain.strip_prefix("0x").or(plain.strip_prefix("0X"));
    if let Some(digits) = hexadecimal {
        return i128::from_str_radix(digits, 16).ok().map(Literal::Integer);
    }
    if plain.contains('.') {
        let decimal: f64 = plain.parse().ok()?;
        return decimal.is_finite().then_some(Literal::Decimal(decimal));
    }
    plain.parse().ok().map(Literal::Integer)
}
