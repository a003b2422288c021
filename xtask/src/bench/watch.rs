use super::criteria::{Criterion, watched_outside, watched_ticks};
use super::environment::Environment;
use super::figures::seconds;
use super::service::{Mix, Service};
use super::sizes::Size;
use super::tool::Tool;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const OBJECTS: Size = Size::MILLION;
/// How often `watch` looks, and how many times.
const EVERY: &str = "2s";
const LOOKS: usize = 10;
/// For how long the service is asked without it.
const ALONE: Duration = Duration::from_secs(20);

/// A line of `exuvia watch --json`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line {
    Look {
        time: f64,
        frozen: f64,
        elapsed: f64,
    },
    Summary {},
}

/// A request: when it was sent, and how long the answer took; seconds.
#[derive(Debug, Clone, Copy)]
struct Request {
    sent: f64,
    took: f64,
}

/// From when to when a process stood still at most.
#[derive(Debug, Clone, Copy)]
struct Tick {
    begin: f64,
    end: f64,
    frozen: f64,
}

/// Asks a service without a pause, first alone and then while `exuvia watch` looks at it.
pub(super) fn measure(environment: &Environment, tool: &Tool) -> Result<[Criterion; 2]> {
    eprintln!("\n== a service of {OBJECTS} objects under load, watched every {EVERY}");
    let mix = Mix::measure(environment, tool)?;
    let mut service = Service::start(environment, mix.customers_for(OBJECTS))?;
    let fork: f64 = service.ask("fork")?;
    let begun = Instant::now();
    let alone = requests(&mut service, || Ok(begun.elapsed() >= ALONE))?;
    let (watched, ticks) = watched(tool, &mut service)?;
    ensure!(ticks.len() == LOOKS, "{} looks", ticks.len());
    let fork = fork.max(service.ask("fork")?);

    let overlaps = |request: &Request, tick: &Tick| {
        request.sent <= tick.end && request.sent + request.took >= tick.begin
    };
    let (within, outside): (Vec<Request>, Vec<Request>) = watched
        .iter()
        .partition(|request| ticks.iter().any(|tick| overlaps(request, tick)));
    let usual = percentile(&alone, 0.5)?;
    let [before, all, outside] = [&alone, &watched, &outside]
        .map(|requests| percentile(requests, 0.99))
        .into_iter()
        .collect::<Result<Vec<_>>>()?
        .try_into()
        .map_err(|_| anyhow::anyhow!("three percentiles"))?;
    let longest = within
        .iter()
        .map(|request| request.took)
        .fold(0.0, f64::max);
    // Of the requests of each look, what the slowest hundredth waited longer than usual.
    let mut added = 0.0_f64;
    for tick in &ticks {
        let of_tick: Vec<Request> = within
            .iter()
            .copied()
            .filter(|request| overlaps(request, tick))
            .collect();
        added = added.max(percentile(&of_tick, 0.99)? - usual);
    }
    let frozen = ticks.iter().map(|tick| tick.frozen).fold(0.0, f64::max);
    eprintln!(
        "{} requests alone, p99 {}; {} watched, p99 {}, outside of ticks {}; \
         in ticks {} more (99 of 100, the worst tick), the slowest of all took {}; stood still for \
         {} at most; os.fork() {}",
        alone.len(),
        seconds(before),
        watched.len(),
        seconds(all),
        seconds(outside),
        seconds(added),
        seconds(longest),
        seconds(frozen),
        seconds(fork),
    );
    Ok([
        watched_ticks(OBJECTS, added.max(frozen), longest, fork),
        watched_outside(OBJECTS, outside, before),
    ])
}

/// Asks until `is_over` says so.
fn requests(
    service: &mut Service,
    mut is_over: impl FnMut() -> Result<bool>,
) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    while !is_over()? {
        let sent = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        let asked = Instant::now();
        let _: u64 = service.ask("work")?;
        requests.push(Request {
            sent,
            took: asked.elapsed().as_secs_f64(),
        });
    }
    Ok(requests)
}

fn watched(tool: &Tool, service: &mut Service) -> Result<(Vec<Request>, Vec<Tick>)> {
    let pid = service.pid().to_string();
    let count = LOOKS.to_string();
    let mut watch = Command::new(tool.program())
        .args(["watch", &pid, "--every", EVERY, "--count", &count, "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = watch.stdout.take().context("no pipe")?;
    // Read on a thread of its own, so that nothing of it is in the time of a request.
    let lines = std::thread::spawn(move || -> Result<Vec<Tick>> {
        let mut ticks = Vec::new();
        for line in BufReader::new(stdout).lines() {
            if let Line::Look {
                time,
                frozen,
                elapsed,
            } = serde_json::from_str(&line?)?
            {
                // The time is that of the finished capture. What comes first in it is the
                // freeze; the clone is reaped in its last moment, for which the process stands
                // still once more.
                let begin = time - elapsed;
                ticks.push(Tick {
                    begin,
                    end: time,
                    frozen,
                });
            }
        }
        Ok(ticks)
    });
    let asked = requests(service, || Ok(watch.try_wait()?.is_some()));
    if asked.is_err() {
        // The service is gone, and there is nothing left to watch.
        let _ = watch.kill();
    }
    ensure!(watch.wait()?.success(), "exuvia watch failed");
    let ticks = lines
        .join()
        .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    Ok((asked?, ticks))
}

/// The latency below which a part of the requests stays.
fn percentile(requests: &[Request], part: f64) -> Result<f64> {
    let mut took: Vec<f64> = requests.iter().map(|request| request.took).collect();
    took.sort_by(f64::total_cmp);
    let index = (took.len() as f64 * part) as usize;
    took.get(index.min(took.len().saturating_sub(1)))
        .copied()
        .context("no requests")
}
