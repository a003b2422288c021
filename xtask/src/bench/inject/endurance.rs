use super::exec;
use anyhow::{Result, ensure};
use exuvia_testkit::{AtRest, Exuvia, Interpreter, Launch, LoadedServer, Served, Wreck};
use serde::Serialize;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

/// How often code is run in a row.
const EXECS: usize = 1000;
/// How many copies are wrecked in a row.
const COPIES: usize = 200;
/// How often code is run where it has to wait for seconds, and for how many of them a thread holds
/// the interpreter's lock in one call.
const WAITING_EXECS: usize = 20;
const HELD: &str = "2";
/// Threads beside those of the server.
const FEW: usize = 4;
const MANY: usize = 64;
/// Requests and execs before the first look: caches are filled once.
const WARM_REQUESTS: u64 = 400;
const WARM_EXECS: usize = 20;
/// Resident memory that comes and goes with the load itself, in bytes: a page for each time would be
/// seen.
const NOISE: i64 = 2 << 20;

/// The same thing done to one process again and again.
#[derive(Debug, Serialize)]
pub(super) struct Endurance {
    pub(super) python: String,
    /// Whether there is no lock to wait for.
    pub(super) has_no_lock: bool,
    pub(super) trial: Trial,
    /// How often it was to be done, and how often it came out right.
    pub(super) wanted: usize,
    pub(super) right: usize,
    /// Requests of clients that were answered meanwhile, and the longest time for one, in seconds.
    pub(super) answered: u64,
    pub(super) slowest: f64,
    /// How often the tool said that it waits.
    pub(super) waited: usize,
    /// What came to the resident memory of the process, in bytes, from the middle to the end: the
    /// arenas that malloc makes for threads come in the first half.
    pub(super) growth: i64,
    /// Seconds for all of it.
    pub(super) time: f64,
    /// What else is not as it was, and what went wrong; nothing if all is well.
    pub(super) problems: Vec<String>,
}

/// What is done, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Trial {
    /// `exec` in a server under load.
    Server,
    /// `exec` in a server under load with 64 more threads.
    ManyThreads,
    /// `exec` where a thread holds the interpreter's lock for two seconds at a time.
    HeldLock,
    /// `shell --clone` of a server under load, where everything is wrecked.
    Copies,
}

impl Trial {
    pub(super) const ALL: [Self; 4] = [
        Self::Server,
        Self::ManyThreads,
        Self::HeldLock,
        Self::Copies,
    ];

    pub(super) fn run(self, interpreter: &Interpreter, exuvia: &Path) -> Endurance {
        let mut endurance = Endurance {
            python: interpreter.to_string(),
            has_no_lock: interpreter.free_threaded,
            trial: self,
            wanted: self.times(),
            right: 0,
            answered: 0,
            slowest: 0.0,
            waited: 0,
            growth: 0,
            time: 0.0,
            problems: Vec::new(),
        };
        let begun = Instant::now();
        let result = match self {
            Self::Server => endurance.in_server(interpreter, exuvia, FEW),
            Self::ManyThreads => endurance.in_server(interpreter, exuvia, MANY),
            Self::HeldLock => endurance.in_holder(interpreter, exuvia),
            Self::Copies => endurance.in_copies(interpreter, exuvia),
        };
        endurance.time = begun.elapsed().as_secs_f64();
        if let Err(error) = result {
            endurance.problems.push(format!("{error:#}"));
        }
        for problem in &endurance.problems {
            eprintln!("{self:?}: {problem}");
        }
        endurance
    }

    fn times(self) -> usize {
        match self {
            Self::Server | Self::ManyThreads => EXECS,
            Self::HeldLock => WAITING_EXECS,
            Self::Copies => COPIES,
        }
    }
}

impl Endurance {
    /// Whether everything came out right and nothing stayed.
    pub(super) fn is_reached(&self) -> bool {
        let has_waited = self.trial != Trial::HeldLock || self.has_no_lock || self.waited > 0;
        self.right == self.wanted && self.problems.is_empty() && self.growth <= NOISE && has_waited
    }

    fn in_server(
        &mut self,
        interpreter: &Interpreter,
        exuvia: &Path,
        threads: usize,
    ) -> Result<()> {
        let mut server = LoadedServer::start(interpreter, threads)?;
        let load = server.load();
        load.wait_for(WARM_REQUESTS)?;
        for number in 0..WARM_EXECS {
            multiply(exuvia, server.pid(), number)?;
        }
        load.stop()?;
        let before = server.at_rest()?;
        let middle = self.wanted / 2;
        self.multiply_in(&mut server, exuvia, 0..middle)?;
        let half = server.at_rest()?;
        self.multiply_in(&mut server, exuvia, middle..self.wanted)?;
        self.compare(&before, &half, &server.at_rest()?);
        Ok(())
    }

    fn multiply_in(
        &mut self,
        server: &mut LoadedServer,
        exuvia: &Path,
        numbers: Range<usize>,
    ) -> Result<()> {
        let load = server.load();
        for number in numbers {
            match multiply(exuvia, server.pid(), number) {
                Ok(_) => self.right += 1,
                Err(error) => self.problem(number, &error),
            }
        }
        self.served(load.stop()?);
        Ok(())
    }

    fn in_copies(&mut self, interpreter: &Interpreter, exuvia: &Path) -> Result<()> {
        let mut server = LoadedServer::start(interpreter, FEW)?;
        let load = server.load();
        load.wait_for(WARM_REQUESTS)?;
        for wreck in Wreck::ALL {
            wreck.run(&Exuvia::at(exuvia), server.pid(), false)?;
        }
        load.stop()?;
        let before = server.at_rest()?;
        let load = server.load();
        for (number, wreck) in (0..self.wanted).zip(Wreck::ALL.into_iter().cycle()) {
            match wreck.run(&Exuvia::at(exuvia), server.pid(), false) {
                Ok(()) => self.right += 1,
                Err(error) => self.problem(number, &error.context(format!("{wreck:?}"))),
            }
        }
        self.served(load.stop()?);
        self.compare(&before, &before, &server.at_rest()?);
        Ok(())
    }

    fn in_holder(&mut self, interpreter: &Interpreter, exuvia: &Path) -> Result<()> {
        let launch = Launch::new(interpreter, "injected")?.arg("holder");
        let mut target = launch.arg(HELD).start()?;
        for number in 0..self.wanted {
            match multiply(exuvia, target.pid(), number) {
                Ok(said) => {
                    self.right += 1;
                    self.waited += usize::from(said.contains("wait"));
                }
                Err(error) => self.problem(number, &error),
            }
        }
        target.assert_alive()
    }

    /// The first ones are enough to see what is wrong.
    fn problem(&mut self, number: usize, error: &anyhow::Error) {
        if self.problems.len() < 5 {
            self.problems.push(format!("number {number}: {error:#}"));
        }
    }

    fn served(&mut self, served: Served) {
        self.answered += served.answered;
        self.slowest = self.slowest.max(served.slowest.as_secs_f64());
    }

    fn compare(&mut self, before: &AtRest, half: &AtRest, after: &AtRest) {
        self.problems.extend(before.differences(after));
        self.growth = after.resident - half.resident;
    }
}

/// Runs code that makes objects, each time another one. Returns what the tool said.
fn multiply(exuvia: &Path, pid: u32, number: usize) -> Result<String> {
    let code =
        format!("import __main__; print(len([str(i) for i in range({number})]), {number} * 7)");
    let executed = exec::run(exuvia, pid, &code, &[])?;
    ensure!(
        executed.output == format!("{number} {}\n", number * 7),
        "it printed {:?}",
        executed.output
    );
    Ok(executed.said)
}
