//! A list of names.

use super::Names;
use crate::batch_file::setting::Setting;
use serde_json::{Value, json};
use toml::de::DeValue;

/// Names, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed(pub Vec<String>);

impl Setting for Listed {
    fn expected() -> String {
        "a list of names in brackets, such as [\"CD070\", \"CD063\"]".into()
    }
    fn schema() -> Value {
        json!({"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_array()?;
        match Names::read(value)? {
            Names::Listed(names) => Some(Self(names)),
            Names::All => None,
        }
    }
    fn written(&self) -> String {
        Names::Listed(self.0.clone()).written()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn only_a_list_will_do() {
        round_trip::<Listed>("[\"CD070\", \"all\"]");
        for wrong in ["\"all\"", "\"CD070\"", "[]", "[1]"] {
            assert_eq!(read::<Listed>(wrong), None, "{wrong}");
        }
    }
}
