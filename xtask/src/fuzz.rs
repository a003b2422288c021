//! `cargo xtask fuzz`: the fuzz targets of `fuzz/`, under libFuzzer.
//!
//! What libFuzzer needs of the compiler are passes that a stable Rust has; only its sanitizers
//! need a nightly one, and they look for mistakes that safe code can't make.

use crate::cargo;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Coverage of edges, in counters and by comparisons, as `cargo fuzz` asks for it.
const FLAGS: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// No input may take more than this many seconds, nor the program more than these megabytes.
const TIMEOUT: u32 = 20;
const MEMORY: u32 = 2048;

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this target; all otherwise.
    target: Option<String>,
    /// For how long each runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

impl Default for Args {
    /// What `cargo xtask test --long` runs.
    fn default() -> Self {
        Self {
            target: None,
            seconds: 60,
        }
    }
}

/// Builds the targets and runs them one after another.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = cargo::root().join("fuzz");
    let mut programs = build()?;
    if let Some(target) = &args.target {
        programs.retain(|program| program.ends_with(target));
        ensure!(!programs.is_empty(), "there is no fuzz target {target}");
    }
    for program in programs {
        let name = program.file_name().context("a program without a name")?;
        // What is found is kept beside the build, and the corpus stays as it is.
        let found = program.with_extension("corpus");
        fs::create_dir_all(&found)?;
        eprintln!("\n== fuzz {}, {} s", name.display(), args.seconds);
        let mut command = Command::new(&program);
        command
            .arg(format!("-max_total_time={}", args.seconds))
            .arg(format!("-timeout={TIMEOUT}"))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .args([
                "-seed=1",
                "-max_len=1024",
                "-print_funcs=0",
                "-print_final_stats=1",
            ])
            .arg(format!("-artifact_prefix={}-", program.display()))
            .arg(found)
            .arg(folder.join("corpus").join(name));
        let output = command.output()?;
        // What libFuzzer says of its ways is long, and matters only when it finds something.
        let said = String::from_utf8_lossy(&output.stderr);
        let succeeded = output.status.success();
        for line in said.lines().filter(|line| !succeeded || is_figure(line)) {
            eprintln!("{line}");
        }
        let status = output.status;
        ensure!(succeeded, "fuzz target {}: {status}", name.display());
    }
    Ok(())
}

/// Whether the targets compile, with the flags of all other builds, whose crates serve here too,
/// and with the versions of their own `Cargo.lock`.
pub(crate) fn check() -> Result<()> {
    let arguments = ["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"];
    let mut command = cargo::command(arguments);
    command.arg("--target-dir").arg(cargo::target_folder()?);
    cargo::finish(&mut command)
}

/// `stat::number_of_executed_units: 3721507`.
fn is_figure(line: &str) -> bool {
    line.starts_with("stat::")
}

/// The programs of the targets.
fn build() -> Result<Vec<PathBuf>> {
    let mut command = cargo::command(["build", "--release", "--manifest-path", "fuzz/Cargo.toml"]);
    // The flags differ from those of all other builds, which shall not be built again for it.
    let target = cargo::target_folder()?.join("fuzz");
    command.arg("--target-dir").arg(target);
    cargo::executables(command.env("RUSTFLAGS", FLAGS))
}
