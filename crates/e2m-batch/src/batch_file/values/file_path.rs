//! The path of a file.

use crate::batch_file::setting::{Setting, quoted};
use serde_json::{Value, json};
use std::path::PathBuf;
use toml::de::DeValue;

/// A file, relative to the batch file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath(pub PathBuf);

impl Setting for FilePath {
    fn expected() -> String {
        "a file in quotes, such as \"files.csv\"".into()
    }
    fn schema() -> Value {
        json!({"type": "string", "minLength": 1})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        PathBuf::read(value).map(Self)
    }
    fn written(&self) -> String {
        quoted(&self.0.to_string_lossy())
    }
}
