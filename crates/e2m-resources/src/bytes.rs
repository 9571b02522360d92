//! Amounts of memory and disk for people: written with a decimal unit, and read as people write them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes; displayed as `2.34 GB`, `310 MB`, in decimal units.
///
/// ```
/// use e2m_resources::Bytes;
///
/// assert_eq!(Bytes(2_340_000_000).to_string(), "2.34 GB");
/// assert_eq!("1.5GiB".parse(), Ok(Bytes(1_610_612_736)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A size that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a size: write a number with a unit, such as \"4GB\" or \"512 MB\"")]
pub struct BytesError {
    /// What stood there.
    pub text: String,
}

const KB: u64 = 1_000;
const MB: u64 = 1_000_000;
const GB: u64 = 1_000_000_000;
const TB: u64 = 1_000_000_000_000;

/// Units in lower case, without the `b` at the end.
const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("k", KB),
    ("m", MB),
    ("g", GB),
    ("t", TB),
    ("ki", 1 << 10),
    ("mi", 1 << 20),
    ("gi", 1 << 30),
    ("ti", 1 << 40),
];

/// Decimals beyond which two amounts are not told apart any more: bytes of a gigabyte.
const MOST_DECIMALS: usize = 9;

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What rounds up to the next unit is written in it: 1.00 GB, not 1000 MB.
        match self.0 {
            bytes if bytes >= TB - 5 * GB => write!(f, "{} TB", decimal(bytes, TB, 2)),
            bytes if bytes >= GB - MB / 2 => write!(f, "{} GB", decimal(bytes, GB, 2)),
            bytes if bytes >= MB - KB / 2 => write!(f, "{} MB", decimal(bytes, MB, 0)),
            bytes if bytes >= KB => write!(f, "{} kB", decimal(bytes, KB, 0)),
            bytes => write!(f, "{bytes} B"),
        }
    }
}

impl FromStr for Bytes {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Self, BytesError> {
        parse(text).map(Self).ok_or_else(|| BytesError {
            text: text.to_owned(),
        })
    }
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(*factor);
    }
    let bytes = number.parse::<f64>().ok()? * *factor as f64;
    (bytes.is_finite() && bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// `bytes / unit` with so many decimals, rounded half up, in integers.
fn decimal(bytes: u64, unit: u64, decimals: usize) -> String {
    let scale = 10u128.pow(decimals as u32);
    let unit = u128::from(unit);
    let rounded = (u128::from(bytes) * scale + unit / 2) / unit;
    if decimals == 0 {
        return rounded.to_string();
    }
    format!("{}.{:0decimals$}", rounded / scale, rounded % scale)
}

/// Gigabytes with two decimals, for columns: `0.31 GB`.
pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{} GB", decimal(bytes, GB, 2))
}

/// Two amounts in the same unit, so that they can be compared, with as many decimals as it takes to tell them apart.
pub(crate) fn compared(a: u64, b: u64) -> (String, String) {
    let larger = Bytes(a.max(b)).to_string();
    let (unit, name, decimals) = match larger.rsplit(' ').next() {
        Some("TB") => (TB, "TB", 2),
        Some("GB") => (GB, "GB", 2),
        Some("MB") => (MB, "MB", 0),
        Some("kB") => (KB, "kB", 0),
        _ => (1, "B", 0),
    };
    let written = |decimals: usize| {
        let write = |bytes| format!("{} {name}", decimal(bytes, unit, decimals));
        (write(a), write(b))
    };
    (decimals..=MOST_DECIMALS)
        .map(written)
        .find(|(a_text, b_text)| a == b || a_text != b_text)
        .unwrap_or_else(|| (Bytes(a).to_string(), Bytes(b).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_decimal_and_change_where_rounding_does() {
        let written = |bytes| Bytes(bytes).to_string();
        assert_eq!(written(0), "0 B");
        assert_eq!(written(999), "999 B");
        assert_eq!(written(1_000), "1 kB");
        assert_eq!(written(310_000_000), "310 MB");
        assert_eq!(written(999_499_999), "999 MB");
        assert_eq!(written(999_500_000), "1.00 GB");
        assert_eq!(written(2_344_999_999), "2.34 GB");
        assert_eq!(written(2_345_000_000), "2.35 GB");
        assert_eq!(written(999_999_999_999), "1.00 TB");
        assert_eq!(written(u64::MAX), "18446744.07 TB");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("4GB", 4_000_000_000),
            ("512 MB", 512_000_000),
            ("1.5GiB", 1_610_612_736),
            (" 0.5 gb ", 500_000_000),
            ("8g", 8_000_000_000),
            ("12345", 12_345),
            ("7 B", 7),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "GB", "-1GB", "4 XB", "1e9", "1.2.3GB", "99999999999TB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn compared_amounts_share_a_unit_and_differ() {
        assert_eq!(
            compared(1_180_000_000, 900_000_000),
            ("1.18 GB".into(), "0.90 GB".into())
        );
        assert_eq!(
            compared(1_000_100_000, 1_000_000_000),
            ("1.0001 GB".into(), "1.0000 GB".into())
        );
        assert_eq!(compared(5, 5), ("5 B".into(), "5 B".into()));
    }
}
