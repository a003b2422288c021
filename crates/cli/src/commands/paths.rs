use crate::arguments::{Format, PathsArguments};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::json::PathsDocument;
use crate::{output, target, views};
use exuvia_query::{
    AvoidError, AvoidedEdge, Heap, ObjectSet, PathOptions, Selection, SelectionError,
};
use exuvia_snapshot::ValuesKept;

/// Prints the shortest paths from the roots to some objects.
pub(super) fn run(arguments: &PathsArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Keys of dictionaries are steps of paths, so that their beginnings are needed.
    let heap = target::load(&arguments.target, Some(ValuesKept::Short), interrupts)?;
    let set = heap.select(&arguments.selection()).map_err(not_selected)?;
    let options = options(arguments, &heap)?;
    match arguments.merged {
        true => merged(arguments, &heap, &set, &options),
        false => each(arguments, &heap, &set, &options),
    }
}

fn options(arguments: &PathsArguments, heap: &Heap) -> Result<PathOptions, Failure> {
    let select = |selection: Selection| heap.select(&selection).map_err(not_selected);
    let avoid = arguments.avoid().map(select).transpose()?;
    let edges = arguments.avoid_edge.iter();
    Ok(PathOptions {
        weak: arguments.weak(),
        from: arguments.from().map(select).transpose()?,
        avoid: avoid.map_or_else(Vec::new, |set| set.ids().to_vec()),
        avoid_edges: edges
            .map(|text| AvoidedEdge::named(heap, text).map_err(no_such_edge))
            .collect::<Result<_, _>>()?,
    })
}

/// One path after the other.
fn each(
    arguments: &PathsArguments,
    heap: &Heap,
    set: &ObjectSet,
    options: &PathOptions,
) -> Result<(), Failure> {
    let paths = heap.shortest_paths(set, options);
    if paths.count().paths == 0 {
        return Err(nothing_leads_there(set, options));
    }
    let limit = arguments.limit();
    match arguments.format() {
        Format::Json => {
            return output::write_json(&PathsDocument::new(heap, set, options, &paths, limit));
        }
        Format::Csv => output::write(|out| views::paths::write_csv(out, &paths, limit))?,
        Format::Text => output::write(|out| views::paths::write(out, &paths, limit))?,
    }
    say_how_many(paths.reached() as u64, set.count());
    Ok(())
}

/// Where the paths to all objects run together.
fn merged(
    arguments: &PathsArguments,
    heap: &Heap,
    set: &ObjectSet,
    options: &PathOptions,
) -> Result<(), Failure> {
    let merged = heap.merged_paths(set, options, arguments.merge_limits());
    if merged.reached.objects == 0 {
        return Err(nothing_leads_there(set, options));
    }
    match arguments.format() {
        Format::Json => {
            output::write_json(&views::merged::document(heap, set, options.weak, &merged))
        }
        Format::Csv => output::write(|out| views::merged::write_csv(out, &merged)),
        Format::Text => output::write(|out| views::merged::write(out, set, &merged)),
    }
}

fn no_such_edge(error: AvoidError) -> Failure {
    let hint = match &error {
        AvoidError::NotAnEdge { .. } => {
            "an edge is a path or its beginning as `exuvia paths` prints it, 0xSOURCE['key'], \
             0xSOURCE->0xTARGET, or the name of a kind and a step"
                .to_owned()
        }
        AvoidError::Source { .. } => {
            "addresses are those of the moment of the capture; a snapshot keeps them".to_owned()
        }
        AvoidError::NoSuchStep { steps, .. } if steps.is_empty() => {
            "it refers to nothing".to_owned()
        }
        AvoidError::NoSuchStep { steps, .. } => {
            format!("the first steps from there are {}", steps.join("  "))
        }
    };
    Failure::from_error(error).hint(views::printable(&hint).into_owned())
}

/// The search stops where it meets the first of the objects, so that the paths may say
/// nothing about most of them.
fn say_how_many(reached: u64, wanted: u64) {
    if reached < wanted {
        tell!(
            "note: these paths lead to {reached} of the {wanted} objects, the nearest to the root"
        );
    }
}

/// Why there is nothing that a path could lead to.
pub(super) fn not_selected(error: SelectionError) -> Failure {
    let hint = match &error {
        SelectionError::UnknownKind { closest, .. }
        | SelectionError::UnknownModule { closest, .. }
        | SelectionError::UnknownType { closest, .. } => match closest.first() {
            Some(_) => format!("the closest names are {}", quoted(closest)),
            None => "`exuvia heap TARGET --all` lists all names".to_owned(),
        },
        SelectionError::NoneAlive { garbage: 0, .. } => {
            "no live object has it; `--type` takes a class with all its `dict of …` kinds"
                .to_owned()
        }
        SelectionError::NoneAlive { .. } => {
            "nothing holds garbage; it goes with the next collection".to_owned()
        }
        SelectionError::NothingInAll { alone, .. } => format!(
            "options of different names must all hold, the same one twice means either; \
             alone, {}",
            each_alone(alone)
        ),
        SelectionError::NothingMatches { alone, closest, .. } => match closest.first() {
            Some(_) => format!("the closest names are {}", quoted(closest)),
            None => format!("alone, {}", each_alone(alone)),
        },
        SelectionError::NoSuchRow { .. } => "`exuvia heap TARGET --all` shows all rows".to_owned(),
        SelectionError::NoObjectAt { inside, .. } => match inside {
            Some(object) => format!("the address is inside of the object at {object:#x}"),
            None => "addresses are those of the moment of the capture; a process that runs on \
                     moves them, a snapshot keeps them"
                .to_owned(),
        },
    };
    Failure::from_error(error).hint(hint)
}

/// How many objects each of several conditions selects by itself.
fn each_alone(conditions: &[(String, u64)]) -> String {
    let each = conditions
        .iter()
        .map(|(text, count)| format!("{text} selects {}", views::counted(*count, "object")));
    let each: Vec<String> = each.collect();
    each.join(", ")
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    names.join(", ")
}

fn nothing_leads_there(set: &ObjectSet, options: &PathOptions) -> Failure {
    let failure = Failure::new(format_args!(
        "no path leads from the roots to {} ({})",
        set.description(),
        views::counted(set.count(), "object"),
    ));
    if options.from.is_some() || !options.avoid.is_empty() || !options.avoid_edges.is_empty() {
        failure.hint("there may be one without --from and --avoid".to_owned())
    } else if options.weak {
        failure.hint("it is garbage waiting for the collector".to_owned())
    } else {
        failure.hint(
            "it is garbage waiting for the collector, or held by weak references \
             only, which --weak shows"
                .to_owned(),
        )
    }
}
