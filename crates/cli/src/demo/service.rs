//! The service as a process.

use super::Python;
use crate::error::Failure;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

const SOURCE: &str = include_str!("shop.py");

/// The module's file name, and with it the first part of its classes' names.
const FILE: &str = "shop.py";

/// The running service. It ends when this is dropped, and also when this program dies without
/// dropping anything, since it then reads the end of its stdin.
#[derive(Debug)]
pub(crate) struct Service {
    process: Child,
    address: SocketAddr,
}

impl Service {
    /// The kind of the objects that the service leaks.
    pub(crate) const LEAK: &str = "shop.Session";

    /// Starts the service, and waits until it answers requests.
    pub(crate) fn start(python: &Python) -> Result<Self, Failure> {
        // Needed until the module is imported; what says that it is, is the handshake.
        let directory = tempfile::tempdir().map_err(not_started)?;
        std::fs::write(directory.path().join(FILE), SOURCE).map_err(not_started)?;
        let process = Command::new(&python.program)
            .args(["-c", "import shop; shop.main()"])
            .env("PYTHONPATH", directory.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for exuvia, which then ends the service.
            .process_group(0)
            .spawn()
            .map_err(not_started)?;
        let mut service = Self {
            process,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        let port = service.read_port()?;
        service.address.set_port(port);
        Ok(service)
    }

    /// Waits for the line with the port, which the service prints when it listens.
    fn read_port(&mut self) -> Result<u16, Failure> {
        let mut line = String::new();
        if let Some(stdout) = self.process.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(not_started)?;
        }
        let port = line.trim().parse();
        port.map_err(|_| not_started("it ended before it listened"))
    }

    /// Its PID.
    pub(crate) fn pid(&self) -> Result<i32, Failure> {
        i32::try_from(self.process.id()).map_err(not_started)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Neither fails for a child that was not waited for yet.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn not_started(reason: impl std::fmt::Display) -> Failure {
    Failure::new(format_args!("the demo's service did not start: {reason}"))
}
