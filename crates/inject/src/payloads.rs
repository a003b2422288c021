//! Programs that are ready to be run in a process.

/// A program of `payloads/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// Its name, without the `@`.
    pub name: &'static str,
    /// Its text; what it does is the comment that it begins with.
    pub source: &'static str,
}

/// All of them.
pub const PAYLOADS: [Payload; 6] = [
    Payload {
        name: "faulthandler",
        source: include_str!("../payloads/faulthandler.py"),
    },
    Payload {
        name: "gc",
        source: include_str!("../payloads/gc.py"),
    },
    Payload {
        name: "threads",
        source: include_str!("../payloads/threads.py"),
    },
    Payload {
        name: "tracemalloc-start",
        source: include_str!("../payloads/tracemalloc-start.py"),
    },
    Payload {
        name: "tracemalloc-stop",
        source: include_str!("../payloads/tracemalloc-stop.py"),
    },
    Payload {
        name: "tracemalloc-top",
        source: include_str!("../payloads/tracemalloc-top.py"),
    },
];

impl Payload {
    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        PAYLOADS.into_iter().find(|payload| payload.name == name)
    }

    /// What it does, in a sentence.
    pub fn summary(&self) -> &'static str {
        let first = self.source.lines().next().unwrap_or_default();
        first.trim_start_matches("# ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_begins_with_what_it_does() {
        for payload in PAYLOADS {
            let summary = payload.summary();
            assert!(summary.ends_with('.') && summary.len() > 20, "{payload:?}");
            assert_eq!(Payload::named(payload.name), Some(payload));
        }
    }
}
