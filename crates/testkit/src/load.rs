use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// After this a request counts as not answered: far more than anything may take.
const UNANSWERED: Duration = Duration::from_secs(120);

/// The longest body that is asked for.
const LONGEST: u64 = 3000;

/// Clients of the program `injected server`, each with a connection of its own and one request after
/// the other. They check every byte of every answer.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Result<Duration>>>,
}

/// What the clients of a [`Load`] saw.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// Requests, each answered and right.
    pub answered: u64,
    /// The longest time that an answer took.
    pub slowest: Duration,
}

impl Load {
    /// Connects so many clients to a port of this machine, and lets them ask.
    pub fn start(port: u16, clients: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let clients = (0..clients as u64).map(|client| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            thread::spawn(move || ask_until(port, client, &stop, &answered))
        });
        Self {
            clients: clients.collect(),
            stop,
            answered,
        }
    }

    /// How many requests were answered so far.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more requests were answered.
    pub fn wait_for(&self, more: u64) -> Result<()> {
        let wanted = self.answered() + more;
        let begun = Instant::now();
        while self.answered() < wanted {
            ensure!(
                begun.elapsed() < UNANSWERED && !self.clients.iter().any(JoinHandle::is_finished),
                "the clients are not served: {} of {wanted} answers",
                self.answered()
            );
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Ends the clients; an error when one of them had no answer or a wrong one.
    pub fn stop(mut self) -> Result<Served> {
        self.stop.store(true, Ordering::Relaxed);
        let mut slowest = Duration::ZERO;
        for client in std::mem::take(&mut self.clients) {
            let longest = client
                .join()
                .map_err(|_| anyhow::anyhow!("a client panicked"))?
                .context("a client of the process")?;
            slowest = slowest.max(longest);
        }
        Ok(Served {
            answered: self.answered(),
            slowest,
        })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Nobody waits for them here: they end after the request that they are in.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Asks over one connection. Returns the longest time for an answer.
fn ask_until(port: u16, client: u64, stop: &AtomicBool, answered: &AtomicU64) -> Result<Duration> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(UNANSWERED))?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut longest = Duration::ZERO;
    let mut seed = client * 1_000_003;
    // Once at least: the process would notice a connection without a request later, when nobody waits for it.
    loop {
        seed += 1;
        let length = seed * 17 % LONGEST;
        let asked = Instant::now();
        write!(
            stream,
            "GET /{seed}/{length} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )?;
        let body = read_answer(&mut answers)?;
        longest = longest.max(asked.elapsed());
        let wanted = (0..length).map(|at| (seed * 31 + at * 7) as u8);
        ensure!(
            body.iter().copied().eq(wanted),
            "the answer to {seed} is not what was asked for: {:?}",
            String::from_utf8_lossy(&body)
        );
        answered.fetch_add(1, Ordering::Relaxed);
        if stop.load(Ordering::Relaxed) {
            return Ok(longest);
        }
    }
}

fn read_answer(answers: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut length = None;
    let mut line = String::new();
    answers.read_line(&mut line)?;
    ensure!(line == "HTTP/1.1 200 OK\r\n", "the status is {line:?}");
    loop {
        line.clear();
        let read = answers.read_line(&mut line)?;
        ensure!(read > 0, "the connection was closed");
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("Content-Length: ") {
            length = Some(value.parse()?);
        }
    }
    let mut body = vec![0; length.context("no length")?];
    answers.read_exact(&mut body)?;
    Ok(body)
}
