//! What a capture says while it runs.

use crate::interrupts::Interrupts;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How often a second the line is drawn again.
const REFRESH: u8 = 10;

/// The line while nobody knows how many objects there are.
const COUNTING: &str = "{msg}{counted}";

/// The line from the moment when that is known.
const ENDING: &str = "{msg}: {human_pos} of {human_len} objects, {rate}, {eta} left";

/// Whether each phase is named on stderr: `--verbose`.
static NAME_PHASES: AtomicBool = AtomicBool::new(false);

/// From here on every phase is named when it begins, or none.
pub(crate) fn name_phases(yes: bool) {
    NAME_PHASES.store(yes, Ordering::Relaxed);
}

/// One line on stderr that follows the work: its phase, how many objects are done, how many
/// a second, and how long the rest takes. There is no such line when stderr is not a
/// terminal. Methods may be called from several threads.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    expected: AtomicU64,
    interrupts: Interrupts,
}

impl Progress {
    /// A line that is still empty.
    pub(crate) fn new(interrupts: Interrupts) -> Self {
        Self {
            // Draws nothing by itself when stderr is not a terminal.
            bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(REFRESH))
                .with_style(style(COUNTING)),
            expected: AtomicU64::new(0),
            interrupts,
        }
    }

    /// The next phase begins: `reading`, `walking`, `writing`.
    pub(crate) fn phase(&self, name: &'static str) {
        if NAME_PHASES.load(Ordering::Relaxed) {
            self.bar.suspend(|| tell!("phase: {name}"));
        }
        self.expected.store(0, Ordering::Relaxed);
        self.bar.set_style(style(COUNTING));
        self.bar.set_message(name);
        self.bar.unset_length();
        self.bar.reset();
        self.bar.tick();
    }

    /// So many objects are expected in this phase, as far as is known by now; from then on
    /// the line says how long the rest takes.
    pub(crate) fn expect(&self, objects: u64) {
        if self.expected.swap(objects, Ordering::Relaxed) == 0 {
            self.bar.set_style(style(ENDING));
        }
        self.bar.set_length(objects);
    }

    /// So many more objects are done.
    pub(crate) fn objects(&self, more: u64) {
        self.bar.inc(more);
    }

    /// Such a share of the expected objects is done, from 0 to 1.
    pub(crate) fn share(&self, done: f64) {
        let expected = self.expected.load(Ordering::Relaxed) as f64;
        self.bar.set_position((expected * done) as u64);
    }

    /// Says something that stays on the screen.
    pub(crate) fn note(&self, line: &str) {
        self.bar.suspend(|| tell!("note: {line}"));
    }

    /// Says what only `--verbose` asks for.
    pub(crate) fn detail(&self, line: &str) {
        if NAME_PHASES.load(Ordering::Relaxed) {
            self.note(line);
        }
    }

    /// Whether the user asked for the end; the work then stops at once.
    pub(crate) fn cancelled(&self) -> bool {
        self.interrupts.received()
    }

    /// The same as a flag, for waits that look at one.
    pub(crate) fn flag(&self) -> &AtomicBool {
        self.interrupts.flag()
    }

    /// The work is done, and the line goes away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl exuvia_walker::Progress for Progress {
    fn phase(&self, name: &'static str, objects: Option<u64>) {
        self.phase(name);
        if let Some(objects) = objects {
            self.expect(objects);
        }
    }

    fn advance(&self, objects: u64) {
        self.objects(objects);
    }

    fn cancelled(&self) -> bool {
        self.cancelled()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("counted", counted)
        .with_key("rate", rate)
}

/// The objects so far; nothing in a phase that counts none.
fn counted(state: &ProgressState, out: &mut dyn Write) {
    if state.pos() > 0 {
        let _ = write!(out, ": {} objects, ", HumanCount(state.pos()));
        rate(state, out);
    }
}

fn rate(state: &ProgressState, out: &mut dyn Write) {
    // What can't be written to a line of the terminal is lost without harm.
    let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for template in [COUNTING, ENDING] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
