//! Clients that the service answers while it is examined.

use crate::error::Failure;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// From one request to the next.
const PACE: Duration = Duration::from_millis(2);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest answer that is read.
const MAX_BODY: usize = 1 << 16;

/// A thread that sends one request after the other.
#[derive(Debug)]
pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    /// A word for each answer.
    answers: Receiver<()>,
    thread: Option<JoinHandle<io::Result<Served>>>,
}

/// How a service answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Served {
    /// Requests, each answered.
    pub(crate) requests: u64,
    /// The longest time that an answer took.
    pub(crate) slowest: Duration,
}

impl Clients {
    /// Connects, has one request answered, and goes on with requests until it is stopped.
    pub(crate) fn start(address: SocketAddr) -> Result<Self, Failure> {
        let mut connection = Connection::open(address).map_err(unanswered)?;
        let mut served = Served::default();
        connection.request(&mut served).map_err(unanswered)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (answered, answers) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(PACE);
                connection.request(&mut served)?;
                // Nobody hears it any more when all have been waited for.
                let _ = answered.send(());
            }
            Ok(served)
        });
        Ok(Self {
            stop,
            answers,
            thread: Some(thread),
        })
    }

    /// Waits until so many more requests are answered.
    pub(crate) fn wait_for(&self, requests: usize) -> Result<(), Failure> {
        // Those from before this was asked don't count.
        self.answers.try_iter().for_each(drop);
        match self.answers.iter().take(requests).count() {
            count if count == requests => Ok(()),
            _ => Err(unanswered("the client ended early")),
        }
    }

    /// Stops after the request that is on its way.
    pub(crate) fn stop(mut self) -> Result<Served, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(served)) => served.map_err(unanswered),
            Some(Err(_)) | None => Err(unanswered("the client ended early")),
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// One request and its whole answer.
    fn request(&mut self, served: &mut Served) -> io::Result<()> {
        let start = Instant::now();
        self.send()?;
        self.receive()?;
        served.requests += 1;
        served.slowest = served.slowest.max(start.elapsed());
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.stream.get_mut().write_all(request)
    }

    fn receive(&mut self) -> io::Result<()> {
        let status = self.line()?;
        if !status.contains(" 200 ") {
            return Err(io::Error::other(format!("it answered {}", status.trim())));
        }
        let mut length = 0;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.trim().split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap_or(0),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length.min(MAX_BODY)];
        self.stream.read_exact(&mut body)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }
}

fn unanswered(reason: impl std::fmt::Display) -> Failure {
    Failure::new(format_args!(
        "the demo's service did not answer a request: {reason}"
    ))
}
