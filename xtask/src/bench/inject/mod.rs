//! Code in running processes: how long it takes to get in, for how long they stand still, and that
//! nothing comes of it, however often it is done.

mod conversation;
mod endurance;
mod exec;
mod latency;
mod report;
mod shell;
mod spread;

use super::tool::Tool;
use anyhow::Result;
use endurance::Trial;
use exuvia_testkit::Interpreter;
pub(super) use report::InjectReport;

impl InjectReport {
    /// How long it takes to get into processes of this interpreter, and how long they stand still.
    pub(super) fn time(&mut self, interpreter: &Interpreter, tool: &Tool) -> Result<()> {
        eprintln!("\n== code in processes of {interpreter}");
        let latency = latency::measure(interpreter, tool.program())?;
        self.latencies.push(latency);
        Ok(())
    }

    /// What comes of getting into them hundreds of times.
    pub(super) fn endure(&mut self, interpreter: &Interpreter, tool: &Tool) {
        for trial in Trial::ALL {
            eprintln!("\n== code in processes of {interpreter}, again and again");
            let endurance = trial.run(interpreter, tool.program());
            self.endurances.push(endurance);
        }
    }
}
