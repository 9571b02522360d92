//! A type that a key of the batch file can have.

use serde_json::{Value, json};
use std::path::PathBuf;
use toml::de::DeValue;

/// A type that a key of the batch file can have: how it is read, how it is described, how it is written.
pub(crate) trait Setting: Sized {
    /// What values it takes, as the end of "it must be …".
    fn expected() -> String;
    /// What values it takes, for editors.
    fn schema() -> Value;
    /// The value, unless it is not one of those expected.
    fn read(value: &DeValue<'_>) -> Option<Self>;
    /// The value as TOML.
    fn written(&self) -> String;
}

impl Setting for bool {
    fn expected() -> String {
        "true or false".into()
    }
    fn schema() -> Value {
        json!({"type": "boolean"})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
    fn written(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    fn expected() -> String {
        "text in quotes, not empty".into()
    }
    fn schema() -> Value {
        json!({"type": "string", "minLength": 1})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value
            .as_str()
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    }
    fn written(&self) -> String {
        quoted(self)
    }
}

impl Setting for PathBuf {
    fn expected() -> String {
        "a folder in quotes, such as \"raw\" or \"/data/raw\"".into()
    }
    fn schema() -> Value {
        json!({"type": "string", "minLength": 1})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        // A path of Windows in double quotes has them: \n is a new line there, \t a tab.
        String::read(value)
            .filter(|text| !text.contains(char::is_control))
            .map(Self::from)
    }
    fn written(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

/// A value that may be left out, and has no default.
impl<T: Setting> Setting for Option<T> {
    fn expected() -> String {
        T::expected()
    }
    fn schema() -> Value {
        T::schema()
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        T::read(value).map(Some)
    }
    fn written(&self) -> String {
        self.as_ref().map_or_else(String::new, T::written)
    }
}

/// The whole number in a value.
pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The number in a value, whole or not.
pub(crate) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value.as_float() {
        Some(float) => float.as_str().parse().ok(),
        None => integer(value).map(|whole| whole as f64),
    }
}

/// Text as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Makes a [`Setting`] of an enum whose values are words.
macro_rules! words {
    ($type:ty { $($word:literal => $value:path),+ $(,)? }) => {
        impl crate::batch_file::setting::Setting for $type {
            fn expected() -> String {
                let words: &[&str] = &[$(concat!("\"", $word, "\"")),+];
                words.join(" or ")
            }
            fn schema() -> serde_json::Value {
                serde_json::json!({"enum": [$($word),+]})
            }
            fn read(value: &toml::de::DeValue<'_>) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some($value),)+
                    _ => None,
                }
            }
            fn written(&self) -> String {
                let word = match self { $($value => $word),+ };
                crate::batch_file::setting::quoted(word)
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Reads a value as it would stand behind a key.
    pub(crate) fn read<T: Setting>(toml: &str) -> Option<T> {
        T::read(DeValue::parse(toml).expect("TOML").get_ref())
    }

    /// Asserts that a value is written as it is read.
    pub(crate) fn round_trip<T: Setting>(toml: &str) {
        assert_eq!(
            read::<T>(toml).map(|value| value.written()).as_deref(),
            Some(toml)
        );
    }

    #[test]
    fn plain_types() {
        round_trip::<bool>("true");
        round_trip::<String>("\"a b\"");
        round_trip::<String>("'a \"b\"'");
        round_trip::<PathBuf>("\"/data/raw\"");
        assert_eq!(read::<bool>("1"), None);
        assert_eq!(read::<String>("\" \""), None);
        assert_eq!(read::<Option<String>>("\"x\""), Some(Some("x".into())));
    }

    #[test]
    fn numbers_in_any_notation() {
        let value = |text| DeValue::parse(text).expect("TOML").into_inner();
        assert_eq!(integer(&value("1_000")), Some(1000));
        assert_eq!(integer(&value("0x10")), Some(16));
        assert_eq!(integer(&value("-5")), Some(-5));
        assert_eq!(integer(&value("1.0")), None);
        assert_eq!(number(&value("1.5e3")), Some(1500.0));
        assert_eq!(number(&value("7")), Some(7.0));
    }
}
