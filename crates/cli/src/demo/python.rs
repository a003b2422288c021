//! A Python to run the service with.

use crate::error::Failure;
use exuvia_cpython::{Flavor, Layout, Version};
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// Names under which a Python may be found: the usual one, and then the newest first.
const NAMES: [&str; 9] = [
    "python3",
    "python3.15",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python3.9",
    "python3.8",
];

/// The variable that names the Python to use instead.
const VARIABLE: &str = "EXUVIA_PYTHON";

/// What an interpreter is asked, to be answered like `cpython 51119088 True`.
const QUESTION: &str = "\
import sys
gil = getattr(sys, '_is_gil_enabled', lambda: True)()
print(sys.implementation.name, sys.hexversion, gil)";

/// An interpreter of this machine that can be examined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Python {
    /// How to start it.
    pub(crate) program: OsString,
    /// Its version: `3.12.4`.
    pub(crate) version: String,
}

impl Python {
    /// `$EXUVIA_PYTHON`, or else the first usable Python on the path.
    pub(crate) fn find() -> Result<Self, Failure> {
        let programs = match std::env::var_os(VARIABLE) {
            Some(program) => vec![program],
            None => NAMES.map(OsString::from).to_vec(),
        };
        let mut found = Vec::new();
        for program in programs {
            match Self::ask(program) {
                Ok(python) => return Ok(python),
                Err(what) => found.push(what),
            }
        }
        let what = found.join(", ");
        Err(
            Failure::new(format_args!("no Python for the demo: {what}")).hint(format!(
                "name one that is supported: {VARIABLE}=/path/to/python3 exuvia demo"
            )),
        )
    }

    fn ask(program: OsString) -> Result<Self, String> {
        let name = program.to_string_lossy().into_owned();
        let answer = Command::new(&program)
            .args(["-c", QUESTION])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => format!("{name} is not there"),
                _ => format!("{name} does not start ({error})"),
            })?;
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        match usable(&answer) {
            Ok(version) => Ok(Self { program, version }),
            Err(what) => Err(format!("{name} {what}")),
        }
    }
}

/// The version that an interpreter answered, or why it can't be examined.
fn usable(answer: &str) -> Result<String, String> {
    let words: Vec<_> = answer.split_whitespace().collect();
    let [implementation, version, gil] = words[..] else {
        return Err("is not a Python 3".to_owned());
    };
    if implementation != "cpython" {
        return Err(format!("is {implementation}, not CPython"));
    }
    let version = version.parse().ok().and_then(Version::from_hex);
    let version = version.ok_or("has an unknown version")?;
    let flavor = match gil {
        "True" => Flavor::Gil,
        _ => Flavor::FreeThreaded,
    };
    match Layout::for_version(version, flavor) {
        Ok(_) => Ok(version.to_string()),
        Err(error) => Err(format!("can't be examined ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_supported_interpreters_are_taken() {
        let answer = format!("cpython {} True\n", 0x030c_04f0);
        assert_eq!(usable(&answer).as_deref(), Ok("3.12.4"));
        let answer = format!("cpython {} True\n", 0x0307_02f0);
        assert!(usable(&answer).unwrap_err().contains("3.7.2"));
        let answer = format!("pypy {} True\n", 0x030b_00f0);
        assert_eq!(usable(&answer).unwrap_err(), "is pypy, not CPython");
        assert_eq!(usable("").unwrap_err(), "is not a Python 3");
    }
}
