//! Running cargo from within a task.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// A cargo that is not started yet, in the root of the workspace.
pub(crate) fn command<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs cargo, and says so on stderr.
pub(crate) fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    finish(&mut command(arguments))
}

/// Runs a prepared command, and says so on stderr.
pub(crate) fn finish(command: &mut Command) -> Result<()> {
    let words = command.get_args().map(|word| word.to_string_lossy());
    let line = words.collect::<Vec<_>>().join(" ");
    eprintln!("\n== cargo {line}");
    let status = command.status().with_context(|| line.clone())?;
    ensure!(status.success(), "cargo {line}: {status}");
    Ok(())
}

/// Whether a subcommand such as `nextest` is installed.
pub(crate) fn has(subcommand: &str) -> bool {
    let mut command = command([subcommand, "--version"]);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// A line of `--message-format json`.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Where builds go.
pub(crate) fn target_folder() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let output = command(["metadata", "--no-deps", "--format-version=1"]).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", output.status);
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.target_directory)
}

/// Runs a build, and gives the program files that it makes.
pub(crate) fn executables(build: &mut Command) -> Result<Vec<PathBuf>> {
    build.arg("--message-format=json-render-diagnostics");
    let output = build.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{build:?}: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    Ok(messages.filter_map(|message| message.executable).collect())
}

/// Builds an example of a crate for release and gives its program file.
pub(crate) fn build_example(package: &str, example: &str) -> Result<PathBuf> {
    let arguments = [
        "build",
        "--package",
        package,
        "--example",
        example,
        "--release",
    ];
    let executables = executables(&mut command(arguments))?;
    let executable = executables.into_iter().next_back();
    executable.context("cargo named no program file")
}

/// Builds the tool and gives its program file.
pub(crate) fn build_exuvia(profile: &str) -> Result<PathBuf> {
    let arguments = ["build", "--package", "exuvia", "--profile", profile];
    let executables = executables(&mut command(arguments))?;
    let executable = executables.into_iter().next_back();
    executable.context("cargo named no program file")
}
