//! Samples or dyes: all there are, or a list.

use crate::batch_file::setting::{Setting, quoted};
use e2m_io::{Selection, composed};
use serde_json::{Value, json};
use toml::de::DeValue;

/// `"all"` or a list of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// All there are.
    All,
    /// These, in this order.
    Listed(Vec<String>),
}

impl Names {
    /// Names as given on the command line, where `all` alone means all.
    pub fn from_arguments(names: &[String]) -> Self {
        match names {
            [all] if all == "all" => Self::All,
            listed => Self::Listed(
                listed
                    .iter()
                    .map(|name| composed(name).into_owned())
                    .collect(),
            ),
        }
    }

    /// Whether this name is asked for. Accents count alike in either of Unicode's forms.
    pub fn include(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(names) => names
                .iter()
                .any(|listed| composed(listed) == composed(name)),
        }
    }

    /// The same for the discovery.
    pub fn selection(&self) -> Selection {
        match self {
            Self::All => Selection::All,
            Self::Listed(names) => Selection::Named(names.clone()),
        }
    }
}

impl Setting for Names {
    fn expected() -> String {
        "\"all\" or a list of names in brackets, such as [\"CD070\", \"CD063\"]".into()
    }
    fn schema() -> Value {
        let list =
            json!({"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1});
        json!({"oneOf": [{"const": "all"}, list]})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        if value.as_str() == Some("all") {
            return Some(Self::All);
        }
        let names: Option<Vec<String>> = value
            .as_array()?
            .iter()
            .map(|item| String::read(item.get_ref()).map(|name| composed(&name).into_owned()))
            .collect();
        names.filter(|names| !names.is_empty()).map(Self::Listed)
    }
    fn written(&self) -> String {
        match self {
            Self::All => quoted("all"),
            Self::Listed(names) => {
                let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
                format!("[{}]", names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn all_or_a_list() {
        round_trip::<Names>("\"all\"");
        round_trip::<Names>("[\"CD070\", \"CD063\"]");
        for wrong in ["\"CD070\"", "[]", "[1]", "[\"\"]", "true"] {
            assert_eq!(read::<Names>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_sample_may_be_called_all_if_it_is_listed() {
        assert_eq!(
            read::<Names>("[\"all\"]"),
            Some(Names::Listed(vec!["all".into()]))
        );
    }
}
