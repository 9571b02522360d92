//! Documents made from the table of parameters: the table in the docs and the schema for editors.

use crate::params::{ParamKind, ParamValue, REGISTRY};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The parameters as a Markdown table.
pub fn parameter_table() -> String {
    let mut text = String::from(
        "| stage | name | in file names | default | values | meaning | when to change it |\n|---|---|---|---|---|---|---|\n",
    );
    for spec in REGISTRY.iter() {
        let _ = writeln!(
            text,
            "| {} | `{}` | `{}` | {} | {} | {} | {} |",
            spec.stage,
            spec.name,
            spec.abbreviation,
            spec.default.written(),
            spec.expected(),
            spec.meaning,
            spec.when,
        );
    }
    text
}

/// The JSON Schema of a table of parameters, as in `[params]`.
pub fn params_schema() -> Value {
    let mut properties = Map::new();
    for spec in REGISTRY.iter() {
        let mut schema = match spec.kind {
            ParamKind::Bool => json!({"type": "boolean"}),
            ParamKind::Int { min, max } => {
                json!({"type": "integer", "minimum": min, "maximum": max})
            }
            ParamKind::Float { min, max } | ParamKind::OptionalFloat { min, max } => {
                json!({"type": "number", "minimum": min, "maximum": max})
            }
            ParamKind::AutoFloat { min, max } => {
                json!({"anyOf": [{"const": "auto"}, {"type": "number", "minimum": min, "maximum": max}]})
            }
            ParamKind::Choice(words) => json!({"enum": words}),
            ParamKind::Channel { .. } => {
                json!({"anyOf": [{"enum": ["auto", "R", "G", "B", "sum", "luma"]}, {"type": "integer", "minimum": 1}, {"type": "string"}]})
            }
            ParamKind::Page { .. } => {
                json!({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}, {"type": "string"}]})
            }
        };
        schema["description"] = Value::from(spec.meaning);
        if spec.default != ParamValue::None {
            schema["default"] = serde_json::to_value(&spec.default).unwrap_or_default();
        }
        properties.insert(spec.name.to_owned(), schema);
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}
