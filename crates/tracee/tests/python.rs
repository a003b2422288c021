//! Finding the interpreter, and telling others from Python.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::Target;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_tracee::{
    Linking, LiveMemory, LocateError, Mappings, Pid, Process, PythonImage, find_symbol,
    list_processes,
};

#[test]
fn the_runtime_and_the_version_are_found() {
    let mut target = Target::start("");
    let process = target.process();
    let mappings = Mappings::read(process.pid()).unwrap();
    let image = PythonImage::locate(&process, &mappings).unwrap();
    let version: u64 = target.eval("sys.hexversion").parse().unwrap();
    let (major, minor) = ((version >> 24) as u8, (version >> 16) as u8);
    assert_eq!(image.version_hint, Some((major, minor)));
    let address: u64 = target
        .eval("ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, '_PyRuntime'))")
        .parse()
        .unwrap();
    assert_eq!(image.runtime, RemoteAddress::new(address));
    if (major, minor) >= (3, 11) {
        let mut word = [0; 8];
        let memory = LiveMemory::open(process.pid(), &mappings);
        memory
            .read_exact(image.py_version.unwrap(), &mut word)
            .unwrap();
        assert_eq!(u64::from_le_bytes(word), version);
    }
    let found = find_symbol(&process, &mappings, "_PyRuntime").unwrap();
    assert_eq!((found.address, found.file), (image.runtime, image.file));
}

#[test]
fn a_stripped_static_interpreter() {
    let program = PathBuf::from("/usr/bin/python3.11");
    if !program.exists() {
        println!("there is no {}: nothing to compare", program.display());
        return;
    }
    with_process(
        Command::new(&program).args(["-c", "input()"]),
        |process, mappings| {
            let image = PythonImage::locate(process, mappings).unwrap();
            assert_eq!((image.linking, image.file), (Linking::Static, program));
            assert_eq!(image.version_hint, Some((3, 11)));
            let begun = std::time::Instant::now();
            PythonImage::locate(process, mappings).unwrap();
            println!("found in {:?}", begun.elapsed());
        },
    );
}

#[test]
fn a_program_that_is_not_python() {
    with_process(Command::new("cat").arg("-"), |process, mappings| {
        let error = PythonImage::locate(process, mappings).unwrap_err();
        assert!(matches!(error, LocateError::NotPython { .. }));
        assert!(
            error.to_string().contains("is not a Python process"),
            "{error}"
        );
    });
}

#[test]
fn the_list_has_python_and_nothing_else() {
    let target = Target::start("");
    with_process(Command::new("cat").arg("-"), |cat, _| {
        let list = list_processes();
        let found = list
            .iter()
            .find(|process| process.pid == target.pid())
            .unwrap();
        assert_eq!(found.attachable, Ok(()));
        assert!(found.resident > 1 << 20);
        assert!(
            found.command.contains("-c import ctypes"),
            "{}",
            found.command
        );
        assert!(list.iter().all(|process| process.pid != cat.pid()));
    });
}

/// Runs a program that waits for its input, once it does.
fn with_process(command: &mut Command, test: impl FnOnce(&Process, &Mappings)) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let pid = Pid(child.id().cast_signed());
        common::wait_until("its read", || {
            let text = std::fs::read_to_string(format!("/proc/{pid}/syscall"));
            // Descriptor 0.
            text.is_ok_and(|text| text.starts_with(&format!("{} 0x0 ", libc::SYS_read)))
        });
        test(&Process::open(pid).unwrap(), &Mappings::read(pid).unwrap());
    }));
    child.kill().unwrap();
    child.wait().unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}
