use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The version of a CPython, as `Py_Version` and `PY_VERSION_HEX` encode it.
///
/// Ordered as releases are: `3.14.0a1 < 3.14.0rc1 < 3.14.0 < 3.14.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// 3, so far.
    pub major: u8,
    /// What decides the layout, for the most part.
    pub minor: u8,
    /// The bug-fix release.
    pub micro: u8,
    /// Alpha, beta, candidate or final.
    pub level: ReleaseLevel,
    /// The number of the alpha, beta or candidate; 0 for a final release.
    pub serial: u8,
}

/// How far a release is from its final form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReleaseLevel {
    /// `a`
    Alpha,
    /// `b`
    Beta,
    /// `rc`
    Candidate,
    /// Released.
    Final,
}

impl Version {
    /// A final release.
    pub const fn new(major: u8, minor: u8, micro: u8) -> Self {
        Self {
            major,
            minor,
            micro,
            level: ReleaseLevel::Final,
            serial: 0,
        }
    }

    /// The version that a `PY_VERSION_HEX` stands for: `0x030c01f0` is 3.12.1. None for a
    /// number that no CPython has, such as one read from the wrong place.
    pub const fn from_hex(hex: u32) -> Option<Self> {
        let [major, minor, micro, release] = hex.to_be_bytes();
        let level = match release >> 4 {
            0xa => ReleaseLevel::Alpha,
            0xb => ReleaseLevel::Beta,
            0xc => ReleaseLevel::Candidate,
            0xf => ReleaseLevel::Final,
            _ => return None,
        };
        if major < 2 || major > 9 {
            return None;
        }
        Some(Self {
            major,
            minor,
            micro,
            level,
            serial: release & 0xf,
        })
    }

    /// The number that [`from_hex`](Self::from_hex) takes apart.
    pub const fn to_hex(self) -> u32 {
        let level = match self.level {
            ReleaseLevel::Alpha => 0xa,
            ReleaseLevel::Beta => 0xb,
            ReleaseLevel::Candidate => 0xc,
            ReleaseLevel::Final => 0xf,
        };
        u32::from_be_bytes([
            self.major,
            self.minor,
            self.micro,
            level << 4 | self.serial & 0xf,
        ])
    }

    /// Whether both are releases of one series, such as 3.12.
    pub const fn same_series(self, other: Self) -> bool {
        self.major == other.major && self.minor == other.minor
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)?;
        match self.level {
            ReleaseLevel::Alpha => write!(f, "a{}", self.serial),
            ReleaseLevel::Beta => write!(f, "b{}", self.serial),
            ReleaseLevel::Candidate => write!(f, "rc{}", self.serial),
            ReleaseLevel::Final => Ok(()),
        }
    }
}

/// A text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a CPython version such as 3.12.1 or 3.14.0rc1")]
pub struct InvalidVersion(String);

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        parse(text).map_err(|_| InvalidVersion(text.to_owned()))
    }
}

fn parse(text: &str) -> Result<Version, ParseIntError> {
    let levels = [
        ("rc", ReleaseLevel::Candidate),
        ("a", ReleaseLevel::Alpha),
        ("b", ReleaseLevel::Beta),
    ];
    let (numbers, level, serial) = levels
        .into_iter()
        .find_map(|(mark, level)| {
            let (numbers, serial) = text.split_once(mark)?;
            Some((numbers, level, serial))
        })
        .unwrap_or((text, ReleaseLevel::Final, "0"));
    let mut numbers = numbers.splitn(3, '.');
    let mut number = || numbers.next().unwrap_or_default().parse();
    Ok(Version {
        major: number()?,
        minor: number()?,
        micro: number()?,
        level,
        serial: serial.parse()?,
    })
}

impl TryFrom<String> for Version {
    type Error = InvalidVersion;

    fn try_from(text: String) -> Result<Self, InvalidVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// How an interpreter was configured, as far as its objects look different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavor {
    /// With a global interpreter lock.
    Gil,
    /// Without one: `--disable-gil`.
    FreeThreaded,
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gil => "gil",
            Self::FreeThreaded => "free-threaded",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_text_agree() {
        for (hex, text) in [
            (0x030c_01f0, "3.12.1"),
            (0x030e_00c1, "3.14.0rc1"),
            (0x030d_00a6, "3.13.0a6"),
            (0x030f_00b2, "3.15.0b2"),
        ] {
            let version = Version::from_hex(hex).unwrap();
            assert_eq!(version.to_string(), text);
            assert_eq!(version.to_hex(), hex);
            assert_eq!(text.parse(), Ok(version));
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        assert_eq!(Version::from_hex(0), None);
        assert_eq!(Version::from_hex(0x0300_0000), None);
        assert_eq!(Version::from_hex(u32::MAX), None);
        for text in ["", "3", "3.12", "3.12.x", "3.12.1.0", "300.1.1", "3.14.0rc"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn releases_are_in_order() {
        let versions = [
            "3.13.9",
            "3.14.0a7",
            "3.14.0b1",
            "3.14.0rc1",
            "3.14.0",
            "3.14.1",
        ];
        assert!(versions.map(|v| v.parse::<Version>().unwrap()).is_sorted());
    }
}
