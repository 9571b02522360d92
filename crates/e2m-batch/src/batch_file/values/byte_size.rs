//! A size with its unit, such as `"4GB"`.

use crate::batch_file::setting::{Setting, quoted};
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;
use toml::de::DeValue;

/// Units with their bytes; those of a thousand come first, because they are the ones written.
const UNITS: [(&str, u64); 9] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

/// A number of bytes. Read from a number and a unit in any case, with or without a space: `4GB`, `0.5 GB`, `512MB`,
/// `1.5 GiB`. `GB` is 1000³, `GiB` is 1024³ bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let digits = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or(())?;
        let (number, unit) = text.split_at_checked(digits).ok_or(())?;
        let (number, unit) = (number.parse::<f64>().map_err(|_| ())?, unit.trim_start());
        let (_, bytes) = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or(())?;
        let size = (number * *bytes as f64).round();
        if size >= 1.0 && size < u64::MAX as f64 {
            Ok(Self(size as u64))
        } else {
            Err(())
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = UNITS
            .iter()
            .take(5)
            .find(|(_, bytes)| self.0 >= *bytes)
            .unwrap_or(&("B", 1));
        let value = self.0 as f64 / *bytes as f64;
        write!(f, "{value}{name}")
    }
}

impl Setting for ByteSize {
    fn expected() -> String {
        "a size with its unit in quotes, such as \"4GB\", \"512MB\" or \"1.5GiB\"".into()
    }
    fn schema() -> Value {
        json!({"type": "string", "pattern": r"^\s*[0-9.]+\s*([TtGgMmKk][Ii]?)?[Bb]\s*$"})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
    fn written(&self) -> String {
        quoted(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn sizes_in_every_usual_spelling() {
        for (text, bytes) in [
            ("4GB", 4_000_000_000),
            ("0.5GB", 500_000_000),
            ("512MB", 512_000_000),
            ("1.5 GiB", 1_610_612_736),
            (" 2 tb ", 2_000_000_000_000),
            ("1kb", 1000),
            (".5MiB", 524_288),
            ("7B", 7),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size() {
        for text in [
            "",
            "4",
            "GB",
            "4 G",
            "4,5GB",
            "-1GB",
            "0GB",
            "1e3GB",
            "1.2.3MB",
            "99999999999TB",
            "4GBs",
        ] {
            assert_eq!(text.parse::<ByteSize>(), Err(()), "{text}");
        }
        assert_eq!(read::<ByteSize>("4000000000"), None);
    }

    #[test]
    fn written_as_read() {
        round_trip::<ByteSize>("\"4GB\"");
        round_trip::<ByteSize>("\"1.5GB\"");
        round_trip::<ByteSize>("\"500MB\"");
        assert_eq!(ByteSize(1).to_string(), "1B");
    }
}
