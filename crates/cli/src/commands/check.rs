use crate::arguments::{CheckArguments, Format};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::check::CheckDocument;
use crate::{output, target, views};
use exuvia_query::Verdict;
use exuvia_snapshot::ValuesKept;

/// Holds a heap to limits.
pub(super) fn run(arguments: &CheckArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Paths to what is too much have keys of dictionaries as steps.
    let heap = target::load(&arguments.target, Some(ValuesKept::Short), interrupts)?;
    let limitations = arguments.limitations();
    let verdicts: Vec<Verdict> = limitations.iter().map(|limit| heap.check(limit)).collect();
    for verdict in &verdicts {
        warn_of_unknown_names(verdict);
    }
    if let Some(path) = &arguments.junit {
        views::junit::write(path, &verdicts).map_err(|error| {
            Failure::new(format_args!("cannot write {}: {error}", path.display()))
        })?;
    }
    match arguments.format() {
        Format::Text => output::write(|out| views::check::write(out, &verdicts)),
        Format::Json => output::write_json(&CheckDocument::new(&heap, &verdicts)),
        Format::Csv => output::write(|out| views::check::write_csv(out, &verdicts)),
    }?;
    match verdicts.iter().all(|verdict| verdict.passed) {
        true => Ok(()),
        false => Err(Failure::LimitExceeded),
    }
}

/// A name that is misspelt would be within every limit for ever.
fn warn_of_unknown_names(verdict: &Verdict) {
    let (Some(name), Some(closest)) = (&verdict.limitation.name, &verdict.closest) else {
        return;
    };
    let names: Vec<_> = closest.iter().map(|name| format!("'{name}'")).collect();
    let closest = match names.is_empty() {
        true => String::new(),
        false => format!("; the closest names are {}", names.join(", ")),
    };
    tell!("warning: no kind and no type is called '{name}'{closest}");
}
