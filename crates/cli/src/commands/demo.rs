use super::paths::not_selected;
use crate::arguments::{DEFAULT_LIMIT, Limit};
use crate::capture::{CaptureOptions, Extras, Mode};
use crate::demo::{Clients, Python, Served, Service};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::{self, units};
use crate::{output, target};
use exuvia_query::{Classifier, Heap, PathOptions, Selection, Term};
use exuvia_snapshot::{Snapshot, ValuesKept};
use std::io::{self, Write};

const COMMAND: anstyle::Style = anstyle::Style::new().bold();
const LIMIT: Limit = Limit::Top(DEFAULT_LIMIT);

/// Starts a small leaky service, captures it while it serves, and finds its leak.
pub(super) fn run(interrupts: &Interrupts) -> Result<(), Failure> {
    let python = Python::find()?;
    // From here on a signal must not end the program before the service has ended.
    let deferred = interrupts.defer();
    let service = Service::start(&python)?;
    interrupts.check()?;
    let pid = service.pid()?;
    let version = &python.version;
    say(|out| {
        writeln!(
            out,
            "A small shop runs with Python {version} as process {pid}. Each request that it"
        )?;
        writeln!(
            out,
            "answers leaves a session behind. What would exuvia tell its owner?\n"
        )
    })?;

    let clients = Clients::start(service.address())?;
    let options = CaptureOptions {
        mode: Mode::Clone,
        values: Some(ValuesKept::Short),
        native: true,
        in_background: false,
        extras: Extras::default(),
    };
    let snapshot = target::capture(pid, &options, interrupts)?;
    let served = clients.stop()?;
    drop(service);
    drop(deferred);
    interrupts.check()?;

    target::warn(&snapshot.metadata);
    say(|out| write_capture(out, &snapshot, served))?;
    show(&Heap::new(snapshot), pid)
}

fn write_capture(out: &mut dyn Write, snapshot: &Snapshot, served: Served) -> io::Result<()> {
    let capture = &snapshot.metadata.capture;
    let frozen = units::seconds(capture.frozen);
    let elapsed = units::seconds(capture.elapsed);
    let requests = views::counted(served.requests, "request");
    let slowest = units::seconds(served.slowest.as_secs_f64());
    writeln!(
        out,
        "It stood still for {frozen}. Its copy was read in {elapsed}, while it answered"
    )?;
    writeln!(out, "{requests}, the slowest in {slowest}.\n")
}

/// The two questions and their answers.
fn show(heap: &Heap, pid: i32) -> Result<(), Failure> {
    let leak = Service::LEAK;
    let partition = heap.partition(Classifier::Kind);
    let set = heap
        .select(&Selection::from(Term::Kind(leak.to_owned())))
        .map_err(not_selected)?;
    let paths = heap.shortest_paths(&set, &PathOptions::default());
    say(|out| {
        prompt(out, format_args!("exuvia heap {pid}"))?;
        views::table::write(out, &partition, LIMIT)?;
        views::table::write_outside(out, &partition.outside)?;
        writeln!(out)?;
        prompt(out, format_args!("exuvia paths {pid} --kind {leak}"))?;
        views::paths::write(out, &paths, LIMIT)?;
        writeln!(
            out,
            "\nSo the {} sessions are held by the dictionary SESSIONS of the module shop, from\n\
             which nothing ever removes them: that is the leak.",
            set.count()
        )
    })
}

fn prompt(out: &mut dyn Write, command: std::fmt::Arguments) -> io::Result<()> {
    writeln!(out, "$ {COMMAND}{command}{COMMAND:#}")
}

fn say(text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    output::write(text)
}
