//! What went wrong in part, counted: a snapshot says what it could not read.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::Diagnostic;
use std::collections::{BTreeMap, BTreeSet};

/// Addresses kept of each sort of trouble.
const EXAMPLES: usize = 5;

/// A sort of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// A pointer in an object leads to something that is no object.
    NotAnObject,
    /// An object whose memory could not all be read; the references before that are kept.
    UnreadableObject,
    /// A container says that it is larger than any container can be.
    ImplausibleLength,
    /// An object says that it is larger than all of memory.
    ImplausibleSize,
    /// A list of the collector does not come back to its head.
    BrokenCollectorList,
    /// A segment of the allocator whose pages contradict it, or can't be read.
    BrokenSegment,
    /// A list of free blocks of the allocator leads elsewhere, or does not end.
    BrokenFreeList,
    /// A chain of frames or threads ends in memory that can't be read, or does not end.
    BrokenChain,
    /// A type of an extension has the name of one that a decoder knows, and another layout.
    UnknownExtension,
    /// Memory that an object of an extension keeps is not laid out as its decoder knows it.
    UnknownNativeMemory,
    /// The collector was running: its lists may be partly unlinked.
    Collecting,
    /// A container whose numbers contradict each other: a thread was changing it.
    Torn,
    /// A list whose items are with the thread that sorts it.
    Sorted,
    /// An object without a reference count: a thread was making or ending it.
    Unfinished,
    /// A pointer leads into shared memory, which is not read.
    Shared,
    /// A pointer leads into memory that the process keeps out of its copies.
    NotCopied,
    /// A pointer leads into memory that the process has wiped in its copies.
    Wiped,
}

impl Trouble {
    const fn code(self) -> &'static str {
        match self {
            Self::NotAnObject => "not-an-object",
            Self::UnreadableObject => "unreadable-object",
            Self::ImplausibleLength => "implausible-length",
            Self::ImplausibleSize => "implausible-size",
            Self::BrokenCollectorList => "broken-collector-list",
            Self::BrokenSegment => "broken-segment",
            Self::BrokenFreeList => "broken-free-list",
            Self::BrokenChain => "broken-chain",
            Self::UnknownExtension => "unknown-extension",
            Self::UnknownNativeMemory => "unknown-native-memory",
            Self::Collecting => "collector-running",
            Self::Torn => "torn-container",
            Self::Sorted => "list-being-sorted",
            Self::Unfinished => "unfinished-object",
            Self::Shared => "shared-memory",
            Self::NotCopied => "not-copied",
            Self::Wiped => "wiped-in-copy",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::NotAnObject => "a pointer where an object was expected leads to none",
            Self::UnreadableObject => "part of an object's memory could not be read",
            Self::ImplausibleLength => "a container gives an impossible length; it was left out",
            Self::ImplausibleSize => "an object gives an impossible size; it counts as 0",
            Self::BrokenCollectorList => "a list of the garbage collector is broken",
            Self::BrokenSegment => "a segment of the allocator is broken; objects may be missing",
            Self::BrokenFreeList => {
                "a list of free memory is broken; what was freed may count as objects"
            }
            Self::BrokenChain => "a chain of frames or threads is broken",
            Self::UnknownExtension => {
                "a type of an extension is laid out in a way that its decoder does not know: what \
                 its instances hold may be incomplete"
            }
            Self::UnknownNativeMemory => {
                "memory that an object of an extension keeps is laid out in a way that its decoder \
                 does not know; it is not counted"
            }
            Self::Torn => {
                "a container was being changed; what it holds may be incomplete or missing"
            }
            Self::Sorted => {
                "a list was being sorted: it looks empty then, to its program too, and what it \
                 holds counts as held by native code"
            }
            Self::Unfinished => "an object was being made or ended; it was left out",
            Self::Shared => {
                "an object holds something that lies in shared memory, which is not read"
            }
            Self::NotCopied => {
                "an object holds something that lies in memory which the process keeps out of its \
                 copies (MADV_DONTFORK) and `--mode stop` reads"
            }
            Self::Wiped => {
                "an object holds something that lies in memory which the process has wiped in its \
                 copies (MADV_WIPEONFORK) and `--mode stop` reads"
            }
            Self::Collecting => "the garbage collector was running; objects may be missing",
        }
    }
}

#[derive(Debug, Default, Clone)]
struct Tally {
    count: u64,
    examples: Vec<RemoteAddress>,
}

/// Counts of trouble, one thread's or all.
#[derive(Debug, Default, Clone)]
pub(crate) struct Diagnostics {
    tallies: BTreeMap<Trouble, Tally>,
    /// Nothing is counted: what is read now was read before.
    pub(crate) muted: bool,
}

impl Diagnostics {
    /// Counts one case.
    pub(crate) fn count(&mut self, trouble: Trouble, at: RemoteAddress) {
        if self.muted {
            return;
        }
        let tally = self.tallies.entry(trouble).or_default();
        tally.count += 1;
        if tally.examples.len() < EXAMPLES {
            tally.examples.push(at);
        }
    }

    /// Adds another thread's counts.
    pub(crate) fn merge(&mut self, other: Self) {
        for (trouble, tally) in other.tallies {
            let mine = self.tallies.entry(trouble).or_default();
            mine.count += tally.count;
            mine.examples.extend(tally.examples);
            mine.examples.truncate(EXAMPLES);
        }
    }

    /// The rows of the snapshot. They name the types of the examples that are objects, which
    /// `type_name` knows.
    pub(crate) fn into_rows(
        self,
        mut type_name: impl FnMut(RemoteAddress) -> Option<String>,
    ) -> Vec<Diagnostic> {
        self.tallies
            .into_iter()
            .map(|(trouble, tally)| {
                let examples = tally.examples.iter();
                let types: BTreeSet<_> = examples.filter_map(|&at| type_name(at)).collect();
                let mut message = trouble.message().to_owned();
                if !types.is_empty() {
                    let types: Vec<_> = types.into_iter().collect();
                    message.push_str(&format!("; seen in: {}", types.join(", ")));
                }
                Diagnostic {
                    code: trouble.code().to_owned(),
                    message,
                    count: tally.count,
                    examples: tally.examples.iter().map(ToString::to_string).collect(),
                }
            })
            .collect()
    }
}
