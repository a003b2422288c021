//! Code that is run again and again in processes at work, and in copies of them: each result is
//! right, no client of the process notices, and nothing stays. `cargo xtask bench --only endurance`
//! does the same hundreds of times.

use anyhow::{Result, ensure};
use exuvia_testkit::{Check, Exuvia, Interpreter, Launch, LoadedServer, Trials, Wreck, supported};
use serde_json::Value;
use std::process::ExitCode;

const EXECS: u64 = 25;
/// Before the first look: caches are filled once.
const WARM_EXECS: u64 = 3;
const WARM_REQUESTS: u64 = 50;
/// Threads beside those of the server.
const THREADS: usize = 32;
/// How many bytes may be there more for each, in one half of them: what is sent alone has 58,000, and
/// each would keep it. Tables of the interpreter that become larger do so in one half, by hundreds of
/// thousands; its caches fill by up to 3,700 for each of the first dozens on 3.13, and no more later.
const BYTES: i64 = 10_000;
/// CPython 3.13 without the GIL never frees the constants of any text that is run.
const BYTES_KEPT: i64 = 10_000;

/// For how many seconds C keeps the interpreter's lock in one call. It does so several times before code has run.
const HELD: &str = "1";

fn main() -> Result<ExitCode> {
    let tests: [(&str, Check); 3] = [
        ("a server under load", nothing_stays_in_a_server),
        ("wrecked copies", a_server_does_not_notice),
        ("a lock that is held", gets_in_when_it_can),
    ];
    let mut trials = Trials::default();
    for one in supported()? {
        for (name, test) in tests {
            trials.add(format!("{name}: {one}"), &one, test);
        }
    }
    Ok(trials.run())
}

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

fn nothing_stays_in_a_server(interpreter: &Interpreter) -> Result<()> {
    let mut server = LoadedServer::start(interpreter, THREADS)?;
    server.traced()?;
    let load = server.load();
    load.wait_for(WARM_REQUESTS)?;
    for number in 0..WARM_EXECS {
        multiply(server.pid(), number)?;
    }
    load.stop()?;
    let before = server.at_rest()?;
    let mut traced = vec![server.traced()?];
    for half in [0..EXECS / 2, EXECS / 2..EXECS] {
        let load = server.load();
        for number in half {
            multiply(server.pid(), number)?;
            // Work goes on between one and the next.
            load.wait_for(1)?;
        }
        load.stop()?;
        traced.push(server.traced()?);
    }
    assert_eq!(before.differences(&server.at_rest()?), [""; 0]);
    let bytes = match interpreter.free_threaded {
        true => BYTES + BYTES_KEPT,
        false => BYTES,
    };
    let most = (EXECS / 2).cast_signed() * bytes;
    let leaks = traced.windows(2).all(|half| half[1] - half[0] > most);
    ensure!(!leaks, "more than {most} bytes in each half: {traced:?}");
    Ok(())
}

fn a_server_does_not_notice(interpreter: &Interpreter) -> Result<()> {
    let mut server = LoadedServer::start(interpreter, THREADS)?;
    let load = server.load();
    load.wait_for(WARM_REQUESTS)?;
    load.stop()?;
    let before = server.at_rest()?;
    let load = server.load();
    for wreck in Wreck::ALL {
        load.wait_for(WARM_REQUESTS)?;
        wreck
            .run(&exuvia(), server.pid(), interpreter.free_threaded)
            .map_err(|error| error.context(format!("{wreck:?}")))?;
    }
    load.stop()?;
    assert_eq!(before.differences(&server.at_rest()?), [""; 0]);
    Ok(())
}

fn gets_in_when_it_can(interpreter: &Interpreter) -> Result<()> {
    let launch = Launch::new(interpreter, "injected")?.arg("holder");
    let mut target = launch.arg(HELD).start()?;
    for number in 0..2 {
        multiply(target.pid(), number)?;
    }
    target.assert_alive()
}

/// Runs code that makes objects, each time another one.
fn multiply(pid: u32, number: u64) -> Result<()> {
    let code = format!("print(len([str(i) for i in range({number})]), {number} * 7)");
    let outcome = exuvia().run(["exec", &pid.to_string(), "-c", &code, "--json"])?;
    outcome.expect_success()?;
    let document: Value = serde_json::from_str(&outcome.stdout)?;
    ensure!(
        document["stdout"] == format!("{number} {}\n", number * 7),
        "{document}"
    );
    Ok(())
}
