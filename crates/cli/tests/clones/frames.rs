use crate::{start, type_into_copy};
use anyhow::{Result, ensure};
use exuvia_testkit::Interpreter;

/// The threads of the process are not in the copy, but the variables of their frames are.
pub(crate) fn another_threads_frame(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "shop")?;
    // How many calls of the standard library wait below it differs from version to version.
    let mut seen = Vec::new();
    for number in 0..4 {
        let frame = format!("shepherd:{number}");
        let ran = type_into_copy(&target, &["--frame", &frame], "print(secret, counted)")?;
        if ran.status.success() {
            seen.push(ran.stdout);
        } else {
            let is_missing = ran
                .stderr
                .ends_with("NameError: name 'secret' is not defined\n");
            ensure!(is_missing, "{}", ran.stderr);
        }
    }
    ensure!(seen == ["of the dog 20000\n"], "{seen:?}");
    let ran = type_into_copy(&target, &["--frame", "nobody:0"], "1")?;
    let why = "error: no thread has the name or number 'nobody'; there are ";
    ensure!(ran.stderr.starts_with(why), "{}", ran.stderr);
    ensure!(ran.stderr.contains("'shepherd'"), "{}", ran.stderr);
    target.assert_alive()
}
