use crate::{
    Heap, HoldingRoot, ROOT,
    rendering::{address, is_number, rendering},
};
use exuvia_snapshot::ObjectId;
use std::borrow::Cow;

/// A line of a [`Pattern`](crate::Pattern): objects of one kind that refer to those of the
/// line above.
#[derive(Debug)]
pub struct PatternLine<'a> {
    heap: &'a Heap,
    /// Which line it is, from 0.
    pub index: usize,
    /// Its place in the tree: which child of the first line, which child of that, and so on.
    /// The first line has none.
    pub place: Vec<usize>,
    /// How it goes on from here.
    pub mark: Mark,
    holder: Holder,
}

/// How a pattern goes on from a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `[-]`: the referrers follow.
    Expanded,
    /// `[+]`: there are referrers, but the depth ends here.
    Limit,
    /// `[R]`: nothing refers to it but what is no object: it is a root.
    Root,
    /// `[S]`: modules, classes, code and frames, at which patterns stop.
    Stopped,
    /// `[^ n]`: the same objects are line n.
    Seen(usize),
}

/// What a line stands for.
#[derive(Debug, Clone)]
pub(crate) enum Holder {
    /// Objects, in ascending order; at least one.
    Objects(Vec<ObjectId>),
    /// The roots, by those names of them that hold objects of the line above.
    Roots(Vec<HoldingRoot>),
}

impl Mark {
    /// heapy's text.
    pub fn text(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Expanded => "[-]",
            Self::Limit => "[+]",
            Self::Root => "[R]",
            Self::Stopped => "[S]",
            Self::Seen(line) => return Cow::Owned(format!("[^ {line}]")),
        })
    }
}

impl<'a> PatternLine<'a> {
    pub(crate) fn new(
        heap: &'a Heap,
        index: usize,
        place: Vec<usize>,
        mark: Mark,
        holder: Holder,
    ) -> Self {
        Self {
            heap,
            index,
            place,
            mark,
            holder,
        }
    }

    /// The place as heapy writes it: a letter for each step, `a3` for `aaa`, `_` for none.
    /// heapy has no more than 26 letters; `(26)` is the 27th child here.
    pub fn letters(&self) -> String {
        let mut text = String::new();
        for run in self.place.chunk_by(|a, b| a == b) {
            let letter = letter(run[0]);
            match run.len() {
                length @ 1..=2 => text.push_str(&letter.repeat(length)),
                length => text.push_str(&format!("{letter}{length}")),
            }
        }
        if text.is_empty() {
            text.push('_');
        }
        text
    }

    /// How many objects: 1 for the roots together, as in heapy.
    pub fn count(&self) -> u64 {
        match &self.holder {
            Holder::Objects(set) => set.len() as u64,
            Holder::Roots(_) => 1,
        }
    }

    /// Their bytes, as `sys.getsizeof` counts them.
    pub fn size(&self) -> u64 {
        let sizes = &self.heap.snapshot().objects.size;
        match &self.holder {
            Holder::Objects(set) => set
                .iter()
                .map(|id| sizes[id.index()])
                .fold(0, u64::saturating_add),
            Holder::Roots(_) => 0,
        }
    }

    /// Their kind, or kinds: `dict of myapp.Session`, `(list | str)`, `hp.Root`.
    pub fn kind(&self) -> String {
        let Holder::Objects(set) = &self.holder else {
            return ROOT.to_owned();
        };
        let names = self.kind_names(set);
        match &*names {
            [name] => (*name).to_owned(),
            _ => format!("({})", names.join(" | ")),
        }
    }

    fn kind_names(&self, set: &[ObjectId]) -> Vec<&'a str> {
        let snapshot = self.heap.snapshot();
        let mut kinds: Vec<_> = set
            .iter()
            .map(|id| snapshot.objects.kind[id.index()])
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let names = kinds.iter().map(|kind| &*snapshot.kinds[kind.index()].name);
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names
    }

    /// The single objects as heapy writes them, by address; of roots their names.
    pub fn members(&self) -> Box<dyn Iterator<Item = String> + '_> {
        match &self.holder {
            Holder::Roots(roots) => Box::new(roots.iter().map(|root| root.name.clone())),
            Holder::Objects(set) => {
                let alike = self.kind_names(set).len() == 1
                    || set.iter().all(|&object| is_number(self.heap, object));
                let text = if alike { rendering } else { address };
                Box::new(set.iter().map(move |&object| text(self.heap, object)))
            }
        }
    }

    /// The addresses of the objects; none of the roots.
    pub fn addresses(&self) -> impl Iterator<Item = u64> + '_ {
        let set: &[ObjectId] = match &self.holder {
            Holder::Objects(set) => set,
            Holder::Roots(_) => &[],
        };
        let addresses = &self.heap.snapshot().objects.address;
        set.iter().map(|id| addresses[id.index()])
    }
}

fn letter(child: usize) -> String {
    match u8::try_from(child) {
        Ok(child @ 0..26) => char::from(b'a' + child).to_string(),
        _ => format!("({child})"),
    }
}
