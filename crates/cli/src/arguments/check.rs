use super::{Format, FormatArguments, TargetArguments};
use crate::views::units;
use clap::{ArgGroup, Args};
use exuvia_query::{Limitation, Measure};
use std::path::PathBuf;

/// What `check` was given.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("limits")
        .args(["max", "max_size", "max_retained", "max_garbage"])
        .multiple(true)
        .required(true),
    after_help = "\
The exit status is 0 when every limit holds, 3 when one is exceeded, and 1 when nothing could be
checked.

Examples:
  exuvia check 4242 --max 'myapp.Session: 10000' --max-garbage 1MB
  exuvia check 4242 --max-retained 'myapp.Cache: 50MB' --junit memory.xml"
)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// At most so many live objects of a kind, or of a type where no kind of the name has any
    #[arg(long, value_name = "NAME: COUNT", value_parser = count)]
    max: Vec<Limitation>,
    /// At most so many bytes of a kind or type, as `sys.getsizeof` counts them
    #[arg(long, value_name = "NAME: SIZE", value_parser = size)]
    max_size: Vec<Limitation>,
    /// At most so many bytes that would be freed if all objects of a kind or type went
    #[arg(long, value_name = "NAME: SIZE", value_parser = retained)]
    max_retained: Vec<Limitation>,
    /// At most so many bytes of garbage that waits for the collector
    #[arg(long, value_name = "SIZE", value_parser = units::parse_bytes)]
    max_garbage: Option<u64>,
    /// Also write a JUnit file, with a test case for each limit
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArguments,
}

impl CheckArguments {
    /// The limits.
    pub(crate) fn limitations(&self) -> Vec<Limitation> {
        let named = [&self.max, &self.max_size, &self.max_retained];
        let garbage = self.max_garbage.map(|most| Limitation {
            measure: Measure::Garbage,
            name: None,
            most,
        });
        named
            .into_iter()
            .flatten()
            .cloned()
            .chain(garbage)
            .collect()
    }

    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }
}

fn count(text: &str) -> Result<Limitation, String> {
    limitation(text, Measure::Count, |most| {
        let digits: String = most.chars().filter(|c| !matches!(c, '_' | ',')).collect();
        digits
            .parse()
            .map_err(|_| format!("'{most}' is no number of objects"))
    })
}

fn size(text: &str) -> Result<Limitation, String> {
    limitation(text, Measure::Size, units::parse_bytes)
}

fn retained(text: &str) -> Result<Limitation, String> {
    limitation(text, Measure::Retained, units::parse_bytes)
}

fn limitation(
    text: &str,
    measure: Measure,
    most: impl Fn(&str) -> Result<u64, String>,
) -> Result<Limitation, String> {
    // The last colon: a name may have one, a limit can't.
    let (name, limit) = text
        .rsplit_once(':')
        .map(|(name, limit)| (name.trim(), limit.trim()))
        .filter(|(name, _)| !name.is_empty())
        .ok_or("a limit is a name, a colon and a number: 'myapp.Session: 10000'")?;
    Ok(Limitation {
        measure,
        name: Some(name.to_owned()),
        most: most(limit)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_name_and_a_number() {
        let limit = count("myapp.Session: 10_000").unwrap();
        assert_eq!(
            (limit.name.as_deref(), limit.most),
            (Some("myapp.Session"), 10_000)
        );
        let limit = retained("dict of a.B:1.5 MB").unwrap();
        assert_eq!(
            (limit.name.as_deref(), limit.most),
            (Some("dict of a.B"), 1_500_000)
        );
        assert_eq!(limit.measure, Measure::Retained);
        for wrong in ["Session", ": 3", "Session:", "Session: many", "Session: -1"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }
}
