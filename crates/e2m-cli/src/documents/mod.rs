//! The JSON Schema of batch files, and the docs pages that are made from the same tables.

mod examples;
mod pictures;

use e2m_batch::batch_file::{DEFAULT_FILE, Key, schema as batch_schema, sections};
use e2m_pipeline::parameter_table;
use serde_json::Value;
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
            "blanks" => (
                "`[blanks]`",
                "Samples without microbes, against which all others are held.\n\n",
            ),
            _ => ("`[slurm]`", "Jobs on a SLURM cluster.\n\n"),
        };
        let _ = write!(page, "\n## {title}\n\n{intro}{}", key_table(&keys));
    }
    page.push_str("\n## `[params]`\n\nThe parameters of the five stages are in [parameters.md](parameters.md).\n");
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
