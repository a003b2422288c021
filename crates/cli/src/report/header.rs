use super::Answers;
use crate::views::{counted, units};
use exuvia_snapshot::CaptureMode;
use maud::{Markup, html};

/// Which process, when, and how much there is.
pub(super) fn section(answers: &Answers<'_>) -> Markup {
    let metadata = &answers.heap.snapshot().metadata;
    let (process, capture) = (&metadata.process, &metadata.capture);
    let outside = &answers.partition.outside;
    let frozen = match capture.mode {
        CaptureMode::Core => "from a core file".to_owned(),
        _ => format!(
            "the process stood still for {}",
            units::seconds(capture.frozen)
        ),
    };
    html! {
        header {
            h1 { "Heap of process " (process.pid) }
            p.command { code { (process.command.join(" ")) } }
            p {
                "Python " (process.python) " (" (process.flavor) "), "
                time { (time(capture.time)) } ", " (frozen) "."
            }
            dl.figures {
                (figure("live objects", &answers.partition.count.to_string()))
                (figure("their bytes", &units::bytes(answers.partition.size)))
                (figure("allocated for them", &units::bytes(outside.allocated)))
                @if outside.resident > 0 {
                    (figure("resident", &units::bytes(outside.resident)))
                }
                (figure("garbage", &format!(
                    "{} in {}",
                    units::bytes(outside.garbage.bytes),
                    counted(outside.garbage.objects, "object"),
                )))
            }
        }
    }
}

fn figure(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn time(seconds: f64) -> String {
    chrono::DateTime::from_timestamp(seconds as i64, 0)
        .map(|time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_default()
}
