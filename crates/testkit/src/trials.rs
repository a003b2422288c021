use crate::Interpreter;
use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// What is tested with an interpreter.
pub type Check = fn(&Interpreter) -> Result<()>;

/// The tests of a program that has one for each interpreter that is found, and so no harness of the
/// compiler's.
#[derive(Debug, Default)]
pub struct Trials(Vec<Trial>);

impl Trials {
    /// One more.
    pub fn add(
        &mut self,
        name: String,
        interpreter: &Interpreter,
        check: impl FnOnce(&Interpreter) -> Result<()> + Send + 'static,
    ) {
        let interpreter = interpreter.clone();
        self.0.push(Trial::test(name, move || {
            check(&interpreter).map_err(|error| Failed::from(format!("{error:#}")))
        }));
    }

    /// Runs those that the program's arguments ask for.
    pub fn run(self) -> ExitCode {
        libtest_mimic::run(&Arguments::from_args(), self.0).exit_code()
    }
}
