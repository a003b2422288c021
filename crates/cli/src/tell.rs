//! Lines for the user on stderr.

/// A line on stderr, as `anstream::eprintln!`, which panics when it can't be written: a terminal that
/// is gone, or a disk that is full, must not decide how the program ends.
macro_rules! tell {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        // Nobody is left to be told of it.
        let _ = writeln!(anstream::stderr(), $($argument)*);
    }};
}
