//! The walk as a whole.

use crate::assemble::{Described, describe};
use crate::decode::dict::Table;
use crate::describe::Description;
use crate::diagnostics::{Diagnostics, Trouble};
use crate::digest::Digester;
use crate::discover::{Discovery, Suspended};
use crate::explore::Explorer;
use crate::generations::{Generations, OLDEST};
use crate::interned::Interned;
use crate::kinds::KindTable;
use crate::marks::{Marks, Numbers};
use crate::names::WellKnown;
use crate::native::{self, NativeTraverse, NativeView, Natives};
use crate::owners::{Claim, Owners};
use crate::reader::Reader;
use crate::roots::{self, RootAddress};
use crate::runtime::{self, Interpreter};
use crate::settle;
use crate::shared_collector;
use crate::suspended;
use crate::types::TypeTable;
use crate::values::ValueReader;
use crate::variables::{self, StaticData};
use crate::{gc, mimalloc, process, text};
use exuvia_cpython::{GcLists, Layout};
use exuvia_memory::{Fault, Memory, RemoteAddress};
use exuvia_snapshot::{
    Counts, KindShape, Metadata, ObjectFlags, ReferencesOverflow, Relation, Root, Snapshot, Values,
    ValuesKept,
};
use rustc_hash::FxHashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Bytes of the target that each thread keeps at hand in the first pass, in which reads
/// follow references, and in the second, which goes through memory in order.
const DISCOVER_CACHE: usize = 96 << 20;
pub(crate) const DESCRIBE_CACHE: usize = 16 << 20;
/// More threads than this do not make the walk faster.
const MAX_THREADS: usize = 8;

/// What is walked.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The address of `_PyRuntime`.
    pub runtime: RemoteAddress,
    /// What the interpreter looks like.
    pub layout: &'a Layout,
    /// Readable private memory: objects lie only here.
    pub regions: &'a [Range<u64>],
    /// The parts of it that are images of the program and its libraries.
    pub images: &'a [Range<u64>],
    /// Where those have static variables, by address.
    pub data: &'a [StaticData],
    /// Memory that the process has and that can't be read here.
    pub absent: &'a [Absent],
}

/// Memory of the process that is not among what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Where it lies.
    pub range: Range<u64>,
    /// Why it is not read.
    pub reason: AbsentReason,
}

/// Why memory is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsentReason {
    /// Other processes may share it.
    Shared,
    /// A clone does not get it: `MADV_DONTFORK`.
    NotCopied,
    /// In a clone it is all zeros: `MADV_WIPEONFORK`.
    Wiped,
}

/// What to read beside objects and references.
#[derive(Debug, Clone, Copy, Default)]
pub struct WalkOptions {
    /// Which contents to keep; `None` keeps nothing, not even names.
    pub values: Option<ValuesKept>,
    /// How long digests may be made of contents of which only the beginning is kept; `None` makes
    /// none.
    pub digests: Option<Duration>,
}

/// Who is told how far the walk is, from several threads.
pub trait Progress: Sync {
    /// A phase begins; `objects` is how many objects it will go through, if known.
    fn phase(&self, name: &'static str, objects: Option<u64>);
    /// So many objects more were gone through in this phase.
    fn advance(&self, objects: u64);
    /// Whether to stop.
    fn cancelled(&self) -> bool;
}

/// Nobody is told anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn phase(&self, _: &'static str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// Why there is no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// The runtime's own state can't be read.
    #[error("the state of the Python runtime could not be read: {0}")]
    Runtime(#[from] Fault),
    /// The runtime is there, but no interpreter is: it is starting or has ended.
    #[error("the Python runtime has no interpreter: it has not started yet, or has ended")]
    NoInterpreter,
    /// Too many references for a snapshot.
    #[error(transparent)]
    TooLarge(#[from] ReferencesOverflow),
    /// Too many objects for a snapshot.
    #[error("the heap has more objects than a snapshot can number: 4294967295")]
    TooManyObjects,
    /// [`Progress::cancelled`] said so.
    #[error("the walk was cancelled")]
    Cancelled,
    /// A thread of the walk ended with a panic, which is a bug.
    #[error("a thread of the walk failed")]
    ThreadFailed,
}

/// Walks the heap of a process. The metadata of the result has counts and diagnostics; the
/// caller fills in process, capture and mappings.
///
/// Objects of types that no table describes are scanned; see [`walk_with_native`].
pub fn walk<M: Memory>(
    memory: &M,
    target: &Target<'_>,
    options: &WalkOptions,
    progress: &dyn Progress,
) -> Result<Snapshot, WalkError> {
    walk_with_native(memory, target, options, None, progress)
}

/// Like [`walk`], but types that no table describes are asked by their own `tp_traverse`, and
/// their objects are exact. `traverse` calls it in the memory that is walked.
pub fn walk_with_native<M: Memory>(
    memory: &M,
    target: &Target<'_>,
    options: &WalkOptions,
    traverse: Option<&mut dyn NativeTraverse>,
    progress: &dyn Progress,
) -> Result<Snapshot, WalkError> {
    let types = TypeTable::default();
    let names = WellKnown::new(&types.names);
    let marks = Marks::new(target.regions);
    let cancelled = AtomicBool::new(false);
    let layout = target.layout;
    let memory_bytes = target.regions.iter().fold(0u64, |bytes, region| {
        bytes.saturating_add(region.end.saturating_sub(region.start))
    });
    let first_view = match traverse {
        Some(_) => NativeView::Apart,
        None => NativeView::None,
    };
    let interned = Interned::default();
    let new_reader = |cache, interpreter, native| {
        let mut reader = Reader::new(
            memory,
            memory_bytes,
            cache,
            target,
            &types,
            &names,
            interpreter,
        );
        reader.native = native;
        reader.interned = &interned;
        reader
    };
    let mut reader = new_reader(DISCOVER_CACHE, RemoteAddress::NULL, first_view);
    let mut interpreters = runtime::interpreters(&mut reader, target.runtime)?;
    let Some(main) = interpreters.first() else {
        return Err(WalkError::NoInterpreter);
    };
    reader.interpreter = main.address;
    interned.find(&mut reader, &interpreters);
    let main = main.address;
    let subtype_traverse = native::subtype_traverse(&mut reader, main);
    reader.subtype_traverse = subtype_traverse;
    let new_reader = |cache, interpreter, native| {
        let mut reader = new_reader(cache, interpreter, native);
        reader.subtype_traverse = subtype_traverse;
        reader
    };

    let owners = Owners::new(target.regions, interpreters.len());
    let generations = Generations::new(target.regions);
    let claim = |owner| Claim {
        marks: &marks,
        owners: &owners,
        generations: &generations,
        owner,
        generation: OLDEST,
    };

    progress.phase("finding objects", None);
    let mut collectors: Vec<_> = interpreters
        .iter()
        .map(|interpreter| layout.gc_state(target.runtime, interpreter.address))
        .collect();
    // Up to 3.8 one collector serves all interpreters.
    collectors.dedup();
    for &gc_state in &collectors {
        if gc::is_collecting(memory, layout, gc_state) {
            reader.diagnostics.count(Trouble::Collecting, gc_state);
        }
    }
    let report = |found| {
        progress.advance(found);
        !progress.cancelled()
    };
    let mut immortal = Vec::new();
    match layout.shapes.gc_lists {
        GcLists::ThreeGenerations | GcLists::Incremental => {
            for (owner, &gc_state) in collectors.iter().enumerate() {
                gc::mark_tracked(&mut reader, gc_state, claim(owner), report);
            }
        }
        GcLists::MimallocSegments => {
            let place = mimalloc::Place {
                runtime: target.runtime,
                interpreters: &interpreters,
                regions: target.regions,
            };
            let claims: Vec<_> = (0..interpreters.len()).map(claim).collect();
            immortal = mimalloc::mark_tracked(&mut reader, &place, &claims, threads(), report);
            // What was never an object may lie there as well.
            immortal.retain(|&(_, object)| reader.looks_like_object(object));
        }
    }
    let mut roots = roots::find(&mut reader, target.runtime, &interpreters);
    let synthetic = synthetic_frames(&interpreters);
    let public = public_builtins(&mut reader, main);
    let suspended = Suspended::default();
    let known_objects = AtomicU64::new(0);
    let tick = |found| {
        known_objects.fetch_add(found, Ordering::Relaxed);
        progress.advance(found);
        if progress.cancelled() {
            cancelled.store(true, Ordering::Relaxed);
        }
    };
    let threads = threads();
    let mut diagnostics = reader.diagnostics.clone();
    reader.diagnostics = Diagnostics::default();
    let mut explorer = Explorer {
        threads,
        new_reader: &|| new_reader(DISCOVER_CACHE, main, first_view),
        natives: Natives::new(traverse),
        progress,
        tick: &tick,
        known_objects: &known_objects,
    };
    // One interpreter after the other: what no collector tracks belongs to the first that
    // reaches it.
    for (owner, interpreter) in interpreters.iter().enumerate() {
        let next_chunk = AtomicUsize::new(0);
        let discovery = Discovery {
            claim: claim(owner),
            synthetic: &synthetic,
            suspended: &suspended,
            next_chunk: &next_chunk,
            cancelled: &cancelled,
        };
        let mut seeds = seeds(interpreter, owner, &roots, claim(owner));
        let mine = immortal.iter().filter(|&&(of, _)| of == owner);
        seeds.extend(claim(owner).unmarked(mine.map(|&(_, object)| object)));
        diagnostics.merge(explorer.run(&mut reader, &discovery, seeds)?);
    }
    let (data, images) = (target.data, target.images);
    let variables = variables::find(
        &mut reader,
        target.runtime,
        &interpreters,
        data,
        images,
        &marks,
    );
    let seeds = claim(0).unmarked(variables.iter().map(|root| root.target));
    roots.extend(variables);
    let discovery = Discovery {
        claim: claim(0),
        synthetic: &synthetic,
        suspended: &suspended,
        next_chunk: &AtomicUsize::new(marks.chunks()),
        cancelled: &cancelled,
    };
    diagnostics.merge(explorer.run(&mut reader, &discovery, seeds)?);
    let asked = explorer.natives.finish();
    drop(reader);
    if progress.cancelled() {
        return Err(WalkError::Cancelled);
    }

    let greenlets = suspended.into_threads();
    for greenlet in greenlets {
        let owner = owners.get(greenlet.address);
        if let Some(interpreter) = interpreters.get_mut(owner) {
            roots.extend(roots::of_greenlet(interpreter.id, owner, &greenlet));
            interpreter.threads.push(greenlet);
        }
    }
    let synthetic = synthetic_frames(&interpreters);
    let numbers = marks.number().ok_or(WalkError::TooManyObjects)?;
    let all_types = types.snapshot();
    let kinds = KindTable::new(layout, all_types, &public);
    progress.phase("reading objects", Some(numbers.len() as u64));
    let digester = options.digests.map(Digester::new);
    let description = Description {
        numbers: &numbers,
        kinds: &kinds,
        synthetic: &synthetic,
        interpreters: &interpreters,
        owners: &owners,
        generations: (layout.shapes.gc_lists != GcLists::MimallocSegments).then_some(&generations),
        values: ValueReader::new(options.values.unwrap_or(ValuesKept::None)),
        digester: digester.as_ref(),
    };
    let second_view = match first_view {
        NativeView::None => NativeView::None,
        _ => NativeView::Known(&asked.referents),
    };
    let make_reader = |cache| new_reader(cache, main, second_view);
    let described = describe(&description, threads, progress, &make_reader)?;
    let Described {
        mut objects,
        mut references,
        mut values,
        digests,
        owned_dicts,
        places,
        diagnostics: more,
        ..
    } = described;
    diagnostics.merge(more);
    let of_each = (collectors.len() < interpreters.len())
        .then(|| shared_collector::seeds(&roots, &numbers, interpreters.len()));
    let root_rows = root_rows(roots, &numbers);
    settle::settle(&mut references, &objects, &root_rows);
    let scanned = kinds.scanned(&objects);
    let kind_rows = kinds.finish(&mut objects, &owned_dicts);
    drop(owned_dicts);

    let mut reader = make_reader(DESCRIBE_CACHE);
    let (thread_rows, frame_rows) = process::rows(&mut reader, &interpreters, &numbers);
    let type_rows = kinds.rows(|address| numbers.get(address));
    let tables = suspended::Tables {
        objects: &objects,
        kinds: &kind_rows,
        types: &type_rows,
    };
    let suspended_rows = suspended::rows(&mut reader, &tables, &interpreters, &numbers);
    let mut snapshot = Snapshot {
        metadata: Metadata::default(),
        objects,
        references,
        types: type_rows,
        kinds: kind_rows,
        names: Vec::new(),
        roots: root_rows,
        threads: thread_rows,
        frames: frame_rows,
        suspended: suspended_rows,
        mappings: Vec::new(),
        values: Values::default(),
        digests,
    };
    if let Some(seeds) = of_each {
        let ids: Vec<_> = interpreters.iter().map(|one| one.id).collect();
        shared_collector::attribute(&mut snapshot, seeds, &ids);
    }
    if options.values == Some(ValuesKept::None) {
        values = names_only(&mut reader, &snapshot);
    }
    snapshot.values = values;
    diagnostics.merge(std::mem::take(&mut reader.diagnostics));
    snapshot.metadata.diagnostics = diagnostics.into_rows(|object| {
        let known = snapshot.objects.at(object.get());
        let kind = known.map(|id| snapshot.kind(id).name.clone());
        kind.or_else(|| Some(reader.type_of(object)?.tp_name.to_string()))
    });
    if let Some(code) = asked.code {
        native::name(&mut reader, code, &places, &mut snapshot, progress);
    }
    drop(reader);
    snapshot.names = types.finish().into_vec();
    snapshot.metadata.counts = counts(&snapshot);
    snapshot.metadata.diagnostics.extend(asked.diagnostics);
    snapshot.metadata.diagnostics.extend(scanned);
    let late = digester.and_then(|digester| digester.diagnostic());
    snapshot.metadata.diagnostics.extend(late);
    Ok(snapshot)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS))
}

fn synthetic_frames(interpreters: &[Interpreter]) -> FxHashSet<RemoteAddress> {
    let threads = interpreters.iter().flat_map(|i| &i.threads);
    threads
        .flat_map(|thread| &thread.frames)
        .filter(|frame| frame.frame_obj.is_null())
        .map(|frame| frame.address)
        .collect()
}

/// Marks what the roots of an interpreter hold, and its frames; returns what was not known
/// before.
fn seeds(
    interpreter: &Interpreter,
    owner: usize,
    roots: &[RootAddress],
    claim: Claim<'_>,
) -> Vec<RemoteAddress> {
    let frames = interpreter.threads.iter().flat_map(|thread| &thread.frames);
    let roots = roots.iter().filter(|root| root.owner == owner);
    let roots = roots.map(|root| root.target);
    claim.unmarked(roots.chain(frames.map(runtime::FrameState::object)))
}

/// The types that the `builtins` module names.
fn public_builtins<M: Memory>(
    reader: &mut Reader<'_, M>,
    interpreter: RemoteAddress,
) -> FxHashSet<RemoteAddress> {
    let mut public = FxHashSet::default();
    let builtins = reader.layout.structs.py_interpreter_state.builtins;
    let Ok(dict) = reader.cache.pointer(interpreter.offset(builtins)) else {
        return public;
    };
    if let Ok(Some(table)) = reader.quietly(|reader| Table::read(reader, dict)) {
        // An unreadable rest only costs some names their short form.
        let _ = table.entries(reader, |reader, key, value| {
            if let Some(info) = reader.type_at(value)
                && let Ok(Some(name)) = text::read(reader, key, 100)
                && name == info.name
            {
                public.insert(value);
            }
        });
    }
    public
}

fn root_rows(roots: Vec<RootAddress>, numbers: &Numbers) -> Vec<Root> {
    roots
        .into_iter()
        .filter_map(|root| {
            Some(Root {
                target: numbers.get(root.target)?,
                name: root.name,
                category: root.category,
                owned: root.owned,
            })
        })
        .collect()
}

/// The texts that are names in the program: of attributes, variables, and keys of
/// `__dict__`s.
fn names_only<M: Memory>(reader: &mut Reader<'_, M>, snapshot: &Snapshot) -> Values {
    let mut names = FxHashSet::default();
    for id in snapshot.objects.ids() {
        let is_owned_dict = matches!(snapshot.kind(id).shape, KindShape::DictOf(_));
        for reference in snapshot.references.of(id) {
            match reference.relation {
                Relation::InlineAttribute(name)
                | Relation::Local(name)
                | Relation::Cell(name)
                | Relation::SuspendedLocal(name) => {
                    names.insert(name);
                }
                Relation::Value(key) if is_owned_dict => {
                    names.insert(key);
                }
                _ => {}
            }
        }
    }
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_unstable();
    let mut values = Values::default();
    for id in names {
        let address = RemoteAddress::new(snapshot.objects.address[id.index()]);
        if let Some(info) = reader.type_of(address) {
            ValueReader::of_names().keep(reader, address, id, &info, &mut values);
        }
    }
    values
}

fn counts(snapshot: &Snapshot) -> Counts {
    let objects = &snapshot.objects;
    let is_real = |flags: &&ObjectFlags| !flags.contains(ObjectFlags::SYNTHETIC);
    Counts {
        objects: objects.flags.iter().filter(is_real).count() as u64,
        references: snapshot.references.len() as u64,
        bytes: objects.size.iter().sum(),
    }
}
