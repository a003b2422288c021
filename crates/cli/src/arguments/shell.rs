use super::InsideArguments;
use clap::Args;
use exuvia_inject::Namespace;

/// What `shell` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Ctrl-C interrupts the code that runs, not the process. Ctrl-D or exit() detaches. `await` runs on
the event loop of the process, if one runs. What is printed comes here; what other threads print
stays where it belongs. When stdin or stdout is no terminal (as in `shell 4242 | tee log`), the
statements on stdin are run without a prompt, after its end, up to the first that raises, which makes
the exit status 1.

Examples:
  exuvia shell 4242
  exuvia shell 4242 --clone                  in a copy: nothing typed there hurts the process
  exuvia shell 4242 --module shop.cache      with the names of a module
  exuvia shell 4242 --frame MainThread:2     with the variables of a frame
  echo 'print(len(cache))' | exuvia shell 4242")]
pub(crate) struct ShellArguments {
    /// A PID
    pub(crate) target: i32,
    /// Look names up in this module, not in __main__
    #[arg(long, value_name = "NAME", conflicts_with = "frame")]
    module: Option<String>,
    /// Look names up in a frame: a thread by name, ident or native id, and the number of calls
    /// outside of the innermost
    #[arg(long, value_name = "THREAD:N", value_parser = frame)]
    frame: Option<Namespace>,
    #[command(flatten)]
    pub(crate) inside: InsideArguments,
}

impl ShellArguments {
    /// Where names are looked up.
    pub(crate) fn namespace(&self) -> Namespace {
        match (&self.frame, &self.module) {
            (Some(frame), _) => frame.clone(),
            (None, Some(module)) => Namespace::Module(module.clone()),
            (None, None) => Namespace::default(),
        }
    }
}

/// `MainThread:2`; the innermost frame without a number.
fn frame(text: &str) -> Result<Namespace, String> {
    let (thread, number) = match text.rsplit_once(':') {
        Some((thread, number)) => {
            let number = number.parse();
            (thread, number.map_err(|_| "N must be a number".to_owned())?)
        }
        None => (text, 0),
    };
    if thread.is_empty() {
        return Err("a thread's name, ident or native id is missing".to_owned());
    }
    Ok(Namespace::Frame {
        thread: thread.to_owned(),
        number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_threads_may_have_colons() {
        let found = |thread: &str, number| Namespace::Frame {
            thread: thread.to_owned(),
            number,
        };
        assert_eq!(frame("MainThread:2"), Ok(found("MainThread", 2)));
        assert_eq!(frame("pool:worker:0"), Ok(found("pool:worker", 0)));
        assert_eq!(frame("4242"), Ok(found("4242", 0)));
        assert!(frame("MainThread:x").is_err());
        assert!(frame(":1").is_err());
    }
}
