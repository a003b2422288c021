/// A pattern of `like`: `*` stands for any characters, `?` for one.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<char>);

impl Pattern {
    pub(super) fn new(pattern: &str) -> Self {
        Self(pattern.chars().collect())
    }

    /// Whether a whole text is as the pattern says.
    ///
    /// Only the last `*` is ever tried again, so that the time is at most the product of both
    /// lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut place) = (0, 0);
        // Behind the last `*`, and where the text goes on that it stands for.
        let mut again: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(place) {
                Some('*') => {
                    place += 1;
                    again = Some((place, at));
                }
                Some(&char) if char == '?' || char == text[at] => {
                    at += 1;
                    place += 1;
                }
                _ => {
                    let Some((behind, from)) = again else {
                        return false;
                    };
                    again = Some((behind, from + 1));
                    (place, at) = (behind, from + 1);
                }
            }
        }
        self.0[place..].iter().all(|&char| char == '*')
    }

    /// Whether a text of which only the beginning is known is as the pattern says, however it
    /// goes on. Known is that only of patterns with an `*` at the end.
    pub(super) fn matches_start(&self, start: &str) -> bool {
        self.0.last() == Some(&'*') && self.matches(start)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("shop.*", "shop.Item", true),
            ("shop.*", "workshop.Item", false),
            ("*Item", "shop.ItemItem", true),
            ("*a*b*c", "xaybzc", true),
            ("*a*b*c", "xaybz", false),
            ("?", "é", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("**", "anything", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn a_beginning_is_enough_for_a_star_at_the_end() {
        assert!(Pattern::new("ab*").matches_start("abc"));
        assert!(!Pattern::new("abc").matches_start("abc"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = Pattern::new(&"a*".repeat(200));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(150))));
    }
}
