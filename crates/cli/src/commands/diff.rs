use crate::arguments::{CoreArguments, DiffArguments, Format};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::diff::{DiffDocument, GrowthDocument, Newcomers};
use crate::{output, target, views};
use exuvia_query::{
    By, Classifier, Difference, GrownTwice, Heap, Matching, MergeLimits, NewObjects,
    PartitionOptions, PathOptions,
};
use exuvia_snapshot::{CaptureMode, Process, ValuesKept};

/// Of the merged paths to new objects, steps with less than this part of the bytes are left out.
const SHARE: f64 = 0.02;

/// Prints what is different between two heaps, or what grew twice in three.
pub(super) fn run(arguments: &DiffArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    if [Some(arguments.table.by.first), arguments.table.by.second].contains(&Some(Classifier::Id)) {
        return Err(
            Failure::new("rows of single objects have no names to compare")
                .hint("--new tells which objects are new".to_owned()),
        );
    }
    let heaps = load(arguments, interrupts)?;
    match heaps.as_slice() {
        [old, new] => two(arguments, old, new),
        [first, second, third] => three(arguments, [first, second, third]),
        // The definition of the command line lets no other number pass.
        _ => Err(Failure::new("diff takes two or three targets")),
    }
}

fn load(arguments: &DiffArguments, interrupts: &Interrupts) -> Result<Vec<Heap>, Failure> {
    let nowhere = CoreArguments::default();
    let any_core = arguments.targets.iter().any(|text| target::is_core(text));
    let mut heaps: Vec<Heap> = Vec::new();
    for text in &arguments.targets {
        // What says where the files of a core are is for those that are cores; where none is,
        // it is refused.
        let core = match target::is_core(text) || !any_core {
            true => &arguments.core,
            false => &nowhere,
        };
        let native = arguments.native.native();
        let heap = target::load_from(text, core, native, Some(ValuesKept::Short), interrupts)?;
        if let Some(before) = heaps.last() {
            warn_about(before, &heap);
        }
        heaps.push(heap);
    }
    Ok(heaps)
}

/// Says when two heaps are hardly those of one process, or not in the order that was said.
fn warn_about(old: &Heap, new: &Heap) {
    let [before, after] = [old, new].map(|heap| &heap.snapshot().metadata);
    if let Some(reason) = different(&before.process, &after.process) {
        tell!(
            "warning: these are two processes ({reason}): counts can be compared, single objects \
             can't"
        );
    }
    if before.capture.time > after.capture.time {
        tell!("warning: the first of them is the newer one");
    }
    let is_core = |mode| mode == CaptureMode::Core;
    let has_values = |kept: ValuesKept| kept != ValuesKept::None;
    if has_values(before.capture.values) != has_values(after.capture.values)
        && !is_core(before.capture.mode)
    {
        tell!(
            "warning: one of them has no values, so that fewer objects can be told from new ones"
        );
    }
}

/// By what two processes differ, if they do.
fn different(old: &Process, new: &Process) -> Option<String> {
    let differ = |what: &str, old: &str, new: &str| Some(format!("{what} {old} and {new}"));
    if old.pid != new.pid {
        return differ("PID", &old.pid.to_string(), &new.pid.to_string());
    }
    if let (Some(old), Some(new)) = (old.started, new.started)
        && old != new
    {
        return Some("they were not started at the same time".to_owned());
    }
    if old.python != new.python {
        return differ("Python", &old.python, &new.python);
    }
    if old.executable != new.executable {
        return differ("program", &old.executable, &new.executable);
    }
    None
}

fn two(arguments: &DiffArguments, old: &Heap, new: &Heap) -> Result<(), Failure> {
    let [before, after] = [old, new].map(|heap| heap.divided(None, options(arguments)));
    let difference = Difference::between(&before, &after);
    let newcomers = arguments.new.then(|| {
        let matching = Matching::of(old, new);
        newcomers(new, NewObjects::of(old, new, &matching))
    });
    let limit = arguments.table.limit();
    match arguments.table.format() {
        Format::Json => {
            output::write_json(&DiffDocument::new(old, new, &difference, newcomers, limit))
        }
        Format::Csv => output::write(|out| views::diff::write_csv(out, &difference, limit)),
        Format::Text => output::write(|out| {
            views::diff::write(out, &difference, limit)?;
            match &newcomers {
                Some(newcomers) => views::diff::write_new(out, newcomers, limit),
                None => Ok(()),
            }
        }),
    }
}

fn newcomers(heap: &Heap, new: NewObjects) -> Newcomers {
    let limits = MergeLimits {
        share: SHARE,
        first_only: true,
        ..MergeLimits::default()
    };
    Newcomers {
        fates: new.fates,
        table: heap.partition_of(&new.set, Classifier::Kind),
        held: heap.merged_paths(&new.set, &PathOptions::default(), limits),
        set: new.set,
    }
}

fn three(arguments: &DiffArguments, heaps: [&Heap; 3]) -> Result<(), Failure> {
    let partitions = heaps.map(|heap| heap.divided(None, options(arguments)));
    let [a, b, c] = &partitions;
    let mut grown = GrownTwice::between([a, b, c]);
    let [first, second, third] = heaps;
    let came = NewObjects::of(first, second, &Matching::of(first, second));
    let later = Matching::of(second, third);
    let stayed = came.that_stayed(second, third, &later);
    if arguments.table.by == By::from(Classifier::Kind) {
        grown.add_stayed(&stayed.by_kind(third));
    }
    let newcomers = arguments.new.then(|| newcomers(third, stayed));
    let limit = arguments.table.limit();
    match arguments.table.format() {
        Format::Json => output::write_json(&GrowthDocument::new(heaps, &grown, newcomers, limit)),
        Format::Csv => output::write(|out| views::diff::write_growth_csv(out, &grown, limit)),
        Format::Text => output::write(|out| {
            views::diff::write_growth(out, &grown, limit)?;
            match &newcomers {
                Some(newcomers) => views::diff::write_new(out, newcomers, limit),
                None => Ok(()),
            }
        }),
    }
}

fn options(arguments: &DiffArguments) -> PartitionOptions {
    PartitionOptions {
        by: arguments.table.by,
        retained: arguments.retained,
        rows: None,
    }
}
