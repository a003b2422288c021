//! What a user can do about an error of a session.

use exuvia_inject::SessionError;
use exuvia_inject::attach::AttachError;
use exuvia_inject::copy::CopyError;
use exuvia_tracee::ConfineError;
use std::error::Error;

/// What to do about it; none where what is behind it has none.
pub(super) fn hint(error: &SessionError) -> Option<&'static str> {
    Some(match error {
        SessionError::Lost => "it has ended, or the code ended its thread or closed the descriptor",
        SessionError::Ended(_) => {
            "a copy ends with its process, by what runs in it, and at its bounds: --memory, --time"
        }
        SessionError::Silent => {
            "its thread gets no turn, as where C code holds the interpreter lock: try again, or with \
             a longer --wait; it ends by itself"
        }
        SessionError::Refused(_) => {
            "`exuvia exec PID @modules` shows what --module can name, `exuvia threads PID` what --frame \
             can; a folder of --with-path has to be one that the process may read"
        }
        SessionError::Protocol(_) => {
            "something in the process has written to the descriptor of the connection: try again, or \
             with --clone"
        }
        SessionError::Connection(_) => {
            "the process goes on, and the code in it has been told to end: try again"
        }
        SessionError::Keep(source) => return cause(source.as_ref(), "try again"),
        SessionError::Interrupt(source) => {
            return cause(
                source.as_ref(),
                "the code is interrupted as soon as that is possible",
            );
        }
        SessionError::Output(_) => "look for room on the disk, or for who reads the output",
        SessionError::StillRuns => "wait longer with --wait, or end the copy: `kill COPY`",
        SessionError::Left => {
            "its interpreter lock may be held for long: `exuvia threads PID` shows what it does"
        }
    })
}

/// What to do about what a way in says.
fn cause(
    error: &(dyn Error + Send + Sync + 'static),
    otherwise: &'static str,
) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<AttachError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<CopyError>() {
        return error.hint();
    }
    let confined = error.downcast_ref::<ConfineError>();
    Some(confined.map_or(otherwise, ConfineError::hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_inject::ProtocolError;
    use exuvia_tracee::InjectionError;
    use std::io::ErrorKind;

    #[test]
    fn every_error_says_what_to_do() {
        let io = || ErrorKind::Other.into();
        let all = [
            SessionError::Lost,
            SessionError::Ended(String::new()),
            SessionError::Silent,
            SessionError::Refused(String::new()),
            SessionError::Protocol(ProtocolError::Unexpected(0)),
            SessionError::Connection(io()),
            SessionError::Keep("only a copy can be kept".into()),
            SessionError::Interrupt("it is not there".into()),
            SessionError::Output(io()),
            SessionError::StillRuns,
            SessionError::Left,
        ];
        for error in all {
            assert!(hint(&error).is_some(), "{error}");
        }
    }

    #[test]
    fn what_a_way_in_says_is_passed_on() {
        let failure = InjectionError::Refused;
        let expected = Some(failure.hint());
        let interrupt = SessionError::Interrupt(Box::new(AttachError::from(failure)));
        assert_eq!(hint(&interrupt), expected);
        let in_copy = AttachError::from(InjectionError::Refused);
        let interrupt = SessionError::Interrupt(Box::new(CopyError::from(in_copy)));
        assert_eq!(hint(&interrupt), expected);
        let keep = SessionError::Keep(Box::new(ConfineError::NoGuardian));
        assert_eq!(hint(&keep), Some(ConfineError::NoGuardian.hint()));
    }
}
