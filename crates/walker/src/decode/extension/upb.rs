//! protobuf (upb, the implementation of protobuf 4 and later): messages and what is made of
//! them keep an arena alive, in which the fields lie. Nothing of it is traversed.
//!
//! Facts: the structs of `python/*.c` in protobuf, 4.21 to 7.36.

use super::{CType, Decode, SharedBlock, Taken, upb_arena};
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// What the types of the module are called.
const MODULE: &str = "google._upb._message.";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Upb {
    head: u64,
    kind: Kind,
    /// Words behind the head.
    words: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Arena,
    /// A message, a repeated field or a map: an arena, a field or a message's definition
    /// with a bit that says whether the third word leads to a parent that is owned, and that
    /// word.
    InArena,
    /// The second word is an object, the first leads to what begins with an arena.
    Pool,
    /// All words that are objects are owned.
    Plain,
}

impl Decode for Upb {
    fn is_for(tp_name: &str) -> bool {
        let name = tp_name.strip_prefix(MODULE);
        name.is_some_and(|name| kind_of(name).is_some())
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let name = tp.tp_name.trim_start_matches(MODULE);
        let words = tp.basicsize.saturating_sub(tp.head) / 8;
        let least = |kind| match kind {
            Kind::Arena | Kind::Plain => 1,
            Kind::Pool => 2,
            Kind::InArena => 3,
        };
        let kind = kind_of(name).filter(|&kind| (least(kind)..=8).contains(&words));
        Ok(kind.and_then(|kind| {
            let fields = match kind {
                Kind::InArena => vec![tp.interior(0, "arena")],
                _ => Vec::new(),
            };
            let decoder = Self {
                head: tp.head,
                kind,
                words: words as usize,
            };
            Taken::all(decoder, fields)
        }))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let first = object.offset(self.head);
        match self.kind {
            Kind::Arena => Ok(()),
            Kind::InArena => {
                let field = reader.cache.u64(first.offset(8))?;
                if field & 1 != 0 {
                    let parent = reader.cache.pointer(first.offset(16))?;
                    let step = Step::Interior(reader.intern("parent"));
                    sink.own(parent, step);
                }
                // In a repeated field an object; elsewhere a definition, which is none.
                let field = RemoteAddress::new(field & !1);
                let step = Step::Interior(reader.intern("field"));
                sink.refer_by_word(reader, field, step, Hold::Owned);
                Ok(())
            }
            Kind::Pool => {
                let database = reader.cache.pointer(first.offset(8))?;
                let step = Step::Interior(reader.intern("db"));
                sink.refer_by_word(reader, database, step, Hold::Owned);
                Ok(())
            }
            Kind::Plain => reader.pointers(first, self.words, |reader, i, word| {
                sink.refer_by_word(reader, word, Step::Numbered(i), Hold::Owned);
            }),
        }
    }

    fn shared<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        each: &mut dyn FnMut(SharedBlock),
    ) -> Result<(), Fault> {
        let mut arena = reader.cache.pointer(object.offset(self.head))?;
        match self.kind {
            Kind::Arena => {}
            // `upb_DefPool` begins with its arena.
            Kind::Pool => arena = reader.cache.pointer(arena)?,
            Kind::InArena | Kind::Plain => return Ok(()),
        }
        upb_arena::blocks(reader, arena, object, each)
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    Some(match name {
        "Arena" => Kind::Arena,
        "Message"
        | "RepeatedCompositeContainer"
        | "RepeatedScalarContainer"
        | "MessageMapContainer"
        | "ScalarMapContainer" => Kind::InArena,
        "DescriptorPool" => Kind::Pool,
        "MapIterator"
        | "ExtensionDict"
        | "ExtensionIterator"
        | "UnknownFieldSet"
        | "Descriptor"
        | "EnumDescriptor"
        | "EnumValueDescriptor"
        | "FieldDescriptor"
        | "FileDescriptor"
        | "MethodDescriptor"
        | "OneofDescriptor"
        | "ServiceDescriptor"
        | "_ByNameMap"
        | "_ByNumberMap"
        | "_ByNameIterator"
        | "_ByNumberIterator"
        | "_GenericSequence" => Kind::Plain,
        _ => return None,
    })
}
