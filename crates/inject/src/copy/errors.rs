use std::fmt;
use std::time::Duration;

use exuvia_tracee::{CloneError, ConfineError, InjectionError};

use crate::attach::AttachError;

/// Why no copy of a process runs code. The process runs on as before.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The interpreter was not found, or runs no code.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// There is no clone.
    #[error("no copy could be made")]
    Clone(#[from] CloneError),
    /// It can't be jailed.
    #[error("the copy can't be jailed, so nothing is run in it")]
    Confine(#[from] ConfineError),
    /// None of them got as far as to run code.
    #[error(
        "no copy ran code within {waited:.1?}, of {} that were made; the last one: {last}",
        made
    )]
    NoneLives {
        /// For how long it was tried.
        waited: Duration,
        /// How many were made.
        made: u32,
        /// What went wrong with the last.
        last: Failure,
    },
    /// No thread was ever fit for it.
    #[error("no moment to make a copy came within {waited:.1?}")]
    NoMoment {
        /// For how long it was tried.
        waited: Duration,
    },
}

impl CopyError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Attach(error) => error.hint(),
            Self::NoneLives {
                last:
                    Failure {
                        cause: Cause::Failed(_),
                        ..
                    },
                ..
            } => Some(
                "where an audit hook of the program refuses it, that holds without --clone as well; \
                 commands that only read work",
            ),
            Self::NoneLives { .. } => Some(
                "a lock may have been held by a thread that is not in the copy; try again, or with \
                 a longer --wait",
            ),
            Self::NoMoment { .. } => Some("try again, or with a longer --wait"),
            Self::Clone(error) => Some(error.hint()),
            Self::Confine(error) => Some(error.hint()),
        }
    }
}

/// What went wrong with a copy that was thrown away.
#[derive(Debug)]
pub struct Failure {
    /// What it was about to do.
    pub step: Step,
    /// What happened.
    pub cause: Cause,
}

/// What a copy does until it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its thread runs on until it looks for pending calls.
    ReachingPython,
    /// It is made an interpreter of its own.
    AfterFork,
    /// Its code begins.
    Greeting,
}

/// What happened to a copy.
#[derive(Debug)]
pub enum Cause {
    /// The time for the step was over, or it crashed.
    Injection(InjectionError),
    /// Nothing could be asked of it: the process was just changing what waits to be called.
    InUse,
    /// It ended, or said nothing in time.
    Silent,
    /// The code failed, and said so.
    Failed(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::ReachingPython => "its thread did not come back to Python code",
            Step::AfterFork => "it could not be made an interpreter of its own",
            Step::Greeting => "its code did not begin",
        };
        match &self.cause {
            Cause::Injection(InjectionError::Interrupted) => write!(f, "{step} in time"),
            Cause::Injection(error) => write!(f, "{step}: {error}"),
            Cause::InUse => f.write_str("its pending calls were just being changed"),
            Cause::Silent => write!(f, "{step} in time"),
            Cause::Failed(failure) => write!(f, "{step}: {failure}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever has asked for a copy has not asked for the live process.
    #[test]
    fn no_error_advises_to_do_it_in_the_live_process() {
        let failure = || Failure {
            step: Step::ReachingPython,
            cause: Cause::InUse,
        };
        let waited = Duration::ZERO;
        let errors = [
            CopyError::Clone(CloneError::Filtered),
            CopyError::Clone(CloneError::Ended),
            CopyError::Clone(CloneError::Monitored),
            CopyError::Confine(ConfineError::Filtered),
            CopyError::Confine(ConfineError::Ended),
            CopyError::NoneLives {
                waited,
                made: 1,
                last: failure(),
            },
            CopyError::NoMoment { waited },
        ];
        for error in errors {
            let hint = error.hint().unwrap();
            assert!(!hint.contains("without --clone"), "{error}: {hint}");
        }
    }

    #[test]
    fn a_copy_that_was_asked_nothing_is_not_said_to_be_late() {
        let failure = |cause| {
            let step = Step::ReachingPython;
            Failure { step, cause }.to_string()
        };
        assert_eq!(
            failure(Cause::InUse),
            "its pending calls were just being changed"
        );
        let late = failure(Cause::Injection(InjectionError::Interrupted));
        assert_eq!(late, "its thread did not come back to Python code in time");
    }
}
