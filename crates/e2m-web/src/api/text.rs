//! The text of a batch file: looked through as on the command line, changed key by key, and saved.

use super::{Given, fresh};
use crate::error::Refusal;
use crate::state::App;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use e2m_batch::batch_file::{Problem, Problems};
use e2m_batch::{BatchFile, Plan, PlanOptions, task_name};
use e2m_io::write_atomic;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use toml_edit::{DocumentMut, Item, Table};

/// The text of a batch file, saved or not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    batch: String,
    text: String,
}

/// `POST api/text/check`: everything that is wrong with a text, and the tasks it would have. Nothing is written.
pub(crate) async fn check(
    State(app): State<Arc<App>>,
    Given(written): Given<Written>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || {
        let path = shared.batch_path(&written.batch)?;
        Ok(looked_through(&shared, &path, &written.text))
    });
    Ok(fresh(found.await?))
}

fn looked_through(app: &App, path: &Path, text: &str) -> Value {
    let batch = match BatchFile::parse(path, text) {
        Ok(batch) => batch,
        Err(list) => return problems(path, text, list),
    };
    let plan = app.check_folders(&batch).and_then(|()| {
        let plan = Plan::with_gaps(&batch, &PlanOptions::default());
        plan.map_err(Refusal::from)
    });
    match plan {
        Ok(plan) => json!({
            "problems": [],
            "params": batch.params,
            "tasks": plan.tasks.iter().map(task_name).collect::<Vec<_>>(),
            "missing": plan.missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "warnings": plan.warnings,
        }),
        // The text is right; what it speaks of is not as it says.
        Err(refusal) => json!({"problems": [], "params": batch.params, "obstacle": refusal.text}),
    }
}

fn problems(path: &Path, text: &str, list: Vec<Problem>) -> Value {
    let places = list.iter().map(|problem| {
        let start = problem.at.as_ref().map(|at| at.start.min(text.len()));
        let line = start.map(|start| {
            let before = text.as_bytes().iter().take(start);
            before.filter(|byte| **byte == b'\n').count() + 1
        });
        json!({"line": line, "text": problem.text})
    });
    let places: Vec<Value> = places.collect();
    let said = Problems {
        path: path.file_name().unwrap_or_default().into(),
        text: text.to_owned(),
        list,
    };
    json!({"problems": places, "said": said.to_string()})
}

/// A text and what is to be another in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changed {
    text: String,
    changes: Vec<Change>,
}

/// A key and its new value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// `params` and so on; empty for what stands above all headings.
    #[serde(default)]
    section: String,
    key: String,
    /// As it stands in a batch file, such as `50` or `"all"`; none takes the key away.
    value: Option<String>,
}

/// `POST api/text/set`: the text with other values of some keys. Comments and everything else stay. Nothing is written.
pub(crate) async fn set(Given(changed): Given<Changed>) -> Result<Response, Refusal> {
    Ok(fresh(
        json!({"text": with(&changed.text, &changed.changes)?}),
    ))
}

fn with(text: &str, changes: &[Change]) -> Result<String, Refusal> {
    let document = text.parse::<DocumentMut>();
    let mut document = document.map_err(|error| {
        Refusal::bad(format!(
            "the text has to be TOML before values in it can be changed: {error}"
        ))
    })?;
    for change in changes {
        let table = if change.section.is_empty() {
            document.as_table_mut()
        } else {
            let item = document
                .entry(&change.section)
                .or_insert_with(|| Item::Table(Table::new()));
            item.as_table_mut().ok_or_else(|| {
                Refusal::bad(format!(
                    "{} is no heading with keys below it",
                    change.section
                ))
            })?
        };
        match &change.value {
            None => {
                table.remove(&change.key);
            }
            Some(value) => put(table, &change.key, value)?,
        }
    }
    Ok(document.to_string())
}

/// Gives a key its value; what stands around the old one stays.
fn put(table: &mut Table, key: &str, value: &str) -> Result<(), Refusal> {
    let mut new = value.parse::<toml_edit::Value>().map_err(|_| {
        Refusal::bad(format!(
            "{value} is no value of a batch file; words stand between quotation marks"
        ))
    })?;
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => {
            table.insert(key, Item::Value(new));
        }
    }
    Ok(())
}

/// A text that is to be kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    batch: String,
    text: String,
    /// The text that was there when the change began; none for a new file.
    was: Option<String>,
}

/// `POST api/text/save`: writes a text that has no problem, unless somebody else has changed the file.
pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Given(saved): Given<Saved>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let done = app.reading.run(move || {
        let path = shared.batch_path(&saved.batch)?;
        match BatchFile::parse(&path, &saved.text) {
            Ok(batch) => shared.check_folders(&batch)?,
            Err(list) => {
                let said = problems(&path, &saved.text, list);
                let said = said["said"].as_str().unwrap_or_default();
                return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, said));
            }
        }
        let now = match std::fs::read_to_string(&path) {
            Ok(now) => Some(now),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(Refusal::fault(format!(
                    "{} cannot be read: {error}",
                    saved.batch
                )));
            }
        };
        if now != saved.was {
            let what = if saved.was.is_none() {
                "is there already"
            } else {
                "was changed by somebody else meanwhile"
            };
            return Err(Refusal::conflict(format!(
                "{} {what} and was left as it is; load it again, or choose another name",
                saved.batch
            )));
        }
        write_atomic(&path, saved.text.as_bytes())
            .map_err(|error| Refusal::fault(error.to_string()))
    });
    done.await?;
    Ok(fresh(json!({"saved": true})))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(section: &str, key: &str, value: Option<&str>) -> Change {
        Change {
            section: section.into(),
            key: key.into(),
            value: value.map(str::to_owned),
        }
    }

    #[test]
    fn a_change_leaves_comments_and_all_else_as_it_is() {
        let text =
            "# mine\nraw_dir = \"raw\" # here\noutput_dir = \"out\"\n\n[params]\npad = 60 # px\n";
        let out = with(
            text,
            &[
                change("params", "pad", Some("80")),
                change("", "samples", Some("[\"a\"]")),
                change("execution", "n_workers", Some("2")),
            ],
        );
        let out = out.expect("a text");
        assert!(
            out.contains("# mine\nraw_dir = \"raw\" # here") && out.contains("pad = 80 # px"),
            "{out}"
        );
        let batch = BatchFile::parse(Path::new("/b/batch.toml"), &out).expect("a batch file");
        assert_eq!(batch.params.pad, 80);
        let back = with(&out, &[change("params", "pad", None)]).expect("a text");
        assert!(!back.contains("pad") && back.contains("[params]"));
        for (text, change) in [
            (text, change("params", "pad", Some("none of this"))),
            (text, change("raw_dir", "x", Some("1"))),
            ("raw_dir = ", change("params", "pad", Some("1"))),
        ] {
            assert!(with(text, &[change]).is_err());
        }
    }
}
