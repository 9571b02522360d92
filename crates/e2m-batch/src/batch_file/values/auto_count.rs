//! A number of workers or threads, or the choice left to e2m.

use crate::batch_file::setting::{Setting, integer, quoted};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use toml::de::DeValue;

/// Nobody has more of anything that is counted here.
const MAX: usize = 4096;

/// `"auto"` or a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoCount {
    /// e2m chooses.
    Auto,
    /// This many.
    Exactly(NonZeroUsize),
}

impl Setting for AutoCount {
    fn expected() -> String {
        format!("\"auto\" or a whole number from 1 to {MAX}")
    }
    fn schema() -> Value {
        json!({"oneOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": MAX}]})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        if value.as_str() == Some("auto") {
            return Some(Self::Auto);
        }
        let count = usize::try_from(integer(value)?)
            .ok()
            .filter(|count| *count <= MAX)?;
        NonZeroUsize::new(count).map(Self::Exactly)
    }
    fn written(&self) -> String {
        match self {
            Self::Auto => quoted("auto"),
            Self::Exactly(count) => count.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn auto_or_a_number() {
        round_trip::<AutoCount>("\"auto\"");
        round_trip::<AutoCount>("3");
        for wrong in ["0", "-1", "5000", "2.0", "\"3\"", "\"Auto\""] {
            assert_eq!(read::<AutoCount>(wrong), None, "{wrong}");
        }
    }
}
