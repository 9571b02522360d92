//! What `e2m compare` has left of a task: its results with other values of some parameters.
//!
//! A variant is named by its record in the folder of variants, such as `e2m_task_ds4.json`; the task of the batch itself has the name
//! "". Every address that shows a task takes `variant=` as well.

use super::{Asked, fresh};
use crate::error::Refusal;
use crate::state::App;
use crate::tasks::TaskName;
use axum::extract::State;
use axum::response::Response;
use e2m_batch::compare::FOLDER;
use e2m_io::task_dir;
use e2m_pipeline::{Manifest, ParamValue, REGISTRY, RecordedTask, Stage};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many variants are listed: a comparison makes no more at a time.
const MOST_VARIANTS: usize = 128;

/// `GET api/variants?batch=&sample=&dye=`: the variants of a task with the values that are not the same in all of them, and what came of
/// each.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || listed(&shared, &name)).await?;
    Ok(fresh(found))
}

fn listed(app: &App, name: &TaskName) -> Result<Value, Refusal> {
    let own = TaskName {
        variant: String::new(),
        ..name.clone()
    };
    let mut records = Vec::new();
    // The task itself may not have run.
    if let Ok(task) = app.task(&own) {
        records.push((String::new(), task.images.manifest().clone()));
    }
    let task = app.recorded(&own)?;
    for path in records_of(app, &task)?.into_iter().take(MOST_VARIANTS) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Ok(manifest) = Manifest::open(&path) {
            records.push((name.into_owned(), manifest));
        }
    }
    let labels = labels(&records);
    let variants = records.iter().zip(labels);
    let variants = variants.map(|((name, manifest), values)| about(name, manifest, &values));
    Ok(json!({"variants": variants.collect::<Vec<_>>()}))
}

/// The records of variants of a task, by name.
fn records_of(app: &App, task: &RecordedTask) -> Result<Vec<PathBuf>, Refusal> {
    let folder = folder_of(task)?;
    app.folder.check(&folder)?;
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| is_record(path) && app.folder.holds(path))
        .collect();
    paths.sort();
    Ok(paths)
}

fn is_record(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("e2m_task") && name.ends_with(".json")
}

/// Where variants of a task lie.
fn folder_of(task: &RecordedTask) -> Result<PathBuf, Refusal> {
    let folder = task_dir(&task.output_dir.join(FOLDER), &task.sample, &task.dye);
    folder.map_err(|error| Refusal::bad(error.to_string()))
}

/// The values that differ between records, by name, of each.
fn labels(records: &[(String, Manifest)]) -> Vec<BTreeMap<&'static str, String>> {
    let values = |manifest: &Manifest| -> BTreeMap<&'static str, ParamValue> {
        let values = manifest.params.non_default(Stage::LAST);
        values.map(|(spec, value)| (spec.name, value)).collect()
    };
    let all: Vec<_> = records
        .iter()
        .map(|(_, manifest)| values(manifest))
        .collect();
    let names: Vec<&'static str> = all.iter().flat_map(|one| one.keys().copied()).collect();
    let differs = |name: &str| {
        let mut each = all.iter().map(|one| one.get(name));
        let first = each.next();
        each.any(|other| Some(other) != first)
    };
    let own = |one: &BTreeMap<&'static str, ParamValue>| {
        let names = names.iter().filter(|name| differs(name));
        let text = |name: &str| {
            let value = one.get(name).or_else(|| default_of(name));
            value.map_or_else(String::new, ToString::to_string)
        };
        names.map(|name| (*name, text(name))).collect()
    };
    all.iter().map(own).collect()
}

fn default_of(name: &str) -> Option<&'static ParamValue> {
    let spec = REGISTRY.iter().find(|spec| spec.name == name);
    spec.map(|spec| &spec.default)
}

fn about(name: &str, manifest: &Manifest, values: &BTreeMap<&'static str, String>) -> Value {
    let label: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let alignment = manifest.alignment.as_ref();
    let alignment = alignment.filter(|alignment| alignment.is_judged());
    let scale = manifest.scales.moffat.as_ref();
    let found = manifest.detection.as_ref();
    let size = manifest.canvas.size();
    json!({
        "name": name,
        "label": label.join(", "),
        "width": size.width,
        "height": size.height,
        "status": manifest.status,
        "verdict": alignment.map(|alignment| alignment.verdict),
        "residual_median_px": alignment.and_then(|alignment| alignment.residual_median_px),
        "scale": scale.map(|scale| scale.value),
        "scale_std_error": scale.map(|scale| scale.std_error),
        "microbes": found.map(|found| found.microbes),
        "expected_false_microbes": found.map(|found| found.expected_false),
        "median_area_px": found.and_then(|found| found.median_area_px),
        "seconds": manifest.stages.iter().map(|stage| stage.seconds).sum::<f64>(),
    })
}

impl App {
    /// A variant of a task of a batch, by the name of its record.
    pub(crate) fn variant(&self, task: RecordedTask, name: &str) -> Result<RecordedTask, Refusal> {
        let nothing = || {
            Refusal::nothing(format!(
                "{}/{} has no variant {name:?}; go back and choose one of its list",
                task.sample, task.dye
            ))
        };
        // Only a name that is in the list leads anywhere.
        let path = records_of(self, &task)?.into_iter().find(|path| {
            let own = path.file_name().unwrap_or_default();
            own.to_str().is_some_and(|own| own == name)
        });
        let manifest = Manifest::open(&path.ok_or_else(nothing)?);
        let manifest = manifest.map_err(|error| Refusal::fault(error.to_string()))?;
        Ok(RecordedTask {
            output_dir: task.output_dir.join(FOLDER),
            params: Some(manifest.params),
            ..task
        })
    }
}
