//! Running Pythons, for people.

use super::{TITLE, printable, units};
use exuvia_cpython::Layout;
use exuvia_tracee::{Linking, PythonProcess};
use std::io::{self, Write};

/// Columns of a command that are shown however narrow the terminal is.
const LEAST_COMMAND: usize = 20;

/// Writes a line for each process, cut to a width, and below the table why some can't be
/// examined. Nothing is written when there is no process.
pub(crate) fn write(
    out: &mut dyn Write,
    processes: &[PythonProcess],
    width: Option<usize>,
) -> io::Result<()> {
    if processes.is_empty() {
        return Ok(());
    }
    let titles = format!(
        "{}COMMAND",
        columns("PID", "VERSION", "LINKED", "RESIDENT", "UPTIME", "ATTACH")
    );
    writeln!(out, "{TITLE}{titles}{TITLE:#}")?;
    for process in processes {
        let line = line(process);
        let command = printable(&process.command);
        let room = width.map(|width| {
            width
                .saturating_sub(line.chars().count())
                .max(LEAST_COMMAND)
        });
        writeln!(out, "{line}{}", cut(&command, room.unwrap_or(usize::MAX)))?;
    }
    write_obstacles(out, processes)
}

fn columns(
    pid: &str,
    version: &str,
    linked: &str,
    resident: &str,
    uptime: &str,
    attach: &str,
) -> String {
    format!("{pid:>7}  {version:7}  {linked:6}  {resident:>8}  {uptime:>8}  {attach:6}  ")
}

fn line(process: &PythonProcess) -> String {
    let version = process.version_hint.map_or_else(
        || "?".to_owned(),
        |(major, minor)| format!("{major}.{minor}"),
    );
    let linked = match process.linking {
        Some(Linking::Shared) => "shared",
        Some(Linking::Static) => "static",
        None => "?",
    };
    columns(
        &process.pid.to_string(),
        &version,
        linked,
        &units::bytes(process.resident),
        &units::uptime(process.uptime),
        if obstacle(process).is_none() {
            "yes"
        } else {
            "no"
        },
    )
}

/// Why a process can't be examined, and what to do about it; none when it can be.
pub(super) fn obstacle(process: &PythonProcess) -> Option<(String, &'static str)> {
    if let Err(obstacle) = &process.attachable {
        return Some((obstacle.to_string(), obstacle.hint()));
    }
    let (major, minor) = process.version_hint?;
    let is_supported =
        Layout::supported().any(|(version, _)| (version.major, version.minor) == (major, minor));
    let reason = format!("CPython {major}.{minor} is not supported");
    (!is_supported).then_some((reason, "`exuvia --help` names the versions that are"))
}

/// Each reason once, with the processes that it is true for, and what to do about it.
fn write_obstacles(out: &mut dyn Write, processes: &[PythonProcess]) -> io::Result<()> {
    let mut reasons: Vec<(String, &str, Vec<String>)> = Vec::new();
    for process in processes {
        let Some((reason, hint)) = obstacle(process) else {
            continue;
        };
        let pid = process.pid.to_string();
        match reasons.iter_mut().find(|(known, ..)| *known == reason) {
            Some((_, _, pids)) => pids.push(pid),
            None => reasons.push((reason, hint, vec![pid])),
        }
    }
    for (reason, hint, pids) in reasons {
        writeln!(out, "\nNot {}: {reason}.\n  {hint}", pids.join(", "))?;
    }
    Ok(())
}

/// A text of at most so many characters, the last one an ellipsis when it was longer.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_tracee::{Obstacle, Pid};
    use std::time::Duration;

    fn process(pid: i32, attachable: Result<(), Obstacle>) -> PythonProcess {
        PythonProcess {
            pid: Pid(pid),
            linking: Some(Linking::Shared),
            version_hint: Some((3, 12)),
            resident: 554_000_000,
            uptime: Duration::from_secs(310_000),
            command: "python3 -m myapp --workers 16 --listen 0.0.0.0:8080".to_owned(),
            attachable,
        }
    }

    fn text(processes: &[PythonProcess], width: Option<usize>) -> String {
        let mut out = Vec::new();
        write(&mut out, processes, width).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn commands_are_cut_to_the_terminal() {
        let expected = "    PID  VERSION  LINKED  RESIDENT    UPTIME  ATTACH  COMMAND
   4242  3.12     shared    554 MB    3d 14h  yes     python3 -m myapp --workers 16 --listen 0.0.0.0:8080
";
        assert_eq!(text(&[process(4242, Ok(()))], None), expected);
        let narrow = text(&[process(4242, Ok(()))], Some(80));
        let line = narrow.lines().nth(1).unwrap();
        assert_eq!(line.chars().count(), 80);
        assert!(line.ends_with("python3 -m myapp --worker…"), "{line}");
    }

    #[test]
    fn a_reason_is_told_once_for_all_its_processes() {
        let refused = || Err(Obstacle::YamaForbidsAll);
        let text = text(
            &[
                process(1, refused()),
                process(2, Ok(())),
                process(3, refused()),
            ],
            None,
        );
        assert_eq!(text.matches("kernel.yama.ptrace_scope is 3.").count(), 1);
        assert!(
            text.contains("\nNot 1, 3: kernel.yama.ptrace_scope is 3.\n  "),
            "{text}"
        );
    }

    #[test]
    fn nothing_is_no_table() {
        assert_eq!(text(&[], Some(80)), "");
    }
}
