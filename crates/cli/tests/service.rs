//! Processes under load, and processes of unusual shape.

use anyhow::{Context, Result, ensure};
use exuvia_snapshot::Snapshot;
use exuvia_testkit::{Exuvia, Fingerprint, Interpreter, Launch, Target, newest, supported};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a service is dumped in a row.
const DUMPS: usize = 200;

/// How many clients ask at the same time.
const CLIENTS: usize = 2;

/// After this a request counts as not answered: far more than a dump may take.
const UNANSWERED: Duration = Duration::from_secs(60);

#[test]
fn a_service_answers_through_200_dumps() -> Result<()> {
    let interpreter = newest()?;
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let folder = tempfile::tempdir()?;
    let mut target = Target::start(&interpreter, "service")?;
    let port = target.greeting()["port"].as_u64().context("no port")?;
    let port = u16::try_from(port)?;

    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<JoinHandle<Result<Load>>> = (0..CLIENTS)
        .map(|client| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || ask_until(port, client, &stop))
        })
        .collect();
    let dumped = dump_in_a_row(&exuvia, &target, folder.path());
    stop.store(true, Ordering::Relaxed);

    let mut answered = 0;
    let mut longest = Duration::ZERO;
    for client in clients {
        let load = client
            .join()
            .map_err(|_| anyhow::anyhow!("a client panicked"))??;
        answered += load.answered;
        longest = longest.max(load.longest);
    }
    let frozen = dumped?;
    // Every request that was answered is counted, and no other.
    assert_eq!(target.ask("visits")?, answered);
    assert!(answered >= DUMPS, "{answered} requests are no load");
    println!(
        "{interpreter}: {DUMPS} dumps, {answered} requests, all answered; \
         longest wait for an answer {longest:.1?}, longest freeze {frozen:.1?}"
    );
    Ok(())
}

/// What a client saw.
#[derive(Debug, Default)]
struct Load {
    answered: usize,
    longest: Duration,
}

/// Asks over one connection, one request after the other.
fn ask_until(port: u16, client: usize, stop: &AtomicBool) -> Result<Load> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(UNANSWERED))?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut load = Load::default();
    while !stop.load(Ordering::Relaxed) {
        let path = format!("/client/{client}/{}", load.answered);
        let asked = Instant::now();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let body = read_answer(&mut answers)?;
        load.longest = load.longest.max(asked.elapsed());
        ensure!(body == format!("you asked for {path}"), "got {body:?}");
        load.answered += 1;
    }
    Ok(load)
}

fn read_answer(answers: &mut BufReader<TcpStream>) -> Result<String> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        ensure!(
            answers.read_line(&mut line)? > 0,
            "the connection was closed"
        );
        let header = line.trim_end();
        if let Some(value) = header.strip_prefix("Content-Length: ") {
            length = value.parse()?;
        }
        if header.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    answers.read_exact(&mut body)?;
    Ok(String::from_utf8(body)?)
}

/// Dumps again and again; the longest freeze.
fn dump_in_a_row(exuvia: &Exuvia, target: &Target, folder: &Path) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for round in 0..DUMPS {
        let path = folder.join("service.exuvia");
        exuvia
            .dump(target.pid(), &path)
            .with_context(|| format!("dump {round}"))?;
        let snapshot = exuvia_snapshot::open(&path)?;
        longest = longest.max(Duration::from_secs_f64(snapshot.metadata.capture.frozen));
        std::fs::remove_dir_all(&path)?;
    }
    Ok(longest)
}

#[test]
fn sixty_four_threads() -> Result<()> {
    dump_shape("threads", |snapshot, _| {
        let frames = snapshot.frames.iter();
        let running = frames.filter(|frame| frame.function.ends_with("run"));
        // `Thread.run` and the function that it calls.
        assert_eq!(running.count(), 2 * 64);
    })
}

#[test]
fn deep_recursion() -> Result<()> {
    dump_shape("recursion", |snapshot, greeting| {
        let frames = snapshot.frames.iter();
        let descending = frames.filter(|frame| frame.function.ends_with("descend"));
        assert_eq!(greeting["markers"], descending.count());
    })
}

#[test]
fn allocating_and_collecting_all_the_time() -> Result<()> {
    dump_shape("churn", |_, _| {})
}

#[test]
fn only_calls_of_c() -> Result<()> {
    dump_shape("native", |_, _| {})
}

#[test]
fn a_linked_list_of_a_million_nodes() -> Result<()> {
    dump_shape("linked", |_, _| {})
}

/// Dumps a program of `shapes`, in every interpreter, and counts what it says it holds.
fn dump_shape(shape: &str, check: impl Fn(&Snapshot, &Value)) -> Result<()> {
    for interpreter in supported()? {
        dump_one(&interpreter, shape, &check).with_context(|| interpreter.to_string())?;
    }
    Ok(())
}

fn dump_one(
    interpreter: &Interpreter,
    shape: &str,
    check: &impl Fn(&Snapshot, &Value),
) -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shape.exuvia");
    let mut target = Launch::new(interpreter, "shapes")?.arg(shape).start()?;
    let before = Fingerprint::of(target.pid())?;
    exuvia.dump(target.pid(), &path)?;
    before.assert_unchanged(target.pid())?;
    target.assert_alive()?;

    let snapshot = exuvia_snapshot::open(&path)?;
    let greeting = target.greeting();
    let is_marker = |id: &exuvia_snapshot::ObjectId| snapshot.type_of(*id).name == "Marker";
    let markers = snapshot.objects.ids().filter(is_marker).count();
    assert_eq!(greeting["markers"], markers);
    assert_eq!(greeting["threads"], snapshot.threads.len());
    check(&snapshot, greeting);
    assert_table(&exuvia, &path, markers)
}

/// What a user reads: every marker is reachable, so all of them are in the table.
fn assert_table(exuvia: &Exuvia, path: &Path, markers: usize) -> Result<()> {
    let arguments = ["heap".as_ref(), path.as_os_str(), "--all".as_ref()];
    let outcome = exuvia.run(arguments)?;
    outcome.expect_success()?;
    let mut rows = outcome.stdout.lines();
    let row = rows.find(|row| row.ends_with(" __main__.Marker"));
    let row = row.context("no row for the markers")?;
    let count = row.split_whitespace().nth(1).context("no count")?;
    assert_eq!(count.parse::<usize>()?, markers, "{row}");
    Ok(())
}
