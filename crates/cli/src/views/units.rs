//! Bytes and durations for people.

use std::time::Duration;

const PREFIXES: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];

/// A number of bytes with a decimal prefix: `554 MB`, `1.2 GB`, `17 bytes`.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "bytes";
    for prefix in PREFIXES {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = prefix;
    }
    format!("{} {unit}", three_digits(value, bytes < 1000))
}

/// What is read as a number of bytes: `4096`, `200kB`, `1.5 MB`, `64KiB`.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let known = match unit.to_ascii_lowercase().as_str() {
        "" | "byte" | "bytes" => "b".to_owned(),
        letter @ ("k" | "m" | "g" | "t") => format!("{letter}b"),
        name => name.to_owned(),
    };
    let factor = exuvia_query::unit_of_bytes(&known)
        .ok_or_else(|| format!("'{unit}' is no unit of bytes, such as kB, MB or MiB"))?;
    let number: f64 = number.parse().map_err(|_| {
        "a size is a number of bytes, or one with a unit: 4096, 200kB, 1.5MB".to_owned()
    })?;
    Ok((number * factor as f64) as u64)
}

/// A short time: `2.7 ms`, `15 ms`, `1.34 s`, `85 s`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 0.9995 {
        format!("{} ms", three_digits(seconds * 1000.0, false))
    } else {
        format!("{} s", three_digits(seconds, false))
    }
}

/// For how long something has run, in its two largest units: `12s`, `4m 5s`, `3d 14h`.
pub(crate) fn uptime(uptime: Duration) -> String {
    let seconds = uptime.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// A number with about three significant digits.
fn three_digits(value: f64, whole: bool) -> String {
    match value {
        _ if whole => format!("{value:.0}"),
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_decimal_prefixes() {
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1000), "1.00 kB");
        assert_eq!(bytes(999_999), "1.00 MB");
        assert_eq!(bytes(554_321_000), "554 MB");
        assert_eq!(bytes(u64::MAX), "18447 PB");
    }

    #[test]
    fn sizes_are_read_with_and_without_units() {
        assert_eq!(parse_bytes("4096"), Ok(4096));
        assert_eq!(parse_bytes("200kB"), Ok(200_000));
        assert_eq!(parse_bytes(" 1.5 MB "), Ok(1_500_000));
        assert_eq!(parse_bytes("64KiB"), Ok(65_536));
        assert!(parse_bytes("3 apples").unwrap_err().contains("apples"));
        assert!(parse_bytes("MB").is_err());
        assert!(parse_bytes("-1").is_err());
        assert!(parse_bytes("").is_err());
    }

    #[test]
    fn short_times_keep_their_digits() {
        assert_eq!(seconds(0.0027), "2.70 ms");
        assert_eq!(seconds(0.0154), "15.4 ms");
        assert_eq!(seconds(0.9999), "1.00 s");
        assert_eq!(seconds(85.2), "85.2 s");
    }

    #[test]
    fn uptimes_have_two_units() {
        assert_eq!(uptime(Duration::from_secs(12)), "12s");
        assert_eq!(uptime(Duration::from_secs(245)), "4m 5s");
        assert_eq!(uptime(Duration::from_secs(3600)), "1h 0m");
        assert_eq!(uptime(Duration::from_secs(310_000)), "3d 14h");
    }
}
