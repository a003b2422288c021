use super::{ExpressionError, Operator};
use std::ops::Range;
use winnow::ascii::{digit1, hex_digit1, multispace0};
use winnow::combinator::{alt, delimited, opt, preceded, repeat};
use winnow::error::ContextError;
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::{none_of, one_of, take_while};

/// A word, number, text or sign of an expression, with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) form: Form,
    pub(super) at: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// A field, a unit, `and`, `or`, `not`, `in`, `contains`, `like`.
    Word(String),
    /// A number as it is written.
    Number(String),
    /// What stands between quotes, without escapes.
    Text(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
    /// Behind the last token.
    End,
}

type Input<'a> = LocatingSlice<&'a str>;
type Lexed<T> = winnow::Result<T, ContextError>;

/// The tokens of an expression, the last one being [`Form::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let mut input = LocatingSlice::new(text);
    // Repeating stops without an error at the first character with which no token begins.
    let mut tokens: Vec<Token> = repeat(0.., token)
        .parse_next(&mut input)
        .unwrap_or_default();
    let rest = input.trim_ascii_start();
    let at = text.len() - rest.len();
    if let Some(first) = rest.chars().next() {
        let (end, message) = match first {
            '\'' | '"' => (
                text.len(),
                "the text that begins here does not end, or has another escape than \
                 \\' \\\" \\\\ \\n \\r \\t"
                    .to_owned(),
            ),
            _ => (
                at + first.len_utf8(),
                format!("{first:?} is not of this language"),
            ),
        };
        return Err(ExpressionError {
            text: text.to_owned(),
            at: at..end,
            message,
        });
    }
    tokens.push(Token {
        form: Form::End,
        at: text.len()..text.len(),
    });
    Ok(tokens)
}

fn token(input: &mut Input<'_>) -> Lexed<Token> {
    let form = alt((number, word, text('\''), text('"'), sign));
    preceded(multispace0, form.with_span())
        .map(|(form, at)| Token { form, at })
        .parse_next(input)
}

fn word(input: &mut Input<'_>) -> Lexed<Form> {
    let first = one_of(('a'..='z', 'A'..='Z', '_'));
    let others = take_while(0.., ('a'..='z', 'A'..='Z', '0'..='9', '_'));
    (first, others)
        .take()
        .map(|word: &str| Form::Word(word.to_owned()))
        .parse_next(input)
}

fn number(input: &mut Input<'_>) -> Lexed<Form> {
    let hexadecimal = (alt(("0x", "0X")), hex_digit1).take();
    let digits = || (digit1, take_while(0.., ('0'..='9', '_'))).take();
    let decimal = (opt('-'), digits(), opt(('.', digit1))).take();
    alt((hexadecimal, decimal))
        .map(|number: &str| Form::Number(number.to_owned()))
        .parse_next(input)
}

fn text<'a>(quote: char) -> impl Parser<Input<'a>, Form, ContextError> {
    let escape = preceded('\\', one_of(['\'', '"', '\\', 'n', 'r', 't'])).map(|char| match char {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    });
    let char = alt((escape, none_of([quote, '\\'])));
    let inside = repeat(0.., char).fold(String::new, |mut text, char| {
        text.push(char);
        text
    });
    delimited(quote, inside, quote).map(Form::Text)
}

fn sign(input: &mut Input<'_>) -> Lexed<Form> {
    alt((
        alt(("==", "=")).value(Form::Operator(Operator::Equal)),
        alt(("!=", "<>")).value(Form::Operator(Operator::NotEqual)),
        "<=".value(Form::Operator(Operator::LessOrEqual)),
        ">=".value(Form::Operator(Operator::GreaterOrEqual)),
        '<'.value(Form::Operator(Operator::Less)),
        '>'.value(Form::Operator(Operator::Greater)),
        '('.value(Form::Open),
        ')'.value(Form::Close),
        ','.value(Form::Comma),
    ))
    .parse_next(input)
}
