//! A black level as a parameter: measured, or known.

use super::value::{AUTO, ParamValue};
use serde::{Deserialize, Serialize};

/// What the camera adds to every pixel of an image.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "ParamValue", into = "ParamValue")]
pub enum BlackLevel {
    /// Measured.
    #[default]
    Auto,
    /// So many counts.
    Counts(f64),
}

impl BlackLevel {
    /// The level, if it is known.
    pub fn counts(self) -> Option<f64> {
        match self {
            Self::Auto => None,
            Self::Counts(counts) => Some(counts),
        }
    }
}

/// A value that is neither a number nor `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a black level is a number or \"auto\"")]
pub struct NoBlackLevel;

impl From<BlackLevel> for ParamValue {
    fn from(level: BlackLevel) -> Self {
        match level {
            BlackLevel::Auto => Self::Text(AUTO.to_owned()),
            BlackLevel::Counts(counts) => Self::Float(counts),
        }
    }
}

impl TryFrom<ParamValue> for BlackLevel {
    type Error = NoBlackLevel;

    fn try_from(value: ParamValue) -> Result<Self, NoBlackLevel> {
        match value {
            ParamValue::Text(word) if word == AUTO => Ok(Self::Auto),
            ParamValue::Float(counts) => Ok(Self::Counts(counts)),
            ParamValue::Int(counts) => Ok(Self::Counts(counts as f64)),
            ParamValue::None | ParamValue::Bool(_) | ParamValue::Text(_) => Err(NoBlackLevel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_round_trip_through_json() {
        for (level, json) in [
            (BlackLevel::Auto, "\"auto\""),
            (BlackLevel::Counts(12.5), "12.5"),
        ] {
            assert_eq!(serde_json::to_string(&level).expect("written"), json);
            let read: BlackLevel = serde_json::from_str(json).expect("read");
            assert_eq!(read, level);
        }
        assert!(serde_json::from_str::<BlackLevel>("\"none\"").is_err());
    }
}
