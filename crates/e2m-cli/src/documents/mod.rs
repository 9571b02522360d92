//! The JSON Schema of batch files, and the docs pages that are made from the same tables.

mod examples;
mod pictures;

use crate::batch::default_file::DEFAULT_FILE;
use crate::batch::keys::{Key, sections};
use e2m_pipeline::{parameter_table, params_schema};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// A generated file of the docs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name in the folder of the docs.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// Every generated file of the docs.
pub fn documents() -> Vec<Document> {
    vec![
        Document {
            name: "batch.schema.json",
            text: pretty(&batch_schema()),
        },
        Document {
            name: "parameters.md",
            text: parameters_page(),
        },
        Document {
            name: "batch-file.md",
            text: batch_file_page(),
        },
        Document {
            name: "pictures.md",
            text: pictures::page(),
        },
    ]
}

/// The JSON Schema of batch files, for editors that complete and check them.
pub fn batch_schema() -> Value {
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

/// JSON as it is printed and committed.
pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn parameters_page() -> String {
    format!(
        "# Parameters\n\n\
         Set in the batch file below `[params]` for all tasks, or in an `[[override]]` for some \
         ([batch-file.md](batch-file.md)). Where a value differs from the default, the names of the files that depend on \
         it end in the short name and the value: `_bw20_msc1.42`.\n\n{}",
        parameter_table()
    )
}

fn batch_file_page() -> String {
    let mut page = String::from(
        "# The batch file\n\n\
         A batch file is [TOML](https://toml.io). A key that does not exist, or a value that makes no sense, is reported \
         with its line before anything runs. Folders are relative to the batch file. `e2m init` writes the commented \
         file at the end of this page; [batch.schema.json](batch.schema.json) (also `e2m schema`) lets editors complete \
         and check it.\n",
    );
    for (section, keys) in sections() {
        let (title, intro) = match section {
            "" => ("Above all headings", ""),
            "execution" => ("`[execution]`", "How tasks are run.\n\n"),
            "resources" => ("`[resources]`", "What tasks may use of the machine.\n\n"),
            "override" => (
                "`[[override]]`",
                "Parameters for some tasks only; any number of them.\n\n",
            ),
            _ => ("`[slurm]`", "Jobs on a SLURM cluster.\n\n"),
        };
        let _ = write!(page, "\n## {title}\n\n{intro}{}", key_table(&keys));
    }
    page.push_str("\n## `[params]`\n\nThe parameters of the four stages are in [parameters.md](parameters.md).\n");
    let _ = write!(
        page,
        "\n## The commented file\n\n```toml\n{DEFAULT_FILE}```\n"
    );
    page
}

/// The keys as a Markdown table; headings have their own.
fn key_table(keys: &[Key]) -> String {
    let mut table = String::from("| key | values | default | meaning |\n|---|---|---|---|\n");
    for key in keys.iter().filter(|key| !key.expected.is_empty()) {
        let default = match key.default.as_deref() {
            None => "required".to_owned(),
            Some("") => "none".to_owned(),
            Some(text) => format!("`{text}`"),
        };
        let _ = writeln!(
            table,
            "| `{}` | {} | {default} | {} |",
            key.name, key.expected, key.meaning
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_every_key_with_its_description() {
        let schema = batch_schema();
        for (section, keys) in sections() {
            let place = match section {
                "" => &schema["properties"],
                "override" => &schema["properties"]["override"]["items"]["properties"],
                name => &schema["properties"][name]["properties"],
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
            schema["properties"]["params"]["properties"]["pad"]["default"],
            2000
        );
        assert_eq!(
            schema["properties"]["execution"]["properties"]["memory_limit"]["default"],
            "4GB"
        );
    }

    #[test]
    fn pages_hold_their_tables() {
        let pages = documents();
        let page = |name| {
            &pages
                .iter()
                .find(|page| page.name == name)
                .expect("a page")
                .text
        };
        assert!(page("parameters.md").contains("`boundary_width`"));
        assert!(page("batch-file.md").contains("| `raw_dir` | a folder in quotes"));
    }
}
