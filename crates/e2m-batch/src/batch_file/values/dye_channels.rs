//! Which channel of a file is which dye.

use crate::batch_file::setting::{Setting, integer, quoted};
use e2m_io::composed;
use serde_json::{Value, json};
use toml::de::DeValue;

/// Dyes and the channels that hold them, in the order of the file; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DyeChannels(Vec<(String, String)>);

impl DyeChannels {
    /// The dyes.
    pub fn dyes(&self) -> Vec<String> {
        self.0.iter().map(|(dye, _)| dye.clone()).collect()
    }

    /// The channel of a dye, by number or name.
    pub fn channel(&self, dye: &str) -> Option<&str> {
        let mut all = self.0.iter();
        let (_, channel) = all.find(|(known, _)| *known == composed(dye))?;
        Some(channel)
    }
}

impl Setting for DyeChannels {
    fn expected() -> String {
        "a table of dyes and channels, such as { DAPI = 1, GFP = \"C2\" }".into()
    }
    fn schema() -> Value {
        json!({"type": "object", "minProperties": 1, "additionalProperties": {"type": ["integer", "string"], "minimum": 1, "minLength": 1}})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        let table = value.as_table()?;
        let mut channels = Vec::new();
        for (dye, channel) in table {
            let channel = match channel.get_ref() {
                DeValue::String(word) if !word.trim().is_empty() => word.trim().to_owned(),
                number => integer(number).filter(|number| *number > 0)?.to_string(),
            };
            channels.push((composed(dye.get_ref()).into_owned(), channel));
        }
        (!channels.is_empty()).then_some(Self(channels))
    }
    fn written(&self) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(dye, channel)| format!("{} = {}", quoted(dye), quoted(channel)))
            .collect();
        format!("{{ {} }}", pairs.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::read;

    #[test]
    fn channels_by_number_or_name() {
        let channels = read::<DyeChannels>("{ DAPI = 1, GFP = \"C2\" }").expect("channels");
        assert_eq!(channels.dyes(), ["DAPI", "GFP"]);
        assert_eq!(channels.channel("DAPI"), Some("1"));
        assert_eq!(channels.channel("GFP"), Some("C2"));
        assert_eq!(channels.channel("Cy5"), None);
        assert_eq!(read::<DyeChannels>(&channels.written()), Some(channels));
        for wrong in [
            "{}",
            "{ DAPI = 0 }",
            "{ DAPI = \" \" }",
            "[1]",
            "{ DAPI = 1.5 }",
        ] {
            assert_eq!(read::<DyeChannels>(wrong), None, "{wrong}");
        }
    }
}
