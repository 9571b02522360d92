//! The JSON Schema of batch files.

use super::keys::{Key, sections};
use e2m_pipeline::params_schema;
use serde_json::{Map, Value, json};

/// The JSON Schema of batch files, for editors that complete and check them.
pub fn schema() -> Value {
    let mut root = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "e2m batch file",
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {},
    });
    for (section, keys) in sections() {
        if section.is_empty() {
            root["required"] = required(&keys);
            root["properties"] = properties(&keys).into();
            continue;
        }
        let mut table = json!({"type": "object", "additionalProperties": false, "properties": properties(&keys)});
        if section == "override" {
            table["required"] = required(&keys);
            table["anyOf"] = json!([{"required": ["sample"]}, {"required": ["dye"]}]);
            table = json!({"type": "array", "items": table});
        }
        with_description(&mut root["properties"][section], table);
    }
    with_description(&mut root["properties"]["params"], params_schema());
    root
}

/// Puts a table's schema in its place, below the description that is there.
fn with_description(place: &mut Value, mut schema: Value) {
    schema["description"] = place["description"].take();
    *place = schema;
}

fn required(keys: &[Key]) -> Value {
    keys.iter()
        .filter(|key| key.default.is_none())
        .map(|key| key.name)
        .collect::<Vec<_>>()
        .into()
}

fn properties(keys: &[Key]) -> Map<String, Value> {
    let one = |key: &Key| {
        let mut schema = if key.schema.is_null() {
            json!({})
        } else {
            key.schema.clone()
        };
        schema["description"] = key.meaning.into();
        if let Some(default) = key.default.as_deref().filter(|text| !text.is_empty()) {
            schema["default"] = as_json(default);
        }
        (key.name.to_owned(), schema)
    };
    keys.iter().map(one).collect()
}

/// A default, written as TOML, as JSON.
fn as_json(toml: &str) -> Value {
    let table: Result<toml::Table, _> = format!("x = {toml}").parse();
    table
        .ok()
        .and_then(|table| serde_json::to_value(&table["x"]).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_every_key_with_its_description() {
        let made = schema();
        for (section, keys) in sections() {
            let place = match section {
                "" => &made["properties"],
                "override" => &made["properties"]["override"]["items"]["properties"],
                name => &made["properties"][name]["properties"],
            };
            for key in keys {
                assert_eq!(
                    place[key.name]["description"], key.meaning,
                    "{section}: {}",
                    key.name
                );
            }
        }
        assert_eq!(
            made["properties"]["params"]["properties"]["pad"]["default"],
            2000
        );
        assert_eq!(
            made["properties"]["execution"]["properties"]["memory_limit"]["default"],
            "4GB"
        );
    }
}
