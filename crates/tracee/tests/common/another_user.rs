//! What another user's tool says.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Runs a test of this program as another user, with a variable in its environment; gives what it
/// printed.
pub fn run(test: &str, (variable, value): (&str, &str)) -> String {
    // The folder of the build may be closed to others.
    let directory = tempfile::tempdir().unwrap();
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), everybody).unwrap();
    let program = directory.path().join("tool");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .env(variable, value)
        .uid(54321)
        .gid(54321)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
