use anyhow::{Result, ensure};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How far the number of objects may be from the one that was asked for.
const TOLERANCE: f64 = 0.05;

/// A number of objects: `100k`, `5m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(u64);

impl Size {
    /// A million.
    pub(super) const MILLION: Self = Self(1_000_000);

    /// So many millions.
    pub(super) fn millions(millions: u64) -> Self {
        Self(millions * 1_000_000)
    }

    /// The number.
    pub(super) fn objects(self) -> u64 {
        self.0
    }

    /// An error when the service came out with too many or too few objects.
    pub(super) fn check(self, counted: u64) -> Result<()> {
        let difference = counted.abs_diff(self.0) as f64 / self.0 as f64;
        ensure!(
            difference <= TOLERANCE,
            "the service has {counted} objects, more than 5% off {self}"
        );
        Ok(())
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (digits, unit) = if let Some(digits) = lower.strip_suffix('k') {
            (digits, 1_000)
        } else if let Some(digits) = lower.strip_suffix('m') {
            (digits, 1_000_000)
        } else {
            (lower.as_str(), 1)
        };
        let number: Option<u64> = digits.parse().ok();
        let size = number.and_then(|number| number.checked_mul(unit));
        // The interpreter alone has tens of thousands.
        size.filter(|size| *size >= 100_000)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no number of objects from 100k on"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            size if size.is_multiple_of(1_000_000) => write!(f, "{}M", size / 1_000_000),
            size if size.is_multiple_of(1_000) => write!(f, "{}k", size / 1_000),
            size => write!(f, "{size}"),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_say_them() {
        for (text, objects, shown) in [
            ("100k", 100_000, "100k"),
            ("5M", 5_000_000, "5M"),
            ("123456", 123_456, "123456"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.objects(), size.to_string()), (objects, shown.into()));
        }
        for text in ["", "k", "1g", "-1m", "10k", "99999999999999999m"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn five_percent_are_allowed() {
        let size: Size = "1m".parse().unwrap();
        assert!(size.check(1_049_000).is_ok());
        assert!(size.check(940_000).is_err());
    }
}
