//! What a thread that waits in a system call is made to call.

use exuvia_tracee::{Argument, Routine, StepId};

use super::symbols::Symbols;

/// `Py_file_input`, what a text is compiled as, from `Include/compile.h`.
const FILE_INPUT: u64 = 257;
/// The name that the text has in tracebacks.
const FILE_NAME: &[u8] = b"<exuvia>";

impl Symbols {
    /// Runs a text in a namespace of its own, with the interpreter's lock, in a thread that
    /// does not hold it. What the text raises is dropped; the routine fails then, as it does when
    /// the text can't be compiled.
    ///
    /// `PyRun_SimpleString` would do most of it in one call; but it runs in `__main__`, and
    /// prints what is raised.
    pub fn run(&self, text: &str) -> Routine {
        let mut routine = Routine::new();
        let lock = routine.call(self.gil_state_ensure, &[]);
        let namespace = self.namespace(&mut routine);
        let code = self.compile(&mut routine, text);
        let result = self.evaluate(&mut routine, code, Argument::Result(namespace));
        routine.require(result);
        routine.call(self.err_clear, &[]);
        // It does nothing when it is given null.
        for reference in [result, code, namespace] {
            routine.call(self.dec_ref, &[Argument::Result(reference)]);
        }
        routine.call(self.gil_state_release, &[Argument::Result(lock)]);
        routine
    }

    /// What makes an interpreter of a copy of the process: the thread that was copied is the
    /// only one from then on, and has the lock. `before` is run while the interpreter still
    /// knows of the other threads, and `text` is last, in the same namespace; nothing comes
    /// after it.
    pub fn run_in_copy(&self, before: &str, text: &str, has_lock: bool) -> Routine {
        let mut routine = Routine::new();
        if !has_lock {
            routine.call(self.gil_state_ensure, &[]);
        }
        let namespace = Argument::Result(self.namespace(&mut routine));
        let code = self.compile(&mut routine, before);
        let result = self.evaluate(&mut routine, code, namespace);
        routine.call(self.err_clear, &[]);
        for reference in [result, code] {
            routine.call(self.dec_ref, &[Argument::Result(reference)]);
        }
        // Takes the lock of imports, which the next one expects to be taken.
        routine.call(self.before_fork, &[]);
        routine.call(self.after_fork_child, &[]);
        let code = self.compile(&mut routine, text);
        self.evaluate(&mut routine, code, namespace);
        routine
    }

    /// A dictionary for code to run in.
    fn namespace(&self, routine: &mut Routine) -> StepId {
        let builtins_name = routine.text(b"__builtins__");
        let namespace = routine.call(self.dict_new, &[]);
        // A borrowed reference.
        let builtins = routine.call(self.get_builtins, &[]);
        routine.call_if(
            namespace,
            self.dict_set_item_string,
            &[
                Argument::Result(namespace),
                Argument::Data(builtins_name),
                Argument::Result(builtins),
            ],
        );
        namespace
    }

    fn compile(&self, routine: &mut Routine, text: &str) -> StepId {
        let text = routine.text(text.as_bytes());
        let file_name = routine.text(FILE_NAME);
        routine.call(
            self.compile_string,
            &[
                Argument::Data(text),
                Argument::Data(file_name),
                Argument::Word(FILE_INPUT),
            ],
        )
    }

    fn evaluate(&self, routine: &mut Routine, code: StepId, namespace: Argument) -> StepId {
        let arguments = [Argument::Result(code), namespace, namespace];
        routine.call_if(code, self.eval_code, &arguments)
    }
}
