use super::paths::not_selected;
use crate::arguments::Limit;
use crate::capture::{CaptureOptions, Extras, Mode};
use crate::demo::{Clients, Python, Served, Service};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::{self, units};
use crate::{output, target};
use exuvia_query::{Classifier, Difference, Heap, MergeLimits, PathOptions, Selection, Term};
use exuvia_snapshot::{Snapshot, ValuesKept};
use std::io::{self, Write};

const COMMAND: anstyle::Style = anstyle::Style::new().bold();

/// Rows of tables: the demo has several.
const FEW: Limit = Limit::Top(5);

/// How many requests are answered between the two looks.
const BETWEEN: usize = 300;

/// Starts a small leaky service, looks at it twice while it serves, and finds its leak.
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
    let before = target::capture(pid, &options, interrupts)?;
    clients.wait_for(BETWEEN)?;
    let after = target::capture(pid, &options, interrupts)?;
    let served = clients.stop()?;
    drop(service);
    drop(deferred);
    interrupts.check()?;

    target::warn(&after.metadata);
    say(|out| write_captures(out, [&before, &after], served))?;
    show(&Heap::new(before), &Heap::new(after), pid)
}

fn write_captures(
    out: &mut dyn Write,
    [before, after]: [&Snapshot; 2],
    served: Served,
) -> io::Result<()> {
    let frozen = |snapshot: &Snapshot| units::seconds(snapshot.metadata.capture.frozen);
    let elapsed = units::seconds(after.metadata.capture.elapsed);
    let requests = views::counted(served.requests, "request");
    let slowest = units::seconds(served.slowest.as_secs_f64());
    writeln!(
        out,
        "It stood still twice, for {} and {}. Its copy was read in {elapsed}. Meanwhile it\n\
         answered {requests}, the slowest in {slowest}.\n",
        frozen(before),
        frozen(after)
    )
}

/// The questions and their answers.
fn show(before: &Heap, after: &Heap, pid: i32) -> Result<(), Failure> {
    let leak = Service::LEAK;
    let partition = after.partition(Classifier::Kind);
    let leaks = after.leaks();
    let set = after
        .select(&Selection::from(Term::Kind(leak.to_owned())))
        .map_err(not_selected)?;
    let limits = MergeLimits::default();
    let merged = after.merged_paths(&set, &PathOptions::default(), limits);
    let difference = Difference::between(&before.partition(Classifier::Kind), &partition);
    say(|out| {
        prompt(out, format_args!("exuvia heap {pid} --top 5"))?;
        views::table::write(out, &partition, FEW)?;
        views::table::write_outside(out, &partition.outside)?;
        writeln!(out)?;
        prompt(out, format_args!("exuvia leaks {pid}"))?;
        views::leaks::write(out, &leaks, &pid.to_string(), FEW)?;
        writeln!(out)?;
        prompt(
            out,
            format_args!("exuvia paths {pid} --kind {leak} --merged"),
        )?;
        views::merged::write(out, &set, &merged)?;
        writeln!(out)?;
        prompt(out, format_args!("exuvia diff before.exuvia {pid} --top 5"))?;
        views::diff::write(out, &difference, FEW)?;
        writeln!(
            out,
            "\nSo the {} sessions are held by the dictionary SESSIONS of the module shop. The\n\
             function visit puts one into it for each request, and nothing ever takes one out:\n\
             that is the leak.",
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
