use super::ptrace::Tid;

/// What a thread's seccomp filter means for a call that the thread does not make by itself.
///
/// A filter can kill the process for a call, and what it does can't be seen from outside. A
/// target must never die of this tool, so the filter is suspended for the call. That needs
/// `CAP_SYS_ADMIN`, and a tool without a filter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Filter {
    /// There is none.
    None,
    /// It has to be suspended, or no call is made.
    Suspend,
    /// The tool has as many, so both have those of one container and no others, and they have
    /// just let the guardian be forked.
    Shared,
    /// Nothing but read, write and exit.
    Strict,
}

impl Filter {
    pub(crate) fn of(tid: Tid) -> Self {
        let target = Seccomp::of(&tid.to_string());
        match target.mode {
            STRICT => Self::Strict,
            FILTER if target.is_that_of(Seccomp::of("thread-self")) => Self::Shared,
            FILTER => Self::Suspend,
            _ => Self::None,
        }
    }
}

/// `SECCOMP_MODE_STRICT` and `SECCOMP_MODE_FILTER`.
const STRICT: u32 = 1;
const FILTER: u32 = 2;

/// What the kernel tells of a thread's filters.
#[derive(Clone, Copy, Default)]
struct Seccomp {
    /// 0 without filters, and for a kernel without seccomp.
    mode: u32,
    /// How many filters are asked for each call, as Linux tells from 5.9 on.
    filters: Option<u32>,
}

impl Seccomp {
    fn of(task: &str) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{task}/status"));
        status.map_or_else(|_| Self::default(), |status| Self::parse(&status))
    }

    fn parse(status: &str) -> Self {
        let number = |name: &str| {
            let mut lines = status.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.trim().parse().ok())
        };
        Self {
            mode: number("Seccomp").unwrap_or(0),
            filters: number("Seccomp_filters"),
        }
    }

    /// Whether both have the same filters, as far as can be told. A program adds its own to
    /// those of its container and can't remove one, so that a difference shows in the number.
    fn is_that_of(self, tool: Self) -> bool {
        self.mode == tool.mode && self.filters.is_some() && self.filters == tool.filters
    }
}

#[cfg(test)]
mod tests {
    use super::Seccomp;

    fn filtered(filters: &str) -> Seccomp {
        Seccomp::parse(&format!(
            "Name:\tcat\nNoNewPrivs:\t1\nSeccomp:\t2\n{filters}"
        ))
    }

    #[test]
    fn filters_are_the_same_only_where_there_are_as_many() {
        let (one, two, unknown) = (
            filtered("Seccomp_filters:\t1\n"),
            filtered("Seccomp_filters:\t2\n"),
            filtered("Speculation_Store_Bypass:\tvulnerable\n"),
        );
        assert!(one.is_that_of(one));
        assert!(!two.is_that_of(one));
        assert!(!one.is_that_of(two));
        assert!(!unknown.is_that_of(unknown), "before Linux 5.9");
        assert!(!one.is_that_of(Seccomp::parse("Seccomp:\t0\nSeccomp_filters:\t1\n")));
    }
}
