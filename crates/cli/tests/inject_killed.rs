//! A tool that is killed at any moment, by SIGKILL, leaves nothing of its code in the process.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Exuvia, Interpreter, ServingAtRest, Target, Trials, supported};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ExitCode, Stdio};
use std::time::Duration;

/// How many moments, and how far apart: over the whole time from the start of the tool until the code
/// runs, on a machine that has other work too.
const MOMENTS: u32 = 12;
const APART: Duration = Duration::from_millis(9);

/// What the tool does when it is killed.
struct Life {
    /// What it is asked.
    arguments: &'static [&'static str],
    /// What is typed there.
    typed: &'static str,
    /// Every how many of the moments are tried.
    step: usize,
}

const fn exec(arguments: &'static [&'static str], step: usize) -> Life {
    Life {
        arguments,
        typed: "",
        step,
    }
}

/// The code of each, but for the first, says that it runs, and never ends.
const LOOP: &str = "print('on', flush=True)\nwhile True: pass";
const WAIT: &str = "import time; print('on', flush=True); time.sleep(100000)";

const LIVES: [Life; 7] = [
    exec(&["exec", "-c", "1"], 1),
    exec(&["exec", "-c", LOOP], 1),
    exec(&["exec", "-c", WAIT], 1),
    exec(&["exec", "--clone", "-c", LOOP], 1),
    // The program's own thread is in the hands of the tool.
    exec(&["exec", "--thread", "main", "-c", LOOP], 3),
    exec(&["exec", "--thread", "main", "-c", WAIT], 3),
    Life {
        arguments: &["shell"],
        typed: LOOP,
        step: 3,
    },
];

fn main() -> Result<ExitCode> {
    let mut trials = Trials::default();
    for one in supported()? {
        let name = format!("killed at any moment: {one}");
        trials.add(name, &one, killed_at_any_moment);
    }
    Ok(trials.run())
}

fn killed_at_any_moment(interpreter: &Interpreter) -> Result<()> {
    let mut target = Target::start(interpreter, "serving")?;
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let pid = target.pid_text();
    // What the first one loads, such as codecs, a program has loaded by then.
    let code = "import time; print(time.time() > 0)";
    exuvia.run(["exec", &pid, "-c", code])?.expect_success()?;
    let before = ServingAtRest::of(&mut target)?;
    for life in LIVES {
        for moment in (0..MOMENTS).step_by(life.step) {
            let mut tool = life.begin(&exuvia, &pid)?;
            // The moment is what is tested: there is nothing to wait for.
            std::thread::sleep(APART * moment);
            tool.kill()?;
            tool.wait()?;
            before
                .assert_again(&mut target)
                .with_context(|| format!("{:?}, moment {moment}", life.arguments))?;
        }
        if life.says_that_it_runs() {
            let mut tool = life.begin(&exuvia, &pid)?;
            let mut said = String::new();
            BufReader::new(tool.stdout.take().context("no pipe")?).read_line(&mut said)?;
            ensure!(said == "on\n", "{said:?}");
            tool.kill()?;
            tool.wait()?;
            before
                .assert_again(&mut target)
                .with_context(|| format!("{:?}, running", life.arguments))?;
        }
        // What is for the code of the tool does not meet the program's, now or later.
        ensure!(target.ask("work")? == "worked");
    }
    target.assert_alive()
}

impl Life {
    fn begin(&self, exuvia: &Exuvia, pid: &str) -> Result<Child> {
        let [command, rest @ ..] = self.arguments else {
            anyhow::bail!("no command");
        };
        let mut command = exuvia.command([&[*command, pid], rest].concat());
        let mut tool = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = tool.stdin.take().context("no pipe")?;
        stdin.write_all(self.typed.as_bytes())?;
        Ok(tool)
    }

    fn says_that_it_runs(&self) -> bool {
        self.typed.contains("'on'") || self.arguments.iter().any(|text| text.contains("'on'"))
    }
}
