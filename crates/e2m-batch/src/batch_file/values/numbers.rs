//! Plain numbers with their ranges.

use crate::batch_file::setting::{Setting, integer, number};
use serde_json::{Value, json};
use toml::de::DeValue;

/// Makes a [`Setting`] of a whole number in a range.
macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident, $min:literal to $max:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl Setting for $name {
            fn expected() -> String {
                format!($expected, $min, $max)
            }
            fn schema() -> Value {
                json!({"type": "integer", "minimum": $min, "maximum": $max})
            }
            fn read(value: &DeValue<'_>) -> Option<Self> {
                let number = integer(value)?;
                ($min..=$max).contains(&number).then(|| Self(number as u32))
            }
            fn written(&self) -> String {
                self.0.to_string()
            }
        }
    };
}

whole_number!(
    /// One of the five stages.
    Stage, 1 to 5, "a stage from {} to {}"
);
whole_number!(
    /// Seconds that something may take; a month is more than any task needs.
    Seconds, 1 to 2_592_000, "a whole number of seconds from {} to {}"
);
whole_number!(
    /// How often, or how many at a time.
    Count, 0 to 100_000, "a whole number from {} to {}"
);
whole_number!(
    /// Tasks that run at the same time.
    AtATime, 1 to 100_000, "a whole number from {} to {}"
);

impl Stage {
    /// As the pipeline knows it.
    pub fn stage(self) -> e2m_pipeline::Stage {
        let number = u8::try_from(self.0).unwrap_or(u8::MAX);
        // A number out of its range is refused before it gets here.
        e2m_pipeline::Stage::try_from(number).unwrap_or(e2m_pipeline::Stage::LAST)
    }
}

/// A factor above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor(pub f64);

impl Factor {
    const MAX: f64 = 1000.0;
}

impl Setting for Factor {
    fn expected() -> String {
        format!("a number above 0 and at most {}", Self::MAX)
    }
    fn schema() -> Value {
        json!({"type": "number", "exclusiveMinimum": 0, "maximum": Self::MAX})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        number(value)
            .filter(|factor| *factor > 0.0 && *factor <= Self::MAX)
            .map(Self)
    }
    fn written(&self) -> String {
        format!("{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn numbers_keep_their_ranges() {
        round_trip::<Stage>("3");
        round_trip::<Seconds>("1800");
        round_trip::<Count>("0");
        round_trip::<Factor>("6.0");
        assert_eq!(read::<Factor>("6"), Some(Factor(6.0)));
        for wrong in ["0", "6", "1.0", "true"] {
            assert_eq!(read::<Stage>(wrong), None, "{wrong}");
        }
        for wrong in ["0", "-2.5", "nan", "inf", "\"6\""] {
            assert_eq!(read::<Factor>(wrong), None, "{wrong}");
        }
        assert_eq!(Stage::expected(), "a stage from 1 to 5");
    }
}
