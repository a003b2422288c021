//! How Python prints texts and bytes.

use std::fmt::Write;

/// What stands where a representation was cut.
pub(crate) const CUT: &str = "...";

/// `repr` of a `str`.
pub(crate) fn text_repr(text: &str) -> String {
    quoted(
        text.contains('\''),
        text.contains('"'),
        text.len(),
        |out, quote| {
            for char in text.chars() {
                push_char(out, char, quote);
            }
        },
    )
}

/// `repr` of `bytes`.
pub(crate) fn bytes_repr(bytes: &[u8]) -> String {
    let (single, double) = (bytes.contains(&b'\''), bytes.contains(&b'"'));
    let literal = quoted(single, double, bytes.len(), |out, quote| {
        for &byte in bytes {
            if byte.is_ascii() {
                push_char(out, byte.into(), quote);
            } else {
                push_escape(out, 'x', 2, byte.into());
            }
        }
    });
    format!("b{literal}")
}

/// A text in Python's quotes: single ones, unless there are only single ones in it.
fn quoted(
    single: bool,
    double: bool,
    length: usize,
    fill: impl FnOnce(&mut String, char),
) -> String {
    let quote = if single && !double { '"' } else { '\'' };
    let mut out = String::with_capacity(length + 2);
    out.push(quote);
    fill(&mut out, quote);
    out.push(quote);
    out
}

fn push_char(out: &mut String, char: char, quote: char) {
    match char {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if char == quote => out.extend(['\\', char]),
        _ if is_printable(char) => out.push(char),
        _ => match u32::from(char) {
            code @ ..=0xff => push_escape(out, 'x', 2, code),
            code @ ..=0xffff => push_escape(out, 'u', 4, code),
            code => push_escape(out, 'U', 8, code),
        },
    }
}

fn push_escape(out: &mut String, letter: char, width: usize, code: u32) {
    // Writing into a string can't fail.
    let _ = write!(out, "\\{letter}{code:0width$x}");
}

/// What Python's `str.isprintable` says of a character.
///
/// The standard library escapes the same categories of Unicode (other, and separators but
/// for the space), and combining characters only at the beginning of a text.
fn is_printable(char: char) -> bool {
    if char.is_ascii() {
        return !char.is_ascii_control();
    }
    let mut text = [b'_'; 5];
    let length = 1 + char.encode_utf8(&mut text[1..]).len();
    std::str::from_utf8(&text[..length]).is_ok_and(|text| text.escape_debug().nth(1) == Some(char))
}

/// A text without what would move the cursor or change the colours of a terminal. Names in
/// a target's memory can hold anything.
pub(crate) fn harmless(name: &str) -> std::borrow::Cow<'_, str> {
    if name.chars().all(is_printable) {
        return name.into();
    }
    let mut out = String::with_capacity(name.len());
    for char in name.chars() {
        if char == '\\' {
            out.push(char);
        } else {
            push_char(&mut out, char, '\\');
        }
    }
    out.into()
}

/// Whether Python code can write a text after a dot.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first == '_' || first.is_alphabetic())
        && chars.all(|char| char == '_' || char.is_alphanumeric())
}

/// The first and the last characters of a text longer than `limit`, as `reprlib` cuts.
pub(crate) fn cut_middle(text: String, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text;
    }
    let (head, tail) = ends(limit);
    let mut out: String = text.chars().take(head).collect();
    out.push_str(CUT);
    out.extend(text.chars().skip(length - tail));
    out
}

/// `reprlib`'s representation of a `str`.
pub(crate) fn short_text_repr(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    // Of a long text only the ends are made printable.
    if length <= limit {
        let whole = text_repr(text);
        if whole.chars().count() <= limit {
            return whole;
        }
    }
    let (head, tail) = ends(limit);
    let mut outer: String = text.chars().take(head).collect();
    outer.extend(text.chars().skip(length.saturating_sub(tail)));
    let literal = text_repr(&outer);
    let length = literal.chars().count();
    let mut out: String = literal.chars().take(head).collect();
    out.push_str(CUT);
    out.extend(literal.chars().skip(length.saturating_sub(tail)));
    out
}

/// A representation of a text of which only the beginning is known.
pub(crate) fn cut_end(literal: String, limit: usize) -> String {
    let quote = literal.chars().next_back().unwrap_or('\'');
    let known = literal.chars().count().saturating_sub(1);
    let room = limit.saturating_sub(CUT.len() + 1).min(known);
    let mut out: String = literal.chars().take(room).collect();
    out.push_str(CUT);
    out.push(quote);
    out
}

/// How many characters `reprlib` leaves at the beginning and the end.
fn ends(limit: usize) -> (usize, usize) {
    let room = limit.saturating_sub(CUT.len());
    (room / 2, room - room / 2)
}
