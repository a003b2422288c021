use crate::arguments::PathsArguments;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::json::PathsDocument;
use crate::{output, target, views};
use exuvia_query::{ObjectSet, PathOptions, SelectionError};
use exuvia_snapshot::ValuesKept;

/// Prints the shortest paths from the roots to some objects.
pub(super) fn run(arguments: &PathsArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Keys of dictionaries are steps of paths, so that their beginnings are needed.
    let heap = target::load(&arguments.target, Some(ValuesKept::Short), interrupts)?;
    let set = heap.select(&arguments.selection()).map_err(not_selected)?;
    let options = PathOptions {
        weak: arguments.weak(),
    };
    let paths = heap.shortest_paths(&set, &options);
    if paths.count().paths == 0 {
        return Err(nothing_leads_there(&set, options));
    }
    let limit = arguments.limit();
    if arguments.json {
        output::write_json(&PathsDocument::new(&heap, &set, options, &paths, limit))
    } else {
        output::write(|out| views::paths::write(out, &paths, limit))?;
        say_how_many(paths.reached() as u64, set.count());
        Ok(())
    }
}

/// The search stops where it meets the first of the objects, so that the paths may say
/// nothing about most of them.
fn say_how_many(reached: u64, wanted: u64) {
    if reached < wanted {
        anstream::eprintln!(
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
            "the name is known, but no object of it exists".to_owned()
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

fn nothing_leads_there(set: &ObjectSet, options: PathOptions) -> Failure {
    let failure = Failure::new(format_args!(
        "no path leads from the roots to {} ({})",
        set.description(),
        views::counted(set.count(), "object"),
    ));
    if options.weak {
        failure.hint("it is garbage waiting for the collector".to_owned())
    } else {
        failure.hint(
            "it is garbage waiting for the collector, or held by weak references \
             only, which --weak shows"
                .to_owned(),
        )
    }
}
