//! Where decoders put the references that they find.

use crate::reader::Reader;
use crate::runtime::FrameState;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::NameId;

/// What a reference is called, in terms of the target's addresses: the counterpart of
/// [`exuvia_snapshot::Relation`] before objects have numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Attribute(NameId),
    InlineAttribute(RemoteAddress),
    InstanceDict,
    Index(usize),
    Value(RemoteAddress),
    Key(usize),
    Interior(NameId),
    Numbered(usize),
    Word(usize),
    Local(RemoteAddress),
    Cell(RemoteAddress),
    SuspendedLocal(RemoteAddress),
    Stack(usize),
    SuspendedStack(usize),
    Member(usize),
}

/// Whether a reference keeps its target alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It counts in the target's reference count.
    Owned,
    /// The target may end while it is there: weak references, and pointers to what
    /// something else owns.
    Borrowed,
    /// It counts nowhere, but its target lasts: an object among the static data of a library.
    Static,
}

/// Takes the references of one object, in the order in which the object holds them.
pub(crate) trait Sink {
    /// A reference to the object at `target`; null pointers are passed over.
    fn refer(&mut self, target: RemoteAddress, step: Step, hold: Hold);

    /// A word that may be a pointer to an object, or anything else.
    fn refer_by_word<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        word: RemoteAddress,
        step: Step,
        hold: Hold,
    );

    /// Frames that a suspended greenlet keeps, the innermost first; references to them
    /// follow.
    fn suspended(&mut self, _greenlet: RemoteAddress, _frames: &[FrameState]) {}

    /// A reference that the object owns.
    fn own(&mut self, target: RemoteAddress, step: Step) {
        self.refer(target, step, Hold::Owned);
    }
}
