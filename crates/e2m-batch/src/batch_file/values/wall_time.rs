//! A time limit as SLURM writes it.

use crate::batch_file::setting::{Setting, quoted};
use serde_json::{Value, json};
use toml::de::DeValue;

/// `HH:MM:SS` or `D-HH:MM:SS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WallTime(pub String);

impl WallTime {
    /// The same in seconds.
    pub fn seconds(&self) -> u64 {
        let (days, clock) = self.0.split_once('-').unwrap_or(("0", &self.0));
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        let clock = clock
            .split(':')
            .fold(0, |sum, part| 60 * sum + number(part));
        86_400 * number(days) + clock
    }

    fn is_valid(text: &str) -> bool {
        let (days, clock) = text
            .split_once('-')
            .map_or((None, text), |(days, clock)| (Some(days), clock));
        let number = |part: &str| {
            !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit())
        };
        let parts: Vec<&str> = clock.split(':').collect();
        let sixty = |part: &&str| part.len() == 2 && **part < *"60";
        days.is_none_or(number)
            && parts.len() == 3
            && parts.iter().all(|p| number(p))
            && parts[1..].iter().all(sixty)
            // To SLURM no time at all is no limit, and it counts minutes.
            && Self(text.to_owned()).seconds() >= 60
    }
}

impl Setting for WallTime {
    fn expected() -> String {
        "a time in quotes, such as \"02:00:00\" (hours, minutes, seconds) or \"1-12:00:00\" (with days)".into()
    }
    fn schema() -> Value {
        json!({"type": "string", "pattern": "^([0-9]+-)?[0-9]+:[0-5][0-9]:[0-5][0-9]$"})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value
            .as_str()
            .filter(|text| Self::is_valid(text))
            .map(|text| Self(text.to_owned()))
    }
    fn written(&self) -> String {
        quoted(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn times() {
        round_trip::<WallTime>("\"02:00:00\"");
        round_trip::<WallTime>("\"1-12:30:59\"");
        let seconds = |text: &str| WallTime(text.into()).seconds();
        assert_eq!(seconds("02:00:01"), 7201);
        assert_eq!(seconds("1-12:30:59"), 131_459);
        for wrong in [
            "\"2h\"",
            "\"02:60:00\"",
            "\"02:00\"",
            "\"-02:00:00\"",
            "02:00:00",
            "\"1-2-03:00:00\"",
            "\"00:00:00\"",
            "\"00:00:59\"",
        ] {
            assert_eq!(read::<WallTime>(wrong), None, "{wrong}");
        }
    }
}
