//! Lines of text: in one string, or one by one.

use crate::batch_file::setting::{Setting, quoted};
use serde_json::{Value, json};
use toml::de::DeValue;

/// Lines, without their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines(pub Vec<String>);

impl Setting for Lines {
    fn expected() -> String {
        "a text, or a list of lines in brackets, such as [\"one\", \"two\"]".into()
    }
    fn schema() -> Value {
        let line = json!({"type": "string", "minLength": 1});
        json!({"oneOf": [line, {"type": "array", "items": line, "minItems": 1}]})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        if let Some(items) = value.as_array() {
            let lines = items.iter().map(|item| String::read(item.get_ref()));
            let lines: Vec<String> = lines.collect::<Option<_>>()?;
            let single = lines.iter().all(|line| !line.contains(['\n', '\r']));
            return (single && !lines.is_empty()).then_some(Self(lines));
        }
        let text = String::read(value)?;
        Some(Self(text.trim_end().lines().map(str::to_owned).collect()))
    }
    fn written(&self) -> String {
        match self.0.as_slice() {
            [line] => quoted(line),
            lines => {
                let lines: Vec<String> = lines.iter().map(|line| quoted(line)).collect();
                format!("[{}]", lines.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn a_text_or_a_list() {
        round_trip::<Lines>("\"module load opencv\"");
        round_trip::<Lines>("[\"a\", \"b c\"]");
        assert_eq!(
            read::<Lines>("\"\"\"\na\n\nb\n\"\"\""),
            Some(Lines(vec!["a".into(), String::new(), "b".into()]))
        );
        for wrong in ["3", "[]", "[1]", "\"\"", "[\"a\\nb\"]", "true"] {
            assert_eq!(read::<Lines>(wrong), None, "{wrong}");
        }
    }
}
