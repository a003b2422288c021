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

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts, and what `repr` and `reprlib.repr` of Python 3.12 print of them.
    #[rustfmt::skip]
    const TEXTS: [(&str, &str, &str); 16] = [
        ("", "''", "''"),
        ("plain", "'plain'", "'plain'"),
        ("it's", "\"it's\"", "\"it's\""),
        ("say \"x\"", "'say \"x\"'", "'say \"x\"'"),
        ("it's \"x\"", "'it\\'s \"x\"'", "'it\\'s \"x\"'"),
        ("tab\u{9} nl\n cr\u{d} bs\\ nul\u{0} del\u{7f}", "'tab\\t nl\\n cr\\r bs\\\\ nul\\x00 del\\x7f'", "'tab\\t nl\\n c...l\\x00 del\\x7f'"),
        ("é ñ 日本 😀", "'é ñ 日本 😀'", "'é ñ 日本 😀'"),
        ("\u{80}\u{9f}\u{a0}\u{ad}\u{200b}\u{2028}\u{e000}\u{e0001}", "'\\x80\\x9f\\xa0\\xad\\u200b\\u2028\\ue000\\U000e0001'", "'\\x80\\x9f\\xa0...000\\U000e0001'"),
        ("e\u{301} \u{301}", "'e\u{301} \u{301}'", "'e\u{301} \u{301}'"),
        ("xxxxxxxxxxxxxxxxxxxxxxxxxxxx", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxx'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxx'"),
        ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxx'", "'xxxxxxxxxxxx...xxxxxxxxxxxxx'"),
        ("abcdefghijabcdefghijabcdefghijabcdefghij", "'abcdefghijabcdefghijabcdefghijabcdefghij'", "'abcdefghijab...hijabcdefghij'"),
        ("''''''''''''''''''''''''''''''''''''''''", "\"''''''''''''''''''''''''''''''''''''''''\"", "\"''''''''''''...'''''''''''''\""),
        ("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", "'\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n'", "'\\n\\n\\n\\n\\n\\n...n\\n\\n\\n\\n\\n\\n'"),
        ("日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日", "'日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日'", "'日日日日日日日日日日日日...日日日日日日日日日日日日日'"),
        ("a'a'a'a'a'a'a'a'a'a'a'a'a'\"end\"", "'a\\'a\\'a\\'a\\'a\\'a\\'a\\'a\\'a\\'a\\'a\\'a\\'a\\'\"end\"'", "'a\\'a\\'a\\'a\\'...\\'a\\'a\\'\"end\"'"),
    ];

    #[test]
    fn texts_are_printed_as_python_does() {
        for (text, whole, short) in TEXTS {
            assert_eq!(text_repr(text), whole);
            assert_eq!(short_text_repr(text, 30), short);
        }
    }

    #[test]
    fn bytes_are_printed_as_python_does() {
        assert_eq!(bytes_repr(b""), "b''");
        assert_eq!(bytes_repr(b"it's"), "b\"it's\"");
        assert_eq!(bytes_repr(b"it's \"x\""), "b'it\\'s \"x\"'");
        assert_eq!(
            bytes_repr(b"\x00\t\n\x0b\r\x1f !"),
            "b'\\x00\\t\\n\\x0b\\r\\x1f !'"
        );
        assert_eq!(bytes_repr(b"\x7f\x80\xff\\"), "b'\\x7f\\x80\\xff\\\\'");
        let long = cut_middle(bytes_repr(&[b'z'; 40]), 30);
        assert_eq!(long, "b'zzzzzzzzzzz...zzzzzzzzzzzzz'");
    }

    #[test]
    fn the_beginning_of_a_text_says_so() {
        assert_eq!(cut_end(text_repr("abc"), usize::MAX), "'abc...'");
        assert_eq!(cut_end(text_repr(&"x".repeat(100)), 30).len(), 30);
        assert_eq!(cut_end(text_repr("it's"), 30), "\"it's...\"");
    }

    #[test]
    fn names_cannot_control_a_terminal() {
        assert_eq!(harmless("\u{1b}[31mred\n"), "\\x1b[31mred\\n");
        assert_eq!(harmless("Größe"), "Größe");
    }
}
