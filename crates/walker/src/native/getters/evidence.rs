use super::samples::Sample;
use exuvia_snapshot::ObjectId;

/// Which words of objects a getter may return, by what it has returned.
#[derive(Debug, Default)]
pub(super) struct Evidence(Vec<Word>);

#[derive(Debug)]
struct Word {
    word: u16,
    /// It led to what the getter returned, and to nothing that is everywhere.
    is_likely: bool,
    /// It led to something else.
    is_wrong: bool,
}

impl Evidence {
    /// Adds what the getter returned for an object: an object that was known before, or none.
    pub(super) fn add(&mut self, sample: &Sample, answer: Option<ObjectId>) {
        for field in &sample.fields {
            let known = self.0.iter().position(|one| one.word == field.word);
            let at = known.unwrap_or_else(|| {
                self.0.push(Word {
                    word: field.word,
                    is_likely: false,
                    is_wrong: false,
                });
                self.0.len() - 1
            });
            match answer == Some(field.target) {
                true => self.0[at].is_likely |= field.is_distinctive,
                false => self.0[at].is_wrong = true,
            }
        }
    }

    /// The one word that the getter returns; `None` when there is none, or more than one.
    pub(super) fn word(&self) -> Option<u16> {
        let mut likely = self.0.iter().filter(|one| one.is_likely && !one.is_wrong);
        let one = likely.next()?;
        likely.next().is_none().then_some(one.word)
    }
}
