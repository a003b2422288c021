/// How many names are suggested.
const SUGGESTIONS: usize = 5;

/// Names that look like `wanted`, the most similar first: those that end in it or contain
/// it, whatever the case, then those that are nearly spelt like it.
pub(crate) fn similar<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut found: Vec<_> = names
        .filter_map(|name| Some((distance(&wanted, &name.to_lowercase())?, name)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .take(SUGGESTIONS)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// How little a name looks like the wanted one; none when it does not at all.
fn distance(wanted: &str, name: &str) -> Option<(u8, usize, usize)> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let edits = strsim::damerau_levenshtein(wanted, name)
        .min(strsim::damerau_levenshtein(&last(wanted), &last(name)));
    let class = if name == wanted {
        0
    } else if last(name) == last(wanted) {
        1
    } else if !wanted.is_empty() && (name.contains(wanted) || wanted.contains(name)) {
        2
    } else if edits * 3 <= wanted.chars().count() {
        3
    } else {
        return None;
    };
    Some((class, edits, name.len()))
}

#[cfg(test)]
mod tests {
    use super::similar;

    const NAMES: [&str; 6] = [
        "myapp.models.Session",
        "dict of myapp.models.Session",
        "myapp.SessionStore",
        "str",
        "types.CodeType",
        "types.FrameType",
    ];

    fn suggest(wanted: &str) -> Vec<String> {
        similar(wanted, NAMES.into_iter())
    }

    #[test]
    fn the_last_part_of_a_name_is_enough() {
        assert_eq!(suggest("session")[..3], [NAMES[0], NAMES[1], NAMES[2]]);
    }

    #[test]
    fn slips_of_the_pen_are_found() {
        assert_eq!(suggest("types.CodeTyp")[0], "types.CodeType");
        assert_eq!(suggest("Sesion")[0], "myapp.models.Session");
        assert_eq!(suggest("STR")[0], "str");
    }

    #[test]
    fn what_looks_like_nothing_has_no_suggestions() {
        assert_eq!(suggest("zzzzzz"), Vec::<String>::new());
        assert_eq!(suggest(""), Vec::<String>::new());
    }
}
